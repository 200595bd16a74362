package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/work"
)

// Lease is the right of one worker to work on one row until a moment that a
// heartbeat moves on. Its owner string is new for each claim, so a worker that
// lost a lease cannot mistake the next claim for its own.
type Lease struct {
	table, key string
	account    string
	id         any
	owner      string
	generation int64
	// Now is the database's clock when the row was claimed, and Since this
	// process's just before it asked: the lease lasts from Since at least.
	Now, Since time.Time
	// Attempt is 1 for the first. It is counted when the row is claimed, so that
	// work which kills its worker counts too.
	Attempt int
}

// MeetingClaim is a due meeting that is now this worker's alone.
type MeetingClaim struct {
	Lease
	Meeting Meeting
}

// HostClaim is a due host that is now this worker's alone.
type HostClaim struct {
	Lease
	Host Host
}

// claimable is a row that is due and nobody's: its worker's lease ended. Where
// that happened three times and more the row waits longer and longer, so that it
// cannot take all workers down.
const claimable = `due_at <= now() AND (lease_until IS NULL OR lease_until + CASE WHEN attempts < 3 THEN interval '0'
	ELSE least(power(2, least(attempts - 3, 6)), 60) * interval '1 minute' END < now())`

// claimed are the columns that a claim sets. A row whose lease ended without a
// result says so.
const claimed = `lease_owner = $1, lease_until = now() + $3 * interval '1 second', claimed_at = now(), attempts = attempts + 1,
	last_error = CASE WHEN lease_until IS NULL THEN last_error ELSE format('the worker died or hung while working on it (attempt %s)', attempts) END`

// stillToCome are meetings whose planned end has not passed. Numbers of others
// still let people in, but these go first: people wait for them.
const stillToCome = `coalesce(ends_at > now() - interval '1 hour', true)`

// startsSoon are meetings that are on by their plan, or nearly.
const startsSoon = `start_time <= now() + interval '15 minutes' AND ` + stillToCome

// lane is one order in which due meetings are taken, and of which.
type lane struct{ where, order string }

// urgent are looked at one after the other while there are places. Each has an index
// that it can be read from in its order. A meeting whose start is not known may begin
// at any moment, but those of which that is known go before a flood of them.
var urgent = []lane{
	{startsSoon, "start_time, due_at"},
	{"start_time IS NULL AND status = 'started' AND " + stillToCome, "due_at"},
	{stillToCome, "start_time NULLS FIRST, due_at"},
	{"NOT " + stillToCome, "start_time DESC, due_at"},
}

// longestDue has one place of every placesPerTurn, so that no flood of what is more
// urgent keeps anything waiting for ever.
var longestDue = lane{"true", "due_at"}

const placesPerTurn = 4

// ClaimMeetings takes up to limit due meetings, skipping those that other workers
// hold: three of four by urgency (on or about to start, then without a known start,
// then soonest start first, those whose planned end has passed last), the fourth what
// has been due longest. A meeting whose worker stopped sending heartbeats is due again
// when its lease ends. A row that cannot be read is put off alone.
func (s *Store) ClaimMeetings(ctx context.Context, worker string, limit int, lease time.Duration) ([]MeetingClaim, error) {
	// Mostly there are none, and each lane is a question of its own.
	var due bool
	if err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM meetings WHERE `+claimable+`)`).Scan(&due); err != nil {
		return nil, fmt.Errorf("claim meetings: %w", err)
	} else if !due {
		return nil, nil
	}
	c := claiming{Lease: Lease{table: "meetings", key: "meeting_id", owner: worker + ":" + rand.Text(), Since: time.Now()}, keyType: "bigint"}
	dealt := s.placesDealt.Add(int64(limit))
	err := s.take(ctx, &c, longestDue, int(dealt/placesPerTurn-(dealt-int64(limit))/placesPerTurn), lease)
	for _, lane := range urgent {
		if err == nil {
			err = s.take(ctx, &c, lane, limit-len(c.accounts), lease)
		}
	}
	return readClaims(ctx, s, c, err, scanMeeting, meetingColumns, "start_time NULLS FIRST, due_at", func(l Lease, m Meeting) MeetingClaim {
		l.account, l.id, l.generation, l.Attempt = m.AccountID, m.ID, m.Generation, m.Attempts
		return MeetingClaim{Lease: l, Meeting: m}
	})
}

// ClaimHosts takes up to limit due hosts.
func (s *Store) ClaimHosts(ctx context.Context, worker string, limit int, lease time.Duration) ([]HostClaim, error) {
	c := claiming{Lease: Lease{table: "hosts", key: "host_id", owner: worker + ":" + rand.Text(), Since: time.Now()}, keyType: "text"}
	err := s.take(ctx, &c, longestDue, limit, lease)
	return readClaims(ctx, s, c, err, scanHost, hostColumns, "due_at", func(l Lease, h Host) HostClaim {
		l.account, l.id, l.generation, l.Attempt = h.AccountID, h.ID, h.Generation, h.Attempts
		return HostClaim{Lease: l, Host: h}
	})
}

// claiming is a claim in the making: the rows that are leased to its owner so far.
type claiming struct {
	Lease
	keyType       string
	accounts, ids []string
}

// take claims rows of a lane, up to so many.
func (s *Store) take(ctx context.Context, c *claiming, from lane, places int, lease time.Duration) error {
	if places <= 0 {
		return nil
	}
	rows, err := s.pool.Query(ctx, `UPDATE `+c.table+` r SET `+claimed+`
		FROM (SELECT account_id, `+c.key+` AS key FROM `+c.table+` WHERE `+claimable+` AND `+from.where+` ORDER BY `+from.order+` LIMIT $2 FOR UPDATE SKIP LOCKED) due
		WHERE r.account_id = due.account_id AND r.`+c.key+` = due.key RETURNING r.account_id, due.key::text, now()`, c.owner, places, lease.Seconds())
	if err != nil {
		return err
	}
	var account, id string
	_, err = pgx.ForEachRow(rows, []any{&account, &id, &c.Now}, func() error {
		c.accounts, c.ids = append(c.accounts, account), append(c.ids, id)
		return nil
	})
	return err
}

// readClaims reads the rows that were claimed, together if that can be, else one by
// one. failed is the error that ended the claiming, if one did: what was claimed by
// then, without our hearing of it perhaps, is given back rather than left to nobody
// until its lease ends.
func readClaims[R, C any](ctx context.Context, s *Store, c claiming, failed error, scan pgx.RowToFunc[R], columns, order string, claim func(Lease, R) C) ([]C, error) {
	claims, err := []C(nil), failed
	if err == nil && len(c.ids) > 0 {
		claims, err = readClaimed(ctx, s, c, scan, columns, order, claim)
	}
	if err == nil {
		return claims, nil
	}
	back, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackWithin)
	defer cancel()
	if berr := work.Insist(back, Unavailable, func() error {
		_, err := s.pool.Exec(back, `UPDATE `+c.table+` SET lease_owner = NULL, lease_until = NULL, attempts = greatest(attempts - 1, 0) WHERE lease_owner = $1`, c.owner)
		return err
	}); berr != nil {
		err = errors.Join(err, fmt.Errorf("give back what was claimed: %w", berr))
	}
	return nil, fmt.Errorf("claim %s: %w", c.table, err)
}

// giveBackWithin bounds giving a claim back.
const giveBackWithin = 5 * time.Second

func readClaimed[R, C any](ctx context.Context, s *Store, c claiming, scan pgx.RowToFunc[R], columns, order string, claim func(Lease, R) C) ([]C, error) {
	query := `SELECT ` + columns + ` FROM ` + c.table + ` WHERE lease_owner = $1
		AND (account_id, ` + c.key + `) IN (SELECT a, k::` + c.keyType + ` FROM unnest($2::text[], $3::text[]) AS ours(a, k)) ORDER BY ` + order
	rows, err := s.pool.Query(ctx, query, c.owner, c.accounts, c.ids)
	if err != nil {
		return nil, err
	}
	var claims []C
	all, err := pgx.CollectRows(rows, scan)
	if err == nil {
		for _, row := range all {
			claims = append(claims, claim(c.Lease, row))
		}
		return claims, nil
	}
	if Unavailable(err) && !badValue(err) {
		return nil, err
	}
	for i, id := range c.ids {
		rows, err := s.pool.Query(ctx, query, c.owner, c.accounts[i:i+1], c.ids[i:i+1])
		if err != nil {
			return nil, err
		}
		row, err := pgx.CollectExactlyOneRow(rows, scan)
		if err == nil {
			claims = append(claims, claim(c.Lease, row))
			continue
		}
		if Unavailable(err) && !badValue(err) {
			return nil, err // the server's matter, not the row's
		}
		if _, err := s.pool.Exec(ctx, `UPDATE `+c.table+` SET lease_owner = NULL, lease_until = NULL, due_at = now() + interval '10 minutes',
				last_error = $4 WHERE account_id = $1 AND `+c.key+`::text = $2 AND lease_owner = $3`, c.accounts[i], id, c.owner, "the row cannot be read: "+err.Error()); err != nil {
			return nil, err
		}
	}
	return claims, nil
}

// Heartbeat moves the lease's end on; ErrLeaseLost when it is somebody else's.
func (s *Store) Heartbeat(ctx context.Context, l Lease, lease time.Duration) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+l.table+` SET lease_until = now() + $3 * interval '1 second'
		WHERE `+l.key+` = $1 AND lease_owner = $2 AND account_id = $4 AND lease_until >= now()`, l.id, l.owner, lease.Seconds(), l.account)
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrLeaseLost
	}
	return nil
}

// PutOff ends a claim without a result: the row is due again after the time,
// with the error noted. A change that arrived meanwhile makes it due at once.
// waitingFor names the Zoom call that latchkey's own set-up does not allow, if
// that is why.
func (s *Store) PutOff(ctx context.Context, l Lease, after time.Duration, why, waitingFor string) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+l.table+` SET lease_owner = NULL, lease_until = NULL, last_error = $5, waiting_for = $6,
			due_at = CASE WHEN generation = $3 THEN now() + $4 * interval '1 second' ELSE due_at END,
			attempts = CASE WHEN generation = $3 THEN attempts ELSE 0 END
		WHERE `+l.key+` = $1 AND lease_owner = $2 AND account_id = $7`, l.id, l.owner, l.generation, after.Seconds(), why, waitingFor, l.account)
	if err != nil {
		return fmt.Errorf("put off: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrLeaseLost
	}
	return nil
}

// held locks the leased row, so that nobody can take the lease over before the
// transaction ends; ErrLeaseLost when somebody has.
func (l Lease) held(ctx context.Context, tx pgx.Tx) error {
	var ok bool
	err := tx.QueryRow(ctx, `SELECT true FROM `+l.table+` WHERE `+l.key+` = $1 AND lease_owner = $2 AND account_id = $3 FOR UPDATE`, l.id, l.owner, l.account).Scan(&ok)
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrLeaseLost
	}
	return err
}

// WaitDue blocks until some transaction made something due, or ctx ends.
func (s *Store) WaitDue(ctx context.Context, wake func()) error {
	conn, err := s.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	// The connection is closed rather than returned: it is still listening.
	defer func() {
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second) // nobody may be there to hear it
		defer cancel()
		conn.Hijack().Close(bye)
	}()
	if _, err := conn.Exec(ctx, `LISTEN `+dueChannel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	wake() // what was due before we listened
	for {
		if _, err := conn.Conn().WaitForNotification(ctx); err != nil {
			return fmt.Errorf("listen: %w", err)
		}
		wake()
	}
}
