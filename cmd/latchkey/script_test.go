package main

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(testenvMain{m}, map[string]func(){"latchkey": func() { os.Exit(run()) }})
}

// testenvMain stops the test servers when the scripts are done.
type testenvMain struct{ m *testing.M }

func (t testenvMain) Run() int { return testenv.Main(t.m) }

func migrated(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// TestScripts runs the commands as a person would; see testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(4 * time.Minute),
		Cmds:     map[string]func(*testscript.TestScript, bool, []string){"deadletters": func(ts *testscript.TestScript, _ bool, _ []string) { deadLetters(t, ts) }},
		Setup: func(env *testscript.Env) error {
			url := testenv.PostgresURLFrom(t, "migrated", migrated)
			if strings.HasSuffix(env.WorkDir, "script-migrate") {
				url = testenv.PostgresURL(t)
			}
			env.Setenv("TEST_DATABASE_URL", url)
			env.Setenv("TEST_NATS_URL", testenv.NATS(t).URL())
			env.Setenv("LATCHKEY_STATE", env.WorkDir)
			env.Setenv("TMPDIR", os.TempDir()) // where Postgres' user can get
			return nil
		},
	})
}
