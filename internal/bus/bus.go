// Package bus is latchkey's NATS JetStream: the streams, the subjects, what is
// published and what is consumed.
//
// EVENTS holds Zoom's webhook bodies as they came, in frames of those of one account
// that waited at the same moment; they may carry passcodes, so the stream is secret
// material. ALERTS is for other services. DEAD keeps what
// could not be handled, with the reason.
package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Options configure a Bus.
type Options struct {
	URL     string        // nats://host:port, a comma-separated list for a cluster
	Connect []nats.Option // more of nats.go's own options: credentials, in-process server
	Streams Streams
	// CreateOnly: streams and the consumer are created where they are missing, and
	// left as they are where not.
	CreateOnly bool
	Logger     *slog.Logger

	ping time.Duration // tests shorten it
}

// pingEvery is how often the server is asked whether it is there. Two questions without
// an answer end the connection: a link that swallows everything and closes nothing is
// noticed within half a minute, not in the six minutes of nats.go's default, all of
// which ingest would answer 503 although the next server of the cluster is well.
const pingEvery = 10 * time.Second

// Bus is one connection. It is safe for concurrent use.
type Bus struct {
	o        Options
	nc       *nats.Conn
	js       jetstream.JetStream
	setup    setup
	standing standing
	gather   gatherer
	names    atomic.Pointer[map[string]string] // of the streams, by kind, once found
	single   atomic.Bool                       // the stream of events may hold single ones, of an earlier version
	needs    chan struct{}                     // see NeedsSetup
	problem  atomic.Pointer[error]             // why the last Ensure failed
	// connected is what the connection's handlers said last. The connection itself does
	// not answer while it dials, which takes seconds where packets vanish.
	connected atomic.Bool
	// failing is set while what is published is not stored.
	failing atomic.Pointer[error]
}

// Connect makes a Bus. An unavailable server is not an error: the connection is
// tried until it stands, and again whenever it breaks.
func Connect(o Options) (*Bus, error) {
	log := o.Logger
	b := &Bus{o: o, setup: newSetup(), needs: make(chan struct{}, 1)}
	told := make(chan struct{}) // that it is connected
	b.gather.publish = b.publish
	b.standing.up = make(chan struct{})
	opts := append([]nats.Option{
		nats.Name("latchkey"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.Timeout(5 * time.Second),
		nats.PingInterval(cmp.Or(o.ping, pingEvery)),
		nats.MaxPingsOutstanding(2),
		// Publishing while disconnected must fail at once, not wait in a buffer
		// that dies with the process: ingest then answers 503 and Zoom retries.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.connected.Store(false)
			if err != nil {
				log.Warn("NATS unavailable; reconnecting", "error", err)
			}
			b.wake()
		}),
		nats.ConnectHandler(func(*nats.Conn) { // perhaps after a start without a server
			b.connected.Store(true)
			close(told)
			b.wake()
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.connected.Store(true)
			log.Info("NATS is back", "server", nc.ConnectedServerName())
			b.wake() // its disk may be new
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS reported an error", "error", err) }),
	}, o.Connect...)
	var err error
	b.nc, err = nats.Connect(o.URL, opts...)
	if bad := (*url.Error)(nil); errors.As(err, &bad) { // its text quotes the password
		return nil, errors.New("NATS_URL cannot be read: want nats://host:4222")
	}
	if err != nil {
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	if b.nc.IsConnected() {
		<-told
	}
	if b.js, err = jetstream.New(b.nc); err != nil {
		b.nc.Close()
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	return b, nil
}

// Close waits for what is being published and closes the connection.
func (b *Bus) Close() {
	b.gather.wg.Wait()
	b.nc.Close()
}

// Ready reports whether the streams stand and the server is there.
func (b *Bus) Ready() bool { return b.Check() == nil }

// SetUp is closed once the streams stand. Unlike Ready it does not ask whether they
// store: what they hold can be consumed all the same.
func (b *Bus) SetUp() <-chan struct{} { return b.standing.raised() }

// Check is Ready with the reason.
func (b *Bus) Check() error {
	switch {
	case !b.connected.Load():
		return errors.New("NATS is not connected")
	case !closed(b.standing.raised()):
		if why := b.problem.Load(); why != nil {
			return fmt.Errorf("the streams are not set up: %w", *why)
		}
		return errors.New("the streams are not set up yet")
	case b.failing.Load() != nil:
		return fmt.Errorf("JetStream does not store: %w", *b.failing.Load())
	}
	return nil
}

// NeedsSetup receives when Ready has turned false, and when it can turn true
// again: the connection broke or stands again, a message was not stored, or
// Consume found its stream or consumer missing. It is for the one owner of the
// setup, who answers with Ensure; several reasons at once are received as one.
func (b *Bus) NeedsSetup() <-chan struct{} { return b.needs }

func (b *Bus) wake() {
	select {
	case b.needs <- struct{}{}:
	default: // the owner has yet to look
	}
}

// Failing reports whether the last publish failed although the server is there:
// its disk is full, or broke.
func (b *Bus) Failing() bool { return b.connected.Load() && b.failing.Load() != nil }

// Probe publishes an event that nobody has a use for, to see whether the stream
// of events stores again; Consume drops it.
func (b *Bus) Probe(ctx context.Context) error {
	return b.publish(ctx, nats.NewMsg(probeSubject))
}

// MaxBody is the largest body that is published; ingest refuses larger ones.
const MaxBody = 1 << 20

const headerRoom = 16 << 10
