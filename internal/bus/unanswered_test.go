package bus

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"latchkey/internal/testenv"
)

// TestEnsureAsksAgainWhereNobodyAnswers: a cluster does not answer about a stream whose
// leader is being elected. Ensure must not spend all its time on one such question:
// ingest listens only after its first try.
func TestEnsureAsksAgainWhereNobodyAnswers(t *testing.T) {
	t.Parallel()
	proxy, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
	b := connect(t, url, Streams{})
	testenv.Until(t, "connected", b.connected.Load)
	proxy.Stall()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	if err := b.Ensure(ctx); err == nil {
		t.Fatal("no error")
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it waited %v for one answer", took)
	}
	proxy.Resume()
	noError(t, b.Ensure(ctx))
}

// TestSilentLinkIsNoticed: a link that swallows everything closes no connection.
func TestSilentLinkIsNoticed(t *testing.T) {
	t.Parallel()
	proxy, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
	b, err := Connect(Options{URL: url, Logger: slog.New(slog.DiscardHandler), ping: 200 * time.Millisecond})
	noError(t, err)
	t.Cleanup(b.Close)
	noError(t, b.Ensure(t.Context()))
	proxy.Stall()
	testenv.Until(t, "the silent connection is given up", func() bool { return !b.nc.IsConnected() })
	proxy.Resume()
	testenv.Until(t, "connected again", b.Ready)
}

// Whoever asks how NATS is gets an answer while the connection is being made again,
// which holds the connection's own lock until the server's handshake has come or timed
// out.
func TestCheckAnswersWhileReconnecting(t *testing.T) {
	t.Parallel()
	proxy, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
	b, err := Connect(Options{URL: url, Logger: slog.New(slog.DiscardHandler), ping: 200 * time.Millisecond})
	noError(t, err)
	t.Cleanup(b.Close)
	noError(t, b.Ensure(t.Context()))
	lost := b.nc.StatusChanged(nats.RECONNECTING)
	proxy.Stall()
	<-lost
	testenv.Until(t, "the connection is being made again", func() bool {
		asked := make(chan struct{})
		go func() { b.nc.IsConnected(); close(asked) }()
		select {
		case <-asked:
			return false
		case <-time.After(500 * time.Millisecond):
			return true // it holds its lock
		}
	})
	said := make(chan error, 1)
	go func() { said <- b.Check() }()
	select {
	case err := <-said:
		if err == nil || err.Error() != "NATS is not connected" {
			t.Errorf("it says %v", err)
		}
	case <-time.After(2 * time.Second):
		t.Error("it does not say anything")
	}
	proxy.Resume()
	testenv.Until(t, "connected again", b.Ready)
}
