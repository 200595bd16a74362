package testenv

import (
	"context"
	"net/url"
	"strconv"
	"testing"

	"latchkey/internal/embedded"
)

// NATS returns a fresh in-process server with JetStream, listening on a
// loopback port of its own. It does not sync each write (see NATSSynced). It
// is stopped when the test ends.
func NATS(t testing.TB) *embedded.NATS {
	t.Helper()
	return startNATS(t, embedded.NATSOptions{Dir: t.TempDir()})
}

// NATSSynced is NATS as in production: an acknowledged write is on disk.
func NATSSynced(t testing.TB) *embedded.NATS {
	t.Helper()
	return startNATS(t, embedded.NATSOptions{Dir: t.TempDir(), SyncAlways: true})
}

func startNATS(t testing.TB, o embedded.NATSOptions) *embedded.NATS {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	o.Logger = testLog(t)
	n, err := embedded.StartNATS(ctx, o)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() { stopNATS(t, n) }) // runs before t.TempDir's removal
	return n
}

func stopNATS(t testing.TB, n *embedded.NATS) {
	t.Helper()
	ctx, cancel := afterTest()
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Errorf("testenv: %v", err)
	}
}

// RestartableNATS is a server that can become unavailable and come back with its
// data on the same URL. Its methods are for one goroutine at a time.
type RestartableNATS struct {
	t   testing.TB
	o   embedded.NATSOptions
	url string
	now *embedded.NATS // nil while stopped
}

// NewRestartableNATS starts one; it is stopped when the test ends.
func NewRestartableNATS(t testing.TB) *RestartableNATS {
	t.Helper()
	port, err := embedded.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	r := &RestartableNATS{
		t: t, o: embedded.NATSOptions{Dir: t.TempDir(), Port: port, Logger: testLog(t)},
		url: (&url.URL{Scheme: "nats", Host: "127.0.0.1:" + strconv.Itoa(port)}).String(),
	}
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

// URL is the same whether the server is up or not.
func (r *RestartableNATS) URL() string { return r.url }

// Start brings the server back and returns when it accepts connections.
func (r *RestartableNATS) Start() {
	r.t.Helper()
	if r.now != nil {
		return
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), startTimeout)
	defer cancel()
	n, err := embedded.StartNATS(ctx, r.o)
	if err != nil {
		r.t.Fatalf("testenv: %v", err)
	}
	r.now = n
}

// Stop makes the server unavailable: connections are cut, new ones refused.
func (r *RestartableNATS) Stop() {
	r.t.Helper()
	if r.now != nil {
		stopNATS(r.t, r.now)
		r.now = nil
	}
}
