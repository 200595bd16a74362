package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/secret"
)

// Passcode is one row of passcodes.
type Passcode struct {
	AccountID string
	MeetingID int64
	Value     secret.String
	Source    string // one of PasscodeSources
	Removed   bool   // the meeting does not have it any more
	SeenAt    time.Time
}

// Who made a passcode.
const (
	PasscodeOfZoom = "zoom"     // Zoom, or somebody in Zoom
	PasscodeOfOurs = "latchkey" // the policy known-passcode
)

// PasscodeSources is the closed set, for tests that hold other places to it.
func PasscodeSources() []string { return []string{PasscodeOfZoom, PasscodeOfOurs} }

// The states of a stored passcode.
const (
	passcodeCurrent = "current"
	passcodeRemoved = "removed"
)

// PasscodeStates is the closed set, for tests that hold other places to it.
func PasscodeStates() []string { return []string{passcodeCurrent, passcodeRemoved} }

// Passcode reads the passcode that a meeting has; ErrNotFound when none is
// known. A passcode that was removed is not one that it has.
func (s *Store) Passcode(ctx context.Context, accountID string, id int64) (Passcode, error) {
	p, err := s.RememberedPasscode(ctx, accountID, id)
	if err == nil && p.Removed {
		return Passcode{}, fmt.Errorf("read the passcode of meeting %d: %w", id, ErrNotFound)
	}
	return p, err
}

// RememberedPasscode reads the passcode that a meeting has or last had, to put
// it back; ErrNotFound when none is known.
func (s *Store) RememberedPasscode(ctx context.Context, accountID string, id int64) (Passcode, error) {
	p := Passcode{AccountID: accountID, MeetingID: id}
	var value, state string
	err := s.pool.QueryRow(ctx, `SELECT passcode, source, state, seen_at FROM passcodes WHERE account_id = $1 AND meeting_id = $2`, accountID, id).Scan(&value, &p.Source, &state, &p.SeenAt)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read the passcode of meeting %d: %w", id, err)
	}
	p.Value, p.Removed = secret.String(value), state == passcodeRemoved
	return p, nil
}

// PasscodeSeen is a passcode that was seen of a meeting: "" when it has none.
type PasscodeSeen struct {
	Value    secret.String
	Source   string // "" means PasscodeOfZoom
	Operator string // who set it, if an event named them
}

// savePasscode keeps the one passcode that is known. One that the meeting does
// not have any more is marked as removed, not forgotten. It returns whether one
// passcode became another: copies and links of the old one are then stale.
func savePasscode(ctx context.Context, tx pgx.Tx, accountID string, id int64, p PasscodeSeen) (rotated bool, err error) {
	if p.Value == "" {
		_, err := tx.Exec(ctx, `UPDATE passcodes SET state = 'removed' WHERE account_id = $1 AND meeting_id = $2`, accountID, id)
		return false, err
	}
	source := cmp.Or(p.Source, PasscodeOfZoom)
	err = tx.QueryRow(ctx, `WITH old AS (SELECT passcode FROM passcodes WHERE account_id = $4 AND meeting_id = $1 AND state = 'current')
		INSERT INTO passcodes (meeting_id, passcode, source, account_id, seen_at) VALUES ($1, $2, $3, $4, now())
		ON CONFLICT (account_id, meeting_id) DO UPDATE SET passcode = excluded.passcode, seen_at = excluded.seen_at, state = 'current',
			source = CASE WHEN passcodes.passcode = excluded.passcode AND $3 = 'zoom' THEN passcodes.source ELSE excluded.source END
		RETURNING coalesce((SELECT passcode <> $2 FROM old), false)`, id, p.Value.Reveal(), source, accountID).Scan(&rotated)
	if err != nil || !rotated {
		return false, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO passcode_changes (account_id, meeting_id, changed_by, operator) VALUES ($1, $2, $3, $4)`, accountID, id, source, p.Operator)
	return true, err
}

// RotatedAlert is the alert that tells that a meeting's passcode became another
// one; it is written by whoever records the new one.
type RotatedAlert func(m Meeting, p PasscodeSeen) Alert
