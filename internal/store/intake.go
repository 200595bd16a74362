package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Event is one row of events. It holds nothing of the body.
type Event struct {
	ID         string
	AccountID  string
	Name       string
	At         time.Time // zero: the event did not say
	ReceivedAt time.Time
	RequestID  string
	MeetingID  int64  // 0: not about a meeting
	HostID     string // "": not about a host's settings
	Operator   string
}

// IntakeTx is what an event may do within the one transaction that records it.
type IntakeTx struct {
	tx    pgx.Tx
	event Event
	woken bool
	sweep bool // no event: what it names was found in the governed accounts
}

// Intake records an event once and lets apply do what follows from it, in one
// transaction. For an event that was recorded before, apply is not called and
// recorded is false.
func (s *Store) Intake(ctx context.Context, e Event, apply func(*IntakeTx) error) (recorded bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		var meeting *int64
		if e.MeetingID != 0 {
			meeting = &e.MeetingID
		}
		tag, err := tx.Exec(ctx, `INSERT INTO events (event_id, account_id, event, event_at, received_at, request_id, meeting_id, host_id, operator)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9) ON CONFLICT DO NOTHING`,
			e.ID, e.AccountID, e.Name, null(e.At), e.ReceivedAt, e.RequestID, meeting, e.HostID, e.Operator)
		if err != nil {
			return err
		}
		if recorded = tag.RowsAffected() == 1; !recorded {
			return nil
		}
		it := &IntakeTx{tx: tx, event: e}
		if err := apply(it); err != nil {
			return err
		}
		if it.woken {
			return notify(ctx, tx)
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("record event %s: %w", e.ID, err)
	}
	return recorded, nil
}

// Meeting gives the row as it is, made if need be, locked until the
// transaction ends.
func (t *IntakeTx) Meeting(ctx context.Context, id int64) (Meeting, error) {
	return lockMeeting(ctx, t.tx, id, t.event.AccountID)
}

// SaveMeeting writes what was seen of a meeting. passcode nil leaves the known
// passcode alone, "" forgets it.
func (t *IntakeTx) SaveMeeting(ctx context.Context, m Meeting, passcode *string) error {
	if err := saveSeen(ctx, t.tx, m); err != nil {
		return err
	}
	if passcode == nil {
		return nil
	}
	return savePasscode(ctx, t.tx, m.ID, *passcode, PasscodeOfZoom, t.event.ReceivedAt)
}

// MarkMeeting makes a meeting due now. A check that is running will not
// swallow it.
func (t *IntakeTx) MarkMeeting(ctx context.Context, id int64, why string) error {
	t.woken = true
	_, err := t.tx.Exec(ctx, `UPDATE meetings SET due_at = now(), due_why = $2, generation = generation + 1, attempts = 0 WHERE meeting_id = $1`, id, why)
	return err
}

// HostChangedAt says when this host's settings were last told to have changed;
// zero when never.
func (t *IntakeTx) HostChangedAt(ctx context.Context, hostID string) (time.Time, error) {
	var at *time.Time
	err := t.tx.QueryRow(ctx, `SELECT max(changed_at) FROM hosts WHERE host_id = $1`, hostID).Scan(&at)
	return orZero(at), err
}

// Passcode gives the passcode that is known of a meeting, "" when none is.
func (t *IntakeTx) Passcode(ctx context.Context, id int64) (string, error) {
	var known string
	err := t.tx.QueryRow(ctx, `SELECT coalesce((SELECT passcode FROM passcodes WHERE meeting_id = $1), '')`, id).Scan(&known)
	return known, err
}

// RepairUnderWay says whether a repair of the meeting is not read back yet.
func (t *IntakeTx) RepairUnderWay(ctx context.Context, id int64) (bool, error) {
	var yes bool
	err := t.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM repairs WHERE meeting_id = $1 AND result = 'unfinished')`, id).Scan(&yes)
	return yes, err
}

// HostChanged notes that a host's settings changed: they must be read again,
// the host's meetings be listed, and every upcoming meeting known already is
// due, to be read before anything is decided. One set-based statement, however
// many meetings there are.
func (t *IntakeTx) HostChanged(ctx context.Context, hostID string, at time.Time, why string) error {
	return t.HostsChanged(ctx, []string{hostID}, at, why)
}

// SettingChange is one row of setting_changes.
type SettingChange struct {
	What      string          `json:"what"` // one of ChangeKinds
	Level     passcode.Level  `json:"level"`
	LevelID   string          `json:"level_id"`
	Setting   string          `json:"setting"`
	Old       passcode.Toggle `json:"old"`
	New       passcode.Toggle `json:"new"`
	ChangedBy string          `json:"changed_by,omitempty"`
	ChangedAt time.Time       `json:"changed_at,omitzero"`
}

// What a change of a setting was.
const (
	ChangedValue = "value" // turned on or off
	ChangedLock  = "lock"  // locked (on) or unlocked (off)
)

// ChangeKinds is the closed set, for tests that hold other places to it.
func ChangeKinds() []string { return []string{ChangedValue, ChangedLock} }

// SaveChanges records who changed which setting.
func (t *IntakeTx) SaveChanges(ctx context.Context, changes []SettingChange) error {
	var b pgx.Batch
	for _, c := range changes {
		b.Queue(`INSERT INTO setting_changes (event_id, level, level_id, setting, old_value, new_value, changed_by, changed_at, what)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,coalesce(nullif($9, ''), 'value'))`, t.event.ID, c.Level, c.LevelID, c.Setting, c.Old.String(), c.New.String(), c.ChangedBy, null(c.ChangedAt), c.What)
	}
	return t.tx.SendBatch(ctx, &b).Close()
}

// dueChannel wakes workers; losing a notification only costs them a poll.
const dueChannel = "latchkey_due"

func notify(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify('`+dueChannel+`', '')`)
	return err
}
