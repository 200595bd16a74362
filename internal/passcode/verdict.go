package passcode

import (
	"strings"
	"time"
)

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
	// Ask is the request that a remedy which changes the meeting stands for. A
	// clear asks for the waiting room in the same request, unless that is locked
	// off and authentication is what stays on.
	Ask Request
	// Would is what the default policy would do, under policy observe.
	Would Remedy
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
	OutcomeJoinable  Outcome = "joinable"         // no passcode is asked, something else secures it
	OutcomeDemands   Outcome = "demands_passcode" // a passcode is asked
	OutcomeUnsecured Outcome = "unsecured"        // nothing secures it: anybody with the number walks in
	OutcomeGone      Outcome = "gone"             // deleted or over: the number leads nowhere
	OutcomeUnknown   Outcome = "unknown"
)

// Outcomes is the closed set, for tests that hold other places to it.
func Outcomes() []Outcome {
	return []Outcome{OutcomeJoinable, OutcomeDemands, OutcomeUnsecured, OutcomeGone, OutcomeUnknown}
}

// Remedy is what is to be done about it.
type Remedy string

// The remedies, a closed set. RemedySet belongs to policy known-passcode.
const (
	RemedyNone       Remedy = "none"
	RemedyClear      Remedy = "clear"      // remove the passcode; the waiting room is put or kept on
	RemedySet        Remedy = "set"        // set a passcode that we know
	RemedySecure     Remedy = "secure"     // an open meeting that we stripped: the waiting room on, else the old passcode back
	RemedyKeep       Remedy = "keep"       // Zoom's own passcode stays and is known to us
	RemedyDefer      Remedy = "defer"      // a clear that must wait; DeferUntil says for how long
	RemedyImpossible Remedy = "impossible" // nothing we may do helps; the reasons say whose setting is in the way
)

// Remedies is the closed set, for tests that hold other places to it.
func Remedies() []Remedy {
	return []Remedy{RemedyNone, RemedyClear, RemedySet, RemedySecure, RemedyKeep, RemedyDefer, RemedyImpossible}
}

// Changes reports whether the remedy asks Zoom for a change of the meeting.
func (r Remedy) Changes() bool {
	return r == RemedyClear || r == RemedySet || r == RemedySecure
}

// FactSet is a set of facts, as bits.
type FactSet uint8

// The facts a caller can go and learn.
const (
	FactMeeting FactSet = 1 << iota // read the meeting itself
	FactHost                        // read the host's settings and the locks above them
	FactDates                       // read each date of the series
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
	if s.Has(FactDates) {
		w = append(w, "dates")
	}
	return w
}

// Reason is one piece of evidence: which setting, at which level, with which
// value, fixed by whom. Sentence makes the plain English from it.
type Reason struct {
	Code   Code   `json:"code"`
	Path   string `json:"path,omitempty"`
	Level  Level  `json:"level,omitempty"`
	Value  Toggle `json:"value"`
	Locked bool   `json:"locked"`
	// LockUnknown: whether a level above locks it could not be learned.
	LockUnknown bool `json:"lock_unknown,omitempty"`
	// By is the group or account id that holds the lock, or the plan; ByName is
	// what people call the group.
	By     string `json:"by,omitempty"`
	ByName string `json:"by_name,omitempty"`
	// Tried is the remedy that a failure is about.
	Tried Remedy `json:"tried,omitempty"`
	// ChangedBy and ChangedAt say who changed it and when, where that is recorded.
	ChangedBy string    `json:"changed_by,omitempty"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Seen is when the value was read; zero when it does not apply.
	Seen time.Time `json:"seen,omitzero"`
	// Detail says more where the rest cannot. It never holds a passcode.
	Detail string `json:"detail,omitempty"`
}

// Signature is equal for two verdicts that say the same: the same outcome,
// remedy and reasons by code, setting, level and holder. When it was seen and
// how it is worded are left out, so that a re-check or a better sentence is
// never mistaken for a change.
func (v Verdict) Signature() string { return signature(v.Outcome, v.Remedy, v.Reasons, false) }

// LastingSignature is Signature without what passes by itself, such as a
// meeting being in progress: whoever was told once is not told again for that.
func (v Verdict) LastingSignature() string { return signature(v.Outcome, v.Remedy, v.Reasons, true) }

func signature(o Outcome, r Remedy, reasons []Reason, lasting bool) string {
	var b strings.Builder
	b.WriteString(string(o) + "|" + string(r))
	for _, reason := range reasons {
		if !lasting || !reason.Code.info().passing {
			b.WriteString("|" + reason.identity())
		}
	}
	return b.String()
}

// identity is what makes a reason another reason.
func (r Reason) identity() string {
	s := string(r.Code) + "," + r.Path + "," + string(r.Level) + "," + r.By
	if r.Tried != "" {
		s += "," + string(r.Tried)
	}
	return s
}
