package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Hold is one row of holds: what is to be left as it is.
type Hold struct {
	Kind      passcode.HoldKind `json:"kind" db:"kind"`
	AccountID string            `json:"account_id,omitempty" db:"account_id"` // "" for all
	ID        string            `json:"id,omitempty" db:"id"`                 // the meeting's number, the host's id; the account's for an account
	Reason    string            `json:"reason" db:"reason"`
	By        string            `json:"held_by" db:"held_by"`
	At        time.Time         `json:"held_at,omitzero" db:"held_at"`
	Until     time.Time         `json:"until,omitzero" db:"until"` // zero: until it is released
}

// Rule is the hold as the rule sees it; nothing for the zero value.
func (h Hold) Rule() passcode.Hold {
	return passcode.Hold{Of: h.Kind, By: h.By, Why: h.Reason, Until: h.Until}
}

// HeldError says that a change was not begun, since somebody holds the meeting.
type HeldError struct{ Hold Hold }

func (e *HeldError) Error() string { return e.Hold.By + " holds it" }

func heldBy(h Hold) error {
	if h.Kind == "" {
		return nil
	}
	return &HeldError{Hold: h}
}

var holdColumns = columns[Hold]()

// What holds an account ($1), a meeting of it ($2), a meeting and its host ($3).
const (
	holds        = `(h.until IS NULL OR h.until > now()) AND `
	holdsAccount = `(h.kind = 'all' OR h.kind = 'account' AND h.account_id = $1)`
	holdsMeeting = holds + `(` + holdsAccount + ` OR h.account_id = $1 AND (h.kind = 'meeting' AND h.id = $2::bigint::text
		OR h.kind = 'host' AND h.id = (SELECT m.host_id FROM meetings m WHERE m.account_id = $1 AND m.meeting_id = $2)))`
	holdsMeetingOf = holds + `(` + holdsAccount + ` OR h.account_id = $1 AND (h.kind = 'meeting' AND h.id = $2::bigint::text OR h.kind = 'host' AND h.id = $3))`
	holdsHost      = holds + `(` + holdsAccount + ` OR h.account_id = $1 AND h.kind = 'host' AND h.id = $2)`
)

// strongestHold is the one that lasts longest.
func strongestHold(rows pgx.Rows, err error) (h Hold, _ error) {
	if err != nil {
		return h, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Hold])
	for _, one := range all {
		if h.Kind == "" || !h.Until.IsZero() && (one.Until.IsZero() || one.Until.After(h.Until)) {
			h = one
		}
	}
	return h, err
}

// HeldHost returns what holds a host; zero for nothing.
func (s *Store) HeldHost(ctx context.Context, accountID, hostID string) (Hold, error) {
	h, err := strongestHold(s.pool.Query(ctx, `SELECT `+holdColumns+` FROM holds h WHERE `+holdsHost, accountID, hostID))
	if err != nil {
		return h, fmt.Errorf("read what holds host %s: %w", hostID, err)
	}
	return h, nil
}

// Holds lists what is held now, the newest first.
func (s *Store) Holds(ctx context.Context) ([]Hold, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+holdColumns+` FROM holds h WHERE `+holds+`true ORDER BY held_at DESC, kind, account_id, id`)
	if err == nil {
		var all []Hold
		if all, err = pgx.CollectRows(rows, pgx.RowToStructByName[Hold]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("read what is held: %w", err)
}

// markHeld makes due what a hold is about: a check then says so, or goes on.
const markHeld = `UPDATE meetings m SET due_at = now(), due_why = $4, generation = generation + 1, attempts = 0
	WHERE m.status IN ('scheduled', 'started') AND (m.expires_at IS NULL OR m.expires_at > now()) AND m.outcome IS NOT NULL
		AND (m.outcome <> 'joinable' OR m.stripped)
		AND CASE $1 WHEN 'all' THEN true WHEN 'account' THEN m.account_id = $2 WHEN 'host' THEN m.account_id = $2 AND m.host_id = $3
			ELSE m.account_id = $2 AND m.meeting_id::text = $3 END`

// Hold writes down that something is to be left as it is, in the place of what was
// said of it before, and makes due whatever that concerns. From then on no change of
// it is begun, by whichever worker. It returns how many meetings are looked at.
func (s *Store) Hold(ctx context.Context, h Hold) (meetings int64, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO holds (kind, account_id, id, reason, held_by, until) VALUES ($1,$2,$3,$4,$5,$6)
			ON CONFLICT (kind, account_id, id) DO UPDATE SET reason = excluded.reason, held_by = excluded.held_by, held_at = now(), until = excluded.until`,
			h.Kind, h.AccountID, h.ID, h.Reason, h.By, null(h.Until)); err != nil {
			return err
		}
		meetings, err = markHolds(ctx, tx, h, "held")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("hold %s %s: %w", h.Kind, h.ID, err)
	}
	return meetings, nil
}

// Release ends a hold and makes due what it was about; ErrNotFound when nothing of
// it is held.
func (s *Store) Release(ctx context.Context, h Hold) (meetings int64, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM holds WHERE kind = $1 AND account_id = $2 AND id = $3`, h.Kind, h.AccountID, h.ID)
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrNotFound
		}
		meetings, err = markHolds(ctx, tx, h, "released")
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("release %s %s: %w", h.Kind, h.ID, err)
	}
	return meetings, nil
}

func markHolds(ctx context.Context, tx pgx.Tx, h Hold, why string) (int64, error) {
	tag, err := tx.Exec(ctx, markHeld, string(h.Kind), h.AccountID, h.ID, why)
	if err != nil {
		return 0, err
	}
	return tag.RowsAffected(), notify(ctx, tx)
}
