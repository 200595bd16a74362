package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// TestManyEventsInOneTransaction: of several events each is recorded once, what is
// new is said, and all of it or nothing.
func TestManyEventsInOneTransaction(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	e := func(id string) Event {
		return Event{ID: id, AccountID: "acc", Name: "meeting.created", ReceivedAt: time.Now(), MeetingID: 1}
	}
	take := func(apply func(*IntakeTx, []bool) error, ids ...string) ([]bool, error) {
		var all []Event
		for _, id := range ids {
			all = append(all, e(id))
		}
		return s.Intake(t.Context(), "acc", all, apply)
	}
	nothing := func(*IntakeTx, []bool) error { return nil }
	fresh, err := take(nothing, "b", "a", "b", "c")
	if err != nil || !slices.Equal(fresh, []bool{true, true, false, true}) {
		t.Errorf("new are %v, %v", fresh, err)
	}
	failed := fmt.Errorf("no")
	if _, err := take(func(*IntakeTx, []bool) error { return failed }, "c", "d"); err == nil {
		t.Error("no error")
	}
	called := false
	fresh, err = take(func(_ *IntakeTx, fresh []bool) error {
		called = true
		if !slices.Equal(fresh, []bool{false, true}) {
			t.Errorf("new are %v", fresh)
		}
		return nil
	}, "c", "d")
	if err != nil || !slices.Equal(fresh, []bool{false, true}) || !called {
		t.Errorf("new are %v, %v", fresh, err)
	}
	if _, err := take(func(*IntakeTx, []bool) error { t.Error("called for nothing new"); return nil }, "a", "b"); err != nil {
		t.Error(err)
	}
	if n := value[int](t, s, `SELECT count(*) FROM events`); n != 4 {
		t.Errorf("%d events, want 4", n)
	}
}

// TestManyMeetingsAtOnce: what is written of many meetings in one statement is what
// one at a time writes, and of two passcodes of one meeting both are seen.
func TestManyMeetingsAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Date(2026, 11, 25, 12, 0, 0, 123_456_789, time.UTC)
	seenAs := func(m Meeting, n int) Meeting {
		m.Topic, m.HostID, m.Type, m.Passcode, m.ObservedAt = fmt.Sprint("topic ", n), "h", passcode.TypeScheduled, passcode.On, at
		m.Starts, m.Waits, m.SetBy = at.Add(time.Duration(n)*time.Hour), passcode.WaitsEveryone, "bob"
		return m
	}
	var told []int64
	rotated := func(m Meeting, p PasscodeSeen) Alert {
		told = append(told, m.ID)
		return Alert{AccountID: m.AccountID, Type: "meeting.passcode_changed", Subject: fmt.Sprint(m.ID), Data: []byte(`{"is": "data"}`)}
	}
	inEvent(t, s, func(tx *IntakeTx) error {
		all, err := tx.Meetings(t.Context(), []int64{3, 1, 2, 4})
		if err != nil || len(all) != 4 {
			t.Fatalf("%v, %v", all, err)
		}
		seen := []SeenMeeting{{seenAs(all[1], 1), &PasscodeSeen{Value: "one"}, "created", ""}, {seenAs(all[2], 2), &PasscodeSeen{Value: "two"}, "", ""}, {seenAs(all[3], 3), nil, "updated", ""},
			{seenAs(all[1], 9), &PasscodeSeen{Value: "0ne", Operator: "eve"}, "", ""}, {seenAs(all[2], 2), &PasscodeSeen{}, "", ""}, {seenAs(all[1], 10), &PasscodeSeen{Value: "0ne"}, "", ""}}
		return tx.SaveMeetings(t.Context(), seen, rotated)
	})
	for id, want := range map[int64]string{1: "topic 10|true|created", 2: "topic 2|false|", 3: "topic 3|true|updated", 4: "|false|"} {
		m := meeting(t, s, id)
		if got := fmt.Sprintf("%s|%t|%s", m.Topic, !m.DueAt.IsZero(), m.DueWhy); got != want {
			t.Errorf("meeting %d: %q, want %q", id, got, want)
		}
	}
	if m := meeting(t, s, 3); !m.ObservedAt.Equal(at.Truncate(time.Microsecond)) || m.Passcode != passcode.On || m.Waits != passcode.WaitsEveryone || m.SetBy != "bob" || !m.Starts.Equal(at.Add(3*time.Hour).Truncate(time.Microsecond)) {
		t.Errorf("%+v", m)
	}
	if got := value[string](t, s, `SELECT string_agg(meeting_id || ' ' || passcode || ' ' || state, ', ' ORDER BY meeting_id) FROM passcodes`); got != "1 0ne current, 2 two removed" {
		t.Errorf("passcodes: %s", got)
	}
	if got := value[string](t, s, `SELECT string_agg(meeting_id || ' ' || changed_by || ' ' || operator, ', ') FROM passcode_changes`); got != "1 zoom eve" || !slices.Equal(told, []int64{1}) {
		t.Errorf("changed: %s, told of %v", got, told)
	}
	if n := value[int](t, s, `SELECT count(*) FROM alerts WHERE subject = '1' AND data = '{"is": "data"}'`); n != 1 {
		t.Errorf("%d alerts", n)
	}
}
