package passcode

import "time"

// Verdict is the one answer that feeds the log line, the row, the alert,
// `latchkey explain` and the console. Nothing else words it a second time.
type Verdict struct {
	Outcome Outcome
	Remedy  Remedy
	// Reasons come most important first: what causes the passcode, then what
	// stands in the way of removing it. Nil when there is nothing to explain.
	Reasons []Reason
	// Channels says what each way of joining asks for.
	Channels Channels
	// Missing names the facts that would let the rule say more. A caller that
	// can learn them does so and evaluates again.
	Missing FactSet
	// AskWaitingRoom goes with RemedyClear: the waiting room is to be put on in
	// the same request. False only where it is locked off and authentication is
	// what stays on.
	AskWaitingRoom bool
	// DeferUntil is set with RemedyDefer.
	DeferUntil time.Time
}

// Outcome is what a joiner who types the meeting number meets.
//
// A meeting whose passcode was seen is demands_passcode even when the host's
// settings are not known: the joiner stands outside either way. What is then
// not known is only why, and whether a clear would hold; so nothing is patched.
type Outcome string

// The outcomes, a closed set.
const (
	OutcomeJoinable Outcome = "joinable"
	OutcomeDemands  Outcome = "demands_passcode"
	OutcomeUnknown  Outcome = "unknown"
)

// Outcomes is the closed set, for tests that hold other places to it.
func Outcomes() []Outcome { return []Outcome{OutcomeJoinable, OutcomeDemands, OutcomeUnknown} }

// Remedy is what is to be done about it.
type Remedy string

// The remedies, a closed set. RemedySet belongs to policy known-passcode.
const (
	RemedyNone       Remedy = "none"
	RemedyClear      Remedy = "clear"      // remove the passcode; the waiting room is put or kept on
	RemedySet        Remedy = "set"        // set a passcode that we know
	RemedyKeep       Remedy = "keep"       // Zoom's own passcode stays and is known to us
	RemedyDefer      Remedy = "defer"      // a clear that must wait; DeferUntil says for how long
	RemedyImpossible Remedy = "impossible" // nothing we may do helps; the reasons say whose setting is in the way
)

// Remedies is the closed set, for tests that hold other places to it.
func Remedies() []Remedy {
	return []Remedy{RemedyNone, RemedyClear, RemedySet, RemedyKeep, RemedyDefer, RemedyImpossible}
}

// FactSet is a set of facts, as bits.
type FactSet uint8

// The facts a caller can go and learn.
const (
	FactMeeting FactSet = 1 << iota // read the meeting itself
	FactHost                        // read the host's settings and the locks above them
)

// Has reports whether all of x are in the set.
func (s FactSet) Has(x FactSet) bool { return s&x == x }

// Words names the facts of the set.
func (s FactSet) Words() []string {
	var w []string
	if s.Has(FactMeeting) {
		w = append(w, "meeting")
	}
	if s.Has(FactHost) {
		w = append(w, "host")
	}
	return w
}

// Code says which kind of reason it is; the rest of Reason are its particulars.
type Code string

// The reasons. The first group causes a passcode, the second stands in the way
// of removing it.
const (
	CauseLockedOn     Code = "locked_on"            // the passcode setting is locked on above the host
	CauseSettingOn    Code = "setting_on"           // the host's own passcode setting is on
	CauseScheduled    Code = "applies_to_scheduled" // passcodes were put on already scheduled meetings
	CausePlan         Code = "plan"                 // the plan forces passcodes
	CauseAutoSecurity Code = "auto_security"        // one security option is required and only this one was left
	CausePMI          Code = "pmi"                  // the passcode belongs to the host's personal meeting id
	CauseRequest      Code = "request"              // no setting explains it: it was asked for
	CauseUnexplained  Code = "unexplained"          // settings are not known

	BlockLockedOff   Code = "waiting_room_locked_off" // a clear would leave the meeting without a security option
	BlockContradict  Code = "contradicting_locks"
	BlockFactMissing Code = "fact_missing"
	BlockOverwritten Code = "overwritten"
	BlockRefused     Code = "refused"
	BlockContested   Code = "contested"
	BlockDailyLimit  Code = "daily_limit"
	BlockPolicy      Code = "policy_observe"
	BlockInProgress  Code = "in_progress"
	BlockOver        Code = "over"
	BlockWebinar     Code = "webinar"
	BlockUnreadable  Code = "passcode_unreadable"
	BlockKnown       Code = "known"       // it is the passcode that the policy sets
	BlockRequirement Code = "requirement" // the policy's passcode cannot meet the host's requirement
)

// IsCause reports whether the code explains why a passcode is there.
func (c Code) IsCause() bool {
	switch c {
	case CauseLockedOn, CauseSettingOn, CauseScheduled, CausePlan, CauseAutoSecurity,
		CausePMI, CauseRequest, CauseUnexplained:
		return true
	}
	return false
}

// Reason is one piece of evidence: which setting, at which level, with which
// value, fixed by whom. Sentence makes the plain English from it.
type Reason struct {
	Code   Code   `json:"code"`
	Path   string `json:"path,omitempty"`
	Level  Level  `json:"level,omitempty"`
	Value  Toggle `json:"value"`
	Locked bool   `json:"locked"`
	// By is the group or account id that holds the lock, or the plan.
	By string `json:"by,omitempty"`
	// Seen is when the value was read; zero when it does not apply.
	Seen time.Time `json:"seen,omitzero"`
	// Detail says more where the rest cannot. It never holds a passcode.
	Detail string `json:"detail,omitempty"`
}
