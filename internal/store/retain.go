package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Keep says for how long what is past is kept. What is in monthly partitions goes with
// its whole month, up to a month later.
type Keep struct {
	// Events are rows of events. They must outlive the messages of the stream: an event
	// that comes again and has no row is taken in again.
	Events time.Duration
	// History is verdicts, ended repairs, changes of settings and of passcodes, and
	// causes of dead letters.
	History   time.Duration
	Alerts    time.Duration // since they were published
	Meetings  time.Duration // since they were deleted, or their number let people in
	Passcodes time.Duration // the same, of their passcodes
}

// Retained is what one look dropped: how many rows of which table, and the partitions
// that were made and dropped.
type Retained struct {
	Rows          map[string]int64
	Made, Dropped []string
}

// retainBatch bounds one transaction.
const retainBatch = 1000

// over are meetings m that nobody can join any more since before $1: deleted, gone, or
// beyond what Zoom lets a number live. An instant meeting whose end was not heard of
// is over a day after the last that was.
const over = `(m.status = 'deleted' AND greatest(m.event_at, m.observed_at, m.decided_at, m.missing_since) < $1
	OR m.expires_at < $1
	OR m.type = 1 AND m.expires_at IS NULL AND greatest(m.event_at, m.observed_at, m.last_used_at, m.created_at) < $1 - interval '1 day')`

// idle are meetings m that no worker is at, and of which nothing is half done.
const idle = `m.lease_owner IS NULL AND NOT EXISTS (SELECT FROM repairs r WHERE r.account_id = m.account_id AND r.meeting_id = m.meeting_id AND r.result = 'unfinished')`

// past are the rows that go one by one: what is written again after it was made, or is
// little. $1 is the time before which they are past, $2 how many at once.
var past = []struct {
	table  string
	before func(Keep) time.Duration
	sql    string
}{
	// What no partition was for when it came: events that say they happened at no time,
	// long ago, or years ahead.
	{"events", func(k Keep) time.Duration { return k.Events }, deleteSome("events", `recorded_at < $1 AND tableoid = 'events_other'::regclass`)},
	{"verdicts", func(k Keep) time.Duration { return k.History }, deleteSome("verdicts", `decided_at < $1 AND tableoid = 'verdicts_other'::regclass`)},
	{"setting_changes", func(k Keep) time.Duration { return k.History }, deleteSome("setting_changes", `coalesce(told_at, changed_at) < $1`)},
	{"repairs", func(k Keep) time.Duration { return k.History }, deleteSome("repairs", `ended_at < $1`)},
	{"passcode_changes", func(k Keep) time.Duration { return k.History }, deleteSome("passcode_changes", `seen_at < $1`)},
	// Those that hold are what `latchkey undo-alignment` puts back.
	{"alignments", func(k Keep) time.Duration { return k.History }, deleteSome("alignments", `ended_at < $1 AND result <> 'held'`)},
	{"dead_causes", func(k Keep) time.Duration { return k.History }, deleteSome("dead_causes", `seen_at < $1`)},
	{"holds", func(k Keep) time.Duration { return k.History }, deleteSome("holds", `until < $1`)},
	{"alerts", func(k Keep) time.Duration { return k.Alerts }, deleteSome("alerts", `published_at < $1`)},
	{"passcodes", func(k Keep) time.Duration { return k.Passcodes }, `WITH chosen AS (SELECT p.account_id, p.meeting_id FROM passcodes p JOIN meetings m USING (account_id, meeting_id)
			WHERE ` + over + ` AND ` + idle + ` LIMIT $2 FOR UPDATE OF m, p SKIP LOCKED),
		unreadable AS (UPDATE meetings m SET passcode_readable = false FROM chosen WHERE m.account_id = chosen.account_id AND m.meeting_id = chosen.meeting_id)
		DELETE FROM passcodes p USING chosen WHERE p.account_id = chosen.account_id AND p.meeting_id = chosen.meeting_id`},
	{"meetings", func(k Keep) time.Duration { return k.Meetings }, `DELETE FROM meetings d USING (SELECT account_id, meeting_id FROM meetings m
			WHERE ` + over + ` AND ` + idle + ` LIMIT $2 FOR UPDATE SKIP LOCKED) chosen WHERE d.account_id = chosen.account_id AND d.meeting_id = chosen.meeting_id`},
	{"hosts", func(k Keep) time.Duration { return k.Meetings }, `DELETE FROM hosts d USING (SELECT account_id, host_id FROM hosts h
			WHERE NOT can_host AND lease_owner IS NULL AND greatest(changed_at, read_at, swept_at, forecast_at) < $1
			AND NOT EXISTS (SELECT FROM meetings m WHERE m.account_id = h.account_id AND m.host_id = h.host_id)
			AND NOT EXISTS (SELECT FROM alignments a WHERE a.account_id = h.account_id AND a.host_id = h.host_id)
			LIMIT $2 FOR UPDATE SKIP LOCKED) chosen WHERE d.account_id = chosen.account_id AND d.host_id = chosen.host_id`},
}

func deleteSome(table, where string) string {
	return `DELETE FROM ` + table + ` d USING (SELECT tableoid AS part, ctid AS place FROM ` + table + ` WHERE ` + where + ` LIMIT $2) chosen
		WHERE d.tableoid = chosen.part AND d.ctid = chosen.place`
}

// Retain drops what is past its time at asOf (zero: now), in transactions of at most a
// thousand rows, and makes the partitions of the months to come. One caller at a time
// does it; for the others there is nothing to do. What it has done by the time of an
// error stays done.
func (s *Store) Retain(ctx context.Context, asOf time.Time, keep Keep) (Retained, error) {
	done := Retained{Rows: map[string]int64{}}
	if err := s.retainPartitions(ctx, &asOf, keep, &done); err != nil || asOf.IsZero() {
		return done, wrapRetain(err)
	}
	for _, p := range past {
		for ctx.Err() == nil {
			n := int64(0)
			if _, err := s.retaining(ctx, func(tx pgx.Tx) error {
				tag, err := tx.Exec(ctx, p.sql, asOf.Add(-p.before(keep)), retainBatch)
				n = tag.RowsAffected()
				return err
			}); err != nil {
				return done, wrapRetain(fmt.Errorf("%s: %w", p.table, err))
			}
			if n > 0 {
				done.Rows[p.table] += n
			}
			if n < retainBatch {
				break
			}
		}
	}
	return done, wrapRetain(ctx.Err())
}

func wrapRetain(err error) error {
	if err != nil {
		return fmt.Errorf("drop what is past its time: %w", err)
	}
	return nil
}

// retainPartitions makes and drops partitions. It leaves asOf zero where another
// worker is at it.
func (s *Store) retainPartitions(ctx context.Context, asOf *time.Time, keep Keep, done *Retained) error {
	mine, err := s.retaining(ctx, func(tx pgx.Tx) error {
		if asOf.IsZero() {
			if err := tx.QueryRow(ctx, `SELECT now()`).Scan(asOf); err != nil {
				return err
			}
		}
		// Counting the rows of a partition before it goes may take a while.
		if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '5min'`); err != nil {
			return err
		}
		// What a version of latchkey that runs beside this one wrote in its own way.
		if _, err := tx.Exec(ctx, `SELECT complete_setting_changes()`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT make_partitions($1)`, *asOf)
		if err == nil {
			done.Made, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		for table, keep := range map[string]time.Duration{"events": keep.Events, "verdicts": keep.History} {
			if err != nil {
				return err
			}
			if rows, err = tx.Query(ctx, `SELECT name, rows FROM drop_partitions($1, $2)`, table, asOf.Add(-keep)); err != nil {
				return err
			}
			var name string
			var n int64
			_, err = pgx.ForEachRow(rows, []any{&name, &n}, func() error {
				done.Dropped = append(done.Dropped, name)
				done.Rows[table] += n
				return nil
			})
		}
		return err
	})
	if err != nil {
		*done = Retained{Rows: map[string]int64{}} // it was undone
		return err
	}
	if !mine {
		*asOf = time.Time{}
	}
	return nil
}

// retaining runs f in a transaction unless another worker is in one of these.
func (s *Store) retaining(ctx context.Context, f func(pgx.Tx) error) (mine bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `SELECT pg_try_advisory_xact_lock(hashtext('latchkey retention'))`).Scan(&mine); err != nil || !mine {
			return err
		}
		return f(tx)
	})
	return mine, err
}
