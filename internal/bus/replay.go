package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Replay hands the frames of the stream of events that were stored since then to
// handle, oldest first, one at a time, up to the last that is there when it begins:
// of one account, or of all for "". What workers consume and acknowledge is not
// touched. An error of handle ends it.
//
// Ensure must have succeeded.
func (b *Bus) Replay(ctx context.Context, since time.Time, account string, handle func(context.Context, Frame) error) error {
	s, err := b.js.Stream(ctx, b.name(kindEvents))
	if err != nil {
		return fmt.Errorf("replay: stream %s: %w", b.name(kindEvents), err)
	}
	last := s.CachedInfo().State.LastSeq
	filter := []string{framePrefix + ">"}
	if account != "" {
		filter[0] = FrameSubject(account)
	}
	if b.single.Load() {
		old := eventPrefix + ">"
		if account != "" {
			old = eventPrefix + token(account) + ".>"
		}
		filter = append(filter, old)
	}
	c, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{FilterSubjects: filter, DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since})
	if err != nil {
		return fmt.Errorf("replay: stream %s: %w", b.name(kindEvents), err)
	}
	for ctx.Err() == nil {
		msg, err := c.Next(jetstream.FetchMaxWait(2 * time.Second))
		if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
			return nil // nothing (more) to be had
		}
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("replay: %w", err)
		}
		if meta.Sequence.Stream > last {
			return nil
		}
		if msg.Subject() != probeSubject && msg.Subject() != oldProbeSubject {
			if err := handle(ctx, frameOf(msg)); err != nil {
				return err
			}
		}
		if meta.Sequence.Stream == last || meta.NumPending == 0 {
			return nil
		}
	}
	return ctx.Err()
}

// Acknowledged says which messages of the stream of events are there and were
// acknowledged by workers: from first to last; last is below first where none was.
func (b *Bus) Acknowledged(ctx context.Context) (first, last uint64, err error) {
	s, err := b.js.Stream(ctx, b.name(kindEvents))
	if err != nil {
		return 0, 0, err
	}
	c, err := b.js.Consumer(ctx, b.name(kindEvents), framesDurable)
	if err != nil {
		return 0, 0, err
	}
	return max(s.CachedInfo().State.FirstSeq, 1), c.CachedInfo().AckFloor.Stream, nil
}

// EventsBefore returns the events of up to n messages of the stream, from that one
// downwards.
func (b *Bus) EventsBefore(ctx context.Context, last uint64, n int) ([]Event, error) {
	s, err := b.js.Stream(ctx, b.name(kindEvents))
	if err != nil {
		return nil, err
	}
	var all []Event
	for seq := last; seq > 0 && n > 0; seq, n = seq-1, n-1 {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if events, err := parts(m.Header, m.Data); err == nil {
			all = append(all, events...)
		}
	}
	return all, nil
}
