package store

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Meetings returns the rows as they are, made if need be, locked until the
// transaction ends.
func (t *IntakeTx) Meetings(ctx context.Context, ids []int64) (map[int64]Meeting, error) {
	ids = slices.Sorted(slices.Values(ids)) // in one order, whoever locks
	var b pgx.Batch
	adopt(&b, t.account, ids...)
	b.Queue(`INSERT INTO meetings (meeting_id, account_id) SELECT unnest($1::bigint[]), $2 ON CONFLICT DO NOTHING`, ids, t.account)
	b.Queue(`SELECT `+meetingColumns+` FROM meetings WHERE account_id = $2 AND meeting_id = ANY($1) ORDER BY meeting_id FOR UPDATE`, ids, t.account)
	r := t.tx.SendBatch(ctx, &b)
	defer r.Close()
	for range 4 {
		if _, err := r.Exec(); err != nil {
			return nil, err
		}
	}
	rows, err := r.Query()
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, scanMeeting)
	byID := make(map[int64]Meeting, len(all))
	for _, m := range all {
		byID[m.ID] = m
	}
	return byID, err
}

// SeenMeeting is what was seen of a meeting. A nil passcode leaves the known one
// alone, an empty one says that there is none.
type SeenMeeting struct {
	Meeting
	Passcode *PasscodeSeen
	Why      string // it is due now, and what for; "": it is not
	Trace    string // the traceparent of what it is due for
}

// SaveMeetings writes what was seen of meetings: of one that is there several times
// the last, and every passcode in turn. rotated, if not nil, makes the alert for a
// passcode that became another one.
//
// Those with a Why are due now. A check that is running will not swallow it.
func (t *IntakeTx) SaveMeetings(ctx context.Context, seen []SeenMeeting, rotated RotatedAlert) error {
	last, why := map[int64]Meeting{}, map[int64]dueFor{}
	for _, m := range seen {
		last[m.ID] = m.Meeting
		if m.Why != "" {
			why[m.ID], t.woken = dueFor{m.Why, m.Trace}, true
		}
	}
	rows := make([]Meeting, 0, len(last))
	for _, m := range last {
		rows = append(rows, m)
	}
	if err := saveSeen(ctx, t.tx, why, rows...); err != nil {
		return err
	}
	// A meeting's second passcode takes the place of its first.
	for rest := seen; len(rest) > 0; {
		var now, later []SeenMeeting
		taken := map[int64]bool{}
		for _, m := range rest {
			switch {
			case m.Passcode == nil:
			case taken[m.ID]:
				later = append(later, m)
			default:
				taken[m.ID] = true
				now = append(now, m)
			}
		}
		if err := savePasscodes(ctx, t.tx, now, rotated); err != nil {
			return err
		}
		rest = later
	}
	return nil
}

// MarkUnderPMI makes due what runs under these personal meeting ids, to be read
// before anything is decided: an event under that number may mean any of it.
func (t *IntakeTx) MarkUnderPMI(ctx context.Context, why map[int64]string) error {
	pmis, whys := pairs(why)
	_, err := t.tx.Exec(ctx, `UPDATE meetings m SET must_read = true, due_at = now(), due_why = u.why, generation = generation + 1, attempts = 0
		FROM unnest($2::bigint[], $3::text[]) AS u(pmi, why)
		WHERE m.account_id = $1 AND m.pmi = u.pmi AND m.pmi = ANY($2) AND m.pmi <> 0 AND m.status IN ('scheduled', 'started') AND (m.expires_at IS NULL OR m.expires_at > now())`, t.account, pmis, whys)
	return err
}

func pairs(why map[int64]string) (ids []int64, whys []string) {
	for id, w := range why {
		ids, whys = append(ids, id), append(whys, w)
	}
	return ids, whys
}

// PMIPasscode notes that the passcode of a host's personal meeting id became
// another one at a moment: it is the passcode of every meeting under it that was
// not seen since (Z-MEET-10).
func (t *IntakeTx) PMIPasscode(ctx context.Context, hostID string, at time.Time, p PasscodeSeen, rotated RotatedAlert) error {
	rows, err := t.tx.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE account_id = $1 AND host_id = $2 AND (uses_pmi OR type = $3)
		AND status IN ('scheduled', 'started') AND coalesce(observed_at < $4, true) ORDER BY meeting_id FOR NO KEY UPDATE`, t.account, hostID, int(passcode.TypePMI), at)
	if err != nil {
		return err
	}
	all, err := pgx.CollectRows(rows, scanMeeting)
	if err != nil || len(all) == 0 {
		return err
	}
	seen := make([]SeenMeeting, len(all))
	for i, m := range all {
		seen[i] = SeenMeeting{Meeting: m, Passcode: &p}
	}
	return t.SaveMeetings(ctx, seen, rotated)
}

// KnownHost is what helps to tell whether an event about a host's meeting can be
// believed. What is not known is zero.
type KnownHost struct {
	ChangedAt time.Time         // when their settings were last reported to have changed
	Forecast  passcode.Forecast // of their next meetings
	Embeds    passcode.Toggle   // their invitation links carry the passcode
}

// HostsKnown reads it; a host that is not known is left out.
func (t *IntakeTx) HostsKnown(ctx context.Context, hostIDs []string) (map[string]KnownHost, error) {
	rows, err := t.tx.Query(ctx, `SELECT host_id, changed_at, forecast, settings FROM hosts WHERE account_id = $1 AND host_id = ANY($2)`, t.account, hostIDs)
	if err != nil {
		return nil, err
	}
	known := map[string]KnownHost{}
	var id string
	var changed *time.Time
	var forecast, settings []byte
	_, err = pgx.ForEachRow(rows, []any{&id, &changed, &forecast, &settings}, func() error {
		var h KnownHost
		if changed != nil {
			h.ChangedAt = *changed
		}
		var f passcode.Forecast
		var values passcode.Values
		if json.Unmarshal(forecast, &f) == nil && json.Unmarshal(settings, &values) == nil { // else another version's
			h.Forecast, h.Embeds = f, values[passcode.KeyEmbed]
		}
		known[id] = h
		return nil
	})
	return known, err
}

// Passcodes returns the passcodes that the meetings are known to have.
func (t *IntakeTx) Passcodes(ctx context.Context, ids []int64) (map[int64]secret.String, error) {
	rows, err := t.tx.Query(ctx, `SELECT meeting_id, passcode FROM passcodes WHERE account_id = $1 AND meeting_id = ANY($2) AND state = 'current'`, t.account, ids)
	if err != nil {
		return nil, err
	}
	known := map[int64]secret.String{}
	var id int64
	var value string
	_, err = pgx.ForEachRow(rows, []any{&id, &value}, func() error { known[id] = secret.String(value); return nil })
	return known, err
}

// RepairsUnderWay says which of the meetings have a repair that is not read back
// yet.
func (t *IntakeTx) RepairsUnderWay(ctx context.Context, ids []int64) (map[int64]bool, error) {
	rows, err := t.tx.Query(ctx, `SELECT DISTINCT meeting_id FROM repairs WHERE account_id = $1 AND meeting_id = ANY($2) AND result = 'unfinished'`, t.account, ids)
	if err != nil {
		return nil, err
	}
	under := map[int64]bool{}
	var id int64
	_, err = pgx.ForEachRow(rows, []any{&id}, func() error { under[id] = true; return nil })
	return under, err
}
