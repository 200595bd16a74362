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
// then it finishes the events in progress. handle returns nil when the event is
// dealt with permanently (it is then acknowledged); any error leaves it to be
// delivered again. Consume does not return while the server is unavailable.
//
// It creates nothing: when the stream or the consumer is missing, Ready turns
// false, NeedsSetup receives, and Consume waits until an Ensure has succeeded.
func (b *Bus) Consume(ctx context.Context, parallel int, handle func(context.Context, Delivery) error) {
	failures := 0
	for ctx.Err() == nil {
		worked, err := b.fetch(ctx, parallel, handle)
		if worked {
			failures = 0
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		failures++
		if gone(err) {
			b.standing.lower()
			b.wake()
			select {
			case <-b.standing.raised():
			case <-ctx.Done():
			}
			pause(ctx, min(time.Duration(failures-1)*250*time.Millisecond, 5*time.Second))
			continue
		}
		if failures == 1 {
			b.o.Logger.Warn("events cannot be fetched; trying again", "error", err)
		}
		pause(ctx, min(time.Duration(failures)*250*time.Millisecond, 5*time.Second))
	}
}

// gone reports that the consumer or its stream was deleted, or is not there yet.
func gone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrConsumerDeleted)
}

// heartbeat is how often the server says that a request for events still
// waits; the client gives it up after two. A request that arrives while its
// consumer is being deleted is not answered at all.
const heartbeat = 2 * time.Second

// fetch hands out events until something fails; worked says that the server
// answered at least one request for events.
func (b *Bus) fetch(ctx context.Context, parallel int, handle func(context.Context, Delivery) error) (worked bool, _ error) {
	consumer, err := b.js.Consumer(ctx, b.o.Streams.Events.Name, intakeDurable)
	if err != nil {
		return false, err
	}
	slots := make(chan struct{}, parallel)
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		batch, err := consumer.Fetch(parallel, jetstream.FetchContext(ctx), jetstream.FetchHeartbeat(heartbeat))
		if err != nil {
			return worked, err
		}
		for msg := range batch.Messages() {
			worked = true
			if msg.Subject() == probeSubject {
				_ = msg.Ack()
				continue
			}
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				// An event in progress is finished even when ctx ends.
				if err := handle(context.WithoutCancel(ctx), delivery(msg)); err == nil {
					_ = msg.Ack() // a lost ack means one more, idempotent, delivery
				}
			})
		}
		if err := batch.Error(); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return worked, err
		}
		worked = true
	}
	return worked, nil
}

func delivery(msg jetstream.Msg) Delivery {
	h := msg.Headers()
	d := Delivery{msg: msg, Event: Event{
		ID: h.Get(jetstream.MsgIDHeader), Body: msg.Data(), SignedFor: h.Get(headerSignedFor),
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
