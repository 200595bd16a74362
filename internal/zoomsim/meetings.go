package zoomsim

import (
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// create makes a meeting for u, or for whom the request schedules, by Zoom's
// rules. The caller holds the lock.
func (w *world) create(u *user, req *MeetingRequest, now time.Time) (*meeting, error) {
	u, err := w.scheduledFor(u, req, cmp.Or(req.Type, 2))
	if err != nil {
		return nil, err
	}
	if !u.mayHost() {
		return nil, mayNotHost()
	}
	if !validSource(req.CreationSource) {
		return nil, invalid("creation_source", "Invalid field.")
	}
	r := u.acct.resolve(u)
	m := &meeting{
		ID: w.freeID(), UUID: w.src.uuid(), host: u, Status: statusWaiting,
		Topic: cmp.Or(req.Topic, "Zoom Meeting"), Agenda: req.Agenda, Type: cmp.Or(req.Type, 2),
		Duration: cmp.Or(req.Duration, 60), Timezone: cmp.Or(req.Timezone, u.Timezone),
		Created: now.UTC().Truncate(time.Second), Source: cmp.Or(req.CreationSource, SourceOther),
	}
	if err := m.schedule(req, now); err != nil {
		return nil, err
	}
	m.JoinBefore = r.on.has(keyJoinBeforeHost)
	switch m.Type {
	case 1:
		m.UsePMI = r.on.has(keyUsePMIInstant)
	case 2:
		m.UsePMI = r.on.has(keyUsePMIScheduled)
	}
	if err := m.simple(req); err != nil {
		return nil, err
	}
	if err := w.secure(Create, m, &r, req); err != nil {
		return nil, err
	}
	w.add(m)
	return m, nil
}

// update changes a meeting by Zoom's rules and keeps what it was for stale
// reads. A meeting in progress cannot be changed (Z-ERR-8).
func (w *world) update(m *meeting, req *MeetingRequest, occurrenceID string, now time.Time) error {
	if m.Status == statusStarted {
		return inProgress()
	}
	if occurrenceID != "" {
		return w.updateDate(m, req, occurrenceID)
	}
	if m.isRoom && (cmp.Or(req.Type, 4) != 4 || req.ScheduleFor != "") {
		return invalid("type", "Invalid field.") // it is its user's room for good
	}
	host, err := w.scheduledFor(m.host, req, cmp.Or(req.Type, m.Type))
	if err != nil {
		return err
	}
	r := host.acct.resolve(host)
	after := *m
	after.host = host // whose settings hold from now on
	after.Topic = cmp.Or(req.Topic, m.Topic)
	after.Agenda = cmp.Or(req.Agenda, m.Agenda)
	after.Type = cmp.Or(req.Type, m.Type)
	after.Duration = cmp.Or(req.Duration, m.Duration)
	after.Timezone = cmp.Or(req.Timezone, m.Timezone)
	if err := after.schedule(req, now); err != nil {
		return err
	}
	if err := after.simple(req); err != nil {
		return err
	}
	if err := w.secure(Update, &after, &r, req); err != nil {
		return err
	}
	before := w.snapshot(m)
	if host != m.host {
		m.handOver(host)
	}
	*m = after
	m.before = before
	return nil
}

// snapshot is the meeting as it is, for stale reads after the next write.
func (w *world) snapshot(m *meeting) *meeting {
	s := *m
	s.before, s.Passcode = nil, w.passcodeOf(m)
	return &s
}

// simple applies the settings that follow the request and nothing else.
func (m *meeting) simple(req *MeetingRequest) error {
	if v := req.Settings.WaitingRoomOptions; v != nil {
		if err := v.check(); err != nil {
			return err
		}
		m.RoomOptions = v.settled()
	}
	if v := req.Settings.UsePMI; v != nil {
		m.UsePMI = *v
	}
	if v := req.Settings.JoinBeforeHost; v != nil {
		m.JoinBefore = *v
	}
	if v := req.Settings.JBHTime; v != nil {
		m.JBHTime = *v
	}
	return nil
}

// secure validates a given passcode, asks Decide and writes the result. A PMI
// meeting's passcode is the user's: the request's is ignored and the setting
// decides alone (Z-MEET-11).
func (w *world) secure(op Op, m *meeting, r *resolved, req *MeetingRequest) error {
	s := r.effective(m.passcodeKey(r))
	wish := req.wish()
	if op == Update && req.CreationSource == SourceOpenAPI {
		wish.Passcode = m.host.acct.clearing.ask(req.Password)
	}
	if m.pmi() {
		wish.Passcode = AskAbsent
		s.Passcode |= LockedOff // Off -> LockedOff, On -> LockedOn
	} else if wish.Passcode == AskYes && s.Passcode != LockedOff {
		if complaint := r.req.checkFor(op, req.Password.value); complaint != "" {
			return invalid("password", complaint)
		}
	}
	prev := State{}
	if op == Update {
		prev = w.stateOf(m)
	}
	d := w.documents.Decide(op, s, prev, wish)
	m.WaitingRoom, m.Authentication = d.WaitingRoom, d.Authentication
	if m.WaitingRoom {
		m.JoinBefore = false // openapi: the waiting room switches it off
	}
	switch {
	case m.pmi() || d.Passcode == PasscodeNone:
		m.Passcode = ""
	case d.Passcode == PasscodeGiven:
		m.Passcode = req.Password.value
	case d.Passcode == PasscodeGenerated:
		m.Passcode = w.src.passcode(r.req)
	}
	return nil
}

// schedule sets type, time and occurrences.
func (m *meeting) schedule(req *MeetingRequest, now time.Time) error {
	switch m.Type {
	case 1, 2, 3, 4, 7, 8, 10:
	default:
		return invalid("type", "Invalid field.")
	}
	if m.Duration < 0 {
		return invalid("duration", "Invalid field.")
	}
	if !req.StartTime.IsZero() {
		m.Start = req.StartTime.in(m.Timezone)
	}
	if m.Start.IsZero() && (m.Type == 2 || m.Type == 8) {
		m.Start = now.UTC().Truncate(time.Second)
	}
	if m.Type == 8 && req.Recurrence != nil {
		m.recur(req.Recurrence)
	}
	return nil
}

// recur lays out the occurrences; Zoom caps a series at 50.
func (m *meeting) recur(rec *Recurrence) {
	m.Recurrence = map[string]any{"type": rec.Type, "repeat_interval": max(rec.RepeatInterval, 1)}
	if rec.EndTimes > 0 {
		m.Recurrence["end_times"] = rec.EndTimes
	}
	if rec.WeeklyDays != "" {
		m.Recurrence["weekly_days"] = rec.WeeklyDays
	}
	m.Occurrences = nil
	n := min(max(rec.EndTimes, 1), 50)
	for i := range n {
		step := i * max(rec.RepeatInterval, 1)
		at := m.Start
		switch rec.Type {
		case 2:
			at = at.AddDate(0, 0, 7*step)
		case 3:
			at = at.AddDate(0, step, 0)
		default:
			at = at.AddDate(0, 0, step)
		}
		m.Occurrences = append(m.Occurrences, occurrence{
			ID: strconv.FormatInt(at.UnixMilli(), 10), Start: at, Duration: m.Duration,
		})
	}
}

func (w *world) freeID() int64 {
	for {
		if id := w.src.meetingID(); w.meetings[id] == nil {
			return id
		}
	}
}

// joinURL is the invitation link; pwd is an opaque hash of the passcode, and
// there while the host embeds it (Z-CALL-2, Z-SET-5).
func (w *world) joinURL(m *meeting) string {
	id := m.number()
	url := fmt.Sprintf("https://us02web.zoom.us/j/%d", id)
	r := m.host.acct.resolve(m.host)
	if p := w.passcodeOf(m); p != "" && r.on.has(keyEmbedPassword) {
		url += "?pwd=" + opaque("pwd", p, id)
	}
	return url
}

// plain copies a meeting's state out of the world.
func (w *world) plain(m *meeting) Meeting {
	return Meeting{
		ID: m.ID, UUID: m.UUID, AccountID: m.host.acct.ID, HostID: m.host.ID, HostEmail: m.host.Email,
		Topic: m.Topic, Type: m.kind(), StartTime: m.Start, Duration: m.Duration, Timezone: m.Timezone,
		Passcode: w.passcodeOf(m), WaitingRoom: m.WaitingRoom, WaitingRoomHolds: m.holds(), Authentication: m.Authentication,
		UsePMI: m.pmi(), JoinBeforeHost: m.JoinBefore, Status: m.Status,
		CreationSource: m.Source, JoinURL: w.joinURL(m), Deleted: m.Deleted, Webinar: m.Webinar,
	}
}
