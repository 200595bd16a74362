package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// DeadLetter is one event that could not be handled. It is a message on the stream
// of dead letters, with the event's bytes as they came.
type DeadLetter struct {
	ID     uint64    // its number in the stream
	At     time.Time // when it was given up on
	Stage  string    // who gave up on it: ingest, intake, or delivery (see WatchAdvisories)
	Reason string    // never quotes the body
	// Event's Attempts counts this one: 1, and one more after each Redrive. Its ID is
	// "" where the message was no event that latchkey wrote.
	Event Event
}

// DeadFilter names some dead letters; what is "" lets all through.
type DeadFilter struct{ Stage, AccountID string }

func (f DeadFilter) subject() string {
	part := func(s string) string {
		if s == "" {
			return "*"
		}
		return token(s)
	}
	return deadPrefix + part(f.Stage) + "." + part(f.AccountID)
}

const headerAttempts = "Latchkey-Attempts"

// ErrNotDead says that there is no such dead letter.
var ErrNotDead = errors.New("there is no such dead letter (any more): it was redriven or dropped, or its time was up; `latchkey dead list` shows those that there are")

// PublishDead keeps an event that cannot be handled; stage says who gave up on
// it ("ingest", "intake"), reason why. The reason must not quote the body. The same
// event at the same stage and attempt is kept once, within Streams.Dedup.
func (b *Bus) PublishDead(ctx context.Context, stage, reason string, e Event) error {
	attempts := e.Attempts + 1
	m := e.message(deadPrefix + token(stage) + "." + token(e.AccountID))
	same := e.ID
	if same == "" {
		same = fmt.Sprintf("%x", sha256.Sum256(e.Body))
	}
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("%s.%s.%d", stage, same, attempts))
	m.Header.Set(headerReason, headerText(reason))
	m.Header.Set(headerSubject, EventSubject(e.AccountID, e.Name))
	for key, value := range map[string]string{headerEventID: e.ID, headerAccount: e.AccountID, headerEvent: e.Name, headerAttempts: attemptsText(attempts)} {
		if value != "" {
			m.Header.Set(key, headerText(value))
		}
	}
	return b.publish(ctx, m)
}

func attemptsText(n int) string {
	if n <= 0 {
		return ""
	}
	return strconv.Itoa(n)
}

func attemptsOf(s string) int {
	n, _ := strconv.Atoi(s)
	return max(n, 0)
}

// deadLetter reads a message of the stream of dead letters, also one that an
// earlier version wrote: that one's subjects alone name account and event.
func deadLetter(id uint64, at time.Time, subject string, h nats.Header, data []byte) DeadLetter {
	stage, account, _ := strings.Cut(strings.TrimPrefix(subject, deadPrefix), ".")
	d := DeadLetter{ID: id, At: at, Stage: stage, Reason: h.Get(headerReason), Event: Event{
		ID: h.Get(headerEventID), AccountID: h.Get(headerAccount), SignedFor: h.Get(headerSignedFor), Name: h.Get(headerEvent), Body: data,
		RequestID: h.Get(headerRequestID), TraceParent: h.Get(headerTraceParent), Attempts: attemptsOf(h.Get(headerAttempts)),
	}}
	d.Event.ReceivedAt, _ = time.Parse(time.RFC3339Nano, h.Get(headerReceivedAt))
	if d.Event.Attempts == 0 {
		d.Event.Attempts, d.Event.ID = 1, h.Get(jetstream.MsgIDHeader)
		d.Event.AccountID = untoken(account)
		_, name, _ := strings.Cut(strings.TrimPrefix(h.Get(headerSubject), eventPrefix), ".")
		d.Event.Name = untoken(name)
	}
	return d
}

// untoken undoes token, where it did not shorten.
func untoken(s string) string {
	if s == "_" {
		return ""
	}
	if text, err := url.PathUnescape(s); err == nil {
		return text
	}
	return s
}

// askWithin bounds the wait for one answer about dead letters.
const askWithin = 5 * time.Second

// DeadLetters yields the dead letters that the filter lets through, oldest first:
// those that are there when it begins, without what comes meanwhile. An error is
// the last thing it yields.
func (b *Bus) DeadLetters(ctx context.Context, f DeadFilter) iter.Seq2[DeadLetter, error] {
	return func(yield func(DeadLetter, error) bool) {
		s, err := b.deadStream(ctx)
		if err != nil {
			yield(DeadLetter{}, err)
			return
		}
		for seq, last := uint64(1), s.CachedInfo().State.LastSeq; seq <= last; seq++ {
			d, err := b.nextDead(ctx, s, seq, jetstream.WithGetMsgSubject(f.subject()))
			if errors.Is(err, ErrNotDead) || err == nil && d.ID > last {
				return
			}
			if !yield(d, err) || err != nil {
				return
			}
			seq = d.ID
		}
	}
}

// DeadLetter reads one; ErrNotDead when there is none of that number.
func (b *Bus) DeadLetter(ctx context.Context, id uint64) (DeadLetter, error) {
	s, err := b.deadStream(ctx)
	if err != nil {
		return DeadLetter{}, err
	}
	return b.nextDead(ctx, s, id)
}

func (b *Bus) deadStream(ctx context.Context) (jetstream.Stream, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	name := b.name(kindDead)
	s, err := b.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf("there is no stream %s of dead letters on this NATS server: are NATS_URL and LATCHKEY_STREAM_DEAD those of the running latchkey?", name)
	}
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w (%s)", name, err, right("STREAM.INFO", name))
	}
	return s, nil
}

func (b *Bus) nextDead(ctx context.Context, s jetstream.Stream, seq uint64, o ...jetstream.GetMsgOpt) (DeadLetter, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	m, err := s.GetMsg(ctx, seq, o...)
	if errors.Is(err, jetstream.ErrMsgNotFound) || seq == 0 {
		return DeadLetter{}, ErrNotDead
	}
	if err != nil {
		return DeadLetter{}, fmt.Errorf("read dead letter %d: %w (%s)", seq, err, right("STREAM.MSG.GET", b.name(kindDead)))
	}
	return deadLetter(m.Sequence, m.Time, m.Subject, m.Header, m.Data), nil
}

// right says which right a request needs: without it the server says nothing, and
// the request times out.
func right(call, stream string) string {
	return "this needs the right to publish to $JS.API." + call + "." + stream
}

// Redrive publishes the event of a dead letter again, and then deletes that. A
// crash between the two leaves both, which is harmless, as is doing it again:
// intake records an event once by its id.
func (b *Bus) Redrive(ctx context.Context, d DeadLetter) error {
	if d.Event.ID == "" {
		return errors.New("it is no event that latchkey wrote, so that it cannot be redriven: see what it is with `latchkey dead show --body`, then drop it")
	}
	if err := b.PublishEvent(ctx, d.Event); err != nil {
		return fmt.Errorf("%w; the dead letter is kept", err)
	}
	if err := b.DropDead(ctx, d.ID); err != nil && !errors.Is(err, ErrNotDead) { // another was faster
		return fmt.Errorf("its event is published again, but the dead letter is still there: %w", err)
	}
	return nil
}

// DropDead deletes a dead letter for good; ErrNotDead when there is none of that
// number. Its bytes are overwritten: they may hold a passcode.
func (b *Bus) DropDead(ctx context.Context, id uint64) error {
	s, err := b.deadStream(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	name := b.name(kindDead)
	if err = s.SecureDeleteMsg(ctx, id); err == nil {
		return nil
	}
	// The server has no error code of its own for a number that is not there.
	if _, missing := b.nextDead(ctx, s, id); errors.Is(missing, ErrNotDead) {
		return ErrNotDead
	}
	return fmt.Errorf("delete dead letter %d: %w (%s)", id, err, right("STREAM.MSG.DELETE", name))
}
