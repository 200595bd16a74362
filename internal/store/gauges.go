package store

import (
	"context"
	"fmt"
)

// Gauges are how much waits and how long it has, by the database's clock. Seconds are
// 0 where nothing waits. What they ask has indexes of its own: it may be asked often.
type Gauges struct {
	MeetingsDue, HostsDue               int64
	MeetingsDueSeconds, HostsDueSeconds float64 // since the oldest is due
	StartingDueSeconds                  float64 // of the meetings that are on or about to start
	AlertsUnpublished, AlertsRefused    int64
	AlertsUnpublishedSeconds            float64 // of those that NATS did not refuse
	RepairsUnfinished                   int64
	RepairsUnfinishedSeconds            float64
	Demanding, Open                     int64 // meetings that demand a passcode, or that nothing secures
	HostsHeld                           int64 // whose changes of the UTC day are used up
	CallsFailing                        int64 // that our own set-up stands in the way of
	Holds                               int64
	FanOuts                             int64   // changes of groups and accounts that are not all marked
	AccountsSilent                      int64   // whose webhooks stay away, or whose webhook URL Zoom validates no more
	RetentionSeconds                    float64 // since all that was past its time was dropped
}

// Gauges reads them.
func (s *Store) Gauges(ctx context.Context) (g Gauges, err error) {
	const since = `coalesce(extract(epoch FROM now() - min(%s)), 0)::float8`
	err = s.pool.QueryRow(ctx, `SELECT
		m.n, m.s, m.starting, h.n, h.s, a.n, a.refused, a.s, r.n, r.s,
		(SELECT count(*) FROM meetings WHERE outcome = 'demands_passcode' AND status IN ('scheduled', 'started') AND (expires_at IS NULL OR expires_at > now())),
		(SELECT count(*) FROM meetings WHERE outcome = 'unsecured' AND status IN ('scheduled', 'started') AND (expires_at IS NULL OR expires_at > now())),
		(SELECT count(*) FROM hosts WHERE held_until > now()),
		(SELECT count(*) FROM account_calls WHERE failing),
		(SELECT count(*) FROM holds WHERE until IS NULL OR until > now()), (SELECT count(*) FROM fanouts),
		(SELECT count(*) FROM webhook_health WHERE silent_since IS NOT NULL OR late_since IS NOT NULL),
		coalesce((SELECT extract(epoch FROM now() - done_at) FROM retention), 0)::float8
		FROM (SELECT count(*) AS n, `+fmt.Sprintf(since, "due_at")+` AS s,
				coalesce(extract(epoch FROM now() - min(due_at) FILTER (WHERE `+startsSoon+`)), 0)::float8 AS starting FROM meetings WHERE due_at <= now()) m,
			(SELECT count(*) AS n, `+fmt.Sprintf(since, "due_at")+` AS s FROM hosts WHERE due_at <= now()) h,
			(SELECT count(*) AS n, count(*) FILTER (WHERE retry_at IS NOT NULL) AS refused,
				coalesce(extract(epoch FROM now() - min(created_at) FILTER (WHERE retry_at IS NULL)), 0)::float8 AS s FROM alerts WHERE published_at IS NULL) a,
			(SELECT count(*) AS n, `+fmt.Sprintf(since, "started_at")+` AS s FROM repairs WHERE result = 'unfinished') r`).
		Scan(&g.MeetingsDue, &g.MeetingsDueSeconds, &g.StartingDueSeconds, &g.HostsDue, &g.HostsDueSeconds, &g.AlertsUnpublished, &g.AlertsRefused, &g.AlertsUnpublishedSeconds,
			&g.RepairsUnfinished, &g.RepairsUnfinishedSeconds, &g.Demanding, &g.Open, &g.HostsHeld, &g.CallsFailing, &g.Holds, &g.FanOuts, &g.AccountsSilent, &g.RetentionSeconds)
	if err != nil {
		return g, fmt.Errorf("read what waits: %w", err)
	}
	return g, nil
}
