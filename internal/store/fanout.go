package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// One change of a group or an account touches many hosts and their meetings.
// Each of these marks them all with a fixed number of statements, however many
// there are, and leaves alone what is marked already and not being worked on:
// a thousand changes that arrive while a check waits are one check.

// A meeting that moved is not read for that: the check holds what is known of it against
// the settings as they are then. One that may have been changed by Zoom is read where a
// change that takes something back comes before that check: the settings as they are then
// do not show the first.
const markMeetings = `UPDATE meetings m SET must_read = m.must_read OR m.moved = 2 AND $6 OR $5 = 3, moved = greatest(m.moved, least($5, 2)),
		due_at = least(m.due_at, now()), due_why = $2, due_trace = $4, generation = m.generation + 1, attempts = 0
	WHERE m.account_id = $3 AND m.status IN ('scheduled', 'started') AND (m.expires_at IS NULL OR m.expires_at > now())
	AND NOT ((m.must_read OR $5 < 3 AND m.moved >= $5 AND NOT (m.moved = 2 AND $6)) AND coalesce(m.due_at <= now(), false) AND coalesce(m.lease_until, 'epoch') < now()) AND `

const markHosts = `UPDATE hosts h SET changed_at = greatest(h.changed_at, $4::timestamptz), read_at = NULL, due_at = least(h.due_at, now()),
	profile_read_at = CASE WHEN $6 THEN NULL ELSE h.profile_read_at END, list_due = h.list_due OR $7,
	security_alone = $8 AND (h.read_at IS NOT NULL OR h.security_alone),
	due_why = $2, due_trace = $5, generation = h.generation + 1, attempts = 0
	WHERE h.account_id = $3 AND NOT (h.read_at IS NULL AND coalesce(h.due_at <= now(), false) AND coalesce(h.lease_until, 'epoch') < now()
		AND coalesce(h.changed_at >= $4, false) AND (h.profile_read_at IS NULL OR NOT $6) AND (h.list_due OR NOT $7) AND ($8 OR NOT h.security_alone)) AND `

// Move says what a change of settings makes of what is known of hosts and meetings.
type Move struct {
	Meetings Moved
	// TakesBack: it turns something off, or unlocks it, so that what an earlier change did
	// does not show any more.
	TakesBack bool
	// Profile: the hosts' licence, groups or personal meeting id may be others.
	Profile bool
	// List: they may have meetings that nobody told of.
	List bool
	// SecurityAlone: of the hosts' settings those of meeting_security may be others.
	SecurityAlone bool
}

// Moved says what a change may have done to meetings that exist.
type Moved int

// Nothing, perhaps something, and something that only reading each shows.
const (
	MovedNot Moved = iota + 1
	MovedPerhaps
	MovedRead
)

// moveAll is a change of which nothing is known but whom it reaches.
var moveAll = Move{Meetings: MovedRead, Profile: true, List: true}

// lockHosts comes first: whoever needs a host and meetings takes them in this
// order, as a host's own check does.
const lockHosts = `SELECT count(*) FROM (SELECT FROM hosts h WHERE $2::text <> '' AND h.account_id = $3 AND `

const lockedHosts = ` ORDER BY h.host_id FOR NO KEY UPDATE OF h) locked`

// lockMeetings holds the meetings until the transaction ends. Those that are
// marked already are left alone, and must not be claimed meanwhile either: a
// check would still believe locks and settings that this transaction is about
// to call out of date, and nothing would make the meeting due again.
const lockMeetings = `SELECT count(*) FROM (SELECT FROM meetings m WHERE $2::text <> '' AND m.account_id = $3 AND m.status IN ('scheduled', 'started') AND `

const locked = ` ORDER BY m.meeting_id FOR NO KEY UPDATE OF m) locked`

// Whom a change reaches, within the account of the event ($3), which an event
// speaks for alone. Of a group these are its members, and whoever may be one:
// hosts that are not known or were never read.
const (
	hostsOfAccount = `true`
	hostsOfGroup   = `(h.group_ids @> ARRAY[$1::text] OR h.email = '')`
	hostsNamed     = `h.host_id = ANY($1)`

	meetingsOfAccount = `true`
	meetingsOfGroup   = `NOT EXISTS (SELECT FROM hosts h WHERE h.account_id = m.account_id AND h.host_id = m.host_id AND NOT ` + hostsOfGroup + `)`
	meetingsOfHosts   = `m.host_id = ANY($1)`
	// A sweep looks for lost events, and need not look for them for as long as a
	// number lets people in after the planned end.
	meetingsToSweep = meetingsOfHosts + ` AND coalesce(m.ends_at > now() - interval '1 day', true)`
)

// LevelChanged notes that an account's or a group's settings or locks changed:
// its locks, and the settings of every host it holds for, must be read again,
// and their upcoming meetings are due, and read.
func (t *IntakeTx) LevelChanged(ctx context.Context, level passcode.Level, id string, at time.Time, why string) error {
	return t.LevelMoved(ctx, level, id, at, why, moveAll)
}

// LevelMoved is LevelChanged of a change of which more is known. What more it reaches than
// one step marks is left to FanOut.
func (t *IntakeTx) LevelMoved(ctx context.Context, level passcode.Level, id string, at time.Time, why string, move Move) error {
	t.woken = true
	account := t.account
	var b pgx.Batch
	switch {
	case level == passcode.LevelGroup:
		b.Queue(`INSERT INTO groups AS g (group_id, account_id, generation) VALUES ($1, $2, 1) ON CONFLICT (account_id, group_id) DO UPDATE SET read_at = NULL, generation = g.generation + 1`, id, account)
	case id != account:
		return nil // an event speaks for its own account alone
	default:
		b.Queue(`INSERT INTO accounts AS a (account_id, generation) VALUES ($1, 1) ON CONFLICT (account_id) DO UPDATE SET read_at = NULL, generation = a.generation + 1`, id)
		b.Queue(`UPDATE groups SET read_at = NULL, generation = generation + 1 WHERE account_id = $1`, id)
	}
	if err := t.tx.SendBatch(ctx, &b).Close(); err != nil {
		return err
	}
	return fanOut(ctx, t.tx, fanout{AccountID: account, Level: level, LevelID: id, At: at, Why: why, Trace: t.Trace, Move: move})
}

// mark locks and marks the meetings and the hosts that a change reaches. of is
// what the conditions call $1.
func (t *IntakeTx) mark(b *pgx.Batch, meetings, hosts string, of any, at time.Time, why string, move Move) {
	use := "" // every parameter stands in every statement, so that its type is known
	if _, text := of.(string); text {
		use = ` AND $1::text <> ''`
	}
	b.Queue(lockHosts+hosts+use+lockedHosts, of, why, t.account)
	b.Queue(lockMeetings+meetings+use+locked, of, why, t.account)
	b.Queue(markMeetings+meetings+use, of, why, t.account, t.Trace, int(move.Meetings), move.TakesBack)
	b.Queue(markHosts+hosts+use, of, why, t.account, at, t.Trace, move.Profile, move.List, move.SecurityAlone)
}

// HostsChanged notes that hosts' settings changed: they must be read again, the
// hosts' meetings be listed, and every upcoming meeting known already is due, to be
// read before anything is decided.
func (t *IntakeTx) HostsChanged(ctx context.Context, hostIDs []string, at time.Time, why string) error {
	return t.HostsMoved(ctx, hostIDs, at, why, moveAll)
}

// HostsMoved is HostsChanged of a change of which more is known.
func (t *IntakeTx) HostsMoved(ctx context.Context, hostIDs []string, at time.Time, why string, move Move) error {
	return t.hostsMoved(ctx, meetingsOfHosts, hostIDs, at, why, move)
}

func (t *IntakeTx) hostsMoved(ctx context.Context, meetings string, hostIDs []string, at time.Time, why string, move Move) error {
	t.woken = true
	var b pgx.Batch
	// A host may be mentioned here for the first time.
	b.Queue(`INSERT INTO hosts (host_id, account_id) SELECT unnest($1::text[]), $2 ON CONFLICT DO NOTHING`, hostIDs, t.account)
	t.mark(&b, meetings, hostsNamed, hostIDs, at, why, move)
	return t.tx.SendBatch(ctx, &b).Close()
}

// HostsSeen makes hosts that no event mentioned before due; others it leaves alone.
func (t *IntakeTx) HostsSeen(ctx context.Context, hostIDs []string) error {
	t.woken = true
	return hostsSeen(ctx, t.tx, t.account, t.Trace, hostIDs...)
}

func hostsSeen(ctx context.Context, tx pgx.Tx, accountID, trace string, hostIDs ...string) error {
	_, err := tx.Exec(ctx, `INSERT INTO hosts (host_id, account_id, due_at, due_why, due_trace, generation, swept_at)
		SELECT id, $2, now(), 'first seen', $3, 1, now() FROM unnest($1::text[]) AS u(id) ORDER BY id ON CONFLICT DO NOTHING`, hostIDs, accountID, trace)
	return err
}
