package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Story is all that is recorded of one meeting, for people.
type Story struct {
	Meeting Meeting
	Host    Host // zero when not known
	// Others are more meetings that answer to the same number.
	Others  []Meeting
	Repairs []Repair
	// Troubles are what latchkey's own set-up stands in the way of, for the
	// meeting's account.
	Troubles []Trouble
	// Rotated are the moments at which the passcode became another one.
	Rotated []PasscodeChange
	// History holds the verdicts, oldest first.
	History []PastVerdict
	Changes []SettingChange
}

// PastVerdict is one row of verdicts.
type PastVerdict struct {
	Outcome   passcode.Outcome `json:"outcome"`
	Remedy    passcode.Remedy  `json:"remedy"`
	Why       string           `json:"why"`
	DecidedAt time.Time        `json:"decided_at"`
}

// PasscodeChange is one row of passcode_changes. It holds no passcode.
type PasscodeChange struct {
	ChangedBy string    `json:"changed_by" db:"changed_by"` // one of PasscodeSources
	Operator  string    `json:"operator,omitempty" db:"operator"`
	SeenAt    time.Time `json:"seen_at" db:"seen_at"`
}

// Story reads what is known of the meeting of a number; ErrNotFound when nothing
// is.
func (s *Store) Story(ctx context.Context, account string, number int64) (Story, error) {
	var st Story
	all, err := s.MeetingsNumbered(ctx, number)
	if err != nil {
		return st, err
	}
	all = slices.DeleteFunc(all, func(m Meeting) bool { return account != "" && m.AccountID != account })
	if len(all) == 0 {
		return st, fmt.Errorf("read meeting %d: %w", number, ErrNotFound)
	}
	st.Meeting, st.Others = all[0], all[1:]
	id := st.Meeting.ID
	account = st.Meeting.AccountID
	if st.Meeting.HostID != "" {
		if h, err := s.Host(ctx, account, st.Meeting.HostID); err == nil {
			st.Host = h
		}
	}
	if st.Repairs, err = collectRepairs(s.pool.Query(ctx, `SELECT `+repairColumns+` FROM repairs WHERE account_id = $1 AND meeting_id = $2 ORDER BY id`, account, id)); err != nil {
		return st, fmt.Errorf("read the repairs of meeting %d: %w", id, err)
	}
	if st.Troubles, err = s.Troubles(ctx, st.Meeting.AccountID); err != nil {
		return st, err
	}
	rows, err := s.pool.Query(ctx, `SELECT changed_by, operator, seen_at FROM passcode_changes WHERE account_id = $1 AND meeting_id = $2 ORDER BY id`, account, id)
	if err == nil {
		st.Rotated, err = pgx.CollectRows(rows, pgx.RowToStructByName[PasscodeChange])
	}
	if err != nil {
		return st, fmt.Errorf("read the passcode changes of meeting %d: %w", id, err)
	}
	rows, err = s.pool.Query(ctx, `SELECT outcome, remedy, why, decided_at FROM verdicts WHERE account_id = $1 AND meeting_id = $2 ORDER BY id`, account, id)
	if err == nil {
		st.History, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PastVerdict])
	}
	if err != nil {
		return st, fmt.Errorf("read the verdicts of meeting %d: %w", id, err)
	}
	if st.Changes, err = s.changes(ctx, account, append([]string{st.Meeting.HostID, st.Meeting.AccountID}, st.Host.GroupIDs...)); err != nil {
		return st, fmt.Errorf("read the setting changes of host %s: %w", st.Meeting.HostID, err)
	}
	return st, nil
}

// changes reads the last changes of the host's settings and of those above.
func (s *Store) changes(ctx context.Context, accountID string, levels []string) ([]SettingChange, error) {
	return s.settingChanges(ctx, `c.account_id = $2 AND level_id = ANY($1) AND level_id <> ''`, 10, levels, accountID)
}

// settingChanges reads changes, newest first.
func (s *Store) settingChanges(ctx context.Context, where string, limit int, args ...any) ([]SettingChange, error) {
	rows, err := s.pool.Query(ctx, fmt.Sprintf(`SELECT c.what, c.level, c.level_id, coalesce(g.name, '') AS level_name, c.setting, c.old_value, c.new_value, c.changed_by,
			coalesce(c.changed_at, c.told_at) AS changed_at,
			(SELECT min(coalesce(o.changed_at, o.told_at)) FROM setting_changes o
				WHERE o.account_id = c.account_id AND o.level = c.level AND o.level_id = c.level_id AND o.setting = c.setting AND o.what = c.what AND o.new_value <> c.new_value
				AND coalesce(o.changed_at, o.told_at) > coalesce(c.changed_at, c.told_at)) AS until
		FROM setting_changes c LEFT JOIN groups g ON c.level = 'group' AND g.account_id = c.account_id AND g.group_id = c.level_id
		WHERE %s ORDER BY c.id DESC LIMIT %d`, where, limit), args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowToStructByName[SettingChange])
}

// TurnedOn reads the newest changes, within the time, that turned a setting on
// or locked it, for the host, the groups or the account.
func (s *Store) TurnedOn(ctx context.Context, accountID string, levels []string, within time.Duration) ([]SettingChange, error) {
	all, err := s.settingChanges(ctx, `c.account_id = $3 AND c.level_id = ANY($1) AND c.level_id <> '' AND c.new_value = 'on'
		AND coalesce(c.changed_at, c.told_at) > now() - $2 * interval '1 second'`, 10, levels, within.Seconds(), accountID)
	if err != nil {
		return nil, fmt.Errorf("read which settings were turned on: %w", err)
	}
	return all, nil
}
