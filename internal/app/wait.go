package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// WaitReady returns when everything this process needs is there.
func (a *App) WaitReady(ctx context.Context) error {
	return until(ctx, "latchkey is not ready", func() (bool, error) {
		status, _ := a.ready(ctx)
		return status == http.StatusOK, nil
	})
}

// WaitQuiet returns when every accepted event is dealt with, nothing is due and
// every alert is published.
func (a *App) WaitQuiet(ctx context.Context) error {
	left := ""
	err := until(ctx, "work is still under way", func() (bool, error) {
		c, err := a.Counters(ctx)
		left = fmt.Sprintf("%d events dealt with of %d accepted, %d meetings and %d hosts due, %d alerts not published, error %v", c.Events+a.others.Load(), a.Accepted(), c.MeetingsDue, c.HostsDue, c.AlertsUnpublished, err)
		return err == nil && c.Events+a.others.Load() >= a.Accepted() && c.MeetingsDue == 0 && c.HostsDue == 0 && c.FanOuts == 0 && c.AlertsUnpublished == 0, nil
	})
	if err != nil {
		return fmt.Errorf("%w: %s", err, left)
	}
	return nil
}

func until(ctx context.Context, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		ok, err := done()
		if ok || err != nil {
			return err
		}
		sleep(ctx, 20*time.Millisecond)
		if ctx.Err() != nil {
			return errors.Join(fmt.Errorf("%s after waiting for it", what), context.Cause(ctx))
		}
	}
}

// Accepted is how many deliveries ingest has accepted since the start.
func (a *App) Accepted() int64 {
	if a.deliveries == nil {
		return 0
	}
	return a.deliveries.Accepted()
}
