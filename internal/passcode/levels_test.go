package passcode

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEffective(t *testing.T) {
	t.Parallel()
	known := func(id string, v Values) Locks { return Locks{ID: id, Values: v, Known: true} }
	noLocks := Values{Passcode: Off, Scheduled: Off, WaitingRoom: Off, AutoSecurity: Off, Authentication: Off}
	cases := []struct {
		name    string
		account Locks
		groups  []Locks
		lock    Toggle
		level   Level
		by      string
	}{
		{"nothing locks", known("A", noLocks), []Locks{known("G1", noLocks)}, Off, "", ""},
		{"no groups", known("A", noLocks), nil, Off, "", ""},
		{"account locks", known("A", Values{Passcode: On}), []Locks{known("G1", noLocks)}, On, LevelAccount, "A"},
		{"a second group locks", known("A", noLocks), []Locks{known("G1", noLocks), known("G2", Values{Passcode: On})}, On, LevelGroup, "G2"},
		{"account beats group", known("A", Values{Passcode: On}), []Locks{known("G1", Values{Passcode: On})}, On, LevelAccount, "A"},
		{"account not read, group locks all the same", Locks{ID: "A"}, []Locks{known("G1", Values{Passcode: On})}, On, LevelGroup, "G1"},
		{"account not read", Locks{ID: "A"}, nil, Unknown, "", ""},
		{"a group not read", known("A", noLocks), []Locks{{ID: "G1"}}, Unknown, "", ""},
		{"the account does not name it", known("A", Values{}), nil, Unknown, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := time.Unix(1, 0)
			h := Effective(PlanPaid, Values{Passcode: On}, seen, c.account, c.groups)
			want := Setting{Value: On, Lock: c.lock, LockLevel: c.level, LockedBy: c.by, Seen: seen}
			if h.Passcode != want {
				t.Errorf("got %+v, want %+v", h.Passcode, want)
			}
		})
	}
}

func TestValuesAsJSON(t *testing.T) {
	t.Parallel()
	v := Values{Passcode: On, WaitingRoom: Off}
	b, err := json.Marshal(v)
	if err != nil || string(b) != `{"meeting_password":"on","waiting_room":"off"}` {
		t.Fatalf("%s %v", b, err)
	}
	var back Values
	if err := json.Unmarshal(b, &back); err != nil || back != v {
		t.Fatalf("%+v %v", back, err)
	}
}
