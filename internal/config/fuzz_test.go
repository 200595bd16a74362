package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// FuzzEnvironment gives any key any value. Nothing panics; what is refused is refused
// with the key's name, and a secret's value is in no message.
func FuzzEnvironment(f *testing.F) {
	for _, k := range Keys() {
		f.Add(k.Name, k.Default)
		f.Add(k.Name, k.Form)
	}
	f.Add("DATABASE_URL", "postgres://u:"+marker+"@h:x/db")
	f.Add("NATS_URL", "nats://u:"+marker+"@[::1,tls://x")
	f.Add("LATCHKEY_POLCY", "observe")
	f.Add("LATCHKEY_ADMIN_LISTEN", "10.0.0.0/8:1")
	f.Add("LATCHKEY_EVENTS_MAX_BYTES", "9223372036854775807TiB")
	f.Fuzz(func(t *testing.T, name, value string) {
		if strings.HasSuffix(name, "_FILE") || name == "LATCHKEY_CONFIG" || strings.ContainsAny(name, "=\x00") {
			return // names a file: FuzzPolicyFile
		}
		c, err := Load(complete(name+"="+value), Both)
		i := slices.IndexFunc(keys, func(k Key) bool { return k.Name == name })
		if err == nil {
			if strings.HasPrefix(name, "LATCHKEY_") && i < 0 {
				t.Fatalf("%s is no key, and was taken", name)
			}
			if c.Parallel < 1 || c.Parallel > 256 || c.Lease <= 0 || c.Sweep <= 0 || c.EventsBytes < 0 || len(c.WebhookSecrets) == 0 || c.Schema == "" || c.Inbox == "" {
				t.Fatalf("%q=%q was taken as %+v", name, value, c)
			}
			return
		}
		if !strings.Contains(err.Error(), name) && i >= 0 {
			t.Errorf("%q does not name %s", err, name)
		}
		// Letters of a form or of the message itself may be in a short value.
		if i >= 0 && keys[i].Secret && len(value) > 24 && strings.Contains(err.Error(), value) && !strings.Contains(keys[i].Form, value) {
			t.Errorf("%q quotes the value", err)
		}
	})
}

// FuzzPolicyFile reads any file as LATCHKEY_CONFIG. Nothing panics; what is taken is
// whole, and a secret that stands in the file, where none belongs, is in no message.
func FuzzPolicyFile(f *testing.F) {
	for _, text := range []string{
		"policies:\n  - {policy: observe}\n", "policies:\n  - {group: g, policy: known-passcode, source: derived, secret: {env: POLICY_SECRET}}\n",
		"policies:\n  - {host: '*@x.example', policy: waiting-room, align_hosts: true, waiting_room_holds: everyone}\n",
		"accounts:\n  - {id: a, client_id: c, client_secret: {env: POLICY_SECRET}, webhook_secret: {env: POLICY_SECRET}, plan: pro}\n",
		"policies:\n  - {policy: known-passcode, source: fixed, passcode: " + marker + "}\n", "policies: {}\n", "a: &a [*a]\n", "", "---\n---\n", "\xff", "policies:\n - policy: !!binary aGk=\n",
		"x: &x [1,1,1,1]\ny: &y [*x,*x,*x,*x]\nz: [*y,*y,*y,*y]\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if strings.Contains(string(text), "file") {
			return // it may name any file of this machine
		}
		file := filepath.Join(t.TempDir(), "latchkey.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Load(complete("LATCHKEY_CONFIG="+file, "POLICY_SECRET="+marker), Both)
		if err != nil {
			if strings.Contains(err.Error(), marker) {
				t.Errorf("%q quotes a secret", err)
			}
			return
		}
		if len(c.Rules)+len(c.Accounts) == 0 {
			t.Error("a file of nothing was taken")
		}
		for _, r := range c.Rules {
			if r.Policy.Mode == "" {
				t.Errorf("a policy without a mode: %+v", r)
			}
		}
		for _, a := range c.Accounts {
			if a.ID == "" || a.ClientID == "" || a.ClientSecret == "" {
				t.Errorf("an account that is not whole: %+v", a)
			}
		}
		_ = c.RuleFor(Who{AccountID: "a", HostID: "h", Email: "h@x.example", Groups: []string{"g"}})
	})
}
