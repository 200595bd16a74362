package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// fanout is one row of fanouts: a change of a level, and how far it is marked.
type fanout struct {
	ID        int64          `db:"id"`
	AccountID string         `db:"account_id"`
	Level     passcode.Level `db:"level"`
	LevelID   string         `db:"level_id"`
	At        time.Time      `db:"changed_at"`
	Why       string         `db:"why"`
	Trace     string         `db:"trace"`
	Move      Move           `db:"-"`
	Phase     string         `db:"phase"`
	Cursor    string         `db:"cursor"`
}

// What is marked, in this order.
const (
	phaseHosts    = "hosts"
	phaseMeetings = "meetings"
)

// fanoutStep is how many hosts, or meetings, one transaction marks.
const fanoutStep = 500

// fanOut marks what a change reaches, if that is little, else leaves it to FanOut.
func fanOut(ctx context.Context, tx pgx.Tx, f fanout) error {
	// One that nobody has begun takes this one in: a thousand changes while a worker is
	// busy are one.
	tag, err := tx.Exec(ctx, `UPDATE fanouts f SET changed_at = greatest(f.changed_at, $4), why = $5, trace = $6, profile = f.profile OR $8, list = f.list OR $9, security_alone = f.security_alone AND $10,
			meetings = CASE WHEN f.meetings = 2 AND $11 OR f.takes_back AND $7 = 2 THEN 3 ELSE greatest(f.meetings, $7) END, takes_back = f.takes_back OR $11
		WHERE account_id = $1 AND level = $2 AND level_id = $3 AND phase = 'hosts' AND cursor = ''`,
		f.AccountID, f.Level, f.LevelID, f.At, f.Why, f.Trace, int(f.Move.Meetings), f.Move.Profile, f.Move.List, f.Move.SecurityAlone, f.Move.TakesBack)
	if err != nil || tag.RowsAffected() > 0 {
		return err
	}
	// While others are at an earlier one of the level, all of it is left to them.
	busy := false
	if err := tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM fanouts WHERE account_id = $1 AND level = $2 AND level_id = $3)`, f.AccountID, f.Level, f.LevelID).Scan(&busy); err != nil {
		return err
	}
	f.Phase = phaseHosts
	for n := 0; !busy && f.Phase != "" && n < fanoutStep; {
		if n, err = f.step(ctx, tx); err != nil {
			return err
		}
	}
	if f.Phase == "" {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO fanouts (account_id, level, level_id, changed_at, why, trace, meetings, profile, list, security_alone, takes_back, phase, cursor) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)
		ON CONFLICT (account_id, level, level_id) WHERE phase = 'hosts' AND cursor = '' DO UPDATE SET meetings = 3`,
		f.AccountID, f.Level, f.LevelID, f.At, f.Why, f.Trace, int(f.Move.Meetings), f.Move.Profile, f.Move.List, f.Move.SecurityAlone, f.Move.TakesBack, f.Phase, f.Cursor)
	return err
}

// step marks the next of the phase and moves on; Phase is "" after the last.
//
// Hosts come first and are all marked before any meeting is: whoever checks a meeting
// that is marked finds its host's settings out of date.
func (f *fanout) step(ctx context.Context, tx pgx.Tx) (n int, err error) {
	hosts, meetings := hostsOfAccount, meetingsOfAccount
	if f.Level == passcode.LevelGroup {
		hosts, meetings = hostsOfGroup, meetingsOfGroup
	}
	const next = `SELECT count(*), coalesce((SELECT id FROM reached ORDER BY id DESC LIMIT 1)::text, '') FROM reached`
	if f.Phase == phaseHosts {
		err = tx.QueryRow(ctx, `WITH reached AS (SELECT h.host_id AS id FROM hosts h WHERE h.account_id = $3 AND $1::text <> '' AND h.host_id > $9 AND `+hosts+` ORDER BY h.host_id LIMIT $10 FOR NO KEY UPDATE OF h),
			marked AS (`+markHosts+`h.host_id IN (SELECT id FROM reached)) `+next,
			f.LevelID, f.Why, f.AccountID, f.At, f.Trace, f.Move.Profile, f.Move.List, f.Move.SecurityAlone, f.Cursor, fanoutStep).Scan(&n, &f.Cursor)
		if err == nil && n < fanoutStep {
			f.Phase, f.Cursor = phaseMeetings, ""
		}
		return n, err
	}
	if f.Cursor == "" {
		f.Cursor = "0"
	}
	err = tx.QueryRow(ctx, `WITH reached AS (SELECT m.meeting_id AS id FROM meetings m WHERE m.account_id = $3 AND $1::text <> '' AND m.meeting_id > $7::bigint AND m.status IN ('scheduled', 'started')
				AND (m.expires_at IS NULL OR m.expires_at > now()) AND `+meetings+` ORDER BY m.meeting_id LIMIT $8 FOR NO KEY UPDATE OF m),
		marked AS (`+markMeetings+`m.meeting_id IN (SELECT id FROM reached)) `+next,
		f.LevelID, f.Why, f.AccountID, f.Trace, int(f.Move.Meetings), f.Move.TakesBack, f.Cursor, fanoutStep).Scan(&n, &f.Cursor)
	if err == nil && n < fanoutStep {
		f.Phase, f.Cursor = "", ""
	}
	return n, err
}

// FanOut marks some more of what a change of a group or an account reaches; more says
// that there is more to mark. Any number of workers may do it at once, and go on where
// one was killed.
func (s *Store) FanOut(ctx context.Context) (more bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		type row struct {
			fanout
			Meetings int  `db:"meetings"`
			Profile  bool `db:"profile"`
			List     bool `db:"list"`
			Alone    bool `db:"security_alone"`
			Back     bool `db:"takes_back"`
		}
		rows, err := tx.Query(ctx, `SELECT id, account_id, level, level_id, changed_at, why, trace, phase, cursor, meetings, profile, list, security_alone, takes_back FROM fanouts ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED`)
		if err != nil {
			return err
		}
		r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[row])
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		f := r.fanout
		f.Move = Move{Meetings: Moved(r.Meetings), TakesBack: r.Back, Profile: r.Profile, List: r.List, SecurityAlone: r.Alone}
		if f.Phase == phaseHosts && f.Cursor == "" {
			// It is begun now: what comes is another one.
			f.Cursor = " "
		}
		if _, err := f.step(ctx, tx); err != nil {
			return err
		}
		more = true
		if f.Phase == "" {
			_, err = tx.Exec(ctx, `DELETE FROM fanouts WHERE id = $1`, f.ID)
		} else {
			_, err = tx.Exec(ctx, `UPDATE fanouts SET phase = $2, cursor = $3 WHERE id = $1`, f.ID, f.Phase, f.Cursor)
		}
		if err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return false, fmt.Errorf("mark what a change reaches: %w", err)
	}
	return more, nil
}
