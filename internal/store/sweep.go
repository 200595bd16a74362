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

// SweepHosts marks hosts of an account that were not swept for long, with their meetings,
// as needing a read: should Zoom have dropped an event about them, this finds what it
// said. Those that wait longest come first. Where there is a budget, one of all workers
// does it at a time. It returns how many hosts, and how many calls that will be.
func (s *Store) SweepHosts(ctx context.Context, account string, w Sweep) (n, calls int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		n, calls = 0, 0
		left := 1 << 30
		if w.CallsPerDay > 0 {
			var mine bool
			if left, mine, err = sweepLeft(ctx, tx, account, w.CallsPerDay); err != nil || !mine || left <= 0 {
				return err
			}
		}
		var hosts []string
		var now time.Time
		err := tx.QueryRow(ctx, `WITH due AS (SELECT h.host_id, h.swept_at, $4 + (SELECT count(*) FROM meetings m WHERE m.account_id = $1 AND m.host_id = h.host_id AND m.status IN ('scheduled', 'started')
					AND coalesce(m.ends_at > now() - interval '1 day', true)) AS cost
				FROM hosts h WHERE h.account_id = $1 AND coalesce(h.swept_at, 'epoch') < now() - $2 * interval '1 second' ORDER BY h.swept_at NULLS FIRST LIMIT $3 FOR UPDATE OF h SKIP LOCKED),
			reckoned AS (SELECT host_id, cost, sum(cost) OVER (ORDER BY swept_at NULLS FIRST, host_id) - cost AS before FROM due),
			swept AS (UPDATE hosts h SET swept_at = now() FROM reckoned r WHERE h.account_id = $1 AND h.host_id = r.host_id AND r.before < $5 RETURNING h.host_id, r.cost)
			SELECT coalesce(array_agg(host_id), '{}'), count(*)::int, coalesce(sum(cost), 0)::int, now() FROM swept`, account, w.Age.Seconds(), w.Limit, hostCalls, left).Scan(&hosts, &n, &calls, &now)
		if err != nil || n == 0 {
			return err
		}
		if w.CallsPerDay > 0 {
			if _, err := tx.Exec(ctx, `UPDATE sweeps SET spent = spent + $2 WHERE account_id = $1`, account, calls); err != nil {
				return err
			}
		}
		t := &IntakeTx{tx: tx, account: account}
		if err := t.hostsMoved(ctx, meetingsToSweep, hosts, now, "sweep", moveAll); err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("sweep: %w", err)
	}
	return n, calls, nil
}

// sweepLeft is what may be spent by now, for the one worker that sweeps the account.
func sweepLeft(ctx context.Context, tx pgx.Tx, account string, perDay int) (left int, mine bool, err error) {
	if _, err := tx.Exec(ctx, `INSERT INTO sweeps (account_id) VALUES ($1) ON CONFLICT DO NOTHING`, account); err != nil {
		return 0, false, err
	}
	// Of the day's budget as much as of the day has gone by, and a quarter of an hour's.
	err = tx.QueryRow(ctx, `WITH held AS (SELECT account_id FROM sweeps WHERE account_id = $1 FOR UPDATE SKIP LOCKED)
		UPDATE sweeps s SET spent = CASE WHEN day = t.today THEN spent ELSE 0 END, day = t.today
		FROM held, (SELECT (now() AT TIME ZONE 'UTC')::date AS today, extract(epoch FROM (now() AT TIME ZONE 'UTC')::time) + 900 AS gone) t WHERE s.account_id = held.account_id
		RETURNING (least($2 * t.gone / 86400, $2) - spent)::int`, account, perDay).Scan(&left)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, false, nil
	}
	return left, err == nil, err
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
