package bus

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

func TestConsumeHandsOutWhatWasPublished(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	got := make(chan Frame, 1)
	consuming(t, b, 4, func(_ context.Context, f Frame) error { got <- f; return nil })
	f := next(t, got, "the event")
	d, want := f.Parts[0], event(1)
	if d.ID != want.ID || string(d.Body) != string(want.Body) || !d.ReceivedAt.Equal(want.ReceivedAt) || d.RequestID != want.RequestID || d.TraceParent != want.TraceParent || d.Name != want.Name || d.AccountID != want.AccountID || f.Attempt != 1 || len(f.Parts) != 1 {
		t.Errorf("got %+v, want %+v", d, want)
	}
	testenv.Until(t, "acknowledged", func() bool { return pending(t, b) == 0 })
}

// pending is what the consumer has not got acknowledged yet.
func pending(t *testing.T, b *Bus) int {
	t.Helper()
	c, err := b.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
	noError(t, err)
	return c.CachedInfo().NumAckPending + int(c.CachedInfo().NumPending)
}

func TestConsumeAgainAfterAnError(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{ackWait: 200 * time.Millisecond})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	attempts := make(chan int, 10)
	consuming(t, b, 1, func(_ context.Context, d Frame) error {
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
	consuming(t, b, 4, func(_ context.Context, d Frame) error {
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
	consuming(t, b, parallel, func(context.Context, Frame) error {
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
		b.Consume(ctx, 2, func(ctx context.Context, _ Frame) error {
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
	consuming(t, b, 2, func(_ context.Context, d Frame) error { got <- d.Parts[0].ID; return nil })
	for _, c := range []struct {
		name   string
		remove func() error
	}{
		{"never set up", func() error { return nil }},
		{"consumer deleted", func() error { return b.js.DeleteConsumer(t.Context(), "LATCHKEY_EVENTS", framesDurable) }},
		{"stream deleted", func() error { return b.js.DeleteStream(t.Context(), "LATCHKEY_EVENTS") }},
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
		"the consumer": func(ctx context.Context, b *Bus) error {
			return b.js.DeleteConsumer(ctx, "LATCHKEY_EVENTS", framesDurable)
		},
		"the stream": func(ctx context.Context, b *Bus) error { return b.js.DeleteStream(ctx, "LATCHKEY_EVENTS") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := ready(t, Streams{})
			owned(t, b)
			got := make(chan string, 100)
			consuming(t, b, 2, func(_ context.Context, d Frame) error { got <- d.Parts[0].ID; return nil })
			noError(t, b.PublishEvent(t.Context(), event(1)))
			next(t, got, "the first event")

			noError(t, remove(t.Context(), b))
			testenv.Until(t, "it stands again", func() bool {
				_, err := b.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
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
	stop := consuming(t, b, 2, func(_ context.Context, d Frame) error { got <- d.Parts[0].ID; return nil })
	noError(t, b.PublishEvent(t.Context(), event(1)))
	next(t, got, "the first event")
	srv.Stop()
	testenv.Until(t, "disconnected", func() bool { return !b.connected.Load() })
	srv.Start()
	testenv.Until(t, "connected again", b.connected.Load)
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

// A message that latchkey did not write is handed on whole, with what is wrong.
func TestAMessageThatSomebodyElseWrote(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	_, err := b.js.Publish(t.Context(), "zoom.events.acc", []byte("x"))
	noError(t, err)
	got := make(chan Frame, 1)
	consuming(t, b, 1, func(_ context.Context, f Frame) error { got <- f; return nil })
	f := next(t, got, "the message")
	if f.Problem == nil || len(f.Parts) != 1 || string(f.Parts[0].Body) != "x" || f.Parts[0].ReceivedAt.IsZero() {
		t.Errorf("%+v, want the whole of it, the stream's time and a problem", f)
	}
}

// A stream with single events, as an earlier version wrote them, is drained beside,
// and takes frames.
func TestSingleEventsOfAnEarlierVersionAreDrained(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	b := connect(t, url, Streams{})
	old := b.o.Streams.config(b.o.Streams.kinds()[0], "EVENTS")
	old.Subjects, old.Metadata = []string{eventPrefix + ">"}, nil // as an earlier version made it
	_, err := b.js.CreateStream(t.Context(), old)
	noError(t, err)
	consumer := b.o.Streams.consumer(intakeDurable, eventPrefix+">")
	_, err = b.js.CreateConsumer(t.Context(), "EVENTS", consumer)
	noError(t, err)
	single := event(1)
	_, err = b.js.PublishMsg(t.Context(), single.message(EventSubject(single.AccountID, single.Name)))
	noError(t, err)
	_, err = b.js.Publish(t.Context(), oldProbeSubject, nil)
	noError(t, err)

	noError(t, b.Ensure(t.Context()))
	noError(t, b.PublishEvent(t.Context(), event(2)))
	got := make(chan Frame, 10)
	consuming(t, b, 2, func(_ context.Context, f Frame) error { got <- f; return nil })
	seen := map[string]Event{}
	for range 2 {
		f := next(t, got, "both events")
		if f.Problem != nil || len(f.Parts) != 1 {
			t.Fatalf("%+v", f)
		}
		seen[f.Parts[0].ID] = f.Parts[0]
	}
	if e := seen["id-1"]; e.Name != single.Name || string(e.Body) != string(single.Body) || !e.ReceivedAt.Equal(single.ReceivedAt) || seen["id-2"].ID == "" {
		t.Errorf("%+v", seen)
	}
	if i := info(t, b, "EVENTS"); len(i.Config.Subjects) != 2 || i.Config.Metadata[ownerKey] != kindEvents {
		t.Errorf("the stream takes %v", i.Config.Subjects)
	}
}
