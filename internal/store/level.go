package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Level is what is known of an account's or a group's locks.
type Level struct {
	ID   string        `db:"id"`
	Name string        `db:"name"` // groups only; "" when not read
	Plan passcode.Plan `db:"plan"` // accounts only
	// Documents is which of Zoom's documents the account was seen to follow; SetDocuments sets it.
	Documents  passcode.Documents `db:"documents"`
	Locks      passcode.Values    `db:"locks"`
	Fixed      passcode.Values    `db:"fixed"`   // the level's own values, where it locks anything
	ReadAt     time.Time          `db:"read_at"` // zero: never read, or out of date
	Age        Seconds            `db:"age"`     // how long ago, by the database's clock
	Generation int64              `db:"generation"`
}

// Fresh reports whether the locks were read within ttl and no change was
// reported since.
func (l Level) Fresh(ttl time.Duration) bool { return fresh(l.ReadAt, l.Age, ttl) }

// withAge computes age where a list of columns names it.
func withAge(list string) string {
	return strings.Replace(list, ", age", ", coalesce(extract(epoch FROM now() - read_at), 0)::float8 AS age", 1)
}

const (
	accountColumns = `account_id AS id, '' AS name, plan, documents, locks, fixed, read_at, age, generation`
	groupColumns   = `group_id AS id, name, '' AS plan, '' AS documents, locks, fixed, read_at, age, generation`
)

// Account reads an account's locks; a Level without ReadAt when never read.
func (s *Store) Account(ctx context.Context, id string) (Level, error) {
	return s.level(ctx, `SELECT `+withAge(accountColumns)+` FROM accounts WHERE account_id = $1`, id)
}

// Group reads a group of the account's locks; a Level without ReadAt when never read.
func (s *Store) Group(ctx context.Context, accountID, id string) (Level, error) {
	return s.level(ctx, `SELECT `+withAge(groupColumns)+` FROM groups WHERE group_id = $1 AND account_id = $2`, id, accountID)
}

func (s *Store) level(ctx context.Context, query, id string, more ...any) (Level, error) {
	rows, err := s.pool.Query(ctx, query, append([]any{id}, more...)...)
	if err == nil {
		var l Level
		l, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Level])
		if err == nil {
			return l, nil
		}
	}
	if errors.Is(err, pgx.ErrNoRows) {
		return Level{ID: id}, nil
	}
	return Level{ID: id}, fmt.Errorf("read the locks of %s: %w", id, err)
}

// Doubt has the settings of a host, and the locks above, read again that were read longer
// ago: what Zoom did is not what they say. It returns whether there were any.
func (s *Store) Doubt(ctx context.Context, accountID, hostID string, longer time.Duration) (doubted bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		const old = ` SET read_at = NULL WHERE account_id = $1 AND read_at < now() - $2 * interval '1 second'`
		doubted = false
		for _, of := range []struct {
			update string
			args   []any
		}{
			{`UPDATE accounts` + old, nil},
			{`UPDATE groups` + old + ` AND group_id = ANY (SELECT unnest(group_ids) FROM hosts WHERE account_id = $1 AND host_id = $3)`, []any{hostID}},
			{strings.Replace(`UPDATE hosts`+old, `read_at = NULL`, `read_at = NULL, profile_read_at = NULL, security_alone = false`, 1) + ` AND host_id = $3`, []any{hostID}},
		} {
			tag, err := tx.Exec(ctx, of.update, append([]any{accountID, longer.Seconds()}, of.args...)...)
			if err != nil {
				return err
			}
			doubted = doubted || tag.RowsAffected() > 0
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("have the settings of host %s read again: %w", hostID, err)
	}
	return doubted, nil
}

// SaveAccount writes what was read of an account, the reading having taken so
// long. A change reported after generation seen stays: it must be read again.
func (s *Store) SaveAccount(ctx context.Context, l Level, seen int64, took time.Duration) error {
	return s.saveLevel(ctx, l, seen, took, `WITH counted AS (`+fmt.Sprintf(locksCounted, "$1")+`) INSERT INTO accounts AS l (account_id, locks, fixed, read_at, plan, generation) VALUES ($1, $2, $3, now() - $5 * interval '1 second', $6, $4)
		ON CONFLICT (account_id) DO UPDATE SET locks = excluded.locks, fixed = excluded.fixed, plan = excluded.plan,
			read_at = CASE WHEN l.generation = $4 THEN excluded.read_at END`, l.Plan)
}

// SaveGroup writes what was read of a group; see SaveAccount.
func (s *Store) SaveGroup(ctx context.Context, accountID string, l Level, seen int64, took time.Duration) error {
	return s.saveLevel(ctx, l, seen, took, `WITH counted AS (`+fmt.Sprintf(locksCounted, "$6")+`) INSERT INTO groups AS l (group_id, locks, fixed, read_at, account_id, name, generation) VALUES ($1, $2, $3, now() - $5 * interval '1 second', $6, $7, $4)
		ON CONFLICT (account_id, group_id) DO UPDATE SET locks = excluded.locks, fixed = excluded.fixed,
			name = CASE WHEN excluded.name = '' THEN l.name ELSE excluded.name END,
			read_at = CASE WHEN l.generation = $4 THEN excluded.read_at END`, accountID, l.Name)
}

// locksCounted counts the calls that reading a level's locks took, two at least, as the
// sweep's: it is each round of it that has them read again.
const locksCounted = `UPDATE sweeps SET spent = spent + 2 WHERE account_id = %s::text`

func (s *Store) saveLevel(ctx context.Context, l Level, seen int64, took time.Duration, query string, last ...any) error {
	locks, err := json.Marshal(l.Locks)
	if err == nil {
		var fixed []byte
		if fixed, err = json.Marshal(l.Fixed); err == nil {
			_, err = s.pool.Exec(ctx, query, append([]any{l.ID, locks, fixed, seen, took.Seconds()}, last...)...)
		}
	}
	if err != nil {
		return fmt.Errorf("save the locks of %s: %w", l.ID, err)
	}
	return nil
}
