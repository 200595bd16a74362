package webhook_test

import (
	"context"
	"errors"
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

// Whatever is wrong on our side is answered 503, which Zoom retries.

func TestBusFailing(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	r.bus.fail = errors.New("no answer from the broker")
	w := r.serve(request(created, nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	if strings.Contains(w.Body.String(), "broker") {
		t.Errorf("the answer tells a stranger about our inside: %q", w.Body)
	}
	r.counted(t, "unavailable")
	if r.metrics.Accepted() != 0 {
		t.Error("it counts as accepted")
	}
	if log := r.log.String(); !strings.Contains(log, "no answer from the broker") || strings.Contains(log, marker) {
		t.Errorf("the log should show the cause and no passcode:\n%s", log)
	}
}

// TestBusSlow: Zoom hangs up after 3 seconds, so 503 has to be there before.
func TestBusSlow(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{"event": created, "dead letter": "not JSON"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				r.bus.entered, r.bus.release = make(chan struct{}, 1), make(chan struct{})
				start := time.Now()
				w := r.serve(request(body, nil))
				if took := time.Since(start); w.Code != http.StatusServiceUnavailable || took > 2500*time.Millisecond {
					t.Errorf("status %d after %v, want 503 well within 3s", w.Code, took)
				}
				r.counted(t, "unavailable")
			})
		})
	}
}

func TestBusSlowButInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		r.bus.entered, r.bus.release = make(chan struct{}, 1), make(chan struct{})
		time.AfterFunc(1500*time.Millisecond, func() { close(r.bus.release) })
		if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent || len(r.bus.all()) != 1 {
			t.Errorf("status %d, %d published: want 204 and 1", w.Code, len(r.bus.all()))
		}
	})
}

// TestCallerGone: a caller that hangs up releases its place.
func TestCallerGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *webhook.Options) { o.MostAtOnce = 1 })
	r.bus.entered, r.bus.release = make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan *httptest.ResponseRecorder)
	go func() { done <- r.serve(request(created, nil).WithContext(ctx)) }()
	<-r.bus.entered
	cancel()
	if w := <-done; w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503", w.Code)
	}
	r.bus.entered = nil
	if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent {
		t.Errorf("the next one: status %d, want 204", w.Code)
	}
}

// TestPanicReleasesThePlace: package app has gin's recovery in front, which
// makes a 500 of a bug; the place may not be lost with it.
func TestPanicReleasesThePlace(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *webhook.Options) {
		o.MostAtOnce = 1
		o.Bus = &panicking{Bus: o.Bus}
	})
	func() {
		defer func() {
			if recover() == nil {
				t.Error("no panic came out: who swallowed it?")
			}
		}()
		r.serve(request(created, nil))
	}()
	if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent {
		t.Errorf("afterwards: status %d, want 204", w.Code)
	}
}

// panicking is a bus whose first call panics.
type panicking struct {
	webhook.Bus
	once sync.Once
}

func (p *panicking) PublishEvent(ctx context.Context, d webhook.Delivery) error {
	p.once.Do(func() { panic("a bug") })
	return p.Bus.PublishEvent(ctx, d)
}

// TestTorn has a client that announces more than it sends, over a real socket.
func TestTorn(t *testing.T) {
	t.Parallel()
	for name, framing := range map[string]string{
		"length":           "Content-Length: 400\r\n\r\n" + created[:60],
		"length, no body":  "Content-Length: 400\r\n\r\n",
		"chunk":            "Transfer-Encoding: chunked\r\n\r\n190\r\n" + created[:60],
		"chunks, no last":  "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n",
		"chunks, nonsense": "Transfer-Encoding: chunked\r\n\r\nZZ\r\nabcde\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil)
			s := httptest.NewServer(r.router)
			t.Cleanup(s.Close)
			conn, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			if _, err := io.WriteString(conn, "POST "+webhook.Path+" HTTP/1.1\r\nHost: x\r\n"+
				"x-zm-request-timestamp: "+now+"\r\nx-zm-signature: "+sign(secret, now, created)+"\r\n"+framing); err != nil {
				t.Fatal(err)
			}
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(conn)
			if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 503 ") {
				t.Errorf("answered %q, %v: want 503", answer, err)
			}
			r.counted(t, "torn")
			if len(r.bus.all()) != 0 || r.parsed() != 0 {
				t.Error("it was parsed or published")
			}
		})
	}
}

// TestManyAtOnce shares the places among many callers: no signature check may
// see another's bytes.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *webhook.Options) { o.Secrets = ours("old", secret) })
	var callers sync.WaitGroup
	for i := range 16 {
		callers.Go(func() {
			body := strings.Replace(created, "85746065432", "857460654"+string(rune('A'+i)), 1)
			for range 20 {
				if w := r.serve(request(body, nil)); w.Code != http.StatusNoContent {
					t.Errorf("signed: status %d, want 204", w.Code)
				}
				if w := r.serve(request(body, func(req *http.Request) { req.Header.Set("x-zm-signature", sign(secret, now, created)) })); w.Code != http.StatusUnauthorized {
					t.Errorf("signed for another body: status %d, want 401", w.Code)
				}
			}
		})
	}
	callers.Wait()
}
