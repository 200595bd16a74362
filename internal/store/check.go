package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// clockSkew is how far Zoom's clock and the database's may be apart.
const clockSkew = 10 * time.Second

// Alert is one row of alerts. Data never holds a passcode.
type Alert struct {
	ID        string          `db:"id"`
	Seq       int64           `db:"seq"` // the order in which alerts are published, above 0; given by PublishAlerts
	AccountID string          `db:"account_id"`
	Type      string          `db:"type"`
	Subject   string          `db:"subject"`
	Data      json.RawMessage `db:"data"`
	CreatedAt time.Time       `db:"created_at"`
	Trace     string          `db:"trace"` // traceparent of the check that caused it; "" for none
}

func saveAlerts(ctx context.Context, tx pgx.Tx, alerts ...Alert) error {
	if len(alerts) == 0 {
		return nil
	}
	var accounts, types, subjects, data, traces []string
	for _, a := range alerts {
		accounts, types, subjects, data, traces = append(accounts, a.AccountID), append(types, a.Type), append(subjects, a.Subject), append(data, string(a.Data)), append(traces, a.Trace)
	}
	_, err := tx.Exec(ctx, `INSERT INTO alerts (account_id, type, subject, data, trace) SELECT a, t, s, d::jsonb, c
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY AS u(a, t, s, d, c, nth) ORDER BY nth`,
		accounts, types, subjects, data, traces)
	return err
}

// Check is the result of one check of one meeting, written in one transaction.
type Check struct {
	// Meeting carries what was seen and decided. Its schedule fields are not used.
	Meeting Meeting
	// InTheWay is the setting that would have to change; its zero value: none.
	InTheWay passcode.Reason
	// Passcode is the one that was read; nil: not read.
	Passcode *PasscodeSeen
	// Rotated makes the alert for a passcode that became another one.
	Rotated RotatedAlert
	// Repair finishes the repair of that ID; ID 0: none.
	Repair Repair
	Alerts []Alert
	// Next is when to check again by itself, by the database's clock; zero: when
	// something happens.
	Next    time.Time
	NextWhy string
	// WaitingFor names the Zoom call that our set-up does not allow yet.
	WaitingFor string
	// Worked names the Zoom calls that worked.
	Worked []string
}

// Complete records a check. What arrived during it is not swallowed: the
// meeting then stays due, and a newer sighting of it stays as it is.
func (s *Store) Complete(ctx context.Context, c MeetingClaim, k Check) error {
	err := s.inTx(ctx, func(tx pgx.Tx) error {
		if err := callsWorked(ctx, tx, k.Meeting.AccountID, k.Worked); err != nil {
			return err
		}
		if m := k.Meeting; m.HostID != "" && m.HostID != c.Meeting.HostID {
			// Whoever learns of a host records them: they are read, and swept.
			if err := hostsSeen(ctx, tx, m.AccountID, c.Meeting.DueTrace, m.HostID); err != nil {
				return err
			}
		}
		if err := c.held(ctx, tx); err != nil {
			return err
		}
		current, err := oneMeeting(tx.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE account_id = $1 AND meeting_id = $2`, c.Meeting.AccountID, c.Meeting.ID))
		if err != nil {
			return err
		}
		undisturbed := current.Generation == c.generation
		m := k.Meeting
		if undisturbed || m.ObservedAt.After(current.ObservedAt) {
			if !undisturbed {
				m.MustRead = true
				if m.SetBy, m.SetAt = current.SetBy, current.SetAt; !m.SetAt.After(m.SeenWithout.Add(-clockSkew)) {
					m.SetBy, m.SetAt = "", time.Time{} // what was said during the check stays, unless it is older
				}
			}
			if err := saveSeen(ctx, tx, nil, m); err != nil {
				return err
			}
			if k.Passcode != nil {
				if err := savePasscodes(ctx, tx, []SeenMeeting{{Meeting: m, Passcode: k.Passcode}}, k.Rotated); err != nil {
					return err
				}
			}
		}
		if m.Stripped {
			// Our part in it is not forgotten for a newer sighting.
			if _, err := tx.Exec(ctx, `UPDATE meetings SET stripped = true WHERE account_id = $1 AND meeting_id = $2`, m.AccountID, m.ID); err != nil {
				return err
			}
		}
		if err := saveVerdict(ctx, tx, current, m, k.InTheWay); err != nil {
			return err
		}
		if k.Repair.ID != 0 {
			if err := endRepair(ctx, tx, m, k.Repair); err != nil {
				return err
			}
		}
		if err := saveAlerts(ctx, tx, k.Alerts...); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE meetings SET lease_owner = NULL, lease_until = NULL, attempts = 0, last_error = '', waiting_for = $5,
			due_at = CASE WHEN generation = $2 THEN $3 ELSE due_at END,
			moved = CASE WHEN generation = $2 THEN 0 ELSE moved END,
			due_why = CASE WHEN generation = $2 THEN $4 ELSE due_why END, due_trace = CASE WHEN generation = $2 THEN '' ELSE due_trace END WHERE meeting_id = $1 AND account_id = $6`,
			m.ID, c.generation, null(k.Next), k.NextWhy, k.WaitingFor, m.AccountID)
		return err
	})
	if err != nil {
		return fmt.Errorf("record the check of meeting %d: %w", c.Meeting.ID, err)
	}
	return nil
}

// saveVerdict writes the verdict, and a row of history when it changed. Whether
// it did is decided by its signature, never by how it is worded.
func saveVerdict(ctx context.Context, tx pgx.Tx, old, m Meeting, inTheWay passcode.Reason) error {
	if m.Outcome == "" {
		return nil
	}
	reasons, err := jsonb(m.Reasons)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE meetings SET outcome = @outcome, remedy = @remedy, would = nullif(@would, ''), reasons = @reasons, why = @why,
			signature = @signature, alerted = @alerted, policy = @policy, decided_at = now(),
			setting = nullif(@setting, ''), setting_level = nullif(@level, ''), setting_by = nullif(@by, ''), setting_by_name = nullif(@byName, ''),
			demanding_since = CASE @outcome WHEN 'demands_passcode' THEN coalesce(demanding_since, now()) WHEN 'unknown' THEN demanding_since END
		WHERE meeting_id = @id AND account_id = @account`, pgx.NamedArgs{
		"id": m.ID, "account": m.AccountID, "outcome": string(m.Outcome), "remedy": string(m.Remedy), "would": string(m.Would), "reasons": reasons, "why": m.Why,
		"signature": m.Signature, "alerted": m.Alerted, "policy": m.Policy,
		"setting": inTheWay.Path, "level": string(inTheWay.Level), "by": inTheWay.By, "byName": inTheWay.ByName,
	}); err != nil {
		return err
	}
	if old.Signature == m.Signature {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, reasons, why, decided_at) VALUES ($1,$2,$3,$4,$5,$6,now())`,
		m.AccountID, m.ID, m.Outcome, m.Remedy, reasons, m.Why)
	return err
}
