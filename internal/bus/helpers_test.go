package bus

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func connect(t testing.TB, url string, s Streams) *Bus {
	t.Helper()
	b, err := Connect(Options{URL: url, Streams: s, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// ready is a Bus whose streams stand, on a server of its own.
func ready(t testing.TB, s Streams) *Bus {
	t.Helper()
	b := connect(t, testenv.NATS(t).URL(), s)
	noError(t, b.Ensure(t.Context()))
	return b
}

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func event(n int) Event {
	return Event{ID: fmt.Sprintf("id-%d", n), AccountID: "acc", Name: "meeting.created", Body: fmt.Appendf(nil, `{"n":%d}`, n),
		ReceivedAt: time.Date(2026, 11, 23, 20, 0, 0, 123, time.UTC), RequestID: "req", TraceParent: "00-abc-def-01"}
}

// stored reads one message of a stream.
func stored(t testing.TB, b *Bus, stream string, seq uint64) *jetstream.RawStreamMsg {
	t.Helper()
	s, err := b.js.Stream(t.Context(), stream)
	noError(t, err)
	m, err := s.GetMsg(t.Context(), seq)
	noError(t, err)
	return m
}

func info(t testing.TB, b *Bus, stream string) *jetstream.StreamInfo {
	t.Helper()
	s, err := b.js.Stream(t.Context(), stream)
	noError(t, err)
	return s.CachedInfo()
}

func headers(t testing.TB, m *jetstream.RawStreamMsg, want map[string]string) {
	t.Helper()
	for k, v := range want {
		if got := m.Header[k]; len(got) != 1 || got[0] != v {
			t.Errorf("header %s: %q, want %q", k, got, v)
		}
	}
	for k := range m.Header {
		if _, ok := want[k]; !ok {
			t.Errorf("header %s: %q, want none", k, m.Header[k])
		}
	}
}

// consuming runs Consume until the test ends; stop waits for it to return.
func consuming(t testing.TB, b *Bus, parallel int, handle func(context.Context, Frame) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); b.Consume(ctx, parallel, handle) }()
	stop = func() {
		cancel()
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			t.Error("Consume did not return")
		}
	}
	t.Cleanup(stop)
	return stop
}

func next[T any](t testing.TB, c <-chan T, why string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(30 * time.Second):
		t.Fatalf("waited 30 s without success: %s", why)
		panic("unreachable")
	}
}
