package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ErrRefused is what publish wraps when the bus is well and will not have this one
// alert: another try now would be refused too. Any other error is the bus's own.
var ErrRefused = errors.New("the alert is refused")

const (
	// outboxLease is for how long one worker is the only one that publishes. It is
	// given back after each batch; one that died keeps the others waiting this long.
	outboxLease = 20 * time.Second
	// outboxWork is how much of the lease is used, so that a publish that is under
	// way has ended, or its deadline has, before another worker begins.
	outboxWork = outboxLease / 2
	// markWithin is what writing the marks may take once the caller's time is up.
	markWithin = 5 * time.Second
)

// PublishAlerts hands over up to limit unpublished alerts to publish, in the order
// in which they were recorded, and marks those that it accepts. It returns how many
// it took in hand: limit of them means that there may be more.
//
// One caller at a time, of all workers, publishes: another gets 0. So consumers see
// alerts in the order of Alert.Seq, but for two cases. After a crash between the
// bus's acceptance and the mark an alert comes again, with the same ID and Seq; and
// one that was refused (ErrRefused) comes when it is accepted, after others. No
// transaction is open while publish runs.
//
// When publish fails otherwise, or ctx ends, those before it stay marked.
func (s *Store) PublishAlerts(ctx context.Context, limit int, publish func(context.Context, Alert) error) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("publish alerts: %w", err)
	}
	owner := rand.Text()
	until := time.Now().Add(outboxWork)
	alerts, err := s.takeAlerts(ctx, owner, limit)
	if err != nil {
		return 0, fmt.Errorf("publish alerts: %w", err)
	}
	if len(alerts) == 0 {
		return 0, nil
	}
	within, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	var done, refused, why []string
	var failed error
	for _, a := range alerts {
		if within.Err() != nil {
			break
		}
		err := publish(within, a)
		if err == nil {
			done = append(done, a.ID)
			continue
		}
		if !errors.Is(err, ErrRefused) {
			failed = err
			break
		}
		refused, why = append(refused, a.ID), append(why, err.Error())
	}
	if err := s.markAlerts(ctx, owner, done, refused, why); err != nil {
		return 0, fmt.Errorf("publish alerts: %w", err)
	}
	if n := len(done) + len(refused); n > 0 || failed == nil {
		return n, nil
	}
	return 0, fmt.Errorf("publish alerts: %w", failed)
}

// takeAlerts takes the outbox for the owner and the oldest alerts that are to be
// published; none when another worker has it, or there are none. Sequences are given
// here, to what is committed, and keep: whoever publishes, at whatever time, does it
// in the same order. They grow with the clock, so that a database restored from a
// backup does not give one out twice; and after what was published under a clock that
// was ahead (SequencesAfter).
func (s *Store) takeAlerts(ctx context.Context, owner string, limit int) (alerts []Alert, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE outbox SET lease_owner = $1, lease_until = now() + $2 * interval '1 second'
			WHERE (lease_until IS NULL OR lease_until < now())
			AND EXISTS (SELECT FROM alerts WHERE published_at IS NULL AND (retry_at IS NULL OR retry_at <= now()))`, owner, outboxLease.Seconds())
		if err != nil || tag.RowsAffected() == 0 {
			return err
		}
		// An earlier version of latchkey locks what it publishes: that is left to it.
		if _, err := tx.Exec(ctx, `WITH fresh AS (
				SELECT id, row_number() OVER (ORDER BY recorded NULLS FIRST, created_at, id) AS nth
				FROM (SELECT id, recorded, created_at FROM alerts WHERE published_at IS NULL AND seq IS NULL
					ORDER BY recorded NULLS FIRST, created_at, id LIMIT $1 FOR UPDATE SKIP LOCKED) locked),
			base AS (SELECT greatest(last_seq, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint) AS last FROM outbox),
			given AS (UPDATE alerts a SET seq = base.last + nth FROM fresh, base WHERE a.id = fresh.id RETURNING a.seq)
			UPDATE outbox SET last_seq = greatest(last_seq, (SELECT max(seq) FROM given))`, limit); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT `+columns[Alert]()+` FROM alerts
			WHERE published_at IS NULL AND seq IS NOT NULL AND (retry_at IS NULL OR retry_at <= now()) ORDER BY seq LIMIT $1`, limit)
		if err != nil {
			return err
		}
		alerts, err = pgx.CollectRows(rows, pgx.RowToStructByName[Alert])
		if err == nil && len(alerts) == 0 { // all of them are another's, an earlier version's
			_, err = tx.Exec(ctx, releaseOutbox, owner)
		}
		return err
	})
	return alerts, err
}

// SequencesAfter makes the sequences that are given from now on greater than that one.
func (s *Store) SequencesAfter(ctx context.Context, seq int64) error {
	if _, err := s.pool.Exec(ctx, `UPDATE outbox SET last_seq = $1 WHERE last_seq < $1`, seq); err != nil {
		return fmt.Errorf("continue the sequence of alerts: %w", err)
	}
	return nil
}

const releaseOutbox = `UPDATE outbox SET lease_owner = NULL, lease_until = NULL WHERE lease_owner = $1`

// markAlerts writes down what became of the alerts and gives the outbox back. What
// the bus has accepted is marked whoever has the outbox by now.
func (s *Store) markAlerts(ctx context.Context, owner string, done, refused, why []string) error {
	// A ctx that has ended must not undo the marks: on a slow bus the same first
	// alerts would be published again and again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), markWithin)
	defer cancel()
	mark := func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE alerts SET published_at = now(), retry_at = NULL, last_error = '' WHERE id = ANY($1::uuid[])`, done); err != nil {
			return err
		}
		if len(refused) > 0 {
			if _, err := tx.Exec(ctx, `UPDATE alerts a SET attempts = attempts + 1, last_error = r.why,
					retry_at = now() + least(power(2, least(attempts, 6)), 60) * interval '1 minute'
				FROM unnest($1::uuid[], $2::text[]) AS r(id, why) WHERE a.id = r.id AND published_at IS NULL`, refused, why); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, releaseOutbox, owner)
		return err
	}
	// Not to insist would keep every worker waiting until the lease has run out.
	for {
		err := s.inTx(ctx, mark)
		if err == nil || !Unavailable(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}
