package bus

import (
	"context"
	"fmt"
)

// Depths are how much waits in the streams.
type Depths struct {
	Pending     uint64 // messages of events that no worker was given yet
	InProgress  int    // that one was given and has not acknowledged
	Redelivered int    // of these, that were given before
	Dead        uint64 // dead letters
}

// Depths asks the server. It needs a right more than publishing and consuming do:
// $JS.API.CONSUMER.INFO and $JS.API.STREAM.INFO.
func (b *Bus) Depths(ctx context.Context) (d Depths, err error) {
	durables := []string{framesDurable}
	if b.single.Load() {
		durables = append(durables, intakeDurable)
	}
	for _, durable := range durables {
		c, err := b.js.Consumer(ctx, b.name(kindEvents), durable)
		if err != nil {
			return d, fmt.Errorf("read how many events wait: %w", err)
		}
		info := c.CachedInfo()
		d.Pending, d.InProgress, d.Redelivered = d.Pending+info.NumPending, d.InProgress+info.NumAckPending, d.Redelivered+info.NumRedelivered
	}
	s, err := b.js.Stream(ctx, b.name(kindDead))
	if err != nil {
		return d, fmt.Errorf("read how many dead letters there are: %w", err)
	}
	d.Dead = s.CachedInfo().State.Msgs
	return d, nil
}
