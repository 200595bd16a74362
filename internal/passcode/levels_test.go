package passcode

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEffective(t *testing.T) {
	t.Parallel()
	known := func(id string, v Values) Locks { return Locks{ID: id, Values: v, Known: true} }
	noLocks := Values{KeyPasscode: Off, KeyScheduled: Off, KeyWaitingRoom: Off, KeyAutoSecurity: Off, KeyAuthentication: Off}
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
		{"account locks", known("A", Values{KeyPasscode: On}), []Locks{known("G1", noLocks)}, On, LevelAccount, "A"},
		{"a second group locks", known("A", noLocks), []Locks{known("G1", noLocks), known("G2", Values{KeyPasscode: On})}, On, LevelGroup, "G2"},
		{"account beats group", known("A", Values{KeyPasscode: On}), []Locks{known("G1", Values{KeyPasscode: On})}, On, LevelAccount, "A"},
		{"account not read, group locks all the same", Locks{ID: "A"}, []Locks{known("G1", Values{KeyPasscode: On})}, On, LevelGroup, "G1"},
		{"account not read", Locks{ID: "A"}, nil, Unknown, "", ""},
		{"a group not read", known("A", noLocks), []Locks{{ID: "G1"}}, Unknown, "", ""},
		{"the account does not name it", known("A", Values{}), nil, Unknown, "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seen := time.Unix(1, 0)
			h := Effective(PlanPaid, User{Values: Values{KeyPasscode: On}, Seen: seen}, c.account, c.groups)
			want := Setting{Value: On, Lock: c.lock, LockLevel: c.level, LockedBy: c.by, Seen: seen}
			if h.Settings[KeyPasscode] != want {
				t.Errorf("got %+v, want %+v", h.Settings[KeyPasscode], want)
			}
		})
	}
}

func TestContradictingLocks(t *testing.T) {
	t.Parallel()
	group := func(id string, fixes Toggle) Locks {
		return Locks{ID: id, Known: true, Values: Values{KeyPasscode: On}, Fixed: Values{KeyPasscode: fixes}}
	}
	account := Locks{ID: "A", Known: true, Values: Values{KeyPasscode: Off}}
	cases := []struct {
		name          string
		account       Locks
		groups        []Locks
		contradiction bool
		by            string
	}{
		{"two groups fix the same", account, []Locks{group("G1", On), group("G2", On)}, false, "G1"},
		{"two groups fix opposites: the one in effect is named", account, []Locks{group("G1", Off), group("G2", On)}, true, "G2"},
		{"the order of the groups does not matter", account, []Locks{group("G2", On), group("G1", Off)}, true, "G2"},
		{"a group fixes what is not in effect", account, []Locks{group("G1", Off)}, true, "G1"},
		{"what a group fixes was not read", account, []Locks{group("G1", Unknown)}, false, "G1"},
		{"the account's lock beats contradicting groups", Locks{ID: "A", Known: true, Values: Values{KeyPasscode: On}, Fixed: Values{KeyPasscode: On}}, []Locks{group("G1", Off)}, false, "A"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := Effective(PlanPaid, User{Values: Values{KeyPasscode: On}}, c.account, c.groups).Settings[KeyPasscode]
			if s.Lock != On || s.Contradiction != c.contradiction || s.LockedBy != c.by {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestValuesAsJSON(t *testing.T) {
	t.Parallel()
	v := Values{KeyPasscode: On, KeyWaitingRoom: Off}
	b, err := json.Marshal(v)
	if err != nil || string(b) != `{"meeting_password":"on","waiting_room":"off"}` {
		t.Fatalf("%s %v", b, err)
	}
	var back Values
	if err := json.Unmarshal(b, &back); err != nil || back != v {
		t.Fatalf("%+v %v", back, err)
	}
}
