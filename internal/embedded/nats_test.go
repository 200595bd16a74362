package embedded

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func testLogger(t *testing.T) *slog.Logger { return slog.New(slog.NewTextHandler(t.Output(), nil)) }

func startNATSServer(t *testing.T, o NATSOptions) *NATS {
	t.Helper()
	o.Logger = testLogger(t)
	n, err := StartNATS(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopNATSServer(t, n) })
	return n
}

func stopNATSServer(t *testing.T, n *NATS) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := n.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func jetStream(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

func TestNATSKeepsMessagesBetweenRuns(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	n := startNATSServer(t, NATSOptions{Dir: dir, SyncAlways: true})
	js := jetStream(t, n.URL())
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.>"}, Storage: jetstream.FileStorage}); err != nil {
		t.Fatal(err)
	}
	big := bytes.Repeat([]byte("x"), 1<<20)
	msg := &nats.Msg{Subject: "s.big", Data: big, Header: nats.Header{"Why": {strings.Repeat("h", 1000)}}}
	if _, err := js.PublishMsg(t.Context(), msg); err != nil {
		t.Fatalf("1 MiB and headers: %v", err)
	}
	stopNATSServer(t, n)
	stopNATSServer(t, n) // once more does no harm

	again := startNATSServer(t, NATSOptions{Dir: dir, DontListen: true})
	if again.URL() != "" {
		t.Errorf("listens on %s", again.URL())
	}
	stream, err := jetStream(t, "", again.InProcess()).Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	got, err := stream.GetMsg(t.Context(), 1)
	if err != nil || !bytes.Equal(got.Data, big) {
		t.Errorf("kept %d bytes, %v", len(got.Data), err)
	}
}

func TestNATSFolderIsForOneProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	n := startNATSServer(t, NATSOptions{Dir: dir})
	_, err := StartNATS(t.Context(), NATSOptions{Dir: dir})
	wantError(t, err, ErrInUse, dir, strconv.Itoa(os.Getpid()), "LATCHKEY_STATE")
	stopNATSServer(t, n)
	startNATSServer(t, NATSOptions{Dir: dir})
}

func TestNATSToken(t *testing.T) {
	t.Parallel()
	n := startNATSServer(t, NATSOptions{Dir: t.TempDir(), Token: "s3cret/:@"})
	jetStream(t, n.URL())
	jetStream(t, "", n.InProcess())
	u, err := url.Parse(n.URL())
	if err != nil {
		t.Fatal(err)
	}
	if nc, err := nats.Connect("nats://" + u.Host); err == nil {
		nc.Close()
		t.Error("connected without the token")
	}
}

func TestNATSRefuses(t *testing.T) {
	t.Parallel()
	_, err := StartNATS(t.Context(), NATSOptions{})
	wantError(t, err, nil, "Dir is required")
	_, err = StartNATS(t.Context(), NATSOptions{Dir: t.TempDir(), Host: "0.0.0.0"})
	wantError(t, err, nil, "not a loopback address", "NATS_URL")

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dir := t.TempDir()
	_, err = StartNATS(t.Context(), NATSOptions{Dir: dir, Port: l.Addr().(*net.TCPAddr).Port, Logger: slog.New(slog.DiscardHandler)})
	wantError(t, err, nil, "address already in use")
	startNATSServer(t, NATSOptions{Dir: dir}) // the lock was given back

	file := filepath.Join(dir, "file")
	write(t, file, "", 0o600)
	_, err = StartNATS(t.Context(), NATSOptions{Dir: file})
	wantError(t, err, nil, file, "LATCHKEY_STATE")
}
