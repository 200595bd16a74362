package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// CallLimit is what latchkey allows itself of calls of one label for one account.
type CallLimit struct {
	AccountID, Label string
	// PerSecond and PerDay are what Zoom allows the account by its plan, where Zoom has
	// not said better; PerDay 0 is no limit.
	PerSecond, PerDay float64
	// Share is how much of it latchkey takes: above 0, at most 1.
	Share float64
}

// Turns are calls that may be made, one every Every, the first after After. Count is 0
// where there are none now: After is then when to ask again, and Held why, "" if others
// only have theirs first.
type Turns struct {
	Count int
	After time.Duration
	Every time.Duration
	Held  string
}

// turnsAhead bounds how far ahead turns are given out: whoever does not want theirs any
// more has taken them from the others.
const turnsAhead = time.Second

// paceAgain is how much of the pace comes back in a second without a 429.
const paceAgain = 0.005

// rateSQL is the calls in a second that latchkey may make: of call_limits q, where $5 is
// the plan's limit and $6 the share.
var rateSQL = fmt.Sprintf(`coalesce(q.per_second, $5) * $6 * least(1, q.pace + %v * extract(epoch FROM t.now - q.paced_at))`, paceAgain)

// TakeTurns takes up to n turns for the caller, who makes the calls or loses the turns.
// It is one statement where there are turns, so that workers that take some at a time
// cost little, and by the database's clock alone, so that nobody else's matters.
func (s *Store) TakeTurns(ctx context.Context, l CallLimit, n int) (Turns, error) {
	var after, every float64
	err := s.pool.QueryRow(ctx, `WITH t AS MATERIALIZED (SELECT clock_timestamp() AS now, (clock_timestamp() AT TIME ZONE 'UTC')::date AS today)
		UPDATE call_limits q SET next_at = greatest(q.next_at, t.now) + $3 * interval '1 second' / (`+rateSQL+`),
			pace = least(1, q.pace + `+fmt.Sprint(paceAgain)+` * extract(epoch FROM t.now - q.paced_at)), paced_at = greatest(q.paced_at, t.now),
			day = t.today, used = CASE WHEN q.day = t.today THEN q.used ELSE 0 END + $3,
			held_until = NULL, held_for = ''
		FROM t WHERE q.account_id = $1 AND q.label = $2 AND (q.held_until IS NULL OR q.held_until <= t.now) AND q.next_at < t.now + $7 * interval '1 second'
			AND (coalesce(q.per_day, $4) = 0 OR CASE WHEN q.day = t.today THEN q.used ELSE 0 END + $3 <= coalesce(q.per_day, $4) * $6)
		RETURNING (1 / (`+rateSQL+`))::float8, (extract(epoch FROM q.next_at - t.now) - $3 / (`+rateSQL+`))::float8`,
		l.AccountID, l.Label, float64(n), l.PerDay, l.PerSecond, l.Share, turnsAhead.Seconds()).Scan(&every, &after)
	switch {
	case err == nil:
		return Turns{Count: n, After: max(0, seconds(after)), Every: seconds(every)}, nil
	case !errors.Is(err, pgx.ErrNoRows):
		return Turns{}, fmt.Errorf("take turns at Zoom: %w", err)
	}
	return s.whyNoTurns(ctx, l, n)
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func (s *Store) whyNoTurns(ctx context.Context, l CallLimit, n int) (t Turns, err error) {
	var held, ahead, tomorrow float64
	var spent bool
	err = s.pool.QueryRow(ctx, `SELECT coalesce(extract(epoch FROM q.held_until - clock_timestamp()), 0)::float8, q.held_for, extract(epoch FROM q.next_at - clock_timestamp())::float8,
			coalesce(q.per_day, $4) > 0 AND q.day = (clock_timestamp() AT TIME ZONE 'UTC')::date AND q.used + $3 > coalesce(q.per_day, $4) * $5,
			extract(epoch FROM (date_trunc('day', clock_timestamp() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC' - clock_timestamp())::float8
		FROM call_limits q WHERE account_id = $1 AND label = $2`, l.AccountID, l.Label, float64(n), l.PerDay, l.Share).Scan(&held, &t.Held, &ahead, &spent, &tomorrow)
	switch {
	case errors.Is(err, pgx.ErrNoRows): // the first, or the state is lost: nothing is owed to anybody but a second's patience
		_, err = s.pool.Exec(ctx, `INSERT INTO call_limits (account_id, label, next_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING`, l.AccountID, l.Label)
		t.After = time.Millisecond
	case err != nil:
	case held > 0:
		t.After = seconds(held)
	case spent && n > 1:
		t.Held, t.After = "", 0 // fewer may be left
	case spent:
		t.Held, t.After = HeldDay, seconds(tomorrow)
	default:
		t.Held, t.After = "", max(seconds(ahead)-turnsAhead, time.Millisecond)
	}
	if err != nil {
		return Turns{}, fmt.Errorf("take turns at Zoom: %w", err)
	}
	return t, nil
}

// For what calls are held.
const (
	HeldSecond = "rate_second"
	HeldDay    = "rate_day"
)

// HoldCalls keeps all calls of the label back for that long, since Zoom said so, and
// makes latchkey slower for a while where it was for calls made too fast.
func (s *Store) HoldCalls(ctx context.Context, accountID, label, heldFor string, during time.Duration) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO call_limits AS q (account_id, label, held_until, held_for) VALUES ($1, $2, now() + $4 * interval '1 second', $3)
		ON CONFLICT (account_id, label) DO UPDATE SET held_until = greatest(q.held_until, excluded.held_until),
			held_for = CASE WHEN q.held_until >= excluded.held_until THEN q.held_for ELSE $3 END,
			pace = CASE WHEN $3 = '`+HeldSecond+`' AND q.paced_at < now() - interval '1 second' OR q.pace = 1 AND $3 = '`+HeldSecond+`' THEN greatest(0.1, q.pace * 0.7) ELSE q.pace END,
			paced_at = CASE WHEN $3 = '`+HeldSecond+`' THEN now() ELSE q.paced_at END`, accountID, label, heldFor, during.Seconds())
	if err != nil {
		return fmt.Errorf("hold calls to Zoom: %w", err)
	}
	return nil
}

// LearnLimit notes what Zoom says that it allows the account in a second, or in a day.
func (s *Store) LearnLimit(ctx context.Context, accountID, label string, daily bool, limit int) error {
	column := "per_second"
	if daily {
		column = "per_day"
	}
	_, err := s.pool.Exec(ctx, `INSERT INTO call_limits AS q (account_id, label, `+column+`) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, label) DO UPDATE SET `+column+` = $3 WHERE q.`+column+` IS DISTINCT FROM $3`, accountID, label, float64(limit))
	if err != nil {
		return fmt.Errorf("note what Zoom allows: %w", err)
	}
	return nil
}
