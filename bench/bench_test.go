// Package bench measures the paths whose speed matters, on the real servers.
// docs/performance.md holds the figures; compare ratios within one run, not
// figures between machines. `make bench` runs these and the benchmarks of
// internal/passcode and internal/webhook.
package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/webhook"
	"latchkey/internal/zoomsim"
)

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	os.Exit(testenv.Main(m))
}

const secret = "benchmark-secret"

var quiet = slog.New(slog.DiscardHandler)

var serial atomic.Int64

// request is a new, validly signed meeting.created.
func request(url string) *http.Request {
	n := serial.Add(1)
	body := fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"payload":{"account_id":"bench","operation":"all","object":{"uuid":"u","id":%d,"host_id":"h","topic":"Consultation","type":2,"start_time":"2030-01-01T00:00:00Z","duration":30,"timezone":"UTC","join_url":"https://example.com/j/1","settings":{"use_pmi":false,"alternative_hosts":""}}}}`, n, 80000000000+n)
	r, _ := http.NewRequest(http.MethodPost, url+webhook.Path, strings.NewReader(body))
	r.Header.Set("x-zm-request-timestamp", "1700000000")
	r.Header.Set("x-zm-signature", zoomsim.Sign(secret, "1700000000", []byte(body)))
	return r
}

// BenchmarkIngest goes from an HTTP request to the 204, with 128 callers at once,
// each on a kept connection, or with one alone: without a bus behind it; with a
// message and so a sync to disk for each request; with frames, as ingest does.
func BenchmarkIngest(b *testing.B) {
	for _, c := range []struct {
		name    string
		callers int
	}{{"callers=128", 128}, {"callers=1", 1}} {
		b.Run(c.name+"/http+hmac", func(b *testing.B) { drive(b, handler(b, nowhere{}), c.callers) })
		b.Run(c.name+"/a-message-each,synced", func(b *testing.B) {
			drive(b, handler(b, eachPublished(b, testenv.NATSSynced(b).URL())), c.callers)
		})
		b.Run(c.name+"/frames,synced", func(b *testing.B) {
			drive(b, "http://"+ingest(b, testenv.NATSSynced(b).URL()).IngestAddr(), c.callers)
		})
		b.Run(c.name+"/frames,unsynced", func(b *testing.B) {
			drive(b, "http://"+ingest(b, testenv.NATS(b).URL()).IngestAddr(), c.callers)
		})
	}
}

// handler serves ingest's handler with that bus.
func handler(b *testing.B, bus webhook.Bus) (url string) {
	b.Helper()
	h, err := webhook.New(webhook.Options{Secrets: []webhook.Secret{{Value: secret}}, Bus: bus, Wanted: func(string) bool { return true },
		Decode: func([]byte) (webhook.Envelope, error) {
			return webhook.Envelope{Event: "meeting.created", AccountID: "bench", HasTime: true}, nil
		},
		Metrics: webhook.NewMetrics(prometheus.NewRegistry()), Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	r := gin.New()
	h.Register(r)
	s := httptest.NewServer(r)
	b.Cleanup(s.Close)
	return s.URL
}

// each publishes a message for each delivery.
type each struct{ js jetstream.JetStream }

func eachPublished(b *testing.B, url string) each {
	b.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err == nil {
		_, err = js.CreateStream(b.Context(), jetstream.StreamConfig{Name: "EACH", Subjects: []string{"each.>"}, Storage: jetstream.FileStorage})
	}
	if err != nil {
		b.Fatal(err)
	}
	return each{js}
}

func (e each) PublishEvent(ctx context.Context, d webhook.Delivery) error {
	_, err := e.js.Publish(ctx, "each."+d.AccountID, d.Body, jetstream.WithMsgID(d.ID))
	return err
}

func (e each) PublishDead(context.Context, string, webhook.Delivery) error { return nil }

type nowhere struct{}

func (nowhere) PublishEvent(context.Context, webhook.Delivery) error        { return nil }
func (nowhere) PublishDead(context.Context, string, webhook.Delivery) error { return nil }

func ingest(b *testing.B, natsURL string) *app.App {
	b.Helper()
	c, err := config.Load([]string{"ZOOM_WEBHOOK_SECRET_TOKEN=" + secret, "NATS_URL=" + natsURL,
		"LATCHKEY_LISTEN=127.0.0.1:0", "LATCHKEY_ADMIN_LISTEN=127.0.0.1:0"}, config.Ingest)
	if err != nil {
		b.Fatal(err)
	}
	a, err := app.New(app.Options{Config: c, Ingest: true, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Stop(context.Background()) })
	if err := a.WaitReady(b.Context()); err != nil {
		b.Fatal(err)
	}
	return a
}

func drive(b *testing.B, url string, callers int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	one := func() bool {
		resp, err := client.Do(request(url))
		if err != nil {
			b.Error(err)
			return false
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusNoContent {
			b.Errorf("status %d", resp.StatusCode)
		}
		return resp.StatusCode == http.StatusNoContent
	}
	b.ResetTimer()
	if callers == 1 {
		for range b.N {
			if !one() {
				return
			}
		}
	} else {
		b.SetParallelism(callers / runtime.GOMAXPROCS(0))
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() && one() {
			}
		})
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkFanOut: one change of a group with 10 000 hosts of three upcoming
// meetings each. "marks" writes all rows; "again" is the same change while its
// work still waits, which leaves them alone.
func BenchmarkFanOut(b *testing.B) {
	url := testenv.PostgresURLFrom(b, "migrated", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	s, err := store.Open(url)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	testenv.Exec(b, url, `INSERT INTO hosts (host_id, account_id, group_ids, read_at) SELECT 'h' || n, 'bench', ARRAY['g'], now() FROM generate_series(1, 10000) n`)
	testenv.Exec(b, url, `INSERT INTO meetings (meeting_id, account_id, host_id, must_read) SELECT 80000000000 + n, 'bench', 'h' || (n / 3 + 1), false FROM generate_series(0, 29999) n`)
	testenv.Exec(b, url, `ANALYZE`)
	change := func() {
		n := serial.Add(1)
		e := store.Event{ID: fmt.Sprint("fanout", n), AccountID: "bench", Name: "group.lock_settings_updated", ReceivedAt: time.Now()}
		_, err := s.Intake(b.Context(), "bench", []store.Event{e}, func(tx *store.IntakeTx, _ []bool) error {
			return tx.LevelChanged(b.Context(), passcode.LevelGroup, "g", time.Unix(1700000000, 0), "bench")
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("marks", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			testenv.Exec(b, url, `UPDATE meetings SET must_read = false, due_at = NULL`)
			testenv.Exec(b, url, `UPDATE hosts SET read_at = now(), due_at = NULL`)
			testenv.Exec(b, url, `VACUUM meetings, hosts`)
			b.StartTimer()
			change()
		}
		b.ReportMetric(40000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("one-host-at-a-time", func(b *testing.B) {
		const hosts = 200 // of the 10 000; compare rows/s
		for b.Loop() {
			b.StopTimer()
			testenv.Exec(b, url, `UPDATE meetings SET must_read = false, due_at = NULL`)
			testenv.Exec(b, url, `UPDATE hosts SET read_at = now(), due_at = NULL`)
			testenv.Exec(b, url, `VACUUM meetings, hosts`)
			b.StartTimer()
			e := store.Event{ID: fmt.Sprint("fanout", serial.Add(1)), AccountID: "bench", Name: "group.lock_settings_updated", ReceivedAt: time.Now()}
			if _, err := s.Intake(b.Context(), "bench", []store.Event{e}, func(tx *store.IntakeTx, _ []bool) error {
				for i := range hosts {
					if err := tx.HostsChanged(b.Context(), []string{fmt.Sprint("h", i+1)}, time.Unix(1700000000, 0), "bench"); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(4*hosts*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	})
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			change()
		}
	})
}

// BenchmarkIntake records events into Postgres, eight at once as a worker does:
// a new meeting each, and the same event again.
func BenchmarkIntake(b *testing.B) {
	url := testenv.PostgresURLFrom(b, "migrated", func(ctx context.Context, url string) error {
		_, err := store.Migrate(ctx, url)
		return err
	})
	s, err := store.Open(url)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	record := func(ctx context.Context, fresh bool, n int64, parts int) error {
		events := make([]store.Event, parts)
		var ids []int64
		for i := range events {
			id := 80000000000 + n*int64(parts) + int64(i)
			events[i] = store.Event{ID: fmt.Sprint(fresh, parts, " ", id), Name: "meeting.created", ReceivedAt: time.Now(), MeetingID: id}
			ids = append(ids, id)
		}
		_, err := s.Intake(ctx, "bench", events, func(tx *store.IntakeTx, _ []bool) error {
			all, err := tx.Meetings(ctx, ids)
			if err != nil {
				return err
			}
			var seen []store.SeenMeeting
			for _, m := range all {
				m.HostID, m.Type, m.Passcode, m.ObservedAt = "h", 2, passcode.Off, time.Now()
				seen = append(seen, store.SeenMeeting{Meeting: m, Passcode: &store.PasscodeSeen{}, Why: "meeting.created"})
			}
			return tx.SaveMeetings(ctx, seen, nil)
		})
		return err
	}
	for _, c := range []struct {
		name  string
		fresh bool
		parts int
	}{{"new", true, 1}, {"new/frames-of-64", true, 64}, {"duplicate", false, 1}, {"duplicate/frames-of-64", false, 64}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int64(1)
					if c.fresh {
						n = serial.Add(1)
					}
					if err := record(b.Context(), c.fresh, n, c.parts); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N*c.parts)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
