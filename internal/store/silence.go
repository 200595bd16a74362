package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Silence is what is known of whether an account's webhooks still come.
type Silence struct {
	// Since is the end of the last hour in which an event came, Hours how many whole ones
	// passed since.
	Since time.Time `db:"since"`
	Hours int       `db:"hours"`
	// Weeks is of how many of the weeks before the same hours are known, Fewest and Usual
	// how many events came in them: in the quietest, and on average.
	Weeks  int     `db:"weeks"`
	Fewest int     `db:"fewest"`
	Usual  float64 `db:"usual"`
	// ValidatedAt is when Zoom last validated the webhook URL; zero: never heard.
	ValidatedAt time.Time `db:"validated_at"`
	Now         time.Time `db:"now"`
}

// rhythmWeeks is of how many weeks the hours are kept and compared.
const rhythmWeeks = 4

// listenedMinutes is in how many minutes of an hour a worker must have listened for it to
// be known how many events came.
const listenedMinutes = 50

// Heard counts events that arrived, by account and hour of the UTC day, notes that a worker
// listens in this minute, and forgets what is too old to be compared with.
func (s *Store) Heard(ctx context.Context, account string, hours map[time.Time]int) error {
	var at []time.Time
	var n []int64
	for hour, events := range hours {
		at, n = append(at, hour), append(n, int64(events))
	}
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO webhook_hours AS w (account_id, hour, events, minutes) SELECT $1, hour, sum(events), sum(minutes)
				FROM (SELECT hour, events, 0 AS minutes FROM unnest($2::timestamptz[], $3::bigint[]) AS u(hour, events) UNION ALL SELECT date_trunc('hour', now(), 'UTC'), 0, 1) heard GROUP BY hour ORDER BY hour
			ON CONFLICT (account_id, hour) DO UPDATE SET events = w.events + excluded.events, minutes = w.minutes + excluded.minutes`, account, at, n)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM webhook_hours WHERE account_id = $1 AND hour < now() - $2 * interval '1 week' - interval '1 week'`, account, rhythmWeeks)
		return err
	})
	if err != nil {
		return fmt.Errorf("count events by the hour: %w", err)
	}
	return nil
}

// Validated notes that Zoom validated the webhook URL at a moment.
func (t *IntakeTx) Validated(ctx context.Context, at time.Time) error {
	_, err := t.tx.Exec(ctx, `INSERT INTO webhook_health AS w (account_id, validated_at) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET validated_at = greatest(w.validated_at, excluded.validated_at)`, t.account, at)
	return err
}

// LookForSilence has judge say, of what is known, whether webhooks stay away and whether
// the validation of the URL does, and returns the alert of what is so for the first time.
// It returns what began, and what ended.
func (s *Store) LookForSilence(ctx context.Context, account string, judge func(Silence) (silent, late bool), told func(k Silence, late bool) Alert) (began, ended int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		began, ended = 0, 0
		if _, err := tx.Exec(ctx, `INSERT INTO webhook_health (account_id) VALUES ($1) ON CONFLICT DO NOTHING`, account); err != nil {
			return err
		}
		var since, lateSince *time.Time
		if err := tx.QueryRow(ctx, `SELECT silent_since, late_since FROM webhook_health WHERE account_id = $1 FOR UPDATE`, account).Scan(&since, &lateSince); err != nil {
			return err
		}
		// Hours in which no worker listened are not known to be silent. The same hours of a
		// week before may be those of an hour earlier or later, where clocks were changed:
		// the least of the three counts.
		rows, err := tx.Query(ctx, `WITH listened AS (SELECT hour, events FROM webhook_hours WHERE account_id = $1 AND minutes >= $3),
				last AS (SELECT max(hour) + interval '1 hour' AS since FROM webhook_hours WHERE account_id = $1 AND events > 0),
				quiet AS (SELECT since, greatest(0, floor(extract(epoch FROM now() - since) / 3600))::int AS hours FROM last WHERE since IS NOT NULL),
				whole AS (SELECT since, hours, hours = (SELECT count(*) FROM listened l WHERE l.hour >= q.since AND l.hour < q.since + q.hours * interval '1 hour') AS known FROM quiet q),
				shifted AS (SELECT n, (SELECT count(*) FROM listened l WHERE l.hour >= q.since - s.back AND l.hour < q.since + q.hours * interval '1 hour' - s.back) AS hours,
						(SELECT coalesce(sum(events), 0) FROM listened l WHERE l.hour >= q.since - s.back AND l.hour < q.since + q.hours * interval '1 hour' - s.back) AS events, q.hours AS want
					FROM whole q, generate_series(1, $2::int) n, LATERAL (SELECT n * interval '168 hours' + shift * interval '1 hour' AS back FROM generate_series(-1, 1) shift) s WHERE q.known),
				weeks AS (SELECT n, min(events) AS events FROM shifted GROUP BY n, want HAVING bool_and(hours = want))
			SELECT coalesce(q.since, 'epoch') AS since, CASE WHEN q.known THEN q.hours ELSE 0 END AS hours, (SELECT count(*) FROM weeks) AS weeks, coalesce((SELECT min(events) FROM weeks), 0)::bigint AS fewest,
				coalesce((SELECT avg(events) FROM weeks), 0)::float8 AS usual, h.validated_at, now() AS now
			FROM webhook_health h LEFT JOIN whole q ON true WHERE h.account_id = $1`, account, rhythmWeeks, listenedMinutes)
		if err != nil {
			return err
		}
		k, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Silence])
		if err != nil {
			return err
		}
		silent, late := judge(k)
		var alerts []Alert
		for _, what := range []struct {
			is, was, late bool
		}{{silent, since != nil, false}, {late, lateSince != nil, true}} {
			switch {
			case what.is && !what.was:
				began++
				alerts = append(alerts, told(k, what.late))
			case !what.is && what.was:
				ended++
			}
		}
		if began+ended == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE webhook_health SET silent_since = CASE WHEN $2 THEN coalesce(silent_since, $3) END, late_since = CASE WHEN $4 THEN coalesce(late_since, now()) END WHERE account_id = $1`,
			account, silent, k.Since, late); err != nil {
			return err
		}
		if len(alerts) == 0 {
			return nil
		}
		if err := saveAlerts(ctx, tx, alerts...); err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("look whether webhooks still come: %w", err)
	}
	return began, ended, nil
}
