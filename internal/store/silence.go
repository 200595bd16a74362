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

// Heard counts events that arrived, by account and hour of the UTC day, and forgets what
// is too old to be compared with.
func (s *Store) Heard(ctx context.Context, account string, hours map[time.Time]int) error {
	var at []time.Time
	var n []int64
	for hour, events := range hours {
		at, n = append(at, hour), append(n, int64(events))
	}
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO webhook_hours AS w (account_id, hour, events) SELECT $1, hour, events FROM unnest($2::timestamptz[], $3::bigint[]) AS u(hour, events) ORDER BY hour
			ON CONFLICT (account_id, hour) DO UPDATE SET events = w.events + excluded.events`, account, at, n)
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
		rows, err := tx.Query(ctx, `WITH heard AS (SELECT min(hour) AS first, max(hour) + interval '1 hour' AS since FROM webhook_hours WHERE account_id = $1),
				quiet AS (SELECT first, since, greatest(0, floor(extract(epoch FROM now() - since) / 3600))::int AS hours FROM heard WHERE since IS NOT NULL),
				weeks AS (SELECT (SELECT coalesce(sum(events), 0) FROM webhook_hours w WHERE w.account_id = $1 AND w.hour >= q.since - n * interval '168 hours' AND w.hour < q.since + q.hours * interval '1 hour' - n * interval '168 hours') AS events
					FROM quiet q, generate_series(1, $2::int) n WHERE q.first <= q.since - n * interval '168 hours')
			SELECT coalesce(q.since, 'epoch') AS since, coalesce(q.hours, 0) AS hours, (SELECT count(*) FROM weeks) AS weeks, coalesce((SELECT min(events) FROM weeks), 0)::bigint AS fewest,
				coalesce((SELECT avg(events) FROM weeks), 0)::float8 AS usual, h.validated_at, now() AS now
			FROM webhook_health h LEFT JOIN quiet q ON true WHERE h.account_id = $1`, account, rhythmWeeks)
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
