package zoomsim

import (
	"context"
	"sync"
)

// gate counts the calls in progress that came through a RoundTripper.
type gate struct {
	mu   sync.Mutex
	shut bool
	n    int
	idle chan struct{} // made by close, closed when n is 0
}

func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.n++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// close lets nobody in any more and waits for those inside until ctx ends.
func (g *gate) close(ctx context.Context) error {
	g.mu.Lock()
	g.shut = true
	var idle chan struct{}
	if g.n > 0 {
		if g.idle == nil {
			g.idle = make(chan struct{})
		}
		idle = g.idle
	}
	g.mu.Unlock()
	if idle == nil {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
