package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// AtRisk is upcoming meetings of an account of which the same is to be said: what joiners
// meet, what latchkey does, and which setting it is for.
type AtRisk struct {
	Outcome passcode.Outcome `db:"outcome"`
	// Remedy is what latchkey does or, where its policy is to do nothing, would.
	Remedy   passcode.Remedy `db:"remedy"`
	Observed bool            `db:"observed"` // the policy is to do nothing
	Level    passcode.Level  `db:"level"`    // "" where no setting is the matter
	LevelID  string          `db:"level_id"` // of a group or an account
	Meetings int             `db:"meetings"`
	Hosts    int             `db:"hosts"`
	Soonest  time.Time       `db:"soonest"` // zero: none is known
	// Reason is that of the meeting that starts soonest.
	Reason passcode.Reason `db:"-"`
}

type atRiskRow struct {
	AtRisk
	Setting string          `db:"setting"`
	Code    passcode.Code   `db:"code"`
	Reasons json.RawMessage `db:"reasons"`
}

// MeetingsAtRisk reads those that demand a passcode, are open, or of which that is not
// known, the most first, and how many upcoming meetings there are in all.
func (s *Store) MeetingsAtRisk(ctx context.Context, account string) (risks []AtRisk, upcoming int, err error) {
	fail := func(err error) ([]AtRisk, int, error) {
		return nil, 0, fmt.Errorf("read which meetings would demand a passcode: %w", err)
	}
	const theirs = `FROM meetings m WHERE m.account_id = $1 AND m.status IN ('scheduled', 'started') AND coalesce(m.ends_at > now(), true)`
	if err := s.pool.QueryRow(ctx, `SELECT count(*) `+theirs, account).Scan(&upcoming); err != nil {
		return fail(err)
	}
	rows, err := s.pool.Query(ctx, `WITH them AS (SELECT coalesce(m.outcome, 'unknown') AS outcome, coalesce(m.would, m.remedy, 'none') AS remedy, m.would IS NOT NULL AS observed,
				coalesce(m.setting, '') AS setting, coalesce(m.setting_level, '') AS level,
				coalesce(jsonb_path_query_first(m.reasons, '$[*] ? (@.path == $path)', jsonb_build_object('path', m.setting)) ->> 'code', '') AS code,
				CASE WHEN m.setting_level IN ('group', 'account') THEN coalesce(m.setting_by, '') ELSE '' END AS level_id, m.host_id, m.start_time, m.reasons
			`+theirs+` AND coalesce(m.outcome, 'unknown') <> 'joinable')
		SELECT outcome, remedy, observed, setting, level, level_id, code, count(*) AS meetings, count(DISTINCT host_id) AS hosts, min(start_time) FILTER (WHERE start_time > now()) AS soonest,
			coalesce((array_agg(reasons ORDER BY start_time NULLS LAST) FILTER (WHERE reasons IS NOT NULL))[1], '[]') AS reasons
		FROM them GROUP BY 1, 2, 3, 4, 5, 6, 7 ORDER BY count(*) DESC, setting, level_id`, account)
	if err != nil {
		return fail(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[atRiskRow])
	if err != nil {
		return fail(err)
	}
	for _, r := range all {
		var reasons []passcode.Reason
		if json.Unmarshal(r.Reasons, &reasons) == nil { // else another version's
			for _, reason := range reasons {
				if reason.Path == r.Setting && reason.Level == r.Level && reason.Code == r.Code && r.Reason.Code == "" {
					r.Reason = reason
					// Of one meeting alone, and not of all.
					r.Reason.Detail, r.Reason.ChangedBy, r.Reason.ChangedAt = "", "", time.Time{}
				}
			}
		}
		risks = append(risks, r.AtRisk)
	}
	return risks, upcoming, nil
}

// GroupNamed is the id of an account's group by id or name, in any case of letters;
// ErrNotFound when none is known.
func (s *Store) GroupNamed(ctx context.Context, account, name string) (id string, err error) {
	rows, err := s.pool.Query(ctx, `SELECT group_id FROM groups WHERE account_id = $1 AND (group_id = $2 OR lower(name) = lower($2) AND name <> '') ORDER BY group_id = $2 DESC, group_id LIMIT 1`, account, name)
	if err == nil {
		id, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[string])
	}
	if err != nil {
		if errors.Is(err, pgx.ErrNoRows) {
			err = ErrNotFound
		}
		return "", fmt.Errorf("read group %s: %w", name, err)
	}
	return id, nil
}

// GroupsNamed are the ids of groups of that id or, where there is none, of that name in
// any case of letters.
func (s *Store) GroupsNamed(ctx context.Context, name string) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT DISTINCT group_id FROM groups WHERE group_id = $1 OR NOT EXISTS (SELECT FROM groups WHERE group_id = $1) AND name <> '' AND lower(name) = lower($1) ORDER BY 1`, name)
	if err != nil {
		return nil, fmt.Errorf("read groups named %s: %w", name, err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read groups named %s: %w", name, err)
	}
	return ids, nil
}

// AccountsKnown are the accounts that hosts or meetings are known of.
func (s *Store) AccountsKnown(ctx context.Context) ([]string, error) {
	rows, err := s.pool.Query(ctx, `SELECT account_id FROM accounts UNION SELECT account_id FROM hosts UNION SELECT account_id FROM sweeps ORDER BY 1`)
	if err != nil {
		return nil, fmt.Errorf("read which accounts are known: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("read which accounts are known: %w", err)
	}
	return all, nil
}
