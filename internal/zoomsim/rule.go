package zoomsim

// Op is the request that a meeting's security options are decided for.
type Op uint8

// The two operations of Zoom's security matrix.
const (
	Create Op = iota
	Update
)

// Setting is one security option's setting as the host meets it: on or off,
// and whether a level above the host locked it (Z-LOCK-1).
type Setting uint8

// The four states of a setting; the zero value is "off, not locked".
const (
	Off Setting = iota
	On
	LockedOff
	LockedOn
)

// String returns the notation of Zoom's matrix; "!" is locked.
func (s Setting) String() string { return [...]string{"off", "on", "off!", "on!"}[s] }

// MarshalText writes the same notation.
func (s Setting) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Ask is what a request says about one option.
type Ask uint8

// AskAbsent leaves the option unnamed. AskNo names it and wants it off
// (false, or a null or empty password). AskYes wants it on.
const (
	AskAbsent Ask = iota
	AskNo
	AskYes
)

// EffectiveSettings are the host's settings at the moment of the request,
// after accounts, groups, locks and plan were applied.
type EffectiveSettings struct {
	WaitingRoom    Setting `json:"waiting_room"`
	Passcode       Setting `json:"passcode"`
	Authentication Setting `json:"authentication"`
	// AutoSecurity is Zoom's "every meeting must keep one security option".
	AutoSecurity bool `json:"auto_security"`
}

// State says which options a meeting had before an update.
type State struct {
	WaitingRoom    bool
	Passcode       bool
	Authentication bool
}

func (s State) any() bool { return s.WaitingRoom || s.Passcode || s.Authentication }

// Wish is what a create or update request asks for.
type Wish struct {
	WaitingRoom    Ask
	Passcode       Ask
	Authentication Ask
	// DefaultPassword is the create body's default_password (Z-RULE-10).
	DefaultPassword Ask
}

// PasscodeSource says where the resulting passcode comes from.
type PasscodeSource uint8

// PasscodeNone: the meeting has none. PasscodeGiven: the request's own.
// PasscodeKept: the previous one. PasscodeGenerated: Zoom made one up.
const (
	PasscodeNone PasscodeSource = iota
	PasscodeGiven
	PasscodeKept
	PasscodeGenerated
)

// String returns the word that Zoom's matrix uses.
func (p PasscodeSource) String() string {
	return [...]string{"none", "given", "kept", "generated"}[p]
}

// Decision is what Zoom makes of a request.
type Decision struct {
	Passcode       PasscodeSource
	WaitingRoom    bool
	Authentication bool
}

// Decide is Documents2025.Decide.
func Decide(op Op, s EffectiveSettings, prev State, w Wish) Decision {
	return Documents2025.Decide(op, s, prev, w)
}

// Decide applies Zoom's rule (Z-RULE-1 to Z-RULE-12) to one create or update,
// by the documents d. It is pure and does not allocate. prev is ignored on
// create; the documents disagree about creates alone.
//
// The four steps are Zoom's own: a lock beats the request, an unlocked option
// follows it, what is not named stays off (create) or unchanged (update), and
// with auto_security something must remain on.
func (d Documents) Decide(op Op, s EffectiveSettings, prev State, w Wish) Decision {
	generate := false
	if op == Create {
		prev = State{}
		w, generate = d.followHost(s, w)
	}
	to := Decision{
		WaitingRoom:    option(s.WaitingRoom, w.WaitingRoom, prev.WaitingRoom),
		Authentication: option(s.Authentication, w.Authentication, prev.Authentication),
		Passcode:       passcode(s.Passcode, w.Passcode, prev.Passcode),
	}
	if generate && to.Passcode == PasscodeGiven {
		to.Passcode = PasscodeGenerated
	}
	if !s.AutoSecurity || to.WaitingRoom || to.Authentication || to.Passcode != PasscodeNone {
		return to
	}
	return secure(op, s, prev)
}

// followHost puts into a create what the host's settings add to it (Z-RULE-9
// to Z-RULE-12), so that a passcode appears that nobody asked for. The bool
// says that a wished passcode has no value yet. Authentication is not part of
// it: not named, it stays off (docs/simulator.md, open cases). A setting that
// is off adds nothing, and one that is locked needs no wish.
func (d Documents) followHost(s EffectiveSettings, w Wish) (Wish, bool) {
	if w.Passcode != AskAbsent {
		return w, false
	}
	generate := s.Passcode == On && d.generates(w)
	if generate {
		w.Passcode = AskYes
	}
	if w.WaitingRoom == AskAbsent && s.WaitingRoom == On {
		w.WaitingRoom = AskYes
	}
	return w, generate
}

// option resolves waiting room or authentication: steps 1 to 3.
func option(s Setting, ask Ask, before bool) bool {
	switch s {
	case LockedOn:
		return true
	case LockedOff:
		return false
	}
	if ask == AskAbsent {
		return before
	}
	return ask == AskYes
}

// passcode resolves steps 1 to 3 for the passcode, which can be generated:
// locked on and none there yet, Zoom generates one.
func passcode(s Setting, ask Ask, before bool) PasscodeSource {
	switch {
	case s == LockedOff:
		return PasscodeNone
	case ask == AskYes:
		return PasscodeGiven
	case s == LockedOn:
		return keptOrGenerated(before)
	case ask == AskAbsent && before:
		return PasscodeKept
	}
	return PasscodeNone
}

// secure is step 4: auto_security is on and the request left nothing on.
// Where no level fixes any option, an update that disables everything is
// refused by leaving on what was on (matrix, update 23). In every other case
// Zoom turns on the first option that is not locked off: the waiting room,
// then a passcode, then authentication, which comes last even where it is
// locked off too, because one of the three must remain.
func secure(op Op, s EffectiveSettings, prev State) Decision {
	free := s.WaitingRoom < LockedOff && s.Passcode < LockedOff && s.Authentication < LockedOff
	if op == Update && free && prev.any() {
		d := Decision{WaitingRoom: prev.WaitingRoom, Authentication: prev.Authentication}
		if prev.Passcode {
			d.Passcode = PasscodeKept
		}
		return d
	}
	switch {
	case s.WaitingRoom != LockedOff:
		return Decision{WaitingRoom: true}
	case s.Passcode != LockedOff:
		return Decision{Passcode: keptOrGenerated(prev.Passcode)}
	}
	return Decision{Authentication: true}
}

func keptOrGenerated(before bool) PasscodeSource {
	if before {
		return PasscodeKept
	}
	return PasscodeGenerated
}
