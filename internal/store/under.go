package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// isNamed holds for the host of that id or e-mail address. A host that was not
// read yet has no address: nobody's name is empty.
const isNamed = `host_id = $1 OR lower(email) = lower($1) AND email <> ''`

// HostNamed reads a host by id or e-mail address; ErrNotFound when none is known.
// Where accounts differ about an id or address, that is one that Zoom has shown to
// its account. account, if not "", says whose host is meant.
func (s *Store) HostNamed(ctx context.Context, account, name string) (Host, error) {
	h, err := oneHost(s.pool.Query(ctx, `SELECT `+hostColumns+` FROM hosts WHERE (`+isNamed+`) AND ($2 = '' OR account_id = $2) ORDER BY email <> '' DESC, read_at DESC NULLS LAST, account_id LIMIT 1`, name, account))
	if err != nil {
		return h, fmt.Errorf("read host %s: %w", name, err)
	}
	return h, nil
}

// HostWithPMI reads the host whose personal meeting id that is; ErrNotFound when
// none is known.
func (s *Store) HostWithPMI(ctx context.Context, number int64) (Host, error) {
	h, err := oneHost(s.pool.Query(ctx, `SELECT `+hostColumns+` FROM hosts WHERE pmi = $1 AND pmi <> 0 ORDER BY read_at DESC NULLS LAST LIMIT 1`, number))
	if err != nil {
		return h, fmt.Errorf("read the host of personal meeting id %d: %w", number, err)
	}
	return h, nil
}

// HostsUnder reads the hosts that a level's settings hold for: the host, the
// group's members as far as they were read, or all of the account. A user whom Zoom
// never showed to the account is none of its hosts.
func (s *Store) HostsUnder(ctx context.Context, level passcode.Level, id string) ([]Host, error) {
	where := map[passcode.Level]string{
		passcode.LevelHost:    isNamed,
		passcode.LevelGroup:   `group_ids @> ARRAY[$1::text]`,
		passcode.LevelAccount: `account_id = $1`,
	}[level]
	rows, err := s.pool.Query(ctx, `SELECT `+hostColumns+` FROM hosts WHERE (`+where+`) AND (email <> '' OR can_host) ORDER BY email, host_id`, id)
	if err != nil {
		return nil, fmt.Errorf("read the hosts under %s %s: %w", level, id, err)
	}
	hosts, err := pgx.CollectRows(rows, scanHost)
	if err != nil {
		return nil, fmt.Errorf("read the hosts under %s %s: %w", level, id, err)
	}
	return hosts, nil
}

// KnowsLevel says whether a group or account is on record, or somebody is known
// to be in it.
func (s *Store) KnowsLevel(ctx context.Context, level passcode.Level, id string) (known bool, err error) {
	table := map[passcode.Level]string{passcode.LevelGroup: `groups WHERE group_id = $1`, passcode.LevelAccount: `accounts WHERE account_id = $1`}[level]
	if err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM `+table+`)`, id).Scan(&known); err != nil {
		err = fmt.Errorf("look for %s %s: %w", level, id, err)
	}
	return known, err
}

// UpcomingOf reads a host's meetings whose number lets people in, soonest first, those past their planned end last.
func (s *Store) UpcomingOf(ctx context.Context, accountID, hostID string) ([]Meeting, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE account_id = $2 AND host_id = $1 AND status IN ('scheduled', 'started')
		AND (expires_at IS NULL OR expires_at > now()) ORDER BY coalesce(ends_at < now(), false), start_time NULLS LAST, meeting_id`, hostID, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the meetings of host %s: %w", hostID, err)
	}
	meetings, err := pgx.CollectRows(rows, scanMeeting)
	if err != nil {
		return nil, fmt.Errorf("read the meetings of host %s: %w", hostID, err)
	}
	return meetings, nil
}
