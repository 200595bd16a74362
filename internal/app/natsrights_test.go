package app_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/app"
	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// natsUsers are the users of deploy/nats.conf.
var natsUsers = []string{"ingest", "worker", "alerts", "operator"}

// natsWithUsers is a real server on deploy/nats.conf as it is; only its port, its
// folder and the syncing of its disk are the test's.
func natsWithUsers(t *testing.T) (url func(user string) string) {
	t.Helper()
	dir := t.TempDir()
	conf, err := os.ReadFile(filepath.Join("..", "..", "deploy", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	passwords := ""
	for _, u := range natsUsers {
		passwords += strings.ToUpper(u) + "_PASSWORD: \"" + passwordOf(u) + "\"\n"
	}
	for name, text := range map[string]string{"etc/nats/nats.conf": string(conf), "run/secrets/nats_passwords": passwords} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o, err := server.ProcessConfigFile(filepath.Join(dir, "etc", "nats", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	o.Host, o.Port, o.HTTPPort, o.StoreDir, o.SyncAlways, o.NoSigs = "127.0.0.1", server.RANDOM_PORT, 0, t.TempDir(), false, true
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(30 * time.Second) {
		t.Fatal("the NATS server is not ready")
	}
	return func(user string) string { return "nats://" + user + ":" + passwordOf(user) + "@" + s.Addr().String() }
}

func passwordOf(user string) string { return "0e12-" + user } // a number, if it were not quoted

// as is the environment of a process that is that user of the NATS server.
func (r *rig) as(url func(string) string, user string, more ...string) []string {
	return append(append([]string{"NATS_URL=" + url(user), "LATCHKEY_NATS_INBOX=_INBOX_" + user}, more...), r.environ...)
}

// TestNATSRightsAreEnough: each user of deploy/nats.conf does all of its work, and
// the server refuses nothing of it.
func TestNATSRightsAreEnough(t *testing.T) {
	t.Parallel()
	natsURL := natsWithUsers(t)
	db := emptyMigrated(t)
	common := newRig(t, "DATABASE_URL="+db)
	account := common.sim.Credentials("").AccountID

	ingest, worker := *common, *common
	worker.environ = common.as(natsURL, "worker")
	ingest.environ = common.as(natsURL, "ingest", "LATCHKEY_STREAMS=existing")
	common.app = worker.start(t, false, true)
	ingest.app = ingest.start(t, true, false)
	ready(t, ingest.app)

	// A meeting, from the event to the alert.
	m := common.create(t, hostOn)
	common.settled(t, m.ID, passcode.OutcomeJoinable)

	// Dead letters of both, which the worker sees too.
	if got := ingest.post(t, `{"event":"meeting.created","payload":[]}`); got != 204 {
		t.Errorf("status %d", got)
	}
	ingest.post(t, fmt.Sprintf(`{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":"no number"}}}`, time.Now().UnixMilli(), account))
	testenv.Until(t, "both dead letters were seen", func() bool {
		return testenv.Query(t, db, `SELECT count(DISTINCT stage)::text FROM dead_causes`) == "2"
	})

	// The operator's commands.
	operator := must(config.Load(common.as(natsURL, "operator"), config.Both))
	log := app.NewLogger(operator, common.log)
	if _, err := app.SetUpStreams(t.Context(), operator, log); err != nil {
		t.Error(err)
	}
	b, err := app.BusFor(operator, log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	stages := map[string]bus.DeadLetter{}
	for d, err := range b.DeadLetters(t.Context(), bus.DeadFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		stages[d.Stage] = d
	}
	if err := b.Redrive(t.Context(), stages["intake"]); err != nil {
		t.Error(err)
	}
	if err := b.DropDead(t.Context(), stages["ingest"].ID); err != nil {
		t.Error(err)
	}
	if r, err := app.Replay(t.Context(), operator, log, app.ReplayOptions{Since: time.Now().Add(-time.Hour), DryRun: true}); err != nil || r.InStream["meeting.created"] == 0 {
		t.Errorf("replayed %+v, %v", r, err)
	}

	// A service that listens to alerts.
	js := stranger(t, natsURL("operator"), "operator")
	if _, err := js.CreateConsumer(t.Context(), "LATCHKEY_ALERTS", jetstream.ConsumerConfig{Durable: "alerts", AckPolicy: jetstream.AckExplicitPolicy}); err != nil {
		t.Fatal(err)
	}
	c, err := stranger(t, natsURL("alerts"), "alerts").Consumer(t.Context(), "LATCHKEY_ALERTS", "alerts")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := msg.DoubleAck(t.Context()); err != nil {
		t.Error(err)
	}

	// What a worker does seldom.
	w, err := app.BusFor(must(config.Load(worker.environ, config.Both)), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	if err := w.Erase(t.Context(), "an account that removed the app"); err != nil {
		t.Error(err)
	}
	if err := w.Probe(t.Context()); err != nil {
		t.Error(err)
	}
	if _, last, err := w.Acknowledged(t.Context()); err != nil {
		t.Error(err)
	} else if _, err := w.EventsBefore(t.Context(), last, 5); err != nil {
		t.Error(err)
	}
	if err := w.Replay(t.Context(), time.Now().Add(-time.Hour), "", func(context.Context, bus.Frame) error { return nil }); err != nil {
		t.Error(err)
	}
	testenv.Until(t, "JetStream's advisories are watched", func() bool {
		_, err := js.Consumer(t.Context(), "LATCHKEY_DEAD_ADVISORIES", "latchkey-advisories")
		return err == nil
	})
	if log := common.log.String(); strings.Contains(strings.ToLower(log), "permissions violation") {
		t.Error("the server refused something that is done, as the log says")
	}
}

// ready waits until the process can do its work.
func ready(t *testing.T, a *app.App) {
	t.Helper()
	testenv.Until(t, "it is ready", func() bool {
		resp, err := http.Get("http://" + a.AdminAddr() + "/readyz")
		if err != nil {
			return false
		}
		resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	})
}

// stranger is JetStream as a service of that user's has it.
func stranger(t *testing.T, natsURL, user string) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(natsURL, nats.CustomInboxPrefix("_INBOX_"+user))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// TestNATSRightsAreNoMore tries what each user must not do.
func TestNATSRightsAreNoMore(t *testing.T) {
	t.Parallel()
	natsURL := natsWithUsers(t)
	// Streams to do it to.
	if _, err := app.SetUpStreams(t.Context(), must(config.Load([]string{"NATS_URL=" + natsURL("worker"), "LATCHKEY_NATS_INBOX=_INBOX_worker", "DATABASE_URL=postgres://unused/unused"}, config.Admin)), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for user, mustNot := range map[string]struct{ publish, subscribe []string }{
		"ingest": {
			[]string{"latchkey.alert.acc.meeting.repaired", "latchkey.dead.intake.acc", "zoom.event.acc.meeting.created", "$JS.API.STREAM.INFO.LATCHKEY_EVENTS", "$JS.API.STREAM.MSG.GET.LATCHKEY_EVENTS",
				"$JS.API.STREAM.CREATE.LATCHKEY_EVENTS", "$JS.API.STREAM.PURGE.LATCHKEY_EVENTS", "$JS.API.CONSUMER.CREATE.LATCHKEY_EVENTS.x", "$JS.API.CONSUMER.MSG.NEXT.LATCHKEY_EVENTS.frames", "$JS.ACK.LATCHKEY_EVENTS.frames.1.1.1.1.1", "$JS.API.CONSUMER.MSG.NEXT.LATCHKEY_ALERTS.alerts"},
			[]string{"zoom.events.>", "latchkey.>", "_INBOX.>", "_INBOX_worker.>", "$JS.EVENT.>", ">"},
		},
		"worker": {
			[]string{"zoom.events.acc", "latchkey.dead.ingest.acc", "$JS.API.STREAM.DELETE.LATCHKEY_EVENTS", "$JS.API.STREAM.CREATE.MINE", "$JS.API.STREAM.UPDATE.LATCHKEY_DEAD_ADVISORIES", "$JS.API.STREAM.PURGE.ORDERS", "$JS.API.STREAM.MSG.DELETE.LATCHKEY_EVENTS", "$JS.API.CONSUMER.CREATE.LATCHKEY_ALERTS.x", "$JS.API.CONSUMER.CREATE.ORDERS.x", "orders.new"},
			[]string{"zoom.events.>", "latchkey.>", "_INBOX.>", "_INBOX_operator.>", "_INBOX_alerts.>", ">"},
		},
		"alerts": {
			[]string{"zoom.events.acc", "latchkey.alert.acc.meeting.repaired", "latchkey.dead.ingest.acc", "$JS.API.STREAM.INFO.LATCHKEY_EVENTS", "$JS.API.STREAM.MSG.GET.LATCHKEY_EVENTS", "$JS.API.STREAM.MSG.GET.LATCHKEY_DEAD", "$JS.API.DIRECT.GET.LATCHKEY_EVENTS",
				"$JS.API.CONSUMER.CREATE.LATCHKEY_ALERTS.x", "$JS.API.CONSUMER.CREATE.LATCHKEY_EVENTS.x", "$JS.API.CONSUMER.DURABLE.CREATE.LATCHKEY_EVENTS.x", "$JS.API.CONSUMER.MSG.NEXT.LATCHKEY_EVENTS.frames", "$JS.API.CONSUMER.MSG.NEXT.LATCHKEY_DEAD.dead-watch",
				"$JS.ACK.LATCHKEY_EVENTS.frames.1.1.1.1.1", "$JS.API.STREAM.CREATE.COPY", "$JS.API.STREAM.PURGE.LATCHKEY_ALERTS", "$JS.API.STREAM.LIST"},
			// _INBOX_worker: events are delivered there, and NATS tells no user's inbox from another's.
			[]string{"zoom.events.>", "latchkey.alert.>", "latchkey.dead.>", "_INBOX.>", "_INBOX_worker.>", "_INBOX_ingest.>", "$JS.EVENT.>", ">"},
		},
		"operator": {
			[]string{"latchkey.alert.acc.meeting.repaired", "latchkey.dead.ingest.acc", "_INBOX_worker.x"},
			[]string{"zoom.events.>", "latchkey.>", "_INBOX.>", "_INBOX_worker.>", ">"},
		},
	} {
		t.Run(user, func(t *testing.T) {
			t.Parallel()
			nc, err := nats.Connect(natsURL(user), nats.CustomInboxPrefix("_INBOX_"+user), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			refused := func(how, subject string) {
				t.Helper()
				if err := nc.Flush(); err != nil {
					t.Fatal(err)
				}
				if err := nc.LastError(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("Permissions Violation for %s to %q", how, subject)) {
					t.Errorf("%s to %s: %v", how, subject, err)
				}
			}
			for _, subject := range mustNot.publish {
				if err := nc.Publish(subject, []byte("{}")); err != nil {
					t.Fatal(err)
				}
				refused("Publish", subject)
			}
			for _, subject := range mustNot.subscribe {
				if _, err := nc.SubscribeSync(subject); err != nil {
					t.Fatal(err)
				}
				refused("Subscription", subject)
			}
		})
	}
	for what, user := range map[string]*url.Userinfo{"nobody": nil, "another's password": url.UserPassword("worker", passwordOf("ingest")), "an unknown user": url.UserPassword("root", "x")} {
		u, err := url.Parse(natsURL("worker"))
		if err != nil {
			t.Fatal(err)
		}
		u.User = user
		if nc, err := nats.Connect(u.String()); err == nil {
			nc.Close()
			t.Errorf("%s came in", what)
		}
	}
}

// TestNATSRightsAreDocumented: docs/nats.md shows what the server of
// docker-compose.yml runs with.
func TestNATSRightsAreDocumented(t *testing.T) {
	t.Parallel()
	read := func(path ...string) string {
		b, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	conf, docs := read("deploy", "nats.conf"), read("docs", "nats.md")
	if at := strings.Index(conf, "authorization {"); at < 0 || !strings.Contains(docs, "```\n"+conf[at:]+"```\n") {
		t.Error("docs/nats.md does not show the block authorization of deploy/nats.conf")
	}
}
