package app_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

func TestPostgresAwayAtStartAndInTheMiddle(t *testing.T) {
	t.Parallel()
	proxy, url := testenv.ProxyURL(t, emptyMigrated(t))
	r := newRig(t, "DATABASE_URL="+url, "NATS_URL="+testenv.NATS(t).URL())
	proxy.Cut()
	r.app = r.start(t, true, true)
	testenv.Until(t, "the trouble is logged", func() bool { return strings.Contains(r.log.String(), "the database cannot be migrated; trying again") })
	// Ingest needs NATS alone.
	first := r.create(t, hostOn)
	if err := r.sim.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the event is accepted while Postgres is away", func() bool { return r.app.Accepted() == 1 })
	if status := r.ready(t); status != http.StatusServiceUnavailable {
		t.Errorf("readyz says %d", status)
	}
	proxy.Restore()
	r.settled(t, first.ID, passcode.OutcomeJoinable)

	proxy.Cut()
	second := r.create(t, hostOn)
	testenv.Until(t, "the second event is accepted", func() bool { return r.app.Accepted() >= 2 })
	testenv.Until(t, "the trouble is logged", func() bool { return strings.Contains(r.log.String(), "events not recorded yet; retrying") })
	proxy.Restore()
	r.settled(t, second.ID, passcode.OutcomeJoinable)
	if got := r.sim.Join(second.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
		t.Errorf("a joiner meets %s", got)
	}
}

func (r *rig) ready(t *testing.T) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+r.app.AdminAddr()+"/readyz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}

func TestNATSAwayAtStartAndInTheMiddle(t *testing.T) {
	t.Parallel()
	server := testenv.NewRestartableNATS(t)
	server.Stop()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+server.URL())
	r.app = r.start(t, true, true)
	r.sim.SetWebhookURL("")
	m := r.create(t, hostOn)
	body := createdEvent(r, m, fmt.Sprint(m.ID))
	if status := r.post(t, body); status != http.StatusServiceUnavailable {
		t.Errorf("NATS is away and ingest says %d", status)
	}
	server.Start()
	testenv.Until(t, "ready", func() bool { return r.ready(t) == http.StatusOK })
	if status := r.post(t, body); status != http.StatusNoContent { // Zoom's retry
		t.Fatalf("status %d", status)
	}
	r.settled(t, m.ID, passcode.OutcomeJoinable)

	server.Stop()
	second := r.create(t, hostOn)
	body = createdEvent(r, second, fmt.Sprint(second.ID))
	testenv.Until(t, "503 while it is away", func() bool { return r.post(t, body) == http.StatusServiceUnavailable })
	server.Start()
	testenv.Until(t, "a retry is accepted", func() bool { return r.post(t, body) == http.StatusNoContent })
	r.settled(t, second.ID, passcode.OutcomeJoinable)
	testenv.Until(t, "the alerts of both are published", func() bool {
		c, err := r.app.Counters(t.Context())
		return err == nil && c.Alerts == 3 && c.AlertsUnpublished == 0 // and the host's meeting that was found
	})
}

func TestWorkersSideBySideNeverActOnOneMeetingAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_HOST_RESERVE=0")
	r.app = r.start(t, true, true)
	r.start(t, false, true)
	r.start(t, false, true)
	var all []zoomsim.Meeting
	for range 40 {
		all = append(all, r.create(t, hostOn))
	}
	for _, m := range all {
		r.settled(t, m.ID, passcode.OutcomeJoinable)
		if n := r.calls("PATCH", m.ID); n != 1 {
			t.Errorf("meeting %d: %d PATCH, want 1", m.ID, n)
		}
		if repairs := r.repairs(t, m.ID); len(repairs) != 1 || repairs[0].Result != store.RepairHeld {
			t.Errorf("meeting %d: %+v", m.ID, repairs)
		}
	}
}

// TestWorkerKilledInTheMiddle kills a worker process with SIGKILL at several
// moments of a repair; another worker must finish what it began, once.
func TestWorkerKilledInTheMiddle(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]zoomsim.Fault{
		"while Zoom is being asked":   {Method: "PATCH", Delay: 10 * time.Second},
		"while reading back":          {Method: "GET", PathPrefix: "/v2/meetings/", Delay: 10 * time.Second},
		"while the settings are read": {Method: "GET", PathPrefix: "/v2/users/", Delay: 10 * time.Second},
		"while the locks are read":    {Method: "GET", PathPrefix: "/v2/accounts/", Delay: 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Not shorter: a machine under load may not manage a heartbeat a second, and
			// a meeting whose lease is lost again and again is put off as poison.
			r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_LEASE=5s")
			fault.Times = 1
			r.sim.AddFault(fault)
			first := r.startProcess(t)
			r.app = r.start(t, true, false)
			testenv.Until(t, "ingest is ready", func() bool { return r.ready(t) == http.StatusOK })
			m := r.create(t, hostOn)
			testenv.Until(t, "the worker is in the middle", func() bool { return r.sim.FaultsHit() > 0 })
			_ = first.Process.Kill()
			_ = first.Wait()
			r.app = r.start(t, false, true)
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
				t.Errorf("a joiner meets %s", got)
			}
			held := 0
			for _, repair := range r.repairs(t, m.ID) {
				switch repair.Result {
				case store.RepairHeld:
					held++
				case store.RepairAbandoned:
				default:
					t.Errorf("repair %+v", repair)
				}
			}
			if held != 1 {
				t.Errorf("%d repairs held, want 1", held)
			}
		})
	}
}

// startProcess runs a worker as a process of its own and returns when its
// worker has started.
func (r *rig) startProcess(t *testing.T) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), exe)
	cmd.Env = append(append(os.Environ(), r.environ...), childRole+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(stderr)
		for lines.Scan() {
			fmt.Fprintf(r.log, "child: %s\n", lines.Text())
			if strings.Contains(lines.Text(), "the database is ready") {
				close(ready)
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(30 * time.Second):
		t.Fatal("the worker process did not start")
	}
	return cmd
}
