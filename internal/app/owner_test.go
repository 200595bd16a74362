package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestAWorkerWaitsForTheOwnerToMigrate: it owns nothing, says who has to do what, and
// goes on by itself when that was done.
func TestAWorkerWaitsForTheOwnerToMigrate(t *testing.T) {
	t.Parallel()
	owned := emptyMigratedOwned(t)
	newest := testenv.Query(t, owned, `SELECT max(version_id)::text FROM latchkey.goose_db_version`)
	testenv.Exec(t, owned, `DELETE FROM latchkey.goose_db_version WHERE version_id = `+newest)
	r := newRig(t, "DATABASE_URL="+testenv.LoginURL(t, owned, "latchkey_worker"), "NATS_URL="+testenv.NATS(t).URL())
	a := r.start(t, false, true)
	readyz := func() (body string) {
		resp, err := http.Get("http://" + a.AdminAddr() + "/readyz")
		if err != nil {
			return err.Error()
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.Status + string(b)
	}
	testenv.Until(t, "it says what is to be done", func() bool {
		text := readyz()
		return strings.HasPrefix(text, "503") && strings.Contains(text, "run `latchkey migrate` with a DATABASE_URL of its owner, latchkey") && strings.Contains(text, "login_of_latchkey_worker")
	})
	testenv.Exec(t, owned, `INSERT INTO latchkey.goose_db_version (version_id, is_applied) VALUES (`+newest+`, true)`) // as the owner's migration
	if applied, err := store.Migrate(t.Context(), owned); err != nil || len(applied) != 0 {
		t.Fatalf("%v, %v", applied, err)
	}
	ready(t, a)
}

// TestAReaderExplains: who may read tables and views alone can ask why, and is told
// no passcode.
func TestAReaderExplains(t *testing.T) {
	t.Parallel()
	owned := emptyMigratedOwned(t)
	r := newRig(t, "DATABASE_URL="+testenv.LoginURL(t, owned, "latchkey_worker"), "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	s := must(store.Open(testenv.LoginURL(t, owned, "latchkey_reader")))
	defer s.Close()
	if e, err := admin.Explain(t.Context(), s, "", m.ID, time.Now()); err != nil || e.Outcome != passcode.OutcomeDemands {
		t.Errorf("%+v, %v", e, err)
	}
	if _, err := admin.Forecast(t.Context(), s, "", hostLocked); err != nil {
		t.Error(err)
	}
	if _, err := s.Holds(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := admin.Passcode(t.Context(), s, "", m.ID); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("the passcode: %v", err)
	}
	if _, err := s.Hold(t.Context(), store.Hold{Kind: "all", Reason: "x", By: "x"}); err == nil || !strings.Contains(err.Error(), "42501") {
		t.Errorf("a hold: %v", err)
	}
}
