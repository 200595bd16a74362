package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
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

// ClaimMeetings takes up to limit due meetings, soonest start first, skipping
// those that other workers hold. A meeting whose worker stopped sending
// heartbeats is due again when its lease ends. A row that cannot be read is put
// off alone.
func (s *Store) ClaimMeetings(ctx context.Context, worker string, limit int, lease time.Duration) ([]MeetingClaim, error) {
	l := Lease{table: "meetings", key: "meeting_id", owner: worker + ":" + rand.Text(), Since: time.Now()}
	n, err := s.take(ctx, &l, `UPDATE meetings m SET `+claimed+`
		FROM (SELECT account_id, meeting_id FROM meetings WHERE `+claimable+` AND `+stillToCome+`
			ORDER BY start_time NULLS FIRST, due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
		WHERE m.account_id = due.account_id AND m.meeting_id = due.meeting_id`, limit, lease)
	if err == nil && n < limit {
		var past int
		past, err = s.take(ctx, &l, `UPDATE meetings m SET `+claimed+`
			FROM (SELECT account_id, meeting_id FROM meetings WHERE `+claimable+` AND NOT `+stillToCome+`
				ORDER BY start_time DESC, due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
			WHERE m.account_id = due.account_id AND m.meeting_id = due.meeting_id`, limit-n, lease)
		n += past
	}
	if err != nil || n == 0 {
		return nil, err
	}
	claims, err := readClaims(ctx, s, l, scanMeeting, meetingColumns, "start_time NULLS FIRST, due_at", func(l Lease, m Meeting) MeetingClaim {
		l.account, l.id, l.generation, l.Attempt = m.AccountID, m.ID, m.Generation, m.Attempts
		return MeetingClaim{Lease: l, Meeting: m}
	})
	if err != nil {
		return nil, fmt.Errorf("claim meetings: %w", err)
	}
	return claims, nil
}

// ClaimHosts takes up to limit due hosts.
func (s *Store) ClaimHosts(ctx context.Context, worker string, limit int, lease time.Duration) ([]HostClaim, error) {
	l := Lease{table: "hosts", key: "host_id", owner: worker + ":" + rand.Text(), Since: time.Now()}
	n, err := s.take(ctx, &l, `UPDATE hosts h SET `+claimed+`
		FROM (SELECT account_id, host_id FROM hosts WHERE `+claimable+` ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
		WHERE h.account_id = due.account_id AND h.host_id = due.host_id`, limit, lease)
	if err != nil || n == 0 {
		return nil, err
	}
	claims, err := readClaims(ctx, s, l, scanHost, hostColumns, "due_at", func(l Lease, h Host) HostClaim {
		l.account, l.id, l.generation, l.Attempt = h.AccountID, h.ID, h.Generation, h.Attempts
		return HostClaim{Lease: l, Host: h}
	})
	if err != nil {
		return nil, fmt.Errorf("claim hosts: %w", err)
	}
	return claims, nil
}

// take claims rows under the lease's owner and returns how many.
func (s *Store) take(ctx context.Context, l *Lease, update string, limit int, lease time.Duration) (n int, err error) {
	err = s.pool.QueryRow(ctx, `WITH taken AS (`+update+` RETURNING 1) SELECT count(*), now() FROM taken`, l.owner, limit, lease.Seconds()).Scan(&n, &l.Now)
	if err != nil {
		return 0, fmt.Errorf("claim %s: %w", l.table, err)
	}
	return n, nil
}

// readClaims reads the rows that were claimed under the lease's owner, together
// if that can be, else one by one.
func readClaims[R, C any](ctx context.Context, s *Store, l Lease, scan pgx.RowToFunc[R], columns, order string, claim func(Lease, R) C) ([]C, error) {
	query := `SELECT ` + columns + ` FROM ` + l.table + ` WHERE lease_owner = $1`
	rows, err := s.pool.Query(ctx, query+` ORDER BY `+order, l.owner)
	if err != nil {
		return nil, err
	}
	var claims []C
	all, err := pgx.CollectRows(rows, scan)
	if err == nil {
		for _, row := range all {
			claims = append(claims, claim(l, row))
		}
		return claims, nil
	}
	if Unavailable(err) && !badValue(err) {
		return nil, err
	}
	type identity struct{ Account, ID string }
	rows, err = s.pool.Query(ctx, `SELECT account_id, `+l.key+`::text FROM `+l.table+` WHERE lease_owner = $1 ORDER BY `+order, l.owner)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowToStructByPos[identity])
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		rows, err := s.pool.Query(ctx, query+` AND account_id = $2 AND `+l.key+`::text = $3`, l.owner, id.Account, id.ID)
		if err != nil {
			return claims, err
		}
		row, err := pgx.CollectExactlyOneRow(rows, scan)
		if err == nil {
			claims = append(claims, claim(l, row))
			continue
		}
		if Unavailable(err) && !badValue(err) {
			return claims, err // the server's matter, not the row's
		}
		if _, err := s.pool.Exec(ctx, `UPDATE `+l.table+` SET lease_owner = NULL, lease_until = NULL, due_at = now() + interval '10 minutes',
				last_error = $4 WHERE account_id = $1 AND `+l.key+`::text = $2 AND lease_owner = $3`, id.Account, id.ID, l.owner, "the row cannot be read: "+err.Error()); err != nil {
			return claims, err
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
