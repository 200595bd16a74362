// Package quota keeps all of latchkey's workers together within Zoom's limits of an
// account, and leaves a share of them to the customer's other apps.
//
// Turns to call are given out by the database (store.TakeTurns), which is the one clock
// and the one memory: of a worker that dies with turns in hand only those turns are
// lost. A worker under load takes as many at a time as callers wait, and a few ahead, so
// that a call does not cost a round trip of its own.
package quota

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// Ledger is where the turns are; *store.Store is one.
type Ledger interface {
	TakeTurns(ctx context.Context, l store.CallLimit, n int) (store.Turns, error)
	HoldCalls(ctx context.Context, accountID, label, heldFor string, during time.Duration) error
	LearnLimit(ctx context.Context, accountID, label string, daily bool, limit int) error
}

// Options configure a Limiter. All are required.
type Options struct {
	Ledger    Ledger
	AccountID string
	Plan      string  // free, pro or business: what Zoom allows until it says so itself
	Share     float64 // of Zoom's limits that latchkey takes: above 0, at most 1
	Logger    *slog.Logger
}

// Limiter is a zoom.Limiter of one account that shares its limits with every other one
// on the same ledger. It is safe for concurrent use.
type Limiter struct {
	o      Options
	labels map[zoom.Label]*line
	close  context.CancelFunc
}

// New makes a Limiter. An unknown plan is taken for the smallest.
func New(o Options) *Limiter {
	plan, ok := zoom.Allowances(o.Plan)
	if !ok {
		plan, _ = zoom.Allowances("free")
	}
	l := &Limiter{o: o, labels: map[zoom.Label]*line{}}
	closed, cancel := context.WithCancel(context.Background())
	l.close = cancel
	for _, label := range zoom.Labels() {
		limit := store.CallLimit{AccountID: o.AccountID, Label: string(label), PerSecond: plan[label].PerSecond, PerDay: plan[label].PerDay, Share: o.Share}
		l.labels[label] = &line{limit: limit, ledger: o.Ledger, log: o.Logger, closed: closed, block: max(1, int(limit.PerSecond*o.Share/blocks)), ahead: 1}
	}
	return l
}

// Close ends what is being asked of the ledger and waits for that. No call may wait any
// more.
func (l *Limiter) Close() {
	l.close()
	for _, line := range l.labels {
		line.asks.Wait()
	}
}

// Wait returns when a call of the label may be made (zoom.Limiter).
func (l *Limiter) Wait(ctx context.Context, label zoom.Label, op string) error {
	line := l.labels[label]
	if line == nil {
		line = l.labels[zoom.ResourceIntensive] // not known: the scarcest
	}
	return line.wait(ctx, op)
}

// ledgerWithin bounds one question to the ledger.
const ledgerWithin = 2 * time.Second

// leftToOthers is the part of a day's limit that latchkey leaves when others have used
// up the rest.
const leftToOthers = 0.05

// askAgain is for how long one word of a day's limit is believed: a call then shows
// whether it holds still.
const askAgain = 15 * time.Minute

// heldAtLeast is for how long calls wait after a refusal that names a time gone by.
const heldAtLeast = time.Second

// Answered learns from an answer (zoom.Limiter). What the ledger does not hear of it hears
// from the next answer.
func (l *Limiter) Answered(ctx context.Context, label zoom.Label, said zoom.Said) {
	line := l.labels[label]
	if line == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledgerWithin)
	defer cancel()
	var err error
	if said.Limit > 0 && line.learned(said) {
		if err = l.o.Ledger.LearnLimit(ctx, l.o.AccountID, string(label), said.Daily, said.Limit); err != nil {
			line.learned(zoom.Said{Daily: said.Daily}) // news again with the next answer
		}
	}
	switch {
	case said.Refused != "":
		during := time.Until(said.Until)
		if during <= 0 { // the answer took long, or the clocks are apart
			during = heldAtLeast
		}
		if said.Refused == zoom.KindRateDay {
			during = min(during, askAgain)
		}
		line.hold(said.Refused, during)
		l.o.Logger.Warn("Zoom refuses calls for its rate limits; all workers wait", "label", label, "limit", said.Refused, "for", during)
		err = errors.Join(err, l.o.Ledger.HoldCalls(ctx, l.o.AccountID, string(label), string(said.Refused), during))
	case said.Daily && float64(said.Remaining) < leftToOthers*float64(said.Limit):
		line.hold(zoom.KindRateDay, askAgain)
		err = errors.Join(err, l.o.Ledger.HoldCalls(ctx, l.o.AccountID, string(label), store.HeldDay, askAgain))
	}
	if err != nil {
		l.o.Logger.Warn("could not note what Zoom said of its limits", "label", label, "error", err)
	}
}
