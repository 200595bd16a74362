package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// DeadCause is why events of an account could not be handled: the same for all
// those that differ in nothing but ids and numbers.
type DeadCause struct {
	AccountID string
	Stage     string
	Cause     string
	At        time.Time // when the event was given up on
}

// DeadQuiet is for how long a cause must not have been seen to be news again.
const DeadQuiet = 24 * time.Hour

// DeadSeen notes that an event was given up on. Where its cause is news, alert is
// written with it, in the same transaction, and opened is true. What is left of an
// account that was erased since is not noted.
func (s *Store) DeadSeen(ctx context.Context, c DeadCause, alert Alert) (opened bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, `INSERT INTO dead_causes AS d (account_id, stage, cause, since, seen_at) SELECT $1, $2, $3, now(), now()
			WHERE NOT EXISTS (SELECT FROM dead_causes WHERE account_id = $1 AND stage = $2 AND cause = $3 AND seen_at > now() - interval '1 minute')
				AND NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = $1 AND erased_at >= $4)
			ON CONFLICT (account_id, stage, cause) DO UPDATE SET seen_at = now(),
				since = CASE WHEN d.seen_at < now() - $5::float8 * interval '1 second' THEN now() ELSE d.since END
			RETURNING since = now()`, c.AccountID, c.Stage, c.Cause, c.At, DeadQuiet.Seconds()).Scan(&opened)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil // noted a moment ago
		}
		if err != nil || !opened {
			return err
		}
		return saveAlerts(ctx, tx, alert)
	})
	if err != nil {
		return false, fmt.Errorf("note why events of account %s are dead letters: %w", c.AccountID, err)
	}
	return opened, nil
}
