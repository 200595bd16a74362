package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Sweep says how an account's hosts are swept.
type Sweep struct {
	Age   time.Duration // since a host was swept last
	Limit int           // hosts at once
	// CallsPerDay bounds what it costs, spread over the UTC day; 0: nothing does.
	CallsPerDay int
}

// hostCalls is what reading a host costs: the user, settings in three parts, a page of
// meetings. A meeting costs one.
const hostCalls = 5

// sweptFor is what is due for a sweep, due_why.
const sweptFor = "sweep"

// soonPerTurn of placesPerTurn hosts are swept for their meetings' starting soon, within a
// day; the others for not having been for longest.
const soonPerTurn = placesPerTurn - 1

// sweepable takes hosts of account $1, $3 at most, those that hold for eligible: those
// whose meetings start soonest, and those that wait longest. $4 is hostCalls.
func sweepable(eligible string) string {
	const cost = `$4 + (SELECT count(*) FROM meetings m WHERE m.account_id = $1 AND m.host_id = h.host_id AND m.status IN ('scheduled', 'started')
		AND coalesce(m.ends_at > now() - interval '1 day', true)) AS cost`
	return fmt.Sprintf(`soon AS MATERIALIZED (SELECT m.host_id, min(m.start_time) AS starts FROM meetings m
			WHERE m.account_id = $1 AND m.status = 'scheduled' AND m.start_time BETWEEN now() AND now() + interval '1 day' GROUP BY m.host_id),
		sooner AS MATERIALIZED (SELECT h.host_id, s.starts, `+cost+` FROM hosts h JOIN soon s ON s.host_id = h.host_id WHERE h.account_id = $1 AND `+eligible+`
			ORDER BY s.starts LIMIT $3 * %d / %d FOR UPDATE OF h SKIP LOCKED),
		longer AS MATERIALIZED (SELECT h.host_id, h.swept_at, `+cost+` FROM hosts h WHERE h.account_id = $1 AND `+eligible+` AND h.host_id NOT IN (SELECT host_id FROM sooner)
			ORDER BY h.swept_at NULLS FIRST LIMIT $3 - (SELECT count(*) FROM sooner) FOR UPDATE OF h SKIP LOCKED),
		due AS (SELECT host_id, cost, row_number() OVER (ORDER BY starts) * 1.0 / %[1]d AS place FROM sooner
			UNION ALL SELECT host_id, cost, row_number() OVER (ORDER BY swept_at NULLS FIRST) FROM longer),
		reckoned AS (SELECT host_id, cost, sum(cost) OVER (ORDER BY place, host_id) - cost AS before FROM due)`, soonPerTurn, placesPerTurn)
}

// SweepHosts marks hosts of an account that were not swept for long, with their meetings,
// as needing a read: should Zoom have dropped an event about them, this finds what it
// said. Those whose meetings start soonest and those that wait longest come first. Where
// there is a budget, one of all workers does it at a time. It returns how many hosts, and
// how many calls that will be.
func (s *Store) SweepHosts(ctx context.Context, account string, w Sweep) (n, calls int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		n, calls = 0, 0
		left, _, mine, err := sweepLeft(ctx, tx, account, w.CallsPerDay)
		if err != nil || !mine || left <= 0 {
			return err
		}
		n, calls, err = sweepSome(ctx, tx, account, `coalesce(h.swept_at, 'epoch') < now() - $2 * interval '1 second'`, w.Age.Seconds(), w.Limit, left)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("sweep: %w", err)
	}
	return n, calls, nil
}

// sweepSome marks up to limit hosts that hold for eligible, of which of is $2, while what
// they cost is within left, and counts that.
func sweepSome(ctx context.Context, tx pgx.Tx, account, eligible string, of any, limit, left int) (n, calls int, err error) {
	var hosts []string
	var now time.Time
	err = tx.QueryRow(ctx, `WITH `+sweepable(eligible)+`,
		swept AS (UPDATE hosts h SET swept_at = now() FROM reckoned r WHERE h.account_id = $1 AND h.host_id = r.host_id AND r.before < $5 RETURNING h.host_id, r.cost)
		SELECT coalesce(array_agg(host_id), '{}'), count(*)::int, coalesce(sum(cost), 0)::int, now() FROM swept`, account, of, limit, hostCalls, left).Scan(&hosts, &n, &calls, &now)
	if err != nil || n == 0 {
		return n, calls, err
	}
	if _, err := tx.Exec(ctx, `UPDATE sweeps SET spent = spent + $2 WHERE account_id = $1`, account, calls); err != nil {
		return n, calls, err
	}
	t := &IntakeTx{tx: tx, account: account}
	if err := t.hostsMoved(ctx, meetingsToSweep, hosts, now, sweptFor, moveAll); err != nil {
		return n, calls, err
	}
	return n, calls, notify(ctx, tx)
}

// sweepLeft is what may be spent by now of the day's calls, and what until its end, for
// the one worker that sweeps the account.
func sweepLeft(ctx context.Context, tx pgx.Tx, account string, perDay int) (byNow, today int, mine bool, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO sweeps (account_id) VALUES ($1) ON CONFLICT DO NOTHING`, account); err != nil {
		return 0, 0, false, err
	}
	// Of the day's budget as much as of the day has gone by, and a quarter of an hour's.
	err = tx.QueryRow(ctx, `WITH held AS (SELECT account_id FROM sweeps WHERE account_id = $1 FOR UPDATE SKIP LOCKED)
		UPDATE sweeps s SET spent = CASE WHEN day = t.today THEN spent ELSE 0 END, day = t.today, per_day = $2
		FROM held, (SELECT (now() AT TIME ZONE 'UTC')::date AS today, extract(epoch FROM (now() AT TIME ZONE 'UTC')::time) + 900 AS gone) t WHERE s.account_id = held.account_id
		RETURNING (least($2 * t.gone / 86400, $2) - spent)::int, ($2 - spent)::int`, account, perDay).Scan(&byNow, &today)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return 0, 0, false, nil
	case perDay == 0:
		byNow, today = 1<<30, 1<<30
	}
	return byNow, today, err == nil, err
}

// UsersDue says whether the account's users are to be listed now, and that nobody else
// need. They are for the first time when the first round of the sweep is over.
func (s *Store) UsersDue(ctx context.Context, account string, age time.Duration) (due bool, err error) {
	tag, err := s.pool.Exec(ctx, `UPDATE sweeps SET users_at = now() WHERE account_id = $1 AND users_at < now() - $2 * interval '1 second'`, account, age.Seconds())
	if err == nil && tag.RowsAffected() == 0 {
		_, err = s.pool.Exec(ctx, `INSERT INTO sweeps (account_id) VALUES ($1) ON CONFLICT DO NOTHING`, account)
	}
	if err != nil {
		return false, fmt.Errorf("see whether users are to be listed: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// User is one whom Zoom lists for an account.
type User struct{ ID, Email string }

// SaveUsers makes hosts of those users that are not known, to be swept first, and counts
// what listing them cost. It returns how many were new.
func (s *Store) SaveUsers(ctx context.Context, account string, users []User, calls int) (found int, err error) {
	ids, emails := make([]string, len(users)), make([]string, len(users))
	for i, u := range users {
		ids[i], emails[i] = u.ID, u.Email
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO hosts (host_id, account_id, email) SELECT DISTINCT ON (id) id, $1, email FROM unnest($2::text[], $3::text[]) AS u(id, email) WHERE id <> '' ORDER BY id
			ON CONFLICT DO NOTHING`, account, ids, emails)
		if err != nil {
			return err
		}
		found = int(tag.RowsAffected())
		_, err = tx.Exec(ctx, `UPDATE sweeps SET spent = spent + $2 WHERE account_id = $1`, account, calls)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("record the account's users: %w", err)
	}
	return found, nil
}

// UsersAgain has the users listed again after that long: they could not be.
func (s *Store) UsersAgain(ctx context.Context, account string, age, after time.Duration) error {
	_, err := s.pool.Exec(ctx, `UPDATE sweeps SET users_at = now() - ($2::float8 - $3::float8) * interval '1 second' WHERE account_id = $1`, account, age.Seconds(), after.Seconds())
	if err != nil {
		return fmt.Errorf("put off listing users: %w", err)
	}
	return nil
}

// LogLooked says up to when Zoom's log of deliveries was looked at, zero for never, and
// the database's time now.
func (s *Store) LogLooked(ctx context.Context, account string) (until, now time.Time, err error) {
	var at *time.Time
	if err = s.pool.QueryRow(ctx, `SELECT (SELECT log_at FROM sweeps WHERE account_id = $1), now()`, account).Scan(&at, &now); err != nil {
		return until, now, fmt.Errorf("read up to when Zoom's log was looked at: %w", err)
	}
	if at != nil {
		until = *at
	}
	return until, now, nil
}

// LogLookedUntil notes up to when it was; it never goes back.
func (s *Store) LogLookedUntil(ctx context.Context, account string, until time.Time) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO sweeps AS s (account_id, log_at) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET log_at = greatest(s.log_at, excluded.log_at)`, account, until)
	if err != nil {
		return fmt.Errorf("note up to when Zoom's log was looked at: %w", err)
	}
	return nil
}
