package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/passcode"
)

// write puts a file into the test's folder and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	p := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(p, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPoliciesFirstMatchDecides(t *testing.T) {
	t.Parallel()
	secretFile := write(t, "secret", "0123456789abcdef\n")
	file := write(t, "latchkey.yaml", `
accounts:
  - {id: A2, client_id: c2, client_secret: {env: A2_SECRET}, plan: business}
policies:
  - {host: "boss@*", policy: observe}
  - {account: A1, group: G7, policy: known-passcode, source: derived, secret: {file: `+secretFile+`}}
  - {account: A2, policy: waiting-room, align_hosts: true}
  - {host: "*@sales.example.com", policy: known-passcode, source: zoom}
`)
	c, err := Load(append(complete(), "LATCHKEY_CONFIG="+file, "A2_SECRET=s2", "LATCHKEY_POLICY=waiting-room"), Both)
	if err != nil {
		t.Fatal(err)
	}
	if all := c.AllAccounts(); len(all) != 2 || all[0].ID != "A2" || all[0].ClientSecret != "s2" || all[0].Plan != "business" || c.OnlyAccount() != "" {
		t.Errorf("accounts %d, only %q", len(all), c.OnlyAccount())
	}
	for name, want := range map[string]struct {
		who   Who
		mode  passcode.Mode
		align bool
	}{
		"by host, upper case, first of all": {Who{AccountID: "A2", Email: "Boss@x.example"}, passcode.ModeObserve, false},
		"by account and group":              {Who{AccountID: "A1", Email: "a@x", Groups: []string{"G1", "G7"}}, passcode.ModeKnownPasscode, false},
		"the group alone is not enough":     {Who{AccountID: "A3", Email: "a@x", Groups: []string{"G7"}}, passcode.ModeWaitingRoom, false},
		"by account":                        {Who{AccountID: "A2", Email: "a@x"}, passcode.ModeWaitingRoom, true},
		"by pattern":                        {Who{AccountID: "A3", Email: "joe@sales.example.com"}, passcode.ModeKnownPasscode, false},
		"nobody's: the default":             {Who{AccountID: "A3", Email: "joe@other.example.com"}, passcode.ModeWaitingRoom, false},
		"host not read yet":                 {Who{AccountID: "A3", HostID: "h"}, passcode.ModeWaitingRoom, false},
	} {
		r := c.RuleFor(want.who)
		if r.Policy.Mode != want.mode || r.AlignHosts != want.align {
			t.Errorf("%s: %s, align %t", name, r.Policy.Mode, r.AlignHosts)
		}
	}
	if r := c.RuleFor(Who{AccountID: "A1", Groups: []string{"G7"}}); r.Secret != "0123456789abcdef" {
		t.Error("the secret's file was not read")
	}
}

func TestMalformedFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":               {"polices: []", "line 1: field polices not found"},
		"unknown key in a policy":   {"policies:\n  - {policy: observe, hots: x}", "field hots not found"},
		"unknown policy":            {"policies:\n  - policy: yolo", `line 2: policy "yolo" is not known: want waiting-room, observe or known-passcode`},
		"source missing":            {"policies:\n  - policy: known-passcode", `source is "": want derived, fixed or zoom`},
		"source of another policy":  {"policies:\n  - {policy: observe, source: zoom}", "belong to policy known-passcode"},
		"secret in the file itself": {"policies:\n  - {policy: known-passcode, source: derived, secret: s3cret}", "a secret does not belong into this file"},
		"secret of nowhere":         {"policies:\n  - {policy: known-passcode, source: derived, secret: {env: NOT_SET}}", "the variable NOT_SET, which is not set"},
		"secret too short":          {"policies:\n  - {policy: known-passcode, source: derived, secret: {env: ZOOM_CLIENT_ID}}", "at least 16 characters"},
		"fixed without passcode":    {"policies:\n  - {policy: known-passcode, source: fixed}", "source fixed wants a passcode"},
		"observe that aligns":       {"policies:\n  - {policy: observe, align_hosts: true}", "policy observe changes nothing"},
		"pattern":                   {"policies:\n  - {policy: observe, host: '[a'}", "is not a pattern"},
		"account without a client":  {"accounts:\n  - {id: A2}", "accounts[0]: want id, client_id and client_secret"},
		"account twice":             {"accounts:\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}}\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}}", "account A2 is there twice"},
		"plan":                      {"accounts:\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}, plan: gold}", `plan is "gold"`},
		"not YAML":                  {"a: [", "latchkey.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(append(complete(), "LATCHKEY_CONFIG="+write(t, "latchkey.yaml", c.yaml)), Both)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAccountsInTheFileAlone(t *testing.T) {
	t.Parallel()
	with := func(content string) (Config, error) {
		environ := append(complete("ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"), "S=x", "LATCHKEY_CONFIG="+write(t, "latchkey.yaml", content))
		return Load(environ, Both)
	}
	c, err := with("accounts:\n  - {id: A2, client_id: c, client_secret: {env: S}}")
	if err != nil || c.OnlyAccount() != "A2" {
		t.Errorf("%v, account %q", err, c.OnlyAccount())
	}
	if _, err := with("policies: []"); err == nil || !strings.Contains(err.Error(), "names no account") {
		t.Errorf("no account at all: %v", err)
	}
}
