package app_test

import (
	"context"
	"testing"
	"time"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

// TestStopEndsInTimeWhateverTheDatabaseDoes: a link that swallows everything and closes
// nothing must not keep a process from ending, with an event in its hands.
func TestStopEndsInTimeWhateverTheDatabaseDoes(t *testing.T) {
	t.Parallel()
	proxy, url := testenv.ProxyURL(t, emptyMigrated(t))
	r := newRig(t, "DATABASE_URL="+url, "NATS_URL="+testenv.NATS(t).URL())
	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(app.Options{Config: cfg, Ingest: true, Worker: true, Logger: app.NewLogger(cfg, r.log)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	proxy.Stall()
	r.sim.SetWebhookURL("http://" + a.IngestAddr() + "/webhooks/zoom")
	r.create(t, hostOn)
	js := r.jetStream(t)
	testenv.Until(t, "a worker has the event in its hands", func() bool {
		c, err := js.Consumer(t.Context(), "LATCHKEY_EVENTS", "frames")
		return err == nil && c.CachedInfo().NumAckPending == 1
	})
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	_ = a.Stop(ctx) // that not all ended well is an error, and no matter here
	if took := time.Since(began); took > 7*time.Second {
		t.Errorf("it took %v, with 2s for it", took)
	}
	proxy.Cut() // lets go of what still waits
}
