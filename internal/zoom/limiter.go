package zoom

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Label is Zoom's rate-limit class of a call (Z-LIMIT-1).
type Label string

// Zoom's labels of the calls used here.
const (
	Light  Label = "light"
	Medium Label = "medium"
)

// Rates are calls per second for one account by label. Zoom shares them among
// all apps of the account, so a limiter that used them up would starve the
// customer's own calls.
type Rates map[Label]rate.Limit

// RatesFor returns the share of Zoom's per-second limits that latchkey allows
// itself: half, of the plan's published figures.
func RatesFor(plan string) (Rates, bool) {
	switch plan {
	case "free":
		return Rates{Light: 2, Medium: 1}, true
	case "pro":
		return Rates{Light: 15, Medium: 10}, true
	case "business":
		return Rates{Light: 40, Medium: 30}, true
	}
	return nil, false
}

// limiter paces the calls of one account and holds them back after a 429.
type limiter struct {
	now     func() time.Time
	buckets map[Label]*rate.Limiter

	mu   sync.Mutex
	held map[Label]hold
}

type hold struct {
	until time.Time
	kind  Kind
}

func newLimiter(r Rates, now func() time.Time) *limiter {
	l := &limiter{now: now, buckets: map[Label]*rate.Limiter{}, held: map[Label]hold{}}
	for label, limit := range r {
		l.buckets[label] = rate.NewLimiter(limit, max(1, int(limit)))
	}
	return l
}

// longestWait is how long a call waits inside the limiter for a hold to end;
// a longer hold is returned as an error so that the work can be put off.
const longestWait = 5 * time.Second

// wait returns when a call of the label may be made. Its errors are of kind
// rate_second, rate_day (RetryAt says until when) or transport (ctx ended).
func (l *limiter) wait(ctx context.Context, label Label, op string) error {
	had := false // its turn
	for {
		l.mu.Lock()
		h := l.held[label]
		l.mu.Unlock()
		left := h.until.Sub(l.now())
		if left <= 0 {
			if had {
				return nil
			}
			if err := l.turn(ctx, label, op); err != nil {
				return err
			}
			had = true
			continue // a 429 may have come while this call queued
		}
		if left > longestWait {
			return &Error{Kind: h.kind, Op: op, RetryAt: h.until, Message: "held back after Zoom's 429"}
		}
		select {
		case <-time.After(left):
		case <-ctx.Done():
			return &Error{Kind: KindTransport, Op: op, Err: ctx.Err()}
		}
	}
}

// turn waits for the label's bucket.
func (l *limiter) turn(ctx context.Context, label Label, op string) error {
	b := l.buckets[label]
	if b == nil {
		return nil
	}
	if err := b.Wait(ctx); err != nil {
		if err = ctx.Err(); err == nil {
			err = context.DeadlineExceeded // it would end before the turn comes
		}
		return &Error{Kind: KindTransport, Op: op, Message: "no turn within the deadline", Err: err}
	}
	return nil
}

// hold keeps all calls of the label back until the time.
func (l *limiter) hold(label Label, until time.Time, kind Kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until.After(l.held[label].until) {
		l.held[label] = hold{until: until, kind: kind}
	}
}
