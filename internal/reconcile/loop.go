package reconcile

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// loop repeats a step: at once while there is work, else when woken or at the
// next poll, and more and more slowly while the step fails.
type loop struct {
	poll  time.Duration
	woken chan struct{}
	// standing is why the loop stands still; nil while it works.
	standing atomic.Pointer[error]
}

func newLoop(poll time.Duration) *loop { return &loop{poll: poll, woken: make(chan struct{}, 1)} }

// wake makes the loop look for work now; it never blocks.
func (l *loop) wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

const slowest = 10 * time.Second

func (l *loop) run(ctx context.Context, log *slog.Logger, step func() (more bool, err error)) {
	failures := 0
	for ctx.Err() == nil {
		more, err := step()
		wait := l.poll
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			l.standing.Store(&err)
			failures++
			wait = min(time.Duration(failures)*250*time.Millisecond, slowest)
			if failures == 1 {
				log.Error("work stands still: the database or the bus cannot be used; trying again", "error", err)
			}
		case failures > 0:
			log.Info("work goes on", "after_failures", failures)
			l.standing.Store(nil)
			failures = 0
			continue
		case more:
			continue
		}
		t := time.NewTimer(wait)
		select {
		case <-t.C:
		case <-l.wokenUnless(failures > 0):
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// wokenUnless gives no channel while failing, so that wakes do not undo the
// slowing down.
func (l *loop) wokenUnless(failing bool) <-chan struct{} {
	if failing {
		return nil
	}
	return l.woken
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// pool bounds how much is worked on at once. Work that hangs takes one place and
// no more: what is due behind it goes on in the others.
type pool struct {
	places chan struct{}
	wg     sync.WaitGroup
}

func newPool(n int) *pool { return &pool{places: make(chan struct{}, n)} }

// take waits for a free place and takes every place that is free; 0 when ctx
// ended first.
func (p *pool) take(ctx context.Context) int {
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

// free gives places back.
func (p *pool) free(n int) {
	for range n {
		<-p.places
	}
}

// run works in a place that was taken, and frees it.
func (p *pool) run(f func()) {
	p.wg.Go(func() {
		defer p.free(1)
		f()
	})
}

// claimed takes free places, claims as much work as they hold, and runs it. It
// returns at once; more says that there may be more to claim.
func claimed[C any](ctx context.Context, p *pool, claim func(ctx context.Context, limit int) ([]C, error), work func(C)) (more bool, err error) {
	n := p.take(ctx)
	if n == 0 {
		return false, ctx.Err()
	}
	claimCtx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	claims, err := claim(claimCtx, n)
	p.free(n - len(claims))
	for _, c := range claims {
		p.run(func() { work(c) })
	}
	return len(claims) == n, err
}
