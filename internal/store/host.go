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
	ID        string          `db:"host_id"`
	AccountID string          `db:"account_id"`
	Email     string          `db:"email"`
	GroupIDs  []string        `db:"group_ids"`
	Settings  passcode.Values `db:"-"`
	// Requirement is Zoom's meeting_password_requirement for this host.
	Requirement passcode.Requirement `db:"-"`
	// Waits is whom waiting rooms of the host's meetings hold by their setting.
	Waits passcode.Waits `db:"waits"`

	Forecast          passcode.Forecast `db:"-"`
	ForecastWhy       string            `db:"forecast_why"`       // "" until there is a forecast
	ForecastSignature string            `db:"forecast_signature"` // the forecast as data

	ReadAt time.Time `db:"read_at"` // zero: never read, or out of date
	// ProfileReadAt is when Email, GroupIDs, PMI and CanHost were read; zero as ReadAt.
	ProfileReadAt time.Time `db:"profile_read_at"`
	ListDue       bool      `db:"list_due"` // the host's meetings are to be listed
	// SecurityAlone: ReadAt is zero for a change in meeting_security and for nothing else.
	SecurityAlone bool `db:"security_alone"`
	// Age is how long ago that was, by the database's clock.
	Age        Seconds   `db:"age"`
	ChangedAt  time.Time `db:"changed_at"`
	HeldUntil  time.Time `db:"held_until"`
	PMI        int64     `db:"pmi"`      // the personal meeting id; 0: not read
	CanHost    bool      `db:"can_host"` // false: deactivated, or not known to Zoom
	Policy     string    `db:"policy"`   // fingerprint of the policy under which it was last read
	DueAt      time.Time `db:"due_at"`
	DueWhy     string    `db:"due_why"`
	DueTrace   string    `db:"due_trace"` // traceparent of what it is due for
	WaitingFor string    `db:"waiting_for"`
	Generation int64     `db:"generation"`
	Attempts   int       `db:"attempts"`
	LastError  string    `db:"last_error"`
}

// Seconds is a duration as the database tells it.
type Seconds float64

// Duration is the same as Go's.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Fresh reports whether something was read, and at most so long ago.
func fresh(readAt time.Time, age Seconds, ttl time.Duration) bool {
	return !readAt.IsZero() && age.Duration() < ttl
}

// Fresh reports whether the settings were read within ttl and no change was
// reported since.
func (h Host) Fresh(ttl time.Duration) bool { return fresh(h.ReadAt, h.Age, ttl) }

// hostRow is a row of hosts with its JSON as it stands there.
type hostRow struct {
	Host
	Settings    json.RawMessage `db:"settings"`
	Requirement json.RawMessage `db:"requirement"`
	Forecast    json.RawMessage `db:"forecast"`
}

var hostColumns = withAge(columns[hostRow]())

// scanHost reads a row. What another version wrote and this one cannot read
// counts as not read: the next reading of the host writes it again.
func scanHost(row pgx.CollectableRow) (Host, error) {
	r, err := pgx.RowToStructByName[hostRow](row)
	if err != nil {
		return r.Host, err
	}
	h := r.Host
	if json.Unmarshal(r.Settings, &h.Settings) != nil || json.Unmarshal(r.Requirement, &h.Requirement) != nil {
		h.Settings, h.Requirement, h.ReadAt = passcode.Values{}, passcode.Requirement{}, time.Time{}
	}
	if json.Unmarshal(r.Forecast, &h.Forecast) != nil {
		h.Forecast, h.ForecastWhy, h.ForecastSignature = passcode.Forecast{}, "", ""
	}
	return h, nil
}

func oneHost(rows pgx.Rows, err error) (Host, error) {
	if err != nil {
		return Host{}, err
	}
	h, err := pgx.CollectExactlyOneRow(rows, scanHost)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return h, err
}

// Host reads one host; ErrNotFound when the account has none of that id, as far
// as is known.
func (s *Store) Host(ctx context.Context, accountID, id string) (Host, error) {
	h, err := oneHost(s.pool.Query(ctx, `SELECT `+hostColumns+` FROM hosts WHERE account_id = $1 AND host_id = $2`, accountID, id))
	if err != nil {
		return h, fmt.Errorf("read host %s: %w", id, err)
	}
	return h, nil
}

// HostOrNew is Host, with an empty row instead of ErrNotFound.
func (s *Store) HostOrNew(ctx context.Context, accountID, id string) (Host, error) {
	h, err := s.Host(ctx, accountID, id)
	if errors.Is(err, ErrNotFound) {
		return Host{ID: id, AccountID: accountID, CanHost: true}, nil
	}
	return h, err
}

// SaveHost writes what was read of a host, the reading having taken so long. A
// change reported after generation seen was read stays: the host must then be
// read again. One that was not known is due, to have its meetings listed, and need not be
// swept soon. The host returned is as it is now.
func (s *Store) SaveHost(ctx context.Context, h Host, seen int64, took time.Duration) (Host, error) {
	fail := func(err error) (Host, error) { return h, fmt.Errorf("save host %s: %w", h.ID, err) }
	settings, err := json.Marshal(h.Settings)
	if err != nil {
		return fail(err)
	}
	requirement, err := json.Marshal(h.Requirement)
	if err != nil {
		return fail(err)
	}
	if h.GroupIDs == nil {
		h.GroupIDs = []string{}
	}
	saved, err := oneHost(s.pool.Query(ctx, `INSERT INTO hosts (host_id, account_id, email, group_ids, settings, requirement, pmi, can_host, waits, read_at, profile_read_at, due_at, due_why, swept_at)
		VALUES ($1,$2,$3,$4,$5,$6,$9,$10,$11, now() - $8 * interval '1 second', $12, now(), 'first seen', now())
		ON CONFLICT (account_id, host_id) DO UPDATE SET email = excluded.email, group_ids = excluded.group_ids, settings = excluded.settings,
			pmi = excluded.pmi, can_host = excluded.can_host, waits = excluded.waits, requirement = excluded.requirement, read_at = CASE WHEN hosts.generation = $7 THEN excluded.read_at END,
			security_alone = hosts.security_alone AND hosts.generation <> $7,
			profile_read_at = CASE WHEN hosts.generation = $7 THEN excluded.profile_read_at END RETURNING `+hostColumns,
		h.ID, h.AccountID, h.Email, h.GroupIDs, settings, requirement, seen, took.Seconds(), h.PMI, h.CanHost, h.Waits, null(h.ProfileReadAt)))
	if err != nil {
		return fail(err)
	}
	return saved, nil
}

// HostGone notes that Zoom does not know the user any more. What was read of them
// stays.
func (s *Store) HostGone(ctx context.Context, accountID, hostID string) error {
	_, err := s.pool.Exec(ctx, `UPDATE hosts SET can_host = false WHERE account_id = $1 AND host_id = $2`, accountID, hostID)
	if err != nil {
		return fmt.Errorf("note that host %s is gone: %w", hostID, err)
	}
	return nil
}

// SaveForecast records a host's forecast; alert, when not nil, is written with
// it if the forecast differs, as data, from the one before. It returns whether
// it did.
func (s *Store) SaveForecast(ctx context.Context, accountID, hostID string, f passcode.Forecast, alert *Alert) (changed bool, err error) {
	forecast, err := json.Marshal(f)
	if err != nil {
		return false, fmt.Errorf("save the forecast of host %s: %w", hostID, err)
	}
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		// Only the first of several who predict the same finds it changed.
		tag, err := tx.Exec(ctx, `UPDATE hosts SET forecast = $2, forecast_why = $3, forecast_signature = $4, forecast_at = now()
			WHERE host_id = $1 AND account_id = $5 AND forecast_signature <> $4`, hostID, forecast, f.Sentence(), f.Signature(), accountID)
		if err != nil {
			return err
		}
		if changed = tag.RowsAffected() == 1; !changed || alert == nil {
			return nil
		}
		return saveAlerts(ctx, tx, *alert)
	})
	if err != nil {
		return false, fmt.Errorf("save the forecast of host %s: %w", hostID, err)
	}
	return changed, nil
}

// HoldHost keeps all changes of a host's meetings back until the next midnight UTC by
// Zoom's clock, which is so far ahead of the database's, and returns that, by the
// database's.
func (s *Store) HoldHost(ctx context.Context, accountID, hostID string, ahead time.Duration) (until time.Time, err error) {
	err = s.pool.QueryRow(ctx, `INSERT INTO hosts (host_id, account_id, held_until) SELECT $3, $1, `+dayEnds+` FROM `+zoomsDay+` z
		ON CONFLICT (account_id, host_id) DO UPDATE SET held_until = excluded.held_until RETURNING held_until`, accountID, ahead.Seconds(), hostID).Scan(&until)
	if err != nil {
		return until, fmt.Errorf("hold host %s: %w", hostID, err)
	}
	return until, nil
}

// Listed is a meeting that Zoom lists for a host.
type Listed struct {
	ID           int64
	UUID, Topic  string
	Type         passcode.MeetingType
	Starts, Ends time.Time
}

// recurs says whether a list shows one of the meeting's dates only.
func (l Listed) recurs() bool {
	return l.Type == passcode.TypeRecurring || l.Type == passcode.TypeRecurringNoTime
}

func adoptListed(ctx context.Context, tx pgx.Tx, account string, listed []Listed) error {
	ids := make([]int64, 0, len(listed))
	for _, l := range listed {
		ids = append(ids, l.ID)
	}
	var b pgx.Batch
	adopt(&b, account, ids...)
	return tx.SendBatch(ctx, &b).Close()
}

func (l Listed) expires() time.Time {
	return passcode.Meeting{Type: l.Type, Ends: l.Ends}.Expires()
}

// HostDone is what ends a host's claim.
type HostDone struct {
	Listed []Listed
	// Unlisted: the host's meetings were not listed.
	Unlisted bool
	// Next is how long until the host is taken up again by itself; 0: when
	// something happens. Why and WaitingFor go with it.
	Next       time.Duration
	Why        string
	WaitingFor string
	Worked     []string // Zoom calls that worked
	Policy     string   // fingerprint of the policy that holds for the host
}

// CompleteHost ends a host's claim. Every listed meeting that was not known yet
// is recorded and due; one that was taken for gone is back, and one that was
// moved is due again: both are read before anything is decided. It returns how
// many of each there were. Others were made due with the change itself.
func (s *Store) CompleteHost(ctx context.Context, c HostClaim, d HostDone) (found, back int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		if err := callsWorked(ctx, tx, c.Host.AccountID, d.Worked); err != nil {
			return err
		}
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		if err := adoptListed(ctx, tx, c.Host.AccountID, d.Listed); err != nil {
			return err
		}
		why := "listed"
		if c.Host.DueWhy == sweptFor {
			why = sweptFor // they are part of what the sweep has to read
		}
		seen := map[int64]bool{}
		for _, l := range d.Listed {
			if seen[l.ID] {
				continue // a series may have a row for each of its dates
			}
			seen[l.ID] = true
			var known bool
			err := tx.QueryRow(ctx, `INSERT INTO meetings AS m (meeting_id, account_id, host_id, uuid, topic, type, start_time, ends_at, expires_at, must_read, due_at, due_why, due_trace, generation)
				VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$10,true,now(),$12,$11,1)
				ON CONFLICT (account_id, meeting_id) DO UPDATE SET status = 'scheduled', host_id = excluded.host_id, must_read = true,
					not_found = false, missing_since = NULL, misses = 0,
					start_time = CASE WHEN $9 THEN m.start_time ELSE excluded.start_time END, ends_at = CASE WHEN $9 THEN m.ends_at ELSE excluded.ends_at END,
					expires_at = CASE WHEN $9 THEN m.expires_at ELSE greatest(m.expires_at, excluded.expires_at) END,
					due_at = now(), due_why = excluded.due_why, due_trace = excluded.due_trace, generation = m.generation + 1, attempts = 0
				WHERE (m.status IN ('deleted', 'ended') OR m.misses > 0 OR m.host_id = ''
					OR NOT $9 AND m.start_time IS DISTINCT FROM excluded.start_time)
				RETURNING EXISTS (SELECT FROM meetings old WHERE old.meeting_id = $1 AND old.account_id = $2)`,
				l.ID, c.Host.AccountID, c.Host.ID, l.UUID, l.Topic, int(l.Type), null(l.Starts), null(l.Ends), l.recurs(), null(l.expires()), c.Host.DueTrace, why).Scan(&known)
			switch {
			case errors.Is(err, pgx.ErrNoRows): // nothing new
			case err != nil:
				return err
			case known:
				back++
			default:
				found++
			}
		}
		if why == sweptFor && found+back > 0 {
			if _, err := tx.Exec(ctx, `WITH spent AS (UPDATE sweeps SET spent = spent + $2 WHERE account_id = $1)
				UPDATE sweep_rounds SET calls = calls + $2 WHERE account_id = $1 AND ended_at IS NULL AND (scope = 'account' OR scope = 'host' AND scope_id = $3 OR scope = 'group' AND scope_id = ANY($4))`,
				c.Host.AccountID, found+back, c.Host.ID, c.Host.GroupIDs); err != nil {
				return err
			}
		}
		var next *float64
		if d.Next > 0 {
			seconds := d.Next.Seconds()
			next = &seconds
		}
		_, err := tx.Exec(ctx, `UPDATE hosts SET lease_owner = NULL, lease_until = NULL, attempts = 0, last_error = $4, waiting_for = $5, policy = $6, list_due = CASE WHEN generation = $2 AND NOT $8 THEN false ELSE list_due END, due_trace = CASE WHEN generation = $2 THEN '' ELSE due_trace END,
			due_at = CASE WHEN generation = $2 THEN now() + $3::float8 * interval '1 second' ELSE due_at END WHERE host_id = $1 AND account_id = $7`,
			c.Host.ID, c.generation, next, d.Why, d.WaitingFor, d.Policy, c.Host.AccountID, d.Unlisted)
		if err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, 0, fmt.Errorf("complete host %s: %w", c.Host.ID, err)
	}
	return found, back, nil
}
