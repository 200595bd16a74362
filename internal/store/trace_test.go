package store

import (
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// A row keeps the trace of what made it due until that is dealt with: what makes it
// due by itself later is no part of it, and what came meanwhile is.
func TestTheTraceOfWhatIsDue(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	dueFor := func(trace string) {
		inEvent(t, s, func(tx *IntakeTx) error {
			tx.Trace = trace
			return tx.HostsChanged(t.Context(), []string{"h"}, time.Now(), "user.settings_updated")
		})
	}
	addMeeting(t, s, 1, "h", time.Hour)
	exec(t, s, `UPDATE meetings SET due_at = NULL, must_read = false`)
	traces := func(want string) {
		t.Helper()
		if got := value[string](t, s, `SELECT (SELECT due_trace FROM meetings) || '|' || (SELECT due_trace FROM hosts)`); got != want {
			t.Errorf("the traces are %s, want %s", got, want)
		}
	}
	dueFor("first")
	traces("first|first")
	c := claim(t, s, "w")
	noError(t, s.PutOff(t.Context(), c.Lease, 0, "again", ""))
	traces("first|first") // it is tried again for the same reason
	c, h := claim(t, s, "w"), claimHost(t, s)
	if c.Meeting.DueTrace != "first" || h.Host.DueTrace != "first" {
		t.Errorf("claimed with %q and %q", c.Meeting.DueTrace, h.Host.DueTrace)
	}
	dueFor("second") // meanwhile
	noError(t, s.Complete(t.Context(), c, Check{Meeting: decided(c, passcode.OutcomeJoinable, passcode.RemedyNone)}))
	_, _, err := s.CompleteHost(t.Context(), h, HostDone{})
	noError(t, err)
	traces("second|second")
	c, h = claim(t, s, "w"), claimHost(t, s)
	noError(t, s.Complete(t.Context(), c, Check{Meeting: decided(c, passcode.OutcomeJoinable, passcode.RemedyNone), Next: time.Now().Add(time.Hour), NextWhy: "later"}))
	_, _, err = s.CompleteHost(t.Context(), h, HostDone{Listed: []Listed{{ID: 2, Type: passcode.TypeScheduled}}})
	noError(t, err)
	inEvent(t, s, func(tx *IntakeTx) error {
		tx.Trace = "third"
		return tx.HostsSeen(t.Context(), []string{"h", "new"})
	})
	if got := value[string](t, s, `SELECT due_trace FROM hosts WHERE host_id = 'new'`); got != "third" {
		t.Errorf("a host seen for the first time has the trace %q", got)
	}
	exec(t, s, `DELETE FROM hosts WHERE host_id = 'new'`)
	if got := value[string](t, s, `SELECT string_agg(meeting_id || ' ' || due_trace, '|' ORDER BY meeting_id) || '|' || (SELECT due_trace FROM hosts) FROM meetings`); got != "1 |2 second|" {
		t.Errorf("in the end %q; want what was listed to have the host's, and nothing else any", got)
	}
}
