package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Round is a sweep that somebody asked for: every host of a level is read again once,
// with their upcoming meetings. The workers do it.
type Round struct {
	ID        int64          `db:"id"`
	AccountID string         `db:"account_id"`
	Level     passcode.Level `db:"scope"`
	LevelID   string         `db:"scope_id"`
	BeganAt   time.Time      `db:"began_at"`
	UsersAt   time.Time      `db:"users_at"`  // zero: the account's users are not listed yet, or need not be
	UsersWhy  string         `db:"users_why"` // why they could not be
	Hosts     int            `db:"hosts"`     // that are marked
	Calls     int            `db:"calls"`     // what reading those costs, with their meetings
	MarkedAt  time.Time      `db:"marked_at"` // when the last was; zero: not all are
	EndedAt   time.Time      `db:"ended_at"`  // when all were read, or it was stopped
	Stopped   bool           `db:"stopped"`
}

var roundColumns = columns[Round]()

// inScope is the condition on hosts h of a sweep of a level; id is how SQL calls its id.
func inScope(level passcode.Level, id string) string {
	switch level {
	case passcode.LevelGroup:
		return `(h.group_ids @> ARRAY[` + id + `] OR h.email = '')`
	case passcode.LevelHost:
		return `h.host_id = ` + id
	}
	return `true`
}

// AskSweep asks the workers for a sweep of an account, or of a group or a host of it. One
// that is under way is joined rather than begun again.
func (s *Store) AskSweep(ctx context.Context, account string, level passcode.Level, id string) (r Round, joined bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO sweep_rounds (account_id, scope, scope_id) VALUES ($1, $2, $3) ON CONFLICT (account_id, scope, scope_id) WHERE ended_at IS NULL DO NOTHING`, account, level, id)
		if err != nil {
			return err
		}
		joined = tag.RowsAffected() == 0
		if r, err = oneRound(tx.Query(ctx, `SELECT `+roundColumns+` FROM sweep_rounds WHERE account_id = $1 AND scope = $2 AND scope_id = $3 AND ended_at IS NULL`, account, level, id)); err != nil {
			return err
		}
		return nil
	})
	if err != nil {
		return r, false, fmt.Errorf("ask for a sweep: %w", err)
	}
	return r, joined, nil
}

func oneRound(rows pgx.Rows, err error) (Round, error) {
	if err != nil {
		return Round{}, err
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Round])
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return r, err
}

// StopSweeps ends what was asked for of an account and is not done. What is marked by then
// is read all the same. It returns how many there were.
func (s *Store) StopSweeps(ctx context.Context, account string) (int, error) {
	tag, err := s.pool.Exec(ctx, `UPDATE sweep_rounds SET ended_at = now(), stopped = true WHERE account_id = $1 AND ended_at IS NULL`, account)
	if err != nil {
		return 0, fmt.Errorf("stop sweeps: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// marksAhead is how many hosts may be marked by a sweep and not be read yet before more
// are: what was marked is to be read first, and a sweep that is stopped has little left.
const marksAhead = 400

// SweepRounds marks some more of what was asked for of an account, the oldest first: more
// says that there is more to mark now. It may take what is left of the day's calls at once.
func (s *Store) SweepRounds(ctx context.Context, account string, w Sweep) (n, calls int, more bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		n, calls, more = 0, 0, false
		rows, err := tx.Query(ctx, `SELECT `+roundColumns+` FROM sweep_rounds WHERE account_id = $1 AND ended_at IS NULL ORDER BY scope = 'account', scope = 'group', id`, account)
		if err != nil {
			return err
		}
		open, err := pgx.CollectRows(rows, pgx.RowToStructByName[Round])
		if err != nil || len(open) == 0 {
			return err
		}
		_, left, mine, err := sweepLeft(ctx, tx, account, w.CallsPerDay)
		if err != nil || !mine {
			return err
		}
		hosts, _, _, err := notRead(ctx, tx, account, passcode.LevelAccount, account)
		if err != nil {
			return err
		}
		for _, r := range open {
			if err := endRound(ctx, tx, r); err != nil {
				return err
			}
			// One that waits for the users to be listed keeps no other waiting.
			// One host is little, and somebody waits for it.
			if r.MarkedAt.IsZero() && n == 0 && (hosts < marksAhead && left > 0 || r.Level == passcode.LevelHost) {
				var again bool
				if n, calls, again, err = markRound(ctx, tx, r, w.Limit, max(left, 1)); err != nil {
					return err
				}
				more = more || again
			}
		}
		return nil
	})
	if err != nil {
		return 0, 0, false, fmt.Errorf("sweep as asked for: %w", err)
	}
	return n, calls, more, nil
}

// markRound marks some more hosts of it, or that all are.
func markRound(ctx context.Context, tx pgx.Tx, r Round, limit, left int) (n, calls int, more bool, err error) {
	const unswept, its = `coalesce(h.swept_at, 'epoch') < (SELECT began_at FROM sweep_rounds WHERE id = $2) AND `, `(SELECT scope_id FROM sweep_rounds WHERE id = $2)`
	if n, calls, err = sweepSome(ctx, tx, r.AccountID, unswept+inScope(r.Level, its), r.ID, limit, left); err != nil {
		return n, calls, false, err
	}
	listed := r.Level != passcode.LevelAccount || !r.UsersAt.IsZero()
	all := n == 0 && listed
	_, err = tx.Exec(ctx, `UPDATE sweep_rounds SET hosts = hosts + $2, calls = calls + $3, marked_at = CASE WHEN $4 THEN now() END WHERE id = $1`, r.ID, n, calls, all)
	return n, calls, n > 0 || all, err
}

// givenUpAfter is how often what a sweep marked is tried before the sweep is over without
// it: it is tried again all the same.
const givenUpAfter = 5

// What a sweep marked and is not read: it waits for its turn or for another try; or it
// failed so often that the sweep does not wait for it.
var (
	sweepWaits = fmt.Sprintf(`due_why = '%s' AND due_at IS NOT NULL AND (due_at <= now() AND attempts <= %d OR attempts BETWEEN 1 AND %[2]d)`, sweptFor, givenUpAfter)
	sweepFails = fmt.Sprintf(`due_why = '%s' AND due_at IS NOT NULL AND attempts > %d`, sweptFor, givenUpAfter)
)

// notRead is how much that a sweep marked is not read yet, of a level of the account.
func notRead(ctx context.Context, tx interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, account string, level passcode.Level, id string) (hosts, meetings, failed int, err error) {
	of := `m.account_id = $1 AND $2::text <> ''`
	if level != passcode.LevelAccount {
		of += ` AND EXISTS (SELECT FROM hosts h WHERE h.account_id = m.account_id AND h.host_id = m.host_id AND ` + inScope(level, "$2") + `)`
	}
	who := `h.account_id = $1 AND $2::text <> '' AND ` + inScope(level, "$2")
	err = tx.QueryRow(ctx, `SELECT (SELECT count(*) FROM hosts h WHERE `+who+` AND `+sweepWaits+`), (SELECT count(*) FROM meetings m WHERE `+of+` AND `+sweepWaits+`),
		(SELECT count(*) FROM hosts h WHERE `+who+` AND `+sweepFails+`) + (SELECT count(*) FROM meetings m WHERE `+of+` AND `+sweepFails+`)`, account, id).Scan(&hosts, &meetings, &failed)
	return hosts, meetings, failed, err
}

// endRound ends one of which all is marked and nothing waits.
func endRound(ctx context.Context, tx pgx.Tx, r Round) error {
	if r.MarkedAt.IsZero() {
		return nil
	}
	hosts, meetings, _, err := notRead(ctx, tx, r.AccountID, r.Level, r.LevelID)
	if err != nil || hosts+meetings > 0 {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE sweep_rounds SET ended_at = now() WHERE id = $1 AND ended_at IS NULL`, r.ID)
	return err
}

// RoundToList is the id of a sweep that was asked for of the whole account and for which
// the users are to be listed now, by whoever asks, and that it is tried for the nth time;
// 0: none. Should that fail, it is to be tried again later and later.
func (s *Store) RoundToList(ctx context.Context, account string) (id int64, nth int, err error) {
	err = s.pool.QueryRow(ctx, `UPDATE sweep_rounds SET users_tries = users_tries + 1, users_next = now() + power(2, least(users_tries, 6)) * interval '15 seconds'
		WHERE id = (SELECT id FROM sweep_rounds WHERE account_id = $1 AND scope = 'account' AND ended_at IS NULL AND users_at IS NULL AND users_next <= now() ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING id, users_tries`, account).Scan(&id, &nth)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, nil
	}
	if err != nil {
		return 0, 0, fmt.Errorf("read what sweep was asked for: %w", err)
	}
	return id, nth, nil
}

// RoundListed notes that the users were listed for it, or why they could not be.
func (s *Store) RoundListed(ctx context.Context, id int64, why string) error {
	if _, err := s.pool.Exec(ctx, `UPDATE sweep_rounds SET users_at = now(), users_why = $2 WHERE id = $1`, id, why); err != nil {
		return fmt.Errorf("note that users were listed: %w", err)
	}
	return nil
}

// Progress is how far a sweep is that was asked for.
type Progress struct {
	Round
	// Of the scope, and of those how many are marked and not read yet.
	AllHosts, HostsWaiting, MeetingsWaiting int
	// Failed could not be read in several tries; they are tried again, and not waited for.
	Failed int
	// CallsToCome is what those cost that are not read yet.
	CallsToCome int
	// Budget is how many calls a day the workers leave to the sweep, and SpentToday what is
	// spent of them; Budget 0: nothing bounds it, -1: no worker said.
	Budget, SpentToday int
	// Now is the database's clock.
	Now time.Time
}

// Done is how many of the calls are done, as reckoned.
func (p Progress) Done() int {
	return max(0, p.Calls-hostCalls*p.HostsWaiting-p.MeetingsWaiting)
}

// RoundProgress reads it.
func (s *Store) RoundProgress(ctx context.Context, id int64) (p Progress, err error) {
	fail := func(err error) (Progress, error) { return p, fmt.Errorf("read how far a sweep is: %w", err) }
	if p.Round, err = oneRound(s.pool.Query(ctx, `SELECT `+roundColumns+` FROM sweep_rounds WHERE id = $1`, id)); err != nil {
		return fail(err)
	}
	size, err := s.SweepSize(ctx, p.AccountID, p.Level, p.LevelID, p.BeganAt)
	if err != nil {
		return fail(err)
	}
	p.AllHosts, p.Budget, p.SpentToday, p.Now = size.Hosts, size.Budget, size.SpentToday, size.Now
	if p.HostsWaiting, p.MeetingsWaiting, p.Failed, err = notRead(ctx, s.pool, p.AccountID, p.Level, p.LevelID); err != nil {
		return fail(err)
	}
	p.CallsToCome = hostCalls*(size.Unswept+p.HostsWaiting) + size.UnsweptMeetings + p.MeetingsWaiting
	return p, nil
}

// SweepSize is what a sweep has to read.
type SweepSize struct {
	Hosts, Meetings          int // of the scope, as far as they are known
	Unswept, UnsweptMeetings int // of those whom nobody marked since
	Budget, SpentToday       int // as Progress
	Now                      time.Time
}

// Calls is what reading all of it costs.
func (z SweepSize) Calls() int { return hostCalls*z.Hosts + z.Meetings }

// SweepSize reads it; the zero time asks for what is to be read in all.
func (s *Store) SweepSize(ctx context.Context, account string, level passcode.Level, id string, since time.Time) (z SweepSize, err error) {
	err = s.pool.QueryRow(ctx, `WITH them AS (SELECT h.host_id, coalesce(h.swept_at, 'epoch') < $2 AS unswept FROM hosts h WHERE h.account_id = $1 AND $3::text <> '' AND `+inScope(level, "$3")+`),
			theirs AS (SELECT t.unswept FROM meetings m JOIN them t USING (host_id) WHERE m.account_id = $1 AND m.status IN ('scheduled', 'started') AND coalesce(m.ends_at > now() - interval '1 day', true))
		SELECT (SELECT count(*) FROM them), (SELECT count(*) FROM them WHERE unswept), (SELECT count(*) FROM theirs), (SELECT count(*) FROM theirs WHERE unswept),
			coalesce((SELECT per_day FROM sweeps WHERE account_id = $1), -1), coalesce((SELECT spent FROM sweeps WHERE account_id = $1 AND day = (now() AT TIME ZONE 'UTC')::date), 0), now()`,
		account, since, id).Scan(&z.Hosts, &z.Unswept, &z.Meetings, &z.UnsweptMeetings, &z.Budget, &z.SpentToday, &z.Now)
	if err != nil {
		return z, fmt.Errorf("read what a sweep has to read: %w", err)
	}
	return z, nil
}
