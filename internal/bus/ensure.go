package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"
)

// setup is the state of Ensure, the only place that writes streams and
// consumers.
type setup struct {
	turn  chan struct{} // holds the one run in progress
	begun atomic.Int64  // runs so far
	// The rest belongs to the run in progress.
	good    int64             // the last run that succeeded
	settled map[string]bool   // created, updated or found right since the start
	warned  map[string]string // differences already logged, by name
}

func newSetup() setup {
	return setup{turn: make(chan struct{}, 1), settled: map[string]bool{}, warned: map[string]string{}}
}

// Ensure sets up the streams and the intake consumer: it looks first, creates
// what is missing, and once per process start, unless Options say CreateOnly,
// updates what differs from this process's settings. A difference that appears later was made by another
// process; it is logged and left alone, so that two processes with different
// settings do not undo each other's. What latchkey does not set stays as it is.
//
// Ensure may be called at any time; concurrent callers share one run. One
// owner should call it, at the start and when NeedsSetup says so.
func (b *Bus) Ensure(ctx context.Context) error {
	before := b.setup.begun.Load()
	select {
	case b.setup.turn <- struct{}{}:
		defer func() { <-b.setup.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if b.setup.good > before {
		return nil // a run that began after this call has done it
	}
	run := b.setup.begun.Add(1)
	if err := b.setUp(ctx); err != nil {
		return err
	}
	b.setup.good = run
	b.standing.raise()
	return nil
}

func (b *Bus) setUp(ctx context.Context) error {
	if !b.nc.IsConnected() {
		return errors.New("NATS is not connected")
	}
	// The body, its headers and the protocol's own must fit into one message.
	if most := b.nc.MaxPayload(); most < MaxBody+headerRoom {
		return fmt.Errorf("the NATS server takes messages of %d bytes only: set max_payload to 2MB in its configuration", most)
	}
	for _, want := range b.o.Streams.configs() {
		if err := b.ensureStream(ctx, want); err != nil {
			return fmt.Errorf("stream %s: %w", want.Name, err)
		}
	}
	consumers := []jetstream.ConsumerConfig{b.o.Streams.consumer(framesDurable, framePrefix+">")}
	if b.single.Load() {
		consumers = append(consumers, b.o.Streams.consumer(intakeDurable, eventPrefix+">"))
	}
	for _, want := range consumers {
		if err := b.ensureConsumer(ctx, b.o.Streams.Events.Name, want); err != nil {
			return fmt.Errorf("consumer %s: %w", want.Durable, err)
		}
	}
	return nil
}

func (b *Bus) ensureStream(ctx context.Context, want jetstream.StreamConfig) error {
	what := "stream " + want.Name
	s, err := b.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.missing(what)
		if _, err = b.js.CreateStream(ctx, want); err == nil {
			b.setup.settled[what] = true
			return nil
		}
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			s, err = b.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return err
	}
	there := s.CachedInfo().Config
	if want.Name == b.o.Streams.Events.Name && slices.Contains(there.Subjects, eventPrefix+">") {
		// An earlier version made it, and perhaps one is still running.
		want.Subjects = append(want.Subjects, eventPrefix+">")
		b.single.Store(true)
	}
	return b.settle(what, overlayStream(&there, want), func() error {
		_, err := b.js.UpdateStream(ctx, there)
		return err
	})
}

func (b *Bus) ensureConsumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	what := "consumer " + want.Durable
	c, err := b.js.Consumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		b.missing(what)
		if _, err = b.js.CreateConsumer(ctx, stream, want); err == nil {
			b.setup.settled[what] = true
			return nil
		}
		if errors.Is(err, jetstream.ErrConsumerExists) {
			c, err = b.js.Consumer(ctx, stream, want.Durable)
		}
	}
	if err != nil {
		return err
	}
	there := c.CachedInfo().Config
	return b.settle(what, overlayConsumer(&there, want), func() error {
		_, err := b.js.UpdateConsumer(ctx, stream, there)
		return err
	})
}

// missing notes that something of ours has to be created.
func (b *Bus) missing(what string) {
	b.standing.lower()
	if b.setup.settled[what] {
		b.o.Logger.Warn("the " + what + " was deleted, or the server's disk is new; creating it again")
	}
}

// settle updates what differs, if that was not done since the start. A refused
// update changed nothing and is tried again by the next run.
func (b *Bus) settle(what string, differences []string, update func() error) error {
	text := strings.Join(differences, ", ")
	switch {
	case text == "":
		b.setup.settled[what] = true
	case !b.setup.settled[what] && !b.o.CreateOnly:
		if err := update(); err != nil {
			return fmt.Errorf("%w (to be changed: %s)", err, text)
		}
		b.setup.settled[what] = true
		b.o.Logger.Info("the "+what+" has this process's settings now", "was", text)
	case b.setup.warned[what] != text:
		b.setup.warned[what] = text
		b.setup.settled[what] = true
		b.o.Logger.Warn("the "+what+" has other settings than this process's: they are left alone", "differs", text)
	}
	return nil
}

// overlay puts the value that latchkey sets on top of what is there, and names
// the difference.
func overlay[T any](differences *[]string, name string, there *T, here T) {
	if !reflect.DeepEqual(*there, here) {
		*differences = append(*differences, fmt.Sprintf("%s is %v, here %v", name, *there, here))
		*there = here
	}
}

// overlayStream covers every field that Streams.configs sets.
func overlayStream(there *jetstream.StreamConfig, want jetstream.StreamConfig) (d []string) {
	overlay(&d, "name", &there.Name, want.Name)
	overlay(&d, "description", &there.Description, want.Description)
	if !sameSet(there.Subjects, want.Subjects) {
		overlay(&d, "subjects", &there.Subjects, want.Subjects)
	}
	overlay(&d, "retention", &there.Retention, want.Retention)
	overlay(&d, "discard", &there.Discard, want.Discard)
	overlay(&d, "storage", &there.Storage, want.Storage)
	overlay(&d, "max_age", &there.MaxAge, want.MaxAge)
	overlay(&d, "max_bytes", &there.MaxBytes, want.MaxBytes)
	overlay(&d, "max_msgs", &there.MaxMsgs, want.MaxMsgs)
	overlay(&d, "num_replicas", &there.Replicas, want.Replicas)
	overlay(&d, "duplicate_window", &there.Duplicates, want.Duplicates)
	return d
}

func sameSet(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// overlayConsumer covers every field that Streams.consumer sets. What would be
// in the way of the filter goes.
func overlayConsumer(there *jetstream.ConsumerConfig, want jetstream.ConsumerConfig) (d []string) {
	overlay(&d, "durable_name", &there.Durable, want.Durable)
	overlay(&d, "description", &there.Description, want.Description)
	overlay(&d, "ack_policy", &there.AckPolicy, want.AckPolicy)
	overlay(&d, "ack_wait", &there.AckWait, want.AckWait)
	overlay(&d, "max_ack_pending", &there.MaxAckPending, want.MaxAckPending)
	overlay(&d, "max_deliver", &there.MaxDeliver, want.MaxDeliver)
	overlay(&d, "deliver_policy", &there.DeliverPolicy, want.DeliverPolicy)
	overlay(&d, "filter_subject", &there.FilterSubject, want.FilterSubject)
	if len(there.FilterSubjects) > 0 {
		overlay(&d, "filter_subjects", &there.FilterSubjects, nil)
	}
	return d
}

// standing says whether the streams and the consumer stand, as far as is known.
type standing struct {
	mu sync.Mutex
	up chan struct{} // closed while they do
}

func (s *standing) raise() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !closed(s.up) {
		close(s.up)
	}
}

func (s *standing) lower() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if closed(s.up) {
		s.up = make(chan struct{})
	}
}

// raised is closed once they stand.
func (s *standing) raised() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
