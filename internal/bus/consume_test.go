package bus

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

func TestConsumeHandsOutWhatWasPublished(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	got := make(chan Delivery, 1)
	consuming(t, b, 4, func(_ context.Context, d Delivery) error { got <- d; return nil })
	d := next(t, got, "the event")
	want := event(1)
	if d.ID != want.ID || string(d.Body) != string(want.Body) || !d.ReceivedAt.Equal(want.ReceivedAt) || d.RequestID != want.RequestID || d.TraceParent != want.TraceParent || d.Name != want.Name || d.Attempt != 1 {
		t.Errorf("got %+v, want %+v", d, want)
	}
	testenv.Until(t, "acknowledged", func() bool { return pending(t, b) == 0 })
}

// pending is what the consumer has not got acknowledged yet.
func pending(t *testing.T, b *Bus) int {
	t.Helper()
	c, err := b.js.Consumer(t.Context(), "EVENTS", intakeDurable)
	noError(t, err)
	return c.CachedInfo().NumAckPending + int(c.CachedInfo().NumPending)
}

func TestConsumeAgainAfterAnError(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{ackWait: 200 * time.Millisecond})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	attempts := make(chan int, 10)
	consuming(t, b, 1, func(_ context.Context, d Delivery) error {
		attempts <- d.Attempt
		if d.Attempt < 3 {
			return errors.New("not yet")
		}
		return nil
	})
	for want := 1; want <= 3; want++ {
		if got := next(t, attempts, "a delivery"); got != want {
			t.Errorf("attempt %d, want %d", got, want)
		}
	}
	testenv.Until(t, "acknowledged", func() bool { return pending(t, b) == 0 })
}

// InProgress keeps a slow event from being delivered a second time.
func TestInProgressKeepsADelivery(t *testing.T) {
	t.Parallel()
	const wait = 500 * time.Millisecond
	b := ready(t, Streams{ackWait: wait})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	var deliveries atomic.Int32
	done := make(chan struct{})
	consuming(t, b, 4, func(_ context.Context, d Delivery) error {
		if deliveries.Add(1) > 1 {
			return nil
		}
		defer close(done)
		beat := time.NewTicker(wait / 10)
		defer beat.Stop()
		for end := time.After(3 * wait); ; {
			select {
			case <-beat.C:
				d.InProgress()
			case <-end:
				return nil
			}
		}
	})
	next(t, done, "the slow handler")
	testenv.Until(t, "acknowledged", func() bool { return pending(t, b) == 0 })
	if n := deliveries.Load(); n != 1 {
		t.Errorf("delivered %d times", n)
	}
}

func TestConsumeRunsSoManyAtOnce(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	const events, parallel = 20, 3
	for n := range events {
		noError(t, b.PublishEvent(t.Context(), event(n)))
	}
	var now, most, total atomic.Int32
	full := make(chan struct{})
	all := make(chan struct{})
	consuming(t, b, parallel, func(context.Context, Delivery) error {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		if n == parallel {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full // until so many run at once
		if total.Add(1) == events {
			close(all)
		}
		return nil
	})
	next(t, all, "all events")
	if got := most.Load(); got != parallel {
		t.Errorf("%d ran at once, want %d", got, parallel)
	}
}

// The stop comes while an event is in progress: it is finished, and acknowledged.
func TestConsumeFinishesEventsInProgress(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	begun, goOn := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	go func() {
		defer close(returned)
		b.Consume(ctx, 2, func(ctx context.Context, _ Delivery) error {
			close(begun)
			<-goOn
			return ctx.Err() // nil: its context goes on
		})
	}()
	next(t, begun, "the event")
	cancel()
	select {
	case <-returned:
		t.Error("returned with an event in progress")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	next(t, returned, "Consume's return")
	testenv.Until(t, "acknowledged", func() bool { return pending(t, b) == 0 })
}

// Consume says what is missing and waits; making it is the owner's.
func TestConsumeCreatesNothing(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	p := newTap(t, url)
	b := connect(t, url, Streams{})
	<-b.NeedsSetup() // the connection
	got := make(chan string, 100)
	consuming(t, b, 2, func(_ context.Context, d Delivery) error { got <- d.ID; return nil })
	for _, c := range []struct {
		name   string
		remove func() error
	}{
		{"never set up", func() error { return nil }},
		{"consumer deleted", func() error { return b.js.DeleteConsumer(t.Context(), "EVENTS", intakeDurable) }},
		{"stream deleted", func() error { return b.js.DeleteStream(t.Context(), "EVENTS") }},
	} {
		before := len(p.writes(b))
		noError(t, c.remove())
		next(t, b.NeedsSetup(), c.name)
		if b.Ready() || b.Check() == nil {
			t.Errorf("%s: ready", c.name)
		}
		if wrote := p.writes(b)[before:]; len(wrote) > 0 {
			t.Errorf("%s: Consume wrote %v", c.name, wrote)
		}
		noError(t, b.Ensure(t.Context()))
		id := "id-" + c.name
		noError(t, b.PublishEvent(t.Context(), Event{ID: id, AccountID: "a", Name: "x"}))
		for next(t, got, "an event after "+c.name) != id {
		}
	}
}

func TestConsumeSetsUpAgainWhatWasDeleted(t *testing.T) {
	t.Parallel()
	for name, remove := range map[string]func(context.Context, *Bus) error{
		"the consumer": func(ctx context.Context, b *Bus) error { return b.js.DeleteConsumer(ctx, "EVENTS", intakeDurable) },
		"the stream":   func(ctx context.Context, b *Bus) error { return b.js.DeleteStream(ctx, "EVENTS") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := ready(t, Streams{})
			owned(t, b)
			got := make(chan string, 100)
			consuming(t, b, 2, func(_ context.Context, d Delivery) error { got <- d.ID; return nil })
			noError(t, b.PublishEvent(t.Context(), event(1)))
			next(t, got, "the first event")

			noError(t, remove(t.Context(), b))
			testenv.Until(t, "it stands again", func() bool {
				_, err := b.js.Consumer(t.Context(), "EVENTS", intakeDurable)
				return err == nil
			})
			noError(t, b.PublishEvent(t.Context(), event(2)))
			for next(t, got, "the event after it") != "id-2" { // a new consumer starts at the first event: intake is idempotent
			}
		})
	}
}

func TestConsumeWhileTheServerIsUnavailable(t *testing.T) {
	t.Parallel()
	srv := testenv.NewRestartableNATS(t)
	b := connect(t, srv.URL(), Streams{})
	noError(t, b.Ensure(t.Context()))
	got := make(chan string, 100)
	stop := consuming(t, b, 2, func(_ context.Context, d Delivery) error { got <- d.ID; return nil })
	noError(t, b.PublishEvent(t.Context(), event(1)))
	next(t, got, "the first event")
	srv.Stop()
	testenv.Until(t, "disconnected", func() bool { return !b.nc.IsConnected() })
	srv.Start()
	testenv.Until(t, "connected again", b.nc.IsConnected)
	testenv.Until(t, "published", func() bool { return b.PublishEvent(t.Context(), event(2)) == nil })
	begun := time.Now()
	for next(t, got, "the event after the outage") != "id-2" {
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("the event came %v after the server", took)
	}
	srv.Stop()
	stop() // returns although nobody is there
}

func TestDeliveryOfAMessageThatSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	if _, err := b.js.Publish(t.Context(), "zoom.event.acc", []byte("x")); err != nil {
		t.Fatal(err)
	}
	got := make(chan Delivery, 1)
	consuming(t, b, 1, func(_ context.Context, d Delivery) error { got <- d; return nil })
	d := next(t, got, "the message")
	if d.ID != "" || d.ReceivedAt.IsZero() || strings.Contains(d.Name, "acc") {
		t.Errorf("%+v, want the stream's time for the one it has not", d)
	}
}
