package bus

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Streams are the names and the retention of the three streams.
type Streams struct {
	Events, Alerts, Dead Stream
	// Dedup is for how long JetStream itself drops an event that it has. It
	// only spares work: Postgres decides, whenever a retry comes.
	Dedup time.Duration
	// Replicas is 1, or 3 on a cluster.
	Replicas int

	ackWait time.Duration // tests shorten it
}

// Stream is one stream's name and retention.
type Stream struct {
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

func (s Streams) withDefaults() Streams {
	set := func(st *Stream, name string, age time.Duration) {
		if st.Name == "" {
			st.Name = name
		}
		if st.MaxAge == 0 {
			st.MaxAge = age
		}
	}
	set(&s.Events, "EVENTS", DefaultEventsAge)
	set(&s.Alerts, "ALERTS", DefaultAlertsAge)
	set(&s.Dead, "DEAD", DefaultDeadAge)
	if s.Dedup == 0 {
		s.Dedup = min(DefaultDedup, s.Events.MaxAge)
	}
	if s.Replicas == 0 {
		s.Replicas = 1
	}
	if s.ackWait == 0 {
		s.ackWait = defaultAckWait
	}
	return s
}

func (s Streams) configs() []jetstream.StreamConfig {
	one := func(st Stream, what string, subjects ...string) jetstream.StreamConfig {
		bytes := st.MaxBytes
		if bytes == 0 {
			bytes = -1
		}
		return jetstream.StreamConfig{
			Name: st.Name, Description: what, Subjects: subjects,
			Retention: jetstream.LimitsPolicy, Discard: jetstream.DiscardNew, Storage: jetstream.FileStorage,
			MaxAge: st.MaxAge, MaxBytes: bytes, MaxMsgs: -1, Replicas: s.Replicas,
			Duplicates: min(s.Dedup, st.MaxAge),
		}
	}
	return []jetstream.StreamConfig{
		one(s.Events, "Zoom's webhook events as they came; may hold passcodes", framePrefix+">"),
		one(s.Alerts, "latchkey's alerts, CloudEvents 1.0", alertPrefix+">"),
		one(s.Dead, "what could not be handled, with the reason; may hold passcodes", deadPrefix+">"),
	}
}

// maxAckPending bounds how many messages all workers together have in progress.
const maxAckPending = 512

// defaultAckWait is how long a worker may be silent about a message.
const defaultAckWait = 30 * time.Second

// consumer is the durable one of frames, or of single events.
func (s Streams) consumer(durable, subject string) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable: durable, Description: "latchkey's workers",
		AckPolicy: jetstream.AckExplicitPolicy, AckWait: s.ackWait, MaxAckPending: maxAckPending,
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
