package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// natsMaxPayload holds a webhook body of 1 MiB and its headers.
const natsMaxPayload = 2 << 20

// NATSOptions says how to run the in-process NATS server.
type NATSOptions struct {
	// Dir holds JetStream's files. Required; created (0700) when missing. One
	// process at a time may use it.
	Dir string
	// Host to listen on; 127.0.0.1 when empty. Anything but a loopback address
	// is refused: this server speaks without TLS.
	Host string
	// Port to listen on; 0 takes a free one.
	Port int
	// DontListen serves only this process (InProcess); URL is then empty.
	DontListen bool
	// Token, when set, is asked of every client. URL and InProcess carry it.
	// Without one every user of this machine may connect.
	Token string
	// SyncAlways fsyncs each write before it is acknowledged: an ack then
	// means on disk. Without it JetStream syncs every two minutes.
	SyncAlways bool
	// Logger gets the server's log lines; slog.Default() when nil.
	Logger *slog.Logger
}

// NATS is a running in-process server with JetStream on file storage.
type NATS struct {
	o    NATSOptions
	lock *dirLock
	url  string

	mu  sync.Mutex
	srv *server.Server // another one after a Restart

	stop sync.Once
	done chan struct{} // closed when the server is down and the lock is released
}

// StartNATS starts a server and returns when it accepts connections, with
// the streams found in Dir recovered. An error wraps ErrInUse when another
// process uses Dir. The server lives until Stop, not until ctx ends; ctx only
// bounds the start.
func StartNATS(ctx context.Context, o NATSOptions) (*NATS, error) {
	if o.Dir == "" {
		return nil, errors.New("embedded: NATSOptions.Dir is required: it is where JetStream keeps its files")
	}
	if o.Host == "" {
		o.Host = "127.0.0.1"
	}
	if ip := net.ParseIP(o.Host); o.Host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("embedded: NATS host %q is not a loopback address; to serve other machines run a nats-server of your own and set NATS_URL", o.Host)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded: NATS folder: %w; choose one that can be written (LATCHKEY_STATE)", err)
	}
	lock, err := lockDir(o.Dir, "nats.lock")
	if err != nil {
		return nil, err
	}
	n := &NATS{o: o, lock: lock, done: make(chan struct{})}
	if err := n.start(ctx); err != nil {
		lock.release()
		return nil, err
	}
	return n, nil
}

// Restart shuts the server down and starts it again on the same folder and port:
// JetStream does not go on writing by itself after its disk was full. Clients
// reconnect. When it fails the server is down; call Restart again.
func (n *NATS) Restart(ctx context.Context) error {
	n.shutdown()
	return n.start(ctx)
}

func (n *NATS) start(ctx context.Context) error {
	o := n.o
	port := o.Port
	if port == 0 {
		port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(&server.Options{
		ServerName:    "latchkey",
		Host:          o.Host,
		Port:          port,
		DontListen:    o.DontListen,
		Authorization: o.Token,
		JetStream:     true,
		StoreDir:      o.Dir,
		SyncAlways:    o.SyncAlways,
		MaxPayload:    natsMaxPayload,
		NoSigs:        true, // signals are the application's

		DisableJetStreamBanner: true,
	})
	if err != nil {
		return fmt.Errorf("embedded: NATS: %w", err)
	}
	log := &natsLog{log: o.Logger.With("component", "nats")}
	srv.SetLoggerV2(log, false, false, false)

	n.mu.Lock()
	n.srv = srv
	n.mu.Unlock()
	started := make(chan struct{})
	go func() {
		defer close(started)
		srv.Start() // recovers the streams, listens, returns
	}()
	select {
	case <-started:
	case <-ctx.Done():
		// Recovery cannot be interrupted; the lock goes when it has ended.
		err := fmt.Errorf("embedded: NATS did not start in time: %w", context.Cause(ctx))
		<-started
		n.shutdown()
		return err
	}
	if msg := log.fatal(); msg != "" {
		n.shutdown()
		return fmt.Errorf("embedded: NATS in %s: %s", o.Dir, msg)
	}
	if !o.DontListen && n.url == "" {
		n.o.Port = srv.Addr().(*net.TCPAddr).Port // the same again after a Restart
		u := url.URL{Scheme: "nats", Host: net.JoinHostPort(o.Host, strconv.Itoa(srv.Addr().(*net.TCPAddr).Port))}
		if o.Token != "" {
			u.User = url.User(o.Token)
		}
		n.url = u.String()
	}
	return nil
}

// URL is what a client passes to nats.Connect, the token included; empty with
// DontListen. It stays the same for the server's life.
func (n *NATS) URL() string { return n.url }

// InProcess makes nats.Connect talk to this server through memory:
//
//	nats.Connect("", n.InProcess())
func (n *NATS) InProcess() nats.Option {
	return func(o *nats.Options) error {
		if n.o.Token != "" {
			o.Token = n.o.Token
		}
		return nats.InProcessServer(n)(o)
	}
}

// InProcessConn connects to the server as it is now, also after a Restart.
func (n *NATS) InProcessConn() (net.Conn, error) { return n.server().InProcessConn() }

func (n *NATS) server() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.srv
}

// Stop shuts the server down, waits until its files are closed, and releases
// the folder. When ctx ends first it returns ctx's error and the shutdown goes
// on. Calling it again is fine.
func (n *NATS) Stop(ctx context.Context) error {
	n.stop.Do(func() {
		go func() {
			defer close(n.done)
			n.shutdown()
			n.lock.release()
		}()
	})
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("embedded: NATS is still stopping: %w", context.Cause(ctx))
	}
}

func (n *NATS) shutdown() {
	srv := n.server()
	srv.Shutdown()
	srv.WaitForShutdown()
}
