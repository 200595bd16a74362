package bus

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Frame is one message from the stream of events.
type Frame struct {
	Parts   []Event
	Attempt int // 1 for the first
	// Problem says why the message cannot be read; Parts then holds one event whose
	// body is the whole of it.
	Problem error
	msg     jetstream.Msg
}

// InProgress tells the server that the frame is still being worked on.
func (f Frame) InProgress() { _ = f.msg.InProgress() }

// Consume hands frames to handle, up to parallel at a time, until ctx ends; then
// it finishes those in progress. handle returns nil when every part is dealt with
// permanently (the frame is then acknowledged); any error leaves the whole of it to
// be delivered again. Consume does not return while the server is unavailable.
//
// It creates nothing: when a stream or a consumer is missing, Ready turns false,
// NeedsSetup receives, and Consume waits until an Ensure has succeeded. What
// earlier versions wrote, an event a message, is drained beside.
func (b *Bus) Consume(ctx context.Context, parallel int, handle func(context.Context, Frame) error) {
	var wg sync.WaitGroup
	wg.Go(func() { b.consume(ctx, framesDurable, parallel, framesTo(handle)) })
	wg.Go(func() { b.drain(ctx, parallel, handle) })
	wg.Wait()
}

// drain consumes single events, where the stream has a consumer of them.
func (b *Bus) drain(ctx context.Context, parallel int, handle func(context.Context, Frame) error) {
	for ctx.Err() == nil {
		select {
		case <-b.standing.raised():
		case <-ctx.Done():
			return
		}
		if b.single.Load() {
			b.consume(ctx, intakeDurable, parallel, framesTo(handle))
			return
		}
		pause(ctx, 10*time.Second)
	}
}

// framesTo hands a message on as a frame; what Probe published is dropped.
func framesTo(handle func(context.Context, Frame) error) func(context.Context, jetstream.Msg) error {
	return func(ctx context.Context, msg jetstream.Msg) error {
		if msg.Subject() == probeSubject || msg.Subject() == oldProbeSubject {
			return nil
		}
		return handle(ctx, frameOf(msg))
	}
}

func (b *Bus) consume(ctx context.Context, durable string, parallel int, handle func(context.Context, jetstream.Msg) error) {
	failures := 0
	for ctx.Err() == nil {
		worked, err := b.fetch(ctx, b.name(kindEvents), durable, parallel, handle)
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

// fetch hands out messages until something fails; worked says that the server
// answered at least one request for them.
func (b *Bus) fetch(ctx context.Context, stream, durable string, parallel int, handle func(context.Context, jetstream.Msg) error) (worked bool, _ error) {
	consumer, err := b.js.Consumer(ctx, stream, durable)
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
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				// What is in progress is finished even when ctx ends.
				if err := handle(context.WithoutCancel(ctx), msg); err == nil {
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

// frameOf reads a message: a frame, or a single event of an earlier version.
func frameOf(msg jetstream.Msg) Frame {
	f := Frame{msg: msg}
	stored := time.Time{}
	if meta, err := msg.Metadata(); err == nil {
		f.Attempt, stored = int(meta.NumDelivered), meta.Timestamp
	}
	f.Parts, f.Problem = read(msg.Subject(), msg.Headers(), msg.Data(), stored)
	return f
}

// read gives the events of a message on the stream of events. With a problem it is
// one event, whose body is the whole message.
func read(subject string, h nats.Header, data []byte, stored time.Time) (all []Event, problem error) {
	if strings.HasPrefix(subject, framePrefix) {
		if all, problem = parts(h, data); problem == nil {
			return all, nil
		}
	}
	e := Event{ID: h.Get(jetstream.MsgIDHeader), Body: data, SignedFor: h.Get(headerSignedFor),
		RequestID: h.Get(headerRequestID), TraceParent: h.Get(headerTraceParent)}
	if e.ReceivedAt, _ = time.Parse(time.RFC3339Nano, h.Get(headerReceivedAt)); e.ReceivedAt.IsZero() {
		e.ReceivedAt = stored
	}
	if _, rest, ok := strings.Cut(strings.TrimPrefix(subject, eventPrefix), "."); ok && problem == nil {
		e.Name = rest
	}
	return []Event{e}, problem
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
