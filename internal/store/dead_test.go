package store

import (
	"testing"
	"time"
)

// TestDeadSeenIsNewsOnce: for each account, stage and cause, whatever the number of
// workers, and again only after a day without it.
func TestDeadSeenIsNewsOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	of := func(account, stage, cause string) DeadCause {
		return DeadCause{AccountID: account, Stage: stage, Cause: cause, At: time.Now()}
	}
	alerts := func() int { return value[int](t, s, `SELECT count(*) FROM alerts WHERE type = 'event.dead'`) }
	seen := func(c DeadCause) error {
		_, err := s.DeadSeen(t.Context(), c, Alert{AccountID: c.AccountID, Type: "event.dead", Subject: "x", Data: []byte(`{}`)})
		return err
	}
	one := of("acc", "intake", "why")
	for _, err := range atOnce(8, func(int) error { return seen(one) }) {
		noError(t, err)
	}
	if n := alerts(); n != 1 {
		t.Fatalf("%d alerts of one cause", n)
	}
	before := value[string](t, s, `SELECT xmin::text FROM dead_causes`)
	noError(t, seen(one))
	if after := value[string](t, s, `SELECT xmin::text FROM dead_causes`); after != before {
		t.Error("a flood of one cause writes its row each time")
	}
	for i, other := range []DeadCause{of("", "intake", "why"), of("acc", "ingest", "why"), of("acc", "intake", "another")} {
		noError(t, seen(other))
		noError(t, seen(other))
		if n := alerts(); n != i+2 {
			t.Errorf("%+v: %d alerts", other, n)
		}
	}
	for _, c := range []struct {
		quiet string
		want  int
	}{{"23 hours", 4}, {"23 hours", 4}, {"25 hours", 5}} {
		exec(t, s, `UPDATE dead_causes SET since = now() - interval '3 days', seen_at = now() - $1::interval WHERE account_id = 'acc' AND stage = 'intake' AND cause = 'why'`, c.quiet)
		for range 2 {
			noError(t, seen(one))
		}
		if n := alerts(); n != c.want {
			t.Errorf("after %s without it: %d alerts, want %d", c.quiet, n, c.want)
		}
	}
}

// What is left of an erased account is not noted, and what was noted is erased.
func TestDeadSeenOfAnErasedAccount(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	before := DeadCause{AccountID: "acc", Stage: "intake", Cause: "why", At: time.Now().Add(-time.Hour)}
	note := func(c DeadCause, want bool) {
		t.Helper()
		opened, err := s.DeadSeen(t.Context(), c, Alert{AccountID: "acc", Type: "event.dead", Subject: "acc", Data: []byte(`{}`)})
		if err != nil || opened != want {
			t.Errorf("opened %v, %v, want %v", opened, err, want)
		}
	}
	note(before, true)
	noError(t, s.Erase(t.Context(), "acc", "it removed the app", time.Now()))
	note(before, false)
	if n := value[int](t, s, `SELECT (SELECT count(*) FROM dead_causes) + (SELECT count(*) FROM alerts)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	after := before
	after.At = time.Now().Add(time.Hour)
	note(after, true)
}
