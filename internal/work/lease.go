package work

import (
	"context"
	"errors"
	"time"
)

// ErrLeaseLost is the cause of a context that UnderLease ended because the
// lease was lost or may have been.
var ErrLeaseLost = errors.New("lease lost")

// Hold says how a lease is held.
type Hold struct {
	Lease time.Duration
	// Since is just before the lease was asked for, by this process's clock: it
	// lasts from then at least.
	Since time.Time
	// Beat asks for the lease to last for Lease from now; it must return when its
	// ctx ends. An error that Lost accepts means that the lease is somebody
	// else's, any other that it is not known.
	Beat func(ctx context.Context) error
	Lost func(error) bool
	// Within bounds the work.
	Within time.Duration
}

// UnderLease does the work while a lease is held: it sends heartbeats, and ends
// the work's context before the lease can have run out, whatever a heartbeat
// does or does not answer. A panic of the work is its error.
func UnderLease(ctx context.Context, h Hold, work func(context.Context) error) error {
	ctx, timeout := context.WithTimeout(ctx, h.Within)
	defer timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	// A margin, so that a call that is being sent when the lease is given up is
	// over before another worker can have it.
	margin := h.Lease / 6
	until := time.AfterFunc(time.Until(h.Since.Add(h.Lease-margin)), func() { cancel(ErrLeaseLost) })
	defer until.Stop()

	beating := make(chan struct{})
	go func() {
		defer close(beating)
		for {
			Pause(ctx, h.Lease/3)
			if ctx.Err() != nil {
				return
			}
			sent := time.Now()
			beat, cancelBeat := context.WithTimeout(ctx, h.Lease/3)
			err := h.Beat(beat)
			cancelBeat()
			switch {
			case err == nil:
				until.Reset(time.Until(sent.Add(h.Lease - margin)))
			case h.Lost(err):
				cancel(ErrLeaseLost)
				return
			}
		}
	}()
	err := Guard(func() error { return work(ctx) })
	if err != nil && errors.Is(context.Cause(ctx), ErrLeaseLost) {
		err = errors.Join(ErrLeaseLost, err)
	}
	cancel(nil)
	<-beating
	return err
}
