package bus

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Streams are the names and the retention of the three streams. What is not said,
// the zero value, is latchkey's default when it makes a stream, and stays as it is
// on one that is there: whoever set it by hand keeps it.
type Streams struct {
	Events, Alerts, Dead Stream
	// Dedup is for how long JetStream itself drops a message of an id that it has.
	// It only spares work: Postgres decides, whenever a retry comes.
	Dedup time.Duration
	// Replicas is 1, or 3 on a cluster.
	Replicas int
	// Existing: nothing is made and nothing changed; what is missing is said.
	Existing bool

	ackWait time.Duration // tests shorten it
}

// Stream is one stream's name and retention.
type Stream struct {
	// Name, if it is not said, is that of the stream which latchkey made, or its
	// default.
	Name   string
	MaxAge time.Duration
	// MaxBytes 0 means no limit. A full stream refuses new messages rather than
	// dropping old ones, so nothing that was accepted is lost.
	MaxBytes int64
}

// Subjects.
const (
	framePrefix = "zoom.events."
	eventPrefix = "zoom.event." // of single events, as earlier versions wrote them
	alertPrefix = "latchkey.alert."
	deadPrefix  = "latchkey.dead."

	framesDurable = "frames"
	intakeDurable = "intake" // of single events

	// Of no account.
	probeSubject    = framePrefix + "%probe"
	oldProbeSubject = eventPrefix + "%probe.latchkey.probe"
)

// Retention of the streams unless configured otherwise.
const (
	DefaultEventsAge = 7 * 24 * time.Hour
	DefaultAlertsAge = 30 * 24 * time.Hour
	DefaultDeadAge   = 30 * 24 * time.Hour
	// Zoom's retries end after 85 minutes (Z-HOOK-8).
	DefaultDedup = 2 * time.Hour
)

// The kinds of stream, which mark them as latchkey's in their metadata.
const (
	kindEvents = "events"
	kindAlerts = "alerts"
	kindDead   = "dead"

	ownerKey = "latchkey"
)

// kindOfStream is one of the three streams.
type kindOfStream struct {
	kind        string
	said        Stream
	name, old   string // latchkey's default name, and an earlier version's
	envName     string // the key that names it
	description string
	subject     string
	oldSubject  string // "": none; taken besides where an earlier version made the stream
	age         time.Duration
}

func (s Streams) kinds() []kindOfStream {
	return []kindOfStream{
		{kindEvents, s.Events, "LATCHKEY_EVENTS", "EVENTS", "LATCHKEY_STREAM_EVENTS", "Zoom's webhook events as they came; may hold passcodes", framePrefix + ">", eventPrefix + ">", DefaultEventsAge},
		{kindAlerts, s.Alerts, "LATCHKEY_ALERTS", "ALERTS", "LATCHKEY_STREAM_ALERTS", "latchkey's alerts, CloudEvents 1.0", alertPrefix + ">", "", DefaultAlertsAge},
		{kindDead, s.Dead, "LATCHKEY_DEAD", "DEAD", "LATCHKEY_STREAM_DEAD", "what could not be handled, with the reason; may hold passcodes", deadPrefix + ">", "", DefaultDeadAge},
	}
}

// config is how latchkey makes a stream that is not there.
func (s Streams) config(k kindOfStream, name string) jetstream.StreamConfig {
	age := cmp.Or(k.said.MaxAge, k.age)
	return jetstream.StreamConfig{
		Name: name, Description: k.description, Subjects: []string{k.subject}, Metadata: map[string]string{ownerKey: k.kind},
		Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
		MaxAge: age, MaxBytes: cmp.Or(k.said.MaxBytes, -1), MaxMsgs: -1, Replicas: cmp.Or(s.Replicas, 1),
		Duplicates: min(cmp.Or(s.Dedup, DefaultDedup), age),
	}
}

// maxAckPending bounds how many messages all workers together have in progress.
const maxAckPending = 512

// defaultAckWait is how long a worker may be silent about a message.
const defaultAckWait = 30 * time.Second

// consumer is the durable one of frames, or of single events.
func (s Streams) consumer(durable, subject string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: durable, Description: "latchkey's workers", Metadata: map[string]string{ownerKey: durable},
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: cmp.Or(s.ackWait, defaultAckWait), MaxAckPending: maxAckPending,
		MaxDeliver:    -1, // what cannot be handled is dead-lettered by name, never by count
		DeliverPolicy: jetstream.DeliverAllPolicy, FilterSubject: subject,
	}
}

// FrameSubject is where frames of an account's events are published. An account
// that is not known is "_".
func FrameSubject(accountID string) string { return framePrefix + token(accountID) }

// EventSubject names an event of an account in a dead letter; earlier versions
// published each event there.
func EventSubject(accountID, event string) string {
	return eventPrefix + token(accountID) + "." + tokens(event)
}

// AlertSubject is where an alert of an account is published.
func AlertSubject(accountID, kind string) string {
	return alertPrefix + token(accountID) + "." + tokens(kind)
}

// token makes one subject token of any text: what has a meaning in NATS, and
// '%' itself, is written as %XX.
//
// Nothing is "_", and "_" itself is written as %5F, so that two texts never
// share a token. Of a text that would be too long for a subject (the server
// cuts the connection at 4 KiB) the SHA-256 stands in, after "%~".
func token(s string) string {
	switch {
	case s == "":
		return "_"
	case s == "_":
		return "%5F"
	case len(s) > tokenMost:
		return fmt.Sprintf("%%~%x", sha256.Sum256([]byte(s)))
	}
	var b strings.Builder
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(".*>%", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// tokenMost is the longest text that becomes a token as it is.
const tokenMost = 100

// tokens keeps the dots between the parts of an event's name.
func tokens(s string) string {
	if len(s) > tokenMost {
		return token(s)
	}
	parts := strings.Split(s, ".")
	for i, p := range parts {
		parts[i] = token(p)
	}
	return strings.Join(parts, ".")
}
