package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

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

// Ensure sets up the streams and the consumers: it looks first and creates what is
// missing; once per process start, unless Options say CreateOnly, it changes what
// this process's settings say otherwise. A difference that appears later was made by
// another process; it is logged and left alone, so that two processes with different
// settings do not undo each other's. What is not said stays as it is.
//
// What latchkey did not make is never changed: a *ForeignError says what stands
// there. With Streams.Existing nothing is changed or made, and a *MissingError says
// what is not there.
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
		b.problem.Store(&err)
		return err
	}
	b.problem.Store(nil)
	b.setup.good = run
	b.standing.raise()
	return nil
}

func (b *Bus) setUp(ctx context.Context) error {
	if !b.connected.Load() {
		return errors.New("NATS is not connected")
	}
	// The body, its headers and the protocol's own must fit into one message.
	if most := b.nc.MaxPayload(); most < MaxBody+headerRoom {
		return fmt.Errorf("the NATS server takes messages of %d bytes only: set max_payload to 2MB in its configuration", most)
	}
	if b.o.Streams.Existing {
		return b.checkExisting(ctx)
	}
	names, single := map[string]string{}, false
	for _, k := range b.o.Streams.kinds() {
		there, err := b.ensureStream(ctx, k)
		if err != nil {
			return err
		}
		names[k.kind] = there.Name
		single = single || k.kind == kindEvents && slices.Contains(there.Subjects, k.oldSubject)
	}
	b.names.Store(&names)
	consumers := []jetstream.ConsumerConfig{b.o.Streams.consumer(framesDurable, framePrefix+">")}
	if single {
		consumers = append(consumers, b.o.Streams.consumer(intakeDurable, eventPrefix+">"))
	}
	for _, want := range consumers {
		if err := b.ensureConsumer(ctx, names[kindEvents], want); err != nil {
			return fmt.Errorf("consumer %s of stream %s: %w", want.Durable, names[kindEvents], err)
		}
	}
	b.single.Store(single)
	return nil
}

// name is the name of a stream: as it was found, or as it will be made.
func (b *Bus) name(kind string) string {
	if found := b.names.Load(); found != nil {
		return (*found)[kind]
	}
	for _, k := range b.o.Streams.kinds() {
		if k.kind == kind {
			return cmp.Or(k.said.Name, k.name)
		}
	}
	return ""
}

// Names are those of the three streams, once they are set up.
func (b *Bus) Names() []string {
	return []string{b.name(kindEvents), b.name(kindAlerts), b.name(kindDead)}
}

// Locate finds the streams and changes nothing, for commands; those that are not
// there are called as they would be made.
func (b *Bus) Locate(ctx context.Context) error {
	names := map[string]string{}
	for _, k := range b.o.Streams.kinds() {
		names[k.kind] = cmp.Or(k.said.Name, k.name)
		there, err := b.find(ctx, k)
		switch {
		case err == nil:
			names[k.kind] = there.Name
		case !errors.Is(err, jetstream.ErrStreamNotFound):
			return fmt.Errorf("stream %s: %w", names[k.kind], err)
		}
	}
	b.names.Store(&names)
	return nil
}

// ensureStream finds the stream of that kind, or makes it, and returns it as it is
// then.
func (b *Bus) ensureStream(ctx context.Context, k kindOfStream) (jetstream.StreamConfig, error) {
	there, err := b.find(ctx, k)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want := b.o.Streams.config(k, cmp.Or(k.said.Name, k.name))
		b.missing("stream " + want.Name)
		_, err = b.js.CreateStream(ctx, want)
		switch {
		case err == nil:
			b.setup.settled["stream "+want.Name] = true
			return want, nil
		case errors.Is(err, jetstream.ErrStreamNameAlreadyInUse): // another process was faster
			there, err = b.find(ctx, k)
		default:
			return want, b.whyNot(ctx, k, want.Name, err)
		}
	}
	if err != nil {
		return there, fmt.Errorf("stream %s: %w", cmp.Or(there.Name, k.said.Name, k.name), err)
	}
	if !k.ours(there) {
		return there, foreign(k, there)
	}
	here := there
	changed, err := b.settle("stream "+there.Name, k.overlay(&here, b.o.Streams), func() error {
		_, err := b.js.UpdateStream(ctx, here)
		return err
	})
	switch {
	case err != nil:
		return there, fmt.Errorf("stream %s: %w", there.Name, err)
	case changed:
		return here, nil
	case !slices.Contains(there.Subjects, k.subject):
		return there, fmt.Errorf("stream %s does not take %s: an earlier version made it, and a worker of this one has to extend it", there.Name, k.subject)
	}
	return there, nil
}

// find reads the stream of that kind: by the name that was said, else by the name
// that an earlier version gave it, if that one is latchkey's, else by the default.
func (b *Bus) find(ctx context.Context, k kindOfStream) (jetstream.StreamConfig, error) {
	names := []string{k.said.Name}
	if k.said.Name == "" {
		names = []string{k.old, k.name}
	}
	for _, name := range names {
		s, err := b.lookUp(ctx, name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			continue
		}
		if err != nil {
			return jetstream.StreamConfig{Name: name}, err
		}
		if there := s.CachedInfo().Config; name != k.old || k.said.Name != "" || k.ours(there) {
			return there, nil
		}
	}
	return jetstream.StreamConfig{}, jetstream.ErrStreamNotFound
}

// lookWithin bounds the wait for one answer about what is there. A cluster does not
// answer at all about a stream whose leader is being elected, as while another process
// makes it: who waits on has lost the question, and asks again.
const lookWithin = 2 * time.Second

func (b *Bus) lookUp(ctx context.Context, stream string) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	return b.js.Stream(ctx, stream)
}

func (b *Bus) lookUpConsumer(ctx context.Context, stream, durable string) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	return b.js.Consumer(ctx, stream, durable)
}

// whyNot says more of a stream that could not be made: another may have its
// subjects.
func (b *Bus) whyNot(ctx context.Context, k kindOfStream, name string, err error) error {
	if other, lookErr := b.js.StreamNameBySubject(ctx, k.subject); lookErr == nil && other != name {
		return &ForeignError{Stream: other, Text: fmt.Sprintf("stream %s takes %s already, which latchkey needs for a stream of its own: it is left as it is; if it was made for latchkey, name it in %s", other, k.subject, k.envName)}
	}
	return fmt.Errorf("stream %s: %w", name, err)
}

// ForeignError says that a stream which latchkey did not make stands where it needs
// one of its own.
type ForeignError struct{ Stream, Text string }

func (e *ForeignError) Error() string { return e.Text }

func foreign(k kindOfStream, there jetstream.StreamConfig) error {
	return &ForeignError{Stream: there.Name, Text: fmt.Sprintf(
		"stream %s is there and latchkey did not make it (it takes %s, described as %q): it is left as it is; give latchkey another name with %s, or, if it was made for latchkey, set LATCHKEY_STREAMS=existing",
		there.Name, strings.Join(there.Subjects, " and "), there.Description, k.envName)}
}

// ours says whether latchkey made the stream: it has the mark, or the description
// that earlier versions gave theirs, and takes latchkey's subjects alone.
func (k kindOfStream) ours(there jetstream.StreamConfig) bool {
	for _, s := range there.Subjects {
		if s != k.subject && (k.oldSubject == "" || s != k.oldSubject) {
			return false
		}
	}
	mark, marked := there.Metadata[ownerKey]
	return mark == k.kind || !marked && there.Description == k.description
}

// overlay puts what is said on top of what is there, and names the differences.
func (k kindOfStream) overlay(there *jetstream.StreamConfig, s Streams) (d []string) {
	if there.Metadata[ownerKey] != k.kind {
		there.Metadata = maps.Clone(there.Metadata)
		if there.Metadata == nil {
			there.Metadata = map[string]string{}
		}
		there.Metadata[ownerKey] = k.kind
		d = append(d, "it is not marked as latchkey's")
	}
	if !slices.Contains(there.Subjects, k.subject) {
		d = append(d, fmt.Sprintf("subjects are %v, here %s too", there.Subjects, k.subject))
		there.Subjects = append(slices.Clone(there.Subjects), k.subject)
	}
	said(&d, "max_age", &there.MaxAge, k.said.MaxAge)
	said(&d, "max_bytes", &there.MaxBytes, k.said.MaxBytes)
	said(&d, "num_replicas", &there.Replicas, s.Replicas)
	if s.Dedup != 0 {
		said(&d, "duplicate_window", &there.Duplicates, min(s.Dedup, there.MaxAge))
	} else if there.Duplicates > there.MaxAge {
		said(&d, "duplicate_window", &there.Duplicates, there.MaxAge)
	}
	return d
}

// said puts a value on top of what is there, if it is said.
func said[T comparable](differences *[]string, name string, there *T, here T) {
	var nothing T
	if here != nothing && *there != here {
		*differences = append(*differences, fmt.Sprintf("%s is %v, here %v", name, *there, here))
		*there = here
	}
}

// ensureConsumer makes the consumer if it is missing. One that is there must do
// what is needed; the rest of it stays as it is.
func (b *Bus) ensureConsumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	c, err := b.lookUpConsumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		b.missing("consumer " + want.Durable)
		if _, err = b.js.CreateConsumer(ctx, stream, want); err == nil {
			b.setup.settled["consumer "+want.Durable] = true
			return nil
		}
		if errors.Is(err, jetstream.ErrConsumerExists) {
			c, err = b.lookUpConsumer(ctx, stream, want.Durable)
		}
	}
	if err != nil {
		return err
	}
	b.setup.settled["consumer "+want.Durable] = true
	return fits(c.CachedInfo().Config, want)
}

// fits says why a consumer that is there cannot be used.
func fits(there, want jetstream.ConsumerConfig) error {
	switch {
	case there.AckPolicy != jetstream.AckExplicitPolicy:
		return fmt.Errorf("its ack policy is %v: want explicit", there.AckPolicy)
	case there.FilterSubject != want.FilterSubject && !(there.FilterSubject == "" && len(there.FilterSubjects) == 0):
		return fmt.Errorf("it takes %q %v: want %s", there.FilterSubject, there.FilterSubjects, want.FilterSubject)
	case there.DeliverSubject != "":
		return errors.New("it pushes: want a pull consumer")
	}
	return nil
}

// missing notes that something of ours has to be created.
func (b *Bus) missing(what string) {
	b.standing.lower()
	if b.setup.settled[what] {
		b.o.Logger.Warn("the " + what + " was deleted, or the server's disk is new; creating it again")
	}
}

// settle updates what differs, if that was not done since the start, and says
// whether it did. A refused update changed nothing and is tried again by the next
// run.
func (b *Bus) settle(what string, differences []string, update func() error) (changed bool, _ error) {
	text := strings.Join(differences, ", ")
	switch {
	case text == "":
		b.setup.settled[what] = true
	case !b.setup.settled[what] && !b.o.CreateOnly:
		if err := update(); err != nil {
			return false, fmt.Errorf("%w (to be changed: %s)", err, text)
		}
		b.setup.settled[what] = true
		b.o.Logger.Info("the "+what+" has this process's settings now", "was", text)
		return true, nil
	case b.setup.warned[what] != text:
		b.setup.warned[what] = text
		b.setup.settled[what] = true
		b.o.Logger.Warn("the "+what+" has other settings than this process's: they are left alone", "differs", text)
	}
	return false, nil
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
