package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Probe is what was found out about an account: one answer to one question.
type Probe struct {
	Question string    `db:"question"`
	Answer   string    `db:"answer"`
	Detail   string    `db:"detail"`
	AskedAt  time.Time `db:"asked_at"`
}

// SaveProbes keeps the answers about an account, each in the place of an earlier
// one, and which of Zoom's documents it was seen to follow; DocumentsOpen leaves
// what was known of that. Forecasts follow with the next reading of each host.
func (s *Store) SaveProbes(ctx context.Context, accountID string, answers []Probe, docs passcode.Documents) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		var b pgx.Batch
		for _, p := range answers {
			b.Queue(`INSERT INTO probes (account_id, question, answer, detail, asked_at) VALUES ($1, $2, $3, $4, now())
				ON CONFLICT (account_id, question) DO UPDATE SET answer = excluded.answer, detail = excluded.detail, asked_at = excluded.asked_at`,
				accountID, p.Question, p.Answer, p.Detail)
		}
		if docs != passcode.DocumentsOpen {
			b.Queue(`INSERT INTO accounts (account_id, documents) VALUES ($1, $2) ON CONFLICT (account_id) DO UPDATE SET documents = excluded.documents`, accountID, docs)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return fmt.Errorf("keep what was found out about account %s: %w", accountID, err)
	}
	return nil
}

// Probes reads what was found out about an account, by question.
func (s *Store) Probes(ctx context.Context, accountID string) ([]Probe, error) {
	rows, err := s.pool.Query(ctx, `SELECT question, answer, detail, asked_at FROM probes WHERE account_id = $1 ORDER BY question`, accountID)
	if err == nil {
		var all []Probe
		if all, err = pgx.CollectRows(rows, pgx.RowToStructByName[Probe]); err == nil {
			return all, nil
		}
	}
	return nil, fmt.Errorf("read what was found out about account %s: %w", accountID, err)
}
