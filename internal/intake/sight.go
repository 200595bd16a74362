package intake

import (
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// arrival is what is known at the moment an event is taken in.
type arrival struct {
	now            time.Time // the database's clock
	receivedAt     time.Time // ingest's clock
	operator       string
	hostChangedAt  time.Time                       // when the host's settings were last reported to have changed, by Zoom's clock
	forced         func(passcode.MeetingType) bool // no such meeting of the host's can be without a passcode; nil: not known
	embeds         passcode.Toggle                 // the host's links carry the passcode where there is one
	several        bool                            // accounts are guarded: one of them may name another's meetings
	repairUnderWay bool                            // a change of ours was sent and not yet read back
	knownPasscode  secret.String
}

// sighting is a meeting's row with an event merged into it.
type sighting struct {
	meeting  store.Meeting
	passcode *store.PasscodeSeen // as in store.IntakeTx.SaveMeeting
	// nothingNew: the event says nothing that is not known already.
	nothingNew bool
}

// freshFor is how old an event may be for its values to be believed without
// asking Zoom: older ones were delayed or retried, and things may have changed.
const freshFor = 2 * time.Minute

// merge puts one meeting event into what is known. It is pure.
//
// Only meeting.created carries enough to be believed by itself. An update is a
// thin diff (Z-EVENT-6): what it says of the meeting's times is taken, but
// before anything is decided the meeting is read, unless the diff names the
// passcode and that is known already, as after every PATCH of our own.
//
// Events come in any order. One that is not newer than all that is known, or may
// not be, says nothing by itself: the meeting is read. Only what ended a meeting
// is not questioned by an event that is older: both times are Zoom's. Otherwise
// clocks only ever decide that a read is needed, never that an event is dropped.
func merge(m store.Meeting, env zoom.Envelope, obj zoom.MeetingObject, came arrival) sighting {
	at := env.At
	if at.IsZero() {
		// It happened when it was received, which cannot be later than now.
		if at = came.receivedAt; at.IsZero() || at.After(came.now) {
			at = came.now
		}
	}
	out := sighting{meeting: m}
	if at.After(m.EventAt) {
		out.meeting.EventAt = at
	}
	// late: what is known is newer, as far as clocks can tell; unsure: it may be.
	late := !m.ObservedAt.IsZero() && at.Before(m.ObservedAt) || !m.EventAt.IsZero() && !at.After(m.EventAt)
	unsure := late || !m.ObservedAt.IsZero() && at.Before(m.ObservedAt.Add(skew))
	over := m.Status == passcode.StatusDeleted || m.Status == passcode.StatusEnded
	if over && !ends(env, m) {
		if at.Before(m.EventAt) && !m.NotFound && env.Event != zoom.EventMeetingBack {
			out.nothingNew = true // older than the event that ended it
			return out
		}
		// Any later event brings a meeting back, whatever said that it is gone.
		out.meeting.Status, out.meeting.MustRead = passcode.StatusScheduled, true
	}
	if !late {
		out.meeting.NotFound, out.meeting.Misses, out.meeting.MissingSince, out.meeting.SaidGone = false, 0, time.Time{}, false
	}
	describe(&out.meeting, obj, at, late)

	switch env.Event {
	case zoom.EventMeetingBack:
		out.meeting.Status = passcode.StatusScheduled
		out.meeting.MustRead = true

	case zoom.EventMeetingStarted:
		used(&out.meeting, at)
		if unsure {
			out.meeting.MustRead = true // it may be over again
			break
		}
		// Not read if it is known: a meeting in progress is left alone whatever it is
		// like. A meeting that no event mentioned is read (Z-EVENT-17: instant
		// meetings have been seen without meeting.created).
		out.meeting.Status = passcode.StatusStarted

	case zoom.EventMeetingEnded:
		used(&out.meeting, at)
		// A series, or a meeting ended early, may be joined again.
		if !over {
			out.meeting.MustRead = true
		}
		if out.meeting.Type == passcode.TypeInstant && !unsure {
			out.meeting.Status, out.meeting.MustRead = passcode.StatusEnded, false
		}

	case zoom.EventMeetingDeleted, zoom.EventMeetingGone:
		if env.Single {
			out.meeting.MustRead = true // one occurrence went; the others stay
			break
		}
		if (unsure || !env.All) && !over {
			// Half told, it may be about one date. It may have been seen alive after
			// that, too: deleted and recovered. Ask.
			out.meeting.MustRead, out.meeting.SaidGone = true, true
			break
		}
		out.meeting.Status = passcode.StatusDeleted
		if !late {
			out.meeting.ObservedAt = at
		}
		out.passcode = &store.PasscodeSeen{}

	case zoom.EventMeetingCreated:
		if out.meeting.Created.IsZero() {
			out.meeting.Created = at
		}
		if out.meeting.CreatedBy == "" {
			out.meeting.CreatedBy = came.operator
		}
		if late {
			// It was seen later than this; only what was missing was taken.
			out.nothingNew = m.HostID != "" && m.Type != 0 && !over
			break
		}
		if came.several {
			// Whose number it is, is Zoom's to say, to the account itself: until then no
			// passcode is known of it, and none is passed on.
			out.meeting.MustRead = true
			break
		}
		if obj.Whole || obj.Password != nil && *obj.Password != "" {
			seePasscode(&out, obj.Password, at, came.operator)
		}
		out.meeting.LinkHasPasscode, out.meeting.PhonePasscode = passcode.Unknown, passcode.Unknown
		if obj.JoinURL != nil {
			out.meeting.LinkHasPasscode = passcode.ToggleOf(zoom.LinkHasPasscode(*obj.JoinURL))
		}
		out.meeting.MustRead = came.now.Sub(at) > freshFor || // delayed
			!at.After(came.hostChangedAt) || // settings changed since
			over || // it was gone, and is back
			out.meeting.PMI != 0 || out.meeting.UsesPMI || // what was heard under the other number is not known here (Z-MEET-4)
			!obj.Whole || out.meeting.Type == 0 || // a hint, and no more
			out.meeting.Passcode == passcode.Off && came.embeds != passcode.On || // a link without one proves nothing (Z-SET-5)
			out.meeting.Passcode == passcode.Off && came.forced != nil && came.forced(out.meeting.Type) || // which cannot be
			out.meeting.Type == passcode.TypeInstant // may be running already
		if out.meeting.Passcode == passcode.Off && !out.meeting.MustRead {
			out.meeting.SeenWithout, out.meeting.SetBy, out.meeting.SetAt = at, "", time.Time{}
		}

	case zoom.EventMeetingToWebinar, zoom.EventWebinarToMeeting:
		// The number stays and its kind changes (Z-EVENT-15). What it is like now, the
		// event does not say.
		out.meeting.MustRead = true

	case zoom.EventMeetingUpdated:
		if came.putOn(m, env, obj, at) {
			out.meeting.SetBy, out.meeting.SetAt, out.meeting.MustRead = came.operator, at, true
			break
		}
		if obj.Password != nil && *obj.Password == "" && at.After(m.SetAt) {
			out.meeting.SetBy, out.meeting.SetAt = "", time.Time{} // whoever puts one on next
		}
		// A duration alone moves the end, and of a series nobody can say where to.
		described := !sameDescription(m, out.meeting) || obj.Duration != nil && obj.StartTime == nil
		if obj.Password != nil && !described && !m.MustRead && m.Passcode == has(*obj.Password) && *obj.Password == came.knownPasscode &&
			agrees(obj.Settings.WaitingRoom, m.WaitingRoom) && agrees(obj.Settings.MeetingAuthentication, m.Authentication) {
			out.nothingNew = true // what it says is known
			break
		}
		if obj.Password != nil && !described && has(*obj.Password) == passcode.Off && came.repairUnderWay &&
			(obj.Settings.WaitingRoom == nil || *obj.Settings.WaitingRoom) {
			// The echo of a PATCH of our own (Z-EVENT-8). Its worker reads the meeting
			// back after it, and if that worker died the repair is unfinished and the
			// next check does.
			out.nothingNew = true
			break
		}
		out.meeting.MustRead = true
	}
	return out
}

// putOn says whether the event, which names a passcode, is the first that did after
// the meeting was seen without one: its operator put it on.
func (came arrival) putOn(m store.Meeting, env zoom.Envelope, obj zoom.MeetingObject, at time.Time) bool {
	without := m.SeenWithout.Add(-skew)
	if m.Stripped && m.Passcode == passcode.Off {
		without = m.ObservedAt
	}
	switch {
	case obj.Password == nil, *obj.Password == "", came.operator == "", came.repairUnderWay, m.SeenWithout.IsZero() && !m.Stripped, !at.After(without):
		return false
	case m.SetBy != "" && m.SetAt.After(without) && !at.Before(m.SetAt):
		return false // somebody was named before
	case env.HadPasscode():
		return false // it became another one
	case m.Passcode == passcode.Off:
		return true
	}
	// Read since. A later event, or one with another passcode, is about a change.
	return !at.After(m.ObservedAt) || *obj.Password == came.knownPasscode && at.Before(m.ObservedAt.Add(skew))
}

// used notes that the meeting took place, so that its number is valid for longer
// (Z-MEET-6).
func used(m *store.Meeting, at time.Time) {
	if at.After(m.LastUsed) {
		m.LastUsed = at
	}
}

// ends reports whether the event says what a meeting that is over is already:
// that the whole of it went, or that it ended.
func ends(env zoom.Envelope, m store.Meeting) bool {
	switch env.Event {
	case zoom.EventMeetingDeleted, zoom.EventMeetingGone:
		return !env.Single
	case zoom.EventMeetingEnded:
		return m.Status == passcode.StatusEnded
	}
	return false
}

// sameDescription reports whether an event changed nothing of what describe takes.
func sameDescription(a, b store.Meeting) bool {
	return a.HostID == b.HostID && a.UUID == b.UUID && a.Topic == b.Topic && a.Type == b.Type && a.UsesPMI == b.UsesPMI &&
		a.Status == b.Status && a.Starts.Equal(b.Starts) && a.Ends.Equal(b.Ends)
}

func agrees(said *bool, known passcode.Toggle) bool {
	return said == nil || passcode.ToggleOf(*said) == known
}

func has(p secret.String) passcode.Toggle { return passcode.ToggleOf(p != "") }

// seePasscode takes the passcode of a whole payload; absent means none
// (Z-EVENT-1).
func seePasscode(out *sighting, p *secret.String, at time.Time, operator string) {
	var value secret.String
	if p != nil {
		value = *p
	}
	out.passcode = &store.PasscodeSeen{Value: value, Operator: operator}
	m := &out.meeting
	m.Passcode = has(value)
	m.PasscodeReadable, m.Unrestorable = value != "", value != "" && !passcode.Settable(value.Reveal())
	if value != "" {
		m.Stripped = false
	}
	m.WaitingRoom, m.Authentication = passcode.Unknown, passcode.Unknown
	m.ObservedAt = at
}

// describe takes everything an event says about the meeting except its security
// options. A late event only fills what is not known.
func describe(m *store.Meeting, obj zoom.MeetingObject, at time.Time, late bool) {
	text := func(to *string, from *string) {
		if from != nil && (!late || *to == "") {
			*to = zoom.Clean(*from)
		}
	}
	text(&m.HostID, obj.HostID)
	text(&m.UUID, obj.UUID)
	text(&m.Topic, obj.Topic)
	text(&m.Source, obj.Source)
	if obj.Type != nil && (!late || m.Type == 0) {
		m.Type = zoom.MeetingType(obj.Type.Int())
	}
	if obj.Settings.UsePMI != nil && !late {
		m.UsesPMI = *obj.Settings.UsePMI
	}
	if obj.PMI != nil && (!late || m.PMI == 0) && int64(*obj.PMI) != m.ID {
		m.PMI = int64(*obj.PMI)
	}
	duration := 0
	if obj.Duration != nil {
		duration = obj.Duration.Int()
	} else if !m.Starts.IsZero() && !m.Ends.IsZero() {
		duration = int(m.Ends.Sub(m.Starts) / time.Minute)
	}
	switch {
	case late && !m.Starts.IsZero():
	case obj.StartTime != nil:
		m.Starts = obj.StartTime.Time
		m.Ends = zoom.Ends(*obj.StartTime, duration, obj.Occurrences)
	case len(obj.Occurrences) > 0:
		m.Ends = zoom.Ends(zoom.Time{Time: m.Starts}, 0, obj.Occurrences)
		if m.Starts.IsZero() {
			m.Starts = obj.Occurrences[0].StartTime.Time
		}
	case m.Type == passcode.TypeInstant && m.Ends.IsZero():
		// It starts now and has no planned end; Zoom ends meetings after 30 hours
		// at most, and nobody looks at it after that.
		m.Ends = at.Add(30 * time.Hour)
	}
}
