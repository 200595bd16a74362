package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoom"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// newIntake is an Intake of account "acc" on a database of its own, without a
// bus.
func newIntake(t *testing.T) *Intake {
	t.Helper()
	s, err := store.Open(testenv.PostgresURLFrom(t, "migrated", migrate))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return New(Options{Store: s, Guarded: []string{"acc"}, Logger: slog.New(slog.DiscardHandler),
		Governed: func(account string) bool { return account == "acc" },
		Dead:     func(context.Context, string, Event) error { return nil }})
}

// recordOne records one event, and says whether it was new.
func (in *Intake) recordOne(ctx context.Context, e Event) (bool, error) {
	counted := ""
	one := &Intake{o: in.o}
	one.o.Counted = func(result string) { counted = result }
	err := one.record(ctx, []Event{e})
	return counted == "recorded", err
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
		"a passcode with a NUL":    {created(ts, `{"id": 85746065432, "type": 2, "password": "a\u0000b"}`), true},
		"no id":                    {created(ts, `{"type": 2}`), false},
		"a short id":               {created(ts, `{"id": 123}`), false},
		"an object that is a list": {created(ts, `[]`), false},
		"not JSON":                 {`{"event": `, false},
		"settings of nobody":       {`{"event": "user.settings_updated", "payload": {"object": {"id": "\u0000"}}}`, false},
		"an event of no use":       {`{"event": "meeting.sharing_started", "payload": {"object": {"id": 85746065432}}}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newIntake(t)
			recorded, err := w.recordOne(t.Context(), Event{ID: "e", Body: []byte(c.body), ReceivedAt: noon})
			switch {
			case c.usable && (err != nil || !recorded):
				t.Errorf("recorded %v, %v (hopeless %v)", recorded, err, hopeless(err))
			case !c.usable && (err == nil || !hopeless(err)):
				t.Errorf("%v is not hopeless, want a dead letter", err)
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
	w := newIntake(t)
	now := time.Now()
	take := func(id, body string) {
		t.Helper()
		if recorded, err := w.recordOne(t.Context(), Event{ID: id, Body: []byte(body), ReceivedAt: now}); err != nil || !recorded {
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
	updated := func(at time.Duration, value string) string {
		return fmt.Sprintf(`{"event": "meeting.updated", "event_ts": %d, "payload": {"account_id": "acc", "object": {"id": 85746065432, "password": %q}}}`, now.Add(at).UnixMilli(), value)
	}
	take("1", created(fmt.Sprint(now.UnixMilli()), fullObject))
	before := state()
	if before.MustRead {
		t.Fatal("what was created must be read: the rest would show nothing")
	}
	take("2", updated(time.Second, "s3cret"))
	if m := state(); m.MustRead || m.Generation != before.Generation {
		t.Errorf("the passcode that is known: must read %v, generation %d", m.MustRead, m.Generation)
	}
	// A database whose clock is an hour behind Zoom's, or ahead: another passcode is
	// never dropped as seen already.
	take("3", updated(-time.Hour, "0ther"))
	if m := state(); !m.MustRead || m.Generation != before.Generation+1 {
		t.Errorf("another passcode: must read %v, generation %d", m.MustRead, m.Generation)
	}
}

// TestAnAccountThatIsNotGuarded: its events are recorded, nothing else of it is
// kept, and that they come is said in one alert.
func TestAnAccountThatIsNotGuarded(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	body := strings.Replace(created(fmt.Sprint(time.Now().UnixMilli()), fullObject), `"acc"`, `"typo"`, 1)
	for i := range 3 {
		recorded, err := in.recordOne(t.Context(), Event{ID: fmt.Sprint(i), Body: []byte(body), ReceivedAt: time.Now()})
		if err != nil || !recorded {
			t.Fatal(recorded, err)
		}
	}
	if _, err := in.o.Store.Meeting(t.Context(), 85746065432); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the meeting of an account that is not guarded is kept: %v", err)
	}
	troubles, err := in.o.Store.Troubles(t.Context(), "typo")
	if err != nil || len(troubles) != 1 || troubles[0].Call != store.CallNotGuarded || !strings.Contains(troubles[0].Detail, "it guards acc") {
		t.Errorf("troubles %+v, %v", troubles, err)
	}
	counts, err := in.o.Store.Counts(t.Context())
	if err != nil || counts.Events != 3 || counts.Alerts != 1 {
		t.Errorf("%+v, %v: want three events and one alert", counts, err)
	}
}

// TestAPanicIsADeadLetter: an event that latchkey cannot survive ends among the
// dead letters, and the others go on.
func TestAPanicIsADeadLetter(t *testing.T) {
	t.Parallel()
	in := newIntake(t)
	in.o.Governed = func(string) bool { panic("a defect") }
	var reason string
	in.o.Dead = func(_ context.Context, why string, _ Event) error { reason = why; return nil }
	e := Event{ID: "e", Body: []byte(created(fmt.Sprint(time.Now().UnixMilli()), fullObject)), ReceivedAt: time.Now()}
	if err := in.Handle(t.Context())(t.Context(), Frame{Events: []Event{e}}); err != nil || reason != "panic: a value of type string, not shown; the log has the stack" {
		t.Errorf("%v, dead for %q", err, reason)
	}
}

// TestKinds: the table of kinds is the one list of events: each has a reader,
// is wanted, and is in the subscription that docs/zoom-setup.md asks for.
func TestKinds(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/zoom-setup.md")
	if err != nil {
		t.Fatal(err)
	}
	asked := map[string][]string{}
	for _, line := range strings.Split(string(page), "\n") {
		section, names, ok := strings.Cut(strings.TrimPrefix(line, "- "), ": ")
		if ok && strings.HasPrefix(line, "- ") {
			section, _, _ = strings.Cut(section, " (")
			asked[section] = strings.Split(names, ", ")
		}
	}
	seen, want := map[string]bool{}, map[string][]string{}
	for _, k := range Kinds() {
		if k.read == nil || k.Touches == "" || seen[k.Name] || !Wanted(k.Name) {
			t.Errorf("%s: no reader, nothing touched, there twice or not wanted", k.Name)
		}
		seen[k.Name] = true
		if section, name, ok := strings.Cut(k.Subscribe, ": "); ok {
			want[section] = append(want[section], name)
		}
	}
	for section, names := range want {
		if !slices.Equal(asked[section], names) {
			t.Errorf("docs/zoom-setup.md asks for %s: %q, the table has %q", section, asked[section], names)
		}
	}
	for _, name := range []string{zoom.EventURLValidation, "", "Meeting.created", "meeting.created ", "meeting.participant_joined", "account.settings"} {
		if Wanted(name) {
			t.Errorf("Wanted(%q)", name)
		}
	}
}

// While the database is unavailable an event is held, and returned at the stop.
func TestIntakeHoldsAnEventUntilTheStop(t *testing.T) {
	t.Parallel()
	w := newIntake(t)
	w.o.Store.Close() // as if it were unavailable
	stop, cancel := context.WithCancel(t.Context())
	beats := make(chan struct{}, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- w.Handle(stop)(t.Context(), Frame{Events: []Event{{ID: "e", Body: []byte(created("1795435200000", fullObject)), ReceivedAt: noon}}, InProgress: func() { beats <- struct{}{} }})
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
		t.Errorf("returned with %v, want the database's error", err)
	}
}

// An event is the same one whenever it comes and whatever time it claims.
func TestAnEventIsTheSameWhateverItsTime(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, ts := range map[string]string{
		"now":                      fmt.Sprint(now.UnixMilli()),
		"a minute to come":         fmt.Sprint(now.Add(time.Minute).UnixMilli()),
		"a year to come":           fmt.Sprint(now.AddDate(1, 0, 0).UnixMilli()),
		"beyond what JSON can say": "978307199999",
		"before Zoom":              "978307200000",
		"none":                     "0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := newIntake(t)
			e := Event{ID: "e", Body: []byte(created(ts, `{"id": 81000000001}`)), ReceivedAt: now}
			for nth := range 3 {
				fresh, err := in.recordOne(t.Context(), e)
				if err != nil || fresh != (nth == 0) {
					t.Errorf("delivery %d: new %v, %v", nth+1, fresh, err)
				}
				e.ReceivedAt = e.ReceivedAt.Add(5 * time.Minute)
			}
		})
	}
}
