package bus

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// owned runs the owner of a bus's setup, as keepStreams does in the application.
func owned(t testing.TB, b *Bus) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-b.NeedsSetup():
				// As in the application, a moment later: a stream that is made anew while its
				// old folder is still being removed cannot store, and nats-server does not mend it.
				select {
				case <-time.After(200 * time.Millisecond):
				case <-ctx.Done():
				}
				for b.Ensure(ctx) != nil && ctx.Err() == nil {
					// As in the application: until it works. A stream that is created while its
					// old folder is still being removed fails once.
					select {
					case <-time.After(50 * time.Millisecond):
					case <-ctx.Done():
					}
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
}

// What was reported once: nats-server races when streams are updated while a
// consumer is created. Now one run writes, whoever calls and consumes.
func TestEnsureAndConsumeSideBySide(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	p := newTap(t, url)
	b := connect(t, url, Streams{})
	owned(t, b)
	const events = 50
	var handled atomic.Int32
	for range 4 {
		consuming(t, b, 2, func(context.Context, Frame) error { handled.Add(1); return nil })
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				if err := b.Ensure(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := p.writes(b); len(got) != 4 {
		t.Errorf("%v, want three streams and a consumer", got)
	}
	for n := range events {
		noError(t, b.PublishEvent(t.Context(), event(n)))
		if n%10 == 5 {
			noError(t, b.js.DeleteConsumer(t.Context(), "LATCHKEY_EVENTS", framesDurable))
			testenv.Until(t, "the consumer stands again", func() bool {
				_, err := b.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
				return err == nil
			})
		}
	}
	testenv.Until(t, "every event is handled", func() bool { return int(handled.Load()) >= events && pending(t, b) == 0 })
	if n := p.count(b, "STREAM.UPDATE."); n != 0 {
		t.Errorf("%d stream updates", n)
	}
}

// A broken connection and one that stands again are for the owner to look at;
// so is a message that is not stored.
func TestNeedsSetup(t *testing.T) {
	t.Parallel()
	srv := testenv.NewRestartableNATS(t)
	srv.Stop()
	b := connect(t, srv.URL(), Streams{})
	srv.Start()
	next(t, b.NeedsSetup(), "the first connection")
	noError(t, b.Ensure(t.Context()))
	noError(t, b.PublishEvent(t.Context(), event(1)))
	select {
	case <-b.NeedsSetup():
		t.Error("needs setup although all is well")
	default:
	}

	noError(t, b.js.DeleteStream(t.Context(), "LATCHKEY_ALERTS"))
	for range 3 {
		if b.PublishAlert(t.Context(), Alert{ID: "a", AccountID: "x", Type: "y"}) == nil {
			t.Error("published to no stream")
		}
	}
	next(t, b.NeedsSetup(), "a message was not stored")
	select {
	case <-b.NeedsSetup():
		t.Error("reported one failure more than once")
	default:
	}
	noError(t, b.Ensure(t.Context()))
	noError(t, b.PublishAlert(t.Context(), Alert{ID: "a", AccountID: "x", Type: "y"}))

	srv.Stop()
	next(t, b.NeedsSetup(), "the connection broke")
	if b.Ready() {
		t.Error("ready")
	}
	srv.Start()
	next(t, b.NeedsSetup(), "the connection stands again")
}
