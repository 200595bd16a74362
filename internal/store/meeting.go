package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Meeting is one row of meetings: what was seen, what was decided, when it is
// to be looked at next. Zero times stand for SQL null.
type Meeting struct {
	ID        int64  `db:"meeting_id"`
	AccountID string `db:"account_id"`
	HostID    string `db:"host_id"` // "" until known
	UUID      string `db:"uuid"`
	Topic     string `db:"topic"`
	passcode.Meeting

	// PMI is the other number of a meeting that runs under the host's personal
	// meeting id: what its link carries and joiners type (Z-MEET-4). 0: none.
	PMI int64 `db:"pmi"`

	CreatedBy string `db:"created_by"` // who made it, as the event named them

	SetAt time.Time `db:"set_at"` // of the event that named SetBy, by Zoom's clock

	ObservedAt   time.Time `db:"observed_at"`
	EventAt      time.Time `db:"event_at"` // of the newest event about it, by Zoom's clock
	MustRead     bool      `db:"must_read"`
	Moved        int       `db:"moved"`         // 1: settings that hold for it changed since it was decided; 2: Zoom may have changed it, too
	MissingSince time.Time `db:"missing_since"` // when Zoom first said that it does not know it
	Misses       int       `db:"misses"`        // how often in a row it said so
	SaidGone     bool      `db:"said_gone"`     // an event said that it was deleted, and it was not seen since
	Stripped     bool      `db:"stripped"`      // latchkey removed the passcode and none was seen since

	Outcome        passcode.Outcome `db:"outcome" null:"text"` // "" until decided
	Remedy         passcode.Remedy  `db:"remedy" null:"text"`
	Would          passcode.Remedy  `db:"would" null:"text"` // under policy observe
	Reasons        Reasons          `db:"reasons"`
	Why            string           `db:"why"`
	Signature      string           `db:"signature"` // the verdict as data
	Alerted        string           `db:"alerted"`   // what was last told, as data
	Policy         string           `db:"policy"`    // fingerprint of the policy that decided
	DecidedAt      time.Time        `db:"decided_at"`
	DemandingSince time.Time        `db:"demanding_since"`

	DueAt      time.Time `db:"due_at"`
	DueWhy     string    `db:"due_why"`
	DueTrace   string    `db:"due_trace"`   // traceparent of what it is due for
	WaitingFor string    `db:"waiting_for"` // the Zoom call that our set-up does not allow yet
	Generation int64     `db:"generation"`
	Attempts   int       `db:"attempts"`
	LastError  string    `db:"last_error"`
}

var meetingColumns = columns[Meeting]()

// tidy reads words that another version may have written as not known, so that
// the meeting is read before anything is decided.
func (m *Meeting) tidy() {
	if !slices.Contains(passcode.Statuses(), m.Status) {
		m.Status, m.MustRead = passcode.StatusScheduled, true
	}
	if !slices.Contains(passcode.AllWaits(), m.Waits) {
		m.Waits = passcode.WaitsUnknown
	}
	if !slices.Contains(passcode.Outcomes(), m.Outcome) || !slices.Contains(passcode.Remedies(), m.Remedy) {
		m.Outcome, m.Remedy, m.Signature = "", "", ""
	}
	if !slices.Contains(passcode.Remedies(), m.Would) {
		m.Would = ""
	}
}

func scanMeeting(row pgx.CollectableRow) (Meeting, error) {
	m, err := pgx.RowToStructByName[Meeting](row)
	m.tidy()
	return m, err
}

// oneMeeting reads the one row of a query; ErrNotFound when there is none.
func oneMeeting(rows pgx.Rows, err error) (Meeting, error) {
	if err != nil {
		return Meeting{}, err
	}
	m, err := pgx.CollectExactlyOneRow(rows, scanMeeting)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	return m, err
}

// Meeting reads the meeting of a number; ErrNotFound when latchkey has no record
// of it. Where several answer to it, that is the first of MeetingsNumbered.
func (s *Store) Meeting(ctx context.Context, number int64) (Meeting, error) {
	all, err := s.MeetingsNumbered(ctx, number)
	if err != nil {
		return Meeting{}, err
	}
	if len(all) == 0 {
		return Meeting{}, fmt.Errorf("read meeting %d: %w", number, ErrNotFound)
	}
	return all[0], nil
}

// MeetingsNumbered reads the meetings that answer to a number: their own, or the
// personal meeting id that they run under, of whichever account. Those that are
// there and were seen come first, then those that ask for a passcode (whoever
// joins by the number may meet any of them, and one more than is asked for does no
// harm), then those of that very number, then the soonest.
func (s *Store) MeetingsNumbered(ctx context.Context, number int64) ([]Meeting, error) {
	rows, err := s.pool.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE meeting_id = $1 OR pmi = $1 AND pmi <> 0
		ORDER BY status = 'deleted', not_found, observed_at IS NULL, coalesce(outcome = 'demands_passcode', false) DESC, meeting_id = $1 DESC, coalesce(ends_at < now(), false), start_time NULLS LAST, observed_at DESC NULLS LAST`, number)
	if err != nil {
		return nil, fmt.Errorf("read meeting %d: %w", number, err)
	}
	all, err := pgx.CollectRows(rows, scanMeeting)
	if err != nil {
		return nil, fmt.Errorf("read meeting %d: %w", number, err)
	}
	return all, nil
}

// Leased says whether a worker is checking the meeting now.
func (s *Store) Leased(ctx context.Context, id int64) (bool, error) {
	var yes bool
	err := s.pool.QueryRow(ctx, `SELECT coalesce(lease_until > now(), false) FROM meetings WHERE meeting_id = $1`, id).Scan(&yes)
	return yes, err
}

// adopt gives rows whose account no event named to the account that turns out to
// have them. Nothing that was said of them is believed: they are read first. It
// queues three statements.
func adopt(b *pgx.Batch, account string, ids ...int64) {
	b.Queue(`DELETE FROM passcodes WHERE account_id = '' AND meeting_id = ANY($1)`, ids)
	b.Queue(`UPDATE meetings m SET account_id = $2, must_read = true, passcode = 'unknown', passcode_readable = false, host_id = ''
		WHERE account_id = '' AND $2 <> '' AND meeting_id = ANY($1) AND NOT EXISTS (SELECT FROM meetings o WHERE o.meeting_id = m.meeting_id AND o.account_id = $2)`, ids, account)
	b.Queue(`DELETE FROM meetings WHERE account_id = '' AND $2 <> '' AND meeting_id = ANY($1)`, ids, account)
}

// dueFor is what a meeting is due for, and the traceparent of that.
type dueFor struct{ why, trace string }

// saveSeen writes what was seen of meetings, each of which is there once, and makes
// due those that have a word in why; the verdict stays.
func saveSeen(ctx context.Context, tx pgx.Tx, why map[int64]dueFor, meetings ...Meeting) error {
	rows := make([]map[string]any, len(meetings))
	ids := make([]int64, len(meetings))
	for i, m := range meetings {
		ids[i] = m.ID
		rows[i] = map[string]any{
			"meeting_id": m.ID, "account_id": m.AccountID, "host_id": m.HostID, "uuid": m.UUID, "topic": m.Topic, "type": int(m.Type),
			"start_time": stamp(m.Starts), "ends_at": stamp(m.Ends), "uses_pmi": m.UsesPMI, "pmi": m.PMI, "last_used_at": stamp(m.LastUsed), "created_at": stamp(m.Created),
			"expires_at": stamp(m.Expires()), "status": m.Status, "not_found": m.NotFound, "missing_since": stamp(m.MissingSince), "misses": m.Misses, "said_gone": m.SaidGone,
			"passcode": m.Passcode, "passcode_readable": m.PasscodeReadable, "unrestorable": m.Unrestorable, "stripped": m.Stripped,
			"waiting_room": m.WaitingRoom, "authentication": m.Authentication, "link_has_passcode": m.LinkHasPasscode, "phone_passcode": m.PhonePasscode,
			"waits": m.Waits, "creation_source": m.Source, "created_by": m.CreatedBy,
			"seen_without_at": stamp(m.SeenWithout), "set_by": m.SetBy, "set_at": stamp(m.SetAt),
			"observed_at": stamp(m.ObservedAt), "event_at": stamp(m.EventAt), "must_read": m.MustRead,
		}
		if d, is := why[m.ID]; is {
			rows[i]["due_why"], rows[i]["due_trace"] = d.why, d.trace
		}
	}
	all, err := jsonb(rows)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE meetings m SET host_id = n.host_id, uuid = n.uuid, topic = n.topic, type = n.type, start_time = n.start_time, ends_at = n.ends_at,
			uses_pmi = n.uses_pmi, pmi = n.pmi, last_used_at = greatest(m.last_used_at, n.last_used_at), created_at = n.created_at, expires_at = n.expires_at,
			status = n.status, not_found = n.not_found, missing_since = n.missing_since, misses = n.misses, said_gone = n.said_gone,
			passcode = n.passcode, passcode_readable = n.passcode_readable, unrestorable = n.unrestorable, stripped = n.stripped,
			waiting_room = n.waiting_room, authentication = n.authentication, link_has_passcode = n.link_has_passcode, phone_passcode = n.phone_passcode,
			waits = n.waits, creation_source = n.creation_source, created_by = n.created_by,
			seen_without_at = n.seen_without_at, set_by = n.set_by, set_at = n.set_at,
			observed_at = n.observed_at, event_at = greatest(m.event_at, n.event_at), must_read = n.must_read,
			due_at = CASE WHEN n.due_why IS NULL THEN m.due_at ELSE now() END, due_why = coalesce(n.due_why, m.due_why), due_trace = CASE WHEN n.due_why IS NULL THEN m.due_trace ELSE n.due_trace END,
			generation = m.generation + (n.due_why IS NOT NULL)::int, attempts = CASE WHEN n.due_why IS NULL THEN m.attempts ELSE 0 END
		FROM jsonb_populate_recordset(NULL::meetings, $1::jsonb) n WHERE m.meeting_id = n.meeting_id AND m.account_id = n.account_id
			AND m.meeting_id = ANY($2) -- how many rows the JSON holds, the planner cannot know`, all, ids)
	return err
}
