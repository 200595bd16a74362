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

// savePasscodes keeps the one passcode that is known of each meeting, of which each
// is there once. One that a meeting does not have any more is marked as removed,
// not forgotten. Where one passcode became another, copies and links of the old one
// are stale: that is written down, and told by the alert that rotated makes, if not
// nil.
func savePasscodes(ctx context.Context, tx pgx.Tx, seen []SeenMeeting, rotated RotatedAlert) error {
	byID := make(map[int64]SeenMeeting, len(seen))
	var ids, gone []int64
	var values, sources []string
	account := ""
	for _, m := range seen {
		account = m.AccountID
		byID[m.ID] = m
		if m.Passcode.Value == "" {
			gone = append(gone, m.ID)
			continue
		}
		ids, values, sources = append(ids, m.ID), append(values, m.Passcode.Value.Reveal()), append(sources, cmp.Or(m.Passcode.Source, PasscodeOfZoom))
	}
	if len(gone) > 0 {
		if _, err := tx.Exec(ctx, `UPDATE passcodes SET state = 'removed' WHERE account_id = $1 AND meeting_id = ANY($2)`, account, gone); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, `WITH seen AS (SELECT * FROM unnest($2::bigint[], $3::text[], $4::text[]) AS s(meeting_id, passcode, source)),
		old AS (SELECT meeting_id, p.passcode FROM passcodes p JOIN seen USING (meeting_id) WHERE p.account_id = $1 AND p.meeting_id = ANY($2) AND p.state = 'current'),
		saved AS (INSERT INTO passcodes (meeting_id, passcode, source, account_id, seen_at) SELECT meeting_id, passcode, source, $1, now() FROM seen ORDER BY meeting_id
			ON CONFLICT (account_id, meeting_id) DO UPDATE SET passcode = excluded.passcode, seen_at = excluded.seen_at, state = 'current',
				source = CASE WHEN passcodes.passcode = excluded.passcode AND excluded.source = 'zoom' THEN passcodes.source ELSE excluded.source END)
		SELECT meeting_id FROM old JOIN seen USING (meeting_id) WHERE old.passcode <> seen.passcode ORDER BY meeting_id`, account, ids, values, sources)
	if err != nil {
		return err
	}
	became, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(became) == 0 {
		return err
	}
	var by, operators []string
	var alerts []Alert
	for _, id := range became {
		m := byID[id]
		by, operators = append(by, cmp.Or(m.Passcode.Source, PasscodeOfZoom)), append(operators, m.Passcode.Operator)
		if rotated != nil {
			alerts = append(alerts, rotated(m.Meeting, *m.Passcode))
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO passcode_changes (account_id, meeting_id, changed_by, operator) SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[])`,
		account, became, by, operators); err != nil {
		return err
	}
	return saveAlerts(ctx, tx, alerts...)
}

// RotatedAlert is the alert that tells that a meeting's passcode became another
// one; it is written by whoever records the new one.
type RotatedAlert func(m Meeting, p PasscodeSeen) Alert
