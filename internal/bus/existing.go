package bus

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// MissingError says what somebody else has to make, in words for whoever owns the
// NATS server.
type MissingError struct{ What, Make string }

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s (LATCHKEY_STREAMS=existing: latchkey makes nothing). Whoever owns the NATS server can make it so: %s", e.What, e.Make)
}

// checkExisting looks whether what latchkey needs is there, with the rights that its
// use takes and no more: ingest publishes, a worker consumes as well. It changes
// nothing.
func (b *Bus) checkExisting(ctx context.Context) error {
	if closed(b.standing.raised()) && !b.Failing() {
		return nil // seen once: what goes wrong later, publishing and consuming tell
	}
	events := b.o.Streams.kinds()[0]
	ack, err := b.js.PublishMsg(ctx, nats.NewMsg(probeSubject))
	switch {
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return &MissingError{What: "no stream takes " + events.subject, Make: b.howToMake(events)}
	case err != nil:
		return fmt.Errorf("publish to %s: %w: latchkey needs the right to publish there and to subscribe to its inbox (_INBOX.>)", events.subject, err)
	case events.said.Name != "" && ack.Stream != events.said.Name:
		return &ForeignError{Stream: ack.Stream, Text: fmt.Sprintf("stream %s takes %s, and %s names %s", ack.Stream, events.subject, events.envName, events.said.Name)}
	}
	// Dead letters, and a worker's alerts, must have somewhere to go before the first.
	for _, k := range b.o.Streams.kinds()[1:] {
		subject := alertPrefix + "%probe.x"
		if k.kind == kindDead {
			subject = deadPrefix + map[bool]string{true: "ingest", false: "intake"}[b.o.CreateOnly] + ".%probe"
		} else if b.o.CreateOnly {
			continue
		}
		if err := b.taken(ctx, subject, k); err != nil {
			return err
		}
	}
	names := map[string]string{kindEvents: ack.Stream}
	for _, k := range b.o.Streams.kinds()[1:] {
		names[k.kind] = k.said.Name
		if names[k.kind] == "" {
			names[k.kind] = k.name
		}
	}
	b.names.Store(&names)
	if b.o.CreateOnly {
		return nil // ingest consumes nothing
	}
	want := b.o.Streams.consumer(framesDurable, framePrefix+">")
	c, err := b.js.Consumer(ctx, ack.Stream, framesDurable)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		return &MissingError{What: fmt.Sprintf("stream %s has no consumer %s", ack.Stream, framesDurable),
			Make: fmt.Sprintf("nats consumer add %s %s --pull --deliver all --ack explicit --wait %s --max-deliver=-1 --max-pending %d --filter '%s' --defaults", ack.Stream, framesDurable, want.AckWait, want.MaxAckPending, want.FilterSubject)}
	case err != nil:
		return fmt.Errorf("consumer %s of stream %s: %w: latchkey needs the rights to publish to $JS.API.CONSUMER.INFO.%[2]s.%[1]s, $JS.API.CONSUMER.MSG.NEXT.%[2]s.%[1]s and $JS.ACK.%[2]s.%[1]s.>", framesDurable, ack.Stream, err)
	}
	if err := fits(c.CachedInfo().Config, want); err != nil {
		return fmt.Errorf("consumer %s of stream %s: %w", framesDurable, ack.Stream, err)
	}
	return nil
}

// taken asks whether a stream takes a subject, and leaves nothing there: what is
// published wants to come after a message that there never was.
func (b *Bus) taken(ctx context.Context, subject string, k kindOfStream) error {
	const wrongLastMessage jetstream.ErrorCode = 10070
	_, err := b.js.PublishMsg(ctx, nats.NewMsg(subject), jetstream.WithExpectLastMsgID("latchkey: is there a stream?"))
	var api *jetstream.APIError
	switch {
	case errors.As(err, &api) && api.ErrorCode == wrongLastMessage:
		return nil
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		return &MissingError{What: "no stream takes " + k.subject, Make: b.howToMake(k)}
	case err == nil:
		return fmt.Errorf("what answers for %s is no JetStream: it took a message that it should refuse", subject)
	}
	return fmt.Errorf("publish to %s: %w: latchkey needs the right to publish there", subject, err)
}

// howToMake is the command that makes a stream.
func (b *Bus) howToMake(k kindOfStream) string {
	name := k.said.Name
	if name == "" {
		name = k.name
	}
	c := b.o.Streams.config(k, name)
	return strings.Join([]string{"nats stream add", name, "--subjects", "'" + k.subject + "'", "--storage file --retention limits --discard new --max-age", c.MaxAge.String(),
		"--dupe-window", c.Duplicates.String(), "--replicas", fmt.Sprint(c.Replicas), "--defaults"}, " ")
}
