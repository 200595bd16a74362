package bus

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// JetStream gives up on a message by itself when a consumer has a max_deliver,
// which an operator may set, or when somebody terminates it. It says so in an
// advisory, sent once to whoever listens. A small stream listens always, so that
// what was given up on while no worker ran is found by the next one.

// Durables of a worker's own; its streams' are in streams.go.
const (
	deadDurable     = "dead-watch"
	advisoryDurable = "latchkey-advisories"

	kindAdvisories = "advisories"
)

// advisoryKinds are the advisories that end a message.
var advisoryKinds = []string{"MAX_DELIVERIES", "MSG_TERMINATED"}

func (b *Bus) advisorySubjects() (all []string) {
	for _, kind := range advisoryKinds {
		all = append(all, "$JS.EVENT.ADVISORY.CONSUMER."+kind+"."+b.name(kindEvents)+".*")
	}
	return all
}

// WatchDead hands every dead letter to see, once in effect, until ctx ends. An
// error leaves it to be seen again later. It makes a consumer of its own.
func (b *Bus) WatchDead(ctx context.Context, see func(context.Context, DeadLetter) error) {
	stand := func(ctx context.Context) (string, error) {
		name := b.name(kindDead)
		return name, b.standConsumer(ctx, name, jetstream.ConsumerConfig{Durable: deadDurable, Description: "latchkey's workers, for alerts", FilterSubject: deadPrefix + ">"})
	}
	b.watch(ctx, "dead letters", stand, deadDurable, func(ctx context.Context, msg jetstream.Msg) error {
		meta, err := msg.Metadata()
		if err != nil {
			return nil // no message of a stream
		}
		return see(ctx, deadLetter(meta.Sequence.Stream, meta.Timestamp, msg.Subject(), msg.Headers(), msg.Data()))
	})
}

// WatchAdvisories puts what JetStream itself gave up on into the stream of dead
// letters, at stage "delivery", until ctx ends.
func (b *Bus) WatchAdvisories(ctx context.Context) {
	b.watch(ctx, "JetStream's advisories", b.standAdvisories, advisoryDurable, b.rescue)
}

// watch consumes what stand sets up. Nothing else waits for it: where it cannot
// be had, events are taken in all the same.
func (b *Bus) watch(ctx context.Context, what string, stand func(context.Context) (string, error), durable string, handle func(context.Context, jetstream.Msg) error) {
	for failures := 0; ctx.Err() == nil; {
		select {
		case <-b.standing.raised():
		case <-ctx.Done():
			return
		}
		stream, err := b.alone(ctx, stand)
		if err == nil {
			var worked bool
			if worked, err = b.fetch(ctx, stream, durable, 1, handle); worked {
				failures = 0
			}
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if failures++; failures == 2 { // a server that restarts is no news here
			b.o.Logger.Warn(what+" cannot be watched; trying again", "error", err)
		}
		pause(ctx, min(time.Duration(failures)*250*time.Millisecond, 30*time.Second))
	}
}

// alone runs stand while no Ensure does: one at a time writes streams and consumers.
func (b *Bus) alone(ctx context.Context, stand func(context.Context) (string, error)) (string, error) {
	select {
	case b.setup.turn <- struct{}{}:
		defer func() { <-b.setup.turn }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	return stand(ctx)
}

// standConsumer makes a consumer where it is missing.
func (b *Bus) standConsumer(ctx context.Context, stream string, want jetstream.ConsumerConfig) error {
	_, err := b.js.Consumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) && b.o.Streams.Existing {
		return &MissingError{What: fmt.Sprintf("stream %s has no consumer %s", stream, want.Durable), Make: fmt.Sprintf("nats consumer add %s %s --pull --deliver all --ack explicit --defaults", stream, want.Durable)}
	}
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		want.AckPolicy, want.AckWait = jetstream.AckExplicitPolicy, cmp.Or(b.o.Streams.ackWait, defaultAckWait)
		if _, err = b.js.CreateConsumer(ctx, stream, want); errors.Is(err, jetstream.ErrConsumerExists) {
			err = nil // another worker was faster
		}
	}
	if err != nil {
		return fmt.Errorf("consumer %s of stream %s: %w", want.Durable, stream, err)
	}
	return nil
}

// standAdvisories returns the stream that keeps the advisories: one that an
// operator has for them already, else one that it makes.
func (b *Bus) standAdvisories(ctx context.Context) (string, error) {
	subjects := b.advisorySubjects()
	name, err := b.js.StreamNameBySubject(ctx, subjects[0])
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		name = b.name(kindDead) + "_ADVISORIES"
		if b.o.Streams.Existing {
			return "", &MissingError{What: fmt.Sprintf("no stream keeps JetStream's advisories about events it gave up on (%s)", strings.Join(subjects, ", ")),
				Make: "nats stream add " + name + " --subjects '" + strings.Join(subjects, ",") + "' --storage file --max-age 168h --defaults"}
		}
		like := b.o.Streams.config(b.o.Streams.kinds()[0], name)
		_, err = b.js.CreateStream(ctx, jetstream.StreamConfig{Name: name, Description: "JetStream's own advisories about events it gave up on, for latchkey's workers",
			Subjects: subjects, Metadata: map[string]string{ownerKey: kindAdvisories}, MaxAge: like.MaxAge, Replicas: like.Replicas, Duplicates: like.Duplicates})
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another worker was faster, or it is somebody else's
			var s jetstream.Stream
			if s, err = b.js.Stream(ctx, name); err == nil && s.CachedInfo().Config.Metadata[ownerKey] != kindAdvisories {
				err = &ForeignError{Stream: name, Text: "stream " + name + " is there and latchkey did not make it: it is left as it is, and what JetStream gives up on is not seen"}
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf("a stream for %v: %w", subjects, err)
	}
	return name, b.standConsumer(ctx, name, jetstream.ConsumerConfig{Durable: advisoryDurable, Description: "latchkey's workers, for dead letters", FilterSubjects: subjects})
}

// rescue puts each event of the message that an advisory is about into the stream
// of dead letters. Doing it again keeps each once: PublishDead names them.
func (b *Bus) rescue(ctx context.Context, msg jetstream.Msg) error {
	var a struct {
		Type       string `json:"type"`
		Consumer   string `json:"consumer"`
		Seq        uint64 `json:"stream_seq"`
		Deliveries int    `json:"deliveries"`
	}
	if err := json.Unmarshal(msg.Data(), &a); err != nil || !slices.Contains([]string{framesDurable, intakeDurable}, a.Consumer) {
		return nil // of another service's consumer
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	s, err := b.js.Stream(ctx, b.name(kindEvents))
	if err != nil {
		return err
	}
	m, err := s.GetMsg(ctx, a.Seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		b.o.Logger.Warn("an event that JetStream gave up on is gone from its stream: its time was up, or its account was erased", "stream_seq", a.Seq, "consumer", a.Consumer)
		return nil
	}
	if err != nil {
		return err
	}
	if m.Subject == probeSubject || m.Subject == oldProbeSubject {
		return nil
	}
	reason := fmt.Sprintf("delivered %d times without success (max deliver of consumer %s)", a.Deliveries, a.Consumer)
	if a.Type == "io.nats.jetstream.advisory.v1.terminated" {
		reason = fmt.Sprintf("terminated by a client of consumer %s after %d deliveries", a.Consumer, a.Deliveries)
	}
	all, _ := read(m.Subject, m.Header, m.Data, m.Time)
	for _, e := range all {
		if err := b.PublishDead(ctx, "delivery", reason, e); err != nil {
			return err
		}
	}
	b.o.Logger.Warn("events that JetStream gave up on moved to the dead-letter stream", "reason", reason, "events", len(all), "stream_seq", a.Seq)
	return nil
}
