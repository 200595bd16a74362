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

// Host is one row of hosts.
type Host struct {
	ID        string
	AccountID string
	Email     string
	GroupIDs  []string
	Settings  passcode.Values
	// Requirement is Zoom's meeting_password_requirement for this host.
	Requirement passcode.Requirement
	Forecast    passcode.Forecast
	ForecastWhy string    // "" until there is a forecast
	ReadAt      time.Time // zero: never read, or out of date
	ChangedAt   time.Time
	HeldUntil   time.Time
	DueWhy      string
	Generation  int64
	Attempts    int
	LastError   string
}

const hostColumns = `host_id, account_id, email, group_ids, settings, requirement, forecast, forecast_why, read_at, changed_at, held_until, due_why, generation, attempts, last_error`

func scanHost(row pgx.Row) (Host, error) {
	var h Host
	var read, changed, held *time.Time
	var settings, requirement, forecast []byte
	err := row.Scan(&h.ID, &h.AccountID, &h.Email, &h.GroupIDs, &settings, &requirement, &forecast, &h.ForecastWhy, &read, &changed, &held, &h.DueWhy, &h.Generation, &h.Attempts, &h.LastError)
	if errors.Is(err, pgx.ErrNoRows) {
		return h, ErrNotFound
	}
	if err != nil {
		return h, err
	}
	h.ReadAt, h.ChangedAt, h.HeldUntil = orZero(read), orZero(changed), orZero(held)
	return h, errors.Join(decode("settings", settings, &h.Settings), decode("requirement", requirement, &h.Requirement), decode("forecast", forecast, &h.Forecast))
}

// Host reads one host; ErrNotFound when none of that id is known.
func (s *Store) Host(ctx context.Context, id string) (Host, error) {
	h, err := scanHost(s.pool.QueryRow(ctx, `SELECT `+hostColumns+` FROM hosts WHERE host_id = $1`, id))
	if err != nil {
		return h, fmt.Errorf("read host %s: %w", id, err)
	}
	return h, nil
}

// SaveHost writes what was read of a host at h.ReadAt. A change told of after
// generation seen was read stays: the host must then be read again.
func (s *Store) SaveHost(ctx context.Context, h Host, seen int64) error {
	settings, err := json.Marshal(h.Settings)
	if err != nil {
		return fmt.Errorf("save host %s: %w", h.ID, err)
	}
	requirement, err := json.Marshal(h.Requirement)
	if err != nil {
		return fmt.Errorf("save host %s: %w", h.ID, err)
	}
	if h.GroupIDs == nil {
		h.GroupIDs = []string{}
	}
	_, err = s.pool.Exec(ctx, `INSERT INTO hosts (host_id, account_id, email, group_ids, settings, requirement, read_at) VALUES ($1,$2,$3,$4,$5,$6,$7)
		ON CONFLICT (host_id) DO UPDATE SET email = excluded.email, group_ids = excluded.group_ids, settings = excluded.settings,
			requirement = excluded.requirement, read_at = CASE WHEN hosts.generation = $8 THEN excluded.read_at END`,
		h.ID, h.AccountID, h.Email, h.GroupIDs, settings, requirement, null(h.ReadAt), seen)
	if err != nil {
		return fmt.Errorf("save host %s: %w", h.ID, err)
	}
	return nil
}

// SaveForecast records a host's forecast; alert, when not nil, is written with
// it if the forecast differs from the one before. It returns whether it did.
func (s *Store) SaveForecast(ctx context.Context, hostID string, f passcode.Forecast, why string, at time.Time, alert *Alert) (changed bool, err error) {
	forecast, err := json.Marshal(f)
	if err != nil {
		return false, fmt.Errorf("save the forecast of host %s: %w", hostID, err)
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		// Only the first of several who foretell the same finds it changed.
		tag, err := tx.Exec(ctx, `UPDATE hosts SET forecast = $2, forecast_why = $3, forecast_at = $4 WHERE host_id = $1 AND forecast_why <> $3`, hostID, forecast, why, at)
		if err != nil {
			return err
		}
		if changed = tag.RowsAffected() == 1; !changed || alert == nil {
			return nil
		}
		_, err = tx.Exec(ctx, `INSERT INTO alerts (account_id, type, subject, data) VALUES ($1,$2,$3,$4)`, alert.AccountID, alert.Type, alert.Subject, alert.Data)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("save the forecast of host %s: %w", hostID, err)
	}
	return changed, nil
}

// HoldHost keeps all changes of a host's meetings back until the time.
func (s *Store) HoldHost(ctx context.Context, accountID, hostID string, until time.Time) error {
	_, err := s.pool.Exec(ctx, `INSERT INTO hosts (host_id, account_id, held_until) VALUES ($1, $2, $3)
		ON CONFLICT (host_id) DO UPDATE SET held_until = excluded.held_until`, hostID, accountID, until)
	if err != nil {
		return fmt.Errorf("hold host %s: %w", hostID, err)
	}
	return nil
}

// Listed is a meeting that Zoom lists for a host.
type Listed struct {
	ID          int64
	UUID, Topic string
	Type        int
	Start, Ends time.Time
}

// CompleteHost ends a host's claim: every listed meeting that was not known
// yet is recorded and due. It returns how many those were. Known ones were
// made due with the change itself.
func (s *Store) CompleteHost(ctx context.Context, c HostClaim, listed []Listed) (found int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		for _, l := range listed {
			tag, err := tx.Exec(ctx, `INSERT INTO meetings (meeting_id, account_id, host_id, uuid, topic, type, start_time, ends_at, must_read, due_at, due_why, generation)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8,true,now(),'listed',1) ON CONFLICT (meeting_id) DO NOTHING`,
				l.ID, c.Host.AccountID, c.Host.ID, l.UUID, l.Topic, l.Type, null(l.Start), null(l.Ends))
			if err != nil {
				return err
			}
			found += int(tag.RowsAffected())
		}
		_, err := tx.Exec(ctx, `UPDATE hosts SET lease_owner = NULL, lease_until = NULL, attempts = 0, last_error = '',
			due_at = CASE WHEN generation = $2 THEN NULL ELSE due_at END WHERE host_id = $1`, c.Host.ID, c.generation)
		if err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("complete host %s: %w", c.Host.ID, err)
	}
	return found, nil
}

// Level is what is known of an account's or a group's locks.
type Level struct {
	ID     string
	Plan   passcode.Plan // accounts only
	Locks  passcode.Values
	Fixed  passcode.Values // the level's own values, where it locks anything
	ReadAt time.Time       // zero: never read
}

// Account reads an account's locks; a Level without ReadAt when never read.
func (s *Store) Account(ctx context.Context, id string) (Level, error) {
	return s.level(ctx, `SELECT plan, locks, fixed, read_at FROM accounts WHERE account_id = $1`, id)
}

// Group reads a group's locks; a Level without ReadAt when never read.
func (s *Store) Group(ctx context.Context, id string) (Level, error) {
	return s.level(ctx, `SELECT '', locks, fixed, read_at FROM groups WHERE group_id = $1`, id)
}

func (s *Store) level(ctx context.Context, query, id string) (Level, error) {
	l := Level{ID: id}
	var locks, fixed []byte
	var read *time.Time
	err := s.pool.QueryRow(ctx, query, id).Scan(&l.Plan, &locks, &fixed, &read)
	if errors.Is(err, pgx.ErrNoRows) {
		return l, nil
	}
	if err == nil {
		err = errors.Join(decode("locks", locks, &l.Locks), decode("fixed", fixed, &l.Fixed))
	}
	if err != nil {
		return l, fmt.Errorf("read the locks of %s: %w", id, err)
	}
	l.ReadAt = orZero(read)
	return l, nil
}

// SaveAccount writes what was read of an account.
func (s *Store) SaveAccount(ctx context.Context, l Level) error {
	return s.saveLevel(ctx, l, `INSERT INTO accounts (account_id, locks, fixed, read_at, plan) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id) DO UPDATE SET locks = excluded.locks, fixed = excluded.fixed, read_at = excluded.read_at, plan = excluded.plan`, l.Plan)
}

// SaveGroup writes what was read of a group.
func (s *Store) SaveGroup(ctx context.Context, accountID string, l Level) error {
	return s.saveLevel(ctx, l, `INSERT INTO groups (group_id, locks, fixed, read_at, account_id) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (group_id) DO UPDATE SET locks = excluded.locks, fixed = excluded.fixed, read_at = excluded.read_at`, accountID)
}

func (s *Store) saveLevel(ctx context.Context, l Level, query string, last any) error {
	locks, err := json.Marshal(l.Locks)
	if err == nil {
		var fixed []byte
		if fixed, err = json.Marshal(l.Fixed); err == nil {
			_, err = s.pool.Exec(ctx, query, l.ID, locks, fixed, null(l.ReadAt), last)
		}
	}
	if err != nil {
		return fmt.Errorf("save the locks of %s: %w", l.ID, err)
	}
	return nil
}
