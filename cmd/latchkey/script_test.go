package main

import (
	"os"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) {
	testscript.Main(testenvMain{m}, map[string]func(){"latchkey": func() { os.Exit(run()) }})
}

// testenvMain stops the test servers when the scripts are done.
type testenvMain struct{ m *testing.M }

func (t testenvMain) Run() int { return testenv.Main(t.m) }

// TestScripts runs the commands as a person would; see testdata/script.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:      "testdata/script",
		Deadline: time.Now().Add(4 * time.Minute),
		Cmds:     map[string]func(*testscript.TestScript, bool, []string){"deadletters": func(ts *testscript.TestScript, _ bool, _ []string) { deadLetters(t, ts) }},
		Setup: func(env *testscript.Env) error {
			env.Setenv("TEST_DATABASE_URL", testenv.PostgresURL(t))
			env.Setenv("TEST_NATS_URL", testenv.NATS(t).URL())
			env.Setenv("LATCHKEY_STATE", env.WorkDir)
			env.Setenv("TMPDIR", os.TempDir()) // where Postgres' user can get
			return nil
		},
	})
}
