package webhook_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/webhook"
)

// limited is the endpoint behind a server of at most most connections, which
// forgives slowness for as long as package app's does.
func limited(t *testing.T, r *rig, most int) (*network, *http.Server) {
	n := newNetwork()
	s := &http.Server{Handler: r.router, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	n.serve(t, s, webhook.Limit(s, n, most, r.metrics))
	return n, s
}

// guest is somebody's connection.
type guest struct {
	net.Conn
	in *bufio.Reader
}

// visit connects and sends what.
func visit(t *testing.T, n *network, what string) *guest {
	t.Helper()
	conn, err := n.dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	g := &guest{conn, bufio.NewReader(conn)}
	g.send(t, what)
	return g
}

func (g *guest) send(t *testing.T, what string) {
	t.Helper()
	if _, err := io.WriteString(g, what); err != nil {
		t.Fatal(err)
	}
}

// status reads an answer.
func (g *guest) status(t *testing.T) int {
	t.Helper()
	resp, err := http.ReadResponse(g.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// gone reports whether the server hung up.
func (g *guest) gone() bool {
	_ = g.SetReadDeadline(time.Now().Add(time.Microsecond))
	_, err := g.in.ReadByte()
	return err == io.EOF
}

// whole is a valid delivery as it goes over the wire.
var whole = head(created) + created

func head(body string) string {
	return "POST " + webhook.Path + " HTTP/1.1\r\nHost: x\r\nContent-Length: " + strconv.Itoa(len(body)) +
		"\r\nx-zm-request-timestamp: " + now + "\r\nx-zm-signature: " + sign(secret, now, body) + "\r\n\r\n"
}

// closed is how many connections were closed to make room.
func (r *rig) closed(t *testing.T) float64 {
	t.Helper()
	return gathered(t, r.registry, "latchkey_webhook_connections_closed_total")
}

// TestIdleConnectionsMakeRoom: whoever keeps a connection and sends no whole
// request costs nobody theirs. The one that is at it for the longest goes.
func TestIdleConnectionsMakeRoom(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]func(t *testing.T, n *network) *guest{
		"silent":      func(t *testing.T, n *network) *guest { return visit(t, n, "") },
		"half a head": func(t *testing.T, n *network) *guest { return visit(t, n, whole[:40]) },
		"head alone":  func(t *testing.T, n *network) *guest { return visit(t, n, head(created)) },
		"half a body": func(t *testing.T, n *network) *guest { return visit(t, n, whole[:len(whole)-40]) },
		"another's path": func(t *testing.T, n *network) *guest {
			return visit(t, n, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n")
		},
		"kept": func(t *testing.T, n *network) *guest {
			g := visit(t, n, whole)
			if got := g.status(t); got != http.StatusNoContent {
				t.Errorf("before it is kept: status %d, want 204", got)
			}
			return g
		},
		"kept, and begun again": func(t *testing.T, n *network) *guest {
			g := visit(t, n, whole)
			g.status(t)
			g.send(t, whole[:len(whole)-40])
			return g
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, nil)
				n, _ := limited(t, r, 8)
				var guests []*guest
				for range 8 {
					guests = append(guests, idle(t, n))
					time.Sleep(10 * time.Millisecond)
				}
				time.Sleep(time.Second)
				began := time.Now()
				for i := range 2 {
					if got := deliver(n.client(), numbered(i)); got != http.StatusNoContent || time.Since(began) != 0 {
						t.Errorf("a newcomer: status %d after %v, want 204 at once", got, time.Since(began))
					}
					synctest.Wait()
				}
				if got := r.closed(t); got != 1 {
					t.Errorf("%v connections were closed: want one, whose room both newcomers had", got)
				}
				for i, g := range guests {
					if g.gone() != (i == 0) {
						t.Errorf("connection %d is closed: %v", i, i != 0)
					}
				}
			})
		})
	}
}

// TestBusyConnectionsStay: a request that has arrived is not cut off for a
// newcomer, who waits.
func TestBusyConnectionsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		n, _ := limited(t, r, 4)
		r.bus.entered, r.bus.release = make(chan struct{}, 8), make(chan struct{})
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				if got := deliver(n.client(), numbered(i)); got != http.StatusNoContent {
					t.Errorf("number %d: status %d, want 204", i, got)
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		if got := len(r.bus.entered); got != 4 {
			t.Errorf("%d are served at once, want 4", got)
		}
		close(r.bus.release)
		all.Wait()
		if got := r.closed(t); got != 0 {
			t.Errorf("%v connections were closed", got)
		}
	})
}

// TestNewConnectionsStay: in a burst a connection is given the time to send its
// request; the newcomer has to wait that long.
func TestNewConnectionsStay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		n, _ := limited(t, r, 2)
		first, second := visit(t, n, ""), visit(t, n, "")
		began := time.Now()
		var all sync.WaitGroup
		all.Go(func() {
			if got := deliver(n.client(), created); got != http.StatusNoContent || time.Since(began) != 250*time.Millisecond {
				t.Errorf("the newcomer: status %d after %v, want 204 after 250ms", got, time.Since(began))
			}
		})
		time.Sleep(200 * time.Millisecond)
		first.send(t, whole)
		if got := first.status(t); got != http.StatusNoContent {
			t.Errorf("the first: status %d, want 204", got)
		}
		all.Wait()
		if first.gone() || !second.gone() {
			t.Error("want the second to be gone, which waited for longer than the first")
		}
	})
}

// TestBegunAnewStays: a connection that was idle for long and begins a request is
// given the time to send it.
func TestBegunAnewStays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		n, _ := limited(t, r, 2)
		first, second := visit(t, n, whole), visit(t, n, whole)
		first.status(t)
		second.status(t)
		time.Sleep(time.Second)
		first.send(t, head(created))
		synctest.Wait()
		if got := deliver(n.client(), created); got != http.StatusNoContent {
			t.Errorf("the newcomer: status %d, want 204", got)
		}
		first.send(t, created)
		if got := first.status(t); got != http.StatusNoContent || !second.gone() {
			t.Errorf("the first: status %d, want 204; want the second to be gone", got)
		}
	})
}

// TestFloodOfConnections: five times as many as there is room for, who never send
// a whole body and call again at once: each valid delivery gets in.
func TestFloodOfConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most, flood, valid = 16, 80, 20
		r := newRig(t, nil)
		n, _ := limited(t, r, most)
		ctx, stop := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range flood {
			all.Go(func() {
				for ctx.Err() == nil {
					conn, err := n.dial(ctx, "", "")
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, whole[:len(whole)-1])
					_, _ = io.Copy(io.Discard, conn) // until it is cut off
					_ = conn.Close()
				}
			})
		}
		synctest.Wait()
		status := map[int]int{}
		for i := range valid {
			time.Sleep(100 * time.Millisecond)
			began := time.Now()
			status[deliver(n.client(), numbered(i))]++
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("a delivery took %v", took)
			}
		}
		stop()
		_ = n.Close()
		all.Wait()
		if status[http.StatusNoContent] != valid {
			t.Errorf("of %d valid deliveries %v", valid, status)
		}
	})
}

// TestLimitEnds: the server can be stopped while a newcomer waits for room.
func TestLimitEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, nil)
		n, s := limited(t, r, 1)
		r.bus.entered, r.bus.release = make(chan struct{}, 1), make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			if got := deliver(n.client(), created); got != http.StatusNoContent {
				t.Errorf("in progress: status %d, want 204", got)
			}
		})
		<-r.bus.entered
		all.Go(func() {
			if got := deliver(n.client(), created); got != 0 {
				t.Errorf("a newcomer when all ends: status %d, want none", got)
			}
		})
		synctest.Wait()
		all.Go(func() {
			if err := s.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		close(r.bus.release)
		all.Wait()
	})
}

// gathered is the value of a counter without labels.
func gathered(t testing.TB, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
