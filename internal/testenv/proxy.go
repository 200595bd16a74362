package testenv

import (
	"errors"
	"net"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	"latchkey/internal/embedded"
)

// Proxy passes TCP connections on to a server, until it is cut or stalled: so a
// server is unavailable or hangs for one client without being restarted.
type Proxy struct {
	t      testing.TB
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener          // nil while cut
	conns    map[net.Conn]struct{} // both ends of every connection
	stalled  bool
	slow     time.Duration
	writing  int        // writes in progress
	changed  *sync.Cond // of conns, stalled or writing
	wg       sync.WaitGroup
}

// NewProxy starts a proxy to targetAddr (host:port) on a loopback port of its
// own; it ends with the test.
func NewProxy(t testing.TB, targetAddr string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: targetAddr, conns: map[net.Conn]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	for range 5 { // somebody else may take the port first
		port, err := embedded.FreePort()
		if err != nil {
			t.Fatal(err)
		}
		p.addr = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}).String()
		if err = p.listen(); err == nil {
			break
		}
		t.Logf("testenv: proxy: %v", err)
	}
	if p.listener == nil {
		t.Fatal("testenv: proxy: no port to listen on")
	}
	t.Cleanup(func() {
		p.Cut()
		p.wg.Wait()
	})
	return p
}

// ProxyURL puts a proxy before the server of a URL (postgres://…, nats://…,
// http://…) and returns it with the URL that leads through it.
func ProxyURL(t testing.TB, rawURL string) (p *Proxy, proxied string) {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatalf("testenv: proxy: %v", err)
	}
	p = NewProxy(t, u.Host)
	u.Host = p.Addr()
	return p, u.String()
}

// Addr is the proxy's host:port; it stays the same.
func (p *Proxy) Addr() string { return p.addr }

// Cut drops every connection, both ways, and refuses new ones. It ends a stall.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		_ = c.Close()
	}
	clear(p.conns)
	p.stalled = false
	p.changed.Broadcast()
}

// Stall lets no byte pass from now on, in neither direction, and no close: the
// connections stay open and new ones are accepted, as with a server that hangs.
func (p *Proxy) Stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = true
	for c := range p.conns {
		_ = c.SetWriteDeadline(time.Unix(1, 0)) // lets go of a write to an end that does not read
	}
	for p.writing > 0 {
		p.changed.Wait()
	}
}

// Resume lets pass what waited and what comes.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = false
	p.changed.Broadcast()
}

// Slow makes each piece that is passed take that much longer; 0 ends it.
func (p *Proxy) Slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slow = d
}

func (p *Proxy) slowness() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.slow
}

// Restore accepts connections again.
func (p *Proxy) Restore() {
	p.t.Helper()
	if err := p.listen(); err != nil {
		p.t.Fatalf("testenv: proxy: %v", err)
	}
}

func (p *Proxy) listen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.listener = l
	p.wg.Go(func() { p.accept(l) })
	return nil
}

func (p *Proxy) accept(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return // cut
		}
		p.wg.Go(func() { p.pass(l, client) })
	}
}

// pass connects client with the target until either end closes.
func (p *Proxy) pass(l net.Listener, client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !p.track(l, client, server) {
		return
	}
	defer p.untrack(client, server)
	var done sync.WaitGroup
	for _, way := range [][2]net.Conn{{server, client}, {client, server}} {
		done.Go(func() {
			p.copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	done.Wait()
}

// copy passes bytes until either end closes; src's close passes like a byte.
func (p *Proxy) copy(dst, src net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		if d := p.slowness(); n > 0 && d > 0 {
			time.Sleep(d) // a slow network is what is asked for
		}
		for sent := 0; sent < n; {
			if !p.enter(dst) {
				return
			}
			w, err := dst.Write(buf[sent:n])
			sent += w
			p.leave()
			if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) { // Stall's deadline
				return
			}
		}
		if err != nil {
			if p.enter(dst) {
				p.leave()
			}
			return
		}
	}
}

// enter waits until bytes may pass to dst and counts a write; false when dst
// was cut.
func (p *Proxy) enter(dst net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if _, ok := p.conns[dst]; !ok {
			return false
		}
		if !p.stalled {
			_ = dst.SetWriteDeadline(time.Time{})
			p.writing++
			return true
		}
		p.changed.Wait()
	}
}

func (p *Proxy) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writing--
	p.changed.Broadcast()
}

// track registers a connection, unless it was accepted before the latest Cut.
func (p *Proxy) track(l net.Listener, conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != l {
		return false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return true
}

func (p *Proxy) untrack(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}
