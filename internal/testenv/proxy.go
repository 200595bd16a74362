package testenv

import (
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"latchkey/internal/embedded"
)

// Proxy passes TCP connections on to a server, until it is cut: then the server
// is unavailable to one client without being restarted.
type Proxy struct {
	t      testing.TB
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener          // nil while cut
	conns    map[net.Conn]struct{} // both ends of every connection
	wg       sync.WaitGroup
}

// NewProxy starts a proxy to targetAddr (host:port) on a loopback port of its
// own; it ends with the test.
func NewProxy(t testing.TB, targetAddr string) *Proxy {
	t.Helper()
	p := &Proxy{t: t, target: targetAddr, conns: map[net.Conn]struct{}{}}
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

// Cut drops every connection, both ways, and refuses new ones.
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
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	done.Wait()
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
