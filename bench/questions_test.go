package bench

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// grown is a database of 20 000 hosts, 200 000 meetings (150 000 due later, a tenth
// demanding a passcode), a million verdicts and as many events.
var grown = []string{
	`INSERT INTO hosts (host_id, account_id, email, swept_at, read_at) SELECT 'host' || i, 'acc', 'host' || i || '@example.com', now(), now() FROM generate_series(1, 20000) i`,
	`INSERT INTO meetings (meeting_id, account_id, host_id, topic, type, start_time, ends_at, expires_at, must_read, passcode, outcome, remedy, why, signature, decided_at, due_at)
		SELECT 80000000000 + i, 'acc', 'host' || (i % 20000 + 1), 'Consultation', 2, now() + i * interval '1 minute', now() + i * interval '1 minute' + interval '1 hour', now() + i * interval '1 minute' + interval '30 days', false,
			CASE WHEN i % 10 = 0 THEN 'on' ELSE 'off' END, CASE WHEN i % 10 = 0 THEN 'demands_passcode' ELSE 'joinable' END, CASE WHEN i % 20 = 0 THEN 'keep' WHEN i % 10 = 0 THEN 'clear' ELSE 'none' END,
			'because of a setting of the account', 'signature', now(), CASE WHEN i % 4 <> 0 THEN now() + interval '1 day' + i * interval '1 second' END
		FROM generate_series(1, 200000) i`,
	`INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, why, decided_at) SELECT 'acc', 80000000001 + i % 200000, 'joinable', 'none', 'because of a setting of the account', now() - i * interval '2 seconds' FROM generate_series(1, 1000000) i`,
	`INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at, meeting_id) SELECT md5(i::text) || md5(i::text), 'acc', 'meeting.created', now() - i * interval '2 seconds', now(), now(), 80000000001 + i % 200000 FROM generate_series(1, 1000000) i`,
	`VACUUM ANALYZE`,
}

// BenchmarkQuestions asks what is asked most of a database that has grown, as it is and
// without the indexes that are there for it.
func BenchmarkQuestions(b *testing.B) {
	url := testenv.PostgresURLFrom(b, "grown", func(ctx context.Context, url string) error {
		if _, err := store.Migrate(ctx, url); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, url+"&search_path=latchkey")
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		for _, sql := range grown {
			if _, err := conn.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
	s, err := store.Open(url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	conn, err := pgx.Connect(b.Context(), url+"&search_path=latchkey")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.Background()) })
	query := func(sql string) func(*testing.B) {
		return func(b *testing.B) {
			rows, err := conn.Query(b.Context(), sql)
			if err != nil {
				b.Fatal(err)
			}
			for rows.Next() {
			}
			if rows.Err() != nil {
				b.Fatal(rows.Err())
			}
		}
	}
	for _, q := range []struct {
		name, index string
		ask         func(*testing.B)
	}{
		{"50 demanding", "meetings_by_outcome", query(`SELECT * FROM meetings_demanding_passcode LIMIT 50`)},
		{"50 unfixable", "meetings_by_outcome", query(`SELECT * FROM unfixable_meetings LIMIT 50`)},
		{"claim, nothing due", "meetings_due_by_time", func(b *testing.B) {
			if got, err := s.ClaimMeetings(b.Context(), "w", 8, time.Minute); err != nil || len(got) != 0 {
				b.Fatal(len(got), err)
			}
		}},
		{"host by address", "hosts_by_email", func(b *testing.B) {
			if _, err := s.HostNamed(b.Context(), "", "host777@example.com"); err != nil {
				b.Fatal(err)
			}
		}},
		{"counts", "", func(b *testing.B) {
			if _, err := s.Counts(b.Context()); err != nil {
				b.Fatal(err)
			}
		}},
		{"retention, nothing past", "", func(b *testing.B) {
			if _, err := s.Retain(b.Context(), time.Time{}, store.Keep{Events: 1e16, History: 1e16, Alerts: 1e16, Meetings: 1e16, Passcodes: 1e16}); err != nil {
				b.Fatal(err)
			}
		}},
	} {
		run := func(name string) {
			b.Run(name, func(b *testing.B) {
				for b.Loop() {
					q.ask(b)
				}
			})
		}
		run(q.name)
		if q.index == "" {
			continue
		}
		def := ""
		if err := conn.QueryRow(b.Context(), `SELECT indexdef FROM pg_indexes WHERE indexname = $1`, q.index).Scan(&def); err != nil {
			b.Fatal(err)
		}
		for _, sql := range []string{`DROP INDEX ` + q.index, "", def} {
			if sql == "" {
				run(q.name + ", without its index")
			} else if _, err := conn.Exec(b.Context(), sql); err != nil {
				b.Fatal(err)
			}
		}
	}
}
