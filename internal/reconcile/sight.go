package reconcile

import (
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// sighted is what is known of how an event came.
type sighted struct {
	receivedAt    time.Time
	hostChangedAt time.Time // when the host's settings were last told to have changed
	clearUnderWay bool      // a clear of ours was sent and not yet read back
	knownPasscode string    // the one that is stored; "" none
}

// sighting is a meeting's row with an event merged into it.
type sighting struct {
	meeting  store.Meeting
	passcode *string // as in store.IntakeTx.SaveMeeting
	// nothingNew: the event says nothing that is not known already.
	nothingNew bool
}

// freshFor is how old an event may be for its values to be believed without
// asking Zoom: older ones were delayed or retried, and things may have changed.
const freshFor = 2 * time.Minute

// skew is how far Zoom's clock and ours may be apart.
const skew = 10 * time.Second

// sight merges one meeting event into what is known. It is pure.
//
// Only meeting.created carries enough to be believed by itself. An update is a
// thin diff (FACTS section 2): what it says of the meeting's times is taken, but
// before anything is decided the meeting is read, unless the diff names the
// passcode and that is known already, as after every PATCH of our own.
func sight(m store.Meeting, env zoom.Envelope, obj zoom.MeetingObject, s sighted) sighting {
	at := env.At
	if at.IsZero() {
		at = s.receivedAt
	}
	late := !m.ObservedAt.IsZero() && at.Before(m.ObservedAt)
	out := sighting{meeting: m}
	describe(&out.meeting, obj, at, late)

	switch env.Event {
	case zoom.EventMeetingBack:
		out.meeting.Status = passcode.StatusScheduled
		out.meeting.MustRead = true

	case zoom.EventMeetingStarted:
		if late && at.Before(m.ObservedAt.Add(-skew)) {
			out.meeting.MustRead = true // seen since; it may be over again
			break
		}
		// Not read if it is known: a running meeting is left alone whatever it is
		// like. A meeting never heard of is read (FACTS section 2: instant meetings
		// have been seen without meeting.created).
		out.meeting.Status = passcode.StatusStarted

	case zoom.EventMeetingEnded:
		// A series, or a meeting ended early, may be joined again.
		out.meeting.MustRead = true
		if passcode.MeetingType(out.meeting.Type) == passcode.TypeInstant {
			out.meeting.Status, out.meeting.MustRead = passcode.StatusEnded, false
		}

	case zoom.EventMeetingDeleted, zoom.EventMeetingGone:
		if env.Single {
			out.meeting.MustRead = true // one occurrence went; the others stay
			break
		}
		if late && at.Before(m.ObservedAt.Add(-skew)) {
			// It was seen alive after that: deleted and recovered. Ask.
			out.meeting.MustRead = true
			break
		}
		out.meeting.Status = passcode.StatusDeleted
		out.meeting.ObservedAt = at
		none := ""
		out.passcode = &none

	case zoom.EventMeetingCreated:
		if late {
			// It was seen later than this; only what was missing was taken.
			out.nothingNew = m.HostID != "" && m.Type != 0
			break
		}
		seePasscode(&out, obj.Password, at)
		out.meeting.LinkHasPasscode, out.meeting.PhonePasscode = passcode.Unknown, passcode.Unknown
		if obj.JoinURL != nil {
			out.meeting.LinkHasPasscode = passcode.ToggleOf(zoom.LinkHasPasscode(*obj.JoinURL))
		}
		out.meeting.MustRead = s.receivedAt.Sub(at) > freshFor || // delayed
			!at.After(s.hostChangedAt) || // settings changed since
			obj.Type == nil || out.meeting.Type == 0 || // not the payload that Zoom documents
			passcode.MeetingType(obj.Type.Int()) == passcode.TypeInstant // may be running already

	case zoom.EventMeetingUpdated:
		if at.Before(m.ObservedAt.Add(-skew)) {
			out.nothingNew = true
			break
		}
		// A duration alone moves the end, and of a series nobody can say where to.
		described := !sameDescription(m, out.meeting) || obj.Duration != nil && obj.StartTime == nil
		if obj.Password != nil && !described && !m.MustRead && m.Passcode == has(*obj.Password) && obj.Password.Reveal() == s.knownPasscode &&
			agrees(obj.Settings.WaitingRoom, m.WaitingRoom) && agrees(obj.Settings.MeetingAuthentication, m.Authentication) {
			out.nothingNew = true // what it says is known
			break
		}
		if obj.Password != nil && !described && has(*obj.Password) == passcode.Off && s.clearUnderWay {
			// The echo of a PATCH of our own (FACTS section 2, loop risk). Its worker
			// reads the meeting back after it, and if that worker died the repair is
			// unfinished and the next check does.
			out.nothingNew = true
			break
		}
		out.meeting.MustRead = true
	}
	return out
}

// sameDescription reports whether an event changed nothing of what describe takes.
func sameDescription(a, b store.Meeting) bool {
	return a.HostID == b.HostID && a.UUID == b.UUID && a.Topic == b.Topic && a.Type == b.Type && a.UsesPMI == b.UsesPMI &&
		a.Start.Equal(b.Start) && a.Ends.Equal(b.Ends)
}

func agrees(said *bool, known passcode.Toggle) bool {
	return said == nil || passcode.ToggleOf(*said) == known
}

func has(p zoom.Secret) passcode.Toggle { return passcode.ToggleOf(p.Reveal() != "") }

// seePasscode takes the passcode of a whole payload; absent means none (FACTS
// section 2 [T]).
func seePasscode(out *sighting, p *zoom.Secret, at time.Time) {
	value := ""
	if p != nil {
		value = p.Reveal()
	}
	out.passcode = &value
	out.meeting.Passcode = passcode.ToggleOf(value != "")
	out.meeting.PasscodeReadable = value != ""
	out.meeting.WaitingRoom, out.meeting.Authentication = passcode.Unknown, passcode.Unknown
	out.meeting.ObservedAt = at
}

// describe takes what an event says of the meeting beside its security. A late
// event only fills what is not known.
func describe(m *store.Meeting, obj zoom.MeetingObject, at time.Time, late bool) {
	text := func(to *string, from *string) {
		if from != nil && (!late || *to == "") {
			*to = clean(*from)
		}
	}
	text(&m.HostID, obj.HostID)
	text(&m.UUID, obj.UUID)
	text(&m.Topic, obj.Topic)
	if obj.Type != nil && (!late || m.Type == 0) {
		m.Type = meetingType(obj.Type.Int())
	}
	if obj.Settings.UsePMI != nil && !late {
		m.UsesPMI = *obj.Settings.UsePMI
	}
	duration := 0
	if obj.Duration != nil {
		duration = obj.Duration.Int()
	} else if !m.Start.IsZero() && !m.Ends.IsZero() {
		duration = int(m.Ends.Sub(m.Start) / time.Minute)
	}
	switch {
	case late && !m.Start.IsZero():
	case obj.StartTime != nil:
		m.Start = obj.StartTime.Time
		m.Ends = zoom.Ends(*obj.StartTime, duration, obj.Occurrences)
	case len(obj.Occurrences) > 0:
		m.Ends = zoom.Ends(zoom.Time{Time: m.Start}, 0, obj.Occurrences)
		if m.Start.IsZero() {
			m.Start = obj.Occurrences[0].StartTime.Time
		}
	case passcode.MeetingType(m.Type) == passcode.TypeInstant && m.Ends.IsZero():
		// It starts now and has no planned end; Zoom ends meetings after 30 hours
		// at most [D support.zoom.com], and nobody looks at it after that.
		m.Ends = at.Add(30 * time.Hour)
	}
}

// meetingType makes a number of Zoom's fit for a Postgres int column; what is
// no type at all becomes 0, not known.
func meetingType(n int) int {
	if n < 0 || n > 1000 {
		return 0
	}
	return n
}

// clean makes a text of Zoom's fit for a Postgres text column: UTF-8, no NUL, no
// longer than anything Zoom documents.
func clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300])
	}
	return s
}
