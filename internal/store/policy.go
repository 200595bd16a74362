package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// policyPage is how many hosts are looked at together.
const policyPage = 500

// PolicyChanged makes due every open meeting of the account that was decided
// under another policy than the one that holds for its host now, and every host
// when what the policy does with hosts changed. all is a fingerprint of the
// whole configuration: when it was looked at before, nothing is done. of is the
// fingerprint of a host's policy; a host that is not known has only an id.
func (s *Store) PolicyChanged(ctx context.Context, accountID, all string, of func(Host) string) (meetings int64, err error) {
	var seen string
	err = s.pool.QueryRow(ctx, `SELECT fingerprint FROM policies_seen WHERE account_id = $1`, accountID).Scan(&seen)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the policies last seen: %w", err)
	}
	if seen == all {
		return 0, nil
	}
	after := ""
	for {
		rows, err := s.pool.Query(ctx, `SELECT `+hostColumns+` FROM hosts WHERE account_id = $1 AND host_id > $2 ORDER BY host_id LIMIT $3`, accountID, after, policyPage)
		if err != nil {
			return meetings, fmt.Errorf("look for meetings under another policy: %w", err)
		}
		hosts, err := pgx.CollectRows(rows, scanHost)
		if err != nil {
			return meetings, fmt.Errorf("look for meetings under another policy: %w", err)
		}
		n, err := s.markByPolicy(ctx, accountID, hosts, of)
		meetings += n
		if err != nil {
			return meetings, err
		}
		if len(hosts) < policyPage {
			break
		}
		after = hosts[len(hosts)-1].ID
	}
	// Meetings of hosts that are not known, or that no event named.
	rows, err := s.pool.Query(ctx, `SELECT DISTINCT host_id FROM meetings m WHERE account_id = $1
		AND NOT EXISTS (SELECT FROM hosts h WHERE h.host_id = m.host_id AND h.account_id = m.account_id)`, accountID)
	if err != nil {
		return meetings, fmt.Errorf("look for meetings under another policy: %w", err)
	}
	unknown, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Host, error) {
		h := Host{AccountID: accountID}
		err := row.Scan(&h.ID)
		return h, err
	})
	if err != nil {
		return meetings, fmt.Errorf("look for meetings under another policy: %w", err)
	}
	n, err := s.markByPolicy(ctx, accountID, unknown, of)
	meetings += n
	if err != nil {
		return meetings, err
	}
	// Last: should this process die before, the next one looks again.
	_, err = s.pool.Exec(ctx, `INSERT INTO policies_seen (account_id, fingerprint) VALUES ($1, $2)
		ON CONFLICT (account_id) DO UPDATE SET fingerprint = excluded.fingerprint, seen_at = now()`, accountID, all)
	if err != nil {
		return meetings, fmt.Errorf("note the policies: %w", err)
	}
	return meetings, nil
}

// markByPolicy marks what these hosts' policies decide otherwise, those with the
// same policy together.
func (s *Store) markByPolicy(ctx context.Context, accountID string, hosts []Host, of func(Host) string) (meetings int64, err error) {
	by := map[string][]string{}
	for _, h := range hosts {
		fingerprint := of(h)
		by[fingerprint] = append(by[fingerprint], h.ID)
	}
	for fingerprint, ids := range by {
		n, err := s.markDecidedOtherwise(ctx, accountID, ids, fingerprint)
		if err != nil {
			return meetings, err
		}
		meetings += n
	}
	return meetings, nil
}

func (s *Store) markDecidedOtherwise(ctx context.Context, accountID string, hostIDs []string, fingerprint string) (n int64, err error) {
	err = s.inTx(ctx, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE meetings SET due_at = least(due_at, now()), due_why = 'policy changed', generation = generation + 1, attempts = 0
			WHERE account_id = $1 AND host_id = ANY($2) AND policy <> $3 AND outcome IS NOT NULL AND status IN ('scheduled', 'started')
			AND (expires_at IS NULL OR expires_at > now())`, accountID, hostIDs, fingerprint)
		if err != nil {
			return err
		}
		n = tag.RowsAffected()
		// What a policy does with hosts, such as align_hosts, is done when they are.
		tag, err = tx.Exec(ctx, `UPDATE hosts SET due_at = least(due_at, now()), due_why = 'policy changed', generation = generation + 1, attempts = 0
			WHERE account_id = $1 AND host_id = ANY($2) AND policy <> $3`, accountID, hostIDs, fingerprint)
		if err != nil || n+tag.RowsAffected() == 0 {
			return err
		}
		return notify(ctx, tx)
	})
	if err != nil {
		return 0, fmt.Errorf("mark meetings under another policy: %w", err)
	}
	return n, nil
}
