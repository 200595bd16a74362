package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// What Zoom could not deliver while nobody listened is taken in from its log, once, and
// what came by another way changes nothing.
func TestMissedWebhooksAreTakenIn(t *testing.T) {
	t.Parallel()
	r := newScenarioRig(t, zoomsim.Options{RetryDelays: []time.Duration{time.Hour}}, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "ZOOM_APP_ID=app")
	r.sim.SetWebhookURL("http://127.0.0.1:1/nobody")
	var missed []int64
	for range 3 {
		missed = append(missed, r.create(t, hostOn).ID)
	}
	if err := r.sim.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.app = r.start(t, true, true)
	for _, id := range missed {
		r.settled(t, id, passcode.OutcomeJoinable)
	}
	testenv.Until(t, "it is said how many", func() bool {
		return strings.Contains(r.log.String(), `were taken in from its log" account_id=demo-account events=3`)
	})
	text, _ := r.get(t, "/metrics", "")
	if !strings.Contains(text, "latchkey_webhooks_recovered_total 3\n") {
		t.Error("the metric does not say it")
	}
	r.sim.RetryNow() // Zoom tries again itself
	if err := r.sim.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	again := r.start(t, false, true) // looks again, at what is known by now
	if err := again.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it has looked", func() bool {
		n := 0
		for _, q := range r.sim.Requests() {
			if strings.HasSuffix(q.Path, "/webhook_logs") && q.Status == http.StatusOK {
				n++
			}
		}
		return n >= 2
	})
	cfg := must(config.Load(r.environ, config.Both))
	if n := testenv.Query(t, cfg.DatabaseURL, `SELECT count(*)::text FROM events WHERE event = 'meeting.created'`); n != "3" {
		t.Errorf("%s events that meetings were created, want 3", n)
	}
	for _, id := range missed {
		if n := r.calls("PATCH", id); n != 1 {
			t.Errorf("meeting %d: %d PATCH", id, n)
		}
	}
}

// Without the right to read the log that is said once, and everything else works.
func TestMissedWebhooksWithoutTheScope(t *testing.T) {
	t.Parallel()
	s := zoomsim.DefaultScenario()
	s.Accounts[0].Scopes = []string{"meeting:read:meeting:admin", "meeting:update:meeting:admin", "meeting:read:list_meetings:admin", "user:read:user:admin", "user:read:settings:admin",
		"group:read:lock_settings:admin", "group:read:settings:admin", "group:read:group:admin", "account:read:lock_settings:admin", "account:read:settings:admin", "user:read:list_users:admin"}
	r := newScenarioRig(t, zoomsim.Options{Scenario: s}, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "ZOOM_APP_ID=app")
	r.app = r.start(t, true, true)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
	testenv.Until(t, "it is said", func() bool { return strings.Contains(r.log.String(), "log of deliveries cannot be read") })
}
