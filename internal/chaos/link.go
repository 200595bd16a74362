package chaos

import (
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Harm is what a link does to what passes.
type harm string

const (
	unharmed harm = ""
	cut      harm = "cut"    // connections are reset, new ones refused
	torn     harm = "torn"   // every connection is reset after a few bytes, wherever that is
	slow     harm = "slow"   // every few kilobytes take a while
	silent   harm = "silent" // connections are accepted and swallow everything; they stay so for ever
)

var harms = []harm{cut, torn, slow, silent}

// link is a TCP proxy between two parts of the rig, on a loopback port of its own.
type link struct {
	name   string
	target string
	addr   string

	mu       sync.Mutex
	listener net.Listener // nil while cut
	pipes    map[*pipe]struct{}
	harm     harm
	rnd      *rand.Rand // where connections tear
	wg       sync.WaitGroup
}

// pipe is one connection through a link.
type pipe struct {
	near, far net.Conn
	swallows  bool  // guarded by the link's mu, as is:
	left      int64 // bytes until it tears; negative: it does not
}

func newLink(name, target, addr string, seed uint64) (*link, error) {
	l := &link{name: name, target: target, addr: addr, pipes: map[*pipe]struct{}{}, rnd: rand.New(rand.NewPCG(seed, 77))}
	return l, l.listen()
}

func (l *link) listen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.listener != nil {
		return nil
	}
	ln, err := net.Listen("tcp", l.addr)
	if err != nil {
		return fmt.Errorf("chaos: link %s: %w", l.name, err)
	}
	l.listener, l.addr = ln, ln.Addr().String()
	l.wg.Go(func() { l.accept(ln) })
	return nil
}

// set changes what the link does, to the connections that it has too. What was
// swallowed stays swallowed when it is healed: whoever waits for an answer there waits
// in vain, and has to notice.
func (l *link) set(h harm) error {
	l.mu.Lock()
	l.harm = h
	switch h {
	case cut:
		if l.listener != nil {
			_ = l.listener.Close()
			l.listener = nil
		}
		for p := range l.pipes {
			p.reset()
		}
	case torn:
		for p := range l.pipes {
			p.left = l.rnd.Int64N(2048)
		}
	case silent:
		for p := range l.pipes {
			p.swallows = true
		}
	}
	l.mu.Unlock()
	if h == cut {
		return nil
	}
	return l.listen()
}

// open counts the connections that the link keeps, of whose ends one may be gone.
func (l *link) open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pipes)
}

// close ends the link and everything on it.
func (l *link) close() {
	_ = l.set(cut)
	l.wg.Wait()
}

func (l *link) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return // cut
		}
		l.wg.Go(func() { l.serve(ln, c) })
	}
}

func (l *link) serve(ln net.Listener, near net.Conn) {
	far, err := net.DialTimeout("tcp", l.target, 2*time.Second)
	p := &pipe{near: near, far: far, left: -1}
	defer p.reset()
	if err != nil {
		return // nobody is there: reset
	}
	l.mu.Lock()
	if l.listener != ln { // cut meanwhile
		l.mu.Unlock()
		return
	}
	switch l.harm {
	case torn:
		p.left = l.rnd.Int64N(8 << 10)
	case silent:
		p.swallows = true
	}
	l.pipes[p] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		delete(l.pipes, p)
		l.mu.Unlock()
	}()
	var both sync.WaitGroup
	both.Go(func() { l.copy(p, p.far, p.near) })
	both.Go(func() { l.copy(p, p.near, p.far) })
	both.Wait()
}

// copy passes bytes until an end closes or the pipe tears. A close passes too, unless
// the pipe swallows it.
func (l *link) copy(p *pipe, dst, src net.Conn) {
	buf := make([]byte, 4<<10)
	for {
		n, err := src.Read(buf)
		l.mu.Lock()
		swallow, delay, tear := p.swallows, time.Duration(0), false
		if l.harm == slow {
			delay = 20 * time.Millisecond
		}
		if p.left >= 0 && !swallow {
			if int64(n) > p.left {
				n, tear = int(p.left), true
			}
			p.left -= int64(n)
		}
		l.mu.Unlock()
		if swallow {
			if err != nil {
				// The end that closed is let go of; the other is told nothing. It ends
				// when it gives up, or with the link.
				_ = src.Close()
				return
			}
			continue
		}
		if delay > 0 {
			time.Sleep(delay)
		}
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				err = werr
			}
		}
		if tear || err != nil {
			p.reset()
			return
		}
	}
}

// reset closes both ends with RST, as a machine that is gone would.
func (p *pipe) reset() {
	for _, c := range []net.Conn{p.near, p.far} {
		if tcp, ok := c.(*net.TCPConn); ok && tcp != nil {
			_ = tcp.SetLinger(0)
			_ = tcp.Close()
		}
	}
}
