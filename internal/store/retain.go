package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// idle are meetings m that no worker is at, and of which nothing is half done or half
// told.
const idle = `m.lease_owner IS NULL AND NOT EXISTS (SELECT FROM repairs r WHERE r.account_id = m.account_id AND r.meeting_id = m.meeting_id AND r.result = 'unfinished')
	AND NOT EXISTS (SELECT FROM alerts a WHERE a.published_at IS NULL AND a.account_id = m.account_id AND a.subject = m.meeting_id::text)`

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
	{"host_days", func(k Keep) time.Duration { return k.History }, deleteSome("host_days", `day < $1::timestamptz::date`)},
	{"sweep_rounds", func(k Keep) time.Duration { return k.History }, deleteSome("sweep_rounds", `ended_at < $1`)},
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
// thousand rows or one partition, and makes the partitions of the months to come. Each
// transaction holds the row of retention: of several callers one goes on at a time, and
// the others leave it to that one. What it has done by the time of an error stays done,
// and a table that cannot be dropped from keeps no other waiting.
func (s *Store) Retain(ctx context.Context, asOf time.Time, keep Keep) (Retained, error) {
	done := Retained{Rows: map[string]int64{}}
	if asOf.IsZero() {
		if err := s.pool.QueryRow(ctx, `SELECT now()`).Scan(&asOf); err != nil {
			return done, fmt.Errorf("drop what is past its time: %w", err)
		}
	}
	var failed error
	for _, step := range retainSteps(asOf, keep, &done) {
		mine, more := true, true
		var err error
		for mine && more && err == nil && ctx.Err() == nil {
			mine, err = s.retaining(ctx, func(tx pgx.Tx) error { more, err = step.do(ctx, tx); return err })
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", step.what, err))
		}
		if pg := (*pgconn.PgError)(nil); err != nil && !errors.As(err, &pg) {
			break // no answer: the others would have none either
		}
		if !mine {
			return done, nil // the one who does it says how it went
		}
	}
	if failed = errors.Join(failed, ctx.Err()); failed != nil {
		failed = fmt.Errorf("drop what is past its time: %w", failed)
	}
	return done, errors.Join(failed, s.retained(ctx, failed))
}

// retainStep does a part of its work in a transaction; more says that some is left.
type retainStep struct {
	what string
	do   func(ctx context.Context, tx pgx.Tx) (more bool, err error)
}

func retainSteps(asOf time.Time, keep Keep, done *Retained) (all []retainStep) {
	all = append(all, retainStep{"make partitions", func(ctx context.Context, tx pgx.Tx) (bool, error) {
		rows, err := tx.Query(ctx, `SELECT make_partitions($1)`, asOf)
		if err != nil {
			return false, err
		}
		done.Made, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return false, err
	}})
	// What a version of latchkey that runs beside this one wrote in its own way.
	all = append(all, retainStep{"setting_changes", func(ctx context.Context, tx pgx.Tx) (bool, error) {
		_, err := tx.Exec(ctx, `SELECT complete_setting_changes()`)
		return false, err
	}})
	for table, keep := range map[string]time.Duration{"events": keep.Events, "verdicts": keep.History} {
		all = append(all, retainStep{"partitions of " + table, func(ctx context.Context, tx pgx.Tx) (bool, error) {
			// Counting the rows of a partition before it goes may take a while.
			if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '5min'`); err != nil {
				return false, err
			}
			var name string
			var n int64
			var dropped bool
			err := tx.QueryRow(ctx, `SELECT name, rows, dropped FROM drop_partitions($1, $2)`, table, asOf.Add(-keep)).Scan(&name, &n, &dropped)
			if errors.Is(err, pgx.ErrNoRows) {
				return false, nil
			}
			if err != nil {
				return false, err
			}
			if done.Rows[table] += n; dropped {
				done.Dropped = append(done.Dropped, name)
			}
			return true, nil
		}})
	}
	for _, p := range past {
		all = append(all, retainStep{p.table, func(ctx context.Context, tx pgx.Tx) (bool, error) {
			tag, err := tx.Exec(ctx, p.sql, asOf.Add(-p.before(keep)), retainBatch)
			if err == nil && tag.RowsAffected() > 0 {
				done.Rows[p.table] += tag.RowsAffected()
			}
			return tag.RowsAffected() == retainBatch, err
		}})
	}
	return all
}

// retaining runs f in a transaction that has the row of retention, unless another's has.
// (An advisory lock anybody could take, and keep.)
func (s *Store) retaining(ctx context.Context, f func(pgx.Tx) error) (mine bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `SELECT FROM retention FOR UPDATE SKIP LOCKED`)
		if mine = tag.RowsAffected() == 1; err != nil || !mine {
			return err
		}
		return f(tx)
	})
	return mine || err != nil, err
}

// retained notes how a look went.
func (s *Store) retained(ctx context.Context, failed error) error {
	why := ""
	if failed != nil {
		why = failed.Error()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, err := s.pool.Exec(ctx, `UPDATE retention SET error = $1, done_at = CASE WHEN $1 = '' THEN now() ELSE done_at END`, why)
	if err != nil {
		return fmt.Errorf("note how dropping what is past its time went: %w", err)
	}
	return nil
}
