package zoomsim

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Of one date of a series only the time, the agenda and a few settings can
// differ, among them the waiting room. The passcode and all the rest are the
// series' (Z-MEET-7).

// occurrence is one date of a recurring meeting. What is zero is the series'.
type occurrence struct {
	ID          string
	Start       time.Time
	Duration    int
	Agenda      string
	WaitingRoom *bool
	JoinBefore  *bool
	Deleted     bool
}

// ahead says that a date is still to come or not yet over.
func (o occurrence) ahead(now time.Time) bool {
	return !o.Deleted && !now.After(o.Start.Add(time.Duration(o.Duration)*time.Minute))
}

func (m *meeting) occurrenceAt(id string) (int, error) {
	for i, o := range m.Occurrences {
		if o.ID == id && !o.Deleted {
			return i, nil
		}
	}
	return 0, noOccurrence()
}

// dated is the meeting as it is on one of its dates, its only one.
func (m *meeting) dated(i int) *meeting {
	o := m.Occurrences[i]
	d := *m
	d.Occurrences = m.Occurrences[i : i+1]
	d.Start, d.Duration, d.Agenda = o.Start, o.Duration, cmp.Or(o.Agenda, m.Agenda)
	if o.WaitingRoom != nil {
		d.WaitingRoom = *o.WaitingRoom
	}
	if o.JoinBefore != nil {
		d.JoinBefore = *o.JoinBefore
	}
	return &d
}

// athand is the meeting as who joins now meets it: on the date that runs or
// comes next, if it is a series that has one.
func (m *meeting) athand(now time.Time) *meeting {
	next := -1
	for i, o := range m.Occurrences {
		if o.ahead(now) && (next < 0 || o.Start.Before(m.Occurrences[next].Start)) {
			next = i
		}
	}
	if next < 0 {
		return m
	}
	return m.dated(next)
}

// updateDate changes one date. What the request names of the passcode, the
// authentication or the series is ignored, as by Zoom.
func (w *world) updateDate(m *meeting, req *MeetingRequest, occurrenceID string) error {
	i, err := m.occurrenceAt(occurrenceID)
	if err != nil {
		return err
	}
	was := m.dated(i)
	o := m.Occurrences[i]
	o.Agenda = cmp.Or(req.Agenda, o.Agenda)
	o.Duration = cmp.Or(req.Duration, o.Duration)
	if !req.StartTime.IsZero() {
		o.Start = req.StartTime.in(m.Timezone)
	}
	r := m.host.acct.resolve(m.host)
	// Of what Decide makes only the waiting room can be had for one date.
	d := w.documents.Decide(Update, r.effective(was.passcodeKey(&r)), w.stateOf(was), Wish{WaitingRoom: ask(req.Settings.WaitingRoom)})
	early := was.JoinBefore
	if v := req.Settings.JoinBeforeHost; v != nil {
		early = *v
	}
	early = early && !d.WaitingRoom // the waiting room switches it off
	if d.WaitingRoom != was.WaitingRoom {
		o.WaitingRoom = &d.WaitingRoom
	}
	if early != was.JoinBefore {
		o.JoinBefore = &early
	}
	m.before = w.snapshot(m)
	m.setDate(i, o)
	return nil
}

// Occurrence is one date of a series as it stands.
type Occurrence struct {
	ID          string    `json:"occurrence_id"`
	StartTime   time.Time `json:"start_time"`
	Duration    int       `json:"duration"`
	WaitingRoom bool      `json:"waiting_room"`
	Deleted     bool      `json:"deleted"`
}

// Occurrences lists the dates of a series in the order of their making; an
// unknown meeting and one that is no series has none.
func (s *Server) Occurrences(meetingID int64) []Occurrence {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.world.meetings[meetingID]
	if m == nil {
		return nil
	}
	var out []Occurrence
	for i, o := range m.Occurrences {
		out = append(out, Occurrence{o.ID, o.Start, o.Duration, m.dated(i).WaitingRoom, o.Deleted})
	}
	return out
}

// SetDateWaitingRoom switches the waiting room of one date of a series, which
// is counted from 1, as UpdateOccurrence does: settings and locks decide.
func (s *Server) SetDateWaitingRoom(ctx context.Context, meetingID int64, date int, on bool) error {
	dates := s.Occurrences(meetingID)
	if date < 1 || date > len(dates) {
		return noOccurrence()
	}
	return s.UpdateOccurrence(ctx, meetingID, dates[date-1].ID, MeetingRequest{Settings: MeetingSettings{WaitingRoom: &on}})
}

// setDate replaces one date; snapshots keep the list that they share.
func (m *meeting) setDate(i int, o occurrence) {
	m.Occurrences = slices.Clone(m.Occurrences)
	m.Occurrences[i] = o
}

// roomEverywhere switches the waiting room on, on every date.
func (m *meeting) roomEverywhere() {
	m.WaitingRoom = true
	m.Occurrences = slices.Clone(m.Occurrences)
	for i := range m.Occurrences {
		m.Occurrences[i].WaitingRoom = nil
	}
}
