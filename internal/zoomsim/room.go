package zoomsim

import (
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"time"
)

// Every user has a room of their own, of type 4, whose number is the PMI. A
// meeting with use_pmi has a number of its own, and runs in that room: its link,
// its meeting.started and what joiners type are the room's (Z-MEET-4).

// openRoom gives a user the room, with the options that their settings give
// to a meeting.
func (w *world) openRoom(u *user) error {
	r := u.acct.resolve(u)
	// Not drawn from the source: that would change every id of a seed.
	uuid := sha256.Sum256([]byte("zoomsim/room/" + u.ID))
	u.room = &meeting{
		ID: u.PMI, UUID: base64.StdEncoding.EncodeToString(uuid[:16]), host: u, isRoom: true,
		Topic: u.First + " " + u.Last + "'s Personal Meeting Room", Type: 4, Duration: 60, Timezone: u.Timezone,
		Created: u.created, Source: "other", JoinBefore: r.on.has(keyJoinBeforeHost), Status: statusWaiting,
	}
	return w.secure(Create, u.room, &r, &MeetingRequest{})
}

// numbered finds what a number stands for in the API: a meeting, or a room.
func (w *world) numbered(number int64) *meeting {
	if m := w.meetings[number]; m != nil {
		return m
	}
	if u := w.rooms[number]; u != nil {
		return u.room
	}
	return nil
}

// typed finds where a joiner gets who types a number. By a PMI that is the
// meeting that runs in the room, else the next one that is planned there, else
// the room itself.
func (w *world) typed(number int64, now time.Time) *meeting {
	found := w.numbered(number)
	if found == nil || !found.isRoom {
		return found
	}
	next := found
	for _, m := range w.meetingsOf(found.host) {
		switch {
		case !m.pmi() || m.Webinar || m.over(now):
		case m.Status == statusStarted:
			return m
		case next == found || m.Start.Before(next.Start):
			next = m
		}
	}
	if found.Status == statusStarted {
		return found // opened by hand
	}
	return next
}

// number is the one that joiners type.
func (m *meeting) number() int64 {
	if m.pmi() {
		return m.host.PMI
	}
	return m.ID
}

// session is what runs when the meeting does: itself or the host's room.
func (m *meeting) session() *meeting {
	if m.pmi() {
		return m.host.room
	}
	return m
}

// begin starts the meeting; false if it, or another one in its room, runs.
func (m *meeting) begin() bool {
	session := m.session()
	if session.Status == statusStarted {
		return false
	}
	m.Status, session.Status = statusStarted, statusStarted
	return true
}

// end ends the meeting, and with a room what runs in it; false if nothing ran.
// A room is never over.
func (m *meeting) end() bool {
	session := m.session()
	ran := session.Status == statusStarted
	m.Status, session.Status = statusEnded, statusEnded
	if session.isRoom {
		session.Status = statusWaiting
		for _, other := range session.host.meetings {
			if other.pmi() && other.Status == statusStarted {
				other.Status = statusEnded
			}
		}
	}
	return ran
}

// showPMI adds the PMI to a meeting's members, where it runs on one.
func (m *meeting) showPMI(o obj) {
	if m.pmi() {
		o["pmi"] = strconv.FormatInt(m.host.PMI, 10)
	}
}
