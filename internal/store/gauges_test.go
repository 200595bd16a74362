package store

import (
	"testing"
	"time"
)

func TestGaugesSinceWhen(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	about := func(what string, got, want float64) {
		t.Helper()
		if got < want || got > want+60 {
			t.Errorf("%s: %v s, want %v", what, got, want)
		}
	}
	g, err := s.Gauges(t.Context())
	noError(t, err)
	if g.RetentionSeconds == 0 {
		t.Error("nothing was dropped yet, and no time has gone by")
	}
	if g.RetentionSeconds = 0; g != (Gauges{}) {
		t.Errorf("nothing waits: %+v", g)
	}

	// What NATS refused waits for an operator and says so itself; it must not hide that
	// the others go out.
	for _, id := range addAlerts(t, s, 2) {
		exec(t, s, `UPDATE alerts SET retry_at = now() + interval '1 hour' WHERE id = $1::uuid`, id)
	}
	g, err = s.Gauges(t.Context())
	noError(t, err)
	if g.AlertsUnpublished != 2 || g.AlertsRefused != 2 || g.AlertsUnpublishedSeconds != 0 {
		t.Errorf("two refused alerts of an hour ago: %+v", g)
	}
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, created_at) VALUES ('acc', 'meeting.repaired', '1', '{}', now() - interval '5 minutes')`)
	g, err = s.Gauges(t.Context())
	noError(t, err)
	about("the outbox", g.AlertsUnpublishedSeconds, 300)

	addMeeting(t, s, 1, "host", 24*time.Hour)
	exec(t, s, `UPDATE meetings SET due_at = now() - interval '2 hours'`)
	addMeeting(t, s, 2, "host", 5*time.Minute)
	exec(t, s, `UPDATE meetings SET due_at = now() - interval '10 minutes' WHERE meeting_id = 2`)
	addMeeting(t, s, 3, "host", -5*time.Hour) // over
	exec(t, s, `UPDATE meetings SET due_at = now() - interval '1 hour' WHERE meeting_id = 3`)
	g, err = s.Gauges(t.Context())
	noError(t, err)
	about("due", g.MeetingsDueSeconds, 2*3600)
	about("due and starting", g.StartingDueSeconds, 600)
}
