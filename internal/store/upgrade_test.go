package store

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// first is a database as the first version knew it, with rows in every table.
var first = []string{
	`INSERT INTO accounts (account_id, plan, locks) VALUES ('acc', 'paid', '{}')`,
	`INSERT INTO groups (group_id, account_id) VALUES ('g', 'acc')`,
	`INSERT INTO hosts (host_id, account_id, email, group_ids, due_at, generation) VALUES ('h', 'acc', 'h@example.com', '{g}', now(), 3)`,
	`INSERT INTO meetings (meeting_id, account_id, host_id, type, outcome, remedy, why, decided_at, passcode, passcode_readable, due_at, generation, lease_owner, lease_until, attempts, start_time)
		VALUES (1, 'acc', 'h', 2, 'demands_passcode', 'keep', 'because', now(), 'on', true, now(), 5, 'w', now() - interval '1 minute', 1, now()), (2, 'acc', '', 0, null, null, '', null, 'unknown', false, null, 1, null, null, 0, null)`,
	`INSERT INTO passcodes (meeting_id, passcode, source, seen_at) VALUES (1, 's3cret', 'zoom', now())`,
	`INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at, meeting_id, operator) VALUES ('e', 'acc', 'meeting.updated', now(), now(), now(), 1, 'eve@example.com'),
		('never', 'acc', 'x', null, now(), now(), null, ''), ('far', 'acc', 'x', '9999-01-01', now(), now(), null, ''), ('old', 'acc', 'x', now() - interval '2 years', now() - interval '2 years', now() - interval '2 years', null, '')`,
	`INSERT INTO setting_changes (event_id, level, level_id, setting, old_value, new_value) VALUES ('e', 'host', 'h', 's', 'off', 'on')`,
	`INSERT INTO verdicts (meeting_id, outcome, remedy, why, decided_at) VALUES (1, 'joinable', 'none', '', now() - interval '2 years'), (1, 'demands_passcode', 'keep', 'because', now())`,
	// Two are unfinished, and one ended at no time: nothing held the code to it then.
	`INSERT INTO repairs (meeting_id, host_id, remedy, result, started_at, ended_at) VALUES (1, 'h', 'clear', 'unfinished', now(), null), (1, 'h', 'clear', 'unfinished', now(), null), (1, 'h', 'clear', 'held', now(), null)`,
	`INSERT INTO alerts (account_id, type, subject, data) VALUES ('acc', 'meeting.repaired', '1', '{}')`,
}

// later are rows of tables and columns that came with a version.
var later = map[int64][]string{
	2: {`INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at) VALUES ('h', 'acc', 's', 'on', 'off', 'held', now())`},
	3: {`INSERT INTO account_calls (account_id, call) VALUES ('acc', 'GET /x')`, `INSERT INTO policies_seen (account_id, fingerprint) VALUES ('acc', 'x')`,
		`UPDATE meetings SET outcome = 'unsecured', remedy = 'secure', stripped = true WHERE meeting_id = 2`},
	4:  {`INSERT INTO passcode_changes (account_id, meeting_id, changed_by) VALUES ('acc', 1, 'zoom')`},
	5:  {`INSERT INTO probes (account_id, question, answer) VALUES ('acc', 'q', 'a')`, `INSERT INTO erased_accounts (account_id, why) VALUES ('gone', 'why')`},
	8:  {`INSERT INTO dead_causes (account_id, stage, cause, since, seen_at) VALUES ('acc', 'intake', 'c', now(), now())`},
	9:  {`INSERT INTO holds (kind, account_id, id, reason, held_by) VALUES ('meeting', 'acc', '2', 'r', 'b')`},
	10: {`UPDATE alerts SET seq = 5`, `UPDATE outbox SET last_seq = 5`},
}

// A database of each earlier version, with rows in every table, is brought up to
// date with all that is in it, and work goes on.
func TestUpgradeFromEveryVersion(t *testing.T) {
	t.Parallel()
	newest := migrator(t, testenv.PostgresURL(t)).ListSources()
	for _, source := range newest[:len(newest)-1] {
		from := source.Version
		t.Run(fmt.Sprint("from ", from), func(t *testing.T) {
			t.Parallel()
			url := testenv.PostgresURL(t)
			p := migrator(t, url)
			s := openURL(t, url)
			for v := int64(1); v <= from; v++ {
				if _, err := p.UpTo(t.Context(), v); err != nil {
					t.Fatal(err)
				}
				if v == 1 {
					for _, sql := range first {
						exec(t, s, sql)
					}
				}
				for _, sql := range later[v] {
					exec(t, s, sql)
				}
			}
			count := func() (n string) {
				for _, table := range rowsOf(t, s, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN ('goose_db_version', 'outbox', 'retention', 'call_limits', 'host_days', 'fanouts', 'sweeps', 'sweep_rounds', 'webhook_hours', 'webhook_health', 'readings') ORDER BY 1`) {
					if rows := value[int](t, s, `SELECT count(*) FROM `+table); rows > 0 {
						n += fmt.Sprint(table, " ", rows, " ")
					}
				}
				return n
			}
			before := count()
			if len(strings.Fields(before)) < 20 {
				t.Fatalf("before there are only %s", before)
			}
			_, err := Migrate(t.Context(), url)
			noError(t, err)
			if after := count(); after != before {
				t.Errorf("after the upgrade there are %s\nbefore there were %s", after, before)
			}

			// Work goes on.
			r, err := s.Remember(t.Context(), "acc", 1)
			noError(t, err)
			if r.Unfinished.ID == 0 || r.UndoneBy != "eve@example.com" {
				t.Errorf("remembered is %+v", r)
			}
			c := claim(t, s, "w")
			noError(t, s.Complete(t.Context(), c, Check{Meeting: decided(c, passcode.OutcomeJoinable, passcode.RemedyNone), Repair: Repair{ID: r.Unfinished.ID, Result: RepairHeld},
				Alerts: []Alert{{AccountID: "acc", Type: "meeting.repaired", Subject: "1", Data: []byte("{}")}}}))
			again, err := s.intakeOne(t.Context(), Event{ID: "never", AccountID: "acc", Name: "x", ReceivedAt: time.Now()}, func(*IntakeTx) error { return nil })
			if err != nil || again {
				t.Errorf("an event without a time that was recorded comes again: new %v, %v", again, err)
			}
			var published []string
			n, err := s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error { published = append(published, a.Subject); return nil })
			if err != nil || n != 2 {
				t.Errorf("published %d: %v, %v", n, published, err)
			}
			story, err := s.Story(t.Context(), "acc", 1)
			if err != nil || len(story.History) != 3 || len(story.Changes) != 1 {
				t.Errorf("the story is %+v, %v", story, err)
			}
			kept, err := s.Retain(t.Context(), time.Now().AddDate(0, 8, 0), keepTest)
			if err != nil || len(kept.Dropped) == 0 {
				t.Errorf("retention: %+v, %v", kept, err)
			}
		})
	}
}

// What a worker of the version before does while, and after, this one migrates, as
// its own statements: it must go on without an error or a loss until it is ended.
func TestTheVersionBeforeGoesOn(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "h", time.Hour)
	const record = `INSERT INTO events (event_id, account_id, event, event_at, received_at, request_id, meeting_id, host_id, operator)
		SELECT event_id, 'acc', event, event_at, received_at, request_id, meeting_id, host_id, operator FROM jsonb_populate_recordset(NULL::events, $1::jsonb) e
		ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id`
	body := fmt.Sprintf(`[{"event_id": "e", "event": "user.settings_updated", "event_at": %q, "received_at": %[1]q, "request_id": "", "meeting_id": null, "host_id": "h", "operator": "eve@example.com"}]`, time.Now().UTC().Format(time.RFC3339Nano))
	for nth := range 2 {
		tag, err := s.pool.Exec(t.Context(), record, body)
		if err != nil || tag.RowsAffected() != int64(1-nth) {
			t.Errorf("an event, delivery %d: %d rows, %v", nth+1, tag.RowsAffected(), err)
		}
	}
	exec(t, s, `INSERT INTO setting_changes (event_id, level, level_id, setting, old_value, new_value, changed_by, changed_at, what) VALUES ('e', 'host', 'h', 's', 'off', 'on', 'eve@example.com', now(), 'value')`)
	exec(t, s, `INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, reasons, why, decided_at) VALUES ('acc', 1, 'joinable', 'none', '[]', '', now())`)
	exec(t, s, `INSERT INTO repairs (meeting_id, host_id, remedy, reasons, why, under, asked_passcode, asked_waiting_room, account_id, started_at) VALUES (1, 'h', 'clear', '[]', '', '', 'off', true, 'acc', now())`)
	exec(t, s, `UPDATE repairs SET result = 'held', detail = '', zoom_calls = 3, ended_at = now() WHERE id = 1 AND meeting_id = 1 AND account_id = 'acc' AND result = 'unfinished'`)
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data) VALUES ('acc', 'meeting.repaired', '1', '{}')`)
	if n := value[int](t, s, `SELECT count(*) FROM setting_changes c JOIN events e USING (event_id) WHERE e.account_id = 'acc'`); n != 1 {
		t.Errorf("it reads %d changes", n)
	}
	// Its way to publish, beside ours.
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	_, err = tx.Exec(t.Context(), `SELECT id FROM alerts WHERE published_at IS NULL ORDER BY created_at LIMIT 100 FOR UPDATE SKIP LOCKED`)
	noError(t, err)
	if n, err := s.PublishAlerts(t.Context(), 10, func(context.Context, Alert) error { t.Error("published twice"); return nil }); n != 0 || err != nil {
		t.Errorf("beside it: %d, %v", n, err)
	}
	_, err = tx.Exec(t.Context(), `UPDATE alerts SET published_at = now()`)
	noError(t, err)
	noError(t, tx.Commit(t.Context()))

	// And what it wrote is completed.
	_, err = s.Retain(t.Context(), time.Time{}, keepTest)
	noError(t, err)
	if changes, err := s.changes(t.Context(), "acc", []string{"h"}); err != nil || len(changes) != 1 {
		t.Errorf("we read %v, %v", changes, err)
	}
}

// A migration that meets a long look at a table gives way: nobody queues behind it.
func TestMigrateGivesWay(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	p := migrator(t, url)
	_, err := p.UpTo(t.Context(), 9)
	noError(t, err)
	s := openURL(t, url)
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `SELECT count(*) FROM alerts`)
	noError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := Migrate(t.Context(), url+"&lock_timeout=200ms")
		done <- err
	}()
	// Whoever comes after the migration waits at most as long as it does.
	for range 3 {
		testenv.Until(t, "the migration waits for the lock", func() bool {
			return value[bool](t, s, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query ILIKE '%ALTER TABLE alerts%')`)
		})
		exec(t, s, `INSERT INTO alerts (account_id, type, subject, data) VALUES ('acc', 'x', '', '{}')`)
	}
	select {
	case err := <-done:
		t.Fatalf("the migration ended while the table was held: %v", err)
	default:
	}
	noError(t, tx.Rollback(t.Context()))
	noError(t, <-done)
	if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != 3 {
		t.Errorf("%d rows", n)
	}
}
