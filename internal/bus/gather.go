package bus

import (
	"context"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// gatherer makes frames of the events that wait at the same moment. Of each
// account one frame is on its way at a time, which keeps its events in order; what
// comes meanwhile is the next frame. An event that finds nothing on its way goes
// at once, alone.
type gatherer struct {
	publish func(context.Context, *nats.Msg) error

	mu       sync.Mutex
	accounts map[string][]*waiting // of those with a frame on its way, what waits
	wg       sync.WaitGroup
}

// waiting is an event whose publisher waits.
type waiting struct {
	ctx   context.Context
	event Event
	done  chan error
}

// publishWithin bounds the wait for the ack of one frame: then each of its events
// has failed, and is published again by whoever has it, if at all.
const publishWithin = 2 * time.Second

// put returns when the event's frame is on disk, or failed, or ctx ended. An
// event whose ctx ends before its frame is made is in none.
func (g *gatherer) put(ctx context.Context, e Event) error {
	w := &waiting{ctx: ctx, event: e, done: make(chan error, 1)}
	g.mu.Lock()
	if g.accounts == nil {
		g.accounts = map[string][]*waiting{}
	}
	waits, running := g.accounts[e.AccountID]
	g.accounts[e.AccountID] = append(waits, w)
	if !running {
		g.wg.Go(func() { g.run(e.AccountID) })
	}
	g.mu.Unlock()
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run publishes frame after frame until nothing of the account waits.
func (g *gatherer) run(account string) {
	for {
		waits := g.take(account)
		if len(waits) == 0 {
			return
		}
		events := make([]Event, len(waits))
		for i, w := range waits {
			events[i] = w.event
		}
		msg, taken := frame(events)
		g.giveBack(account, waits[taken:])
		ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
		err := g.publish(ctx, msg)
		cancel()
		for _, w := range waits[:taken] {
			w.done <- err
		}
	}
}

// take returns what waits; nothing ends the account's run.
func (g *gatherer) take(account string) []*waiting {
	g.mu.Lock()
	defer g.mu.Unlock()
	var still []*waiting
	for _, w := range g.accounts[account] {
		if w.ctx.Err() == nil { // else its publisher was told already that it failed
			still = append(still, w)
		}
	}
	if len(still) == 0 {
		delete(g.accounts, account)
		return nil
	}
	g.accounts[account] = nil
	return still
}

// giveBack puts what did not fit before what came since.
func (g *gatherer) giveBack(account string, rest []*waiting) {
	if len(rest) == 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accounts[account] = append(rest, g.accounts[account]...)
}
