// Package bus is latchkey's NATS JetStream: the streams, the subjects, what is
// published and what is consumed.
//
// EVENTS holds Zoom's webhook bodies as they came; they may carry passcodes, so
// the stream is secret material. ALERTS is for other services. DEAD keeps what
// could not be handled, with the reason.
package bus

import (
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
	Logger  *slog.Logger
}

// Bus is one connection. It is safe for concurrent use.
type Bus struct {
	o     Options
	nc    *nats.Conn
	js    jetstream.JetStream
	ready atomic.Bool
	// failing is set while what is published is not stored.
	failing atomic.Pointer[error]
}

// Connect makes a Bus. A server that is away is no error: the connection is
// tried until it stands, and again whenever it breaks.
func Connect(o Options) (*Bus, error) {
	o.Streams = o.Streams.withDefaults()
	log := o.Logger
	opts := append([]nats.Option{
		nats.Name("latchkey"),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.Timeout(5 * time.Second),
		// Publishing while disconnected must fail at once, not wait in a buffer
		// that dies with the process: ingest then answers 503 and Zoom retries.
		nats.ReconnectBufSize(-1),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS went away; trying to reconnect", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("NATS is back", "server", nc.ConnectedServerName()) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { log.Warn("NATS reported an error", "error", err) }),
	}, o.Connect...)
	nc, err := nats.Connect(o.URL, opts...)
	if bad := (*url.Error)(nil); errors.As(err, &bad) { // its text quotes the password
		return nil, errors.New("NATS_URL cannot be read: want nats://host:4222")
	}
	if err != nil {
		return nil, fmt.Errorf("NATS_URL: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("JetStream: %w", err)
	}
	return &Bus{o: o, nc: nc, js: js}, nil
}

// Close flushes and closes the connection.
func (b *Bus) Close() { b.nc.Close() }

// Ready reports whether the streams stand and the server is there.
func (b *Bus) Ready() bool { return b.Check() == nil }

// Check is Ready with the reason.
func (b *Bus) Check() error {
	switch {
	case !b.nc.IsConnected():
		return errors.New("NATS is not connected")
	case !b.ready.Load():
		return errors.New("the streams are not set up yet")
	case b.failing.Load() != nil:
		return fmt.Errorf("JetStream does not store: %w", *b.failing.Load())
	}
	return nil
}

// Failing reports whether the last publish failed although the server is there:
// its disk is full, or broke.
func (b *Bus) Failing() bool { return b.nc.IsConnected() && b.failing.Load() != nil }

// Probe publishes an event that nobody has a use for, to see whether the stream
// of events stores again; Consume throws it away.
func (b *Bus) Probe(ctx context.Context) error {
	return b.publish(ctx, nats.NewMsg(probeSubject))
}

// Ensure creates the streams and the intake consumer, or updates them to this
// version's configuration. It may be called again at any time.
func (b *Bus) Ensure(ctx context.Context) error {
	if !b.nc.IsConnected() {
		return errors.New("NATS is not connected")
	}
	// The body, its headers and the protocol's own must fit into one message.
	if most := b.nc.MaxPayload(); most < MaxBody+headerRoom {
		return fmt.Errorf("the NATS server takes messages of %d bytes only: set max_payload to 2MB in its configuration", most)
	}
	for _, cfg := range b.o.Streams.configs() {
		if _, err := b.js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("stream %s: %w", cfg.Name, err)
		}
	}
	if _, err := b.js.CreateOrUpdateConsumer(ctx, b.o.Streams.Events.Name, b.o.Streams.intake()); err != nil {
		return fmt.Errorf("consumer %s: %w", intakeDurable, err)
	}
	b.ready.Store(true)
	return nil
}

// MaxBody is the largest body that is published; ingest refuses larger ones.
const MaxBody = 1 << 20

const headerRoom = 16 << 10
