package webhook

import (
	"container/list"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// sendWithin is how long a connection may take to send its request before it can
// be closed to make room. In a burst the server takes its time to look at each.
const sendWithin = 250 * time.Millisecond

// Limit bounds the connections that s has open at once; it is called before s
// serves the listener that it returns, and l with nothing else. Past the bound, a
// new connection takes the room of the one that has waited for the longest since
// it last began anything: idle, or with a head or a body that does not end. One
// whose request has arrived stays until it is answered, then the new one waits.
//
// It does not look at addresses: behind a proxy all have the same. A listener that
// only counts, as netutil's, would let idle connections keep Zoom out.
func Limit(s *http.Server, l net.Listener, most int, m *Metrics) net.Listener {
	limited := &limited{Listener: l, most: most, metrics: m,
		open: map[net.Conn]*list.Element{}, changed: make(chan struct{}, 1), closing: make(chan struct{})}
	s.ConnState = limited.state
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, accepted(c))
	}
	s.Handler = limited.watch(s.Handler)
	return limited
}

type connKey struct{}

// accepted is the connection as the listener gave it: the server knows it by the TLS
// around it, where it speaks TLS.
func accepted(c net.Conn) net.Conn {
	if t, ok := c.(*tls.Conn); ok {
		return t.NetConn()
	}
	return c
}

type limited struct {
	net.Listener
	most    int
	metrics *Metrics
	changed chan struct{} // there may be room
	closing chan struct{}
	once    sync.Once

	mu      sync.Mutex
	open    map[net.Conn]*list.Element // nil for those whose request has arrived
	waiting list.List                  // of waiter: the one that waits for the longest in front
}

// waiter is a connection on which no whole request has arrived since.
type waiter struct {
	conn  net.Conn
	since time.Time
}

func (l *limited) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	for {
		again, ok := l.admit(c)
		if ok {
			return c, nil
		}
		select {
		case <-again:
		case <-l.changed:
		case <-l.closing:
			_ = c.Close()
			return nil, net.ErrClosed
		}
	}
}

// admit makes room where it can; else again says when to ask again, unless
// something changes before that.
func (l *limited) admit(c net.Conn) (again <-chan time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.open) >= l.most {
		front := l.waiting.Front()
		if front == nil {
			return nil, false
		}
		oldest := front.Value.(waiter)
		if left := sendWithin - time.Since(oldest.since); left > 0 {
			return time.After(left), false
		}
		l.forget(oldest.conn)
		_ = oldest.conn.Close()
		l.metrics.closed.Inc()
	}
	l.open[c] = l.waiting.PushBack(waiter{c, time.Now()})
	return nil, true
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.closing) })
	return l.Listener.Close()
}

// state is told when a head has arrived, a request was answered, a connection ends.
func (l *limited) state(c net.Conn, s http.ConnState) {
	c = accepted(c)
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.open[c]; !open {
		return // it was closed to make room
	}
	switch s {
	case http.StateActive, http.StateIdle:
		l.forget(c)
		l.open[c] = l.waiting.PushBack(waiter{c, time.Now()})
	case http.StateClosed, http.StateHijacked:
		l.forget(c)
	default:
		return
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// arrived keeps a connection from being closed until its request is answered.
func (l *limited) arrived(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, open := l.open[c]; open {
		l.forget(c)
		l.open[c] = nil
	}
}

func (l *limited) forget(c net.Conn) {
	if e := l.open[c]; e != nil {
		l.waiting.Remove(e)
	}
	delete(l.open, c)
}

// watch notes when a request's body has been read to its end.
func (l *limited) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, _ := r.Context().Value(connKey{}).(net.Conn)
		if r.ContentLength == 0 {
			l.arrived(c)
		} else {
			watched := *r // what the server itself does with the body needs its own
			watched.Body = &watchedBody{r.Body, func() { l.arrived(c) }}
			r = &watched
		}
		next.ServeHTTP(w, r)
	})
}

type watchedBody struct {
	io.ReadCloser
	arrived func()
}

func (b *watchedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		b.arrived()
	}
	return n, err
}
