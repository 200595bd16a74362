package quota

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

const (
	// blocks bounds what is taken at a time: what a worker may make in an eighth of a
	// second, were it alone.
	blocks = 8
	// late is for how long a turn is good after its time. Later it would be made up for
	// together with others' turns.
	late = 250 * time.Millisecond
	// aloneEvery is the pace of a worker that cannot reach the ledger: slow enough for
	// any number of them.
	aloneEvery = time.Second
)

// line is where calls of one label wait.
type line struct {
	limit  store.CallLimit
	ledger Ledger
	log    *slog.Logger
	block  int
	// Asking ends with closed, and asks waits for it.
	closed context.Context
	asks   sync.WaitGroup

	mu      sync.Mutex
	waiting int
	asking  chan struct{} // closed when turns that were asked for are there; nil: nobody asks
	// Turns in hand: left of them, the next at next, one every so long, good until.
	left  int
	next  time.Time
	every time.Duration
	until time.Time
	// ahead is how many are asked for although nobody waits for them: more, where those
	// before were used up.
	ahead     int
	notBefore time.Time // asking again before is of no use
	heldUntil time.Time
	heldFor   zoom.Kind
	// second and day are what Zoom said last that it allows.
	second, day int
	cut         bool // the ledger could not be reached
}

// wait returns when a call may be made, having used up a turn.
func (l *line) wait(ctx context.Context, op string) error {
	for {
		at, asked, held := l.turn()
		switch {
		case held > 0:
			if err := zoom.WaitOut(ctx, held, l.why(), time.Now().Add(held), op); err != nil {
				return err
			}
		case asked == nil:
			if err := zoom.WaitOut(ctx, time.Until(at), zoom.KindRateSecond, at, op); err != nil {
				return err
			}
			// A 429 may have come while this call waited: then it waits like all others.
			if l.free() {
				return nil
			}
		default:
			select {
			case <-asked:
			case <-ctx.Done():
			}
			l.leave()
			if ctx.Err() != nil {
				return zoom.NoTurn(ctx, op)
			}
		}
	}
}

// turn takes a turn that is in hand, and returns when it is; else asks for some, and
// returns what is closed when there are, or for how long there are none.
func (l *line) turn() (at time.Time, asked <-chan struct{}, held time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if held = l.heldUntil.Sub(now); held > 0 {
		return at, nil, held
	}
	if l.left > 0 && now.Before(l.until) {
		at = l.next
		if now.After(at) {
			at = now
		}
		l.left, l.next = l.left-1, at.Add(l.every)
		return at, nil, 0
	}
	if !now.Before(l.until) { // those before were enough for long
		l.left, l.ahead = 0, 1
	}
	l.waiting++
	if l.asking == nil {
		l.asking = make(chan struct{})
		n, asked, after := min(max(l.waiting, l.ahead), l.block), l.asking, max(0, l.notBefore.Sub(now))
		l.asks.Go(func() { l.ask(n, asked, after) })
	}
	return at, l.asking, 0
}

func (l *line) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
}

// ask takes n turns from the ledger, after a while, and lets those who wait see.
func (l *line) ask(n int, asked chan struct{}, after time.Duration) {
	select {
	case <-time.After(after):
	case <-l.closed.Done():
	}
	ctx, cancel := context.WithTimeout(l.closed, ledgerWithin)
	defer cancel()
	got, err := l.ledger.TakeTurns(ctx, l.limit, n)
	if err == nil && got.Count == 0 && got.Held == "" && got.After == 0 && n > 1 {
		got, err = l.ledger.TakeTurns(ctx, l.limit, 1)
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asking, l.notBefore = nil, time.Time{}
	if l.cut != (err != nil) {
		if l.cut = !l.cut; l.cut {
			l.log.Warn("turns to call Zoom cannot be shared with other workers; this one goes slowly until they can", "label", l.limit.Label, "error", err)
		}
	}
	switch {
	case err != nil:
		l.left, l.next, l.every, l.until = 1, now, aloneEvery, now.Add(late)
		l.notBefore = now.Add(aloneEvery)
	case got.Count > 0:
		l.left, l.next, l.every = got.Count, now.Add(got.After), got.Every
		l.until = l.next.Add(time.Duration(got.Count)*got.Every + late)
		l.ahead = min(2*max(n, l.ahead), l.block)
	case got.Held != "":
		l.heldFor, l.heldUntil = zoom.Kind(got.Held), now.Add(got.After)
	default:
		l.notBefore = now.Add(got.After)
	}
	close(asked)
}

// why is what the label's calls are held for.
func (l *line) why() zoom.Kind {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heldFor
}

func (l *line) free() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !time.Now().Before(l.heldUntil)
}

// hold keeps this process's calls back at once; the others hear of it from the ledger.
func (l *line) hold(kind zoom.Kind, during time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(during); until.After(l.heldUntil) {
		l.heldUntil, l.heldFor, l.left = until, kind, 0
	}
}

// learned says whether that is news.
func (l *line) learned(said zoom.Said) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	of := &l.second
	if said.Daily {
		of = &l.day
	}
	news := *of != said.Limit
	*of = said.Limit
	return news
}
