package passcode

import (
	"go/build"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func on() Setting  { return Setting{Value: On, Lock: Off} }
func off() Setting { return Setting{Value: Off, Lock: Off} }
func onLocked(l Level, by string) Setting {
	return Setting{Value: On, Lock: On, LockLevel: l, LockedBy: by}
}
func offLocked(l Level, by string) Setting {
	return Setting{Value: Off, Lock: On, LockLevel: l, LockedBy: by}
}

// demanding is a scheduled meeting with a readable passcode whose host has
// everything off and nothing locked; each case changes what it is about.
func demanding(change func(*Facts)) Facts {
	f := Facts{
		Meeting: Meeting{Type: TypeScheduled, Status: StatusScheduled, Ends: now.Add(time.Hour),
			Passcode: On, PasscodeReadable: true, WaitingRoom: On, Authentication: Off},
		Host: Host{Plan: PlanPaid, Passcode: off(), Scheduled: off(), WaitingRoom: off(), Authentication: off(), AutoSecurity: off()},
	}
	if change != nil {
		change(&f)
	}
	return f
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	waitingRoom := Policy{Mode: ModeWaitingRoom}
	cases := []struct {
		name     string
		facts    Facts
		policy   Policy
		outcome  Outcome
		remedy   Remedy
		codes    []Code
		missing  FactSet
		sentence string // must be part of it
	}{
		{name: "no passcode",
			facts:   demanding(func(f *Facts) { f.Meeting.Passcode = Off }),
			outcome: OutcomeJoinable, remedy: RemedyNone, sentence: "not asked"},
		{name: "no passcode, host settings never read: still joinable, no call needed",
			facts:   Facts{Meeting: Meeting{Type: TypeScheduled, Passcode: Off}},
			outcome: OutcomeJoinable, remedy: RemedyNone},
		{name: "passcode not known",
			facts:   demanding(func(f *Facts) { f.Meeting.Passcode = Unknown }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockFactMissing}, missing: FactMeeting},
		{name: "passcode not known and over: not worth a call",
			facts:   demanding(func(f *Facts) { f.Meeting.Passcode = Unknown; f.Meeting.Ends = now.Add(-time.Minute) }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockOver}},
		{name: "host setting on, not locked",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn},
			sentence: "the host's passcode setting (meeting_security.meeting_password) is on"},
		{name: "setting off: it was asked for",
			facts:   demanding(nil),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "setting locked off: an old passcode can go",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = offLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "setting off, lock unknown: off never forces",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = Setting{Value: Off} }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "locked on by a group",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = onLocked(LevelGroup, "G1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn},
			sentence: "locked on by group G1; it is kept and known to latchkey; an admin who manages group G1 can unlock it or turn it off."},
		{name: "locked on by the account",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = onLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "an admin of account A1"},
		{name: "locked on and its passcode unreadable",
			facts: demanding(func(f *Facts) {
				f.Host.Passcode = onLocked(LevelGroup, "G1")
				f.Meeting.PasscodeReadable = false
			}),
			outcome: OutcomeDemands, remedy: RemedyImpossible, codes: []Code{CauseLockedOn, BlockUnreadable}, missing: FactMeeting,
			sentence: "cannot do anything about it, since Zoom does not show its passcode"},
		{name: "free plan forces",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanFree; f.Host.Passcode = on() }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePlan}, sentence: "free Zoom plan"},
		{name: "single-host Pro forces",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanProSingleHost }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePlan}, sentence: "Pro plan with one host"},
		{name: "retroactive setting on",
			facts:   demanding(func(f *Facts) { f.Host.Scheduled = on(); f.Host.Passcode = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled}, sentence: "already scheduled meetings"},
		{name: "waiting room locked off, no authentication: a clear would open the meeting",
			facts: demanding(func(f *Facts) {
				f.Host.Passcode = on()
				f.Host.WaitingRoom = offLocked(LevelGroup, "G2")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockLockedOff},
			sentence: "an admin who manages group G2 can unlock it or turn it on"},
		{name: "auto_security left nothing but a passcode",
			facts: demanding(func(f *Facts) {
				f.Host.AutoSecurity = on()
				f.Host.WaitingRoom = offLocked(LevelAccount, "A1")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseAutoSecurity, BlockLockedOff}},
		{name: "waiting room locked off but authentication stays on",
			facts: demanding(func(f *Facts) {
				f.Host.WaitingRoom = offLocked(LevelAccount, "A1")
				f.Meeting.Authentication = On
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "waiting room locked off, authentication locked on",
			facts: demanding(func(f *Facts) {
				f.Host.WaitingRoom = offLocked(LevelAccount, "A1")
				f.Host.Authentication = onLocked(LevelAccount, "A1")
				f.Meeting.Authentication = Unknown
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "waiting room locked off, authentication not known: read the meeting, do not guess",
			facts: demanding(func(f *Facts) {
				f.Host.WaitingRoom = offLocked(LevelAccount, "A1")
				f.Meeting.Authentication = Unknown
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockFactMissing}, missing: FactHost | FactMeeting},
		{name: "waiting room locked on",
			facts:   demanding(func(f *Facts) { f.Host.WaitingRoom = onLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "host settings never read",
			facts:   demanding(func(f *Facts) { f.Host = Host{} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseUnexplained, BlockFactMissing}, missing: FactHost},
		{name: "setting on, lock not known",
			facts:   demanding(func(f *Facts) { f.Host.Passcode = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockFactMissing}, missing: FactHost},
		{name: "contradicting locks",
			facts: demanding(func(f *Facts) {
				f.Host.Passcode = onLocked(LevelGroup, "G1")
				f.Host.Passcode.Contradiction = true
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockContradict}},
		{name: "policy observe never changes a meeting",
			facts:  demanding(func(f *Facts) { f.Host.Passcode = on() }),
			policy: Policy{Mode: ModeObserve}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseSettingOn, BlockPolicy}},
		{name: "running meeting is left alone",
			facts:   demanding(func(f *Facts) { f.Meeting.Status = StatusStarted }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockInProgress}},
		{name: "running past its planned end is still running",
			facts: demanding(func(f *Facts) {
				f.Meeting.Status = StatusStarted
				f.Meeting.Ends = now.Add(-time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockInProgress}},
		{name: "over by time",
			facts:   demanding(func(f *Facts) { f.Meeting.Ends = now.Add(-time.Second) }),
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockOver}},
		{name: "deleted",
			facts:   demanding(func(f *Facts) { f.Meeting.Status = StatusDeleted }),
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockOver}},
		{name: "recurring without fixed time never ends",
			facts: demanding(func(f *Facts) {
				f.Meeting.Type = TypeRecurringNoTime
				f.Meeting.Ends = time.Time{}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "personal meeting id by type",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypePMI }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePMI}, sentence: "personal meeting id"},
		{name: "personal meeting id by use_pmi, host unknown",
			facts:   demanding(func(f *Facts) { f.Meeting.UsesPMI = true; f.Host = Host{} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePMI}},
		{name: "webinar is not ours",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypeWebinar }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockWebinar}},
		{name: "Zoom overwrote a clear",
			facts:   demanding(func(f *Facts) { f.History.Overwritten = true }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockOverwritten}},
		{name: "Zoom refused a clear",
			facts:   demanding(func(f *Facts) { f.History.Refused = true }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockRefused}},
		{name: "contested",
			facts:   demanding(func(f *Facts) { f.History.Undone = 3 }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockContested}},
		{name: "undone twice is not contested",
			facts:   demanding(func(f *Facts) { f.History.Undone = 2 }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "known-passcode: another passcode is there",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Host.Passcode = onLocked(LevelGroup, "G1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedySet, codes: []Code{CauseLockedOn}, sentence: "known beforehand is set"},
		{name: "known-passcode: ours is there",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = On; f.Host.Passcode = on() }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceFixed},
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseSettingOn, BlockKnown}, sentence: "it is the passcode that the policy sets"},
		{name: "known-passcode: not known whether it is ours",
			facts:   demanding(nil),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockFactMissing}, missing: FactHost | FactMeeting},
		{name: "known-passcode: the requirement cannot be met",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Meeting.OursProblem = "only digits are allowed" }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceFixed},
			outcome: OutcomeDemands, remedy: RemedyImpossible, codes: []Code{CauseRequest, BlockRequirement}, sentence: "cannot meet the host's requirement: only digits are allowed"},
		{name: "known-passcode from Zoom: kept, no link breaks",
			facts:   demanding(nil),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceZoom},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest}},
		{name: "known-passcode where passcodes are locked off: cleared",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Host.Passcode = offLocked(LevelAccount, "A1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "known-passcode contested",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.History.Undone = 3 }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockContested}},
		{name: "personal meeting id locked on by a group",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypePMI; f.Host.PMI = onLocked(LevelGroup, "G1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "an admin who manages group G1"},
		{name: "host's daily limit used up",
			facts:   demanding(func(f *Facts) { f.History.HeldUntil = now.Add(time.Hour) }),
			outcome: OutcomeDemands, remedy: RemedyDefer, codes: []Code{CauseRequest, BlockDailyLimit},
			sentence: "not before 2026-11-23T13:00:00Z"},
		{name: "daily limit of yesterday",
			facts:   demanding(func(f *Facts) { f.History.HeldUntil = now.Add(-time.Hour) }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := c.policy
			if p.Mode == "" {
				p = waitingRoom
			}
			v := Evaluate(c.facts, p, now)
			if v.Outcome != c.outcome || v.Remedy != c.remedy || v.Missing != c.missing {
				t.Errorf("got outcome %s, remedy %s, missing %b; want %s, %s, %b", v.Outcome, v.Remedy, v.Missing, c.outcome, c.remedy, c.missing)
			}
			var codes []Code
			for _, r := range v.Reasons {
				codes = append(codes, r.Code)
			}
			if !slices.Equal(codes, c.codes) {
				t.Errorf("reasons %v, want %v", codes, c.codes)
			}
			if s := v.Sentence(); !strings.Contains(s, c.sentence) || !strings.HasSuffix(s, ".") {
				t.Errorf("sentence %q does not hold %q", s, c.sentence)
			}
		})
	}
}

// TestPeopleAreProtected walks random facts and holds Evaluate to the rules
// that protect people (DESIGN section 4), whatever the facts are.
func TestPeopleAreProtected(t *testing.T) {
	t.Parallel()
	toggle := rapid.SampledFrom([]Toggle{Unknown, Off, On})
	setting := rapid.Custom(func(t *rapid.T) Setting {
		s := Setting{Value: toggle.Draw(t, "value"), Lock: toggle.Draw(t, "lock"), Contradiction: rapid.IntRange(0, 9).Draw(t, "contradiction") == 0}
		if s.Lock == On {
			s.LockLevel, s.LockedBy = LevelGroup, "G"
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		f := Facts{
			Meeting: Meeting{
				Type:    MeetingType(rapid.IntRange(0, 10).Draw(t, "type")),
				Status:  rapid.SampledFrom(Statuses()).Draw(t, "status"),
				UsesPMI: rapid.Bool().Draw(t, "pmi"), Ends: now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "ends")) * time.Hour),
				Passcode: toggle.Draw(t, "passcode"), PasscodeReadable: rapid.Bool().Draw(t, "readable"),
				WaitingRoom: toggle.Draw(t, "wr"), Authentication: toggle.Draw(t, "auth"),
			},
			Host: Host{
				Plan:     rapid.SampledFrom([]Plan{PlanUnknown, PlanFree, PlanProSingleHost, PlanPaid}).Draw(t, "plan"),
				Passcode: setting.Draw(t, "passcode setting"), Scheduled: setting.Draw(t, "scheduled"),
				WaitingRoom: setting.Draw(t, "wr setting"), Authentication: setting.Draw(t, "auth setting"), AutoSecurity: setting.Draw(t, "auto"),
			},
			History: History{Overwritten: rapid.Bool().Draw(t, "overwritten"), Undone: rapid.IntRange(0, 4).Draw(t, "undone")},
		}
		p := Policy{Mode: rapid.SampledFrom(Modes()).Draw(t, "policy"), Source: rapid.SampledFrom(Sources()).Draw(t, "source")}
		f.Meeting.Ours = toggle.Draw(t, "ours")
		v := Evaluate(f, p, now)
		if !slices.Contains(Outcomes(), v.Outcome) || !slices.Contains(Remedies(), v.Remedy) {
			t.Fatalf("%+v is outside the closed sets", v)
		}
		if v.Outcome != OutcomeJoinable && len(v.Reasons) == 0 {
			t.Fatal("a verdict without a reason")
		}
		if strings.Contains(v.Sentence(), "%!") {
			t.Fatalf("broken sentence %q", v.Sentence())
		}
		h, m := f.Host, f.Meeting
		if v.Remedy == RemedySet && (p.Mode != ModeKnownPasscode || m.Status != StatusScheduled || m.Ends.Before(now) || m.UsesPMI || m.Type == TypePMI || m.Ours != Off || h.Passcode.Value != On && h.Passcode.Lock != Off || h.Passcode.Contradiction || v.Missing.Has(FactMeeting)) {
			t.Fatalf("sets a passcode that it must not set: %+v", f)
		}
		if v.Remedy != RemedyClear {
			return
		}
		switch {
		case v.Outcome != OutcomeDemands, v.Missing != 0:
			t.Fatalf("clears on missing facts: %+v", v)
		case p.Mode == ModeObserve, p.Mode == ModeKnownPasscode && !h.Passcode.lockedOff():
			t.Fatal("clears against the policy")
		case m.Status != StatusScheduled, m.Ends.Before(now), m.UsesPMI, m.Type == TypePMI, m.Type.IsWebinar():
			t.Fatalf("clears a meeting it must not touch: %+v", m)
		case h.Plan.ForcesPasscode(), h.Passcode.Lock == On && h.Passcode.Value == On:
			t.Fatal("clears a passcode that Zoom forces")
		case f.History.Overwritten, f.History.Undone >= ContestedAfter:
			t.Fatal("fights")
		}
		waitingRoom := h.WaitingRoom.Value == On || h.WaitingRoom.Lock == Off
		authentication := m.Authentication == On && h.Authentication.Lock == Off || h.Authentication.Value == On && h.Authentication.Lock == On
		if !waitingRoom && !authentication {
			t.Fatalf("leaves the meeting without a security option: %+v", f)
		}
	})
}

func TestSentencesSayEveryCode(t *testing.T) {
	t.Parallel()
	for _, c := range []Code{CauseLockedOn, CauseSettingOn, CauseScheduled, CausePlan, CauseAutoSecurity, CausePMI, CauseRequest, CauseUnexplained,
		BlockLockedOff, BlockContradict, BlockFactMissing, BlockOverwritten, BlockRefused, BlockContested, BlockDailyLimit, BlockPolicy, BlockInProgress, BlockOver, BlockWebinar, BlockUnreadable, BlockKnown, BlockRequirement} {
		if s := (Reason{Code: c}).Sentence(); s == string(c) {
			t.Errorf("code %s has no sentence", c)
		}
	}
}

func TestFingerprintChangesWithAnyDecidingFact(t *testing.T) {
	t.Parallel()
	base := demanding(nil).Host
	seenLater := base
	seenLater.Passcode.Seen = now
	if base.Fingerprint() != seenLater.Fingerprint() {
		t.Error("when it was seen must not count")
	}
	for name, change := range map[string]func(*Host){
		"plan": func(h *Host) { h.Plan = PlanFree }, "value": func(h *Host) { h.Passcode.Value = On },
		"lock": func(h *Host) { h.WaitingRoom.Lock = On }, "who": func(h *Host) { h.Scheduled.LockedBy = "G" },
	} {
		h := base
		change(&h)
		if h.Fingerprint() == base.Fingerprint() {
			t.Errorf("%s does not count", name)
		}
	}
}

// TestPure holds the package to its promise: nothing of ours, no I/O libraries.
func TestPure(t *testing.T) {
	t.Parallel()
	pkg, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, imp := range pkg.Imports {
		if strings.HasPrefix(imp, "latchkey/") || strings.Contains(imp, ".") || imp == "net/http" || imp == "os" {
			t.Errorf("internal/passcode imports %s", imp)
		}
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for name, f := range map[string]Facts{
		"nothing-to-change": demanding(func(f *Facts) { f.Meeting.Passcode = Off }),
		"clear":             demanding(func(f *Facts) { f.Host.Passcode = on() }),
		"keep":              demanding(func(f *Facts) { f.Host.Passcode = onLocked(LevelGroup, "G1") }),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Evaluate(f, Policy{Mode: ModeWaitingRoom}, now)
			}
		})
	}
}

func TestNothingToChangeDoesNotAllocate(t *testing.T) {
	f := demanding(func(f *Facts) { f.Meeting.Passcode = Off })
	if n := testing.AllocsPerRun(100, func() { Evaluate(f, Policy{Mode: ModeWaitingRoom}, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
