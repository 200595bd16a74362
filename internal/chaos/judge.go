package chaos

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
	"latchkey/internal/zoomsim"
)

// judge looks at everything from outside and lists what is not as it must be.
type judge struct {
	rig *rig
	db  *pgx.Conn
}

func newJudge(ctx context.Context, r *rig) (*judge, error) {
	u, err := url.Parse(r.db.URL())
	if err != nil {
		return nil, errors.New("chaos: the database's URL cannot be read") // it holds a password
	}
	q := u.Query()
	q.Set("search_path", "latchkey")
	u.RawQuery = q.Encode()
	db, err := pgx.Connect(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("chaos: judge: %w", err)
	}
	return &judge{rig: r, db: db}, nil
}

func (j *judge) close() { _ = j.db.Close(context.Background()) }

// problems is a list that is added to.
type problems []string

func (p *problems) note(format string, args ...any) { *p = append(*p, fmt.Sprintf(format, args...)) }

// row is what latchkey recorded of a meeting.
type row struct {
	ID                               int64
	Status, Passcode, WaitingRoom    string
	Outcome, Remedy, Why             string
	Codes                            []string
	Known                            *string // the passcode
	State                            string  // of the work on it
	Due                              bool    // it is checked again by itself
	Missed                           bool    // Zoom said that it does not know it
	Held, Changed, Repaired, Alerted int     // repairs that held; alerts
}

// unfinished are repairs that were begun and not ended. That of a meeting which Zoom
// does not know stays so until that is believed, for ten minutes (see meetings).
const unfinished = `SELECT format('repair %s of meeting %s is neither done nor not; the meeting is %s, %s, %s, due: %s %s, last error %s', r.id, r.meeting_id, m.status, m.outcome, m.remedy, m.due_at, m.due_why, m.last_error)
		FROM repairs r JOIN meetings m USING (account_id, meeting_id) WHERE result = 'unfinished' AND NOT coalesce(m.not_found AND m.misses > 0 AND m.due_at > now(), false)`

// settled lists what is not settled yet, which time may mend: work that waits, and
// meetings whose record is not Zoom's truth or whose state is not what the policy wants.
func (j *judge) settled(ctx context.Context) problems {
	var p problems
	for what, query := range map[string]string{
		"alerts that are not published":        `SELECT count(*) FROM alerts WHERE published_at IS NULL`,
		"meetings that are due":                `SELECT count(*) FROM meetings WHERE due_at <= now() AND lease_owner IS NULL`,
		"leases of meetings that nobody holds": `SELECT count(*) FROM meetings WHERE lease_until < now()`,
		"leases of hosts that nobody holds":    `SELECT count(*) FROM hosts WHERE lease_until < now()`,
	} {
		var n int
		if err := j.db.QueryRow(ctx, query).Scan(&n); err != nil {
			p.note("the database cannot be asked: %v", err)
			return p
		}
		if n > 0 {
			p.note("%d %s", n, what)
		}
	}
	open, err := j.strings(ctx, unfinished)
	if err != nil {
		p.note("the repairs cannot be read: %v", err)
	}
	for what := range open {
		p.note("%s", what)
	}
	for _, d := range j.rig.sim.Deliveries() {
		if d.State == zoomsim.DeliveryPending || d.State == zoomsim.DeliveryRetrying {
			p.note("webhooks are still being sent")
			break
		}
	}
	for _, s := range j.rig.services() {
		if status, text := get(ctx, "http://"+s.admin+"/readyz"); status != http.StatusOK {
			p.note("%s is not ready again: status %d %s", s.name, status, text)
		}
	}
	p = append(p, j.consumed(ctx)...)
	return append(p, j.meetings(ctx)...)
}

// consumed says whether the workers have taken in what is on the stream of events.
func (j *judge) consumed(ctx context.Context) (p problems) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := j.rig.js.Consumer(ctx, eventsStream, "frames")
	if err != nil {
		p.note("the consumer of events cannot be asked: %v", err)
		return p
	}
	if i := c.CachedInfo(); i.NumPending > 0 || i.NumAckPending > 0 {
		p.note("%d frames of events wait, %d are not acknowledged", i.NumPending, i.NumAckPending)
	}
	return p
}

func (j *judge) rows(ctx context.Context) (map[int64]row, error) {
	rows, err := j.db.Query(ctx, `SELECT meeting_id AS id, status, m.passcode, waiting_room, coalesce(outcome, '') AS outcome, coalesce(remedy, '') AS remedy, why,
			ARRAY(SELECT r ->> 'code' FROM jsonb_array_elements(reasons) r) AS codes, p.passcode AS known, due_at IS NOT NULL AS due, format('due %s (%s), lease until %s, attempts %s, last error %s', due_at, due_why, lease_until, attempts, last_error) AS state, coalesce(not_found AND misses > 0 AND due_at > now(), false) AS missed,
			(SELECT count(*) FROM repairs r WHERE r.meeting_id = m.meeting_id AND result = 'held') AS held,
			(SELECT count(*) FROM verdicts v WHERE v.meeting_id = m.meeting_id) AS changed,
			(SELECT count(*) FROM alerts a WHERE subject = m.meeting_id::text AND type IN ('meeting.repaired', 'meeting.open')) AS repaired,
			(SELECT count(*) FROM alerts a WHERE subject = m.meeting_id::text) AS alerted
		FROM meetings m LEFT JOIN passcodes p USING (account_id, meeting_id)`)
	if err != nil {
		return nil, err
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[row])
	if err != nil {
		return nil, err
	}
	byID := map[int64]row{}
	for _, r := range all {
		byID[r.ID] = r
	}
	return byID, nil
}

// meetings holds the record of each meeting against Zoom's truth, and Zoom's truth
// against the policy waiting-room.
func (j *judge) meetings(ctx context.Context) (p problems) {
	rows, err := j.rows(ctx)
	if err != nil {
		p.note("the meetings cannot be read: %v", err)
		return p
	}
	asked := map[int64]bool{} // Zoom was asked to remove the passcode
	for _, q := range j.rig.sim.Requests() {
		if q.Method == http.MethodPatch && q.Passcode == zoomsim.AskNo.String() {
			asked[q.MeetingID] = true
		}
	}
	for _, m := range j.rig.sim.Meetings() {
		row, known := rows[m.ID]
		join := j.rig.sim.Join(m.ID, "")
		switch {
		case m.Deleted:
			// Where the event was lost, one 404 buries no meeting (Z-ERR-14): it is
			// missed, and asked for again, ten minutes long.
			if known && row.Status != string(passcode.StatusDeleted) && !(row.Missed && row.Outcome == string(passcode.OutcomeUnknown)) {
				p.note("meeting %d is deleted at Zoom and recorded as %s", m.ID, row.Status)
			}
			continue
		case !known:
			p.note("meeting %d of %s is not recorded", m.ID, m.HostEmail)
			continue
		case row.Status == string(passcode.StatusDeleted):
			p.note("meeting %d is there and recorded as deleted", m.ID)
			continue
		}
		if join.Unsecured {
			p.note("meeting %d is open to anyone", m.ID)
		}
		if (m.Passcode != "") != (row.Passcode == "on") || row.WaitingRoom != "unknown" && m.WaitingRoom != (row.WaitingRoom == "on") {
			p.note("meeting %d: the record says passcode %s, waiting room %s; Zoom %t, %t", m.ID, row.Passcode, row.WaitingRoom, m.Passcode != "", m.WaitingRoom)
		}
		if m.Passcode != "" && (row.Known == nil || *row.Known != m.Passcode) {
			p.note("meeting %d: the passcode that is known is not Zoom's", m.ID)
		}
		demands := m.Passcode != ""
		if want := map[bool]string{true: string(passcode.OutcomeDemands), false: string(passcode.OutcomeJoinable)}[demands]; !join.Unsecured && row.Outcome != want {
			p.note("meeting %d: the verdict is %q, a joiner meets %s; %s", m.ID, row.Outcome, want, row.State)
		}
		if demands && !explained(row, m, asked[m.ID]) {
			p.note("meeting %d of %s demands a passcode and could be repaired: %s %s", m.ID, m.HostEmail, row.Remedy, row.Why)
		}
		if demands && row.Alerted == 0 {
			p.note("meeting %d demands a passcode and no alert says so", m.ID)
		}
		if row.Held > row.Repaired {
			p.note("meeting %d: %d repairs held, %d alerts say so", m.ID, row.Held, row.Repaired)
		}
	}
	return p
}

// explained says whether a rule forbids to remove the passcode. That Zoom did not do it
// explains nothing unless Zoom was asked.
func explained(r row, m zoomsim.Meeting, asked bool) bool {
	return slices.ContainsFunc(r.Codes, func(code string) bool {
		switch passcode.Code(code) {
		case passcode.CauseLockedOn, passcode.BlockContradict:
			return true
		case passcode.BlockContested, passcode.BlockOverwritten, passcode.BlockRefused:
			return asked
		case passcode.BlockInProgress:
			return m.Status == "started"
		case passcode.BlockBusy: // Zoom refused while the meeting ran: latchkey waits ten minutes
			return r.Due
		}
		return false
	})
}
