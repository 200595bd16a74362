package app_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

func TestMain(m *testing.M) {
	if os.Getenv(childRole) != "" {
		os.Exit(app.Main(config.Worker, os.Stderr))
	}
	os.Exit(testenv.Main(m))
}

// childRole makes this test binary a worker process, for tests that kill one.
const childRole = "TEST_CHILD_WORKER"

// rig is the real thing end to end: a simulated Zoom, and latchkey on a real
// NATS server and a real Postgres.
type rig struct {
	sim     *zoomsim.Server
	environ []string
	log     *logBuffer
	app     *app.App // the first one started
}

// newRig sets the servers up; start starts latchkey on them.
func newRig(t *testing.T, environ ...string) *rig {
	t.Helper()
	return newSeededRig(t, 7, environ...)
}

func newSeededRig(t *testing.T, seed uint64, environ ...string) *rig {
	t.Helper()
	return newScenarioRig(t, zoomsim.Options{Seed: seed}, environ...)
}

func newScenarioRig(t *testing.T, o zoomsim.Options, environ ...string) *rig {
	t.Helper()
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{100 * time.Millisecond, 300 * time.Millisecond, time.Second}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sim, err := zoomsim.Start(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()) })
	c := sim.Credentials("")
	return &rig{sim: sim, log: &logBuffer{t: t}, environ: append([]string{
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + c.SecretToken, "ZOOM_ACCOUNT_ID=" + c.AccountID,
		"ZOOM_CLIENT_ID=" + c.ClientID, "ZOOM_CLIENT_SECRET=" + c.ClientSecret,
		"ZOOM_API_URL=" + sim.APIURL(), "ZOOM_OAUTH_URL=" + sim.OAuthURL(),
		"LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0", "LATCHKEY_ZOOM_PLAN=business", "LATCHKEY_LOG_LEVEL=debug",
	}, environ...)}
}

// newRunningRig is newRig with servers of its own and latchkey started.
func newRunningRig(t *testing.T, environ ...string) *rig {
	t.Helper()
	r := newRig(t, append([]string{"DATABASE_URL=" + emptyMigrated(t), "NATS_URL=" + testenv.NATS(t).URL()}, environ...)...)
	r.app = r.start(t, true, true)
	return r
}

func (r *rig) start(t *testing.T, ingest, worker bool) *app.App {
	t.Helper()
	a, stop := r.startForAWhile(t, ingest, worker)
	t.Cleanup(stop)
	return a
}

// startForAWhile starts latchkey; stop ends it, as SIGTERM does.
func (r *rig) startForAWhile(t *testing.T, ingest, worker bool) (a *app.App, stop func()) {
	t.Helper()
	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	a, err = app.New(app.Options{Config: cfg, Ingest: ingest, Worker: worker, Logger: app.NewLogger(cfg, r.log)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if ingest {
		r.sim.SetWebhookURL("http://" + a.IngestAddr() + "/webhooks/zoom")
	}
	return a, func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	}
}

// create makes a meeting by API that names neither passcode nor waiting room.
func (r *rig) create(t *testing.T, host string) zoomsim.Meeting {
	t.Helper()
	return r.createWith(t, host, zoomsim.MeetingSettings{})
}

func (r *rig) createWith(t *testing.T, host string, s zoomsim.MeetingSettings) zoomsim.Meeting {
	t.Helper()
	m, err := r.sim.CreateMeeting(t.Context(), host, zoomsim.MeetingRequest{Topic: "Consultation 💊", Type: 2,
		StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30, CreationSource: "open_api", Settings: s})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const (
	hostOff    = "off@demo.example"
	hostOn     = "on@demo.example"
	hostLocked = "locked@demo.example"
)

// settled waits until the meeting is dealt with, and gives its row.
func (r *rig) settled(t *testing.T, id int64, outcome passcode.Outcome) store.Meeting {
	t.Helper()
	var m store.Meeting
	testenv.Until(t, fmt.Sprintf("meeting %d is recorded as %s", id, outcome), func() bool {
		var err error
		m, err = r.app.Store().Meeting(t.Context(), id)
		return err == nil && m.Outcome == outcome && m.DueAt.IsZero() && !m.MustRead
	})
	return m
}

func (r *rig) repairs(t *testing.T, id int64) []store.Repair {
	t.Helper()
	s, err := r.app.Store().Story(t.Context(), "", id)
	if err != nil {
		t.Fatal(err)
	}
	return s.Repairs
}

// calls counts the requests the simulated Zoom got.
func (r *rig) calls(method string, meeting int64) int {
	n := 0
	for _, q := range r.sim.Requests() {
		if q.Method == method && q.MeetingID == meeting {
			n++
		}
	}
	return n
}

// post delivers a body as Zoom would, signed.
func (r *rig) post(t *testing.T, body string) int {
	t.Helper()
	return r.postWith(t, body, nil)
}

func (r *rig) postWith(t *testing.T, body string, header map[string]string) int {
	t.Helper()
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.app.IngestAddr()+"/webhooks/zoom", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range header {
		req.Header.Set(key, value)
	}
	req.Header.Set("x-zm-request-timestamp", ts)
	req.Header.Set("x-zm-signature", zoomsim.Sign(r.sim.Credentials("").SecretToken, ts, []byte(body)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

// jetStream is the bus as other services see it.
func (r *rig) jetStream(t *testing.T) jetstream.JetStream {
	t.Helper()
	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect(cfg.NATSURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// logBuffer collects the log, for tests of what it must not hold, and shows it
// when the test fails.
type logBuffer struct {
	t  *testing.T
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() == 0 {
		l.t.Cleanup(func() {
			if l.t.Failed() {
				l.t.Logf("log:\n%s", l.String())
			}
		})
	}
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// emptyMigrated is the URL of a fresh database with this version's schema, which is
// a copy: to migrate one for each test would take a fifth of all their time. Its
// login is a worker's that owns nothing, so that every test here shows that the
// rights of latchkey_worker are enough.
func emptyMigrated(t *testing.T) string {
	t.Helper()
	return testenv.LoginURL(t, emptyMigratedOwned(t), "latchkey_worker")
}

// emptyMigratedOwned is the same for the owner of the schema.
func emptyMigratedOwned(t *testing.T) string {
	t.Helper()
	return testenv.PostgresURLFrom(t, "migrated", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
}
