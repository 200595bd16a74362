package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// RepairResult is what became of a repair.
type RepairResult string

// The results of a repair, a closed set.
const (
	RepairUnfinished  RepairResult = "unfinished"
	RepairHeld        RepairResult = "held"
	RepairOverwritten RepairResult = "overwritten"
	RepairRefused     RepairResult = "refused"
	RepairBusy        RepairResult = "busy"
	RepairOpened      RepairResult = "opened" // it left the meeting without a security option
	RepairAbandoned   RepairResult = "abandoned"
)

// RepairResults is the closed set, for tests that hold other places to it.
func RepairResults() []RepairResult {
	return []RepairResult{RepairUnfinished, RepairHeld, RepairOverwritten, RepairRefused, RepairBusy, RepairOpened, RepairAbandoned}
}

// Repair is one row of repairs.
type Repair struct {
	ID        int64           `json:"id" db:"id"`
	Remedy    passcode.Remedy `json:"remedy" db:"remedy"`
	Result    RepairResult    `json:"result" db:"result"`
	Reasons   Reasons         `json:"reasons" db:"reasons"`
	Why       string          `json:"why" db:"why"`
	Detail    string          `json:"detail,omitempty" db:"detail"` // what Zoom said, when it refused
	ZoomCalls int             `json:"zoom_calls" db:"zoom_calls"`
	StartedAt time.Time       `json:"started_at" db:"started_at"`
	EndedAt   time.Time       `json:"ended_at,omitzero" db:"ended_at"`
	// Under is the key of everything that the attempt rested on.
	Under string `json:"-" db:"under"`
	// What was asked for.
	AskedPasscode    string `json:"asked_passcode" db:"asked_passcode"`
	AskedWaitingRoom bool   `json:"asked_waiting_room" db:"asked_waiting_room"`
	// DespiteHold: it puts right what a change that was begun before left open.
	DespiteHold bool `json:"-" db:"-"`
	// Budget is what it may take of the host's day; its zero value counts it only.
	Budget Budget `json:"-" db:"-"`
}

// Ask is the request that the repair stands for.
func (r Repair) Ask() passcode.Request {
	ask := passcode.Request{Update: true}
	_ = ask.Passcode.UnmarshalText([]byte(r.AskedPasscode)) // a word of another version asks for nothing
	if r.AskedWaitingRoom {
		ask.WaitingRoom = passcode.AskOn
	}
	return ask
}

var repairColumns = columns[Repair]()

// Remembered is what the history of a meeting says to a new check.
type Remembered struct {
	// Held counts the repairs of the last day that were read back as held, HeldWeek those of
	// the last seven days, HeldMonth those of the last thirty.
	Held, HeldWeek, HeldMonth int
	// UndoneBy is the operator of the last event about the meeting, "" when none
	// was named.
	UndoneBy string
	// Unfinished is a repair whose worker died between asking and reading back;
	// its ID is 0 when there is none.
	Unfinished Repair
	// Hold: somebody said that the meeting is to be left as it is; zero: nobody.
	Hold Hold
	// Failed are the newest failures, newest first: at most a few of each key
	// matter.
	Failed []Repair
}

// failuresKept bounds what is remembered of failures at a check.
const failuresKept = 20

// Remember reads a meeting's history for a check.
func (s *Store) Remember(ctx context.Context, accountID string, meetingID int64) (r Remembered, err error) {
	var b pgx.Batch
	b.Queue(`SELECT day, week, month,
		coalesce((SELECT operator FROM events WHERE account_id = $2 AND meeting_id = $1 AND operator <> '' AND event <> 'meeting.created' ORDER BY recorded_at DESC LIMIT 1), '')
		FROM (SELECT count(*) AS month, count(*) FILTER (WHERE ended_at > now() - interval '1 day') AS day, count(*) FILTER (WHERE ended_at > now() - interval '7 days') AS week
			FROM repairs WHERE account_id = $2 AND meeting_id = $1 AND result = 'held' AND ended_at > now() - interval '30 days') past`, meetingID, accountID)
	b.Queue(`SELECT `+repairColumns+` FROM repairs WHERE account_id = $2 AND meeting_id = $1 AND result = 'unfinished' ORDER BY id DESC LIMIT 1`, meetingID, accountID)
	b.Queue(`SELECT `+repairColumns+` FROM repairs WHERE account_id = $3 AND meeting_id = $1 AND result IN ('overwritten', 'refused', 'busy', 'opened') ORDER BY id DESC LIMIT $2`, meetingID, failuresKept, accountID)
	b.Queue(`SELECT `+holdColumns+` FROM holds h WHERE `+holdsMeeting, accountID, meetingID)
	res := s.pool.SendBatch(ctx, &b)
	defer func() {
		if cerr := res.Close(); err == nil && cerr != nil {
			err = cerr
		}
		if err != nil {
			err = fmt.Errorf("read the history of meeting %d: %w", meetingID, err)
		}
	}()
	if err := res.QueryRow().Scan(&r.Held, &r.HeldWeek, &r.HeldMonth, &r.UndoneBy); err != nil {
		return r, err
	}
	unfinished, err := collectRepairs(res.Query())
	if err != nil {
		return r, err
	}
	if len(unfinished) > 0 {
		r.Unfinished = unfinished[0]
	}
	if r.Failed, err = collectRepairs(res.Query()); err != nil {
		return r, err
	}
	r.Hold, err = strongestHold(res.Query())
	return r, err
}

func collectRepairs(rows pgx.Rows, err error) ([]Repair, error) {
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[Repair])
}

// BeginRepair writes down, before Zoom is asked, that it will be: should the
// worker die before it has read back, the next check knows that it must. The
// meeting must be read before anything else is decided from here on. before is
// the passcode that the meeting has, "" if it is not known: it is kept, so that
// whoever finishes the repair can put it back. rotated, if not nil, makes the
// alert for one that became another since it was last seen. A *HeldError says that
// somebody holds the meeting, or its host as the claim names them: nothing is begun. A
// *BudgetError says the same of what the host's day does not allow.
func (s *Store) BeginRepair(ctx context.Context, c MeetingClaim, r Repair, before secret.String, rotated RotatedAlert) (Repair, error) {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		reasons, err := jsonb(r.Reasons)
		if err != nil {
			return err
		}
		if hold, err := strongestHold(tx.Query(ctx, `SELECT `+holdColumns+` FROM holds h WHERE `+holdsMeetingOf, c.Meeting.AccountID, c.Meeting.ID, c.Meeting.HostID)); err != nil || hold.Kind != "" && !r.DespiteHold {
			return errors.Join(err, heldBy(hold))
		}
		if _, err := tx.Exec(ctx, `UPDATE meetings SET must_read = true WHERE account_id = $1 AND meeting_id = $2`, c.Meeting.AccountID, c.Meeting.ID); err != nil {
			return err
		}
		if c.Meeting.HostID != "" {
			day, err := spend(ctx, tx, c.Meeting.AccountID, c.Meeting.HostID, r.Budget)
			if err != nil {
				return err
			}
			if err := budgetLow(ctx, tx, c.Meeting.AccountID, day, r.Budget); err != nil {
				return err
			}
		}
		if before != "" {
			if err := savePasscodes(ctx, tx, []SeenMeeting{{Meeting: c.Meeting, Passcode: &PasscodeSeen{Value: before}}}, rotated); err != nil {
				return err
			}
		}
		return tx.QueryRow(ctx, `INSERT INTO repairs (meeting_id, host_id, remedy, reasons, why, under, asked_passcode, asked_waiting_room, account_id, started_at)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,now()) RETURNING id, started_at`,
			c.Meeting.ID, c.Meeting.HostID, r.Remedy, reasons, r.Why, r.Under, r.AskedPasscode, r.AskedWaitingRoom, c.Meeting.AccountID).Scan(&r.ID, &r.StartedAt)
	})
	if err != nil {
		return r, fmt.Errorf("begin the repair of meeting %d: %w", c.Meeting.ID, err)
	}
	r.Result = RepairUnfinished
	return r, nil
}

// EndRepair ends a repair while its check goes on: another follows it.
func (s *Store) EndRepair(ctx context.Context, c MeetingClaim, r Repair) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		return endRepair(ctx, tx, c.Meeting, r)
	})
	if err != nil {
		return fmt.Errorf("end the repair of meeting %d: %w", c.Meeting.ID, err)
	}
	return nil
}

func endRepair(ctx context.Context, tx pgx.Tx, m Meeting, r Repair) error {
	_, err := tx.Exec(ctx, `UPDATE repairs SET result = $3, detail = $4, zoom_calls = $5, ended_at = now()
		WHERE id = $1 AND meeting_id = $2 AND account_id = $6 AND result = 'unfinished'`, r.ID, m.ID, r.Result, r.Detail, r.ZoomCalls, m.AccountID)
	return err
}
