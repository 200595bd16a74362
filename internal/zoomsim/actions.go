package zoomsim

import (
	"context"
	"net/http"
)

// The calls of this file act as the host, an admin or another app would: by
// the same rules and with the same webhooks as the API, but outside of the
// request list, faults and rate limits.

// CreateMeeting makes a meeting as POST /users/{id}/meetings does. It spends
// one of the host's 100 only with CreationSource "open_api".
func (s *Server) CreateMeeting(ctx context.Context, hostID string, req MeetingRequest) (Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.world.user(hostID)
	if u == nil {
		return Meeting{}, noUser(hostID)
	}
	m, err := s.createMeeting(ctx, u, &req, nil)
	if err != nil {
		return Meeting{}, err
	}
	return s.world.plain(m), nil
}

// createMeeting is shared with the API; the lock is held. over is what a
// fault puts on top of Zoom's answer.
func (s *Server) createMeeting(ctx context.Context, u *user, req *MeetingRequest, over *Overwrite) (*meeting, error) {
	if err := s.mayWrite(u, req); err != nil {
		return nil, err
	}
	m, err := s.world.create(u, req, s.now())
	if err != nil {
		return nil, err
	}
	s.world.overwrite(m, over, "")
	s.emitAs(ctx, s.world.createdEvent(m, s.now()))
	return m, nil
}

// UpdateMeeting changes a meeting as PATCH /meetings/{id} does. It spends one
// of the host's 100 only with CreationSource "open_api".
func (s *Server) UpdateMeeting(ctx context.Context, meetingID int64, req MeetingRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meeting(meetingID)
	if err != nil {
		return err
	}
	return s.updateMeeting(ctx, m, &req, "", nil)
}

// UpdateOccurrence changes one date of a series as PATCH /meetings/{id} with an
// occurrence_id does.
func (s *Server) UpdateOccurrence(ctx context.Context, meetingID int64, occurrenceID string, req MeetingRequest) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meeting(meetingID)
	if err != nil {
		return err
	}
	return s.updateMeeting(ctx, m, &req, occurrenceID, nil)
}

// updateMeeting is shared with the API; the lock is held. over is what a fault
// puts on top of Zoom's answer.
func (s *Server) updateMeeting(ctx context.Context, m *meeting, req *MeetingRequest, occurrenceID string, over *Overwrite) error {
	if err := s.mayWrite(m.host, req); err != nil {
		return err
	}
	was := *m
	if err := s.world.update(m, req, occurrenceID, s.now()); err != nil {
		return err
	}
	s.world.overwrite(m, over, occurrenceID)
	if ev, ok := s.world.updatedEvent(&was, m, occurrenceID, s.now()); ok {
		s.emitAs(ctx, ev)
	}
	return nil
}

// meeting finds one that is neither deleted nor a webinar; the lock is held.
func (s *Server) meeting(id int64) (*meeting, error) {
	m := s.world.numbered(id)
	switch {
	case m == nil || m.Deleted:
		return nil, noMeetingID(id)
	case m.Webinar:
		return nil, isWebinar()
	}
	return m, nil
}

// step runs one change of a meeting's life and sends its event.
func (s *Server) step(ctx context.Context, meetingID int64, name string, f func(*meeting) bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.world.numbered(meetingID)
	trashed := name == "meeting.recovered" || name == "meeting.permanently_deleted"
	switch {
	case m == nil || m.Deleted != trashed || m.Purged:
		return noMeetingID(meetingID)
	case m.Webinar:
		return isWebinar()
	case m.isRoom && name == "meeting.deleted":
		return notPMI()
	}
	if !f(m) {
		return nil
	}
	switch name {
	case "meeting.started", "meeting.ended":
		s.emitAs(ctx, m.runEvent(name, s.now()))
	default:
		s.emitAs(ctx, m.lifecycleEvent(name, s.now()))
	}
	return nil
}

// DeleteMeeting moves a meeting to the trash and sends meeting.deleted.
func (s *Server) DeleteMeeting(ctx context.Context, meetingID int64) error {
	return s.step(ctx, meetingID, "meeting.deleted", func(m *meeting) bool { m.Deleted = true; return true })
}

// DeleteOccurrence deletes one date of a series and sends meeting.deleted for it.
// An unknown date, one that is deleted already, and a meeting in progress are
// refused.
func (s *Server) DeleteOccurrence(ctx context.Context, meetingID int64, occurrenceID string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meeting(meetingID)
	if err != nil {
		return err
	}
	return s.deleteMeeting(ctx, m, occurrenceID)
}

// deleteMeeting is shared with the API; the lock is held. Without an
// occurrenceID the whole meeting goes. Zoom does not say what deleting the last
// date does to the series: here it stays, without an available date.
func (s *Server) deleteMeeting(ctx context.Context, m *meeting, occurrenceID string) error {
	if m.isRoom {
		return notPMI()
	}
	if m.Status == statusStarted {
		return failure(http.StatusBadRequest, 3002, "Sorry, you cannot delete this meeting since it is in progress.")
	}
	if occurrenceID == "" {
		m.Deleted = true
		s.emitAs(ctx, m.lifecycleEvent("meeting.deleted", s.now()))
		return nil
	}
	i, err := m.occurrenceAt(occurrenceID)
	if err != nil {
		return err
	}
	m.before = s.world.snapshot(m)
	o := m.Occurrences[i]
	o.Deleted = true
	m.setDate(i, o)
	s.emitAs(ctx, m.dateDeletedEvent(o, s.now()))
	return nil
}

// RecoverMeeting brings a deleted meeting back and sends meeting.recovered.
func (s *Server) RecoverMeeting(ctx context.Context, meetingID int64) error {
	return s.step(ctx, meetingID, "meeting.recovered", func(m *meeting) bool { m.Deleted = false; return true })
}

// PurgeMeeting deletes a meeting that is in the trash for good and sends
// meeting.permanently_deleted. It cannot be recovered.
func (s *Server) PurgeMeeting(ctx context.Context, meetingID int64) error {
	return s.step(ctx, meetingID, "meeting.permanently_deleted", func(m *meeting) bool { m.Purged = true; return true })
}

// StartMeeting starts a meeting, by its number or the host's PMI; one that runs
// already sends nothing.
func (s *Server) StartMeeting(ctx context.Context, meetingID int64) error {
	return s.step(ctx, meetingID, "meeting.started", (*meeting).begin)
}

// EndMeeting ends a running meeting. The API then shows a scheduled one as
// waiting and an instant one not at all.
func (s *Server) EndMeeting(ctx context.Context, meetingID int64) error {
	return s.step(ctx, meetingID, "meeting.ended", (*meeting).end)
}

// Meeting returns a meeting's state, deleted ones included; by a PMI that of the
// user's room.
func (s *Server) Meeting(meetingID int64) (Meeting, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.world.numbered(meetingID)
	if m == nil {
		return Meeting{}, false
	}
	return s.world.plain(m), true
}

// Meetings lists every meeting, oldest first, deleted ones included and rooms
// not.
func (s *Server) Meetings() []Meeting {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Meeting, 0, len(s.world.order))
	for _, m := range s.world.order {
		out = append(out, s.world.plain(m))
	}
	return out
}
