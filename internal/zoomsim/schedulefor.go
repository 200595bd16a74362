package zoomsim

import (
	"net/http"
	"slices"
)

// scheduledFor is the user whose meeting a create or update asks for: the one
// that it names, else u. Zoom wants the right to schedule given by that user;
// here everybody of the account has given it who is not refused by
// SetScheduling.
func (w *world) scheduledFor(u *user, req *MeetingRequest, meetingType int) (*user, error) {
	if req.ScheduleFor == "" {
		return u, nil
	}
	if meetingType == 1 {
		return nil, failure(http.StatusBadRequest, 3000,
			`Instant meetings do not support the "schedule_for" parameter. You cannot schedule an instant meeting for another user.`)
	}
	other := w.user(req.ScheduleFor)
	switch {
	case other == nil:
		return nil, failure(http.StatusBadRequest, 300,
			"The value that you entered for the schedule_for field is invalid. Enter a valid value and try again.")
	case other.acct != u.acct || other.noScheduling:
		return nil, cannotSchedule(req.ScheduleFor)
	case !other.mayHost():
		return nil, mayNotHost()
	}
	return other, nil
}

// handOver makes the meeting the other user's.
func (m *meeting) handOver(to *user) {
	m.host.meetings = slices.DeleteFunc(m.host.meetings, func(x *meeting) bool { return x == m })
	to.meetings = append(to.meetings, m)
	m.host = to
}
