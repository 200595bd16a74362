package zoom

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Label is Zoom's rate-limit class of a call (Z-LIMIT-1).
type Label string

// Zoom's labels.
const (
	Light             Label = "light"
	Medium            Label = "medium"
	Heavy             Label = "heavy"
	ResourceIntensive Label = "resource-intensive"
)

// Labels is the closed set.
func Labels() []Label { return []Label{Light, Medium, Heavy, ResourceIntensive} }

// Allowance is what Zoom allows an account of one label, all of its apps together;
// 0 is no limit.
type Allowance struct{ PerSecond, PerDay float64 }

// Allowances returns Zoom's published limits of a plan, free, pro or business (Z-LIMIT-1
// to Z-LIMIT-3). Heavy and resource-intensive calls share their limit of the day.
func Allowances(plan string) (map[Label]Allowance, bool) {
	switch plan {
	case "free":
		return map[Label]Allowance{Light: {4, 6000}, Medium: {2, 2000}, Heavy: {1, 1000}, ResourceIntensive: {10. / 60, 1000}}, true
	case "pro":
		return map[Label]Allowance{Light: {30, 0}, Medium: {20, 0}, Heavy: {10, 30_000}, ResourceIntensive: {10. / 60, 30_000}}, true
	case "business":
		return map[Label]Allowance{Light: {80, 0}, Medium: {60, 0}, Heavy: {40, 60_000}, ResourceIntensive: {20. / 60, 60_000}}, true
	}
	return nil, false
}

// Rates are calls per second for one account by label.
type Rates map[Label]rate.Limit

// RatesFor returns half of what Zoom allows an account of the plan in a second: all of
// the account's apps share that, and a limiter that used it up would starve the
// customer's own calls.
func RatesFor(plan string) (Rates, bool) {
	allowed, ok := Allowances(plan)
	if !ok {
		return nil, false
	}
	rates := Rates{}
	for label, a := range allowed {
		rates[label] = rate.Limit(a.PerSecond / 2)
	}
	return rates, true
}

// Limiter says when a call may be made, for all who call for the account.
type Limiter interface {
	// Wait returns when a call of the label may be made. op names the call in its
	// errors, which are of kind rate_second or rate_day (RetryAt says until when), or
	// transport (ctx ended).
	Wait(ctx context.Context, label Label, op string) error
	// Answered is told of every answer to a call.
	Answered(ctx context.Context, label Label, said Said)
}

// Said is what an answer says of Zoom's limits.
type Said struct {
	// Refused is KindRateSecond or KindRateDay where the call was not made for a limit
	// of its label, until Until by this process's clock; "" where it was.
	Refused Kind
	Until   time.Time
	// Daily tells which limit Limit and Remaining are of; Limit is 0 where Zoom does not
	// say.
	Daily            bool
	Limit, Remaining int
}

// saidOf reads the headers of an answer. What stands beside no type is of another limit
// (Z-LIMIT-6), and so is what stands beside another category.
func saidOf(label Label, h http.Header) (s Said) {
	kind, category := strings.ToLower(h.Get("X-RateLimit-Type")), strings.ToLower(h.Get("X-RateLimit-Category"))
	if kind == "" || category != string(label) {
		return s
	}
	limit, err := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || err2 != nil || limit < 1 || left < 0 || left > limit {
		return s
	}
	return Said{Daily: strings.Contains(kind, "daily"), Limit: limit, Remaining: left}
}

// HostBudget is the number of requests to create or change meetings that Zoom allows for
// a host and UTC day (Z-LIMIT-5).
const HostBudget = 100

// hostLeft is what is left of a host's 100, where Zoom says it (Z-LIMIT-9); -1 where not.
func hostLeft(h http.Header) int {
	left, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err != nil || h.Get("X-RateLimit-Limit") != strconv.Itoa(HostBudget) || h.Get("X-RateLimit-Type") != "" || left < 0 || left > HostBudget {
		return -1
	}
	return left
}

// LongestWait is how long a call waits inside a Limiter for its turn or for a hold to
// end; a longer hold is returned as an error so that the work can be put off.
const LongestWait = 5 * time.Second

// alone is a Limiter that knows of no other process.
type alone struct {
	now     func() time.Time
	buckets map[Label]*rate.Limiter

	mu   sync.Mutex
	held map[Label]hold
}

type hold struct {
	until time.Time
	kind  Kind
}

func newAlone(r Rates, now func() time.Time) *alone {
	l := &alone{now: now, buckets: map[Label]*rate.Limiter{}, held: map[Label]hold{}}
	for label, limit := range r {
		l.buckets[label] = rate.NewLimiter(limit, max(1, int(limit)))
	}
	return l
}

func (l *alone) Wait(ctx context.Context, label Label, op string) error {
	had := false // its turn
	for {
		l.mu.Lock()
		h := l.held[label]
		l.mu.Unlock()
		if left := h.until.Sub(l.now()); left > 0 {
			if err := WaitOut(ctx, left, h.kind, h.until, op); err != nil {
				return err
			}
			continue
		}
		if had {
			return nil
		}
		if b := l.buckets[label]; b != nil && b.Wait(ctx) != nil {
			return NoTurn(ctx, op)
		}
		had = true // but a 429 may have come while this call queued
	}
}

// NoTurn is the error of a call whose ctx ends, or would end, before its turn.
func NoTurn(ctx context.Context, op string) error {
	err := ctx.Err()
	if err == nil {
		err = context.DeadlineExceeded
	}
	return &Error{Kind: KindTransport, Op: op, Message: "no turn within the deadline", Err: err}
}

// WaitOut waits for a hold to end, if that is soon, or says as the call's error that it
// is not.
func WaitOut(ctx context.Context, left time.Duration, kind Kind, until time.Time, op string) error {
	if left > LongestWait {
		return &Error{Kind: kind, Op: op, RetryAt: until, Message: "held back by Zoom's rate limits"}
	}
	t := time.NewTimer(left)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return NoTurn(ctx, op)
	}
}

func (l *alone) Answered(_ context.Context, label Label, said Said) {
	if said.Refused == "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if said.Until.After(l.held[label].until) {
		l.held[label] = hold{until: said.Until, kind: said.Refused}
	}
}
