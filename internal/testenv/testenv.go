// Package testenv starts the real servers for tests: PostgreSQL and NATS, private
// to the test binary, and gone with it. A server
// that cannot start fails the test; it never skips.
//
//	func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }
//
//	func TestX(t *testing.T) {
//		t.Parallel()
//		url := testenv.PostgresURL(t) // an empty database of its own
//		srv := testenv.NATS(t)
//		…
//	}
package testenv

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

const (
	startTimeout = 2 * time.Minute // several test binaries share two cores
	stopTimeout  = time.Minute
)

// Option changes what Main does.
type Option func(*options)

type options struct {
	leaks     bool
	leakOptns []goleak.Option
}

// CheckLeaks makes Main fail when goroutines are left after a passing run.
func CheckLeaks(opts ...goleak.Option) Option {
	return func(o *options) { o.leaks, o.leakOptns = true, opts }
}

// Main is for TestMain: it runs the tests, stops the shared PostgreSQL if a
// test used it, and returns the exit code. (Without Main the server goes too,
// when the process ends, but nobody waits for that.)
func Main(m *testing.M, opts ...Option) int {
	var o options
	for _, opt := range opts {
		opt(&o)
	}
	code := m.Run()
	if err := shared.stop(); err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
		code = max(code, 1)
	}
	if o.leaks && code == 0 {
		if err := goleak.Find(o.leakOptns...); err != nil {
			fmt.Fprintln(os.Stderr, "testenv:", err)
			code = 1
		}
	}
	return code
}

// Until waits until cond holds, looking every 5 ms, and fails the test after
// 30 s with why. It is for the state of other processes; where there is a
// signal to wait for, wait for that.
func Until(t testing.TB, why string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited 30 s without success: %s", why)
		}
	}
}

// quiet drops the servers' lines below warning level.
func quiet(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// testLog logs to the test's own output.
func testLog(t testing.TB) *slog.Logger { return quiet(t.Output()) }

// afterTest is a context for cleanups: t.Context() has ended by then.
func afterTest() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), stopTimeout)
}
