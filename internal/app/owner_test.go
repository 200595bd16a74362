package app_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

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
