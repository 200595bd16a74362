package reconcile

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// loop repeats a step: at once while there is work, else when woken or at the
// next poll, and more and more slowly while the step fails.
type loop struct {
	poll  time.Duration
	woken chan struct{}
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
			failures++
			wait = min(time.Duration(failures)*250*time.Millisecond, slowest)
			if failures == 1 {
				log.Error("work stands still: the database or the bus cannot be used; trying again", "error", err)
			}
		case failures > 0:
			log.Info("work goes on", "after_failures", failures)
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

// each runs f for every item at once and waits for all.
func each[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	for _, it := range items {
		wg.Go(func() { f(it) })
	}
	wg.Wait()
}
