package app_test

import (
	"context"
	"log/slog"
	"os"
	"testing"
	"time"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

// rig is the real thing end to end: a simulated Zoom, ingest, NATS, worker and
// Postgres.
type rig struct {
	sim *zoomsim.Server
	app *app.App
	cfg config.Config
}

func newRig(t *testing.T, change func(*config.Config)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	sim, err := zoomsim.Start(ctx, zoomsim.Options{RetryDelays: []time.Duration{50 * time.Millisecond, 200 * time.Millisecond, time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()) })
	creds := sim.Credentials("")
	cfg, err := config.Load([]string{
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + creds.SecretToken, "ZOOM_ACCOUNT_ID=" + creds.AccountID,
		"ZOOM_CLIENT_ID=" + creds.ClientID, "ZOOM_CLIENT_SECRET=" + creds.ClientSecret,
		"ZOOM_API_URL=" + sim.APIURL(), "ZOOM_OAUTH_URL=" + sim.OAuthURL(),
		"DATABASE_URL=" + testenv.PostgresURL(t), "NATS_URL=" + testenv.NATS(t).URL(),
		"LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0",
	}, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&cfg)
	}
	r := &rig{sim: sim, cfg: cfg}
	r.start(t)
	return r
}

func (r *rig) start(t *testing.T) {
	t.Helper()
	a, err := app.New(app.Options{Config: r.cfg, Ingest: true, Worker: true, Logger: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := a.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	r.app = a
	r.sim.SetWebhookURL("http://" + a.IngestAddr() + "/webhooks/zoom")
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", p[:max(len(p)-1, 0)])
	return len(p), nil
}

func TestMainPath(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	ctx := context.Background()
	m, err := r.sim.CreateMeeting(ctx, "on@demo.example", zoomsim.MeetingRequest{Topic: "x", Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30, CreationSource: "open_api"})
	if err != nil {
		t.Fatal(err)
	}
	if m.Passcode == "" {
		t.Fatalf("the simulated Zoom made no passcode: %+v", m)
	}
	testenv.Until(t, "the meeting is repaired", func() bool { return r.sim.Join(m.ID, "").Outcome == "joinable" })
	testenv.Until(t, "the repair is recorded", func() bool {
		row, err := r.app.Store().Meeting(ctx, m.ID)
		return err == nil && row.Outcome == passcode.OutcomeJoinable
	})
	for _, q := range r.sim.Requests() {
		t.Logf("%s %s %d", q.Method, q.Path, q.Status)
	}
}
