package embedded

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// childEnvKey makes the test binary a process that starts PostgreSQL in the
// folders named there and waits to be killed.
const childEnvKey = "LATCHKEY_TEST_CHILD"

func TestMain(m *testing.M) {
	if dirs := os.Getenv(childEnvKey); dirs != "" {
		os.Exit(beChild(strings.Split(dirs, ":")))
	}
	goleak.VerifyTestMain(m)
}

func beChild(dirs []string) int {
	for _, dir := range dirs {
		p, err := StartPostgres(context.Background(), PostgresOptions{Dir: dir, Ephemeral: os.Getenv("EPHEMERAL") != "", Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			fmt.Println("error", err)
			return 1
		}
		fmt.Println(postmasterPID(dir), p.URL())
	}
	never := make(chan os.Signal, 1)
	signal.Notify(never, syscall.SIGUSR1)
	<-never
	return 0
}

// killedParent starts PostgreSQL in dirs from another process, kills that with
// SIGKILL, and returns the servers' process ids.
func killedParent(t *testing.T, ephemeral bool, beforeKill func(urls []string), dirs ...string) []int {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childEnvKey+"="+strings.Join(dirs, ":"))
	if ephemeral {
		cmd.Env = append(cmd.Env, "EPHEMERAL=1")
	}
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() }) // when the test fails below
	var pids []int
	var urls []string
	lines := bufio.NewScanner(out)
	for range dirs {
		if !lines.Scan() {
			t.Fatal("the child ended")
		}
		pid, url, _ := strings.Cut(lines.Text(), " ")
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatalf("child: %s", lines.Text())
		}
		pids, urls = append(pids, n), append(urls, url)
	}
	beforeKill(urls)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // "signal: killed"
	return pids
}

// until polls: for the state of processes that are not our children.
func until(t *testing.T, why string, cond func() bool) {
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

// reachableDir is t.TempDir for a user that is not root too.
func reachableDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(ScratchDir(), "latchkey-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func startPG(t *testing.T, o PostgresOptions) *Postgres {
	t.Helper()
	o.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	p, err := StartPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopPG(t, p) })
	return p
}

func stopPG(t *testing.T, p *Postgres) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := p.Stop(ctx); err != nil {
		t.Error(err)
	}
}

func postmasterPID(dir string) int {
	b, err := os.ReadFile(filepath.Join(dir, pgDataName, "postmaster.pid"))
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, _ := strconv.Atoi(first)
	return pid
}

// alive reports whether there is a process with this id.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// wantError checks that an error says what an operator needs.
func wantError(t *testing.T, err error, is error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	if is != nil && !errors.Is(err, is) {
		t.Errorf("error %q is not %q", err, is)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error does not say %q:\n%v", part, err)
		}
	}
}
