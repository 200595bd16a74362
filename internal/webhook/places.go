package webhook

import (
	"context"
	"sync/atomic"
)

// places bounds the deliveries that the bus is asked to keep at once. Only a
// delivery whose body has arrived and whose signature is valid asks for a place.
type places struct {
	taken   chan struct{}
	waiting atomic.Int64
}

// waitersPerPlace is how many deliveries may wait for each place. A refused one
// comes back after five minutes at the earliest (Z-HOOK-8), so a burst had better
// wait; but not more than the bus can be expected to serve within placeWithin.
const waitersPerPlace = 8

func newPlaces(n int) *places { return &places{taken: make(chan struct{}, n)} }

// take waits its turn, first come, first served. False means that there is no
// place: at once where too many wait already, else after placeWithin.
func (p *places) take(ctx context.Context) bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
	}
	defer p.waiting.Add(-1)
	if p.waiting.Add(1) > waitersPerPlace*int64(cap(p.taken)) {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, placeWithin)
	defer cancel()
	select {
	case p.taken <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// takeFree takes one that is free now.
func (p *places) takeFree() bool {
	select {
	case p.taken <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p *places) leave() { <-p.taken }
