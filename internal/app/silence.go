package app

import (
	"context"
	"sync"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/store"
)

const (
	// silenceEvery is how often it is looked whether webhooks still come.
	silenceEvery = time.Minute
	// silenceSettles is how long after the start it is first looked: what waited in the
	// stream while no worker ran is to be taken in first.
	silenceSettles = 10 * time.Minute
	// silenceMeans is how many events the same hours of each week before must have had,
	// for none to come by chance once in ten thousand times at most.
	silenceMeans = 10
	// validatedLate is when a validation is late: Zoom validates the webhook URL every 72
	// hours (Z-HOOK-14), and one that came and could not be noted is none that stayed away.
	validatedLate = 2*72*time.Hour + 6*time.Hour
)

// heard counts events by account and hour until they are written down.
type heard struct {
	mu  sync.Mutex
	now map[string]map[time.Time]int
}

func (h *heard) add(account string, at time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.now == nil {
		h.now = map[string]map[time.Time]int{}
	}
	if h.now[account] == nil {
		h.now[account] = map[time.Time]int{}
	}
	h.now[account][at.UTC().Truncate(time.Hour)]++
}

func (h *heard) take() map[string]map[time.Time]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.now
	h.now = nil
	return all
}

// back returns what could not be written down.
func (h *heard) back(account string, hours map[time.Time]int) {
	for at, n := range hours {
		for range n {
			h.add(account, at)
		}
	}
}

// watchSilence writes down how many events come, and says when they stay away although
// the account's own rhythm has many at that time.
func (a *App) watchSilence(ctx context.Context) {
	begun := time.Now()
	for ctx.Err() == nil {
		sleep(ctx, silenceEvery)
		a.writeHeard(context.WithoutCancel(ctx))
		if ctx.Err() != nil || time.Since(begun) < silenceSettles {
			continue
		}
		for account := range a.zoom {
			a.lookForSilence(ctx, account)
		}
	}
}

func (a *App) writeHeard(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	all := a.heard.take()
	for account := range a.zoom {
		hours := all[account]
		if err := a.store.Heard(ctx, account, hours); err != nil {
			a.heard.back(account, hours)
			a.log.Debug("could not count events", "error", err)
		}
	}
}

func (a *App) lookForSilence(ctx context.Context, account string) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	began, ended, err := a.store.LookForSilence(ctx, account, isSilent, func(k store.Silence, late bool) store.Alert { return alert.WebhooksSilent(account, k, late) })
	switch {
	case err != nil:
		a.log.Debug("could not look whether webhooks still come", "account_id", account, "error", err)
	case began > 0:
		a.log.Warn("webhooks of an account stay away; alert webhooks.silent says more", "account_id", account)
	case ended > 0:
		a.log.Info("webhooks of an account come again", "account_id", account)
	}
}

// isSilent says whether no event comes although many did at the same time of each week
// before, and whether the validation of the URL is late.
func isSilent(k store.Silence) (silent, late bool) {
	silent = k.Hours >= 1 && k.Weeks >= 1 && k.Fewest >= silenceMeans
	late = !k.ValidatedAt.IsZero() && k.Now.Sub(k.ValidatedAt) > validatedLate
	return silent, late
}
