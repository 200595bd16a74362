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
	// HoldsEveryone asks with the waiting room that everybody waits in it.
	HoldsEveryone bool `json:"holds_everyone,omitzero"`
	// DefaultPassword is a create's default_password: off is false, on is true
	// (Z-RULE-10).
	DefaultPassword Ask `json:"default_password,omitzero"`
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
	Said
	Sure Sureness `json:"sure"`
	// Older is what the older of two documents says, where Sure is disputed.
	Older Said `json:"older,omitzero"`
}

// Predict says what Zoom makes of a create or update by a host with these
// settings, and how sure that is. before is the meeting's state before an update;
// a create ignores it. It answers Unknown where Zoom's documents leave a case
// open. Where two of them disagree the answer is the newer one's, unless it was
// tried on the host's account (Host.Documents).
func Predict(h Host, r Request, before Options) Prediction {
	if r.Update {
		return sure(predict(h, r, before, Documents2025), SureDocumented) // they agree about updates
	}
	newer, older := predict(h, r, Options{}, Documents2025), predict(h, r, Options{}, Documents2020)
	switch {
	case h.EmptyPasscode != Unknown && emptyIsOpen(h, r):
		return sure(newer, SureMeasured)
	case newer == older:
		return sure(newer, SureDocumented)
	case h.Documents == Documents2020:
		return sure(older, SureMeasured)
	case h.Documents == Documents2025:
		return sure(newer, SureMeasured)
	case newer.Passcode == Unknown:
		return sure(newer, SureUnknown)
	case older.Passcode == Unknown:
		return sure(older, SureUnknown)
	}
	p := sure(newer, SureDisputed)
	p.Older = older
	return p
}

// PredictMeeting is Predict for a meeting of that kind, as it was before: instant
// meetings follow a setting of their own, and those under the host's personal
// meeting id have the passcode that it has, whatever a request says (Z-MEET-10).
func PredictMeeting(h Host, m Meeting, r Request) Prediction {
	before := Options{Passcode: m.Passcode, WaitingRoom: m.WaitingRoom, Authentication: m.Authentication}
	if m.Type == TypeInstant {
		h.EmptyPasscode = Unknown // it was tried with a scheduled one
	}
	if !m.isPMI() {
		return Predict(h.as(m.Type), r, before)
	}
	pmi := h.Settings[KeyPMI]
	pmi.Lock = On // no request reaches it
	h.Settings[KeyPasscode] = pmi
	p := Predict(h, r, before)
	if p.Passcode == On {
		p.Source = SourceKept // the host's own
	}
	if f := ForecastFor(h); f.PMI.Passcode == Unknown {
		p.Passcode, p.Source, p.Sure = Unknown, SourceUnknown, SureUnknown
	}
	return p
}

func sure(s Said, how Sureness) Prediction {
	if s.Passcode == Unknown || s.WaitingRoom == Unknown || s.Authentication == Unknown {
		how = SureUnknown
	}
	return Prediction{Said: s, Sure: how}
}

// predict follows one of the documents: Zoom's 46 scenarios (Z-RULE-1), which are
// the older one's, in four steps, with what was documented since.
func predict(h Host, r Request, before Options, docs Documents) Said {
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
	passcodeFollows := !r.Update && r.Passcode == AskNothing && r.generates(docs, follows)

	// Steps 1 to 3, for each option: a lock beats the request, else the request
	// decides, else it stays off (create) or as it was (update).
	p := Said{Options: Options{
		Passcode:       oneOption(pass, r.Passcode, before.Passcode, passcodeFollows),
		WaitingRoom:    oneOption(wr, r.WaitingRoom, before.WaitingRoom, follows),
		Authentication: oneOption(auth, r.Authentication, before.Authentication, false),
	}}

	if docs == Documents2025 && p.Passcode == Off && emptyIsOpen(h, r) {
		p.Passcode = h.EmptyPasscode
	}

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

// emptyIsOpen says whether it decides if an empty passcode counts as one that is
// given, which the newer reference does not say (Z-RULE-21).
func emptyIsOpen(h Host, r Request) bool {
	pass := h.Settings[KeyPasscode]
	return !r.Update && r.Passcode == AskOff && r.DefaultPassword != AskOff && pass.Value == On && pass.Lock != On && !h.PlanForces(KeyPasscode)
}

// generates says whether a create that gives no passcode gets one where the
// host's setting is on and not locked.
func (r Request) generates(docs Documents, follows bool) bool {
	switch {
	case r.DefaultPassword == AskOn:
		return true
	case docs == Documents2025:
		return r.DefaultPassword != AskOff // absent is true (Z-RULE-9, Z-RULE-10)
	}
	return follows // Z-RULE-8; absent is false
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
