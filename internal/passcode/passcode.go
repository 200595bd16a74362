// Package passcode is THE RULE: given what is known of one meeting and of its
// host's effective settings, would a joiner be asked for a passcode, why, and
// what may be done about it?
//
// It is pure: no I/O, no clock, no other package of latchkey (a test holds it
// to that). Everything it decides is decided in Evaluate, which reads top to
// bottom; every branch says why it exists and which Zoom fact it rests on.
// Ids such as Z-LOCK-3 in comments are facts of docs/zoom-facts.md.
package passcode

import "fmt"

// Toggle is one on/off fact. Its zero value is Unknown, so a fact that nobody
// filled in can never be mistaken for "off".
type Toggle uint8

// The three states of a Toggle.
const (
	Unknown Toggle = iota
	Off
	On
)

// ToggleOf turns a known boolean into a Toggle.
func ToggleOf(b bool) Toggle {
	if b {
		return On
	}
	return Off
}

// ToggleFrom turns a boolean that may be absent (nil) into a Toggle.
func ToggleFrom(b *bool) Toggle {
	if b == nil {
		return Unknown
	}
	return ToggleOf(*b)
}

// String returns "unknown", "off" or "on".
func (t Toggle) String() string {
	switch t {
	case Off:
		return "off"
	case On:
		return "on"
	}
	return "unknown"
}

// MarshalText writes the String form, so JSON and YAML hold words.
func (t Toggle) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the String form; anything else is an error.
func (t *Toggle) UnmarshalText(b []byte) error {
	switch string(b) {
	case "on":
		*t = On
	case "off":
		*t = Off
	case "unknown", "":
		*t = Unknown
	default:
		return fmt.Errorf("toggle %q: want on, off or unknown", b)
	}
	return nil
}

// Scan reads the String form from a database column. A word that another
// version wrote is read as unknown.
func (t *Toggle) Scan(src any) error {
	*t = Unknown
	if word, ok := src.(string); ok && t.UnmarshalText([]byte(word)) != nil {
		*t = Unknown
	}
	return nil
}

// Level is where in Zoom's hierarchy a setting was fixed.
type Level string

// The levels, weakest first. LevelPlan is above every admin: the subscription
// itself forces the setting (Z-LOCK-6: free accounts, Pro with one host).
const (
	LevelMeeting Level = "meeting"
	LevelHost    Level = "host"
	LevelGroup   Level = "group"
	LevelAccount Level = "account"
	LevelPlan    Level = "plan"
)

// Plan is the account's subscription as far as the rule cares.
type Plan string

// The plans. PlanUnknown means "not learned", not "none".
const (
	PlanUnknown       Plan = ""
	PlanFree          Plan = "free"
	PlanProSingleHost Plan = "pro_single_host"
	PlanPaid          Plan = "paid"
)

// PlanForces says whether the plan, rather than anything that an admin could
// change, keeps the setting on. Zoom's pages disagree about it (Z-LOCK-6 to
// Z-LOCK-8), so what was read wins over what a plan suggests (Z-LOCK-10): a
// setting that reads off, or not locked, or that a level locks, is not the plan's.
// The locks of a free account cannot be read at all (Z-ERR-4).
func (h Host) PlanForces(k Key) bool {
	s := h.Settings[k]
	if s.Value != On || s.Contradiction || s.Lock == Off || s.LockLevel != "" && s.LockLevel != LevelPlan {
		return false
	}
	return h.Plan == PlanFree || h.Plan == PlanProSingleHost && s.Lock == On
}
