package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// The results of an alignment, a closed set.
const (
	AlignmentUnfinished  = "unfinished"
	AlignmentHeld        = "held"
	AlignmentOverwritten = "overwritten"
	AlignmentRefused     = "refused"
	AlignmentUndone      = "undone"
)

// AlignmentResults is the closed set, for tests that hold other places to it.
func AlignmentResults() []string {
	return []string{AlignmentUnfinished, AlignmentHeld, AlignmentOverwritten, AlignmentRefused, AlignmentUndone}
}

// Alignment is one row of alignments: a setting of a host that was changed.
type Alignment struct {
	ID            int64
	HostID        string
	AccountID     string
	Setting       string
	Before, After passcode.Toggle
	Result        string
	StartedAt     time.Time
}

// Alignments reads what was ever aligned of a host, oldest first.
func (s *Store) Alignments(ctx context.Context, accountID, hostID string) ([]Alignment, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, host_id, account_id, setting, before, after, result, started_at FROM alignments WHERE account_id = $1 AND host_id = $2 ORDER BY id`, accountID, hostID)
	if err != nil {
		return nil, fmt.Errorf("read the alignments of host %s: %w", hostID, err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Alignment])
	if err != nil {
		return nil, fmt.Errorf("read the alignments of host %s: %w", hostID, err)
	}
	return all, nil
}

// BeginAlignment writes down, before Zoom is asked, that it will be.
func (s *Store) BeginAlignment(ctx context.Context, a Alignment) (id int64, err error) {
	err = s.pool.QueryRow(ctx, `INSERT INTO alignments (host_id, account_id, setting, before, after, started_at) VALUES ($1,$2,$3,$4,$5,now()) RETURNING id`,
		a.HostID, a.AccountID, a.Setting, a.Before, a.After).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("begin to align host %s: %w", a.HostID, err)
	}
	return id, nil
}

// EndAlignment says what was read back. The host's settings must be read again.
func (s *Store) EndAlignment(ctx context.Context, id int64, result, detail string) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE alignments SET result = $2, detail = $3, ended_at = now() WHERE id = $1`, id, result, detail); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE hosts SET read_at = NULL WHERE (account_id, host_id) = (SELECT account_id, host_id FROM alignments WHERE id = $1)`, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("end alignment %d: %w", id, err)
	}
	return nil
}

// UndoAlignment notes that an alignment was put back.
func (s *Store) UndoAlignment(ctx context.Context, id int64) error {
	_, err := s.pool.Exec(ctx, `UPDATE alignments SET result = 'undone', undone_at = now(), ended_at = coalesce(ended_at, now()) WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("undo alignment %d: %w", id, err)
	}
	return nil
}
