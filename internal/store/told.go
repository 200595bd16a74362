package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Told says which alerts are read: those of an account (""; of any), of types (none: of
// all), and after a sequence.
type Told struct {
	Account string
	Types   []string
	After   int64
	// Since bounds how long ago they were published; zero: as long as they are kept.
	Since time.Time
	Limit int
}

// Alerts reads alerts that were published: the newest Limit, oldest first.
func (s *Store) Alerts(ctx context.Context, t Told) ([]Alert, error) {
	types := t.Types
	if types == nil {
		types = []string{}
	}
	rows, err := s.pool.Query(ctx, `SELECT id, seq, account_id, type, subject, data, created_at, trace FROM (SELECT id, seq, account_id, type, subject, data, created_at, trace FROM alerts
			WHERE published_at IS NOT NULL AND published_at >= $1 AND seq > $2 AND ($3 = '' OR account_id = $3) AND (cardinality($4::text[]) = 0 OR type = ANY($4))
			ORDER BY seq DESC LIMIT $5) newest ORDER BY seq`, t.Since, t.After, t.Account, types, t.Limit)
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[Alert])
	if err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	return all, nil
}
