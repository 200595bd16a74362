package config

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Account is one Zoom account that is guarded.
type Account struct {
	ID           string
	ClientID     string
	ClientSecret secret.String
	AppID        string // see Config
	Plan         string
	// WebhookSecrets are the Secret Tokens of the account's app, which sign its
	// events.
	WebhookSecrets []secret.String
}

// Secret is a webhook secret and the account whose app it belongs to; "" when
// the configuration does not say.
type Secret struct {
	Value     secret.String
	AccountID string
}

// Secrets are all webhook secrets. A secret belongs to one app, and an app to
// one account (Z-AUTH-8): with several accounts each has its own.
func (c Config) Secrets() []Secret {
	var all []Secret
	for _, s := range c.WebhookSecrets {
		owner := c.AccountID
		if owner == "" {
			owner = c.OnlyAccount()
		}
		all = append(all, Secret{s, owner})
	}
	for _, a := range c.Accounts {
		for _, s := range a.WebhookSecrets {
			all = append(all, Secret{s, a.ID})
		}
	}
	return all
}

// checkSecrets sees to it that every account's events can be told from
// another's.
func (c Config) checkSecrets() (problems []error) {
	all := c.Secrets()
	if len(c.AllAccounts()) > 1 {
		if len(c.WebhookSecrets) > 0 && c.AccountID == "" {
			problems = append(problems, errors.New("ZOOM_WEBHOOK_SECRET_TOKEN belongs to ZOOM_ACCOUNT_ID, which is not set: with several accounts want webhook_secret for each in LATCHKEY_CONFIG"))
		}
		for _, a := range c.AllAccounts() {
			if !slices.ContainsFunc(all, func(s Secret) bool { return s.AccountID == a.ID }) {
				problems = append(problems, fmt.Errorf("account %s has no webhook secret: with several accounts want webhook_secret: {file: PATH} for each in LATCHKEY_CONFIG, so that their events can be told apart", a.ID))
			}
		}
	} else if len(all) == 0 && len(c.Accounts) > 0 {
		problems = append(problems, errors.New("no webhook secret: want ZOOM_WEBHOOK_SECRET_TOKEN, or webhook_secret for the account in LATCHKEY_CONFIG"))
	}
	for i, s := range all {
		if j := slices.IndexFunc(all[:i], func(o Secret) bool { return o.Value == s.Value && o.AccountID != s.AccountID }); j >= 0 {
			problems = append(problems, fmt.Errorf("accounts %s and %s have the same webhook secret: each Zoom app has a Secret Token of its own", all[j].AccountID, s.AccountID))
		}
	}
	return problems
}

// Rule is one policy and whom it is for; empty matchers match everybody.
type Rule struct {
	Account string // an account id
	Group   string // a group id
	Host    string // a pattern with * for a host's e-mail address or id
	Policy  passcode.Policy
	// Secret makes derived passcodes; Passcode is the fixed one. Never printed.
	Secret, Passcode secret.String
	// AlignHosts: a host's own unlocked settings that would put passcodes on
	// future meetings are turned off at the source.
	AlignHosts bool
}

// Who is a host as far as policies tell hosts apart.
type Who struct {
	AccountID, HostID, Email string
	Groups                   []string
}

// RuleFor returns the first rule that matches; without one, LATCHKEY_POLICY.
func (c Config) RuleFor(w Who) Rule {
	for _, r := range c.Rules {
		if r.matches(w) {
			return r
		}
	}
	return Rule{Policy: passcode.Policy{Mode: c.Policy}}
}

func (r Rule) matches(w Who) bool {
	if r.Account != "" && r.Account != w.AccountID || r.Group != "" && !slices.Contains(w.Groups, r.Group) {
		return false
	}
	if r.Host == "" {
		return true
	}
	pattern := strings.ToLower(r.Host)
	for _, name := range []string{w.Email, w.HostID} {
		if ok, _ := path.Match(pattern, strings.ToLower(name)); ok && name != "" {
			return true
		}
	}
	return false
}

// covers says whether this rule matches everybody whom the other one does, as far as that
// can be seen.
func (r Rule) covers(other Rule) bool {
	return (r.Account == "" || r.Account == other.Account) && (r.Group == "" || r.Group == other.Group) &&
		(r.Host == "" || r.Host == "*" || strings.EqualFold(r.Host, other.Host))
}

// AllAccounts are the account of the environment and those of LATCHKEY_CONFIG.
func (c Config) AllAccounts() []Account {
	all := slices.Clone(c.Accounts)
	if c.AccountID != "" {
		all = append(all, Account{ID: c.AccountID, ClientID: c.ClientID, ClientSecret: c.ClientSecret, AppID: c.AppID, Plan: c.Plan})
	}
	for i := range all {
		all[i].Plan = cmp.Or(all[i].Plan, c.Plan, "pro")
	}
	return all
}

// OnlyAccount is the account's id when there is one account alone, else "".
func (c Config) OnlyAccount() string {
	if all := c.AllAccounts(); len(all) == 1 {
		return all[0].ID
	}
	return ""
}

// configFile is LATCHKEY_CONFIG as it stands in YAML.
type configFile struct {
	Accounts []struct {
		ID           string       `yaml:"id"`
		ClientID     string       `yaml:"client_id"`
		ClientSecret secretSource `yaml:"client_secret"`
		AppID        string       `yaml:"app_id"`
		Plan         string       `yaml:"plan"`
		// WebhookSecret holds several separated by commas, while rotating.
		WebhookSecret secretSource `yaml:"webhook_secret"`
	} `yaml:"accounts"`
	Policies []ruleFile `yaml:"policies"`
}

type ruleFile struct {
	line             int
	Account          string       `yaml:"account"`
	Group            string       `yaml:"group"`
	Host             string       `yaml:"host"`
	Policy           string       `yaml:"policy"`
	Source           string       `yaml:"source"`
	Secret           secretSource `yaml:"secret"`
	Passcode         secretSource `yaml:"passcode"`
	AlignHosts       bool         `yaml:"align_hosts"`
	WaitingRoomHolds string       `yaml:"waiting_room_holds"`
}

// UnmarshalYAML notes the line, for messages.
func (r *ruleFile) UnmarshalYAML(n *yaml.Node) error {
	type plain ruleFile
	if err := strictNode(n, (*plain)(r)); err != nil {
		return err
	}
	r.line = n.Line
	return nil
}

// secretSource is {file: PATH} or {env: NAME}: a secret does not stand in the
// configuration itself.
type secretSource struct {
	File string `yaml:"file"`
	Env  string `yaml:"env"`
}

func (s *secretSource) UnmarshalYAML(n *yaml.Node) error {
	type plain secretSource
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a secret does not belong into this file: want {file: PATH} or {env: NAME}", n.Line)
	}
	return strictNode(n, (*plain)(s))
}

// read returns the secret, "" when none is named.
func (s secretSource) read(given map[string]string) (secret.String, error) {
	switch {
	case s.File != "" && s.Env != "":
		return "", errors.New("names a file and a variable: want one of them")
	case s.Env != "":
		if v := strings.TrimSpace(given[s.Env]); v != "" {
			return secret.String(v), nil
		}
		return "", fmt.Errorf("names the variable %s, which is not set", s.Env)
	case s.File != "":
		b, err := os.ReadFile(s.File)
		if err != nil {
			return "", err
		}
		if v := strings.TrimSpace(string(b)); v != "" {
			return secret.String(v), nil
		}
		return "", fmt.Errorf("names the file %s, which is empty", s.File)
	}
	return "", nil
}

// strictNode decodes a node and refuses keys that mean nothing. (KnownFields of
// a decoder does not reach into an UnmarshalYAML.)
func strictNode(n *yaml.Node, into any) error {
	b, err := yaml.Marshal(n)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil && !errors.Is(err, io.EOF) {
		var t *yaml.TypeError
		if errors.As(err, &t) {
			// The line in it counts from the node's own start.
			_, what, _ := strings.Cut(t.Errors[0], ": ")
			return fmt.Errorf("line %d or below: %s", n.Line, what)
		}
		return err
	}
	return nil
}

// loadFile reads LATCHKEY_CONFIG. Secrets that the role has no use for are not
// read, and need not be there: ingest knows no API credentials, a worker no
// webhook secrets.
func (c *Config) loadFile(name string, given map[string]string, role Role) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var f configFile
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", name, err)
	}
	if len(f.Accounts)+len(f.Policies) == 0 {
		// Cut short while it was written, or emptied by mistake: policies that are gone
		// would let the default change meetings.
		return fmt.Errorf("%s: it names no accounts and no policies: want some, or LATCHKEY_CONFIG not set", name)
	}
	var problems []error
	for i, a := range f.Accounts {
		account := Account{ID: a.ID, ClientID: a.ClientID, AppID: a.AppID, Plan: a.Plan}
		var webhook, clientSecret secret.String
		var err error
		if role == Ingest || role == Both {
			if webhook, err = a.WebhookSecret.read(given); err == nil && webhook != "" {
				account.WebhookSecrets, err = secrets(webhook.Reveal())
			}
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: accounts[%d] webhook_secret %w", name, i, err))
			}
		}
		if err = nil; role != Ingest {
			clientSecret, err = a.ClientSecret.read(given)
		}
		switch {
		case err != nil:
			problems = append(problems, fmt.Errorf("%s: accounts[%d] client_secret %w", name, i, err))
		case a.ID == "" || role != Ingest && (a.ClientID == "" || clientSecret == ""):
			problems = append(problems, fmt.Errorf("%s: accounts[%d]: want id, client_id and client_secret", name, i))
		case !slices.Contains([]string{"", "free", "pro", "business"}, a.Plan):
			problems = append(problems, fmt.Errorf("%s: accounts[%d] plan is %q: want free, pro or business", name, i, a.Plan))
		case a.ID == c.AccountID:
			problems = append(problems, fmt.Errorf("%s: accounts[%d] is account %s, which ZOOM_ACCOUNT_ID names as well: want it in one of the two", name, i, a.ID))
		case slices.ContainsFunc(c.Accounts, func(b Account) bool { return b.ID == a.ID }):
			problems = append(problems, fmt.Errorf("%s: account %s is there twice", name, a.ID))
		}
		account.ClientSecret = clientSecret
		c.Accounts = append(c.Accounts, account)
	}
	if role == Ingest {
		return errors.Join(problems...) // policies, and their secrets, are the worker's
	}
	for _, r := range f.Policies {
		rule, err := r.rule(given)
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: policy at line %d: %w", name, r.line, err))
		}
		for i, before := range c.Rules {
			if before.covers(rule) {
				problems = append(problems, fmt.Errorf("%s: policy at line %d never applies, since the one at line %d comes first and is for all of them: want the narrower one before the wider", name, r.line, f.Policies[i].line))
				break
			}
		}
		c.Rules = append(c.Rules, rule)
	}
	return errors.Join(problems...)
}

func (r ruleFile) rule(given map[string]string) (Rule, error) {
	rule := Rule{Account: r.Account, Group: r.Group, Host: r.Host, AlignHosts: r.AlignHosts}
	mode, err := passcode.ParseMode(r.Policy)
	if err != nil {
		return rule, err
	}
	rule.Policy = passcode.Policy{Mode: mode, Source: passcode.PasscodeSource(r.Source)}
	switch r.WaitingRoomHolds {
	case "", "as-set":
	case string(passcode.HoldsEveryone):
		rule.Policy.Holds = passcode.HoldsEveryone
	default:
		return rule, fmt.Errorf("waiting_room_holds is %q: want as-set or everyone", r.WaitingRoomHolds)
	}
	if _, err := path.Match(r.Host, ""); err != nil {
		return rule, fmt.Errorf("host %q is not a pattern: want an address, with * for any part of it", r.Host)
	}
	if rule.Secret, err = r.Secret.read(given); err != nil {
		return rule, fmt.Errorf("secret %w", err)
	}
	if rule.Passcode, err = r.Passcode.read(given); err != nil {
		return rule, fmt.Errorf("passcode %w", err)
	}
	known := mode == passcode.ModeKnownPasscode
	switch {
	case !known && (r.Source != "" || rule.Secret != "" || rule.Passcode != ""):
		return rule, fmt.Errorf("source, secret and passcode belong to policy %s", passcode.ModeKnownPasscode)
	case mode != passcode.ModeWaitingRoom && r.WaitingRoomHolds != "":
		return rule, fmt.Errorf("waiting_room_holds belongs to policy %s", passcode.ModeWaitingRoom)
	case known && !slices.Contains(passcode.Sources(), rule.Policy.Source):
		return rule, fmt.Errorf("source is %q: want derived, fixed or zoom", r.Source)
	case rule.Policy.Source == passcode.SourceDerived && len(rule.Secret) < 16:
		return rule, errors.New("source derived wants a secret of at least 16 characters: secret: {file: PATH}")
	case rule.Policy.Source == passcode.SourceFixed && rule.Passcode == "":
		return rule, errors.New("source fixed wants a passcode: passcode: {file: PATH}")
	case mode == passcode.ModeObserve && r.AlignHosts:
		return rule, errors.New("align_hosts changes settings, and policy observe changes nothing")
	}
	if rule.Policy.Source == passcode.SourceFixed {
		if err := (passcode.Requirement{}).Check(rule.Passcode.Reveal()); err != nil {
			return rule, fmt.Errorf("the fixed passcode cannot be used: %w", err)
		}
	}
	return rule, nil
}
