package app

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/webhook"
)

// reloadEvery is how often the files that the configuration names are looked at.
const reloadEvery = 5 * time.Second

// reload takes policies and secrets over while it runs: when a signal says so, and
// when a file changed. What is wrong is refused whole, and what was read before goes
// on. Everything else needs a restart.
func (a *App) reload(ctx context.Context) {
	t := time.NewTicker(reloadEvery)
	defer t.Stop()
	said := "" // the last problem, logged once
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-a.o.Reload:
			asked = true
		case <-t.C:
		}
		changed, err := a.takeOver(ctx)
		switch {
		case err != nil && (asked || err.Error() != said):
			said = err.Error()
			a.log.Error("the configuration was not taken over; what was read before goes on", "error", err)
		case err != nil:
		case changed:
			said = ""
			a.log.Info("policies and secrets were read again and hold from now on")
		default:
			said = ""
			if asked {
				a.log.Info("policies and secrets were read again: nothing changed")
			}
		}
	}
}

// takeOver reads the configuration and makes it hold; changed says whether it is
// another.
func (a *App) takeOver(ctx context.Context) (changed bool, err error) {
	role := config.Both
	switch {
	case !a.o.Worker:
		role = config.Ingest
	case !a.o.Ingest:
		role = config.Worker
	}
	next, err := config.Load(a.o.Environ, role)
	if err != nil {
		return false, err
	}
	now := *a.current.Load()
	switch {
	case reflect.DeepEqual(next, now):
		return false, nil
	case !reflect.DeepEqual(fixed(next), fixed(now)):
		return false, errors.New("an account was added, removed or given another plan, or something else than policies and secrets changed: that needs a restart")
	}
	if a.webhook != nil {
		if err := a.webhook.SetSecrets(webhookSecrets(next)); err != nil {
			return false, fmt.Errorf("webhook secrets: %w", err)
		}
	}
	for _, account := range next.AllAccounts() {
		if client := a.zoom[account.ID]; client != nil {
			client.SetCredentials(account.ClientID, account.ClientSecret)
		}
	}
	a.current.Store(&next)
	if a.worker != nil && a.migrated.on() && policies(next) != policies(now) {
		if err := a.worker.PoliciesChanged(ctx); err != nil {
			a.log.Error("meetings are decided by the new policies when they are next looked at: they could not all be made due", "error", err)
		}
	}
	return true, nil
}

// fixed is the configuration without what can be taken over while it runs.
func fixed(c config.Config) config.Config {
	c.Rules, c.WebhookSecrets, c.ClientID, c.ClientSecret = nil, nil, "", ""
	c.Accounts = slices.Clone(c.Accounts)
	for i := range c.Accounts {
		a := &c.Accounts[i]
		a.ClientID, a.ClientSecret, a.WebhookSecrets = "", "", nil
	}
	return c
}

func webhookSecrets(c config.Config) []webhook.Secret {
	var all []webhook.Secret
	for _, s := range c.Secrets() {
		all = append(all, webhook.Secret(s))
	}
	return all
}
