package app

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"

	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/reconcile"
)

// RuleOf returns the configured policies as the worker sees them.
func RuleOf(c config.Config) func(reconcile.Who) reconcile.Rule {
	return func(w reconcile.Who) reconcile.Rule { return rule(c, w) }
}

// rule is the configured policy of a host as the worker sees it.
func rule(c config.Config, w reconcile.Who) reconcile.Rule {
	r := c.RuleFor(config.Who(w))
	p := r.Policy
	p.Fingerprint = fingerprint(c, w.AccountID, r)
	return reconcile.Rule{Policy: p, Secret: r.Secret, Passcode: r.Passcode, AlignHosts: r.AlignHosts}
}

// fingerprint differs for two rules that might decide otherwise, their secrets
// included. It stands in ordinary tables, where a plain hash of a passcode could
// be searched for: it is keyed with the account's own client secret.
func fingerprint(c config.Config, accountID string, r config.Rule) string {
	key := []byte("latchkey policy")
	for _, a := range c.AllAccounts() {
		if a.ID == accountID {
			key = append(key, a.ClientSecret.Reveal()...)
		}
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s\x00%s\x00%s\x00%s\x00%t", r.Policy.Mode, r.Policy.Source, r.Secret.Reveal(), r.Passcode.Reveal(), r.AlignHosts)
	if r.Policy.Holds != passcode.HoldsAsSet {
		fmt.Fprintf(mac, "\x00%s waits", r.Policy.Holds)
	}
	return fmt.Sprintf("%x", mac.Sum(nil)[:12])
}

// policies is a fingerprint of all rules together, and of whom each is for.
func policies(c config.Config) string {
	all := sha256.New()
	for _, r := range append(c.Rules, config.Rule{Policy: passcode.Policy{Mode: c.Policy}}) {
		for _, a := range c.AllAccounts() {
			fmt.Fprintf(all, "%q %q %q %s\n", r.Account, r.Group, r.Host, fingerprint(c, a.ID, r))
		}
	}
	return fmt.Sprintf("%x", all.Sum(nil)[:12])
}
