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

	ObservedAt   time.Time `db:"observed_at"`
	MustRead     bool      `db:"must_read"`
	MissingSince time.Time `db:"missing_since"` // when Zoom first said that it does not know it
	Misses       int       `db:"misses"`        // how often in a row it said so
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

// Meeting reads one meeting; ErrNotFound when latchkey has no record of it.
func (s *Store) Meeting(ctx context.Context, id int64) (Meeting, error) {
	m, err := oneMeeting(s.pool.Query(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE meeting_id = $1`, id))
	if err != nil {
		return m, fmt.Errorf("read meeting %d: %w", id, err)
	}
	return m, nil
}

// Leased says whether a worker is checking the meeting now.
func (s *Store) Leased(ctx context.Context, id int64) (bool, error) {
	var yes bool
	err := s.pool.QueryRow(ctx, `SELECT coalesce(lease_until > now(), false) FROM meetings WHERE meeting_id = $1`, id).Scan(&yes)
	return yes, err
}

// lockMeeting makes sure of the row and locks it, so that sightings of one
// meeting are merged one after the other.
func lockMeeting(ctx context.Context, tx pgx.Tx, id int64, account string) (Meeting, error) {
	var b pgx.Batch
	b.Queue(`INSERT INTO meetings (meeting_id, account_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, id, account)
	b.Queue(`SELECT `+meetingColumns+` FROM meetings WHERE meeting_id = $1 FOR UPDATE`, id)
	r := tx.SendBatch(ctx, &b)
	defer r.Close()
	if _, err := r.Exec(); err != nil {
		return Meeting{}, err
	}
	return oneMeeting(r.Query())
}

// saveSeen writes what was seen of a meeting; verdict and schedule stay.
func saveSeen(ctx context.Context, tx pgx.Tx, m Meeting) error {
	_, err := tx.Exec(ctx, `UPDATE meetings SET host_id = @host, uuid = @uuid, topic = @topic, type = @type, start_time = @starts, ends_at = @ends,
			uses_pmi = @pmi, status = @status, not_found = @notFound, missing_since = @missing, misses = @misses,
			passcode = @passcode, passcode_readable = @readable, unrestorable = @unrestorable, stripped = @stripped,
			waiting_room = @room, authentication = @auth, link_has_passcode = @link, phone_passcode = @phone,
			observed_at = @observed, must_read = @mustRead
		WHERE meeting_id = @id`, pgx.NamedArgs{
		"id": m.ID, "host": m.HostID, "uuid": m.UUID, "topic": m.Topic, "type": int(m.Type), "starts": null(m.Starts), "ends": null(m.Ends),
		"pmi": m.UsesPMI, "status": m.Status, "notFound": m.NotFound, "missing": null(m.MissingSince), "misses": m.Misses,
		"passcode": m.Passcode, "readable": m.PasscodeReadable, "unrestorable": m.Unrestorable, "stripped": m.Stripped,
		"room": m.WaitingRoom, "auth": m.Authentication, "link": m.LinkHasPasscode, "phone": m.PhonePasscode,
		"observed": null(m.ObservedAt), "mustRead": m.MustRead,
	})
	return err
}
