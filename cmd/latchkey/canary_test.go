package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// canary is a real `latchkey serve`, servers of its own included, into which known
// passcodes and secrets are put by every way there is.
type canary struct {
	t       *testing.T
	sim     *zoomsim.Server
	state   string
	environ []string
	process *os.Process
	self    string // this test binary under the name latchkey
	log     testenv.Buffer
	ingest  string // http://host:port
	admin   string

	collected atomic.Int64      // requests with traces, and with the collector's key
	birds     map[string]string // what must be nowhere, and how it came in
	said      map[string]string // what was said, by where
}

// bird notes something that must be nowhere.
func (c *canary) bird(value, how string) string {
	if len(value) < 6 {
		c.t.Fatalf("%q (%s) is too short to be looked for", value, how)
	}
	c.birds[value] = how
	return value
}

func newCanary(t *testing.T) *canary {
	t.Helper()
	c := &canary{t: t, birds: map[string]string{}, said: map[string]string{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var err error
	if c.sim, err = zoomsim.Start(ctx, zoomsim.Options{Seed: 11, RetryDelays: []time.Duration{100 * time.Millisecond, 300 * time.Millisecond}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.sim.Stop(context.Background()) })
	// As root, Postgres runs as another user, who must be able to get there.
	dir, err := os.MkdirTemp("/tmp", "latchkey-canary-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	c.state = filepath.Join(dir, "state")
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c.self = filepath.Join(dir, "latchkey")
	if err := os.Symlink(executable, c.self); err != nil {
		t.Fatal(err)
	}
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	creds := c.sim.Credentials("")
	c.bird(creds.SecretToken, "webhook secret")
	c.bird(creds.ClientSecret, "client secret")
	policy := file("latchkey.yaml", "policies:\n"+
		"  - {host: locked@demo.example, policy: known-passcode, source: derived, secret: {file: "+file("derive", c.bird("canary-derives-passcodes", "secret that passcodes are derived from"))+"}}\n"+
		"  - {host: on@demo.example, policy: waiting-room, align_hosts: true}\n"+
		"  - {host: nobody@demo.example, policy: known-passcode, source: fixed, passcode: {file: "+file("fixed", c.bird("Cnry-Fix1", "fixed passcode"))+"}}\n")
	// A collector that wants a key, and OpenTelemetry's own way to give it, which quotes
	// what it cannot read.
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Api-Key") != "" {
			c.collected.Add(1)
		}
		http.Error(w, "not with "+r.Header.Get("Api-Key"), http.StatusBadRequest)
	}))
	t.Cleanup(collector.Close)
	c.environ = []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_EXPORTER_OTLP_HEADERS_FILE=" + file("headers", "api-key="+c.bird("canary-of-the-collector", "key of the traces' collector")),
		"OTEL_EXPORTER_OTLP_TRACES_HEADERS=" + c.bird("canary-without-a-name", "header of OpenTelemetry's own that cannot be read"), "OTEL_BSP_SCHEDULE_DELAY=100",
		"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + os.TempDir(), "LATCHKEY_STATE=" + c.state, "LATCHKEY_CONFIG=" + policy,
		"ZOOM_WEBHOOK_SECRET_TOKEN_FILE=" + file("token", creds.SecretToken), "ZOOM_ACCOUNT_ID=" + creds.AccountID,
		"ZOOM_CLIENT_ID=" + creds.ClientID, "ZOOM_CLIENT_SECRET_FILE=" + file("client", creds.ClientSecret),
		"ZOOM_API_URL=" + c.sim.APIURL(), "ZOOM_OAUTH_URL=" + c.sim.OAuthURL(),
		"LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0", "LATCHKEY_ZOOM_PLAN=business",
		"LATCHKEY_LOG_LEVEL=debug", "LATCHKEY_LOG_FORMAT=json", "LATCHKEY_POSTGRES_DOWNLOAD=off",
	}
	return c
}

// serve starts the process and stops it, in order, when the test ends.
func (c *canary) serve() {
	t := c.t
	t.Helper()
	cmd := exec.Command(c.self, "serve")
	cmd.Env, cmd.Dir = c.environ, "/"
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.process = cmd.Process
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			t.Error("it did not stop")
		}
	})
	listens := func(what string) (at string) {
		testenv.Until(t, what+" listens", func() bool {
			m := regexp.MustCompile(`"msg":"` + what + ` listens","url":"(http://[^/"]+)`).FindStringSubmatch(c.log.String())
			if m != nil {
				at = m[1]
			}
			return m != nil
		})
		return at
	}
	c.ingest, c.admin = listens("ingest"), listens("admin")
	testenv.Until(t, "it is ready", func() bool { _, code := c.get(c.admin + "/readyz"); return code == http.StatusOK })
	c.sim.SetWebhookURL(c.ingest + "/webhooks/zoom")
}

// get notes what was answered.
func (c *canary) get(url string) (body string, status int) {
	resp, err := http.Get(url)
	if err != nil {
		return "", 0
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	c.said["GET "+url] += fmt.Sprint(resp.Header, string(b))
	return string(b), resp.StatusCode
}

// post sends a delivery, signed or not, and notes what was answered.
func (c *canary) post(body string, signed bool) int {
	c.t.Helper()
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.ingest+"/webhooks/zoom", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("x-zm-request-timestamp", ts)
	req.Header.Set("x-zm-signature", "v0="+strings.Repeat("0", 64))
	if signed {
		req.Header.Set("x-zm-signature", zoomsim.Sign(c.sim.Credentials("").SecretToken, ts, []byte(body)))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, _ := io.ReadAll(resp.Body)
	c.said["answers of ingest"] += fmt.Sprint(resp.Status, resp.Header, string(b))
	return resp.StatusCode
}

// run is a command as a person types it; what it says is noted, unless it is asked
// for what must not be seen elsewhere.
func (c *canary) run(stdin string, environ []string, args ...string) (stdout string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.self, args...)
	cmd.Env, cmd.Dir, cmd.Stdin = environ, "/", strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if ctx.Err() != nil {
		c.t.Errorf("%v did not end", args)
	}
	name := strings.Join(args, " ")
	c.said[name+" (errors)"] += errs.String() + fmt.Sprint(err)
	if asked := args[0] == "passcode" || slices.Contains(args, "--body"); !asked {
		c.said[name] += out.String()
	}
	return out.String()
}

func (c *canary) create(host, passcode string) zoomsim.Meeting {
	c.t.Helper()
	r := zoomsim.MeetingRequest{Topic: "Canary", Type: 2, StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30, CreationSource: "open_api"}
	if passcode != "" {
		r.Password = zoomsim.WithPasscode(passcode)
	}
	m, err := c.sim.CreateMeeting(c.t.Context(), host, r)
	if err != nil {
		c.t.Fatal(err)
	}
	if u, err := url.Parse(m.JoinURL); err == nil && len(u.Query().Get("pwd")) >= 6 {
		c.bird(u.Query().Get("pwd"), "the passcode as a link has it")
	}
	return m
}

// TestCanary puts known passcodes and secrets through everything and then looks for
// them everywhere that is not a place for them.
func TestCanary(t *testing.T) {
	t.Parallel()
	c := newCanary(t)
	c.serve()
	natsURL, databaseURL := c.running("nats-url"), c.running("database-url")
	log := func(words string) {
		t.Helper()
		testenv.Until(t, words, func() bool { return strings.Contains(c.log.String(), words) })
	}
	settled := func(m zoomsim.Meeting, where string) {
		t.Helper()
		testenv.Until(t, fmt.Sprintf("meeting %d: %s", m.ID, where), func() bool {
			return testenv.Query(t, databaseURL, `SELECT count(*)::text FROM latchkey.meetings WHERE meeting_id = `+fmt.Sprint(m.ID)+` AND outcome IS NOT NULL AND `+where) == "1"
		})
	}

	// Events: passcodes that are removed, kept, set, and changed by others.
	removed := c.create("on@demo.example", c.bird("Cnry-Rmv1", "passcode that is removed"))
	settled(removed, "outcome = 'joinable' AND passcode = 'off'")
	known := c.create("locked@demo.example", c.bird("Cnry-Knw1", "passcode of a meeting whose policy sets a known one"))
	settled(known, "due_at IS NULL")
	if err := c.sim.UpdateMeeting(zoomsim.As(t.Context(), "eve@demo.example"), known.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode(c.bird("Cnry-Eve1", "passcode that somebody set"))}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is seen", func() bool {
		return testenv.Query(t, databaseURL, `SELECT count(*)::text FROM latchkey.passcode_changes`) != "0"
	})

	// Answers and error answers of Zoom's that quote them.
	refused, garbled := c.bird("Cnry-Ref1", "passcode that Zoom's refusal quotes"), c.bird("Cnry-Grb1", "passcode in an answer that does not decode")
	fault := func(f zoomsim.Fault) {
		t.Helper()
		if err := c.sim.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	c.sim.SetWebhookURL("") // its number is known before latchkey hears of it
	quoted := c.create("on@demo.example", refused)
	fault(zoomsim.Fault{Method: http.MethodPatch, PathPrefix: fmt.Sprintf("/v2/meetings/%d", quoted.ID), Times: 1, Status: 400, Code: 300, Message: refused + " is too weak for " + c.sim.Credentials("").ClientSecret})
	c.sim.SetWebhookURL(c.ingest + "/webhooks/zoom")
	if err := c.sim.UpdateMeeting(zoomsim.As(t.Context(), "eve@demo.example"), quoted.ID, zoomsim.MeetingRequest{Topic: "Another"}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "Zoom has refused it", func() bool { return c.sim.FaultsHit() == 1 })
	settled(quoted, "due_at IS NULL")
	fault(zoomsim.Fault{Method: http.MethodGet, PathPrefix: fmt.Sprintf("/v2/meetings/%d", removed.ID), Times: 1, Status: 200, Body: `{"id":"x","password":"` + garbled + `","settings":"` + garbled + `"}`})
	fault(zoomsim.Fault{Method: http.MethodGet, PathPrefix: fmt.Sprintf("/v2/meetings/%d", removed.ID), Times: 1, Status: 500, Body: "<html>" + garbled})
	if err := c.sim.UpdateMeeting(zoomsim.As(t.Context(), "eve@demo.example"), removed.ID, zoomsim.MeetingRequest{Topic: "Another"}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "its answers cannot be read", func() bool { return c.sim.FaultsHit() == 2 })
	c.sim.ClearFaults()
	if err := c.sim.ChangeUserSettings(t.Context(), "on@demo.example", zoomsim.SettingsPatch{"schedule_meeting": map[string]any{"require_password_for_scheduling_new_meetings": true, "pmi_password": c.bird("Cnry-Pmi1", "passcode in a settings event")}}); err != nil {
		t.Logf("settings: %v", err) // a setting that the simulator does not know is sent below
	}
	account := c.sim.Credentials("").AccountID
	event := func(name, object string) string {
		return fmt.Sprintf(`{"event":%q,"event_ts":%d,"payload":{"account_id":%q,"operator":"eve@demo.example","object":%s,"old_object":%s}}`, name, time.Now().UnixMilli(), account, object, object)
	}
	c.post(event("user.settings_updated", `{"id":"on@demo.example","settings":{"schedule_meeting":{"require_password_for_pmi_meetings":"all","pmi_password":"Cnry-Pmi1"}}}`), true)

	// Dead letters of both, redriven, and what is not signed.
	dead := c.bird("Cnry-Dead", "passcode in a dead letter")
	c.post(`{"event":"meeting.created","payload":"`+dead+`"`, true)
	c.post(event("meeting.updated", `{"id":"`+dead+`","password":"`+dead+`","topic":"x"}`), true)
	if got := c.post(event("meeting.created", `{"id":85746065432,"password":"`+c.bird("Cnry-Uns1", "passcode in a delivery that nobody signed")+`"}`), false); got != http.StatusUnauthorized {
		t.Errorf("not signed: %d", got)
	}
	c.get(c.ingest + "/j/1?pwd=" + c.bird("Cnry-Url1", "passcode in a URL"))
	testenv.Until(t, "both dead letters were seen", func() bool {
		return testenv.Query(t, databaseURL, `SELECT count(*)::text FROM latchkey.dead_causes`) == "2"
	})

	// The commands.
	c.commands(removed, known, dead)
	log(`"msg":"policies and secrets were read again: nothing changed"`)
	log(`"msg":"traces cannot be sent"`)
	log(`"msg":"parse headers"`)
	if c.collected.Load() == 0 {
		t.Error("no trace was sent with the collector's key")
	}
	for _, path := range []string{"/metrics", "/readyz", "/healthz", "/nothing"} {
		c.get(c.admin + path)
	}

	// What the process made up itself.
	for file, of := range map[string]string{"nats-url": natsURL, "database-url": databaseURL} {
		u, err := url.Parse(of)
		if err != nil {
			t.Fatal(err)
		}
		password, set := u.User.Password()
		if !set {
			password = u.User.Username() // a token
		}
		c.bird(password, "password in "+file)
	}
	for _, p := range strings.Fields(testenv.Query(t, databaseURL, `SELECT coalesce(string_agg(passcode, ' '), '') FROM latchkey.passcodes`)) {
		if len(p) >= 6 && strings.Trim(p, "0123456789") != "" {
			c.bird(p, "passcode that latchkey keeps")
		}
	}
	if len(c.birds) < 18 {
		t.Errorf("only %d things to look for: %v", len(c.birds), c.birds)
	}

	c.lookAtWhatWasSaid()
	c.lookAtTheDatabase(databaseURL)
	c.lookAtTheStreams(natsURL)
	c.lookAtProcesses()
	c.lookAtFiles()
}

// running is the address that the running process left in a file.
func (c *canary) running(file string) string {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join(c.state, file))
	if err != nil {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (c *canary) commands(removed, known zoomsim.Meeting, dead string) {
	t := c.t
	env := c.environ
	number := fmt.Sprint(removed.ID)
	pasted := c.bird("Cnry-Pst1", "passcode in a pasted link or invitation")
	for _, args := range [][]string{
		{"explain", number}, {"explain", number, "--json"}, {"explain", fmt.Sprint(known.ID)}, {"explain", fmt.Sprint(known.ID), "--json"},
		{"explain", "https://zoom.us/j/" + number + "?pwd=" + pasted}, {"explain", "https://zoom.us/j/12?pwd=" + pasted}, {"explain", number, "--versus", fmt.Sprint(known.ID)},
		{"forecast", "on@demo.example"}, {"forecast", "on@demo.example", "--json"}, {"what-if", "--host", "on@demo.example", "--set", "passcode=on,locked"},
		{"hold", number, "--reason", "canary"}, {"holds"}, {"release", number},
		{"dead", "list"}, {"dead", "list", "--json"}, {"dead", "show", "1"}, {"dead", "show", "2", "--json"}, {"dead", "show", "1", "--body"}, {"dead", "redrive", "2"},
		{"migrate"}, {"config"}, {"passcode", fmt.Sprint(known.ID)}, {"passcode", number}, {"passcode", "https://zoom.us/my/x?pwd=" + pasted},
	} {
		c.run("", env, args...)
	}
	c.run("", append(slices.Clone(env), "DATABASE_URL="+c.running("database-url"), "NATS_URL="+c.running("nats-url")), "replay", "--since", "1h", "--dry-run")
	c.run("Meeting ID: "+number+"\nPasscode: "+pasted+"\n", env, "explain", "-")
	c.run(`{"topic":"x","type":2,"password":"`+pasted+`","settings":{"passwrd":"`+pasted+`"}}`, env, "lint")
	c.run(`{"password":"`+pasted+`"`, env, "lint", "--json")
	c.run(`{"facts":{"passcode":"`+pasted+`"}}`, env, "decide")

	// What is configured wrongly is said without what it holds.
	wrong := c.bird("canary-in-a-wrong-place", "secret that is configured wrongly")
	policy := filepath.Join(filepath.Dir(c.state), "wrong.yaml")
	if err := os.WriteFile(policy, []byte("policies:\n  - {policy: known-passcode, source: fixed, passcode: "+wrong+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, set := range []string{
		"DATABASE_URL=mysql://u:" + wrong + "@h/db", "DATABASE_URL=postgres://u:" + wrong + "@127.0.0.1:notaport/db", "DATABASE_URL=postgres://u:" + wrong + "@127.0.0.1:1/db?connect_timeout=1", "NATS_URL=nats://u:" + wrong + "@[::1", "NATS_URL=" + wrong + ":x",
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + wrong + ",,x", "ZOOM_CLIENT_SECRET=" + wrong + "\nx", "LATCHKEY_CONFIG=" + policy, "DATABASE_URL_FILE=" + wrong,
	} {
		broken := append(slices.Clone(env), "DATABASE_URL=postgres://x/x", "NATS_URL=nats://127.0.0.1:1")
		name, _, _ := strings.Cut(set, "=")
		broken = slices.DeleteFunc(broken, func(kv string) bool {
			return strings.HasPrefix(kv, strings.TrimSuffix(name, "_FILE")+"=") || strings.HasPrefix(kv, strings.TrimSuffix(name, "_FILE")+"_FILE=")
		})
		broken = append(broken, set)
		c.run("", broken, "config")
		if !strings.Contains(set, "127.0.0.1:1/") { // that one is well-formed: it would run
			c.run("", broken, "serve")
		}
		switch {
		case strings.HasPrefix(set, "DATABASE"):
			c.run("", broken, "explain", number)
		case strings.HasPrefix(set, "NATS"):
			c.run("", broken, "dead", "list")
		}
	}

	// They do see what they are asked for: the search below is no search of nothing.
	if got := strings.TrimSpace(c.run("", env, "passcode", fmt.Sprint(known.ID))); got == "" {
		t.Error("latchkey passcode prints none")
	}
	if body := c.run("", env, "dead", "show", "1", "--body"); !strings.Contains(body, dead) {
		t.Errorf("latchkey dead show --body shows %q", body)
	}
	if err := c.process.Signal(syscall.SIGHUP); err != nil { // read everything again
		t.Error(err)
	}
}

// found reports every bird that a text holds.
func (c *canary) found(where, text string) {
	c.t.Helper()
	for bird, how := range c.birds {
		escaped, _ := json.Marshal(bird)
		for _, form := range []string{bird, strings.Trim(string(escaped), `"`), url.QueryEscape(bird), fmt.Sprintf("%x", bird)} {
			if i := strings.Index(text, form); i >= 0 {
				c.t.Errorf("%s holds the %s (%s): …%s…", where, how, bird, text[max(0, i-120):min(len(text), i+60)])
				break
			}
		}
	}
}

func (c *canary) lookAtWhatWasSaid() {
	c.found("the log", c.log.String())
	for where, text := range c.said {
		c.found(where, text)
	}
	if len(c.log.String()) < 5000 || len(c.said) < 40 {
		c.t.Errorf("only %d bytes of log and %d commands and answers", len(c.log.String()), len(c.said))
	}
}

// lookAtTheDatabase goes over the catalog: every column of every table and view but
// the one for passcodes.
func (c *canary) lookAtTheDatabase(databaseURL string) {
	t := c.t
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
		WHERE relkind IN ('r', 'p', 'v', 'm') AND nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 20 {
		t.Fatalf("%d tables and views, %v", len(names), err)
	}
	for _, name := range names {
		rows, err := conn.Query(ctx, `SELECT x::text FROM `+name+` x`)
		if err != nil {
			t.Fatal(err)
		}
		all, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(all, "\n")
		if name == "latchkey.passcodes" {
			if !strings.Contains(text, "Cnry-") {
				t.Error("no passcode is where they belong: the search is one of nothing")
			}
			continue
		}
		c.found(name, text)
	}
}

// lookAtTheStreams: alerts hold none; events and dead letters do, as they are
// documented to.
func (c *canary) lookAtTheStreams(natsURL string) {
	t := c.t
	nc, err := nats.Connect(natsURL)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for names := js.StreamNames(ctx); ; {
		name, open := <-names.Name()
		if !open {
			break
		}
		s, err := js.Stream(ctx, name)
		if err != nil {
			t.Fatal(err)
		}
		info := s.CachedInfo()
		headers, bodies := fmt.Sprintf("%+v", info.Config), ""
		for seq := info.State.FirstSeq; seq <= info.State.LastSeq && seq > 0; seq++ {
			if m, err := s.GetMsg(ctx, seq); err == nil {
				headers += fmt.Sprintln(m.Subject, m.Header)
				bodies += string(m.Data)
			}
		}
		// Subjects, headers and reasons are for everybody who lists a stream.
		c.found("subjects and headers of "+name, headers)
		switch name {
		case "LATCHKEY_EVENTS", "LATCHKEY_DEAD":
			if !strings.Contains(bodies, "Cnry-") {
				t.Errorf("%s holds no passcode: the search is one of nothing", name)
			}
		default:
			c.found(name, bodies)
		}
	}
}

// lookAtProcesses: every user of a machine sees the arguments of its processes, the
// serving one's and those that it started.
func (c *canary) lookAtProcesses() {
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(stats) == 0 {
		c.t.Log("no /proc on this system: arguments are not looked at")
		return
	}
	parent := map[int]int{}
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …, and a name may hold anything.
		pid, _ := strconv.Atoi(strings.Split(file, "/")[2])
		if f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])); len(f) > 1 {
			parent[pid], _ = strconv.Atoi(f[1])
		}
	}
	seen := 0
	for pid := range parent {
		for p := pid; p > 1; p = parent[p] {
			if p == c.process.Pid {
				b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
				c.found(fmt.Sprintf("the arguments of process %d", pid), string(b))
				seen++
				break
			}
		}
	}
	if seen < 3 {
		c.t.Errorf("only %d processes: want the serving one, Postgres and its supervisor at least", seen)
	}
}

// lookAtFiles: what is made is closed to others, whoever runs it.
func (c *canary) lookAtFiles() {
	t := c.t
	open := os.FileMode(0o077)
	seen := 0
	err := filepath.WalkDir(c.state, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			if os.IsNotExist(err) { // Postgres removes its own while it runs
				return nil
			}
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return nil
		}
		seen++
		switch {
		case path == c.state:
			// As root, Postgres' user must be able to pass.
			if want := map[bool]os.FileMode{true: 0o711, false: 0o700}[os.Geteuid() == 0]; fi.Mode().Perm() != want {
				t.Errorf("%s has mode %v, want %v", path, fi.Mode(), want)
			}
		case fi.Mode().Perm()&open != 0:
			t.Errorf("%s has mode %v: others have a right", path, fi.Mode())
		case d.IsDir():
			if filepath.Dir(path) != c.state {
				return nil
			}
			if fi.Mode().Perm() == 0o700 && d.Name() == "nats" {
				return fs.SkipDir // nobody passes; what is in it is the server's own
			}
		}
		if d.Name() == "postgres.log" {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			c.found(path, string(b))
		}
		return nil
	})
	if err != nil || seen < 6 {
		t.Errorf("%d files and folders, %v", seen, err)
	}
}
