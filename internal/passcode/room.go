package passcode

import (
	"fmt"
	"time"
)

// RoomCause says what a waiting room that is on goes back to.
type RoomCause string

// The causes, strongest first. RoomNone: it is not on, or not known to be.
const (
	RoomNone         RoomCause = ""
	RoomContradict   RoomCause = "contradicting_locks" // which of two locks holds, nobody can say
	RoomLockedOn     RoomCause = "locked_on"           // a level above the host locks it on
	RoomOurs         RoomCause = "latchkey"            // a change of latchkey's asked for it
	RoomSettingOn    RoomCause = "setting_on"          // the host's own setting
	RoomLockedOff    RoomCause = "from_before"         // it is locked off by now
	RoomAutoSecurity RoomCause = "auto_security"       // one option is required, and it is the only one
	RoomAsked        RoomCause = "request"             // whoever made or edited the meeting asked for it
	RoomUnexplained  RoomCause = "unexplained"         // the host's setting is not known
)

// AllRoomCauses is the closed set, for tests that hold other places to it.
func AllRoomCauses() []RoomCause {
	return []RoomCause{RoomNone, RoomContradict, RoomLockedOn, RoomOurs, RoomSettingOn, RoomLockedOff, RoomAutoSecurity, RoomAsked, RoomUnexplained}
}

// RoomRepair is a change of latchkey's that asked for the waiting room and that
// was read back as held.
type RoomRepair struct {
	Remedy Remedy
	At     time.Time // zero: there was none
}

// RoomWhy is why a waiting room is on: the cause and its particulars.
type RoomWhy struct {
	Cause RoomCause `json:"cause"`
	// Setting is the setting that the cause is about, where one is.
	Setting Reason `json:"-"`
	// Repair is the change of latchkey's, where the cause is that.
	Repair RoomRepair `json:"-"`
	// ByAPI: the meeting was made by API, so that whoever did may have asked.
	ByAPI bool `json:"-"`
	// HostToo: the host's setting is on as well.
	HostToo bool `json:"-"`
}

// WhyWaitingRoom says why a meeting's waiting room is on, from what is recorded:
// a lock beats every request (Z-RULE-2); then what latchkey asked for; then the
// host's setting, which a request that says nothing follows (Z-RULE-12); then the
// rule that one option must stay (Z-RULE-6); else it was asked for (Z-RULE-5).
// Pure, and nothing is guessed: with the setting unknown the answer is
// RoomUnexplained.
func WhyWaitingRoom(m Meeting, h Host, ours RoomRepair) RoomWhy {
	if m.WaitingRoom != On {
		return RoomWhy{}
	}
	room, auto := h.Settings[KeyWaitingRoom], h.Settings[KeyAutoSecurity]
	about := func(c RoomCause, k Key, s Setting) RoomWhy {
		return RoomWhy{Cause: c, Setting: settingReason("", k, s)}
	}
	switch {
	case room.lockedOn():
		return about(RoomLockedOn, KeyWaitingRoom, room)
	case !ours.At.IsZero():
		w := about(RoomOurs, KeyWaitingRoom, room)
		w.Repair, w.HostToo = ours, room.Value == On
		return w
	case room.Contradiction:
		return RoomWhy{Cause: RoomContradict, Setting: contradicting(KeyWaitingRoom, room)}
	case room.Value == On:
		return about(RoomSettingOn, KeyWaitingRoom, room)
	case room.LockedOff():
		// Z-RULE-4: no update leaves it on, so there was none since.
		return about(RoomLockedOff, KeyWaitingRoom, room)
	case room.Value == Unknown:
		return about(RoomUnexplained, KeyWaitingRoom, room)
	case auto.Value == On && m.Passcode == Off && m.Authentication == Off:
		return about(RoomAutoSecurity, KeyAutoSecurity, auto)
	}
	w := about(RoomAsked, KeyWaitingRoom, room)
	w.ByAPI = m.Source == SourceOpenAPI
	return w
}

// Sentence is the answer in plain English, after "the waiting room is on
// because"; "" where it is not on.
func (w RoomWhy) Sentence() string {
	portal := portalOf(KeyWaitingRoom.Path())
	switch w.Cause {
	case RoomContradict:
		return fmt.Sprintf("%s is on for the host, and the locks on it disagree (%s and %s)", portal, w.Setting.holder(), w.Setting.Detail)
	case RoomLockedOn:
		return fmt.Sprintf("%s is locked on by %s, whatever a request says", portal, w.Setting.holder())
	case RoomOurs:
		did := "when it removed the passcode"
		if w.Repair.Remedy == RemedySecure {
			did = "when it found the meeting open"
		}
		s := fmt.Sprintf("latchkey asked for it %s, %s", did, moment(w.Repair.At))
		if w.Repair.Remedy == RemedyClear {
			s += ", and it may have been on before" // a removal always asks, and what was is not recorded
		}
		if w.HostToo {
			s += fmt.Sprintf("; %s is on for the host, too", portal)
		}
		return s
	case RoomSettingOn:
		s := portal + " is on for the host, which holds for meetings whose maker asks for nothing else"
		if w.Setting.LockUnknown {
			s += "; whether an admin locked it is not known"
		}
		return s
	case RoomLockedOff:
		return fmt.Sprintf("it was on before %s was locked off by %s: the next change of the meeting removes it", portal, w.Setting.holder())
	case RoomAutoSecurity:
		return fmt.Sprintf("%s is on and the meeting has neither passcode nor sign-in: Zoom turns the waiting room on for such a meeting, if nobody asked for it", portalOf(KeyAutoSecurity.Path()))
	case RoomAsked:
		who := "whoever made or edited the meeting"
		if w.ByAPI {
			who = "whoever made the meeting by API, or edited it,"
		}
		return fmt.Sprintf("%s asked for it: %s is off for the host now", who, portal)
	case RoomUnexplained:
		return "of something that is not known: the host's settings were not read"
	}
	return ""
}
