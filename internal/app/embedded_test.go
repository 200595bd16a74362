package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"latchkey/internal/testenv"
)

// TestEmbeddedServersOfTheirOwn: nothing but a state folder that does not exist
// yet.
func TestEmbeddedServersOfTheirOwn(t *testing.T) {
	t.Parallel()
	parent, err := os.MkdirTemp("", "latchkey-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(parent) })
	if err := os.Chmod(parent, 0o755); err != nil { // as root, Postgres' user comes through
		t.Fatal(err)
	}
	state := filepath.Join(parent, "made", "by latchkey")
	r := newRig(t, "LATCHKEY_STATE="+state)
	r.app = r.start(t, true, true)
	testenv.Until(t, "ready", func() bool { return r.ready(t) == http.StatusOK })
	for _, name := range []string{"database-url", "nats-url"} {
		info, err := os.Stat(filepath.Join(state, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}

	m := r.create(t, hostOn)
	r.settled(t, m.ID, "joinable")
}
