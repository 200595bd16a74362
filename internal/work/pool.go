package work

import (
	"context"
	"sync"
	"time"
)

// Pool bounds how much is worked on at once. Work that hangs takes one place
// and no more: what is due behind it goes on in the others.
type Pool struct {
	places chan struct{}
	wg     sync.WaitGroup
}

// NewPool makes a Pool with n places.
func NewPool(n int) *Pool { return &Pool{places: make(chan struct{}, n)} }

// Wait returns when nothing of the pool runs any more.
func (p *Pool) Wait() { p.wg.Wait() }

// take waits for a free place and takes every place that is free; 0 when ctx
// ended first.
func (p *Pool) take(ctx context.Context) int {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	n := 1
	for {
		select {
		case p.places <- struct{}{}:
			n++
		default:
			return n
		}
	}
}

// free returns places.
func (p *Pool) free(n int) {
	for range n {
		<-p.places
	}
}

// run works in a place that was taken, and frees it.
func (p *Pool) run(f func()) {
	p.wg.Go(func() {
		defer p.free(1)
		f()
	})
}

// claimWithin bounds one look for work.
const claimWithin = 20 * time.Second

// Claim takes free places, claims as much work as they hold, and runs it. It
// returns at once; more says that there may be more to claim.
func Claim[C any](ctx context.Context, p *Pool, claim func(ctx context.Context, limit int) ([]C, error), work func(C)) (more bool, err error) {
	n := p.take(ctx)
	if n == 0 {
		return false, ctx.Err()
	}
	claimCtx, cancel := context.WithTimeout(ctx, claimWithin)
	defer cancel()
	var claims []C
	err = Guard(func() (err error) { claims, err = claim(claimCtx, n); return err })
	p.free(n - len(claims))
	for _, c := range claims {
		p.run(func() { work(c) })
	}
	return len(claims) == n, err
}
