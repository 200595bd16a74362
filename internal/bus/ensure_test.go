package bus

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

func TestEnsureWritesNothingThatIsThere(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	p := newTap(t, url)
	b := connect(t, url, Streams{})
	noError(t, b.Ensure(t.Context()))
	first := p.writes(b)
	if want := []string{"STREAM.CREATE.LATCHKEY_EVENTS", "STREAM.CREATE.LATCHKEY_ALERTS", "STREAM.CREATE.LATCHKEY_DEAD", "CONSUMER.CREATE.LATCHKEY_EVENTS.frames.zoom.events.>"}; !slices.Equal(first, want) {
		t.Fatalf("on an empty server it wrote %v, want %v", first, want)
	}
	for range 3 {
		noError(t, b.Ensure(t.Context()))
	}
	other := connect(t, url, Streams{}) // another process with the same settings
	noError(t, other.Ensure(t.Context()))
	p.writes(other)
	if again := p.writes(b); len(again) != len(first) {
		t.Errorf("what stands was written again: %v", again[len(first):])
	}
}

// Two processes with different environments: the one that starts last wins, and
// neither changes the streams back.
func TestTwoProcessesDoNotFlipTheStreams(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	p := newTap(t, url)
	a, logA := logged(t, url, Streams{Events: Stream{MaxAge: 48 * time.Hour}})
	b, logB := logged(t, url, Streams{Events: Stream{MaxAge: 24 * time.Hour}})
	for range 5 {
		noError(t, a.Ensure(t.Context()))
		noError(t, b.Ensure(t.Context()))
	}
	p.writes(a)
	if n := p.count(b, "STREAM.UPDATE."); n != 1 {
		t.Errorf("%d stream updates, want the one of the second process's start", n)
	}
	if n := p.count(b, "CONSUMER.CREATE."); n != 1 {
		t.Errorf("%d consumer writes, want the creation", n)
	}
	if got := info(t, a, "LATCHKEY_EVENTS").Config.MaxAge; got != 24*time.Hour {
		t.Errorf("max_age %v", got)
	}
	if !a.Ready() || !b.Ready() {
		t.Error("not ready")
	}
	for _, want := range []string{"stream LATCHKEY_EVENTS", "max_age is 24h0m0s, here 48h0m0s"} {
		if strings.Count(logA.String(), want) != 1 {
			t.Errorf("the first process's log says %q %d times, want once:\n%s", want, strings.Count(logA.String(), want), logA)
		}
	}
	if strings.Contains(logB.String(), "level=WARN") {
		t.Errorf("the second process's log: %s", logB)
	}
}

// What an operator set on a stream, and latchkey does not set, stays.
func TestEnsureKeepsWhatOthersSet(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	b := connect(t, url, Streams{})
	noError(t, b.Ensure(t.Context()))
	cfg := info(t, b, "LATCHKEY_EVENTS").Config
	cfg.Compression, cfg.MaxMsgSize, cfg.Metadata = jetstream.S2Compression, 1<<21, map[string]string{"owner": "ops"}
	_, err := b.js.UpdateStream(t.Context(), cfg)
	noError(t, err)

	after := connect(t, url, Streams{Events: Stream{MaxAge: time.Hour}})
	noError(t, after.Ensure(t.Context()))
	got := info(t, after, "LATCHKEY_EVENTS").Config
	if got.MaxAge != time.Hour || got.Compression != jetstream.S2Compression || got.MaxMsgSize != 1<<21 || got.Metadata["owner"] != "ops" {
		t.Errorf("%+v", got)
	}
}

// Whoever calls, however many: what is missing is made once.
func TestManyAtOnceMakeItOnce(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	p := newTap(t, url)
	b := connect(t, url, Streams{})
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := b.Ensure(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := p.writes(b); len(got) != 4 {
		t.Errorf("%v, want three streams and a consumer", got)
	}
}
