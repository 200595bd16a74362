package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// CallNotGuarded stands for a call in the trouble of an account whose events
// arrive although no policy or credentials name it.
const CallNotGuarded = "account"

// CallSignature stands for a call in the trouble of an account whose app signed
// events of another account.
const CallSignature = "signature"

// Trouble is what latchkey's own set-up stands in the way of: one call, for one
// account.
type Trouble struct {
	AccountID string    `json:"account_id" db:"account_id"`
	Call      string    `json:"call" db:"call"`
	Kind      string    `json:"kind" db:"kind"`
	Detail    string    `json:"detail" db:"detail"`
	Since     time.Time `json:"since" db:"since"`
	FailedAt  time.Time `json:"failed_at" db:"failed_at"`
	RetryAt   time.Time `json:"retry_at,omitzero" db:"retry_at"`
	// Due: it is time to try again, by the database's clock.
	Due bool `json:"-" db:"due"`
}

// The wait before one of the subjects that wait for a call is tried again grows
// from the first to the longest.
const (
	troubleFirst   = 30 * time.Second
	troubleLongest = 15 * time.Minute
)

// SetupFailed notes that a call failed because of our own set-up. Only the first
// failure since it last worked opens a trouble: alert is then written with it,
// and opened is true.
func (s *Store) SetupFailed(ctx context.Context, t Trouble, alert Alert) (opened bool, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		opened, err = setupFailed(ctx, tx, t, alert)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("note that %s failed for account %s: %w", t.Call, t.AccountID, err)
	}
	return opened, nil
}

func setupFailed(ctx context.Context, tx pgx.Tx, t Trouble, alert Alert) (opened bool, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO account_calls AS c (account_id, call, failing, since, failed_at, kind, detail, tries, retry_at)
		SELECT $1, $2, true, now(), now(), $3::text, $4::text, 1, now() + $5::float8 * interval '1 second'
		WHERE NOT EXISTS (SELECT FROM account_calls WHERE account_id = $1 AND call = $2 AND failing AND failed_at >= now() - interval '10 seconds' AND kind = $3 AND detail = $4)
		ON CONFLICT (account_id, call) DO UPDATE SET failing = true, failed_at = now(), kind = excluded.kind, detail = excluded.detail,
			since = CASE WHEN c.failing THEN c.since ELSE now() END,
			tries = CASE WHEN c.failing THEN c.tries ELSE 1 END,
			retry_at = CASE WHEN c.failing AND c.retry_at > now() THEN c.retry_at
				WHEN c.failing THEN now() + least($5 * power(2, least(c.tries, 16)), $6) * interval '1 second' ELSE excluded.retry_at END
		WHERE NOT c.failing OR c.failed_at < now() - interval '10 seconds' OR c.kind <> excluded.kind OR c.detail <> excluded.detail
		RETURNING c.since = now()`,
		t.AccountID, t.Call, t.Kind, t.Detail, troubleFirst.Seconds(), troubleLongest.Seconds()).Scan(&opened)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil // noted a moment ago: a flood of them must not all write or lock one row
	}
	if err != nil || !opened || alert.Type == "" {
		return opened, err
	}
	return opened, saveAlerts(ctx, tx, alert)
}

// callsWorked notes that calls worked. Where one of them was in trouble, that
// is over, and whatever waited for it is due. It comes before any other lock of
// its transaction: those that find at once that a call works wait for each other
// here, and not for each other's meetings and hosts.
func callsWorked(ctx context.Context, tx pgx.Tx, accountID string, calls []string) error {
	if len(calls) == 0 {
		return nil
	}
	// Written, and locked, only when it says something new, so that healthy checks
	// do not meet at one row.
	rows, err := tx.Query(ctx, `INSERT INTO account_calls AS c (account_id, call, ok_at)
		SELECT DISTINCT $1, call, now() FROM unnest($2::text[]) AS worked (call)
		WHERE NOT EXISTS (SELECT FROM account_calls k WHERE k.account_id = $1 AND k.call = worked.call AND NOT k.failing AND k.ok_at >= now() - interval '10 minutes')
		ORDER BY call
		ON CONFLICT (account_id, call) DO UPDATE SET ok_at = now(), failing = false, since = NULL, tries = 0, retry_at = NULL
		WHERE c.failing OR c.ok_at IS NULL OR c.ok_at < now() - interval '10 minutes' RETURNING call`, accountID, calls)
	if err != nil {
		return err
	}
	worked, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(worked) == 0 {
		return err
	}
	return release(ctx, tx, accountID, worked)
}

// release makes due whatever waits for one of the calls.
func release(ctx context.Context, tx pgx.Tx, accountID string, calls []string) error {
	var b pgx.Batch
	b.Queue(`UPDATE meetings SET due_at = least(due_at, now()), waiting_for = '' WHERE account_id = $1 AND waiting_for = ANY($2)`, accountID, calls)
	b.Queue(`UPDATE hosts SET due_at = least(due_at, now()), waiting_for = '' WHERE account_id = $1 AND waiting_for = ANY($2)`, accountID, calls)
	b.Queue(`SELECT pg_notify('` + dueChannel + `', '')`)
	return tx.SendBatch(ctx, &b).Close()
}

// CallsWorked is callsWorked by itself, for whoever looks whether they do.
func (s *Store) CallsWorked(ctx context.Context, accountID string, calls []string) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error { return callsWorked(ctx, tx, accountID, calls) })
	if err != nil {
		return fmt.Errorf("note which calls work for account %s: %w", accountID, err)
	}
	return nil
}

// RecentlyWorked says whether a call worked for the account within the time,
// and has not failed for the account's set-up since: a refusal is then about
// its subject.
func (s *Store) RecentlyWorked(ctx context.Context, accountID, call string, within time.Duration) (yes bool, err error) {
	err = s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM account_calls WHERE account_id = $1 AND call = $2 AND NOT failing
		AND ok_at > now() - $3 * interval '1 second')`, accountID, call, within.Seconds()).Scan(&yes)
	if err != nil {
		return false, fmt.Errorf("read whether %s works for account %s: %w", call, accountID, err)
	}
	return yes, nil
}

// Troubles reads what stands in the way, of one account or, for "", of all.
func (s *Store) Troubles(ctx context.Context, accountID string) ([]Trouble, error) {
	rows, err := s.pool.Query(ctx, `SELECT account_id, call, kind, detail, since, failed_at, retry_at, retry_at <= now() AS due FROM account_calls WHERE failing AND ($1 = '' OR account_id = $1) ORDER BY since, call`, accountID)
	if err != nil {
		return nil, fmt.Errorf("read the troubles: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Trouble])
	if err != nil {
		return nil, fmt.Errorf("read the troubles: %w", err)
	}
	return all, nil
}

// RetryTroubles lets one meeting and one host for each trouble whose time has
// come try again, soonest start first; all the others go on waiting for what
// these find. With now, the time has come for all of them: at a start, set-up
// may have changed.
func (s *Store) RetryTroubles(ctx context.Context, accounts []string, now bool) (tried int, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `UPDATE account_calls SET tries = tries + 1,
				retry_at = now() + least($2 * power(2, least(tries, 16)), $3) * interval '1 second'
			WHERE failing AND account_id = ANY($1) AND ($4 OR retry_at <= now()) AND call NOT IN ('`+CallNotGuarded+`', '`+CallSignature+`') RETURNING account_id, call`,
			accounts, troubleFirst.Seconds(), troubleLongest.Seconds(), now)
		if err != nil {
			return err
		}
		type open struct {
			AccountID, Call string
		}
		due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[open])
		if err != nil || len(due) == 0 {
			return err
		}
		tried = len(due)
		var b pgx.Batch
		for _, t := range due {
			b.Queue(`UPDATE meetings SET due_at = now() WHERE (account_id, meeting_id) = (SELECT account_id, meeting_id FROM meetings
				WHERE account_id = $1 AND waiting_for = $2 ORDER BY start_time NULLS FIRST LIMIT 1)`, t.AccountID, t.Call)
			b.Queue(`UPDATE hosts SET due_at = now() WHERE (account_id, host_id) = (SELECT account_id, host_id FROM hosts
				WHERE account_id = $1 AND waiting_for = $2 ORDER BY due_at LIMIT 1)`, t.AccountID, t.Call)
		}
		b.Queue(`SELECT pg_notify('` + dueChannel + `', '')`)
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return 0, fmt.Errorf("retry what waits for our set-up: %w", err)
	}
	return tried, nil
}
