package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

// Meeting is one row of meetings: what was seen, what was decided, when it is
// to be looked at next. Zero times stand for SQL null.
type Meeting struct {
	ID        int64
	AccountID string
	HostID    string // "" until known
	UUID      string
	Topic     string
	Type      int
	Start     time.Time
	Ends      time.Time
	UsesPMI   bool
	Status    passcode.Status

	Passcode         passcode.Toggle
	PasscodeReadable bool
	WaitingRoom      passcode.Toggle
	Authentication   passcode.Toggle
	LinkHasPasscode  passcode.Toggle
	PhonePasscode    passcode.Toggle
	ObservedAt       time.Time
	MustRead         bool

	Outcome        passcode.Outcome // "" until decided
	Remedy         passcode.Remedy
	Reasons        []passcode.Reason
	Why            string
	DecidedAt      time.Time
	DemandingSince time.Time
	// OverwrittenUnder is the fingerprint of the facts under which Zoom put a
	// passcode back.
	OverwrittenUnder string

	DueAt      time.Time
	DueWhy     string
	Generation int64
	Attempts   int
	LastError  string
}

const meetingColumns = `meeting_id, account_id, host_id, uuid, topic, type, start_time, ends_at, uses_pmi, status,
	passcode, passcode_readable, waiting_room, authentication, link_has_passcode, phone_passcode, observed_at, must_read,
	outcome, remedy, reasons, why, decided_at, demanding_since, overwritten_under,
	due_at, due_why, generation, attempts, last_error`

func scanMeeting(row pgx.Row) (Meeting, error) {
	var m Meeting
	var start, ends, observed, decided, demanding, due *time.Time
	var pass, wr, auth, link, phone string
	var outcome, remedy *string
	var reasons []byte
	err := row.Scan(&m.ID, &m.AccountID, &m.HostID, &m.UUID, &m.Topic, &m.Type, &start, &ends, &m.UsesPMI, &m.Status,
		&pass, &m.PasscodeReadable, &wr, &auth, &link, &phone, &observed, &m.MustRead,
		&outcome, &remedy, &reasons, &m.Why, &decided, &demanding, &m.OverwrittenUnder,
		&due, &m.DueWhy, &m.Generation, &m.Attempts, &m.LastError)
	if errors.Is(err, pgx.ErrNoRows) {
		return m, ErrNotFound
	}
	if err != nil {
		return m, err
	}
	m.Start, m.Ends, m.ObservedAt, m.DecidedAt, m.DemandingSince, m.DueAt =
		orZero(start), orZero(ends), orZero(observed), orZero(decided), orZero(demanding), orZero(due)
	if outcome != nil {
		m.Outcome = passcode.Outcome(*outcome)
	}
	if remedy != nil {
		m.Remedy = passcode.Remedy(*remedy)
	}
	// The CHECKs on the columns make these the three words that decode.
	_ = m.Passcode.UnmarshalText([]byte(pass))
	_ = m.WaitingRoom.UnmarshalText([]byte(wr))
	_ = m.Authentication.UnmarshalText([]byte(auth))
	_ = m.LinkHasPasscode.UnmarshalText([]byte(link))
	_ = m.PhonePasscode.UnmarshalText([]byte(phone))
	return m, decode("reasons", reasons, &m.Reasons)
}

// Meeting reads one meeting; ErrNotFound when latchkey never heard of it.
func (s *Store) Meeting(ctx context.Context, id int64) (Meeting, error) {
	m, err := scanMeeting(s.pool.QueryRow(ctx, `SELECT `+meetingColumns+` FROM meetings WHERE meeting_id = $1`, id))
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
	return scanMeeting(r.QueryRow())
}

// saveSeen writes what was seen of a meeting; verdict and schedule stay.
func saveSeen(ctx context.Context, tx pgx.Tx, m Meeting) error {
	_, err := tx.Exec(ctx, `UPDATE meetings SET host_id=$2, uuid=$3, topic=$4, type=$5, start_time=$6, ends_at=$7, uses_pmi=$8, status=$9,
		passcode=$10, passcode_readable=$11, waiting_room=$12, authentication=$13, observed_at=$14, must_read=$15,
		link_has_passcode=$16, phone_passcode=$17
		WHERE meeting_id=$1`,
		m.ID, m.HostID, m.UUID, m.Topic, m.Type, null(m.Start), null(m.Ends), m.UsesPMI, m.Status,
		m.Passcode.String(), m.PasscodeReadable, m.WaitingRoom.String(), m.Authentication.String(), null(m.ObservedAt), m.MustRead,
		m.LinkHasPasscode.String(), m.PhonePasscode.String())
	return err
}

// Passcode is one row of passcodes.
type Passcode struct {
	MeetingID int64
	Value     string
	Source    string // one of PasscodeSources
	SeenAt    time.Time
}

// Who made a passcode.
const (
	PasscodeOfZoom = "zoom"     // Zoom, or somebody in Zoom
	PasscodeOfOurs = "latchkey" // the policy known-passcode
)

// PasscodeSources is the closed set, for tests that hold other places to it.
func PasscodeSources() []string { return []string{PasscodeOfZoom, PasscodeOfOurs} }

// Passcode reads the passcode of a meeting; ErrNotFound when none is known.
func (s *Store) Passcode(ctx context.Context, id int64) (Passcode, error) {
	p := Passcode{MeetingID: id}
	err := s.pool.QueryRow(ctx, `SELECT passcode, source, seen_at FROM passcodes WHERE meeting_id = $1`, id).Scan(&p.Value, &p.Source, &p.SeenAt)
	if errors.Is(err, pgx.ErrNoRows) {
		err = ErrNotFound
	}
	if err != nil {
		return p, fmt.Errorf("read the passcode of meeting %d: %w", id, err)
	}
	return p, nil
}

// savePasscode keeps the one passcode that is known, or forgets it.
func savePasscode(ctx context.Context, tx pgx.Tx, id int64, value, source string, at time.Time) error {
	if value == "" {
		_, err := tx.Exec(ctx, `DELETE FROM passcodes WHERE meeting_id = $1`, id)
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO passcodes (meeting_id, passcode, source, seen_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (meeting_id) DO UPDATE SET passcode = excluded.passcode, source = excluded.source, seen_at = excluded.seen_at`, id, value, source, at)
	return err
}

// keepPasscode keeps a passcode that is not recorded yet; one that is keeps who
// made it.
func keepPasscode(ctx context.Context, tx pgx.Tx, id int64, value string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO passcodes (meeting_id, passcode, source, seen_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (meeting_id) DO UPDATE SET passcode = excluded.passcode, source = excluded.source, seen_at = excluded.seen_at
		WHERE passcodes.passcode <> excluded.passcode`, id, value, PasscodeOfZoom, at)
	return err
}
