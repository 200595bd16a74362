package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Event is one row of events. It holds nothing of the body.
type Event struct {
	ID        string
	AccountID string
	Name      string
	// At is when the event says it happened, as it says it: the same each time it comes,
	// since it is the same event only with the same ID and At. Zero: it does not say.
	At         time.Time
	ReceivedAt time.Time
	RequestID  string
	MeetingID  int64  // 0: not about a meeting
	HostID     string // "": not about a host's settings
	Operator   string
}

// IntakeTx is what events of one account may do within the one transaction that
// records them. Each call is a fixed number of statements, however many events
// there are.
type IntakeTx struct {
	// Now is the database's clock.
	Now time.Time
	// Trace is the traceparent of what the next calls follow from; "" for none.
	Trace   string
	tx      pgx.Tx
	account string
	woken   bool
}

// Intake records events of one account, each once, and lets apply do what follows
// from those that are new, in one transaction: fresh says which ones. For an event
// that was recorded before nothing follows; of two in one call that have the same
// id the first counts. apply is not called where none is new.
func (s *Store) Intake(ctx context.Context, account string, events []Event, apply func(tx *IntakeTx, fresh []bool) error) (fresh []bool, err error) {
	rows := make([]map[string]any, len(events))
	for i, e := range events {
		var meeting *int64
		if e.MeetingID != 0 {
			meeting = &e.MeetingID
		}
		rows[i] = map[string]any{"event_id": e.ID, "event": e.Name, "event_at": stamp(e.At), "received_at": stamp(e.ReceivedAt), "request_id": e.RequestID,
			"meeting_id": meeting, "host_id": e.HostID, "operator": e.Operator}
	}
	all, err := jsonb(rows)
	if err != nil {
		return nil, err
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		fresh = make([]bool, len(events))
		it := &IntakeTx{tx: tx, account: account}
		// One that does not say when it happened has a time of its own, or two of them
		// would not be seen to be one. Versions before recorded other times than events
		// say, where those could not be; the id is the same, and asked for first (one by one: an anti-join
		// would read all of events).
		// In one order whoever takes them in, so that two workers wait for each other at
		// most one way round.
		recorded, err := tx.Query(ctx, `INSERT INTO events (event_id, account_id, event, event_at, received_at, request_id, meeting_id, host_id, operator)
			SELECT event_id, $2, event, coalesce(event_at, 'epoch'), received_at, request_id, meeting_id, host_id, operator FROM jsonb_populate_recordset(NULL::events, $1::jsonb) e
				WHERE NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = $2 AND erased_at >= least(e.event_at, e.received_at))
				AND (SELECT known.event_id FROM events known WHERE known.event_id = e.event_id LIMIT 1) IS NULL
			ORDER BY event_id ON CONFLICT DO NOTHING RETURNING event_id, recorded_at`, all, account)
		if err != nil {
			return err
		}
		now := map[string]bool{}
		var id string
		if _, err := pgx.ForEachRow(recorded, []any{&id, &it.Now}, func() error { now[id] = true; return nil }); err != nil {
			return err
		}
		for i, e := range events {
			fresh[i] = now[e.ID]
			delete(now, e.ID)
		}
		if !slices.Contains(fresh, true) {
			return nil
		}
		if err := apply(it, fresh); err != nil {
			return err
		}
		if it.woken {
			return notify(ctx, tx)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("record %d events of account %q: %w", len(events), account, err)
	}
	return fresh, nil
}

// Recorded says which of the events are recorded.
func (s *Store) Recorded(ctx context.Context, eventIDs ...string) (known map[string]bool, err error) {
	known = map[string]bool{}
	rows, err := s.pool.Query(ctx, `SELECT event_id FROM events WHERE event_id = ANY($1)`, eventIDs)
	if err == nil {
		var id string
		_, err = pgx.ForEachRow(rows, []any{&id}, func() error { known[id] = true; return nil })
	}
	if err != nil {
		return nil, fmt.Errorf("read which events are recorded: %w", err)
	}
	return known, nil
}

// stamp is a time as JSON for the database, null for none. JSON's times end with the
// year 9999; what Zoom plans after that is planned for then.
func stamp(t time.Time) *time.Time {
	if t.Year() > 9999 {
		t = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return null(t.Truncate(time.Microsecond))
}

// SetupFailed is Store.SetupFailed within the transaction.
func (t *IntakeTx) SetupFailed(ctx context.Context, trouble Trouble, alert Alert) (opened bool, err error) {
	return setupFailed(ctx, t.tx, trouble, alert)
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
	// Of the event that told, where it is written.
	EventID string    `json:"-" db:"-"`
	ToldAt  time.Time `json:"-" db:"-"`
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
	if len(changes) == 0 {
		return nil
	}
	rows := make([]map[string]any, len(changes))
	for i, c := range changes {
		rows[i] = map[string]any{"n": i, "event_id": c.EventID, "level": c.Level, "level_id": c.LevelID, "setting": c.Setting, "old_value": c.Old, "new_value": c.New,
			"changed_by": c.ChangedBy, "changed_at": stamp(c.ChangedAt), "told_at": stamp(cmp.Or(c.ToldAt, t.Now)), "what": cmp.Or(c.What, ChangedValue)}
	}
	all, err := jsonb(rows)
	if err != nil {
		return err
	}
	_, err = t.tx.Exec(ctx, `INSERT INTO setting_changes (event_id, account_id, told_at, level, level_id, setting, old_value, new_value, changed_by, changed_at, what)
		SELECT event_id, $2, told_at, level, level_id, setting, old_value, new_value, changed_by, changed_at, what FROM jsonb_to_recordset($1::jsonb)
			AS c(n int, event_id text, told_at timestamptz, level text, level_id text, setting text, old_value text, new_value text, changed_by text, changed_at timestamptz, what text) ORDER BY n`, all, t.account)
	return err
}

// dueChannel wakes workers; losing a notification only costs them a poll.
const dueChannel = "latchkey_due"

func notify(ctx context.Context, tx pgx.Tx) error {
	_, err := tx.Exec(ctx, `SELECT pg_notify('`+dueChannel+`', '')`)
	return err
}
