package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
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
	// Now is the database's clock.
	Now   time.Time
	tx    pgx.Tx
	event Event
	woken bool
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
		it := &IntakeTx{tx: tx, event: e}
		err := tx.QueryRow(ctx, `INSERT INTO events (event_id, account_id, event, event_at, received_at, request_id, meeting_id, host_id, operator)
			SELECT $1,$2,$3,$4,$5,$6,$7,$8,$9 WHERE NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = $2 AND erased_at >= coalesce($4::timestamptz, $5))
			ON CONFLICT DO NOTHING RETURNING recorded_at`,
			e.ID, e.AccountID, e.Name, null(e.At), e.ReceivedAt, e.RequestID, meeting, e.HostID, e.Operator).Scan(&it.Now)
		if recorded = err == nil; errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
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

// Meeting returns the row as it is, made if need be, locked until the
// transaction ends.
func (t *IntakeTx) Meeting(ctx context.Context, id int64) (Meeting, error) {
	return lockMeeting(ctx, t.tx, id, t.event.AccountID)
}

// SaveMeeting writes what was seen of a meeting. A nil passcode leaves the known
// one alone, an empty one says that there is none. rotated, if not nil, makes
// the alert for a passcode that became another one.
func (t *IntakeTx) SaveMeeting(ctx context.Context, m Meeting, p *PasscodeSeen, rotated RotatedAlert) error {
	if err := saveSeen(ctx, t.tx, m); err != nil {
		return err
	}
	if p == nil {
		return nil
	}
	became, err := savePasscode(ctx, t.tx, m.AccountID, m.ID, *p)
	if err != nil || !became || rotated == nil {
		return err
	}
	return saveAlert(ctx, t.tx, rotated(m, *p))
}

// SetupFailed is Store.SetupFailed within the event's transaction.
func (t *IntakeTx) SetupFailed(ctx context.Context, trouble Trouble, alert Alert) (opened bool, err error) {
	return setupFailed(ctx, t.tx, trouble, alert)
}

// MarkMeeting makes a meeting due now. A check that is running will not
// swallow it.
func (t *IntakeTx) MarkMeeting(ctx context.Context, id int64, why string) error {
	t.woken = true
	_, err := t.tx.Exec(ctx, `UPDATE meetings SET due_at = now(), due_why = $2, generation = generation + 1, attempts = 0 WHERE meeting_id = $1 AND account_id = $3`, id, why, t.event.AccountID)
	return err
}

// MarkUnderPMI makes due what runs under a personal meeting id, to be read before
// anything is decided: an event under that number may mean any of it.
func (t *IntakeTx) MarkUnderPMI(ctx context.Context, pmi int64, why string) error {
	_, err := t.tx.Exec(ctx, `UPDATE meetings SET must_read = true, due_at = now(), due_why = $3, generation = generation + 1, attempts = 0
		WHERE account_id = $1 AND pmi = $2 AND pmi <> 0 AND status IN ('scheduled', 'started') AND (expires_at IS NULL OR expires_at > now())`, t.event.AccountID, pmi, why)
	return err
}

// PMIPasscode notes that the passcode of a host's personal meeting id became
// another one at a moment: it is the passcode of every meeting under it that was
// not seen since (Z-MEET-10).
func (t *IntakeTx) PMIPasscode(ctx context.Context, hostID string, at time.Time, p PasscodeSeen, rotated RotatedAlert) error {
	rows, err := t.tx.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE account_id = $1 AND host_id = $2 AND (uses_pmi OR type = $3)
		AND status IN ('scheduled', 'started') AND coalesce(observed_at < $4, true) ORDER BY meeting_id FOR NO KEY UPDATE`, t.event.AccountID, hostID, int(passcode.TypePMI), at)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, scanMeeting)
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := t.SaveMeeting(ctx, m, &p, rotated); err != nil {
			return err
		}
	}
	return nil
}

// KnownHost is what helps to tell whether an event about a host's meeting can be
// believed. What is not known is zero.
type KnownHost struct {
	ChangedAt time.Time         // when their settings were last reported to have changed
	Forecast  passcode.Forecast // of their next meetings
	Embeds    passcode.Toggle   // their invitation links carry the passcode
}

// HostKnown reads it; zero for a host that is not known.
func (t *IntakeTx) HostKnown(ctx context.Context, hostID string) (h KnownHost, err error) {
	var forecast, settings []byte
	err = t.tx.QueryRow(ctx, `SELECT changed_at, forecast, settings FROM hosts WHERE account_id = $1 AND host_id = $2`, t.event.AccountID, hostID).Scan(&h.ChangedAt, &forecast, &settings)
	if errors.Is(err, pgx.ErrNoRows) {
		return h, nil
	}
	var values passcode.Values
	if err == nil && (json.Unmarshal(forecast, &h.Forecast) != nil || json.Unmarshal(settings, &values) != nil) {
		return KnownHost{ChangedAt: h.ChangedAt}, nil // another version's
	}
	h.Embeds = values[passcode.KeyEmbed]
	return h, err
}

// Passcode returns the passcode that the meeting is known to have, "" when none
// is.
func (t *IntakeTx) Passcode(ctx context.Context, id int64) (secret.String, error) {
	var known string
	err := t.tx.QueryRow(ctx, `SELECT coalesce((SELECT passcode FROM passcodes WHERE account_id = $1 AND meeting_id = $2 AND state = 'current'), '')`, t.event.AccountID, id).Scan(&known)
	return secret.String(known), err
}

// RepairUnderWay says whether a repair of the meeting is not read back yet.
func (t *IntakeTx) RepairUnderWay(ctx context.Context, id int64) (bool, error) {
	var yes bool
	err := t.tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM repairs WHERE account_id = $1 AND meeting_id = $2 AND result = 'unfinished')`, t.event.AccountID, id).Scan(&yes)
	return yes, err
}

// HostChanged notes that a host's settings changed: they must be read again,
// the host's meetings be listed, and every upcoming meeting known already is
// due, to be read before anything is decided. A fixed number of statements,
// however many meetings there are.
func (t *IntakeTx) HostChanged(ctx context.Context, hostID string, at time.Time, why string) error {
	return t.HostsChanged(ctx, []string{hostID}, at, why)
}

// SettingChange is one row of setting_changes.
type SettingChange struct {
	What      string          `json:"what" db:"what"` // one of ChangeKinds
	Level     passcode.Level  `json:"level" db:"level"`
	LevelID   string          `json:"level_id" db:"level_id"`
	LevelName string          `json:"level_name,omitempty" db:"level_name"` // of a group
	Setting   string          `json:"setting" db:"setting"`
	Old       passcode.Toggle `json:"old" db:"old_value"`
	New       passcode.Toggle `json:"new" db:"new_value"`
	ChangedBy string          `json:"changed_by,omitempty" db:"changed_by"`
	ChangedAt time.Time       `json:"changed_at,omitzero" db:"changed_at"`
	Until     time.Time       `json:"until,omitzero" db:"until"` // when it is recorded to have gone back; zero: it is not
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
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8,coalesce(nullif($9, ''), 'value'))`, t.event.ID, c.Level, c.LevelID, c.Setting, c.Old, c.New, c.ChangedBy, null(c.ChangedAt), c.What)
	}
	return t.tx.SendBatch(ctx, &b).Close()
}

// dueChannel wakes workers; losing a notification only costs them a poll.
const dueChannel = "latchkey_due"

func notify(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify('`+dueChannel+`', '')`)
	return err
}
