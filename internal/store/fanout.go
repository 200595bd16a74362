package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// One change of a group or an account touches many hosts and their meetings.
// Each of these marks them all with a fixed number of statements, however many
// there are, and leaves alone what is marked already and not being worked on:
// a thousand changes that arrive while a check waits are one check.

const markMeetings = `UPDATE meetings m SET must_read = true, due_at = least(m.due_at, now()), due_why = $2, generation = m.generation + 1, attempts = 0
	FROM hosts h WHERE h.host_id = m.host_id AND h.account_id = m.account_id AND `

const openMeetings = ` AND m.status IN ('scheduled', 'started') AND (m.ends_at IS NULL OR m.ends_at > now())
	AND NOT (m.must_read AND coalesce(m.due_at <= now(), false) AND coalesce(m.lease_until, 'epoch') < now())`

const markHosts = `UPDATE hosts h SET changed_at = greatest(h.changed_at, $4::timestamptz), read_at = NULL, due_at = least(h.due_at, now()),
	due_why = $2, generation = h.generation + 1, attempts = 0 WHERE `

const openHosts = ` AND NOT (h.read_at IS NULL AND coalesce(h.due_at <= now(), false) AND coalesce(h.lease_until, 'epoch') < now() AND coalesce(h.changed_at >= $4, false))`

// inAccount: an event speaks for its own account alone. (Null is a sweep, which
// is no event and names hosts that it found in its accounts.)
const inAccount = `($3::text IS NULL OR h.account_id = $3)`

// lockMeetings holds the meetings until the transaction ends. Those that are
// marked already are left alone, and must not be claimed meanwhile either: a
// check would still believe locks and settings that this transaction is about
// to call out of date, and nothing would make the meeting due again.
const lockMeetings = `SELECT count(*) FROM (SELECT FROM meetings m JOIN hosts h ON h.host_id = m.host_id AND h.account_id = m.account_id
	WHERE $2::text <> '' AND m.status IN ('scheduled', 'started') AND ` + inAccount + ` AND `

const locked = ` ORDER BY m.meeting_id FOR NO KEY UPDATE OF m) locked`

// LevelChanged notes that an account's or a group's settings or locks changed:
// its locks, and the settings of every host it holds for, must be read again,
// and their upcoming meetings are due.
func (t *IntakeTx) LevelChanged(ctx context.Context, level passcode.Level, id string, at time.Time, why string) error {
	t.woken = true
	var b pgx.Batch
	of, account := "h.account_id = $1", t.event.AccountID
	if level == passcode.LevelGroup {
		of = "h.group_ids @> ARRAY[$1::text]"
		b.Queue(`INSERT INTO groups AS g (group_id, account_id, generation) VALUES ($1, $2, 1) ON CONFLICT (group_id) DO UPDATE SET read_at = NULL, generation = g.generation + 1 WHERE g.account_id = $2`, id, account)
	} else {
		b.Queue(`INSERT INTO accounts AS a (account_id, generation) SELECT $1, 1 WHERE $1 = $2 ON CONFLICT (account_id) DO UPDATE SET read_at = NULL, generation = a.generation + 1`, id, account)
		b.Queue(`UPDATE groups SET read_at = NULL, generation = generation + 1 WHERE account_id = $1 AND account_id = $2`, id, account)
	}
	b.Queue(lockMeetings+of+locked, id, why, account)
	b.Queue(markMeetings+of+` AND `+inAccount+openMeetings, id, why, account)
	b.Queue(markHosts+of+` AND `+inAccount+openHosts, id, why, account, at)
	return t.tx.SendBatch(ctx, &b).Close()
}

// HostsChanged is HostChanged for several hosts, such as the members that
// joined or left a group.
func (t *IntakeTx) HostsChanged(ctx context.Context, hostIDs []string, at time.Time, why string) error {
	t.woken = true
	var b pgx.Batch
	// A host may be mentioned here for the first time.
	b.Queue(`INSERT INTO hosts (host_id, account_id) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING`, hostIDs, t.event.AccountID)
	var account *string
	if !t.sweep {
		account = &t.event.AccountID
	}
	b.Queue(lockMeetings+`h.host_id = ANY($1)`+locked, hostIDs, why, account)
	b.Queue(markMeetings+`h.host_id = ANY($1) AND `+inAccount+openMeetings, hostIDs, why, account)
	b.Queue(markHosts+`h.host_id = ANY($1) AND `+inAccount+openHosts, hostIDs, why, account, at)
	return t.tx.SendBatch(ctx, &b).Close()
}

// HostSeen makes a host that no event mentioned before due; others it leaves alone.
func (t *IntakeTx) HostSeen(ctx context.Context, hostID string) error {
	t.woken = true
	_, err := t.tx.Exec(ctx, `INSERT INTO hosts (host_id, account_id, due_at, due_why, generation, swept_at) VALUES ($1, $2, now(), 'first seen', 1, now()) ON CONFLICT DO NOTHING`,
		hostID, t.event.AccountID)
	return err
}

// SweepHosts marks up to limit hosts of these accounts that were not swept for
// that long, with their upcoming meetings, as needing a read: should Zoom
// have dropped an event about them, this finds what it said. It returns how many.
func (s *Store) SweepHosts(ctx context.Context, accounts []string, age time.Duration, limit int) (n int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE hosts SET swept_at = now() WHERE host_id IN (
			SELECT host_id FROM hosts WHERE account_id = ANY($1) AND coalesce(swept_at, 'epoch') < now() - $2 * interval '1 second'
			ORDER BY swept_at NULLS FIRST LIMIT $3 FOR UPDATE SKIP LOCKED) RETURNING host_id`, accounts, age.Seconds(), limit)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		t := &IntakeTx{tx: tx, sweep: true}
		var now time.Time
		if err := tx.QueryRow(ctx, `SELECT now()`).Scan(&now); err != nil {
			return err
		}
		if err := t.HostsChanged(ctx, ids, now, "sweep"); err != nil {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("sweep: %w", err)
	}
	return n, nil
}
