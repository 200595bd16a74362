package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// markWithin is what writing the marks may take once the caller's time is up.
const markWithin = 5 * time.Second

// outlive returns a context that ends d after ctx does.
func outlive(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

// PublishAlerts hands over up to limit unpublished alerts, oldest first, to publish
// and marks those it accepts as published. Several workers may call it at once:
// each takes other rows. publish may see an alert again after a crash between
// its acceptance and the commit, so it must be idempotent by the alert's ID.
//
// When publish fails, or ctx ends, those before it stay marked.
func (s *Store) PublishAlerts(ctx context.Context, limit int, publish func(context.Context, Alert) error) (n int, err error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("publish alerts: %w", err)
	}
	// A ctx that ends while publishing must not undo the marks: on a slow bus the
	// same first alerts would be published again and again.
	db, cancel := outlive(ctx, markWithin)
	defer cancel()
	err = s.inTx(db, func(tx pgx.Tx) error {
		rows, err := tx.Query(db, `SELECT id::text, account_id, type, subject, data, created_at FROM alerts
			WHERE published_at IS NULL ORDER BY created_at LIMIT $1 FOR UPDATE SKIP LOCKED`, limit)
		if err != nil {
			return err
		}
		alerts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Alert])
		if err != nil {
			return err
		}
		var publishErr error
		var done []string
		for _, a := range alerts {
			if publishErr = publish(ctx, a); publishErr != nil {
				break
			}
			done = append(done, a.ID)
		}
		if len(done) > 0 {
			if _, err := tx.Exec(db, `UPDATE alerts SET published_at = now() WHERE id = ANY($1::uuid[])`, done); err != nil {
				return err
			}
			n = len(done)
		}
		if n == 0 {
			return publishErr // nothing to keep
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("publish alerts: %w", err)
	}
	return n, nil
}
