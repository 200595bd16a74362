//go:build linux

package powerloss_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/embedded"
	"latchkey/internal/powerloss"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

const (
	// role makes this test binary the program that loses its power.
	role     = "TEST_POWERLOSS"
	serve    = "serve"    // ingest and NATS as `latchkey serve` runs them
	unsynced = "unsynced" // the same, but NATS syncs every two minutes, its own default

	secret  = "power"
	account = "acc"
)

func TestMain(m *testing.M) {
	if as := os.Getenv(role); as != "" {
		if err := map[string]func() error{serve: program, unsynced: program, node: natsServer, files: writeFiles}[as](); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(testenv.Main(m))
}

// program runs ingest with a NATS server in the process until it is killed.
func program() error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	environ := os.Environ()
	if os.Getenv(role) == unsynced {
		n, err := embedded.StartNATS(ctx, embedded.NATSOptions{Dir: natsFolder(os.Getenv("LATCHKEY_STATE"))})
		if err != nil {
			return err
		}
		environ = append(environ, "NATS_URL="+n.URL())
	}
	c, err := config.Load(environ, config.Both)
	if err != nil {
		return err
	}
	return app.Run(ctx, app.Options{Config: c, Ingest: true, Logger: app.NewLogger(c, os.Stderr)}, func(*app.App) {})
}

func natsFolder(state string) string { return filepath.Join(state, "nats") }

// victim is the program and what it accepted.
type victim struct {
	t     *testing.T
	rec   *powerloss.Recorder
	url   string
	state string
}

func start(t *testing.T, as string, names powerloss.Names) *victim {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	listen, admin := address(t), address(t)
	dir := t.TempDir()
	v := &victim{t: t, url: "http://" + listen + "/webhooks/zoom", state: filepath.Join(dir, "state")}
	if err := os.MkdirAll(v.state, 0o700); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(exe)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = []string{role + "=" + as, "HOME=" + dir, "LATCHKEY_STATE=" + v.state, "LATCHKEY_LISTEN=" + listen, "LATCHKEY_ADMIN_LISTEN=" + admin,
		"ZOOM_WEBHOOK_SECRET_TOKEN=" + secret, "ZOOM_ACCOUNT_ID=" + account, "ZOOM_CLIENT_ID=id", "ZOOM_CLIENT_SECRET=not-used"}
	if v.rec, err = powerloss.Start(cmd, v.state, names); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.rec.Stop(); err != nil {
			t.Error(err)
		}
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the program's log:\n%s", text)
		}
	})
	testenv.Until(t, "ingest is ready", func() bool {
		resp, err := http.Get("http://" + admin + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
	return v
}

func address(t *testing.T) string {
	t.Helper()
	port, err := embedded.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return "127.0.0.1:" + strconv.Itoa(port)
}

// accept delivers an event and returns once it is accepted.
func (v *victim) accept(n int) {
	body := fmt.Appendf(nil, `{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d}}}`, time.Now().UnixMilli(), account, 81000000000+n)
	ts := strconv.FormatInt(time.Now().Unix(), 10)
	req, err := http.NewRequest(http.MethodPost, v.url, bytes.NewReader(body))
	if err != nil {
		v.t.Error(err)
		return
	}
	req.Header.Set("x-zm-request-timestamp", ts)
	req.Header.Set("x-zm-signature", zoomsim.Sign(secret, ts, body))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Error(err)
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		v.t.Errorf("event %d: status %d, want 204", n, resp.StatusCode)
	}
}

// afterPowerLoss starts NATS on what a power cut now would leave and returns the
// numbers of the meetings whose events are there.
func (v *victim) afterPowerLoss(name string) map[int]bool {
	v.t.Helper()
	image := filepath.Join(v.t.TempDir(), name)
	if err := v.rec.Snapshot(image); err != nil {
		v.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(v.t.Context(), 30*time.Second)
	defer cancel()
	n, err := embedded.StartNATS(ctx, embedded.NATSOptions{Dir: natsFolder(image), SyncAlways: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		v.t.Fatalf("%s: NATS does not start on what is left: %v", name, err)
	}
	defer func() { _ = n.Stop(context.WithoutCancel(ctx)) }()
	nc, err := nats.Connect(n.URL())
	if err != nil {
		v.t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		v.t.Fatal(err)
	}
	there := map[int]bool{}
	s, err := js.Stream(ctx, "LATCHKEY_EVENTS")
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return there
	}
	if err != nil {
		v.t.Fatal(err)
	}
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq != 0 && seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			v.t.Fatal(err)
		}
		for rest := string(m.Data); ; {
			_, after, ok := strings.Cut(rest, `"object":{"id":`)
			if !ok {
				break
			}
			number, _, _ := strings.Cut(after, "}")
			id, err := strconv.Atoi(number)
			if err != nil {
				v.t.Fatalf("%s: message %d is damaged: %v", name, seq, err)
			}
			there[id-81000000000], rest = true, after
		}
	}
	return there
}

// TestAcceptedEventsSurviveAPowerCut cuts the power right after a 204, again and
// again: whatever was accepted until then is there.
func TestAcceptedEventsSurviveAPowerCut(t *testing.T) {
	t.Parallel()
	v := start(t, serve, powerloss.NamesWithFile)
	accepted := 0
	check := func() {
		t.Helper()
		there := v.afterPowerLoss(fmt.Sprintf("after %d events", accepted))
		for n := range accepted {
			if !there[n] {
				t.Errorf("power cut after %d accepted events: event %d is lost", accepted, n)
			}
		}
	}
	for range 3 { // one at a time
		v.accept(accepted)
		accepted++
		check()
	}
	for range 3 { // many at once, which share frames and syncs
		var all sync.WaitGroup
		for i := range 40 {
			all.Go(func() { v.accept(accepted + i) })
		}
		all.Wait()
		accepted += 40
		check()
	}
	t.Logf("%d events accepted, %d syncs, none lost", accepted, v.rec.Syncs())
}

// TestNamesAreNotSyncedByNATS measures what docs/reliability.md says of file systems
// that promise no more than POSIX does: nats-server syncs its files, and not the
// folders that hold their names. It is no test of latchkey's.
func TestNamesAreNotSyncedByNATS(t *testing.T) {
	t.Parallel()
	v := start(t, serve, powerloss.NamesWithFolder)
	const accepted = 10
	for n := range accepted {
		v.accept(n)
	}
	t.Logf("%d events accepted, %d there after a power cut that takes every name whose folder was not synced", accepted, len(v.afterPowerLoss("folders")))
}

// TestUnsyncedEventsAreLostInAPowerCut shows that the test above can fail: the same
// program, with NATS's own default of a sync every two minutes, loses what it accepted.
func TestUnsyncedEventsAreLostInAPowerCut(t *testing.T) {
	t.Parallel()
	v := start(t, unsynced, powerloss.NamesWithFile)
	const accepted = 40
	for n := range accepted {
		v.accept(n)
	}
	there := v.afterPowerLoss("unsynced")
	t.Logf("%d events accepted, %d of them lost, %d syncs", accepted, accepted-len(there), v.rec.Syncs())
	if len(there) > 0 {
		t.Errorf("%d events survived without a sync: the recording believes in writes that nobody synced", len(there))
	}
}
