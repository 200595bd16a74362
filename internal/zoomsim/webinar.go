package zoomsim

import "context"

// Webinars are simulated as far as meetings become one: the number stays, and
// what asks for the meeting is refused (Z-EVENT-15, Z-ERR-9).

// webinarTypes are what the types of meetings become (Z-MEET-1).
var webinarTypes = map[int]int{2: 5, 3: 6, 8: 9}

// kind is the type by which Zoom shows a meeting now.
func (m *meeting) kind() int {
	if m.Webinar {
		return webinarTypes[m.Type]
	}
	return m.Type
}

// ConvertToWebinar makes a webinar of a scheduled or recurring meeting and sends
// meeting.converted_to_webinar. An instant or PMI meeting, one in progress and a
// webinar are refused.
func (s *Server) ConvertToWebinar(ctx context.Context, meetingID int64) error {
	return s.convert(ctx, meetingID, true)
}

// ConvertToMeeting makes a meeting of a webinar again, as it was, and sends
// webinar.converted_to_meeting.
func (s *Server) ConvertToMeeting(ctx context.Context, meetingID int64) error {
	return s.convert(ctx, meetingID, false)
}

func (s *Server) convert(ctx context.Context, meetingID int64, toWebinar bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.world.meetings[meetingID]
	name := "webinar.converted_to_meeting"
	if toWebinar {
		name = "meeting.converted_to_webinar"
	}
	switch {
	case m == nil || m.Deleted:
		return noMeetingID(meetingID)
	case m.Status == statusStarted:
		return inProgress()
	case m.Webinar == toWebinar || m.pmi() || webinarTypes[m.Type] == 0:
		return invalid("type", "Invalid field.")
	}
	m.Webinar = toWebinar
	s.emitAs(ctx, newEvent(m.host.acct, name, s.now(), operated(obj{"object": m.core()}, m.host.Email, m.host.ID)))
	return nil
}
