// Package work runs work: loops that look for it, pools that bound it, leases
// that keep it one worker's, a barrier that a panic does not pass, and backoff.
// It knows nothing of meetings.
package work

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// Loop repeats a step: at once while there is work, else when woken or at the
// next poll, and more and more slowly while the step fails.
type Loop struct {
	poll  time.Duration
	woken chan struct{}
	// stalled is why the loop does not work; nil while it does.
	stalled atomic.Pointer[error]
}

// NewLoop makes a Loop that looks for work every poll without being woken.
func NewLoop(poll time.Duration) *Loop { return &Loop{poll: poll, woken: make(chan struct{}, 1)} }

// Wake makes the loop look for work now; it never blocks.
func (l *Loop) Wake() {
	select {
	case l.woken <- struct{}{}:
	default:
	}
}

// Err is why the loop is stalled; nil while it works.
func (l *Loop) Err() error {
	if err := l.stalled.Load(); err != nil {
		return *err
	}
	return nil
}

const slowest = 10 * time.Second

// Run repeats step until ctx ends. A panic of the step is one of its failures.
func (l *Loop) Run(ctx context.Context, log *slog.Logger, step func() (more bool, err error)) {
	failures := 0
	for ctx.Err() == nil {
		var more bool
		err := Guard(func() (err error) { more, err = step(); return err })
		wait := l.poll
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err != nil:
			l.stalled.Store(&err)
			failures++
			wait = min(time.Duration(failures)*250*time.Millisecond, slowest)
			if failures == 1 {
				log.Error("stalled; retrying", "error", err)
			}
		case failures > 0:
			log.Info("recovered", "after_failures", failures)
			l.stalled.Store(nil)
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

// wokenUnless returns no channel while failing, so that wakes do not undo the
// slowing down.
func (l *Loop) wokenUnless(failing bool) <-chan struct{} {
	if failing {
		return nil
	}
	return l.woken
}

// Pause waits, or returns early when ctx ends.
func Pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// Insist repeats f while again says of its error that it goes away, until ctx ends. It
// returns f's last error.
func Insist(ctx context.Context, again func(error) bool, f func() error) error {
	for n := 1; ; n++ {
		err := f()
		if err == nil || !again(err) || ctx.Err() != nil {
			return err
		}
		Pause(ctx, Backoff(n, 50*time.Millisecond, 2*time.Second))
	}
}

// Backoff is the wait before attempt n+1 after n attempts failed: first, and
// twice as long each time, longest at most.
func Backoff(n int, first, longest time.Duration) time.Duration {
	return min(first<<min(max(n-1, 0), 20), longest)
}
