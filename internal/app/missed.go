package app

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/intake"
	"latchkey/internal/webhook"
	"latchkey/internal/zoom"
)

const (
	// missedEvery is how often Zoom's log of deliveries is looked at.
	missedEvery = 10 * time.Minute
	// missedSoon is how soon it is after a look that failed.
	missedSoon = time.Minute
	// missedAgain is how much of what was looked at before is looked at again: an entry
	// may come late.
	missedAgain = 10 * time.Minute
	// missedKept is how far back Zoom's log goes, and so much is asked for at most.
	missedKept = 7*24*time.Hour - time.Hour
	// missedFrame is how many are taken in at once.
	missedFrame = 50
	// missedWithin bounds one look at one account.
	missedWithin = 10 * time.Minute
)

// takeMissedIn takes in what Zoom could not deliver, from its own log of that, of accounts
// whose app's id is configured: at the start, and then every few minutes. What was taken
// in by another way is known, and changes nothing.
func (a *App) takeMissedIn(ctx context.Context) {
	failing := map[string]bool{}
	for ctx.Err() == nil {
		wait := missedEvery
		for _, account := range a.o.Config.AllAccounts() {
			if account.AppID == "" {
				continue
			}
			recovered, err := a.takeMissed(ctx, account.ID, account.AppID)
			if recovered > 0 {
				a.recovered.Add(float64(recovered))
				a.log.Warn("events that Zoom could not deliver were taken in from its log", "account_id", account.ID, "events", recovered)
			}
			if err != nil {
				wait = missedSoon
			}
			if failed := err != nil && ctx.Err() == nil; failed != failing[account.ID] {
				if failing[account.ID] = failed; failed {
					a.log.Warn("Zoom's log of deliveries cannot be read; what it could not deliver is found by the sweep alone", "account_id", account.ID, "error", err)
				}
			}
		}
		sleep(ctx, wait)
	}
}

// takeMissed looks at one account, from where the last look ended.
func (a *App) takeMissed(ctx context.Context, accountID, appID string) (recovered int, err error) {
	ctx, cancel := context.WithTimeout(ctx, missedWithin)
	defer cancel()
	since, now, err := a.store.LogLooked(ctx, accountID)
	if err != nil {
		return 0, err
	}
	since = since.Add(-missedAgain)
	if oldest := now.Add(-missedKept); since.Before(oldest) {
		since = oldest
	}
	take := a.newIntake(workerBus{a.bus}.publishDead, nil, func(result string) {
		if result == "recorded" {
			recovered++
		}
	}).Handle(ctx)
	var frame intake.Frame
	flush := func() error {
		if len(frame.Events) == 0 {
			return nil
		}
		err := take(ctx, frame)
		frame = intake.Frame{}
		return err
	}
	seen := map[string]bool{}
	ahead := a.zoom[accountID].Ahead() // the log is by Zoom's clock, in whole seconds
	err = a.zoom[accountID].FailedDeliveries(ctx, appID, since.Add(ahead), now.Add(ahead+time.Second), func(d zoom.FailedDelivery) error {
		e, wanted := missedEvent(d, accountID, len(a.zoom) > 1)
		if !wanted || seen[e.ID] {
			return nil
		}
		seen[e.ID] = true
		if frame.Events = append(frame.Events, e); len(frame.Events) < missedFrame {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err == nil {
		err = a.store.LogLookedUntil(ctx, accountID, now)
	}
	if err != nil {
		return recovered, fmt.Errorf("take in what Zoom could not deliver: %w", err)
	}
	return recovered, nil
}

// missedEvent is an entry of the log as ingest would have passed it on. It is Zoom's by
// the connection that it came over: the log has no signature.
func missedEvent(d zoom.FailedDelivery, accountID string, several bool) (e intake.Event, wanted bool) {
	env, err := decodeEnvelope(d.Body)
	if err != nil || env.PlainToken != "" || !intake.Wanted(env.Event) {
		return e, false // nothing that ingest would have kept, or not whole
	}
	e = intake.Event{ID: webhook.EventID(d.Body, env.HasTime, d.RequestID), Body: d.Body, ReceivedAt: d.At, RequestID: zoom.Clean(d.RequestID)}
	if several {
		e.SignedFor = accountID
	}
	if e.ReceivedAt.IsZero() {
		e.ReceivedAt = time.Now()
	}
	return e, true
}
