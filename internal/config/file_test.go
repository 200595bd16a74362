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
  - {id: A2, client_id: c2, client_secret: {env: A2_SECRET}, plan: business, webhook_secret: {env: A2_TOKEN}}
policies:
  - {host: "boss@*", policy: observe}
  - {account: A1, group: G7, policy: known-passcode, source: derived, secret: {file: `+secretFile+`}}
  - {account: A2, policy: waiting-room, align_hosts: true}
  - {host: "*@sales.example.com", policy: known-passcode, source: zoom}
`)
	c, err := Load(append(complete(), "LATCHKEY_CONFIG="+file, "A2_SECRET=s2", "A2_TOKEN=t2", "LATCHKEY_POLICY=waiting-room"), Both)
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

// TestWhoseSecret: a webhook secret vouches for one account alone.
func TestWhoseSecret(t *testing.T) {
	t.Parallel()
	const a2, a3 = "  - {id: A2, client_id: c, client_secret: {env: S2}, webhook_secret: {env: T2}}\n", "  - {id: A3, client_id: c, client_secret: {env: S3}, webhook_secret: {env: T3}}\n"
	const bare = "  - {id: A4, client_id: c, client_secret: {env: S2}}\n"
	env := []string{"DATABASE_URL=postgres://h/d", "NATS_URL=nats://h:4222", "S2=s2", "S3=s3", "T2=t2, t2-old", "T3=t3"}
	own := []string{"ZOOM_ACCOUNT_ID=A1", "ZOOM_CLIENT_ID=c", "ZOOM_CLIENT_SECRET=s"}
	for name, c := range map[string]struct {
		role     Role
		accounts string
		environ  []string
		want     string // secret@account of each
		problem  string
	}{
		"the one account of the environment":        {Both, "", append(own, "ZOOM_WEBHOOK_SECRET_TOKEN=t,u"), "t@A1 u@A1", ""},
		"ingest that knows no account":              {Ingest, "", []string{"ZOOM_WEBHOOK_SECRET_TOKEN=t"}, "t@", ""},
		"ingest that is told the account":           {Ingest, "", []string{"ZOOM_WEBHOOK_SECRET_TOKEN=t", "ZOOM_ACCOUNT_ID=A1"}, "t@A1", ""},
		"the one account of the file":               {Both, a2, nil, "t2@A2 t2-old@A2", ""},
		"the file's account, the variable's secret": {Both, bare, []string{"ZOOM_WEBHOOK_SECRET_TOKEN=t"}, "t@A4", ""},
		"several": {Both, a2 + a3, append(own, "ZOOM_WEBHOOK_SECRET_TOKEN=t"), "t@A1 t2@A2 t2-old@A2 t3@A3", ""},
		"several, ingest: it needs no API credentials": {Ingest, strings.ReplaceAll(a2+a3, "{env: S", "{env: NOT_SET"), nil, "t2@A2 t2-old@A2 t3@A3", ""},
		"a worker needs no webhook secrets":            {Worker, strings.ReplaceAll(a2+a3, "{env: T", "{env: NOT_SET"), nil, "", ""},
		"none at all":                                  {Both, bare, nil, "", "no webhook secret"},
		"several, one without":                         {Both, a2 + bare, nil, "", "account A4 has no webhook secret"},
		"several, the environment's without":           {Both, a2, own, "", "account A1 has no webhook secret"},
		"several, a secret of nobody":                  {Both, a2 + a3, []string{"ZOOM_WEBHOOK_SECRET_TOKEN=t"}, "", "ZOOM_WEBHOOK_SECRET_TOKEN belongs to ZOOM_ACCOUNT_ID, which is not set"},
		"two accounts, one secret":                     {Both, a2 + strings.Replace(a3, "T3", "T2", 1), nil, "", "accounts A2 and A3 have the same webhook secret"},
		"an empty one among several":                   {Both, strings.Replace(a2, "{env: T2}", "{env: T4}", 1), []string{"T4=a,,b"}, "", "webhook_secret holds an empty secret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			environ := append(append([]string(nil), env...), c.environ...)
			if c.accounts != "" {
				environ = append(environ, "LATCHKEY_CONFIG="+write(t, "latchkey.yaml", "accounts:\n"+c.accounts))
			}
			got, err := Load(environ, c.role)
			if c.problem != "" {
				if err == nil || !strings.Contains(err.Error(), c.problem) {
					t.Errorf("%v, want %q", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var all []string
			for _, s := range got.Secrets() {
				all = append(all, s.Value.Reveal()+"@"+s.AccountID)
			}
			if s := strings.Join(all, " "); s != c.want {
				t.Errorf("secrets %q, want %q", s, c.want)
			}
		})
	}
}

func TestMalformedFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":                  {"polices: []", "line 1: field polices not found"},
		"unknown key in a policy":      {"policies:\n  - {policy: observe, hots: x}", "field hots not found"},
		"unknown policy":               {"policies:\n  - policy: yolo", `line 2: policy "yolo" is not known: want waiting-room, observe or known-passcode`},
		"source missing":               {"policies:\n  - policy: known-passcode", `source is "": want derived, fixed or zoom`},
		"source of another policy":     {"policies:\n  - {policy: observe, source: zoom}", "belong to policy known-passcode"},
		"secret in the file itself":    {"policies:\n  - {policy: known-passcode, source: derived, secret: s3cret}", "a secret does not belong into this file"},
		"secret of nowhere":            {"policies:\n  - {policy: known-passcode, source: derived, secret: {env: NOT_SET}}", "the variable NOT_SET, which is not set"},
		"secret too short":             {"policies:\n  - {policy: known-passcode, source: derived, secret: {env: ZOOM_CLIENT_ID}}", "at least 16 characters"},
		"fixed without passcode":       {"policies:\n  - {policy: known-passcode, source: fixed}", "source fixed wants a passcode"},
		"observe that aligns":          {"policies:\n  - {policy: observe, align_hosts: true}", "policy observe changes nothing"},
		"after a catch-all":            {"policies:\n  - policy: waiting-room\n  - {policy: observe, host: ceo@example.com}", "policy at line 3 never applies, since the one at line 2 comes first and is for all of them"},
		"after the same group":         {"policies:\n  - {policy: observe, group: G}\n  - {policy: waiting-room, account: A, group: G, host: 'a*'}", "policy at line 3 never applies"},
		"pattern":                      {"policies:\n  - {policy: observe, host: '[a'}", "is not a pattern"},
		"account without a client":     {"accounts:\n  - {id: A2}", "accounts[0]: want id, client_id and client_secret"},
		"account twice":                {"accounts:\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}}\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}}", "account A2 is there twice"},
		"account of the environment":   {"accounts:\n  - {id: acc, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}}", "accounts[0] is account acc, which ZOOM_ACCOUNT_ID names as well"},
		"who waits":                    {"policies:\n  - {policy: waiting-room, waiting_room_holds: some}", `waiting_room_holds is "some": want as-set or everyone`},
		"who waits, of another policy": {"policies:\n  - {policy: observe, waiting_room_holds: everyone}", "belongs to policy waiting-room"},
		"plan":                         {"accounts:\n  - {id: A2, client_id: c, client_secret: {env: ZOOM_CLIENT_ID}, plan: gold}", `plan is "gold"`},
		"not YAML":                     {"a: [", "latchkey.yaml"},
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

// TestAFileThatSaysNothing is no file that says "no policies": it is being written,
// or was emptied by mistake.
func TestAFileThatSaysNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "\n# a comment\n", "policies:\n", "accounts: []\npolicies: []\n"} {
		file := filepath.Join(t.TempDir(), "latchkey.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load([]string{"LATCHKEY_CONFIG=" + file, "DATABASE_URL=postgres://x/x", "NATS_URL=nats://x", "ZOOM_ACCOUNT_ID=a", "ZOOM_CLIENT_ID=b", "ZOOM_CLIENT_SECRET=c"}, Worker); err == nil || !strings.Contains(err.Error(), "names no accounts and no policies") {
			t.Errorf("%q: %v", text, err)
		}
	}
}
