package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// intakeWorker is a worker of account "acc" on a database of its own, without a
// bus and without Zoom: taking in needs neither.
func intakeWorker(t *testing.T) *Worker {
	t.Helper()
	s, err := store.Open(testenv.PostgresURLFrom(t, "migrated", migrate))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return New(Options{Store: s, Account: "acc", Logger: slog.New(slog.DiscardHandler),
		Zoom: func(account string) (Zoom, bool) { return nil, account == "acc" },
		Rule: func(Who) Rule { return Rule{} }})
}

func created(ts, object string) string {
	return fmt.Sprintf(`{"event": "meeting.created", "event_ts": %s, "payload": {"account_id": "acc", "object": %s}}`, ts, object)
}

// Whatever an event holds, it is recorded at once or is unusable for good: one
// that could do neither would be tried for ever and hold up those behind it.
func TestRecordOfHostileEvents(t *testing.T) {
	t.Parallel()
	const ts = "1795435200000" // noon
	for name, c := range map[string]struct {
		body   string
		usable bool
	}{
		"a good one":               {created(ts, fullObject), true},
		"a type beyond int4":       {created(ts, `{"id": 85746065432, "type": 99999999999}`), true},
		"a negative type":          {created(ts, `{"id": 85746065432, "type": -99999999999}`), true},
		"a duration beyond all":    {created(ts, `{"id": 85746065432, "type": 2, "start_time": "2026-11-24T10:00:00Z", "duration": 9000000000000000000}`), true},
		"NUL in texts":             {created(ts, `{"id": 85746065432, "type": 2, "host_id": "h\u0000", "topic": "a\u0000b", "uuid": "\u0000"}`), true},
		"half a surrogate":         {created(ts, `{"id": 85746065432, "type": 2, "topic": "\ud800"}`), true},
		"the last year":            {created(ts, `{"id": 85746065432, "type": 2, "start_time": "9999-12-31T23:59:59Z", "duration": 1440}`), true},
		"a time to come":           {created("99999999999999", fullObject), true},
		"the largest time":         {created("9223372036854775807", fullObject), true},
		"the smallest time":        {created("-9223372036854775808", fullObject), true},
		"a passcode with a NUL":    {created(ts, `{"id": 85746065432, "type": 2, "password": "a\u0000b"}`), false},
		"no id":                    {created(ts, `{"type": 2}`), false},
		"a short id":               {created(ts, `{"id": 123}`), false},
		"an object that is a list": {created(ts, `[]`), false},
		"not JSON":                 {`{"event": `, false},
		"settings of nobody":       {`{"event": "user.settings_updated", "payload": {"object": {"id": "\u0000"}}}`, false},
		"an event of no use":       {`{"event": "meeting.sharing_started", "payload": {"object": {"id": 85746065432}}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := intakeWorker(t)
			recorded, err := w.record(t.Context(), Event{ID: "e", Body: []byte(c.body), ReceivedAt: noon})
			switch {
			case c.usable && (err != nil || !recorded):
				t.Errorf("recorded %v, %v (%v)", recorded, err, classify(err))
			case !c.usable && (err == nil || classify(err) != actDead):
				t.Errorf("%v is %v, want a dead letter", err, classify(err))
			}
			if !c.usable {
				return
			}
			m, err := w.o.Store.Meeting(t.Context(), 85746065432)
			if err != nil || m.DueAt.IsZero() || m.ObservedAt.After(noon.Add(skew)) {
				t.Errorf("due at %v, observed at %v, %v", m.DueAt, m.ObservedAt, err)
			}
		})
	}
}

// A passcode that was changed for another is not taken for the one that is
// known: joiners would be given the old one.
func TestRecordOfAChangedPasscode(t *testing.T) {
	t.Parallel()
	w := intakeWorker(t)
	take := func(id, body string) {
		t.Helper()
		if recorded, err := w.record(t.Context(), Event{ID: id, Body: []byte(body), ReceivedAt: noon}); err != nil || !recorded {
			t.Fatal(recorded, err)
		}
	}
	state := func() store.Meeting {
		m, err := w.o.Store.Meeting(t.Context(), 85746065432)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	take("1", created("1795435200000", fullObject))
	before := state()
	if before.MustRead {
		t.Fatal("what was created must be read: the rest would show nothing")
	}
	take("2", `{"event": "meeting.updated", "event_ts": 1795435201000, "payload": {"account_id": "acc", "object": {"id": 85746065432, "password": "s3cret"}}}`)
	if m := state(); m.MustRead || m.Generation != before.Generation {
		t.Errorf("the passcode that is known: must read %v, generation %d", m.MustRead, m.Generation)
	}
	take("3", `{"event": "meeting.updated", "event_ts": 1795435202000, "payload": {"account_id": "acc", "object": {"id": 85746065432, "password": "0ther"}}}`)
	if m := state(); !m.MustRead || m.Generation != before.Generation+1 {
		t.Errorf("another passcode: must read %v, generation %d", m.MustRead, m.Generation)
	}
}

// While the database is away an event is held, and given back at the stop.
func TestIntakeHoldsAnEventUntilTheStop(t *testing.T) {
	t.Parallel()
	w := intakeWorker(t)
	w.o.Store.Close() // as if it were away
	stop, cancel := context.WithCancel(t.Context())
	beats := make(chan struct{}, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- w.intake(stop)(t.Context(), Event{ID: "e", Body: []byte(created("1795435200000", fullObject)), ReceivedAt: noon, InProgress: func() { beats <- struct{}{} }})
	}()
	select {
	case <-beats: // it told the bus that it still has it
	case err := <-ended:
		t.Fatalf("given up: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("no sign of life")
	}
	cancel()
	if err := <-ended; err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("given back with %v, want the database's error", err)
	}
}
