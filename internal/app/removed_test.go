package app_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// TestTheAppIsRemoved: an account removes the app at Zoom. What was kept of it is
// deleted, its passcodes and stream messages too, and when and why is kept.
func TestTheAppIsRemoved(t *testing.T) {
	t.Parallel()
	url := emptyMigrated(t)
	r := newRig(t, "DATABASE_URL="+url, "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if n := testenv.Query(t, url, `SELECT count(*)::text FROM passcodes`); n == "0" {
		t.Fatal("no passcode is kept: nothing to delete")
	}
	if err := r.sim.DeauthorizeApp(accountDemo, "", nil); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "all of it is gone", func() bool {
		return testenv.Query(t, url, `SELECT concat_ws(' ', (SELECT count(*) FROM meetings), (SELECT count(*) FROM passcodes), (SELECT count(*) FROM hosts), (SELECT count(*) FROM events))`) == "0 0 0 0"
	})
	if _, err := admin.Explain(t.Context(), r.app.Store(), "", m.ID, time.Now()); err == nil || !strings.Contains(err.Error(), "what was kept of account "+accountDemo+" was deleted at ") {
		t.Errorf("explain says %v", err)
	}
	if why := testenv.Query(t, url, `SELECT account_id || ': ' || why FROM erased_accounts`); why[:len(accountDemo)] != accountDemo {
		t.Errorf("the tombstone says %q", why)
	}
}
