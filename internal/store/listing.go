package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Listing is rows of a view, or of a question like one, for people and programs.
type Listing struct {
	Columns []string
	Rows    [][]any // text, numbers, booleans, times and nil
}

// listings are the questions by name. Each has columns account_id and, but for hosts and
// troubles, an order of its own, the most urgent first.
var listings = map[string]string{
	"demanding": `SELECT start_time, meeting_id, host_email, remedy, why, topic, demanding_since, host_id, account_id FROM meetings_demanding_passcode`,
	"unfixable": `SELECT start_time, meeting_id, host_email, setting, level, coalesce(locked_by_name, locked_by) AS locked_by, passcode_known, why, topic, host_id, account_id FROM unfixable_meetings`,
	"open":      `SELECT start_time, meeting_id, host_email, opened_by_latchkey, why, topic, host_id, account_id FROM open_meetings`,
	"repairs":   `SELECT started_at, meeting_id, host_email, remedy, result, why, topic, account_id FROM recent_repairs`,
	"hosts":     `SELECT email, next_scheduled_demands, next_instant_demands, pmi_demands, why, since, host_id, account_id FROM host_forecasts`,
	"changes":   `SELECT changed_at, level, level_id, setting, what, old_value, new_value, changed_by, account_id FROM setting_changes WHERE account_id IS NOT NULL ORDER BY id DESC`,
	"troubles":  `SELECT since, account_id, call, kind, detail, retry_at FROM account_troubles`,
	"sweeps":    `SELECT began_at, scope, scope_id, hosts, calls, ended_at, stopped, users_why, account_id FROM sweep_rounds ORDER BY id DESC`,
	"budget":    `SELECT day::text AS day, host_id, ours, theirs, 100 - least(100, ours + theirs) AS left, account_id FROM host_days WHERE day >= (now() AT TIME ZONE 'UTC')::date ORDER BY ours + theirs DESC, host_id`,
	"silence":   `SELECT account_id, validated_at, silent_since, late_since FROM webhook_health`,
	"accounts":  `SELECT account_id, plan, documents, read_at FROM accounts`,
	"groups":    `SELECT name, group_id, account_id, read_at FROM groups ORDER BY name, group_id`,
	"deferred":  `SELECT due_at, meeting_id, start_time, host_id, why, account_id FROM meetings WHERE remedy = 'defer' AND status IN ('scheduled', 'started') ORDER BY due_at, start_time`,
}

// Listings are the names there are.
func Listings() []string {
	var all []string
	for name := range listings {
		all = append(all, name)
	}
	return all
}

// List reads up to limit rows of a listing, of one account or, for "", of all.
func (s *Store) List(ctx context.Context, name, account string, limit int) (l Listing, err error) {
	fail := func(err error) (Listing, error) { return l, fmt.Errorf("list %s: %w", name, err) }
	query, known := listings[name]
	if !known {
		return fail(ErrNotFound)
	}
	rows, err := s.pool.Query(ctx, `SELECT * FROM (`+query+`) listed WHERE $1 = '' OR account_id = $1 LIMIT $2`, account, limit)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	for _, f := range rows.FieldDescriptions() {
		l.Columns = append(l.Columns, f.Name)
	}
	l.Rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) {
		values, err := row.Values()
		for i, v := range values {
			if t, is := v.(time.Time); is {
				values[i] = t.UTC()
			}
		}
		return values, err
	})
	if err != nil {
		return fail(err)
	}
	return l, nil
}
