package zoomsim

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// target finds the meeting of the path. Its id has 9 to 11 digits; a personal
// meeting id stands for the room of its user.
func (c *call) target() (*meeting, error) {
	raw := c.PathValue("meetingId")
	id, err := strconv.ParseInt(raw, 10, 64)
	if err != nil || len(raw) < 9 || len(raw) > 11 {
		return nil, failure(http.StatusBadRequest, 300, "Invalid meeting id.")
	}
	c.rec.MeetingID = id
	m := c.s.world.numbered(id)
	gone := m == nil || m.Deleted || m.host.acct != c.acct || m.Type == 1 && m.Status == statusEnded
	if gone {
		return nil, noMeeting(raw)
	}
	c.rec.HostID = m.host.ID
	switch {
	case m.Webinar:
		return nil, isWebinar()
	case m.host.Type == UserUnassigned:
		return nil, mayNotHost()
	}
	return m, nil
}

func getMeeting(c *call) (int, any, error) {
	m, err := c.target()
	if err != nil {
		return 0, nil, err
	}
	if c.fault.NotFound {
		return 0, nil, noMeeting(c.PathValue("meetingId")) // though it is there (Z-ERR-14)
	}
	if c.fault.Stale && m.before != nil {
		m = m.before
	}
	body := c.s.world.meetingBody(m)
	if id := c.URL.Query().Get("occurrence_id"); id != "" {
		i, err := m.occurrenceAt(id)
		if err != nil {
			return 0, nil, err
		}
		body = c.s.world.meetingBody(m.dated(i))
		body["occurrences"] = m.occurrences()
	}
	if c.acct.hides {
		for _, k := range []string{"password", "h323_password", "pstn_password"} {
			delete(body, k)
		}
	}
	return http.StatusOK, body, nil
}

// meetingBody is the answer of GET and POST. A meeting without a passcode has
// no password member at all.
func (w *world) meetingBody(m *meeting) obj {
	r := m.host.acct.resolve(m.host)
	settings := obj{
		"waiting_room": m.WaitingRoom, "waiting_room_options": m.RoomOptions.body(), "meeting_authentication": m.Authentication,
		"use_pmi": m.pmi(), "join_before_host": m.JoinBefore, "jbh_time": m.JBHTime,
		"approval_type": 2, "audio": "both", "auto_recording": "none", "alternative_hosts": "",
		"enforce_login": m.Authentication, "host_video": true, "participant_video": true,
	}
	if m.Authentication {
		settings["authentication_option"] = authenticationOption(m.host.acct)
		settings["authentication_name"] = "Sign in to Zoom"
	}
	status := m.Status
	if status == statusEnded {
		status = statusWaiting // Zoom's API knows two states
	}
	o := m.core()
	o["agenda"], o["assistant_id"], o["status"], o["settings"] = m.Agenda, "", status, settings
	o["host_email"], o["created_at"] = m.host.Email, m.Created.Format(time.RFC3339)
	o["creation_source"], o["pre_schedule"] = m.Source, false
	o["join_url"] = w.joinURL(m)
	o["start_url"] = "https://us02web.zoom.us/s/" + strconv.FormatInt(m.ID, 10)
	if p := w.passcodeOf(m); p != "" {
		o["password"], o["encrypted_password"] = p, opaque("pwd", p, m.number())
		o["h323_password"] = numeric(p, m.ID)
		if r.on.has(keyPhonePassword) {
			o["pstn_password"] = numeric(p, m.ID)
		}
	}
	m.showPMI(o)
	if m.Recurrence != nil {
		o["recurrence"], o["occurrences"] = m.Recurrence, m.occurrences()
	}
	return o
}

func postMeeting(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	var req MeetingRequest
	if err := c.decode(&req); err != nil {
		return 0, nil, err
	}
	c.rec.Passcode = req.Password.Ask().String()
	req.CreationSource = SourceOpenAPI
	c.spender = u
	m, err := c.s.createMeeting(c.Context(), u, &req, c.fault.Overwrite)
	if err != nil {
		return 0, nil, err
	}
	c.rec.MeetingID = m.ID
	return http.StatusCreated, c.s.world.meetingBody(m), nil
}

func patchMeeting(c *call) (int, any, error) {
	m, err := c.target()
	if err != nil {
		return 0, nil, err
	}
	var req MeetingRequest
	if err := c.decode(&req); err != nil {
		return 0, nil, err
	}
	c.rec.Passcode = req.Password.Ask().String()
	req.CreationSource = SourceOpenAPI
	c.spender = m.host
	if c.fault.NoEffect {
		if err := m.host.spend(c.s.now()); err != nil {
			return 0, nil, err
		}
		return http.StatusNoContent, nil, nil
	}
	if err := c.s.updateMeeting(c.Context(), m, &req, c.URL.Query().Get("occurrence_id"), c.fault.Overwrite); err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, nil
}

func deleteMeeting(c *call) (int, any, error) {
	m, err := c.target()
	if err != nil {
		return 0, nil, err
	}
	if !c.fault.NoEffect {
		if err := c.s.deleteMeeting(c.Context(), m, c.URL.Query().Get("occurrence_id")); err != nil {
			return 0, nil, err
		}
	}
	return http.StatusNoContent, nil, nil
}

// listMeetings returns rows without passwords (Z-CALL-4), the soonest first.
func listMeetings(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	if u.Type == UserUnassigned {
		return 0, nil, mayNotHost()
	}
	now := c.s.now()
	keep := map[string]func(*meeting) bool{
		"scheduled":         func(m *meeting) bool { return m.Type != 1 },
		"live":              func(m *meeting) bool { return m.Status == statusStarted },
		"upcoming":          func(m *meeting) bool { return m.Type != 1 && !m.over(now) },
		"upcoming_meetings": func(m *meeting) bool { return m.Type != 1 && !m.over(now) },
		"previous_meetings": func(m *meeting) bool { return m.over(now) },
	}[cmp.Or(c.URL.Query().Get("type"), "scheduled")]
	if keep == nil {
		return 0, nil, invalid("type", "Invalid field.")
	}
	all := slices.DeleteFunc(c.s.world.meetingsOf(u), func(m *meeting) bool { return m.Webinar || !keep(m) })
	slices.SortStableFunc(all, func(x, y *meeting) int { return x.Start.Compare(y.Start) })
	page, body, err := paginate(c, all)
	if err != nil {
		return 0, nil, err
	}
	rows := make([]obj, len(page))
	for i, m := range page {
		rows[i] = m.core()
		rows[i]["agenda"], rows[i]["created_at"] = m.Agenda, m.Created.Format(time.RFC3339)
		rows[i]["join_url"] = c.s.world.joinURL(m)
		m.showPMI(rows[i])
	}
	body["meetings"] = rows
	return http.StatusOK, body, nil
}
