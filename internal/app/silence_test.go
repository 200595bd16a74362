package app_test

import (
	"testing"

	"latchkey/internal/config"
	"latchkey/internal/testenv"
)

// That Zoom validated the webhook URL gets from ingest to the database, through NATS.
func TestAValidationOfTheURLIsNoted(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	if err := r.app.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := r.sim.ValidateWebhook(t.Context()); err != nil {
		t.Fatal(err)
	}
	url := must(config.Load(r.environ, config.Both)).DatabaseURL
	testenv.Until(t, "it is noted", func() bool {
		return testenv.Query(t, url, `SELECT (count(*) = 1)::text FROM webhook_health WHERE account_id = 'demo-account' AND validated_at > now() - interval '1 minute'`) == "true"
	})
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Error(err)
	}
}
