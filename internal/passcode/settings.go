package passcode

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Key names one of the settings that the rule knows. Settings is the table of
// all of them: whatever handles settings walks that table, so that a new one is
// a row there and its branch in the rule.
type Key uint8

// The settings, in the order in which they are shown.
const (
	KeyPasscode Key = iota
	KeyInstant
	KeyScheduled
	KeyPMI
	KeyWaitingRoom
	KeyAuthentication
	KeyAutoSecurity
	KeyPhone
	KeyEmbed
	KeyWebClient
	KeyPMIJoin

	numKeys
)

// SettingInfo is one row of the table of settings.
type SettingInfo struct {
	Key  Key
	Name string // Zoom's name for it, also the key in JSON
	// Path is section and name in Zoom's answers; Older are earlier names that
	// answers and events still carry. Where both are there Path wins (Z-SET-8).
	Path  string
	Older []string
	// Portal is what Zoom's web portal calls it: admins search for these words
	// (Z-SET-11 and following).
	Portal string
	// Word is what people type for it, as in `what-if --set passcode=on`; "" for
	// a setting that does not decide whether there is a passcode.
	Word string
	// Lockable says that Zoom's lock answers name it.
	Lockable bool
}

// settingTable holds a row for each Key, at the Key's own place.
var settingTable = [numKeys]SettingInfo{
	{KeyPasscode, "meeting_password", "meeting_security.meeting_password",
		[]string{"schedule_meeting.require_password_for_scheduling_new_meetings"},
		"Require a passcode when scheduling new meetings", "passcode", true},
	// meeting_password covers these too where Zoom does not show it (Z-SET-1).
	{KeyInstant, "require_password_for_instant_meetings", "schedule_meeting.require_password_for_instant_meetings", nil,
		"Require a passcode for instant meetings", "instant", true},
	{KeyScheduled, "require_password_for_scheduled_meeting", "meeting_security.require_password_for_scheduled_meeting",
		[]string{"schedule_meeting.require_password_for_scheduled_meetings"},
		"Require a passcode for meetings which have already been scheduled", "scheduled", false},
	{KeyPMI, "pmi_password", "meeting_security.pmi_password",
		[]string{"schedule_meeting.require_password_for_pmi_meetings"},
		"Require a passcode for Personal Meeting ID (PMI)", "pmi", true},
	{KeyWaitingRoom, "waiting_room", "meeting_security.waiting_room",
		[]string{"in_meeting.waiting_room"}, "Waiting Room", "waiting-room", true},
	{KeyAuthentication, "meeting_authentication", "meeting_authentication",
		[]string{"schedule_meeting.meeting_authentication"}, "Only authenticated users can join meetings", "authentication", true},
	{KeyAutoSecurity, "auto_security", "meeting_security.auto_security", nil,
		"Require that all meetings are secured with one security option", "auto-security", true},
	// These decide what is typed where, not whether there is a passcode.
	{KeyPhone, "phone_password", "meeting_security.phone_password",
		[]string{"schedule_meeting.pstn_password_protected"}, "Require passcode for participants joining by phone", "", true},
	{KeyEmbed, "embed_password_in_join_link", "meeting_security.embed_password_in_join_link",
		[]string{"schedule_meeting.embed_password_in_join_link"}, "Embed passcode in invite link for one-click join", "", true},
	{KeyWebClient, "only_authenticated_can_join_from_webclient", "meeting_security.only_authenticated_can_join_from_webclient", nil,
		"Only authenticated users can join meetings from Web client", "", false},
	// The third value of the older PMI setting: which meetings it is for.
	{KeyPMIJoin, "require_password_for_pmi_meetings_jbh_only", "schedule_meeting.require_password_for_pmi_meetings=jbh_only", nil,
		"Only PMI meetings with Join Before Host enabled", "", false},
}

// PathRequirement is where Zoom keeps what a host's passcodes must look like,
// and PortalRequirement what the portal calls it.
const (
	PathRequirement   = "meeting_security.meeting_password_requirement"
	PortalRequirement = "Passcode Requirement"
)

// AllSettings is the table of settings, a row for each Key.
func AllSettings() []SettingInfo { return settingTable[:] }

// Info is the table's row of the key.
func (k Key) Info() SettingInfo { return settingTable[k] }

// Path is section and name of the setting in Zoom's answers.
func (k Key) Path() string { return settingTable[k].Path }

// Decides says whether the setting has a part in whether there is a passcode.
func (k Key) Decides() bool { return settingTable[k].Word != "" }

// KeyOf finds the setting of a path, an older path or a word; false for none.
func KeyOf(name string) (Key, bool) {
	for _, s := range settingTable {
		if name != "" && (s.Path == name || s.Word == name) {
			return s.Key, true
		}
		for _, old := range s.Older {
			if old == name {
				return s.Key, true
			}
		}
	}
	return 0, false
}

// portalOf is the portal's name of the setting with that path, with the path in
// parentheses; the path alone for one that the table does not hold.
func portalOf(path string) string {
	if path == PathRequirement {
		return fmt.Sprintf("%q (%s)", PortalRequirement, path)
	}
	if k, ok := KeyOf(path); ok {
		return fmt.Sprintf("%q (%s)", k.Info().Portal, path)
	}
	return path
}

// Values are settings seen at one level, by Key. Of a user they are the
// effective values; of lock settings On means locked. Unknown means that Zoom
// did not say.
type Values [numKeys]Toggle

// MarshalJSON writes what is known, by Zoom's names.
func (v Values) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for _, s := range settingTable {
		if v[s.Key] == Unknown {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%q", s.Name, v[s.Key])
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// UnmarshalJSON reads MarshalJSON's form. A name or a word that another version
// wrote is read as unknown.
func (v *Values) UnmarshalJSON(raw []byte) error {
	var in map[string]json.RawMessage
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*v = Values{}
	for _, s := range settingTable {
		var word string
		if json.Unmarshal(in[s.Name], &word) == nil && v[s.Key].UnmarshalText([]byte(word)) != nil {
			v[s.Key] = Unknown
		}
	}
	return nil
}

// Settings are a host's effective settings with the locks above them, by Key.
type Settings [numKeys]Setting

// Setting is one effective setting of a host.
type Setting struct {
	// Value is what holds for the host, after every level above was applied.
	Value Toggle `json:"value"`
	// Lock is On when a level above the host fixes Value.
	Lock Toggle `json:"lock"`
	// LockLevel and LockedBy (a group or account id) say who, when Lock is On;
	// LockedByName is what people call the group.
	LockLevel    Level  `json:"level,omitzero"`
	LockedBy     string `json:"by,omitzero"`
	LockedByName string `json:"by_name,omitzero"`
	// Contradiction is true when the locks that were read disagree with each
	// other or with Value, so that nobody can say which holds (Z-LOCK-4).
	Contradiction bool `json:"contradiction,omitzero"`
	// Against is the other holder of a contradicting lock, by name or id.
	Against string `json:"against,omitzero"`
	// Seen is when Value was read; zero when never.
	Seen time.Time `json:"seen,omitzero"`
}

// lockedOn and LockedOff are only true when the lock is known and undisputed.
func (s Setting) lockedOn() bool  { return s.Lock == On && s.Value == On && !s.Contradiction }
func (s Setting) LockedOff() bool { return s.Lock == On && s.Value == Off && !s.Contradiction }
