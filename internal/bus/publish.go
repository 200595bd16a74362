package bus

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Event is one webhook delivery as it travels.
type Event struct {
	ID          string // of the body
	AccountID   string
	SignedFor   string // the account whose app's secret signed it; "" where ingest was not told
	Name        string
	Body        []byte
	ReceivedAt  time.Time
	RequestID   string // x-zm-request-id
	TraceParent string
	Attempts    int // how often latchkey gave up on it before; see DeadLetter
}

// Headers of our own and of others'.
const (
	headerReceivedAt  = "Latchkey-Received-At"
	headerSignedFor   = "Latchkey-Signed-For"
	headerRequestID   = "X-Zm-Request-Id"
	headerTraceParent = "traceparent"
	headerReason      = "Latchkey-Reason"
	headerSubject     = "Latchkey-Subject"
)

func (e Event) message(subject string) *nats.Msg {
	m := nats.NewMsg(subject)
	m.Data = e.Body
	m.Header.Set(jetstream.MsgIDHeader, e.ID)
	m.Header.Set(headerReceivedAt, e.ReceivedAt.UTC().Format(time.RFC3339Nano))
	if e.SignedFor != "" {
		m.Header.Set(headerSignedFor, headerText(e.SignedFor))
	}
	if e.RequestID != "" {
		m.Header.Set(headerRequestID, e.RequestID)
	}
	if e.TraceParent != "" {
		m.Header.Set(headerTraceParent, e.TraceParent)
	}
	return m
}

// PublishEvent returns when JetStream has the event on disk, in one frame with
// others of its account that wait at the same moment. An error says nothing about
// whether it is there: it may be taken in twice, which Postgres settles.
func (b *Bus) PublishEvent(ctx context.Context, e Event) error { return b.gather.put(ctx, e) }

// Alert is one alert as it is published: CloudEvents 1.0, NATS binding, binary
// mode.
type Alert struct {
	ID        string
	Seq       int64 // above 0; a later alert has a greater one
	AccountID string
	Type      string // "meeting.repaired"
	Subject   string // what it is about: a meeting id
	Time      time.Time
	Data      []byte // JSON
	Trace     string // a traceparent; "" for none
}

// ErrRefused is in the errors of what is published where NATS works and will not have
// this message, since it is too large. Trying again now would be refused again.
var ErrRefused = errors.New("NATS refuses this message")

// refused tells that from what is the server's or the connection's matter, which
// goes away: anything that is not surely about the message.
func refused(err error) bool {
	const (
		messageTooLarge jetstream.ErrorCode = 10054
		headerTooLarge  jetstream.ErrorCode = 10097
	)
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) ||
		errors.As(err, &api) && (api.ErrorCode == messageTooLarge || api.ErrorCode == headerTooLarge)
}

// PublishAlert returns when JetStream has the alert on disk. An error that is not
// ErrRefused says nothing about whether it is there.
func (b *Bus) PublishAlert(ctx context.Context, a Alert) error {
	m := nats.NewMsg(AlertSubject(a.AccountID, a.Type))
	m.Data = a.Data
	for key, value := range map[string]string{
		jetstream.MsgIDHeader: a.ID,
		"ce-specversion":      "1.0",
		"ce-id":               a.ID,
		"ce-source":           "/latchkey/accounts/" + token(a.AccountID),
		"ce-type":             "latchkey." + a.Type,
		"ce-subject":          a.Subject,
		// The CloudEvents extension "sequence": a text that sorts.
		"ce-sequence":  fmt.Sprintf("%019d", a.Seq),
		"ce-time":      a.Time.UTC().Format(time.RFC3339Nano),
		"content-type": "application/json",
	} {
		m.Header.Set(key, value)
	}
	if a.Trace != "" { // the CloudEvents extension "distributed tracing"
		m.Header.Set("ce-traceparent", a.Trace)
	}
	return b.publish(ctx, m)
}

// lastAlerts is how many alerts are looked at for the greatest sequence: an alert that
// was refused at first comes with a smaller one than its predecessors.
const lastAlerts = 16

// LastAlertSeq is the greatest sequence among the newest alerts in the stream; 0 where
// there are none.
func (b *Bus) LastAlertSeq(ctx context.Context) (last int64, err error) {
	s, err := b.js.Stream(ctx, b.name(kindAlerts))
	if err != nil {
		return 0, fmt.Errorf("read the last alerts: %w", err)
	}
	for seq, n := s.CachedInfo().State.LastSeq, 0; seq >= max(s.CachedInfo().State.FirstSeq, 1) && n < lastAlerts; seq, n = seq-1, n+1 {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("read the last alerts: %w", err)
		}
		if n, err := strconv.ParseInt(m.Header.Get("ce-sequence"), 10, 64); err == nil {
			last = max(last, n)
		}
	}
	return last, nil
}

func (b *Bus) publish(ctx context.Context, m *nats.Msg) error {
	_, err := b.js.PublishMsg(ctx, m)
	if err != nil && refused(err) {
		return fmt.Errorf("publish to %s: %w: %w", m.Subject, ErrRefused, err)
	}
	if err != nil {
		if b.connected.Load() && !errors.Is(err, context.Canceled) {
			if b.failing.Swap(&err) == nil { // Check itself reports a broken connection
				b.wake()
			}
		}
		return fmt.Errorf("publish to %s: %w", m.Subject, err)
	}
	b.failing.Store(nil)
	return nil
}

// headerText keeps a text on one header line, in valid UTF-8.
func headerText(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	return strings.ToValidUTF8(s[:min(len(s), 1000)], "")
}
