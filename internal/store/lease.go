package store

import (
	"context"
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
	id         any
	owner      string
	generation int64
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

// ClaimMeetings takes up to limit due meetings, soonest start first, skipping
// those that other workers hold. A meeting whose worker stopped sending
// heartbeats is due again when its lease ends.
func (s *Store) ClaimMeetings(ctx context.Context, owner string, limit int, lease time.Duration) ([]MeetingClaim, error) {
	rows, err := s.pool.Query(ctx, `UPDATE meetings m SET lease_owner = $1 || ':' || gen_random_uuid(), lease_until = now() + $3 * interval '1 second'
		FROM (SELECT meeting_id FROM meetings
			WHERE due_at <= now() AND (lease_until IS NULL OR lease_until < now())
			ORDER BY start_time NULLS FIRST, due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
		WHERE m.meeting_id = due.meeting_id
		RETURNING m.lease_owner, `+prefixed("m", meetingColumns), owner, limit, lease.Seconds())
	if err != nil {
		return nil, fmt.Errorf("claim meetings: %w", err)
	}
	defer rows.Close()
	var claims []MeetingClaim
	for rows.Next() {
		c := MeetingClaim{Lease: Lease{table: "meetings", key: "meeting_id"}}
		m, err := scanMeeting(shifted{rows, &c.owner})
		if err != nil {
			return nil, fmt.Errorf("claim meetings: %w", err)
		}
		c.Meeting, c.id, c.generation = m, m.ID, m.Generation
		claims = append(claims, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("claim meetings: %w", err)
	}
	// UPDATE … FROM does not keep the order it found the rows in.
	sortSoonest(claims)
	return claims, nil
}

// ClaimHosts takes up to limit due hosts.
func (s *Store) ClaimHosts(ctx context.Context, owner string, limit int, lease time.Duration) ([]HostClaim, error) {
	rows, err := s.pool.Query(ctx, `UPDATE hosts h SET lease_owner = $1 || ':' || gen_random_uuid(), lease_until = now() + $3 * interval '1 second'
		FROM (SELECT host_id FROM hosts WHERE due_at <= now() AND (lease_until IS NULL OR lease_until < now())
			ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED) due
		WHERE h.host_id = due.host_id
		RETURNING h.lease_owner, `+prefixed("h", hostColumns), owner, limit, lease.Seconds())
	if err != nil {
		return nil, fmt.Errorf("claim hosts: %w", err)
	}
	defer rows.Close()
	var claims []HostClaim
	for rows.Next() {
		c := HostClaim{Lease: Lease{table: "hosts", key: "host_id"}}
		h, err := scanHost(shifted{rows, &c.owner})
		if err != nil {
			return nil, fmt.Errorf("claim hosts: %w", err)
		}
		c.Host, c.id, c.generation = h, h.ID, h.Generation
		claims = append(claims, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("claim hosts: %w", err)
	}
	return claims, nil
}

// Heartbeat moves the lease's end on; ErrLeaseLost when it is somebody else's.
func (s *Store) Heartbeat(ctx context.Context, l Lease, lease time.Duration) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+l.table+` SET lease_until = now() + $3 * interval '1 second'
		WHERE `+l.key+` = $1 AND lease_owner = $2 AND lease_until >= now()`, l.id, l.owner, lease.Seconds())
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return ErrLeaseLost
	}
	return nil
}

// PutOff ends a claim without a result: the row is due again at the time, with
// the error noted. A change that arrived meanwhile makes it due at once.
func (s *Store) PutOff(ctx context.Context, l Lease, at time.Time, why string) error {
	tag, err := s.pool.Exec(ctx, `UPDATE `+l.table+` SET lease_owner = NULL, lease_until = NULL, last_error = $5,
			due_at = CASE WHEN generation = $3 THEN $4 ELSE due_at END,
			attempts = CASE WHEN generation = $3 THEN attempts + 1 ELSE 0 END
		WHERE `+l.key+` = $1 AND lease_owner = $2`, l.id, l.owner, l.generation, at, why)
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
	err := tx.QueryRow(ctx, `SELECT true FROM `+l.table+` WHERE `+l.key+` = $1 AND lease_owner = $2 FOR UPDATE`, l.id, l.owner).Scan(&ok)
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
	// The connection is closed rather than given back: it is still listening.
	defer func() { conn.Hijack().Close(context.WithoutCancel(ctx)) }()
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
