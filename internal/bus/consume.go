package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Delivery is one event from the stream.
type Delivery struct {
	Event
	Attempt int // 1 for the first
	msg     jetstream.Msg
}

// InProgress tells the server that the delivery is still being worked on.
func (d Delivery) InProgress() { _ = d.msg.InProgress() }

// Consume hands events to handle, up to parallel at a time, until ctx ends;
// then it finishes what it has in hand. handle returns nil when the event is
// dealt with for good (it is then acknowledged); any error leaves it to be
// delivered again. Consume does not return while the server is away.
func (b *Bus) Consume(ctx context.Context, parallel int, handle func(context.Context, Delivery) error) {
	for failures := 0; ctx.Err() == nil; {
		err := b.fetch(ctx, parallel, handle)
		if err == nil || ctx.Err() != nil {
			failures = 0
			continue
		}
		failures++
		if failures == 1 {
			b.o.Logger.Warn("events cannot be fetched; trying again", "error", err)
		}
		pause(ctx, min(time.Duration(failures)*250*time.Millisecond, 5*time.Second))
	}
}

func (b *Bus) fetch(ctx context.Context, parallel int, handle func(context.Context, Delivery) error) error {
	consumer, err := b.js.Consumer(ctx, b.o.Streams.Events.Name, intakeDurable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) {
		// Somebody deleted it, or the broker's disk is new: set it up again.
		return b.Ensure(ctx)
	}
	if err != nil {
		return err
	}
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		batch, err := consumer.Fetch(parallel, jetstream.FetchContext(ctx))
		if err != nil {
			return err
		}
		for msg := range batch.Messages() {
			if msg.Subject() == probeSubject {
				_ = msg.Ack()
				continue
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				// What is in hand is finished even when ctx ends.
				if err := handle(context.WithoutCancel(ctx), delivery(msg)); err == nil {
					_ = msg.Ack() // a lost ack means one more, idempotent, delivery
				}
			})
		}
		if err := batch.Error(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
	}
	return nil
}

func delivery(msg jetstream.Msg) Delivery {
	h := msg.Headers()
	d := Delivery{msg: msg, Event: Event{
		ID: h.Get(jetstream.MsgIDHeader), Body: msg.Data(),
		RequestID: h.Get(headerRequestID), TraceParent: h.Get(headerTraceParent),
	}}
	d.ReceivedAt, _ = time.Parse(time.RFC3339Nano, h.Get(headerReceivedAt))
	if meta, err := msg.Metadata(); err == nil {
		d.Attempt = int(meta.NumDelivered)
		if d.ReceivedAt.IsZero() {
			d.ReceivedAt = meta.Timestamp
		}
	}
	if _, rest, ok := strings.Cut(strings.TrimPrefix(msg.Subject(), eventPrefix), "."); ok {
		d.Name = rest
	}
	return d
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
