package store

import (
	"context"
	"fmt"
	"time"
)

// BeginReading says that owner reads something from Zoom, for so long at most: no other
// worker does then. It returns false while another one is at it.
func (s *Store) BeginReading(ctx context.Context, key, owner string, most time.Duration) (mine bool, err error) {
	tag, err := s.pool.Exec(ctx, `INSERT INTO readings AS r (key, owner, until) VALUES ($1, $2, now() + $3 * interval '1 second')
		ON CONFLICT (key) DO UPDATE SET owner = excluded.owner, until = excluded.until WHERE r.until < now()`, key, owner, most.Seconds())
	if err != nil {
		return false, fmt.Errorf("begin to read %s: %w", key, err)
	}
	return tag.RowsAffected() == 1, nil
}

// EndReading says that it is done, or given up.
func (s *Store) EndReading(ctx context.Context, key, owner string) error {
	if _, err := s.pool.Exec(ctx, `DELETE FROM readings WHERE key = $1 AND owner = $2 OR until < now() - interval '1 hour'`, key, owner); err != nil {
		return fmt.Errorf("end reading %s: %w", key, err)
	}
	return nil
}
