package passcode

import (
	"encoding/json"
	"fmt"
)

// Ask is what a create or update request says of one security option.
type Ask uint8

// A request leaves an option out, wants it off (an empty or null password
// counts), or wants it on.
const (
	AskNothing Ask = iota
	AskOff
	AskOn
)

// String returns "absent", "off" or "on".
func (a Ask) String() string { return [...]string{"absent", "off", "on"}[a] }

// MarshalText writes the String form.
func (a Ask) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the String form; anything else is an error.
func (a *Ask) UnmarshalText(b []byte) error {
	for _, v := range []Ask{AskNothing, AskOff, AskOn} {
		if string(b) == v.String() {
			*a = v
			return nil
		}
	}
	return fmt.Errorf("request %q: want absent, off or on", b)
}

// UnmarshalJSON reads the String form; null, which Zoom's calls have for a
// passcode, wants it off (Z-CODE-11).
func (a *Ask) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*a = AskOff
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	return a.UnmarshalText([]byte(s))
}

// Request is a create or update as far as the security options are concerned.
type Request struct {
	Update         bool `json:"update,omitzero"`
	Passcode       Ask  `json:"passcode,omitzero"`
	WaitingRoom    Ask  `json:"waiting_room,omitzero"`
	Authentication Ask  `json:"authentication,omitzero"`
}

// Options are a meeting's three security options.
type Options struct {
	Passcode       Toggle `json:"passcode"`
	WaitingRoom    Toggle `json:"waiting_room"`
	Authentication Toggle `json:"authentication"`
}

// Source says where a meeting's passcode comes from after a request.
type Source string

// The sources. SourceUnknown: Zoom's documents leave the case open.
const (
	SourceUnknown   Source = "unknown"
	SourceNone      Source = "none"
	SourceGiven     Source = "given"     // the request's own
	SourceKept      Source = "kept"      // the one it had
	SourceGenerated Source = "generated" // Zoom made one up: nobody knows it yet
)

// Prediction is what Zoom will make of a request.
type Prediction struct {
	Options
	Source Source `json:"source"`
}

// Predict says what Zoom makes of a create or update by a host with these
// settings. before is the meeting's state before an update; a create ignores
// it. It follows Zoom's 46 scenarios (Z-RULE-1) in four steps, and
// answers Unknown where they, and what was documented since, leave a case open.
func Predict(h Host, r Request, before Options) Prediction {
	if !r.Update {
		before = Options{Passcode: Off, WaitingRoom: Off, Authentication: Off}
	}
	pass, wr, auth := h.Settings[KeyPasscode], h.Settings[KeyWaitingRoom], h.Settings[KeyAuthentication]
	if h.PlanForces(KeyPasscode) {
		// As if locked on, by the plan.
		pass = Setting{Value: On, Lock: On, LockLevel: LevelPlan}
	}
	// Z-RULE-12, March 2025: a create that names neither passcode nor
	// waiting room follows the host's settings for both.
	follows := !r.Update && r.Passcode == AskNothing && r.WaitingRoom == AskNothing

	// Steps 1 to 3, for each option: a lock beats the request, else the request
	// decides, else it stays off (create) or as it was (update).
	p := Prediction{Options: Options{
		Passcode:       oneOption(pass, r.Passcode, before.Passcode, follows),
		WaitingRoom:    oneOption(wr, r.WaitingRoom, before.WaitingRoom, follows),
		Authentication: oneOption(auth, r.Authentication, before.Authentication, false),
	}}

	// Step 4: auto_security wants at least one option on.
	if p.Passcode == Off && p.WaitingRoom == Off && p.Authentication == Off {
		switch h.Settings[KeyAutoSecurity].Value {
		case On:
			p.Options = lastOption(pass, wr, auth, before)
		case Unknown:
			p.Options = Options{} // whether one is turned on is not known
		}
	} else if p.Passcode != On && p.WaitingRoom != On && p.Authentication != On && h.Settings[KeyAutoSecurity].Value != Off {
		// Perhaps nothing is left on, and then Zoom would turn one on.
		p.Options = Options{}
	}
	p.Source = source(p.Passcode, r, before)
	return p
}

// oneOption applies steps 1 to 3 to one option.
func oneOption(s Setting, ask Ask, before Toggle, follows bool) Toggle {
	switch {
	case s.Contradiction:
		return Unknown
	case s.Lock == On:
		return s.Value // rules 1 and 2
	case s.Lock == Unknown && s.Value != Unknown && wants(ask, before, follows, s.Value) == s.Value:
		return s.Value // locked or not, the result is the same
	case s.Lock == Unknown:
		return Unknown
	}
	return wants(ask, before, follows, s.Value) // rule 3
}

func wants(ask Ask, before Toggle, follows bool, setting Toggle) Toggle {
	switch {
	case ask == AskOn:
		return On
	case ask == AskOff:
		return Off
	case follows:
		return setting
	}
	return before
}

// lastOption is what Zoom turns on when a request leaves nothing on and
// auto_security is on (Z-RULE-6).
func lastOption(pass, wr, auth Setting, before Options) Options {
	if pass.Lock == Unknown || wr.Lock == Unknown || auth.Lock == Unknown {
		return Options{}
	}
	// What is locked here is locked off, or it would be on.
	passLocked, wrLocked, authLocked := pass.Lock == On, wr.Lock == On, auth.Lock == On
	mayKeepPasscode := before.Passcode != Off && !passLocked
	mayKeepAuthentication := before.Authentication != Off && !authLocked
	only := Options{Passcode: Off, WaitingRoom: Off, Authentication: Off}
	switch {
	case wrLocked && passLocked:
		only.Authentication = On // row 5: there is nothing else
	case wrLocked && !mayKeepAuthentication:
		only.Passcode = On // rows 2 and 6: kept if there was one, else generated
	case wrLocked:
		// Row 2 generates a passcode, rule 4 keeps authentication on: the documents
		// contradict each other.
		return Options{}
	case !mayKeepPasscode && !mayKeepAuthentication:
		only.WaitingRoom = On // rows 3, 4, 7 and 23
	case !passLocked && !authLocked:
		return before // row 23: what was on stays on
	default:
		// Rows 3 and 4 turn the waiting room on, rule 4 keeps what was on.
		return Options{}
	}
	return only
}

func source(passcode Toggle, r Request, before Options) Source {
	switch {
	case passcode == Off:
		return SourceNone
	case passcode == Unknown:
		return SourceUnknown
	case r.Passcode == AskOn:
		return SourceGiven
	case before.Passcode == On:
		return SourceKept
	case before.Passcode == Off:
		return SourceGenerated
	}
	return SourceUnknown
}
