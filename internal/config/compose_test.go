package config_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"go.yaml.in/yaml/v3"

	"latchkey/internal/bus"
	"latchkey/internal/config"
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

func TestComposeServices(t *testing.T) {
	t.Parallel()
	f := compose(t)
	want := map[string]struct {
		ports, needs, networks []string
	}{
		"ingest":   {[]string{"127.0.0.1:8080:8080"}, []string{"nats"}, []string{"front", "back"}},
		"worker":   {nil, []string{"nats", "postgres"}, []string{"front", "back"}},
		"nats":     {nil, nil, []string{"back"}},
		"postgres": {nil, nil, []string{"back"}},
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
			if d.Condition != "service_healthy" {
				t.Errorf("%s waits for %s to be %q", name, n, d.Condition)
			}
		}
		if slices.Sort(needs); !slices.Equal(needs, w.needs) {
			t.Errorf("%s needs %v, want %v", name, needs, w.needs)
		}
		if !slices.Equal(s.Networks, w.networks) {
			t.Errorf("%s is in networks %v, want %v", name, s.Networks, w.networks)
		}
		h := s.Healthcheck
		if len(h.Test) < 2 || h.Test[0] != "CMD" || h.Interval <= 0 || h.Timeout <= 0 || h.Retries <= 0 || h.StartPeriod <= 0 {
			t.Errorf("%s has no whole health check: %+v", name, h)
		}
		if s.Restart != "unless-stopped" || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Logging.Options["max-size"] == "" {
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
	if !f.Networks["back"].Internal || f.Networks["front"].Internal {
		t.Error("want network back internal, and front not: Zoom is reached through it")
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
		if len(s.Volumes) != 0 {
			t.Errorf("%s keeps something: %v", name, s.Volumes)
		}
	}
}

// TestComposeVariables holds every variable against the keys, and then loads
// the configuration as the container would.
func TestComposeVariables(t *testing.T) {
	t.Parallel()
	f := compose(t)
	host := map[string]string{"ZOOM_ACCOUNT_ID": "acct", "ZOOM_CLIENT_ID": "client"}
	secrets := map[string]string{"zoom_webhook_secret_token": "token", "zoom_client_secret": "secret", "database_url": sampleDatabaseURL(t)}
	natsPort := natsConf(t).Port
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
				environ = append(environ, variable+"="+value)
			}
			if slices.Sort(used); !slices.Equal(used, slices.Sorted(slices.Values(s.Secrets))) {
				t.Errorf("it is given secrets %v and uses %v", s.Secrets, used)
			}
			c, err := config.Load(environ, role)
			if err != nil {
				t.Fatalf("it would not start: %v", err)
			}
			if want := fmt.Sprintf("nats://nats:%d", natsPort); c.NATSURL != want {
				t.Errorf("NATS is at %s, want %s", c.NATSURL, want)
			}
			if h, _, err := net.SplitHostPort(c.AdminListen); err != nil || h != "127.0.0.1" {
				t.Errorf("admin listens on %s: want the container's own 127.0.0.1, where -health asks", c.AdminListen)
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
	if got := interpolate(t, env["LATCHKEY_POLICY"], map[string]string{"LATCHKEY_POLICY": "observe"}); got != "observe" {
		t.Errorf("LATCHKEY_POLICY=observe yields %q", got)
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

// sampleDatabaseURL is what the comment in docker-compose.yml has people write.
func sampleDatabaseURL(t *testing.T) string {
	t.Helper()
	m := regexp.MustCompile(`"(postgres://\S+)" > secrets/database_url\.txt`).FindStringSubmatch(readRepo(t, "docker-compose.yml"))
	if m == nil {
		t.Fatal("docker-compose.yml does not say how to write secrets/database_url.txt")
	}
	return strings.ReplaceAll(m[1], "$password", "abc")
}

func TestComposePostgres(t *testing.T) {
	t.Parallel()
	f := compose(t)
	s := f.Services["postgres"]
	u, err := url.Parse(sampleDatabaseURL(t))
	if err != nil {
		t.Fatal(err)
	}
	user, name := s.Environment["POSTGRES_USER"], s.Environment["POSTGRES_DB"]
	if u.Host != "postgres:5432" || u.User.Username() != user || u.Path != "/"+name {
		t.Errorf("DATABASE_URL %s does not fit user %s, database %s", u.Redacted(), user, name)
	}
	if s.Environment["POSTGRES_PASSWORD_FILE"] != "/run/secrets/postgres_password" || !slices.Equal(s.Secrets, []string{"postgres_password"}) {
		t.Errorf("its password comes from %q, its secrets are %v", s.Environment["POSTGRES_PASSWORD_FILE"], s.Secrets)
	}
	check := strings.Join(s.Healthcheck.Test, " ")
	if check != "CMD pg_isready -h 127.0.0.1 -U "+user+" -d "+name {
		t.Errorf("health check %q", check)
	}
	m := regexp.MustCompile(`^postgres:(\d+)-alpine$`).FindStringSubmatch(s.Image)
	if m == nil {
		t.Fatalf("image %s", s.Image)
	}
	// From 18 on the image keeps its data elsewhere.
	if v, _ := strconv.Atoi(m[1]); v < 14 || v > 17 || !slices.Equal(s.Volumes, []string{"postgres:/var/lib/postgresql/data"}) {
		t.Errorf("version %d keeps its data in %v", v, s.Volumes)
	}
}

func natsConf(t *testing.T) *natsserver.Options {
	t.Helper()
	o, err := natsserver.ProcessConfigFile(filepath.Join(repoRoot, "deploy", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestComposeNATS reads nats.conf with the server's own parser.
func TestComposeNATS(t *testing.T) {
	t.Parallel()
	o, s := natsConf(t), compose(t).Services["nats"]
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
	v := regexp.MustCompile(`github\.com/nats-io/nats-server/v2 v(\d+\.\d+)\.`).FindStringSubmatch(readRepo(t, "go.mod"))
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
	text := readRepo(t, "docker-compose.yml")
	for name, s := range compose(t).Secrets {
		if s.File != "./secrets/"+name+".txt" {
			t.Errorf("secret %s comes from %s", name, s.File)
		}
		if !strings.Contains(text, "> secrets/"+name+".txt\n") {
			t.Errorf("the comment does not say how to write secrets/%s.txt", name)
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
