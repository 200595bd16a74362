package bus

import (
	"log/slog"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestOneKindOfProcessSetsRetention: of several processes with several
// environments, those that only create leave what is there, however often they
// start; so retention does not flip.
func TestOneKindOfProcessSetsRetention(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	start := func(age time.Duration, createOnly bool) *Bus {
		t.Helper()
		b, err := Connect(Options{URL: url, CreateOnly: createOnly, Logger: slog.New(slog.DiscardHandler), Streams: Streams{Events: Stream{MaxAge: age}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		testenv.Until(t, "set up", func() bool { return b.Ensure(t.Context()) == nil })
		return b
	}
	age := func(b *Bus) time.Duration {
		t.Helper()
		s, err := b.js.Stream(t.Context(), "LATCHKEY_EVENTS")
		if err != nil {
			t.Fatal(err)
		}
		return s.CachedInfo().Config.MaxAge
	}
	ingest := start(time.Hour, true)
	if got := age(ingest); got != time.Hour {
		t.Errorf("ingest found nothing and created %v", got)
	}
	worker := start(3*time.Hour, false)
	if got := age(worker); got != 3*time.Hour {
		t.Errorf("the worker left %v", got)
	}
	for _, b := range []*Bus{ingest, start(2*time.Hour, true), worker} {
		for range 2 {
			if err := b.Ensure(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := age(b); got != 3*time.Hour {
				t.Errorf("it is %v now", got)
			}
		}
	}
}
