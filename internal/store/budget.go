package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Budget says what a change may take of the 100 creates and changes that Zoom allows a
// host and UTC day (Z-LIMIT-5).
type Budget struct {
	// Most is how many may be spent by anybody before this change is not made any more;
	// 0: it is made whatever was spent.
	Most int
	// Ahead is by how much Zoom's clock, which ends the day, is ahead of the database's.
	Ahead time.Duration
	// LowAt is from how many on it is worth an alert, once a day, which Low makes.
	LowAt int
	Low   func(accountID string, d HostDay) Alert
}

// HostDay is one row of host_days.
type HostDay struct {
	HostID string    `db:"host_id"`
	Ours   int       `db:"ours"`
	Theirs int       `db:"theirs"`
	Until  time.Time `db:"-"` // when the day ends, by the database's clock
}

// Spent is what is gone of the 100.
func (d HostDay) Spent() int { return d.Ours + d.Theirs }

// BudgetError says that a change was not begun, since the host's day does not allow it.
type BudgetError struct{ Day HostDay }

func (e *BudgetError) Error() string {
	return fmt.Sprintf("of the host's changes of the day %d are spent", e.Day.Spent())
}

// zoomsDay is the UTC day by Zoom's clock, which is $2 seconds ahead, and when it ends.
const zoomsDay = `(SELECT (now() + $2::float8 * interval '1 second') AT TIME ZONE 'UTC' AS at)`

const dayEnds = `(date_trunc('day', z.at) + interval '1 day') AT TIME ZONE 'UTC' - $2::float8 * interval '1 second'`

// spend takes one of the host's day for a change, or returns a *BudgetError.
func spend(ctx context.Context, tx pgx.Tx, accountID, hostID string, b Budget) (d HostDay, err error) {
	d.HostID = hostID
	err = tx.QueryRow(ctx, `INSERT INTO host_days AS d (account_id, host_id, day, ours) SELECT $1, $3, z.at::date, 1 FROM `+zoomsDay+` z
		ON CONFLICT (account_id, host_id, day) DO UPDATE SET ours = d.ours + 1 WHERE $4 = 0 OR d.ours + d.theirs < $4
		RETURNING ours, theirs, (SELECT `+dayEnds+` FROM `+zoomsDay+` z)`, accountID, b.Ahead.Seconds(), hostID, b.Most).Scan(&d.Ours, &d.Theirs, &d.Until)
	if errors.Is(err, pgx.ErrNoRows) {
		err = tx.QueryRow(ctx, `SELECT ours, theirs, `+dayEnds+` FROM host_days d, `+zoomsDay+` z WHERE account_id = $1 AND host_id = $3 AND day = z.at::date`,
			accountID, b.Ahead.Seconds(), hostID).Scan(&d.Ours, &d.Theirs, &d.Until)
		if err == nil {
			err = &BudgetError{Day: d}
		}
	}
	return d, err
}

// BudgetLow alerts, once for each host and day, that the host's budget is so far spent
// that changes wait for the next day.
func (s *Store) BudgetLow(ctx context.Context, accountID string, d HostDay, b Budget) error {
	if b.Low == nil {
		return nil
	}
	err := s.inTx(ctx, func(tx pgx.Tx) error { return budgetLow(ctx, tx, accountID, d, b) })
	if err != nil {
		return fmt.Errorf("tell that the budget of host %s is low: %w", d.HostID, err)
	}
	return nil
}

func budgetLow(ctx context.Context, tx pgx.Tx, accountID string, d HostDay, b Budget) error {
	if b.Low == nil || d.Spent() < b.LowAt {
		return nil
	}
	tag, err := tx.Exec(ctx, `UPDATE host_days d SET low_told = true FROM `+zoomsDay+` z WHERE account_id = $1 AND host_id = $3 AND day = z.at::date AND NOT low_told`,
		accountID, b.Ahead.Seconds(), d.HostID)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	return saveAlerts(ctx, tx, b.Low(accountID, d))
}

// Refund gives one back: Zoom did not look at the change.
func (s *Store) Refund(ctx context.Context, accountID, hostID string, ahead time.Duration) error {
	_, err := s.pool.Exec(ctx, `UPDATE host_days d SET ours = greatest(ours - 1, 0) FROM `+zoomsDay+` z WHERE account_id = $1 AND host_id = $3 AND day = z.at::date`,
		accountID, ahead.Seconds(), hostID)
	if err != nil {
		return fmt.Errorf("refund host %s a change: %w", hostID, err)
	}
	return nil
}

// HostLeft notes what Zoom says is left of a host's day: what latchkey did not spend of
// the rest, others did.
func (s *Store) HostLeft(ctx context.Context, accountID, hostID string, ahead time.Duration, left, of int) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO host_days AS d (account_id, host_id, day, theirs) SELECT $1, $3, z.at::date, $4 FROM `+zoomsDay+` z
		ON CONFLICT (account_id, host_id, day) DO UPDATE SET theirs = greatest(0, $4 - d.ours)`, accountID, ahead.Seconds(), hostID, of-left)
	if err != nil {
		return fmt.Errorf("note what is left of host %s's day: %w", hostID, err)
	}
	return nil
}

// SpentByOthers counts changes of hosts' meetings that others made, by when they were
// made (as Zoom's clock says).
func (t *IntakeTx) SpentByOthers(ctx context.Context, spent []SpentByOther) error {
	if len(spent) == 0 {
		return nil
	}
	var hosts []string
	var days []time.Time
	var n []int
	for _, s := range spent {
		hosts, days, n = append(hosts, s.HostID), append(days, s.Day.UTC()), append(n, s.N)
	}
	_, err := t.tx.Exec(ctx, `INSERT INTO host_days AS d (account_id, host_id, day, theirs) SELECT $1, h, (at AT TIME ZONE 'UTC')::date, n FROM unnest($2::text[], $3::timestamptz[], $4::int[]) AS u(h, at, n)
		ORDER BY h, at ON CONFLICT (account_id, host_id, day) DO UPDATE SET theirs = least(d.theirs + excluded.theirs, 1000)`, t.account, hosts, days, n)
	return err
}

// SpentByOther is how many changes others made of a host's meetings on a day.
type SpentByOther struct {
	HostID string
	Day    time.Time // midnight, UTC
	N      int
}
