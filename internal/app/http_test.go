package app

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
)

// TestIngestsConnectionsAreBounded: of the app's own server, an idle connection
// makes room.
func TestIngestsConnectionsAreBounded(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"ZOOM_WEBHOOK_SECRET_TOKEN=s", "NATS_URL=nats://127.0.0.1:1", "LATCHKEY_LISTEN=127.0.0.1:0"}, config.Ingest)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(Options{Config: cfg, Ingest: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.listenIngest(1); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.ingest.stop(context.Background()) })
	post := func() (net.Conn, *bufio.Reader) {
		conn, err := net.Dial("tcp", a.IngestAddr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "POST "+webhook.Path+" HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("status %d, want 401", resp.StatusCode)
		}
		return conn, in
	}
	kept, in := post()
	post()
	_ = kept.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, err := in.ReadByte(); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection: %v, want it to be closed for the new one", err)
	}
}

// TestAPanicOfARequestIsLoggedWithoutWhatItQuotes, and the process lives on.
func TestAPanicOfARequestIsLoggedWithoutWhatItQuotes(t *testing.T) {
	t.Parallel()
	var log testenv.Buffer
	r := newRouter(slog.New(slog.NewTextHandler(&log, nil)))
	r.POST("/x", func(c *gin.Context) { panic("cannot read hunter2") })
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/x?pwd=hunter2", strings.NewReader("hunter2")))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String()+log.String(), "hunter2") || !strings.Contains(log.String(), "http_test.go") {
		t.Errorf("status %d, body %q, log %s", w.Code, w.Body, log.String())
	}
}

// TestTheAdminPortIsInOneNetwork: of a network, this machine's own address in it.
func TestTheAdminPortIsInOneNetwork(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"127.0.0.0/8:8081": "127.0.0.1:8081", "10.1.2.3:80": "10.1.2.3:80", ":80": ":80", "localhost:1": "localhost:1"} {
		if got, err := ownAddress(given); err != nil || got != want {
			t.Errorf("%s: %q, %v", given, got, err)
		}
	}
	if _, err := listen("203.0.113.0/24:0", "admin", nil, slog.Default()); err == nil || !strings.Contains(err.Error(), "no address in network 203.0.113.0/24") {
		t.Errorf("%v", err) // TEST-NET-3 is nobody's
	}
	s, err := listen("127.0.0.0/8:0", "admin", nil, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	defer s.listener.Close()
	if host, _, _ := net.SplitHostPort(s.listener.Addr().String()); host != "127.0.0.1" {
		t.Errorf("listens on %s", host)
	}
}
