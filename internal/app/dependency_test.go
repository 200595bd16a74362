package app_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// broken is one way in which something latchkey depends on does not do what it
// should.
type broken struct {
	environ string // where the start finds what will break
	begin   func(*testing.T, *rig)
	end     func(*testing.T, *rig)
	accepts bool   // ingest takes events all the same
	says    string // in /readyz or the log, while it lasts
}

// TestDependencies breaks one thing after the other under a running latchkey: what it
// accepts is recorded and repaired once the fault is over, by itself; what it cannot
// keep it refuses with 503 before Zoom's 3 s are up, and Zoom comes again.
func TestDependencies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]func(*testing.T, *rig) broken{
		"NATS away": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
			return broken{environ: "NATS_URL=" + url, begin: func(*testing.T, *rig) { p.Cut() }, end: func(*testing.T, *rig) { p.Restore() }, says: "NATS is not connected"}
		},
		"NATS silent": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
			return broken{environ: "NATS_URL=" + url, begin: func(*testing.T, *rig) { p.Stall() }, end: func(*testing.T, *rig) { p.Resume() }, says: "JetStream does not store"}
		},
		"NATS slow": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, testenv.NATS(t).URL())
			return broken{environ: "NATS_URL=" + url, begin: func(*testing.T, *rig) { p.Slow(150 * time.Millisecond) }, end: func(*testing.T, *rig) { p.Slow(0) }, accepts: true}
		},
		"stream full": func(t *testing.T, r *rig) broken {
			return broken{begin: limitEvents(1), end: limitEvents(-1), says: "JetStream does not store"}
		},
		"stream purged": func(t *testing.T, r *rig) broken {
			return broken{accepts: true, begin: func(t *testing.T, r *rig) {
				if err := stream(t, r, "LATCHKEY_EVENTS").Purge(t.Context()); err != nil {
					t.Fatal(err)
				}
			}}
		},
		"consumer deleted": func(t *testing.T, r *rig) broken {
			return broken{accepts: true, begin: func(t *testing.T, r *rig) {
				if err := stream(t, r, "LATCHKEY_EVENTS").DeleteConsumer(t.Context(), "frames"); err != nil {
					t.Fatal(err)
				}
			}}
		},
		"alerts' stream full": func(t *testing.T, r *rig) broken {
			return broken{accepts: true, begin: limitAlerts(1), end: limitAlerts(-1)}
		},
		"Postgres away": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, emptyMigrated(t))
			return broken{environ: "DATABASE_URL=" + url, begin: func(*testing.T, *rig) { p.Cut() }, end: func(*testing.T, *rig) { p.Restore() }, accepts: true, says: "the database does not answer"}
		},
		"Postgres silent": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, emptyMigrated(t))
			return broken{environ: "DATABASE_URL=" + url, begin: func(*testing.T, *rig) { p.Stall() }, end: func(*testing.T, *rig) { p.Resume() }, accepts: true, says: "the database does not answer"}
		},
		"Postgres slow": func(t *testing.T, r *rig) broken {
			p, url := testenv.ProxyURL(t, emptyMigrated(t))
			return broken{environ: "DATABASE_URL=" + url, begin: func(*testing.T, *rig) { p.Slow(30 * time.Millisecond) }, end: func(*testing.T, *rig) { p.Slow(0) }, accepts: true}
		},
		"Postgres restarts in the middle": func(t *testing.T, r *rig) broken {
			url := emptyMigrated(t)
			cut := func(t *testing.T, _ *rig) {
				testenv.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}
			return broken{environ: "DATABASE_URL=" + url, begin: cut, end: cut, accepts: true}
		},
		"Postgres's disk full": func(t *testing.T, r *rig) broken {
			url := emptyMigrated(t)
			return broken{environ: "DATABASE_URL=" + url, accepts: true, says: "could not extend file",
				begin: func(t *testing.T, _ *rig) {
					testenv.Exec(t, url, `CREATE FUNCTION latchkey.no_room() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''could not extend file'' USING ERRCODE = ''53100''; END'`)
					testenv.Exec(t, url, `CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON latchkey.events FOR EACH STATEMENT EXECUTE FUNCTION latchkey.no_room()`)
				},
				end: func(t *testing.T, _ *rig) { testenv.Exec(t, url, `DROP FUNCTION latchkey.no_room CASCADE`) }}
		},
		"Postgres read-only, a standby": func(t *testing.T, r *rig) broken {
			url := emptyMigrated(t)
			name := testenv.Query(t, url, `SELECT current_database()`)
			set := func(v string) func(*testing.T, *rig) {
				return func(t *testing.T, _ *rig) {
					testenv.Exec(t, url, `ALTER DATABASE "`+name+`" SET default_transaction_read_only = `+v)
					testenv.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
				}
			}
			return broken{environ: "DATABASE_URL=" + url, begin: set("on"), end: func(t *testing.T, r *rig) {
				testenv.Exec(t, url+"&default_transaction_read_only=off", `ALTER DATABASE "`+name+`" RESET default_transaction_read_only`)
				testenv.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}, accepts: true, says: "read-only"}
		},
		"Postgres has no connection left": func(t *testing.T, r *rig) broken {
			url := emptyMigrated(t)
			name := testenv.Query(t, url, `SELECT current_database()`)
			role := "few_" + name
			testenv.Exec(t, url, `CREATE ROLE "`+role+`" LOGIN PASSWORD 'x' IN ROLE "`+testenv.Query(t, url, `SELECT current_user`)+`"`)
			t.Cleanup(func() { testenv.Exec(t, url, `DROP ROLE "`+role+`"`) })
			limit := func(n int) func(*testing.T, *rig) {
				return func(t *testing.T, _ *rig) {
					testenv.Exec(t, url, fmt.Sprintf(`ALTER ROLE "%s" CONNECTION LIMIT %d`, role, n))
					if n == 0 {
						testenv.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
					}
				}
			}
			return broken{environ: "DATABASE_URL=" + as(t, url, role, "x"), begin: limit(0), end: limit(-1), accepts: true, says: "too many connections"}
		},
		"Zoom away": func(t *testing.T, r *rig) broken {
			return zoomBroken(t, r, (*testenv.Proxy).Cut, (*testenv.Proxy).Restore)
		},
		"Zoom silent": func(t *testing.T, r *rig) broken {
			return zoomBroken(t, r, (*testenv.Proxy).Stall, (*testenv.Proxy).Resume)
		},
		"Zoom's clock an hour ahead":  func(t *testing.T, r *rig) broken { return broken{accepts: true} },
		"Zoom's clock an hour behind": func(t *testing.T, r *rig) broken { return broken{accepts: true} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			b := c(t, r)
			if !strings.HasPrefix(b.environ, "DATABASE_URL=") {
				r.environ = append(r.environ, "DATABASE_URL="+emptyMigrated(t))
			}
			if !strings.HasPrefix(b.environ, "NATS_URL=") {
				r.environ = append(r.environ, "NATS_URL="+testenv.NATS(t).URL())
			}
			r.environ = append(r.environ, b.environ)
			skew := map[string]time.Duration{"Zoom's clock an hour ahead": time.Hour, "Zoom's clock an hour behind": -time.Hour}[name]
			r.app = r.start(t, true, true)
			if err := r.app.WaitReady(t.Context()); err != nil {
				t.Fatal(err)
			}
			r.sim.SetWebhookURL("") // the test delivers itself
			deliver := func(m zoomsim.Meeting) int {
				begun := time.Now()
				status := r.post(t, strings.Replace(createdEvent(r, m, fmt.Sprint(m.ID)), `"event_ts":`, fmt.Sprintf(`"event_ts":%d,"_":`, time.Now().Add(skew).UnixMilli()), 1))
				if took := time.Since(begun); took > 3*time.Second {
					t.Errorf("ingest took %s to say %d: Zoom does not wait so long", took, status)
				}
				return status
			}
			before := r.create(t, hostOn)
			if status := deliver(before); status != http.StatusNoContent {
				t.Fatalf("before the fault ingest says %d", status)
			}
			r.settled(t, before.ID, passcode.OutcomeJoinable)

			if b.begin != nil {
				b.begin(t, r)
			}
			during := r.create(t, hostOn)
			want := http.StatusServiceUnavailable
			if b.accepts {
				want = http.StatusNoContent
			}
			if status := deliver(during); status != want {
				t.Errorf("meanwhile ingest says %d, want %d", status, want)
			}
			if b.says != "" {
				testenv.Until(t, "it says "+b.says, func() bool {
					report, _ := r.get(t, "/readyz", "")
					return strings.Contains(report+r.log.String(), b.says)
				})
			}
			if b.end != nil {
				b.end(t, r)
			}
			if !b.accepts {
				testenv.Until(t, "Zoom's retry is accepted", func() bool { return deliver(during) == http.StatusNoContent })
			}
			after := r.create(t, hostOn)
			testenv.Until(t, "an event after the fault is accepted", func() bool { return deliver(after) == http.StatusNoContent })
			for _, m := range []zoomsim.Meeting{before, during, after} {
				r.settled(t, m.ID, passcode.OutcomeJoinable)
				if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
					t.Errorf("a joiner of %d meets %s", m.ID, got)
				}
				held := 0
				for _, repair := range r.repairs(t, m.ID) {
					if repair.Result == store.RepairHeld {
						held++
					}
				}
				if held != 1 {
					t.Errorf("meeting %d was repaired %d times", m.ID, held)
				}
			}
			testenv.Until(t, "every alert is published, and ready", func() bool {
				c, err := r.app.Counters(t.Context())
				return err == nil && c.AlertsUnpublished == 0 && r.ready(t) == http.StatusOK
			})
		})
	}
}

// zoomBroken breaks the way to Zoom's API.
func zoomBroken(t *testing.T, r *rig, begin, end func(*testenv.Proxy)) broken {
	p, url := testenv.ProxyURL(t, r.sim.APIURL())
	return broken{environ: "ZOOM_API_URL=" + url, begin: func(*testing.T, *rig) { begin(p) }, end: func(*testing.T, *rig) { end(p) }, accepts: true}
}

// as is the URL of the database as another user.
func as(t *testing.T, raw, user, password string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

func stream(t *testing.T, r *rig, name string) jetstream.Stream {
	t.Helper()
	s, err := r.jetStream(t).Stream(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func limitEvents(bytes int64) func(*testing.T, *rig) { return limit("LATCHKEY_EVENTS", bytes) }
func limitAlerts(bytes int64) func(*testing.T, *rig) { return limit("LATCHKEY_ALERTS", bytes) }

func limit(name string, bytes int64) func(*testing.T, *rig) {
	return func(t *testing.T, r *rig) {
		t.Helper()
		c := stream(t, r, name).CachedInfo().Config
		c.MaxBytes = bytes
		if _, err := r.jetStream(t).UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAPoisonMeetingDelaysNobody: one of which every look fails, whichever way, costs
// the others nothing.
func TestAPoisonMeetingDelaysNobody(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]zoomsim.Fault{
		"always 500": {Status: 500},
		"garbage":    {Status: 200, Body: `{"id": "x", "settings": [`},
		"silent":     {Delay: 9 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t, "LATCHKEY_PARALLEL=2")
			r.sim.SetWebhookURL("")
			poison := r.create(t, hostOn)
			f.PathPrefix, f.Times = fmt.Sprintf("/v2/meetings/%d", poison.ID), 1000
			r.sim.AddFault(f)
			var others []zoomsim.Meeting
			for i := range 21 {
				m := poison
				if i > 0 {
					m = r.create(t, hostOn)
					others = append(others, m)
				}
				if status := r.post(t, createdEvent(r, m, fmt.Sprint(m.ID))); status != http.StatusNoContent {
					t.Fatalf("status %d", status)
				}
			}
			for _, m := range others {
				r.settled(t, m.ID, passcode.OutcomeJoinable)
			}
			if m, err := r.app.Store().Meeting(t.Context(), poison.ID); err != nil || m.Outcome == passcode.OutcomeJoinable || m.Attempts > 3 {
				t.Errorf("the poison is %s after %d attempts, %v", m.Outcome, m.Attempts, err)
			}
		})
	}
}

// TestAWorkerThatIsStoppedPastItsLease: SIGSTOP while Zoom is being asked, another
// worker takes the meeting over, SIGCONT: what the first one still wants to do is
// refused, and nothing is done twice.
func TestAWorkerThatIsStoppedPastItsLease(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]zoomsim.Fault{
		"before the change": {Method: "GET", PathPrefix: "/v2/users/", Delay: time.Second},
		"during the change": {Method: "PATCH", Delay: time.Second},
		"reading back":      {Method: "GET", PathPrefix: "/v2/meetings/", Delay: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_LEASE=3s")
			fault.Times = 1
			r.sim.AddFault(fault)
			first := r.startProcess(t)
			r.app = r.start(t, true, false)
			testenv.Until(t, "ingest is ready", func() bool { return r.ready(t) == http.StatusOK })
			m := r.create(t, hostOn)
			testenv.Until(t, "the worker is in the middle", func() bool { return r.sim.FaultsHit() > 0 })
			if err := first.Process.Signal(syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			r.app = r.start(t, false, true)
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			patches := r.calls("PATCH", m.ID)
			if err := first.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			if err := first.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			_ = first.Wait() // what it had in hand is finished, or given up, by then
			if again := r.calls("PATCH", m.ID); again != patches {
				t.Errorf("%d changes were asked for while it was stopped, %d afterwards", patches, again)
			}
			held := 0
			for _, repair := range r.repairs(t, m.ID) {
				if repair.Result == store.RepairHeld {
					held++
				}
			}
			if held != 1 {
				t.Errorf("%d repairs held: %+v", held, r.repairs(t, m.ID))
			}
			if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
				t.Errorf("a joiner meets %s", got)
			}
		})
	}
}
