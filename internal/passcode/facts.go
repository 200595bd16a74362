package passcode

import (
	"encoding/json"
	"fmt"
	"time"
)

// Facts is everything one decision rests on. It holds no passcode, only
// whether there is one: a Facts value may be logged.
type Facts struct {
	Meeting Meeting `json:"meeting"`
	Host    Host    `json:"host"`
	History History `json:"history,omitzero"`
}

// Meeting is what was last seen of one meeting. The db names are columns of
// table meetings, whose rows embed it.
type Meeting struct {
	Type   MeetingType `json:"type" db:"type"`
	Status Status      `json:"status" db:"status"`
	// NotFound is true when Zoom said that it does not know the meeting, which by
	// itself proves nothing (Z-ERR-14): it is believed once Status is deleted.
	NotFound bool `json:"not_found,omitzero" db:"not_found"`
	// UsesPMI is true when the meeting runs under the host's personal meeting
	// id, whose passcode belongs to the host's settings (Z-MEET-10, Z-MEET-11).
	UsesPMI bool `json:"uses_pmi,omitzero" db:"uses_pmi"`
	// Starts is when the meeting, or its first date, is planned to start; zero
	// when it has no fixed time.
	Starts time.Time `json:"starts,omitzero" db:"start_time"`
	// Ends is the planned end, of the last date; zero when it has no fixed end
	// (recurring without fixed time, or not known). Its number lets people in
	// beyond that: see Expires.
	Ends time.Time `json:"ends,omitzero" db:"ends_at"`
	// Created is when the meeting was made; zero when that is not known.
	Created time.Time `json:"created,omitzero" db:"created_at"`
	// LastUsed is when it was last reported to have started or ended; zero when
	// not so far.
	LastUsed time.Time `json:"last_used,omitzero" db:"last_used_at"`
	// Passcode is On when a joiner who types the meeting number is asked.
	Passcode Toggle `json:"passcode" db:"passcode"`
	// PasscodeReadable says that the passcode's value is known to latchkey.
	PasscodeReadable bool `json:"passcode_readable,omitzero" db:"passcode_readable"`
	// Unrestorable says that the passcode's value is known and could not be put
	// back, since an update does not take its characters (Z-CODE-2).
	Unrestorable   bool   `json:"unrestorable,omitzero" db:"unrestorable"`
	WaitingRoom    Toggle `json:"waiting_room,omitzero" db:"waiting_room"`
	Authentication Toggle `json:"authentication,omitzero" db:"authentication"`
	// Waits says whom the waiting room holds, where the meeting was read.
	Waits Waits `json:"waits,omitzero" db:"waits"`
	// Dates says of a series whether the waiting room is on for each of its dates:
	// one may differ (Z-MEET-7). Unknown until they were looked at; DateOpen is the
	// first for which it is off.
	Dates    Toggle `json:"dates,omitzero" db:"-"`
	DateOpen string `json:"date_open,omitzero" db:"-"`
	// LinkHasPasscode is On when the invitation link carries it (pwd=).
	LinkHasPasscode Toggle `json:"link_has_passcode,omitzero" db:"link_has_passcode"`
	// PhonePasscode is On when joiners by phone must type a numeric one.
	PhonePasscode Toggle `json:"phone_passcode,omitzero" db:"phone_passcode"`
	// SeenWithout is when it was last seen without a passcode, before the one that it
	// has, or had until latchkey removed it; zero when it never was. SetBy is who then
	// put that one on, "" when no event named them.
	SeenWithout time.Time `json:"seen_without,omitzero" db:"seen_without_at"`
	SetBy       string    `json:"set_by,omitzero" db:"set_by"`
	// Source is creation_source: through what the meeting was made (Z-EVENT-3); ""
	// where Zoom did not say.
	Source string `json:"creation_source,omitzero" db:"creation_source"`
	// Generated says whether the passcode is of the kind that Zoom makes up
	// (Z-CODE-13); Unknown where that cannot be told.
	Generated Toggle `json:"generated,omitzero" db:"-"`
	// Probe: latchkey made it itself, to find out what Zoom does; it is left alone.
	Probe bool `json:"-" db:"-"`
	// Ours says whether the passcode is the one that policy known-passcode would
	// set; Unknown under other policies.
	Ours Toggle `json:"ours,omitzero" db:"-"`
	// OursProblem is why that passcode cannot be used: which requirement of the
	// host's it cannot meet. It holds no passcode.
	OursProblem string `json:"ours_problem,omitzero" db:"-"`
}

// SourceOpenAPI is the creation_source of a meeting made by API, by whatever app.
const SourceOpenAPI = "open_api"

// How long a meeting's number lets people in after its planned end or last use
// (Z-MEET-6).
const (
	validOnce      = 30 * 24 * time.Hour
	validRecurring = 365 * 24 * time.Hour
)

// Expires is when the meeting's number stops letting people in; zero when that
// is not known. An instant meeting's ends with it.
func (m Meeting) Expires() time.Time {
	if m.Ends.IsZero() {
		return time.Time{}
	}
	last := m.Ends
	if m.LastUsed.After(last) {
		last = m.LastUsed
	}
	switch {
	case m.Type == TypeInstant, m.Type.IsWebinar():
		return last
	case m.Type == TypeRecurring, m.Type == TypeRecurringNoTime, m.isPMI():
		return last.Add(validRecurring)
	}
	return last.Add(validOnce)
}

// MeetingType is Zoom's number for the kind of meeting (Z-MEET-1).
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

// Host is the effective settings of the meeting's host. In JSON each setting
// stands next to the plan, by Zoom's name.
type Host struct {
	Plan Plan
	Settings
	Requirement Requirement
	// Waits says whom the waiting rooms of the host's meetings hold, where a meeting
	// does not say otherwise.
	Waits Waits
	// Documents is which of Zoom's documents the account was seen to follow.
	Documents Documents
	// EmptyPasscode is what was seen to come of a create with an empty passcode where
	// the setting is on and not locked: On, Zoom made one up all the same (Z-RULE-21).
	EmptyPasscode Toggle
}

// MarshalJSON writes the plan, the documents, the requirement and every setting that is known.
func (h Host) MarshalJSON() ([]byte, error) {
	out := map[string]any{"plan": h.Plan}
	if h.Waits != WaitsUnknown {
		out["waits"] = h.Waits
	}
	if h.Documents != DocumentsOpen {
		out["documents"] = h.Documents
	}
	if h.EmptyPasscode != Unknown {
		out["empty_passcode"] = h.EmptyPasscode
	}
	if h.Requirement != (Requirement{}) {
		out["meeting_password_requirement"] = h.Requirement
	}
	for _, s := range settingTable {
		if h.Settings[s.Key] != (Setting{}) {
			out[s.Name] = h.Settings[s.Key]
		}
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads MarshalJSON's form. A key that is none of the table's is
// an error: `latchkey decide` must not pass over a misspelt setting.
func (h *Host) UnmarshalJSON(raw []byte) error {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*h = Host{}
	for name, value := range in {
		var err error
		switch name {
		case "plan":
			err = json.Unmarshal(value, &h.Plan)
		case "waits":
			err = json.Unmarshal(value, &h.Waits)
		case "documents":
			err = json.Unmarshal(value, &h.Documents)
		case "empty_passcode":
			err = json.Unmarshal(value, &h.EmptyPasscode)
		case "meeting_password_requirement":
			err = strict(value, &h.Requirement)
		default:
			var to *Setting
			for _, s := range settingTable {
				if s.Name == name {
					to = &h.Settings[s.Key]
				}
			}
			if to == nil {
				return fmt.Errorf("unknown field %q", name)
			}
			err = strict(value, to)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// History is what latchkey itself remembers of the meeting.
type History struct {
	// Stripped: latchkey removed this meeting's passcode, so that an open meeting
	// is its own to put right (ARCHITECTURE.md, rule 1).
	Stripped bool `json:"stripped,omitzero"`
	// CanRestore: the passcode that was removed is remembered.
	CanRestore bool `json:"can_restore,omitzero"`
	// Overwritten: Zoom accepted a change under these very facts and on reading
	// back it was not what was asked (Z-RULE-17).
	Overwritten bool `json:"overwritten,omitzero"`
	// Refused: Zoom refused the change under these very facts.
	Refused bool `json:"refused,omitzero"`
	// Attempts are changes that failed, with what each rested on; see Attempt.
	Attempts []Attempt `json:"-"`
	// Undone counts how often, within the last day, a repair that had been read
	// back as held was undone; UndoneWeek and UndoneMonth the same of seven and thirty days.
	Undone      int `json:"undone,omitzero"`
	UndoneWeek  int `json:"-"`
	UndoneMonth int `json:"-"`
	// UndoneBy is who undid the last one, as far as an event named them.
	UndoneBy string `json:"undone_by,omitzero"`
	// HeldUntil is when the host's 100 create/update requests of the UTC day are
	// available again (Z-LIMIT-5); zero when not exhausted.
	HeldUntil time.Time `json:"held_until,omitzero"`
	// Reserved is how many of them are there still, and left to the host for creating
	// meetings; 0 where they are used up.
	Reserved int `json:"reserved,omitzero"`
	// Earlier is the cause that the verdict before this one named.
	Earlier Reason `json:"-"`
	// Changes are recorded changes of settings above the meeting that turned a
	// deciding one on or locked it on, newest first.
	Changes []PastChange `json:"-"`
}

// ContestedAfter is how many times somebody may undo a repair within a day
// before latchkey stops (ARCHITECTURE.md, rule 8).
const ContestedAfter = 3
