package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// ofAccount are the tables that hold an account's data. What refers to these goes with
// them: passcodes, verdicts, repairs, alignments.
var ofAccount = []string{"meetings", "hosts", "groups", "accounts", "events", "setting_changes", "alerts", "account_calls", "policies_seen", "probes", "dead_causes",
	"call_limits", "host_days", "fanouts", "sweeps", "sweep_rounds", "webhook_hours", "webhook_health"}

// Erase deletes all that is kept of an account, and leaves a tombstone that says
// when and why. An event that is not younger than that is refused from then on
// (Intake): it may have been under way.
func (s *Store) Erase(ctx context.Context, accountID, why string, at time.Time) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var b pgx.Batch
		b.Queue(`SET LOCAL statement_timeout = 0`) // the caller's deadline bounds it
		b.Queue(`INSERT INTO erased_accounts (account_id, erased_at, why) VALUES ($1, greatest($2::timestamptz, now()), $3)
			ON CONFLICT (account_id) DO UPDATE SET erased_at = excluded.erased_at, why = excluded.why, purged_at = NULL`, accountID, at, why)
		for _, table := range ofAccount {
			b.Queue(`DELETE FROM `+table+` WHERE account_id = $1`, accountID)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return fmt.Errorf("erase account %s: %w", accountID, err)
	}
	return nil
}

// Erased says when an account's data was deleted, and whether its messages are gone
// too (Purged); ErrNotFound when it was not.
func (s *Store) Erased(ctx context.Context, accountID string) (at time.Time, purged bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT erased_at, purged_at IS NOT NULL FROM erased_accounts WHERE account_id = $1`, accountID).Scan(&at, &purged)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return at, purged, err
}

// Purged notes that an erased account's messages are gone from the bus.
func (s *Store) Purged(ctx context.Context, accountID string) error {
	if _, err := s.pool.Exec(ctx, `UPDATE erased_accounts SET purged_at = now() WHERE account_id = $1`, accountID); err != nil {
		return fmt.Errorf("note that the messages of account %s are gone: %w", accountID, err)
	}
	return nil
}

// Erasures says of each account whose data was deleted when and why, in words; of
// one alone if it is not "".
func (s *Store) Erasures(ctx context.Context, accountID string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT 'what was kept of account ' || account_id || ' was deleted at ' || to_char(erased_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS"Z"') || ' since ' || why
		FROM erased_accounts WHERE $1 = '' OR account_id = $1 ORDER BY erased_at DESC`, accountID)
	if err == nil {
		var all []string
		if all, err = pgx.CollectRows(rows, pgx.RowTo[string]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("read the erased accounts: %w", err)
}
