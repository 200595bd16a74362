package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// marker stands for what no error may show: a part of every secret here.
const marker = "hunter2"

// complete is an environment that every role starts with.
func complete(change ...string) []string {
	env := map[string]string{
		"ZOOM_WEBHOOK_SECRET_TOKEN": marker,
		"ZOOM_ACCOUNT_ID":           "acc",
		"ZOOM_CLIENT_ID":            "client",
		"ZOOM_CLIENT_SECRET":        marker,
		"DATABASE_URL":              "postgres://user:" + marker + "@host/db",
		"NATS_URL":                  "nats://user:" + marker + "@host:4222",
		"PATH":                      "/bin", "BROKEN": "",
	}
	for _, kv := range change {
		k, v, set := strings.Cut(kv, "=")
		if set {
			env[k] = v
		} else {
			delete(env, k)
		}
	}
	out := []string{"no equals sign"}
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	return out
}

// refused wants an error of one line that holds all words and no secret.
func refused(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%v\nwant it to say %q", err, w)
		}
	}
	if strings.Contains(err.Error(), marker) {
		t.Errorf("%v\nshows a secret", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%v\nwant one problem only", err)
	}
}

func TestMalformedValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, set string
		want      []string // besides the key's name
	}{
		{"empty secret token", "ZOOM_WEBHOOK_SECRET_TOKEN=", []string{"is set but empty", "Secret Token"}},
		{"blank secret token", "ZOOM_WEBHOOK_SECRET_TOKEN= ", []string{"is set but empty"}},
		{"hole in the secret tokens", "ZOOM_WEBHOOK_SECRET_TOKEN=" + marker + ",," + marker, []string{"empty secret (number 2)", "single commas"}},
		{"secret tokens ending in a comma", "ZOOM_WEBHOOK_SECRET_TOKEN=" + marker + ",", []string{"empty secret (number 2)"}},
		{"line break in the account", "ZOOM_ACCOUNT_ID=a\nb", []string{"control character"}},
		{"tab in the client", "ZOOM_CLIENT_ID=a\tb", []string{"control character"}},
		{"empty client secret", "ZOOM_CLIENT_SECRET=", []string{"is set but empty"}},
		{"line break in the client secret", "ZOOM_CLIENT_SECRET=" + marker + "\n" + marker, []string{"control character"}},
		{"API without a scheme", "ZOOM_API_URL=api.zoom.us/v2", []string{"another scheme, or of none", "http"}},
		{"API of another scheme", "ZOOM_API_URL=ftp://api.zoom.us", []string{"another scheme", "http"}},
		{"API without encryption", "ZOOM_API_URL=http://api.zoom.us/v2", []string{"plain http to api.zoom.us", "want https://"}},
		{"tokens without encryption", "ZOOM_OAUTH_URL=http://10.0.0.7/oauth/token", []string{"plain http to 10.0.0.7"}},
		{"API without a host", "ZOOM_API_URL=https:///v2", []string{"without a host"}},
		{"API with only a query", "ZOOM_API_URL=https://?x=y", []string{"without a host"}},
		{"two APIs", "ZOOM_API_URL=https://a/v2,https://b/v2", []string{"holds a comma", "want one https://"}},
		{"tokens from no URL", "ZOOM_OAUTH_URL=://", []string{"is not a URL (3 characters)"}},
		{"plan", "LATCHKEY_ZOOM_PLAN=enterprise", []string{`"enterprise"`, "free, pro, business"}},
		{"policy file that is not there", "LATCHKEY_CONFIG=/nowhere/policies.yaml", []string{"no such file"}},
		{"traces to no URL", "OTEL_EXPORTER_OTLP_ENDPOINT=collector:4318", []string{"http:// or https://"}},
		{"header of traces without a value", "OTEL_EXPORTER_OTLP_HEADERS=a=b,api-key " + marker, []string{"number 2", "name=value"}},
		{"header of traces without a name", "OTEL_EXPORTER_OTLP_HEADERS==" + marker, []string{"number 1", "name=value"}},
		{"header of traces, half encoded", "OTEL_EXPORTER_OTLP_HEADERS=api-key=%" + marker, []string{"number 1", "percent-encoded"}},
		{"header of traces with a line break", "OTEL_EXPORTER_OTLP_HEADERS=api-key=" + marker + "%0d%0aHost:", []string{"number 1", "percent-encoded"}},
		{"more than all of Zoom's limits", "LATCHKEY_ZOOM_SHARE=101", []string{"1 to 100"}},
		{"calls of a sweep", "LATCHKEY_SWEEP_CALLS=many", []string{"0 to 1000000"}},
		{"a reserve of more than there are", "LATCHKEY_HOST_RESERVE=100", []string{"0 to 99"}},
		{"app's id with a line break", "ZOOM_APP_ID=a\nb", []string{"control character"}},
		{"sweep", "LATCHKEY_SWEEP=often", []string{"duration from 1s"}},
		{"events kept for less than the stream does", "LATCHKEY_KEEP_EVENTS=168h", []string{"168h", "192h", "LATCHKEY_EVENTS_MAX_AGE"}},
		{"history kept for an hour", "LATCHKEY_KEEP_HISTORY=1h", []string{"24h or more"}},
		{"alerts kept for days", "LATCHKEY_KEEP_ALERTS=30d", []string{"duration from 1s"}},
		{"meetings kept for less than nothing", "LATCHKEY_KEEP_MEETINGS=-24h", []string{"duration from 1s"}},
		{"passcodes kept for no time", "LATCHKEY_KEEP_PASSCODES=0", []string{"duration from 1s"}},
		{"policy that wants a source", "LATCHKEY_POLICY=known-passcode", []string{`"known-passcode"`, "waiting-room or observe"}},
		{"policy", "LATCHKEY_POLICY=yolo", []string{`"yolo"`, "waiting-room or observe"}},
		{"database of another kind", "DATABASE_URL=mysql://user:" + marker + "@host/db", []string{"not a URL of postgres", "postgres://"}},
		{"database in keywords", "DATABASE_URL=host=h password=" + marker, []string{"not a URL of postgres"}},
		{"database, the password alone", "DATABASE_URL=" + marker + ":x@host/db", []string{"not a URL of postgres"}},
		{"database without a host", "DATABASE_URL=postgres:///db", []string{"without a host"}},
		{"database without anything", "DATABASE_URL=postgres://", []string{"without a host"}},
		{"empty database", "DATABASE_URL=", []string{"is set but empty", "postgres://"}},
		{"broker that is a secret alone", "NATS_URL=" + marker + ":x", []string{"another scheme", "nats://"}},
		{"broker that is no URL", "NATS_URL=nats://user:" + marker + "@[::1", []string{"is not a URL", "nats://"}},
		{"broker with a password in a bad place", "NATS_URL=nats://host:" + marker, []string{"is not a URL"}},
		{"second broker of another kind", "NATS_URL=nats://a:4222,http://user:" + marker + "@b", []string{"another scheme"}},
		{"hole in the brokers", "NATS_URL=nats://a:4222,,nats://b:4222", []string{"another scheme, or of none"}},
		{"empty broker", "NATS_URL=", []string{"is set but empty"}},
		{"state with a NUL", "LATCHKEY_STATE=/a\x00b", []string{"control character"}},
		{"listen without a port", "LATCHKEY_LISTEN=localhost", []string{`"localhost"`, "host:port"}},
		{"listen on a named port", "LATCHKEY_LISTEN=:http", []string{`":http"`, "0 to 65535"}},
		{"listen on port 65536", "LATCHKEY_LISTEN=:65536", []string{"0 to 65535"}},
		{"admin on port -1", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:-1", []string{"0 to 65535"}},
		{"admin in no network", "LATCHKEY_ADMIN_LISTEN=172.30.81.0/33:8081", []string{"172.30.81.0/24:8081"}},
		{"admin in a network without a port", "LATCHKEY_ADMIN_LISTEN=172.30.81.0/24", []string{"host:port"}},
		{"inbox with a wildcard", "LATCHKEY_NATS_INBOX=_INBOX.>", []string{`"_INBOX.>"`, "no wildcard"}},
		{"inbox with a hole", "LATCHKEY_NATS_INBOX=a..b", []string{"such as _INBOX_worker"}},
		{"a certificate without its key", "LATCHKEY_TLS_CERT=/cert.pem", []string{"LATCHKEY_TLS_KEY", "want both"}},
		{"a key without its certificate", "LATCHKEY_TLS_KEY=/key.pem", []string{"LATCHKEY_TLS_CERT", "want both"}},
		{"no download, in other words", "LATCHKEY_POSTGRES_DOWNLOAD=no", []string{"or off"}},
		{"level", "LATCHKEY_LOG_LEVEL=trace", []string{`"trace"`, "debug, info, warn, error"}},
		{"format", "LATCHKEY_LOG_FORMAT=xml", []string{`"xml"`, "text, json"}},
		{"none in parallel", "LATCHKEY_PARALLEL=0", []string{`"0"`, "1 to 256"}},
		{"too many in parallel", "LATCHKEY_PARALLEL=257", []string{"1 to 256"}},
		{"half of one", "LATCHKEY_PARALLEL=1.5", []string{"1 to 256"}},
		{"lease without a unit", "LATCHKEY_LEASE=30", []string{`"30"`, "duration"}},
		{"lease too short", "LATCHKEY_LEASE=500ms", []string{"from 1s"}},
		{"lease of minus one", "LATCHKEY_LEASE=-1m", []string{"from 1s"}},
		{"settings", "LATCHKEY_SETTINGS_TTL=ever", []string{`"ever"`, "duration"}},
		{"stream with a dot", "LATCHKEY_STREAM_EVENTS=a.b", []string{`"a.b"`, "without space"}},
		{"stream with a wildcard", "LATCHKEY_STREAM_ALERTS=>", []string{"without space"}},
		{"stream too long", "LATCHKEY_STREAM_DEAD=" + strings.Repeat("x", 33), []string{"at most 32"}},
		{"events too long", "LATCHKEY_EVENTS_MAX_AGE=100000h", []string{"to 87600h"}},
		{"alerts in days", "LATCHKEY_ALERTS_MAX_AGE=30d", []string{`"30d"`, "168h"}},
		{"dead", "LATCHKEY_DEAD_MAX_AGE=0", []string{"from 1s"}},
		{"dedup", "LATCHKEY_EVENTS_DEDUP=x", []string{"duration"}},
		{"two replicas", "LATCHKEY_NATS_REPLICAS=2", []string{`"2"`, "1, 3 or 5"}},
		{"no replicas", "LATCHKEY_NATS_REPLICAS=0", []string{"1, 3 or 5"}},
		{"two streams of one name", "LATCHKEY_STREAM_EVENTS=LATCHKEY_ALERTS", []string{"three different names"}},
		{"a schema of Postgres's own", "LATCHKEY_SCHEMA=pg_catalog", []string{`"pg_catalog"`}},
		{"a schema that is no name", "LATCHKEY_SCHEMA=a;b", []string{"want a schema's name"}},
		{"streams neither managed nor there", "LATCHKEY_STREAMS=mine", []string{`"mine"`, "managed or existing"}},
		{"a size without a number", "LATCHKEY_EVENTS_MAX_BYTES=GiB", []string{`"GiB"`, "such as 10GiB"}},
		{"a size beyond all", "LATCHKEY_ALERTS_MAX_BYTES=99999999TiB", []string{"1024TiB"}},
		{"a size below one message", "LATCHKEY_DEAD_MAX_BYTES=10", []string{"from 1MiB"}},
		{"unknown key", "LATCHKEY_POLCY=observe", []string{"is not a key of latchkey", "latchkey config"}},
		{"unknown key without a value", "LATCHKEY_X=", []string{"is not a key of latchkey"}},
		{"a file for what is no secret", "LATCHKEY_STATE_FILE=/x", []string{"is not a key of latchkey"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			key, _, _ := strings.Cut(c.set, "=")
			_, err := Load(complete(c.set), Both)
			refused(t, err, append(c.want, key)...)
		})
	}
}

// A key without a row above would be one whose malformed values nobody tried.
func TestEveryKeyIsTriedMalformed(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("config_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range Keys() {
		if !strings.Contains(string(src), `, "`+k.Name+`=`) {
			t.Errorf("no malformed value of %s is tried", k.Name)
		}
		if k.Form == "" || k.Doc == "" {
			t.Errorf("%s has no form or no doc", k.Name)
		}
	}
}

func TestEveryProblemIsToldAtOnce(t *testing.T) {
	t.Parallel()
	_, err := Load(complete("ZOOM_CLIENT_ID", "LATCHKEY_LEASE=x", "LATCHKEY_B=1", "LATCHKEY_A=1"), Both)
	if err == nil {
		t.Fatal("no error")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, want := range []string{"ZOOM_CLIENT_ID", "LATCHKEY_LEASE", "LATCHKEY_A", "LATCHKEY_B"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want+" ") {
			t.Errorf("line %d of %q: want it to be about %s", i, lines, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := Load([]string{"ZOOM_WEBHOOK_SECRET_TOKEN=s", "ZOOM_ACCOUNT_ID= a ", "ZOOM_CLIENT_ID=c", "ZOOM_CLIENT_SECRET= s ", "LATCHKEY_POLICY="}, Both)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.WebhookSecrets) != 1 || c.WebhookSecrets[0] != "s" || c.AccountID != "a" || c.ClientSecret != "s" {
		t.Errorf("%+v: blanks around a value are not part of it", c)
	}
	c.WebhookSecrets, c.AccountID, c.ClientID, c.ClientSecret = nil, "", "", ""
	want := Config{Listen: ":8080", AdminListen: "127.0.0.1:8081", Inbox: "_INBOX", PostgresDownload: "https://repo1.maven.org/maven2", Plan: "pro", ZoomShare: 50, SweepCalls: 20_000, HostReserve: 50, Policy: passcode.ModeWaitingRoom, Parallel: 8,
		Schema: "latchkey", Lease: 30 * time.Second, SettingsTTL: 24 * time.Hour, Sweep: 6 * time.Hour,
		KeepEvents: 2160 * time.Hour, KeepHistory: 9600 * time.Hour, KeepAlerts: 2160 * time.Hour, KeepMeetings: 2160 * time.Hour, KeepPasscodes: 168 * time.Hour, LogLevel: "info", LogFormat: "text"}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestGoodValues(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, set string
		got       func(Config) string
		want      string
	}{
		{"several secrets", "ZOOM_WEBHOOK_SECRET_TOKEN=new, old", func(c Config) string { return c.WebhookSecrets[0].Reveal() + "|" + c.WebhookSecrets[1].Reveal() }, "new|old"},
		{"a list of brokers", "NATS_URL=nats://a:4222, tls://b:4222,nats://c", func(c Config) string { return c.NATSURL }, "nats://a:4222,tls://b:4222,nats://c"},
		{"a database of several hosts", "DATABASE_URL=postgres://u:p@a:5432,b:5432/db", func(c Config) string { return c.DatabaseURL }, "postgres://u:p@a:5432,b:5432/db"},
		{"a password with a comma", "DATABASE_URL=postgresql://u:p,w@a/db", func(c Config) string { return c.DatabaseURL }, "postgresql://u:p,w@a/db"},
		{"a database at a socket", "DATABASE_URL=postgres:///db?host=/run/postgresql", func(c Config) string { return c.DatabaseURL }, "postgres:///db?host=/run/postgresql"},
		{"a simulated API on this machine", "ZOOM_API_URL=http://127.0.0.1:8090/v2", func(c Config) string { return c.APIURL }, "http://127.0.0.1:8090/v2"},
		{"and in the same network", "ZOOM_API_URL=http://zoom:8090/v2", func(c Config) string { return c.APIURL }, "http://zoom:8090/v2"},
		{"an API with a slash", "ZOOM_API_URL=https://api.zoom.us/v2/", func(c Config) string { return c.APIURL }, "https://api.zoom.us/v2"},
		{"observe", "LATCHKEY_POLICY=observe", func(c Config) string { return string(c.Policy) }, "observe"},
		{"any port", "LATCHKEY_LISTEN=[::1]:0", func(c Config) string { return c.Listen }, "[::1]:0"},
		{"five replicas", "LATCHKEY_NATS_REPLICAS=5", func(c Config) string { return strings.Repeat("x", c.Replicas) }, "xxxxx"},
		{"most in parallel", "LATCHKEY_PARALLEL=256", func(c Config) string { return strings.Repeat("x", c.Parallel) }, strings.Repeat("x", 256)},
		{"lease", "LATCHKEY_LEASE=1m30s", func(c Config) string { return c.Lease.String() }, "1m30s"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Load(complete(c.set), Both)
			if err != nil || c.got(got) != c.want {
				t.Errorf("%q, %v; want %q", c.got(got), err, c.want)
			}
		})
	}
}

// What each role cannot start without; and all others it can.
func TestRequiredByRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		role Role
		need []string
	}{
		"ingest": {Ingest, []string{"ZOOM_WEBHOOK_SECRET_TOKEN", "NATS_URL"}},
		"worker": {Worker, []string{"ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET", "DATABASE_URL", "NATS_URL"}},
		"serve":  {Both, []string{"ZOOM_WEBHOOK_SECRET_TOKEN", "ZOOM_ACCOUNT_ID", "ZOOM_CLIENT_ID", "ZOOM_CLIENT_SECRET"}},
		"admin":  {Admin, []string{"DATABASE_URL"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var enough []string
			for _, kv := range complete() {
				for _, k := range c.need {
					if strings.HasPrefix(kv, k+"=") {
						enough = append(enough, kv)
					}
				}
			}
			if _, err := Load(enough, c.role); err != nil {
				t.Errorf("with all it needs: %v", err)
			}
			for _, k := range c.need {
				_, err := Load(complete(k), c.role)
				refused(t, err, k+" is not set: want ")
			}
			for _, k := range Keys() {
				needed := false
				for _, n := range c.need {
					needed = needed || n == k.Name
				}
				if k.RequiredFor(c.role) != needed {
					t.Errorf("RequiredFor says %v of %s", !needed, k.Name)
				}
			}
		})
	}
}

func TestSecretsFromFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, empty, bad := file("good", " from-file\n"), file("empty", " \n"), file("bad", marker+",,"+marker)
	database := file("database", "postgres://u:"+marker+"@h/db\n")

	c, err := Load(complete("ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE="+good, "DATABASE_URL", "DATABASE_URL_FILE="+database), Both)
	if err != nil || c.ClientSecret != "from-file" || c.DatabaseURL != "postgres://u:"+marker+"@h/db" {
		t.Errorf("%q, %q, %v", c.ClientSecret, c.DatabaseURL, err)
	}
	if c, err := Load(complete("ZOOM_CLIENT_SECRET_FILE="), Both); err != nil || c.ClientSecret != marker {
		t.Errorf("with an empty _FILE: %q, %v", c.ClientSecret, err)
	}
	for name, c := range map[string]struct {
		env  []string
		want []string
	}{
		"missing":           {[]string{"ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE=" + dir + "/none"}, []string{"ZOOM_CLIENT_SECRET cannot be read from ZOOM_CLIENT_SECRET_FILE", dir + "/none", "no such file"}},
		"a folder":          {[]string{"ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE=" + dir}, []string{dir, "is a directory"}},
		"empty":             {[]string{"ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE=" + empty}, []string{"ZOOM_CLIENT_SECRET is empty in ZOOM_CLIENT_SECRET_FILE", empty}},
		"both":              {[]string{"ZOOM_CLIENT_SECRET_FILE=" + good}, []string{"ZOOM_CLIENT_SECRET and ZOOM_CLIENT_SECRET_FILE are both set"}},
		"malformed within":  {[]string{"ZOOM_WEBHOOK_SECRET_TOKEN", "ZOOM_WEBHOOK_SECRET_TOKEN_FILE=" + bad}, []string{"empty secret (number 2)"}},
		"the secret itself": {[]string{"ZOOM_CLIENT_SECRET", "ZOOM_CLIENT_SECRET_FILE=" + marker}, []string{"a relative path of 7 characters"}},
		"the URL itself":    {[]string{"DATABASE_URL", "DATABASE_URL_FILE=postgres://u:" + marker + "@h/db"}, []string{"DATABASE_URL_FILE (a relative path"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Load(complete(c.env...), Both)
			refused(t, err, c.want...)
		})
	}
}
