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

// WaitQuiet returns when every accepted event is recorded, nothing is due and
// every alert is published.
func (a *App) WaitQuiet(ctx context.Context) error {
	return until(ctx, "work is still under way", func() (bool, error) {
		c, err := a.Counters(ctx)
		return err == nil && c.Events >= a.Accepted() && c.MeetingsDue == 0 && c.HostsDue == 0 && c.AlertsUnpublished == 0, nil
	})
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
