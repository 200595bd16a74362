package passcode

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestSettingsTable: each row stands at its own key, is named once, and is the
// one that its names find.
func TestSettingsTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i, s := range AllSettings() {
		if int(s.Key) != i {
			t.Errorf("row %d is of key %d", i, s.Key)
		}
		if s.Name == "" || s.Path == "" || s.Portal == "" {
			t.Errorf("row %d is not whole: %+v", i, s)
		}
		for _, name := range append([]string{s.Path, s.Name, s.Portal}, s.Older...) {
			if seen[name] && name != s.Path { // authentication's name is its path
				t.Errorf("%q stands twice in the table", name)
			}
			seen[name] = true
		}
		for _, name := range append([]string{s.Path}, s.Older...) {
			if k, ok := KeyOf(name); !ok || k != s.Key {
				t.Errorf("%q finds key %d (%t)", name, k, ok)
			}
		}
	}
	if _, ok := KeyOf(""); ok {
		t.Error("nothing finds a setting")
	}
}

// TestSentencesNameSettingsAsThePortalDoes holds every reason about a setting to
// the words an admin finds in Zoom's web portal, with the path behind them.
func TestSentencesNameSettingsAsThePortalDoes(t *testing.T) {
	t.Parallel()
	for _, s := range AllSettings() {
		for _, c := range []Code{CauseLockedOn, CauseSettingOn, CauseScheduled, CauseWasOn, BlockLockedOff, BlockContradict, BlockFactMissing} {
			got := Reason{Code: c, Path: s.Path, Level: LevelGroup, By: "G"}.Sentence()
			if !strings.Contains(got, `"`+s.Portal+`" (`+s.Path+`)`) {
				t.Errorf("%s of %s says %q", c, s.Name, got)
			}
		}
	}
}

func TestHostAsJSON(t *testing.T) {
	t.Parallel()
	h := Host{Plan: PlanPaid, Settings: Settings{KeyPasscode: onLocked(LevelGroup, "G"), KeyWaitingRoom: off()}, Requirement: Requirement{Length: 8}}
	b, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var back Host
	if err := json.Unmarshal(b, &back); err != nil || back != h {
		t.Errorf("%s became %+v: %v", b, back, err)
	}
	for _, bad := range []string{`{"meeting_pasword":{"value":"on"}}`, `{"meeting_password":{"valu":"on"}}`, `{"meeting_password":{"value":"yes"}}`,
		`{"meeting_password_requirement":{"lenght":3}}`, `[]`} {
		if err := json.Unmarshal([]byte(bad), &Host{}); err == nil {
			t.Errorf("%s is accepted", bad)
		}
	}
}

func TestValuesOfAnotherVersion(t *testing.T) {
	t.Parallel()
	var v Values
	err := json.Unmarshal([]byte(`{"meeting_password":"on","waiting_room":"sometimes","auto_security":3,"new_setting":"on"}`), &v)
	if want := (Values{KeyPasscode: On}); err != nil || v != want {
		t.Errorf("%+v %v", v, err)
	}
}

// TestAttemptKey: a failure is remembered under everything the attempt rested
// on, and under nothing else.
func TestAttemptKey(t *testing.T) {
	t.Parallel()
	ask := Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}
	policy := Policy{Mode: ModeWaitingRoom}
	base := AttemptKey(demanding(nil), policy, RemedyClear, ask)
	for name, change := range map[string]func(*Facts){
		"seen later":                           func(f *Facts) { f.Host.Settings[KeyPasscode].Seen = now },
		"moved":                                func(f *Facts) { f.Meeting.Starts = now },
		"what phones are told":                 func(f *Facts) { f.Host.Settings[KeyPhone] = on() },
		"the waiting room, which is asked for": func(f *Facts) { f.Meeting.WaitingRoom = Off },
		"a group's name":                       func(f *Facts) { f.Host.Settings[KeyPasscode].LockedByName = "Sales" },
	} {
		if AttemptKey(demanding(change), policy, RemedyClear, ask) != base {
			t.Errorf("%s counts and must not", name)
		}
	}
	for name, change := range map[string]func(*Facts){
		"a value": func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }, "a lock": func(f *Facts) { f.Host.Settings[KeyWaitingRoom].Lock = On },
		"who locks": func(f *Facts) { f.Host.Settings[KeyPMI].LockedBy = "G" }, "plan": func(f *Facts) { f.Host.Plan = PlanFree },
		"requirement": func(f *Facts) { f.Host.Requirement.Length = 9 }, "type": func(f *Facts) { f.Meeting.Type = TypeRecurring },
		"pmi": func(f *Facts) { f.Meeting.UsesPMI = true }, "authentication": func(f *Facts) { f.Meeting.Authentication = On },
	} {
		if AttemptKey(demanding(change), policy, RemedyClear, ask) == base {
			t.Errorf("%s does not count", name)
		}
	}
	for name, key := range map[string]string{
		"remedy":      AttemptKey(demanding(nil), policy, RemedySet, ask),
		"request":     AttemptKey(demanding(nil), policy, RemedyClear, Request{Update: true, Passcode: AskOff}),
		"policy":      AttemptKey(demanding(nil), Policy{Mode: ModeKnownPasscode}, RemedyClear, ask),
		"its secrets": AttemptKey(demanding(nil), Policy{Mode: ModeWaitingRoom, Fingerprint: "x"}, RemedyClear, ask),
	} {
		if key == base {
			t.Errorf("%s does not count", name)
		}
	}
}

// TestSignature: what decides is data. When it was seen, who changed it and what
// a group is called are no change.
func TestSignature(t *testing.T) {
	t.Parallel()
	of := func(change func(*Facts)) Verdict {
		return Evaluate(demanding(func(f *Facts) {
			f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1")
			if change != nil {
				change(f)
			}
		}), Policy{Mode: ModeWaitingRoom}, now)
	}
	base := of(nil)
	same := of(func(f *Facts) {
		f.Host.Settings[KeyPasscode].Seen, f.Host.Settings[KeyPasscode].LockedByName = now.Add(time.Hour), "Sales"
	})
	if same.Signature() != base.Signature() || same.Sentence() == base.Sentence() {
		t.Errorf("%q and %q: the same data in other words", same.Signature(), base.Signature())
	}
	other := of(func(f *Facts) { f.Host.Settings[KeyPasscode].LockedBy = "G2" })
	if other.Signature() == base.Signature() {
		t.Error("another holder is no change")
	}
	running := of(func(f *Facts) { f.Meeting.Status = StatusStarted })
	if running.Signature() == base.Signature() || running.LastingSignature() != base.LastingSignature() {
		t.Errorf("a meeting that starts: %q, lasting %q; before %q", running.Signature(), running.LastingSignature(), base.Signature())
	}
}

// TestForecastSignature: two forecasts that say the same have one signature.
func TestForecastSignature(t *testing.T) {
	t.Parallel()
	h := Host{Plan: PlanPaid, Settings: Settings{KeyPasscode: on(), KeyPMI: off(), KeyScheduled: off(), KeyWaitingRoom: on(), KeyAuthentication: off(), KeyAutoSecurity: off()}}
	later := h
	later.Settings[KeyPasscode].Seen = now
	if ForecastFor(h).Signature() != ForecastFor(later).Signature() {
		t.Error("when it was seen counts")
	}
	later.Settings[KeyPasscode] = onLocked(LevelGroup, "G")
	if ForecastFor(h).Signature() == ForecastFor(later).Signature() {
		t.Error("a lock does not count")
	}
}

// TestClearIsPredicts walks every combination of settings, locks and previous
// state: a clear is decided exactly where Predict says that it holds and leaves
// the meeting secured, as far as nothing else stands in the way.
func TestClearIsPredicts(t *testing.T) {
	t.Parallel()
	toggles := []Toggle{Unknown, Off, On}
	var all []Setting
	for _, value := range toggles {
		all = append(all, Setting{Value: value}, Setting{Value: value, Lock: Off}, Setting{Value: value, Lock: On, LockLevel: LevelGroup, LockedBy: "G"})
	}
	points, clears := 0, 0
	for i := range 9 * 9 * 9 * 9 * 3 * 3 {
		n := i
		pick := func(of int) int { p := n % of; n /= of; return p }
		f := demanding(func(f *Facts) {
			for _, k := range []Key{KeyPasscode, KeyWaitingRoom, KeyAuthentication, KeyAutoSecurity} {
				f.Host.Settings[k] = all[pick(9)]
			}
			f.Meeting.WaitingRoom, f.Meeting.Authentication = toggles[pick(3)], toggles[pick(3)]
		})
		ask, _ := clearing(&f)
		got := Predict(f.Host, ask, Options{Passcode: On, WaitingRoom: f.Meeting.WaitingRoom, Authentication: f.Meeting.Authentication})
		signIn := got.Authentication == On && (f.Meeting.Authentication == On || f.Host.Settings[KeyAuthentication].lockedOn()) // not one that Zoom would turn on for want of another
		holds := got.Passcode == Off && (got.WaitingRoom == On || signIn)
		pass := f.Host.Settings[KeyPasscode]
		known := pass.Value == Off || pass.Value == On && pass.Lock == Off
		v := Evaluate(f, Policy{Mode: ModeWaitingRoom}, now)
		if (v.Remedy == RemedyClear) != (holds && known) {
			t.Fatalf("remedy %s, Predict %+v, facts %+v", v.Remedy, got, f)
		}
		points++
		if v.Remedy == RemedyClear {
			clears++
		}
	}
	t.Logf("%d points, %d of them clears", points, clears)
}

// TestForced: only what no request can escape counts.
func TestForced(t *testing.T) {
	t.Parallel()
	host := func(change func(*Host)) Forecast {
		h := Host{Plan: PlanPaid, Settings: Settings{KeyPasscode: off(), KeyPMI: off(), KeyScheduled: off(), KeyWaitingRoom: on(), KeyAuthentication: off(), KeyAutoSecurity: off()}}
		change(&h)
		return ForecastFor(h)
	}
	for name, c := range map[string]struct {
		change             func(*Host)
		scheduled, instant bool
	}{
		"off":       {func(*Host) {}, false, false},
		"on":        {func(h *Host) { h.Settings[KeyPasscode] = on() }, false, false},
		"locked on": {func(h *Host) { h.Settings[KeyPasscode] = onLocked(LevelGroup, "G") }, true, true},
		"locked on, instant meetings on too": {func(h *Host) {
			h.Settings[KeyPasscode], h.Settings[KeyInstant] = onLocked(LevelGroup, "G"), on()
		}, true, true},
		"locked on, instant meetings are not": {func(h *Host) {
			h.Settings[KeyPasscode], h.Settings[KeyInstant] = onLocked(LevelGroup, "G"), off()
		}, true, false},
		"by the plan": {func(h *Host) { h.Plan, h.Settings[KeyPasscode] = PlanFree, Setting{Value: On} }, true, true},
	} {
		f := host(c.change)
		if f.Forced(TypeScheduled) != c.scheduled || f.Forced(TypeRecurring) != c.scheduled || f.Forced(TypeInstant) != c.instant {
			t.Errorf("%s: %v, %v; want %v, %v", name, f.Forced(TypeScheduled), f.Forced(TypeInstant), c.scheduled, c.instant)
		}
	}
	if (Forecast{}).Forced(TypeScheduled) {
		t.Error("no forecast forces something")
	}
}
