package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Story is all that is recorded of one meeting, for people.
type Story struct {
	Meeting Meeting
	Host    Host // zero when not known
	Repairs []Repair
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

// Story reads what is known of a meeting; ErrNotFound when nothing is.
func (s *Store) Story(ctx context.Context, id int64) (Story, error) {
	var st Story
	var err error
	if st.Meeting, err = s.Meeting(ctx, id); err != nil {
		return st, err
	}
	if st.Meeting.HostID != "" {
		if h, err := s.Host(ctx, st.Meeting.HostID); err == nil {
			st.Host = h
		}
	}
	if st.Repairs, err = s.repairs(ctx, id); err != nil {
		return st, fmt.Errorf("read the repairs of meeting %d: %w", id, err)
	}
	rows, err := s.pool.Query(ctx, `SELECT outcome, remedy, why, decided_at FROM verdicts WHERE meeting_id = $1 ORDER BY id`, id)
	if err == nil {
		st.History, err = pgx.CollectRows(rows, pgx.RowToStructByPos[PastVerdict])
	}
	if err != nil {
		return st, fmt.Errorf("read the verdicts of meeting %d: %w", id, err)
	}
	if st.Changes, err = s.changes(ctx, append([]string{st.Meeting.HostID, st.Meeting.AccountID}, st.Host.GroupIDs...)); err != nil {
		return st, fmt.Errorf("read the setting changes of host %s: %w", st.Meeting.HostID, err)
	}
	return st, nil
}

func (s *Store) repairs(ctx context.Context, id int64) ([]Repair, error) {
	rows, err := s.pool.Query(ctx, `SELECT id, remedy, result, reasons, why, detail, zoom_calls, started_at, ended_at FROM repairs WHERE meeting_id = $1 ORDER BY id`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Repair, error) {
		var r Repair
		var reasons []byte
		var ended *time.Time
		err := row.Scan(&r.ID, &r.Remedy, &r.Result, &reasons, &r.Why, &r.Detail, &r.ZoomCalls, &r.StartedAt, &ended)
		if err == nil {
			r.EndedAt = orZero(ended)
			err = decode("reasons", reasons, &r.Reasons)
		}
		return r, err
	})
}

// changes reads the last changes of the host's settings and of those above.
func (s *Store) changes(ctx context.Context, levels []string) ([]SettingChange, error) {
	rows, err := s.pool.Query(ctx, `SELECT what, level, level_id, setting, old_value, new_value, changed_by, coalesce(changed_at, received_at)
		FROM setting_changes JOIN events USING (event_id) WHERE level_id = ANY($1) AND level_id <> '' ORDER BY id DESC LIMIT 10`, levels)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (SettingChange, error) {
		var c SettingChange
		var before, after string
		err := row.Scan(&c.What, &c.Level, &c.LevelID, &c.Setting, &before, &after, &c.ChangedBy, &c.ChangedAt)
		_ = c.Old.UnmarshalText([]byte(before))
		_ = c.New.UnmarshalText([]byte(after))
		return c, err
	})
}
