package config_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	natsserver "github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// These tests hold docker-compose.yml, Dockerfile and deploy/nats.conf against
// the code: there is no Docker where they run, so everything that can be read
// is checked.

var repoRoot = filepath.Join("..", "..")

// composeFile has every key that docker-compose.yml may use; another one, or a
// misspelt one, does not decode.
type composeFile struct {
	Name     string                    `yaml:"name"`
	Latchkey yaml.Node                 `yaml:"x-latchkey"`
	Services map[string]composeService `yaml:"services"`
	Networks map[string]struct {
		Internal bool `yaml:"internal"`
		IPAM     struct {
			Config []struct {
				Subnet string `yaml:"subnet"`
			} `yaml:"config"`
		} `yaml:"ipam"`
	} `yaml:"networks"`
	Volumes map[string]struct{} `yaml:"volumes"`
	Secrets map[string]struct {
		File string `yaml:"file"`
	} `yaml:"secrets"`
}

type composeService struct {
	Image string `yaml:"image"`
	Build *struct {
		Context string            `yaml:"context"`
		Args    map[string]string `yaml:"args"`
	} `yaml:"build"`
	Command     []string          `yaml:"command"`
	Environment map[string]string `yaml:"environment"`
	Secrets     []string          `yaml:"secrets"`
	Ports       []string          `yaml:"ports"`
	Networks    []string          `yaml:"networks"`
	Volumes     []string          `yaml:"volumes"`
	Healthcheck struct {
		Test        []string      `yaml:"test"`
		Interval    time.Duration `yaml:"interval"`
		Timeout     time.Duration `yaml:"timeout"`
		StartPeriod time.Duration `yaml:"start_period"`
		Retries     int           `yaml:"retries"`
	} `yaml:"healthcheck"`
	DependsOn map[string]struct {
		Condition string `yaml:"condition"`
	} `yaml:"depends_on"`
	User            string        `yaml:"user"`
	ReadOnly        bool          `yaml:"read_only"`
	CapDrop         []string      `yaml:"cap_drop"`
	SecurityOpt     []string      `yaml:"security_opt"`
	Restart         string        `yaml:"restart"`
	StopGracePeriod time.Duration `yaml:"stop_grace_period"`
	ShmSize         string        `yaml:"shm_size"`
	Logging         struct {
		Driver  string            `yaml:"driver"`
		Options map[string]string `yaml:"options"`
	} `yaml:"logging"`
}

func readRepo(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{repoRoot}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func compose(t *testing.T) composeFile {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(readRepo(t, "docker-compose.yml")))
	d.KnownFields(true)
	var f composeFile
	if err := d.Decode(&f); err != nil {
		t.Fatal(err)
	}
	return f
}

// composeOurs are the services that run latchkey's own commands.
var composeOurs = map[string]config.Role{"ingest": config.Ingest, "worker": config.Worker}

// composeOnce runs and ends, with one of latchkey's commands.
const composeOnce = "migrate"

func TestComposeServices(t *testing.T) {
	t.Parallel()
	f := compose(t)
	want := map[string]struct {
		ports, needs, networks []string
	}{
		"ingest":    {[]string{"127.0.0.1:8080:8080"}, []string{"nats"}, []string{"front", "bus", "metrics"}},
		"worker":    {nil, []string{composeOnce, "nats"}, []string{"out", "bus", "database", "metrics"}},
		composeOnce: {nil, []string{"postgres"}, []string{"database"}},
		"nats":      {nil, nil, []string{"bus"}},
		"postgres":  {nil, nil, []string{"database"}},
	}
	if len(f.Services) != len(want) {
		t.Errorf("%d services, want %d", len(f.Services), len(want))
	}
	for name, w := range want {
		s, ok := f.Services[name]
		if !ok {
			t.Errorf("there is no service %s", name)
			continue
		}
		if !slices.Equal(s.Ports, w.ports) {
			t.Errorf("%s publishes %v, want %v: the rest is nobody's from outside", name, s.Ports, w.ports)
		}
		var needs []string
		for n, d := range s.DependsOn {
			needs = append(needs, n)
			if want := map[bool]string{false: "service_healthy", true: "service_completed_successfully"}[n == composeOnce]; d.Condition != want {
				t.Errorf("%s waits for %s to be %q", name, n, d.Condition)
			}
		}
		if slices.Sort(needs); !slices.Equal(needs, w.needs) {
			t.Errorf("%s needs %v, want %v", name, needs, w.needs)
		}
		if !slices.Equal(s.Networks, w.networks) {
			t.Errorf("%s is in networks %v, want %v", name, s.Networks, w.networks)
		}
		h, restart := s.Healthcheck, "unless-stopped"
		if name == composeOnce {
			restart = "no" // it ends, so there is no health to check
		} else if len(h.Test) < 2 || h.Test[0] != "CMD" || h.Interval <= 0 || h.Timeout <= 0 || h.Retries <= 0 || h.StartPeriod <= 0 {
			t.Errorf("%s has no whole health check: %+v", name, h)
		}
		if s.Restart != restart || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Logging.Options["max-size"] == "" {
			t.Errorf("%s: restart %q, security %v, logging %v", name, s.Restart, s.SecurityOpt, s.Logging)
		}
		if (s.Image == "") == (s.Build == nil) {
			t.Errorf("%s: want an image or a build", name)
		}
		for _, n := range s.Networks {
			if _, ok := f.Networks[n]; !ok {
				t.Errorf("%s is in network %s, which is not there", name, n)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := f.Secrets[secret]; !ok {
				t.Errorf("%s uses secret %s, which is not there", name, secret)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, ok := f.Volumes[from]; ok {
				continue
			}
			if _, err := os.Stat(filepath.Join(repoRoot, from)); !strings.HasPrefix(from, "./") || err != nil {
				t.Errorf("%s mounts %s, which is neither a volume nor a file: %v", name, from, err)
			}
		}
	}
	for name, n := range f.Networks {
		if outside := name == "front" || name == "out"; n.Internal == outside {
			t.Errorf("network %s: internal %v; want front, where a port is published, and out, to Zoom, not to be, and the others to be", name, n.Internal)
		}
	}
	// Who can reach whom, by design: ingest, which the internet talks to, not the database.
	for _, n := range f.Services["ingest"].Networks {
		if slices.Contains(f.Services["postgres"].Networks, n) {
			t.Errorf("ingest reaches Postgres through network %s", n)
		}
	}
	if subnet := f.Networks["metrics"].IPAM.Config; len(subnet) != 1 {
		t.Errorf("network metrics has no subnet of its own: %+v", subnet)
	}
}

// TestComposeRunsOurCommands: the container has no shell, is not repoRoot, writes
// nowhere, and is given the time to stop in order.
func TestComposeRunsOurCommands(t *testing.T) {
	t.Parallel()
	f := compose(t)
	stop := regexp.MustCompile(`stopWithin = (\d+) \* time\.Second`).FindStringSubmatch(readRepo(t, "internal", "app", "run.go"))
	if stop == nil {
		t.Fatal("internal/app/run.go: no stopWithin")
	}
	seconds, _ := strconv.Atoi(stop[1])
	for name := range composeOurs {
		s := f.Services[name]
		program := "/usr/local/bin/" + name
		if !slices.Equal(s.Command, []string{program}) || !slices.Equal(s.Healthcheck.Test, []string{"CMD", program, "-health"}) {
			t.Errorf("%s runs %v and checks with %v", name, s.Command, s.Healthcheck.Test)
		}
		main := readRepo(t, "cmd", name, "main.go")
		if !strings.Contains(main, `"-health"`) || !strings.Contains(main, "app.Health(") {
			t.Errorf("cmd/%s has no -health", name)
		}
		if s.User != "65532:65532" || !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: user %q, read_only %v, cap_drop %v", name, s.User, s.ReadOnly, s.CapDrop)
		}
		if s.Build == nil || s.Build.Context != "." || s.Build.Args["VERSION"] == "" {
			t.Errorf("%s is built from %+v", name, s.Build)
		}
		if s.StopGracePeriod <= time.Duration(seconds)*time.Second {
			t.Errorf("%s is killed after %v, and takes up to %d s to stop in order", name, s.StopGracePeriod, seconds)
		}
		for _, v := range s.Volumes {
			if !strings.HasSuffix(v, ":ro") {
				t.Errorf("%s writes to %s", name, v)
			}
		}
	}
}

// TestComposeVariables holds every variable against the keys, and then loads
// the configuration as the container would.
func TestComposeVariables(t *testing.T) {
	t.Parallel()
	f := compose(t)
	host := map[string]string{"ZOOM_ACCOUNT_ID": "acct", "ZOOM_CLIENT_ID": "client"}
	secrets := composeSecrets(t)
	nats := natsConf(t, secrets)
	natsPort, users := nats.Port, nats.Users
	for name, role := range composeOurs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := f.Services[name]
			set := map[string]bool{}
			for variable := range s.Environment {
				key, fromFile := strings.CutSuffix(variable, "_FILE")
				i := slices.IndexFunc(config.Keys(), func(k config.Key) bool { return k.Name == key })
				switch {
				case i < 0:
					t.Errorf("%s is not a key of latchkey", variable)
				case fromFile && !config.Keys()[i].Secret:
					t.Errorf("%s: %s cannot come from a file", variable, key)
				}
				set[key] = true
			}
			for _, k := range config.Keys() {
				if k.RequiredFor(role) && !set[k.Name] {
					t.Errorf("%s is required and not set", k.Name)
				}
			}

			dir := t.TempDir()
			var environ, used []string
			for variable, value := range s.Environment {
				value = interpolate(t, value, host)
				if strings.HasSuffix(variable, "_FILE") {
					secret, ok := strings.CutPrefix(value, "/run/secrets/")
					if !ok || secrets[secret] == "" {
						t.Fatalf("%s is %s", variable, value)
					}
					used = append(used, secret)
					value = filepath.Join(dir, secret)
					if err := os.WriteFile(value, []byte(secrets[secret]), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if file, ok := strings.CutPrefix(value, "/etc/latchkey/"); ok && slices.Equal(s.Volumes, []string{"./deploy/policy:/etc/latchkey:ro"}) {
					value = filepath.Join(repoRoot, "deploy", "policy", file)
				}
				environ = append(environ, variable+"="+value)
			}
			if slices.Sort(used); !slices.Equal(used, slices.Sorted(slices.Values(s.Secrets))) {
				t.Errorf("it is given secrets %v and uses %v", s.Secrets, used)
			}
			c, err := config.Load(environ, role)
			if err != nil {
				t.Fatalf("it would not start: %v", err)
			}
			i := slices.IndexFunc(users, func(u *natsserver.User) bool { return u.Username == name })
			if i < 0 {
				t.Fatalf("NATS has no user %s", name)
			}
			if want := fmt.Sprintf("nats://%s:%s@nats:%d", name, users[i].Password, natsPort); c.NATSURL != want {
				t.Error("NATS_URL is not that user's, with that password, of the server")
			}
			if want := []string{c.Inbox + ".>"}; !slices.Equal(users[i].Permissions.Subscribe.Allow, want) {
				t.Errorf("its inbox is %s, and it may subscribe to %v", c.Inbox, users[i].Permissions.Subscribe.Allow)
			}
			if c.StreamsExist == slices.Contains(users[i].Permissions.Publish.Allow, "$JS.API.STREAM.CREATE.LATCHKEY_EVENTS") {
				t.Errorf("it makes streams: %v; and is permitted otherwise", !c.StreamsExist)
			}
			if h, port, err := net.SplitHostPort(c.AdminListen); err != nil || h != f.Networks["metrics"].IPAM.Config[0].Subnet || port != "8081" {
				t.Errorf("admin listens on %s: want the address on network metrics, which nobody else is in", c.AdminListen)
			}
			if role == config.Worker && len(c.Rules) == 0 {
				t.Error("the policy file has no policy")
			}
			if role == config.Ingest {
				_, port, _ := net.SplitHostPort(c.Listen)
				if published := s.Ports[0][strings.LastIndex(s.Ports[0], ":")+1:]; published != port || strings.HasPrefix(c.Listen, "127.") {
					t.Errorf("it listens on %s, and %s is published", c.Listen, published)
				}
				if c.DatabaseURL != "" || c.ClientSecret != "" {
					t.Error("ingest is given what only the worker needs")
				}
			} else if len(c.WebhookSecrets) != 0 {
				t.Error("the worker is given what only ingest needs")
			}
		})
	}
}

// TestComposeValuesFromOutside: what a person may set reaches the configuration,
// and what they must set is asked for.
func TestComposeValuesFromOutside(t *testing.T) {
	t.Parallel()
	env := compose(t).Services["worker"].Environment
	if got := interpolate(t, env["LATCHKEY_ZOOM_PLAN"], map[string]string{"LATCHKEY_ZOOM_PLAN": "business"}); got != "business" {
		t.Errorf("LATCHKEY_ZOOM_PLAN=business yields %q", got)
	}
	if _, set := env["LATCHKEY_POLICY"]; set {
		t.Error("LATCHKEY_POLICY is set beside a policy file that decides about everybody")
	}
	for _, k := range config.Keys() {
		if v, ok := env[k.Name]; ok && k.RequiredFor(config.Worker) && strings.HasPrefix(v, "$") && !strings.Contains(v, ":?") {
			t.Errorf("%s=%s: unset, it would be empty instead of an error", k.Name, v)
		}
		if v, ok := env[k.Name]; ok && strings.Contains(v, ":-") && interpolate(t, v, nil) != k.Default {
			t.Errorf("%s=%s: the default of the code is %q", k.Name, v, k.Default)
		}
	}
}

var composeVariable = regexp.MustCompile(`^\$\{([A-Z_]+):([-?])([^}]*)\}$`)

// interpolate does what Compose does with ${X:-default} and ${X:?message}.
func interpolate(t *testing.T, value string, host map[string]string) string {
	t.Helper()
	if !strings.Contains(value, "$") {
		return value
	}
	m := composeVariable.FindStringSubmatch(value)
	if m == nil {
		t.Fatalf("value %q is of no form that is known here", value)
	}
	if v := host[m[1]]; v != "" {
		return v
	}
	if m[2] == "?" {
		t.Fatalf("%s has to be set outside", m[1])
	}
	return m[3]
}

// composeSecrets are what deploy/secrets.sh makes, and the two that come from Zoom.
func composeSecrets(t *testing.T) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "secrets")
	script := filepath.Join(repoRoot, "deploy", "secrets.sh")
	out, err := exec.CommandContext(t.Context(), "/bin/sh", script, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", script, err, out)
	}
	made := map[string]string{}
	read := func() {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := strings.TrimSuffix(e.Name(), ".txt")
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if before, again := made[name]; again && before != string(b) {
				t.Errorf("run again, it made another %s", name)
			}
			made[name] = string(b)
		}
	}
	read()
	if out, err := exec.CommandContext(t.Context(), "/bin/sh", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("again: %v: %s", err, out)
	}
	read()
	if fi, err := os.Stat(dir); err != nil || fi.Mode().Perm() != 0o700 {
		t.Errorf("the folder around the secrets: %v, %v", fi.Mode(), err)
	}
	for _, zoom := range []string{"zoom_webhook_secret_token", "zoom_client_secret"} {
		if !strings.Contains(string(out), zoom) {
			t.Errorf("it does not say that %s is still to be written: %s", zoom, out)
		}
		made[zoom] = "of-zoom"
	}
	seen := map[string]string{}
	for name, text := range made {
		if len(text) < 40 && !strings.HasPrefix(name, "zoom_") {
			t.Errorf("%s has %d characters", name, len(text))
		}
		if other := seen[text]; other != "" && !strings.HasPrefix(name, "zoom_") {
			t.Errorf("%s and %s are the same", name, other)
		}
		seen[text] = name
	}
	return made
}

func TestComposePostgres(t *testing.T) {
	t.Parallel()
	f, secrets := compose(t), composeSecrets(t)
	s := f.Services["postgres"]
	name := s.Environment["POSTGRES_DB"]
	for role, of := range map[string]string{"latchkey": "owner", "worker": "worker"} {
		u, err := url.Parse(secrets["database_url_"+of])
		if err != nil {
			t.Fatal("database_url_" + of + " is no URL")
		}
		password, _ := u.User.Password()
		if u.Host != "postgres:5432" || u.User.Username() != role || u.Path != "/"+name || password != secrets["postgres_"+of+"_password"] {
			t.Errorf("database_url_%s %s does not fit user %s, database %s", of, u.Redacted(), role, name)
		}
		if u.User.Username() == s.Environment["POSTGRES_USER"] {
			t.Errorf("%s connects as the server's superuser", of)
		}
	}
	if s.Environment["POSTGRES_PASSWORD_FILE"] != "/run/secrets/postgres_password" || !slices.Equal(s.Secrets, []string{"postgres_password", "postgres_owner_password", "postgres_worker_password"}) {
		t.Errorf("its password comes from %q, its secrets are %v", s.Environment["POSTGRES_PASSWORD_FILE"], s.Secrets)
	}
	if got := f.Services[composeOnce].Secrets; !slices.Equal(got, []string{"database_url_owner"}) {
		t.Errorf("migrate has %v", got)
	}
	check := strings.Join(s.Healthcheck.Test, " ")
	if check != "CMD pg_isready -h 127.0.0.1 -U "+s.Environment["POSTGRES_USER"]+" -d "+name {
		t.Errorf("health check %q", check)
	}
	m := regexp.MustCompile(`^postgres:(\d+)\.\d+-alpine\d+\.\d+$`).FindStringSubmatch(s.Image)
	if m == nil {
		t.Fatalf("image %s: want an exact version", s.Image)
	}
	// From 18 on the image keeps its data elsewhere.
	if v, _ := strconv.Atoi(m[1]); v < 14 || v > 17 || !slices.Equal(s.Volumes, []string{"./deploy/postgres-init.sql:/docker-entrypoint-initdb.d/latchkey.sql:ro", "postgres:/var/lib/postgresql/data"}) {
		t.Errorf("version %d keeps its data in %v", v, s.Volumes)
	}
}

// TestPostgresInit runs deploy/postgres-init.sql on a real server, as its image does,
// then migrates as the owner and works as the worker, and tries what neither may.
func TestPostgresInit(t *testing.T) {
	t.Parallel()
	p, secrets := testenv.Postgres(t), composeSecrets(t)
	dir := embeddedReadable(t)
	for _, name := range []string{"postgres_owner_password", "postgres_worker_password"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secrets[name]+"\n"), 0o444); err != nil {
			t.Fatal(err)
		}
	}
	script := strings.ReplaceAll(readRepo(t, "deploy", "postgres-init.sql"), "/run/secrets/", dir+"/")
	// The test server's superuser and database have the names that the image does not use.
	script = strings.ReplaceAll(script, "ROLE latchkey LOGIN", "ROLE schema_owner LOGIN")
	script = strings.ReplaceAll(strings.ReplaceAll(script, "AUTHORIZATION latchkey;", "AUTHORIZATION schema_owner;"), "TO latchkey, ", "TO schema_owner, ")
	testenv.Exec(t, p.URL(), script)
	as := func(role, password string) string {
		u, err := url.Parse(p.URL())
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(role, password)
		return u.String()
	}
	owner, worker := as("schema_owner", secrets["postgres_owner_password"]), as("worker", secrets["postgres_worker_password"])
	if _, err := store.Migrate(t.Context(), worker); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("the worker migrated: %v", err)
	}
	applied, err := store.Migrate(t.Context(), owner)
	if err != nil || len(applied) == 0 {
		t.Fatalf("the owner: %v, %v", applied, err)
	}
	if applied, err := store.Migrate(t.Context(), worker); err != nil || len(applied) != 0 {
		t.Errorf("the worker at its start: %v, %v", applied, err)
	}
	s, err := store.Open(worker)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Holds(t.Context()); err != nil {
		t.Errorf("the worker reads: %v", err)
	}
	if got := testenv.Query(t, p.URL(), `SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname IN ('schema_owner', 'worker', 'latchkey_worker', 'latchkey_reader', 'latchkey_passcodes')
		AND NOT rolsuper AND NOT rolcreaterole AND NOT rolcreatedb AND NOT rolbypassrls AND NOT rolreplication`); got != "latchkey_passcodes latchkey_reader latchkey_worker schema_owner worker" {
		t.Errorf("without any attribute of a superuser: %s", got)
	}
	for _, role := range []string{owner, worker} {
		for _, sql := range []string{`CREATE SCHEMA mine`, `CREATE TABLE public.mine (id int)`, `SELECT pg_read_file('` + dir + `/postgres_owner_password')`, `CREATE ROLE mine`} {
			conn, err := pgx.Connect(t.Context(), role)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "42501") {
				t.Errorf("%s: %v", sql, err)
			}
			_ = conn.Close(t.Context())
		}
	}
	other, err := url.Parse(worker)
	if err != nil {
		t.Fatal(err)
	}
	other.Path = "/postgres"
	if conn, err := pgx.Connect(t.Context(), other.String()); err == nil {
		_ = conn.Close(t.Context())
		t.Error("the worker comes into another database")
	}
}

// embeddedReadable is a folder that the test server can read, whoever it runs as.
func embeddedReadable(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "latchkey-init-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func natsConf(t *testing.T, secrets map[string]string) *natsserver.Options {
	t.Helper()
	// Where the container has them.
	dir := t.TempDir()
	for name, text := range map[string]string{"etc/nats/nats.conf": readRepo(t, "deploy", "nats.conf"), "run/secrets/nats_passwords": secrets["nats_passwords"]} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := natsserver.ProcessConfigFile(filepath.Join(dir, "etc", "nats", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestComposeNATS reads nats.conf with the server's own parser.
func TestComposeNATS(t *testing.T) {
	t.Parallel()
	o, s := natsConf(t, composeSecrets(t)), compose(t).Services["nats"]
	if !o.JetStream || !o.SyncAlways {
		t.Errorf("JetStream %v, sync always %v: an acknowledged event would not be on disk", o.JetStream, o.SyncAlways)
	}
	if o.MaxPayload != 2<<20 || o.MaxPayload < bus.MaxBody*3/2 {
		t.Errorf("max_payload is %d", o.MaxPayload)
	}
	if !slices.Equal(s.Volumes, []string{"./deploy/nats.conf:/etc/nats/nats.conf:ro", "nats:" + o.StoreDir}) {
		t.Errorf("volumes %v, its data is in %s", s.Volumes, o.StoreDir)
	}
	if !slices.Equal(s.Command, []string{"nats-server", "--config", "/etc/nats/nats.conf"}) {
		t.Errorf("command %v", s.Command)
	}
	if o.Host != "0.0.0.0" || o.HTTPHost != "127.0.0.1" {
		t.Errorf("it listens on %s and is watched on %s", o.Host, o.HTTPHost)
	}
	if got, want := s.Healthcheck.Test[len(s.Healthcheck.Test)-1], fmt.Sprintf("http://127.0.0.1:%d/healthz", o.HTTPPort); got != want || o.HTTPPort == 0 {
		t.Errorf("health check of %s, want %s", got, want)
	}
	// The server that the tests run.
	v := regexp.MustCompile(`github\.com/nats-io/nats-server/v2 v(\d+\.\d+\.\d+)\n`).FindStringSubmatch(readRepo(t, "go.mod"))
	if v == nil || s.Image != "nats:"+v[1]+"-alpine" {
		t.Errorf("image %s, the tests run %v", s.Image, v)
	}
	if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
		t.Errorf("read_only %v, cap_drop %v", s.ReadOnly, s.CapDrop)
	}
}

// TestComposeSecretsStayOut of git and of the image.
func TestComposeSecretsStayOut(t *testing.T) {
	t.Parallel()
	text, made := readRepo(t, "docker-compose.yml"), composeSecrets(t)
	for name, s := range compose(t).Secrets {
		if s.File != "./secrets/"+name+".txt" {
			t.Errorf("secret %s comes from %s", name, s.File)
		}
		if !strings.Contains(text, "> secrets/"+name+".txt\n") && made[name] == "" {
			t.Errorf("nothing makes or says how to write secrets/%s.txt", name)
		}
	}
	if got := readRepo(t, "secrets", ".gitignore"); got != "*\n!.gitignore\n" {
		t.Errorf("secrets/.gitignore is %q", got)
	}
}

// TestDockerfile: what is built is there, and lands where Compose starts it.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	lines := dockerfile(t)
	var from, copies []string
	var build, user, start string
	for _, l := range lines {
		word, rest, _ := strings.Cut(l, " ")
		switch word {
		case "FROM":
			from = append(from, rest)
		case "COPY":
			copies = append(copies, rest)
		case "USER":
			user = rest
		case "CMD":
			start = rest
		case "RUN":
			if strings.Contains(rest, "go build") {
				build = rest
			}
		case "WORKDIR", "ARG", "EXPOSE":
		default:
			t.Errorf("%q is not known here", l)
		}
	}
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(readRepo(t, "go.mod"))[1]
	if want := []string{"golang:" + version + " AS build", "gcr.io/distroless/static-debian12:nonroot"}; !slices.Equal(from, want) {
		t.Errorf("FROM %q, want %q: the image's Go fetches no other one", from, want)
	}
	if want := []string{"go.mod go.sum ./", ". .", "--from=build /out/ /usr/local/bin/"}; !slices.Equal(copies, want) {
		t.Errorf("COPY %q, want %q", copies, want)
	}
	for _, want := range []string{"CGO_ENABLED=0 ", " -trimpath ", " -o /out/ ", "-X main.version=${VERSION}"} {
		if !strings.Contains(build, want) {
			t.Errorf("%q lacks %q", build, want)
		}
	}
	if !slices.Contains(lines, "ARG VERSION=dev") || !regexp.MustCompile(`(?m)^var version = `).MatchString(readRepo(t, "cmd", "latchkey", "main.go")) {
		t.Error("the version has nowhere to come from, or nowhere to go")
	}
	var built []string
	for word := range strings.FieldsSeq(build) {
		if name, ok := strings.CutPrefix(word, "./cmd/"); ok {
			built = append(built, name)
		}
	}
	entries, err := os.ReadDir(filepath.Join(repoRoot, "cmd"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, e := range entries {
		commands = append(commands, e.Name())
	}
	if slices.Sort(built); !slices.Equal(built, commands) {
		t.Errorf("it builds %v, there are %v", built, commands)
	}
	for name := range composeOurs {
		if !slices.Contains(built, name) || user != compose(t).Services[name].User {
			t.Errorf("%s is not built, or user %s is another one", name, user)
		}
	}
	var argv []string
	if err := json.Unmarshal([]byte(start), &argv); err != nil || argv[0] != "/usr/local/bin/latchkey" {
		t.Errorf("CMD %s: %v (there is no shell, so it is a list)", start, err)
	}
}

// TestDockerignore: nothing secret is sent to the build, and nothing is missing.
func TestDockerignore(t *testing.T) {
	t.Parallel()
	lines := strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(readRepo(t, ".dockerignore"), ""))
	for _, want := range []string{".git", ".env", ".state", "secrets"} {
		if !slices.Contains(lines, want) {
			t.Errorf("%s is sent to the build", want)
		}
	}
	for _, part := range []string{"go.mod", "go.sum", "cmd", "internal", "migrations"} {
		err := filepath.WalkDir(filepath.Join(repoRoot, part), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			file, _ = filepath.Rel(repoRoot, file)
			if !slices.Contains([]string{".go", ".sql", ".yaml", ".sh", ".mod", ".sum"}, filepath.Ext(file)) || strings.HasSuffix(file, "_test.go") || strings.Contains(file, "testdata") {
				return nil
			}
			for _, l := range lines {
				if ignores(l, file) {
					t.Errorf("%s keeps %s from the build", l, file)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// ignores says whether a line of .dockerignore is about the file: one from the
// root, or with **/ in front one from anywhere.
func ignores(line, file string) bool {
	pattern, anywhere := strings.CutPrefix(line, "**/")
	for i, part := range strings.Split(file, "/") {
		if ok, _ := path.Match(pattern, part); ok && (anywhere || i == 0) {
			return true
		}
	}
	return false
}

// dockerfile returns the instructions, continued lines joined.
func dockerfile(t *testing.T) []string {
	t.Helper()
	var lines []string
	s := bufio.NewScanner(strings.NewReader(readRepo(t, "Dockerfile")))
	more := false
	for s.Scan() {
		l := strings.TrimSpace(s.Text())
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		text, continued := strings.CutSuffix(l, `\`)
		if more {
			lines[len(lines)-1] += text
		} else {
			lines = append(lines, text)
		}
		more = continued
	}
	return lines
}
