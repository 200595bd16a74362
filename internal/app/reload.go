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

// reload takes policies, secrets and the certificate over while it runs: when a signal
// says so, and when a file changed. What is wrong is refused whole, and what was read before goes
// on. Everything else needs a restart.
func (a *App) reload(ctx context.Context) {
	t := time.NewTicker(reloadEvery)
	defer t.Stop()
	said := "" // the last problem, logged once
	var before config.Config
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-a.o.Reload:
			asked = true
		case <-t.C:
		}
		a.lookAtCertificate(asked)
		next, err := config.Load(a.o.Environ, a.role())
		if err == nil && !asked && !reflect.DeepEqual(next, before) {
			before = next // perhaps it is being written: once more before it is believed
			continue
		}
		changed := false
		if err == nil {
			changed, err = a.takeOver(ctx, next)
		}
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

func (a *App) role() config.Role {
	switch {
	case !a.o.Worker:
		return config.Ingest
	case !a.o.Ingest:
		return config.Worker
	}
	return config.Both
}

// takeOver makes the configuration hold; changed says whether it is another.
func (a *App) takeOver(ctx context.Context, next config.Config) (changed bool, err error) {
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
	secrets := !reflect.DeepEqual(next.AllAccounts(), now.AllAccounts())
	for _, account := range next.AllAccounts() {
		if client := a.zoom[account.ID]; client != nil {
			client.SetCredentials(account.ClientID, account.ClientSecret)
		}
	}
	a.current.Store(&next)
	if a.worker != nil && a.migrated.on() && policies(next) != policies(now) {
		if err := a.worker.PoliciesChanged(ctx); err != nil {
			a.log.Error("meetings could not all be made due for the new policies; it is tried again", "error", err)
		}
	}
	if a.worker != nil && a.migrated.on() && secrets {
		// What waits for credentials that work is tried now.
		if err := a.worker.CredentialsChanged(ctx); err != nil {
			a.log.Warn("could not look at the accounts anew; it is tried again by itself", "error", err)
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
