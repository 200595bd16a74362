package admin

import (
	"fmt"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// RiskWords says in two lines at most how many meetings that are, what is done about them,
// and who can change the setting that it is for.
func RiskWords(r store.AtRisk) string {
	s := fmt.Sprintf("%s of %s %s", Counted(r.Meetings, "meeting"), Counted(r.Hosts, "host"), riskOutcome[r.Outcome])
	if r.Outcome != passcode.OutcomeUnknown {
		if does := riskRemedy[r.Remedy]; does != "" && r.Observed {
			s += "; policy observe changes nothing, policy waiting-room would " + does
		} else if does != "" {
			s += "; remedy: " + does
		}
	}
	if !r.Soonest.IsZero() {
		s += "; the soonest starts " + r.Soonest.UTC().Format("2 Jan 15:04 UTC")
	}
	if r.Reason.Code == "" {
		return s
	}
	s += "\nbecause " + r.Reason.Sentence()
	if who := r.Reason.WhoCanChange(); who != "" {
		s += "; " + who
	}
	return s
}

var riskOutcome = map[passcode.Outcome]string{
	passcode.OutcomeDemands: "demand a passcode", passcode.OutcomeUnsecured: "are open to anybody",
	passcode.OutcomeUnknown: "are not known yet", passcode.OutcomeGone: "lead nowhere any more",
}

var riskRemedy = map[passcode.Remedy]string{
	passcode.RemedyClear: "remove it", passcode.RemedySet: "set one that is known", passcode.RemedySecure: "secure them",
	passcode.RemedyKeep: "keep it and make it known", passcode.RemedyDefer: "repair them later", passcode.RemedyImpossible: "leave them, since it cannot be removed",
}

// Counted is "1 host", "2 hosts".
func Counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// RiskJSON is an AtRisk for programs.
type RiskJSON struct {
	Outcome      passcode.Outcome `json:"outcome"`
	Remedy       passcode.Remedy  `json:"remedy"`
	Observed     bool             `json:"observed,omitempty"`
	Meetings     int              `json:"meetings"`
	Hosts        int              `json:"hosts"`
	Soonest      time.Time        `json:"soonest,omitzero"`
	Setting      string           `json:"setting,omitempty"`
	Level        passcode.Level   `json:"level,omitempty"`
	LevelID      string           `json:"level_id,omitempty"`
	WhoCanChange string           `json:"who_can_change,omitempty"`
}

// RisksJSON is the same for several, never nil.
func RisksJSON(all []store.AtRisk) []RiskJSON {
	out := make([]RiskJSON, 0, len(all))
	for _, r := range all {
		j := RiskJSON{Outcome: r.Outcome, Remedy: r.Remedy, Observed: r.Observed, Meetings: r.Meetings, Hosts: r.Hosts, Soonest: r.Soonest, Level: r.Level, LevelID: r.LevelID}
		if r.Reason.Code != "" {
			j.Setting, j.WhoCanChange = r.Reason.Path, r.Reason.WhoCanChange()
		}
		out = append(out, j)
	}
	return out
}
