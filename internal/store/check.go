package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// The results of a repair, a closed set.
const (
	RepairUnfinished  = "unfinished"
	RepairHeld        = "held"
	RepairOverwritten = "overwritten"
	RepairRefused     = "refused"
	RepairAbandoned   = "abandoned"
)

// RepairResults is the closed set, for tests that hold other places to it.
func RepairResults() []string {
	return []string{RepairUnfinished, RepairHeld, RepairOverwritten, RepairRefused, RepairAbandoned}
}

// Repair is one row of repairs.
type Repair struct {
	ID        int64             `json:"id"`
	Remedy    passcode.Remedy   `json:"remedy"`
	Result    string            `json:"result"`
	Reasons   []passcode.Reason `json:"reasons"`
	Why       string            `json:"why"`
	Detail    string            `json:"detail,omitempty"` // what Zoom said, when it refused
	ZoomCalls int               `json:"zoom_calls"`
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
}

// Remembered is what the history of a meeting says to a new check.
type Remembered struct {
	// HeldClears counts the clears of the last day that were read back as held.
	HeldClears int
	// Unfinished is a repair whose worker died between asking and reading back;
	// its ID is 0 when there is none.
	Unfinished Repair
	// LastResult is how the last finished repair ended; "" when there was none.
	LastResult string
}

// Remember reads a meeting's history for a check.
func (s *Store) Remember(ctx context.Context, meetingID int64, now time.Time) (Remembered, error) {
	var r Remembered
	var reasons []byte
	var id *int64
	var remedy, why *string
	var started *time.Time
	err := s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM repairs WHERE meeting_id = $1 AND result = 'held' AND ended_at > $2), u.id, u.remedy, u.reasons, u.why, u.started_at,
		coalesce((SELECT result FROM repairs WHERE meeting_id = $1 AND result IN ('held', 'overwritten', 'refused') ORDER BY id DESC LIMIT 1), '')
		FROM (SELECT) one LEFT JOIN LATERAL (SELECT * FROM repairs WHERE meeting_id = $1 AND result = 'unfinished' ORDER BY id DESC LIMIT 1) u ON true`,
		meetingID, now.Add(-24*time.Hour)).Scan(&r.HeldClears, &id, &remedy, &reasons, &why, &started, &r.LastResult)
	if err == nil && id != nil {
		r.Unfinished = Repair{ID: *id, Remedy: passcode.Remedy(*remedy), Why: *why, StartedAt: *started, Result: RepairUnfinished}
		err = decode("reasons", reasons, &r.Unfinished.Reasons)
	}
	if err != nil {
		return r, fmt.Errorf("read the history of meeting %d: %w", meetingID, err)
	}
	return r, nil
}

// BeginRepair writes down, before Zoom is asked, that it will be: should the
// worker die before it has read back, the next check knows that it must. The
// meeting must be read before anything else is decided from here on. before is
// the passcode that the meeting has, "" if it is not known: it is kept, so that
// whoever finishes the repair can put it back.
func (s *Store) BeginRepair(ctx context.Context, c MeetingClaim, r Repair, before string) (int64, error) {
	var id int64
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		reasons, err := json.Marshal(r.Reasons)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE meetings SET must_read = true WHERE meeting_id = $1`, c.Meeting.ID); err != nil {
			return err
		}
		if before != "" {
			if err := keepPasscode(ctx, tx, c.Meeting.ID, before, r.StartedAt); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `INSERT INTO repairs (meeting_id, host_id, remedy, reasons, why, started_at) VALUES ($1,$2,$3,$4,$5,$6) RETURNING id`,
			c.Meeting.ID, c.Meeting.HostID, r.Remedy, reasons, r.Why, r.StartedAt).Scan(&id)
	})
	if err != nil {
		return 0, fmt.Errorf("begin the repair of meeting %d: %w", c.Meeting.ID, err)
	}
	return id, nil
}

// AbandonRepair ends a repair that, as was read back, did not happen.
func (s *Store) AbandonRepair(ctx context.Context, c MeetingClaim, id int64, at time.Time) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE repairs SET result = 'abandoned', ended_at = $3 WHERE id = $1 AND meeting_id = $2 AND result = 'unfinished'`, id, c.Meeting.ID, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("abandon the repair of meeting %d: %w", c.Meeting.ID, err)
	}
	return nil
}

// Alert is one row of alerts. Data never holds a passcode.
type Alert struct {
	ID        string
	AccountID string
	Type      string
	Subject   string
	Data      json.RawMessage
	CreatedAt time.Time
}

// Check is the result of one check of one meeting, written in one transaction.
type Check struct {
	// Meeting carries what was seen and decided. Its schedule fields are not used.
	Meeting Meeting
	// Passcode is the one that was read: nil not read, "" there is none.
	Passcode *string
	// PasscodeSource goes with Passcode; "" means PasscodeOfZoom.
	PasscodeSource string
	// Repair finishes the repair of that ID; ID 0: none.
	Repair Repair
	Alerts []Alert
	// Next is when to check again by itself; zero: when something happens.
	Next    time.Time
	NextWhy string
}

// Complete records a check. What arrived during it is not swallowed: the
// meeting then stays due, and a newer sighting of it stays as it is.
func (s *Store) Complete(ctx context.Context, c MeetingClaim, k Check) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		current, err := scanMeeting(tx.QueryRow(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE meeting_id = $1`, c.Meeting.ID))
		if err != nil {
			return err
		}
		undisturbed := current.Generation == c.generation
		m := k.Meeting
		if undisturbed || m.ObservedAt.After(current.ObservedAt) {
			if !undisturbed {
				m.MustRead = true
			}
			if err := saveSeen(ctx, tx, m); err != nil {
				return err
			}
			if k.Passcode != nil {
				if err := savePasscode(ctx, tx, m.ID, *k.Passcode, cmp.Or(k.PasscodeSource, PasscodeOfZoom), m.ObservedAt); err != nil {
					return err
				}
			}
		}
		if err := saveVerdict(ctx, tx, current, m); err != nil {
			return err
		}
		if k.Repair.ID != 0 {
			if _, err := tx.Exec(ctx, `UPDATE repairs SET result=$2, detail=$3, zoom_calls=$4, ended_at=$5 WHERE id=$1`,
				k.Repair.ID, k.Repair.Result, k.Repair.Detail, k.Repair.ZoomCalls, k.Repair.EndedAt); err != nil {
				return err
			}
		}
		for _, a := range k.Alerts {
			if _, err := tx.Exec(ctx, `INSERT INTO alerts (account_id, type, subject, data) VALUES ($1,$2,$3,$4)`, a.AccountID, a.Type, a.Subject, a.Data); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `UPDATE meetings SET lease_owner = NULL, lease_until = NULL, attempts = 0, last_error = '',
			due_at = CASE WHEN generation = $2 THEN $3 ELSE due_at END,
			due_why = CASE WHEN generation = $2 THEN $4 ELSE due_why END WHERE meeting_id = $1`,
			m.ID, c.generation, null(k.Next), k.NextWhy)
		return err
	})
	if err != nil {
		return fmt.Errorf("record the check of meeting %d: %w", c.Meeting.ID, err)
	}
	return nil
}

// saveVerdict writes the verdict, and a row of history when it changed.
func saveVerdict(ctx context.Context, tx pgx.Tx, old, m Meeting) error {
	if m.Outcome == "" {
		return nil
	}
	if m.Reasons == nil {
		m.Reasons = []passcode.Reason{}
	}
	reasons, err := json.Marshal(m.Reasons)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE meetings SET outcome=$2, remedy=$3, reasons=$4, why=$5, decided_at=$6, overwritten_under=$7,
		demanding_since = CASE WHEN $2 = 'demands_passcode' THEN coalesce(demanding_since, $6) WHEN $2 = 'joinable' THEN NULL ELSE demanding_since END
		WHERE meeting_id=$1`, m.ID, m.Outcome, m.Remedy, reasons, m.Why, m.DecidedAt, m.OverwrittenUnder); err != nil {
		return err
	}
	if old.Outcome == m.Outcome && old.Remedy == m.Remedy && old.Why == m.Why {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO verdicts (meeting_id, outcome, remedy, reasons, why, decided_at) VALUES ($1,$2,$3,$4,$5,$6)`,
		m.ID, m.Outcome, m.Remedy, reasons, m.Why, m.DecidedAt)
	return err
}
