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
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
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

// BenchmarkIngest goes from an HTTP request to the 204, with 64 callers at
// once, each on a kept connection: first without a bus behind it, then with
// JetStream on disk, synced before every ack.
func BenchmarkIngest(b *testing.B) {
	b.Run("http+hmac", func(b *testing.B) {
		h, err := webhook.New(webhook.Options{Secrets: []webhook.Secret{{Value: secret}}, Bus: nowhere{}, Wanted: func(string) bool { return true },
			Decode: func([]byte) (webhook.Envelope, error) {
				return webhook.Envelope{Event: "meeting.created", HasTime: true}, nil
			},
			Metrics: webhook.NewMetrics(prometheus.NewRegistry()), Logger: quiet})
		if err != nil {
			b.Fatal(err)
		}
		r := gin.New()
		h.Register(r)
		s := httptest.NewServer(r)
		defer s.Close()
		drive(b, s.URL)
	})
	b.Run("http+hmac+jetstream-synced", func(b *testing.B) {
		a := ingest(b, testenv.NATSSynced(b).URL())
		drive(b, "http://"+a.IngestAddr())
	})
	b.Run("http+hmac+jetstream-unsynced", func(b *testing.B) {
		a := ingest(b, testenv.NATS(b).URL())
		drive(b, "http://"+a.IngestAddr())
	})
}

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

func drive(b *testing.B, url string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 10 * time.Second}
	defer client.CloseIdleConnections()
	b.SetParallelism(32) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Do(request(url))
			if err != nil {
				b.Error(err)
				return
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusNoContent {
				b.Errorf("status %d", resp.StatusCode)
				return
			}
		}
	})
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
		_, err := s.Intake(b.Context(), e, func(tx *store.IntakeTx) error {
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
			if _, err := s.Intake(b.Context(), e, func(tx *store.IntakeTx) error {
				for i := range hosts {
					if err := tx.HostChanged(b.Context(), fmt.Sprint("h", i+1), time.Unix(1700000000, 0), "bench"); err != nil {
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
	record := func(ctx context.Context, id string, meeting int64) error {
		e := store.Event{ID: id, AccountID: "bench", Name: "meeting.created", ReceivedAt: time.Now(), MeetingID: meeting}
		_, err := s.Intake(ctx, e, func(tx *store.IntakeTx) error {
			m, err := tx.Meeting(ctx, meeting)
			if err != nil {
				return err
			}
			m.HostID, m.Type, m.Passcode, m.ObservedAt = "h", 2, passcode.Off, time.Now()
			if err := tx.SaveMeeting(ctx, m, &store.PasscodeSeen{}, nil); err != nil {
				return err
			}
			return tx.MarkMeeting(ctx, meeting, "meeting.created")
		})
		return err
	}
	for name, fresh := range map[string]bool{"new": true, "duplicate": false} {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					n := int64(1)
					if fresh {
						n = serial.Add(1)
					}
					if err := record(b.Context(), fmt.Sprint(fresh, n), 80000000000+n); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
