package webhook_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/webhook"
)

// Whoever has not yet proved to be Zoom may be as slow as they like: good
// deliveries still get in.

// reading wraps a body: it tells when the first read begins.
type reading struct {
	io.ReadCloser
	began func()
}

func (r *reading) Read(p []byte) (int, error) {
	r.began()
	return r.ReadCloser.Read(p)
}

// TestSlowSenders has more senders than there are places for deliveries in
// progress, none of whom ever sends the whole body, over real sockets.
func TestSlowSenders(t *testing.T) {
	t.Parallel()
	const slow = 256 + 44
	r := newRig(t, nil)
	began := make(chan struct{}, slow+1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		watched := req.WithContext(req.Context())
		watched.Body = &reading{req.Body, sync.OnceFunc(func() { began <- struct{}{} })}
		r.router.ServeHTTP(w, watched)
	}))
	t.Cleanup(s.Close)
	var conns []net.Conn
	for i := range slow {
		conn, err := net.Dial("tcp", s.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		conns = append(conns, conn)
		body := ""
		if i%2 == 0 {
			body = created[:60]
		}
		if _, err := io.WriteString(conn, "POST "+webhook.Path+" HTTP/1.1\r\nHost: x\r\nx-zm-request-timestamp: "+now+
			"\r\nx-zm-signature: "+sign(secret, now, created)+fmt.Sprintf("\r\nContent-Length: %d\r\n\r\n", len(created))+body); err != nil {
			t.Fatal(err)
		}
	}
	for range slow {
		<-began
	}

	req := request(created, nil)
	req.RequestURI = ""
	req.URL.Scheme, req.URL.Host = "http", s.Listener.Addr().String()
	resp, err := s.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent || len(r.bus.all()) != 1 {
		t.Errorf("a good delivery among %d slow senders: status %d, %d published: want 204 and 1", slow, resp.StatusCode, len(r.bus.all()))
	}

	// The slow ones are told to try again, and disconnected.
	for _, conn := range conns {
		in := bufio.NewReader(conn)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if _, err := in.ReadByte(); resp.StatusCode != http.StatusServiceUnavailable || !errors.Is(err, io.EOF) {
			t.Fatalf("a slow sender: status %d, then %v: want 503 and the end of the connection", resp.StatusCode, err)
		}
	}
	if got := r.counts(t); got["torn"] != slow || got["accepted"] != 1 || len(got) != 2 {
		t.Errorf("counted %v", got)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// deadlines is a ResponseWriter that notes the read deadlines it is given.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

// TestReadDeadline: it is lifted when the body is there, for what net/http
// reads after it would look like a caller hanging up; and stays when it is not.
func TestReadDeadline(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		body   io.Reader
		lifted bool
	}{
		{"whole", strings.NewReader(created), true},
		{"torn", io.MultiReader(strings.NewReader("{"), readFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF })), false},
		{"too large", strings.NewReader(strings.Repeat(" ", webhook.MaxBody+1)), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				w := &deadlines{ResponseRecorder: httptest.NewRecorder()}
				want := []time.Time{time.Now().Add(1500 * time.Millisecond)}
				if c.lifted {
					want = append(want, time.Time{})
				}
				r.router.ServeHTTP(w, request(created, func(req *http.Request) { req.Body, req.ContentLength = io.NopCloser(c.body), -1 }))
				if len(w.set) != len(want) || !w.set[0].Equal(want[0]) || !w.set[len(want)-1].Equal(want[len(want)-1]) {
					t.Errorf("deadlines %v, want %v", w.set, want)
				}
			})
		})
	}
}
