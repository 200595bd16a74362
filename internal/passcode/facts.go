package passcode

import "time"

// The setting paths the rule reads, as Zoom's API names them
// (GET /users/{userId}/settings, FACTS section 3).
const (
	PathPasscode       = "meeting_security.meeting_password"
	PathScheduled      = "meeting_security.require_password_for_scheduled_meeting"
	PathPMI            = "meeting_security.pmi_password"
	PathWaitingRoom    = "meeting_security.waiting_room"
	PathAutoSecurity   = "meeting_security.auto_security"
	PathAuthentication = "meeting_authentication"
	PathPhone          = "meeting_security.phone_password"
	PathEmbed          = "meeting_security.embed_password_in_join_link"
	PathRequirement    = "meeting_security.meeting_password_requirement"
	PathWebClient      = "meeting_security.only_authenticated_can_join_from_webclient"
)

// Facts is everything one decision rests on. It holds no passcode, only
// whether there is one: a Facts value may be logged.
type Facts struct {
	Meeting Meeting `json:"meeting"`
	Host    Host    `json:"host"`
	History History `json:"history,omitzero"`
}

// Meeting is what was last seen of one meeting.
type Meeting struct {
	Type   MeetingType `json:"type"`
	Status Status      `json:"status"`
	// UsesPMI is true when the meeting runs under the host's personal meeting
	// id, whose passcode belongs to the host's settings (FACTS section 5).
	UsesPMI bool `json:"uses_pmi,omitzero"`
	// Ends is the moment after which the meeting is over; zero when it has no
	// fixed end (recurring without fixed time, or not known).
	Ends time.Time `json:"ends,omitzero"`
	// Passcode is On when a joiner who types the meeting number is asked.
	Passcode Toggle `json:"passcode"`
	// PasscodeReadable says that the passcode's value is known to latchkey.
	PasscodeReadable bool   `json:"passcode_readable,omitzero"`
	WaitingRoom      Toggle `json:"waiting_room,omitzero"`
	Authentication   Toggle `json:"authentication,omitzero"`
	// LinkHasPasscode is On when the invitation link carries it (pwd=).
	LinkHasPasscode Toggle `json:"link_has_passcode,omitzero"`
	// PhonePasscode is On when joiners by phone must type a numeric one.
	PhonePasscode Toggle `json:"phone_passcode,omitzero"`
	// Ours says whether the passcode is the one that policy known-passcode would
	// set; Unknown under other policies.
	Ours Toggle `json:"ours,omitzero"`
	// OursProblem is why that passcode cannot be used: which requirement of the
	// host's it cannot meet. It holds no passcode.
	OursProblem string `json:"ours_problem,omitzero"`
}

// MeetingType is Zoom's number for the kind of meeting (FACTS section 2).
type MeetingType int

// Zoom's meeting types; the webinar types are recognised to be left alone.
const (
	TypeInstant          MeetingType = 1
	TypeScheduled        MeetingType = 2
	TypeRecurringNoTime  MeetingType = 3
	TypePMI              MeetingType = 4
	TypeWebinar          MeetingType = 5
	TypeRecurringWebinar MeetingType = 6
	TypePAC              MeetingType = 7
	TypeRecurring        MeetingType = 8
	TypeWebinarFixed     MeetingType = 9
	TypeScreenShare      MeetingType = 10
)

// IsWebinar reports whether the type is one of Zoom's webinar types.
func (t MeetingType) IsWebinar() bool {
	return t == TypeWebinar || t == TypeRecurringWebinar || t == TypeWebinarFixed
}

// Status is where a meeting is in its life.
type Status string

// The states of a meeting; docs/states.md draws them, the database checks them.
const (
	StatusScheduled Status = "scheduled"
	StatusStarted   Status = "started"
	StatusEnded     Status = "ended"
	StatusDeleted   Status = "deleted"
)

// Statuses is the closed set, for tests that hold other places to it.
func Statuses() []Status {
	return []Status{StatusScheduled, StatusStarted, StatusEnded, StatusDeleted}
}

// Host is the effective settings of the meeting's host. The JSON names are
// Zoom's.
type Host struct {
	Plan           Plan    `json:"plan"`
	Passcode       Setting `json:"meeting_password"`                                // new instant and scheduled meetings
	Scheduled      Setting `json:"require_password_for_scheduled_meeting,omitzero"` // also meetings already scheduled
	PMI            Setting `json:"pmi_password,omitzero"`
	WaitingRoom    Setting `json:"waiting_room"`
	Authentication Setting `json:"meeting_authentication,omitzero"`
	AutoSecurity   Setting `json:"auto_security,omitzero"`
	// These decide what is typed where, not whether there is a passcode.
	Phone     Setting `json:"phone_password,omitzero"`
	Embed     Setting `json:"embed_password_in_join_link,omitzero"`
	WebClient Setting `json:"only_authenticated_can_join_from_webclient,omitzero"`

	Requirement Requirement `json:"meeting_password_requirement,omitzero"`
}

// Setting is one effective setting of a host.
type Setting struct {
	// Value is what holds for the host, after every level above was applied.
	Value Toggle `json:"value"`
	// Lock is On when a level above the host fixes Value.
	Lock Toggle `json:"lock"`
	// LockLevel and LockedBy (a group or account id) say who, when Lock is On.
	LockLevel Level  `json:"level,omitzero"`
	LockedBy  string `json:"by,omitzero"`
	// Contradiction is true when the locks that were read disagree with each
	// other or with Value, so that nobody can say which holds (FACTS section 3 [U]).
	Contradiction bool `json:"contradiction,omitzero"`
	// Seen is when Value was read; zero when never.
	Seen time.Time `json:"seen,omitzero"`
}

// lockedOn and lockedOff are only true when the lock is known and undisputed.
func (s Setting) lockedOn() bool  { return s.Lock == On && s.Value == On && !s.Contradiction }
func (s Setting) lockedOff() bool { return s.Lock == On && s.Value == Off && !s.Contradiction }

// History is what latchkey itself remembers of the meeting.
type History struct {
	// Overwritten: Zoom accepted a change under these very facts and on reading
	// back there was a passcode of Zoom's again (FACTS section 4).
	Overwritten bool `json:"overwritten,omitzero"`
	// Refused: Zoom refused the change under these very facts.
	Refused bool `json:"refused,omitzero"`
	// Undone counts how often, within the last day, a passcode came back on a
	// meeting after a repair had been read back as held.
	Undone int `json:"undone,omitzero"`
	// HeldUntil is when the host's 100 create/update requests of the UTC day are
	// available again (FACTS section 6); zero when not exhausted.
	HeldUntil time.Time `json:"held_until,omitzero"`
}

// ContestedAfter is how many times somebody may undo a repair within a day
// before latchkey stops (DESIGN section 4, rule 5).
const ContestedAfter = 3

// Fingerprint is equal for two hosts' settings that Evaluate cannot tell
// apart: it leaves out when they were seen. Zoom overwriting a clear is
// remembered together with it, so that the clear is tried again exactly when
// a fact that could decide has changed.
func (h Host) Fingerprint() string {
	b := make([]byte, 0, 128)
	b = append(b, h.Plan...)
	for _, s := range [...]Setting{h.Passcode, h.Scheduled, h.PMI, h.WaitingRoom, h.Authentication, h.AutoSecurity} {
		b = append(b, '|', '0'+byte(s.Value), '0'+byte(s.Lock))
		if s.Contradiction {
			b = append(b, '!')
		}
		b = append(b, s.LockLevel...)
		b = append(b, ':')
		b = append(b, s.LockedBy...)
	}
	return string(b)
}
