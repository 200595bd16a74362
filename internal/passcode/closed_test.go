package passcode

import "testing"

// TestEveryModeHasABranch: a meeting whose passcode nothing forces, under each
// policy. A mode that is in Modes and not here was not thought of; a mode that
// is not in Modes changes nothing.
func TestEveryModeHasABranch(t *testing.T) {
	t.Parallel()
	want := map[Mode]Remedy{ModeWaitingRoom: RemedyClear, ModeObserve: RemedyNone, ModeKnownPasscode: RemedySet}
	for _, m := range Modes() {
		v := Evaluate(demanding(func(f *Facts) { f.Meeting.Ours = Off }), Policy{Mode: m, Source: SourceDerived}, now)
		if r, named := want[m]; !named || v.Remedy != r {
			t.Errorf("policy %s: remedy %s, want %q", m, v.Remedy, r)
		}
	}
	for _, m := range []Mode{"", "sign-in"} {
		if v := Evaluate(demanding(nil), Policy{Mode: m}, now); v.Remedy.Changes() {
			t.Errorf("policy %q, which has no branch: remedy %s", m, v.Remedy)
		}
	}
}

// TestEveryRemedyHasItsOwnWords: in the sentence, and in what policy observe
// says would be done.
func TestEveryRemedyHasItsOwnWords(t *testing.T) {
	t.Parallel()
	said := map[string]Remedy{}
	for _, r := range Remedies() {
		outcome := OutcomeDemands
		if r == RemedySecure {
			outcome = OutcomeUnsecured
		}
		s := Verdict{Outcome: outcome, Remedy: r, Ask: Request{WaitingRoom: AskOn}}.Sentence()
		if other, taken := said[s]; taken {
			t.Errorf("%s and %s say the same: %s", r, other, s)
		}
		said[s] = r
		if wouldWords[r] == "" {
			t.Errorf("%s has no words for what a policy would do", r)
		}
	}
}
