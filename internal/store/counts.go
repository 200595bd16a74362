package store

import (
	"context"
	"fmt"
)

// Counts are totals, for people and tests.
type Counts struct {
	Events, Alerts, AlertsUnpublished, MeetingsDue, HostsDue, FanOuts, Demanding, Unfixable int64
}

// Counts reads the totals.
func (s *Store) Counts(ctx context.Context) (Counts, error) {
	var c Counts
	err := s.pool.QueryRow(ctx, `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM alerts),
		(SELECT count(*) FROM alerts WHERE published_at IS NULL),
		(SELECT count(*) FROM meetings WHERE due_at <= now()), (SELECT count(*) FROM hosts WHERE due_at <= now()), (SELECT count(*) FROM fanouts),
		(SELECT count(*) FROM meetings_demanding_passcode), (SELECT count(*) FROM unfixable_meetings)`).
		Scan(&c.Events, &c.Alerts, &c.AlertsUnpublished, &c.MeetingsDue, &c.HostsDue, &c.FanOuts, &c.Demanding, &c.Unfixable)
	if err != nil {
		return c, fmt.Errorf("count: %w", err)
	}
	return c, nil
}
