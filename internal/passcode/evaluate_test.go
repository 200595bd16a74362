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

const day = 24 * time.Hour

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
		Host: Host{Plan: PlanPaid, Settings: Settings{KeyPasscode: off(), KeyScheduled: off(), KeyWaitingRoom: off(),
			KeyAuthentication: off(), KeyAutoSecurity: off()}},
	}
	if change != nil {
		change(&f)
	}
	return f
}

// opened is a meeting that latchkey stripped and that nothing secures now.
func opened(change func(*Facts)) Facts {
	f := demanding(func(f *Facts) {
		f.Meeting.Passcode, f.Meeting.PasscodeReadable, f.Meeting.WaitingRoom, f.Meeting.Authentication = Off, false, Off, Off
		f.History.Stripped, f.History.CanRestore = true, true
	})
	if change != nil {
		change(&f)
	}
	return f
}

// series is a weekly meeting with a passcode that nothing forces.
func series(change func(*Facts)) Facts {
	return demanding(func(f *Facts) {
		f.Meeting.Type = TypeRecurring
		if change != nil {
			change(f)
		}
	})
}

// seenWithout is a meeting on which bob put a passcode, an hour after it was seen
// without one.
func seenWithout(change func(*Facts)) Facts {
	return demanding(func(f *Facts) {
		f.Meeting.SeenWithout, f.Meeting.SetBy = now.Add(-time.Hour), "bob@example.com"
		change(f)
	})
}

// attempted is a meeting of which a change failed that rested on the facts of
// now, under policy waiting-room.
func attempted(r Remedy, ask Request, a Attempt) Facts {
	f := demanding(nil)
	a.Under = AttemptKey(f, Policy{Mode: ModeWaitingRoom}, r, ask)
	f.History.Attempts = []Attempt{a}
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
		sentence string  // must be part of it
		ask      Request // where it matters
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
			facts:   demanding(func(f *Facts) { f.Meeting.Passcode = Unknown; f.Meeting.Ends = now.Add(-31 * day) }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockOver}},
		{name: "host setting on, not locked",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn},
			sentence: `because "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is on for the host; nothing forces it, so latchkey removes it and uses the waiting room`},
		{name: "setting off: it was asked for",
			facts:   demanding(nil),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "setting locked off: an old passcode can go",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = offLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "setting off, lock unknown: off never forces",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = Setting{Value: Off} }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "locked on by a group",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn},
			sentence: "locked on by group G1; latchkey keeps it and `latchkey passcode` gives it; an admin who manages group G1 can unlock that setting, and latchkey then checks again."},
		{name: "locked on by the account",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = onLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "locked on by the account; latchkey keeps it and `latchkey passcode` gives it; an admin of the account can unlock"},
		{name: "locked on and its passcode unreadable",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1")
				f.Meeting.PasscodeReadable = false
			}),
			outcome: OutcomeDemands, remedy: RemedyImpossible, codes: []Code{CauseLockedOn, BlockUnreadable}, missing: FactMeeting,
			sentence: "does not know it, since Zoom does not reveal the passcode to this app"},
		{name: "free plan forces",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanFree; f.Host.Settings[KeyPasscode] = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePlan}, sentence: "Zoom's free plan always has passcodes on; latchkey keeps it and `latchkey passcode` gives it; a paid plan changes that."},
		{name: "under the PMI, whose setting asks only where people may join before the host",
			facts: demanding(func(f *Facts) {
				f.Meeting.UsesPMI = true
				f.Host.Settings[KeyPMI], f.Host.Settings[KeyPMIJoin] = off(), on()
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePMIJoin}, sentence: "people may join before the host, and \"Only PMI meetings with Join Before Host enabled\""},
		{name: "single-host Pro forces",
			facts: demanding(func(f *Facts) {
				f.Host.Plan = PlanProSingleHost
				f.Host.Settings[KeyPasscode] = Setting{Value: On, Lock: On}
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePlan}, sentence: "the account has one licensed user and passcodes locked on, which Zoom does not let such accounts turn off"},
		{name: "single-host Pro, and the account locks it: perhaps the plan does",
			facts: demanding(func(f *Facts) {
				f.Host.Plan = PlanProSingleHost
				f.Host.Settings[KeyPasscode] = onLocked(LevelAccount, "A")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "is locked on by the account; latchkey keeps it and `latchkey passcode` gives it; an admin of the account can unlock that setting, and latchkey then checks again, unless the plan holds it: the account has one licensed user."},
		{name: "single-host Pro, and the setting reads off",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanProSingleHost }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "single-host Pro, and nothing locks the setting",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanProSingleHost; f.Host.Settings[KeyPasscode] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn}},
		{name: "single-host Pro, and a group locks it",
			facts: demanding(func(f *Facts) {
				f.Host.Plan = PlanProSingleHost
				f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "locked on by group G1"},
		{name: "free plan, and the setting reads off",
			facts:   demanding(func(f *Facts) { f.Host.Plan = PlanFree }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "an instant meeting: its own setting, not the one for new meetings",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypeInstant; f.Host.Settings[KeyInstant] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn}, sentence: `"Require a passcode for instant meetings" (schedule_meeting.require_password_for_instant_meetings) is on for the host`},
		{name: "an instant meeting whose own setting is off",
			facts: demanding(func(f *Facts) {
				f.Meeting.Type = TypeInstant
				f.Host.Settings[KeyInstant], f.Host.Settings[KeyPasscode] = off(), onLocked(LevelGroup, "G")
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "an instant meeting is never one that was scheduled already",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypeInstant; f.Host.Settings[KeyScheduled] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "made after the sub-option was turned on",
			facts: demanding(func(f *Facts) {
				f.Meeting.Created = now
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyScheduled] = on(), on()
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, At: now.Add(-time.Hour)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn}},
		{name: "turned on since the settings were read: it is on, not was",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyScheduled].Seen = now.Add(-time.Minute)
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, Who: "eve@example.com", At: now.Add(-time.Second)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled}, sentence: "already been scheduled\" (meeting_security.require_password_for_scheduled_meeting) is on for the host (eve@example.com"},
		{name: "locked on since the locks were read",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode].Seen = now.Add(-time.Minute)
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", Lock: true, At: now.Add(-time.Second)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseLockedOn}, sentence: "is locked on by group G1"},
		{name: "made before the sub-option was turned on",
			facts: demanding(func(f *Facts) {
				f.Meeting.Created = now.Add(-2 * time.Hour)
				f.Host.Settings[KeyScheduled] = on()
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, Who: "eve@example.com", At: now.Add(-time.Hour)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled}, sentence: "eve@example.com"},
		{name: "retroactive setting on",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyScheduled] = on(); f.Host.Settings[KeyPasscode] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn, CauseScheduled},
			sentence: `is on for the host (and with it "Require a passcode for meetings which have already been scheduled"); nothing forces it`},
		{name: "retroactive setting on alone",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyScheduled] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled}},
		{name: "an instant meeting was never scheduled before",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyScheduled], f.Host.Settings[KeyPasscode] = on(), on()
				f.Meeting.Type = TypeInstant
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn}},
		{name: "waiting room locked off, no authentication: a clear would open the meeting",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = on()
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelGroup, "G2")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockLockedOff},
			sentence: `since without the passcode anybody could walk in: "Waiting Room" (meeting_security.waiting_room) is locked off by group G2; an admin who manages group G2 can unlock or turn on that setting.`},
		{name: "auto_security left nothing but a passcode",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyAutoSecurity] = on()
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseAutoSecurity, BlockLockedOff}},
		{name: "waiting room locked off but authentication stays on",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1")
				f.Meeting.Authentication = On
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}, sentence: "latchkey removes it; sign-in to Zoom, which is on, secures the meeting."},
		{name: "waiting room locked off, authentication locked on",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1")
				f.Host.Settings[KeyAuthentication] = onLocked(LevelAccount, "A1")
				f.Meeting.Authentication = Unknown
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "waiting room locked off, authentication not known: read the meeting, do not guess",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1")
				f.Meeting.Authentication = Unknown
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockFactMissing}, missing: FactHost | FactMeeting},
		{name: "waiting room locked on",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyWaitingRoom] = onLocked(LevelAccount, "A1") }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "host settings never read",
			facts:   demanding(func(f *Facts) { f.Host = Host{} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseUnexplained, BlockFactMissing}, missing: FactHost},
		{name: "setting on, lock not known",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockFactMissing}, missing: FactHost},
		{name: "contradicting locks",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1")
				f.Host.Settings[KeyPasscode].Contradiction, f.Host.Settings[KeyPasscode].Against = true, "locksoff"
				f.Host.Settings[KeyPasscode].LockedByName = "lockson"
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockContradict},
			sentence: `since group "lockson" and "locksoff" lock "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) differently, and which one Zoom follows is not documented; an admin must make both alike`},
		{name: "a group is named by its name",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1")
				f.Host.Settings[KeyPasscode].LockedByName = "Sales EMEA"
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: `locked on by group "Sales EMEA"; latchkey`},
		{name: "whether it is locked is not known",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseSettingOn, BlockFactMissing}, missing: FactHost,
			sentence: "is on for the host, and latchkey does not know whether an admin locked it; latchkey keeps it"},
		{name: "the passcode could not be put back: not begun",
			facts:   demanding(func(f *Facts) { f.Meeting.PasscodeReadable = false }),
			outcome: OutcomeDemands, remedy: RemedyImpossible, codes: []Code{CauseRequest, BlockUnreadable}, missing: FactMeeting},
		{name: "its characters could not be put back: not begun",
			facts:   demanding(func(f *Facts) { f.Meeting.Unrestorable = true }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockUnrestorable}},
		{name: "policy observe never changes a meeting",
			facts:  demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }),
			policy: Policy{Mode: ModeObserve}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseSettingOn, BlockPolicy},
			sentence: "nothing is changed, since the policy is to observe only; policy waiting-room would remove it."},
		{name: "policy observe says what a running meeting is like, and no more",
			facts:  demanding(func(f *Facts) { f.Meeting.Status = StatusStarted }),
			policy: Policy{Mode: ModeObserve}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockPolicy}},
		{name: "running meeting is left alone",
			facts:   demanding(func(f *Facts) { f.Meeting.Status = StatusStarted }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockInProgress}},
		{name: "running past its planned end is still running",
			facts: demanding(func(f *Facts) {
				f.Meeting.Status = StatusStarted
				f.Meeting.Ends = now.Add(-time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockInProgress}},
		{name: "past its planned end: the number still lets people in",
			facts:   demanding(func(f *Facts) { f.Meeting.Ends = now.Add(-29 * day) }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "over by time",
			facts:   demanding(func(f *Facts) { f.Meeting.Ends = now.Add(-30*day - time.Second) }),
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockOver}},
		{name: "deleted",
			facts:   demanding(func(f *Facts) { f.Meeting.Status = StatusDeleted }),
			outcome: OutcomeGone, remedy: RemedyNone, codes: []Code{BlockDeleted, CauseRequest},
			sentence: "The meeting was deleted; its number leads nowhere. It had a passcode because"},
		{name: "Zoom does not know it, believed",
			facts: demanding(func(f *Facts) {
				f.Meeting.Status, f.Meeting.NotFound, f.Meeting.Passcode = StatusDeleted, true, Unknown
			}),
			outcome: OutcomeGone, remedy: RemedyNone, codes: []Code{BlockNotFound}, sentence: "Zoom does not know this meeting: deleted, expired, or another account's."},
		{name: "Zoom does not know it, not believed yet",
			facts:   demanding(func(f *Facts) { f.Meeting.NotFound, f.Meeting.Passcode = true, Unknown }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockNotFound}, missing: FactMeeting},
		{name: "an instant meeting that ended",
			facts:   demanding(func(f *Facts) { f.Meeting.Status = StatusEnded }),
			outcome: OutcomeGone, remedy: RemedyNone, codes: []Code{BlockOver, CauseRequest}},
		{name: "recurring without fixed time never ends",
			facts: demanding(func(f *Facts) {
				f.Meeting.Type = TypeRecurringNoTime
				f.Meeting.Ends = time.Time{}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "personal meeting id by type",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypePMI }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePMI}, sentence: "it uses the host's Personal Meeting ID, which has a passcode of its own"},
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
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedySet, codes: []Code{CauseLockedOn}, sentence: "latchkey sets a passcode that is known beforehand instead"},
		{name: "known-passcode: ours is there",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = On; f.Host.Settings[KeyPasscode] = on() }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceFixed},
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseSettingOn, BlockKnown}, sentence: ": it is the passcode that the policy sets."},
		{name: "known-passcode: not known whether it is ours",
			facts:   demanding(nil),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockFactMissing}, missing: FactHost | FactMeeting},
		{name: "known-passcode: the requirement cannot be met",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Meeting.OursProblem = "only digits are allowed" }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceFixed},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockRequirement},
			sentence: "gives it, since latchkey's passcode cannot meet the host's requirement: only digits are allowed; the host or an admin can change \"Passcode Requirement\""},
		{name: "known-passcode from Zoom: kept, no link breaks",
			facts:   demanding(nil),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceZoom},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest}},
		{name: "known-passcode where passcodes are locked off and ours is there: it stays",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = On; f.Host.Settings[KeyPasscode] = offLocked(LevelAccount, "A1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockKnown}},
		{name: "known-passcode from Zoom where passcodes are locked off: kept",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = offLocked(LevelAccount, "A1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceZoom},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest}},
		{name: "known-passcode where passcodes are locked off: never cleared",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.Host.Settings[KeyPasscode] = offLocked(LevelAccount, "A1") }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockPasscodesLockedOff}},
		{name: "known-passcode contested",
			facts:   demanding(func(f *Facts) { f.Meeting.Ours = Off; f.History.Undone = 3 }),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockContested}},
		{name: "personal meeting id locked on by a group",
			facts:   demanding(func(f *Facts) { f.Meeting.Type = TypePMI; f.Host.Settings[KeyPMI] = onLocked(LevelGroup, "G1") }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}, sentence: "an admin who manages group G1"},
		{name: "host's daily limit used up",
			facts: demanding(func(f *Facts) {
				f.History.HeldUntil, f.Meeting.Starts, f.Meeting.Ends = now.Add(time.Hour), now.Add(2*time.Hour), now.Add(3*time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyDefer, codes: []Code{CauseRequest, BlockDailyLimit},
			sentence: "latchkey tries again at 23 Nov 13:00 UTC, since Zoom allows 100 meeting changes for each host and UTC day"},
		{name: "host's daily limit used up until after the meeting: kept, not promised",
			facts: demanding(func(f *Facts) {
				f.History.HeldUntil, f.Meeting.Starts = now.Add(12*time.Hour), now.Add(time.Hour)
				f.Meeting.Ends = now.Add(2 * time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockTooLate},
			sentence: "they are used up, and the meeting is before midnight UTC"},
		{name: "host's daily limit used up until after a series' first date: its later dates gain by it",
			facts: demanding(func(f *Facts) {
				f.Meeting.Type = TypeRecurring
				f.History.HeldUntil, f.Meeting.Starts, f.Meeting.Ends = now.Add(12*time.Hour), now.Add(time.Hour), now.Add(100*time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyDefer, codes: []Code{CauseRequest, BlockDailyLimit}},
		{name: "Zoom was busy a moment ago",
			facts: attempted(RemedyClear, Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn},
				Attempt{Result: AttemptBusy, Again: now.Add(10 * time.Minute)}),
			outcome: OutcomeDemands, remedy: RemedyDefer, codes: []Code{CauseRequest, BlockBusy}},
		{name: "Zoom was busy, long ago",
			facts: attempted(RemedyClear, Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn},
				Attempt{Result: AttemptBusy, Again: now.Add(-time.Minute)}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "an overwritten clear is remembered under what it rested on",
			facts: attempted(RemedyClear, Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn},
				Attempt{Result: AttemptOverwritten}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockOverwritten},
			sentence: "since Zoom answered yes to the removal and a passcode is still there"},
		{name: "an overwritten clear does not block a set",
			facts: func() Facts {
				f := attempted(RemedyClear, Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}, Attempt{Result: AttemptOverwritten})
				f.Meeting.Ours = Off
				return f
			}(),
			policy:  Policy{Mode: ModeKnownPasscode, Source: SourceDerived},
			outcome: OutcomeDemands, remedy: RemedySet, codes: []Code{CauseRequest}},
		{name: "the setting went back: the recorded change explains it",
			facts: demanding(func(f *Facts) {
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", ByName: "Sales", Lock: true, Who: "admin@acme.example", At: now.Add(-time.Hour)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn},
			sentence: `was locked on for group "Sales" (admin@acme.example, 23 Nov 11:00 UTC) before the passcode appeared, and is not any more`},
		{name: "the setting went back: the verdict before explains it",
			facts: demanding(func(f *Facts) {
				f.History.Earlier = Reason{Code: CauseLockedOn, Path: KeyPasscode.Path(), Level: LevelAccount, By: "A1", Locked: true}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}, sentence: "was locked on for the account before"},

		{name: "open, and latchkey never touched it: shown, not changed",
			facts:   opened(func(f *Facts) { f.History.Stripped = false }),
			outcome: OutcomeUnsecured, remedy: RemedyNone, codes: []Code{CauseOpen, BlockNotOurs}, sentence: "The meeting is open to anybody"},
		{name: "open after our removal: the waiting room goes on",
			facts:   opened(nil),
			outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseOpen}, sentence: "latchkey removed its passcode and now turns the waiting room on."},
		{name: "open, waiting room locked off: the passcode goes back",
			facts:   opened(func(f *Facts) { f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1") }),
			outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseOpen}, sentence: "now puts it back"},
		{name: "open, waiting room locked off, the passcode not remembered",
			facts: opened(func(f *Facts) {
				f.Host.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A1")
				f.History.CanRestore = false
			}),
			outcome: OutcomeUnsecured, remedy: RemedyImpossible, codes: []Code{CauseOpen, BlockLockedOff}, sentence: "have the waiting room unlocked, or set a passcode, now"},
		{name: "open, and the removal had asked for the waiting room in vain: straight to the passcode",
			facts: opened(func(f *Facts) {
				ask := Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}
				f.History.Attempts = []Attempt{{Result: AttemptOpened, AskedRoom: true, Under: AttemptKey(*f, Policy{Mode: ModeWaitingRoom}, RemedyClear, ask)}}
			}),
			outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseOpen}, sentence: "now puts it back"},
		{name: "open and in progress: not touched, said",
			facts:   opened(func(f *Facts) { f.Meeting.Status = StatusStarted }),
			outcome: OutcomeUnsecured, remedy: RemedyNone, codes: []Code{CauseOpen, BlockInProgress}},
		{name: "open under observe: not touched",
			facts: opened(nil), policy: Policy{Mode: ModeObserve},
			outcome: OutcomeUnsecured, remedy: RemedyNone, codes: []Code{CauseOpen, BlockPolicy}},
		{name: "open and contested: no fights",
			facts:   opened(func(f *Facts) { f.History.Undone, f.History.UndoneBy = 3, "undo@acme.example" }),
			outcome: OutcomeUnsecured, remedy: RemedyNone, codes: []Code{CauseOpen, BlockContested}, sentence: "was undone 3 times within a day, and latchkey stopped; the meeting was last touched by undo@acme.example"},
		{name: "no passcode, waiting room not known: joinable without a call",
			facts: demanding(func(f *Facts) {
				f.Meeting.Passcode, f.Meeting.WaitingRoom, f.Meeting.Authentication = Off, Unknown, Unknown
			}),
			outcome: OutcomeJoinable, remedy: RemedyNone},
		{name: "no passcode, waiting room not known, and we removed it: look",
			facts:   opened(func(f *Facts) { f.Meeting.WaitingRoom, f.Meeting.Authentication = Unknown, Unknown }),
			outcome: OutcomeJoinable, remedy: RemedyNone, missing: FactMeeting},
		{name: "signing in secures it",
			facts:   opened(func(f *Facts) { f.Meeting.Authentication = On }),
			outcome: OutcomeJoinable, remedy: RemedyNone},
		{name: "a series whose dates were not looked at: look first",
			facts:   series(nil),
			outcome: OutcomeDemands, remedy: RemedyKeep, missing: FactDates, codes: []Code{CauseRequest, BlockFactMissing}, sentence: "has not looked yet whether the waiting room is on for each of its dates"},
		{name: "a series with the waiting room on for each date",
			facts:   series(func(f *Facts) { f.Meeting.Dates = On }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "a series with one date whose waiting room is off",
			facts:   series(func(f *Facts) { f.Meeting.Dates, f.Meeting.DateOpen = Off, "1 Dec 10:00 UTC" }),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockDateOpen},
			sentence: "since without the passcode anybody could walk in on one of its dates, 1 Dec 10:00 UTC, since the waiting room is off then; the host can turn the waiting room on for that date, and latchkey then checks again"},
		{name: "a series that asks for sign-in: on each date",
			facts:   series(func(f *Facts) { f.Meeting.Authentication = On }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "a series with its waiting room off: the removal asks for it, and the dates are looked at after it",
			facts:   series(func(f *Facts) { f.Meeting.WaitingRoom = Off }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "we opened one date: the passcode goes back",
			facts: opened(func(f *Facts) {
				f.Meeting.Type, f.Meeting.WaitingRoom, f.Meeting.Dates, f.Meeting.DateOpen = TypeRecurring, On, Off, "1 Dec 10:00 UTC"
			}),
			outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseDateOpen}, sentence: "on one of its dates, 1 Dec 10:00 UTC, its waiting room is off; latchkey removed its passcode and now puts it back."},
		{name: "Zoom would turn sign-in on, which nobody asked for",
			facts: demanding(func(f *Facts) {
				f.Meeting.WaitingRoom = Off
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyWaitingRoom], f.Host.Settings[KeyAutoSecurity] = offLocked(LevelGroup, "G1"), offLocked(LevelGroup, "G1"), on()
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseAutoSecurity, BlockLockedOff}, sentence: "since without the passcode Zoom would make everybody sign in: \"Waiting Room\" (meeting_security.waiting_room) is locked off by group G1"},
		{name: "made by API, every setting off: the caller sent it",
			facts:   demanding(func(f *Facts) { f.Meeting.Source = SourceOpenAPI }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseCaller}, sentence: "because whoever made it by API, or their client library, sent a passcode; nothing forces it"},
		{name: "made by API, the setting on, and the passcode is none that Zoom makes up: not the setting's fault",
			facts: demanding(func(f *Facts) {
				f.Meeting.Source, f.Meeting.Generated, f.Host.Settings[KeyPasscode] = SourceOpenAPI, Off, on()
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseCaller}, sentence: "sent a passcode: it is not of the kind that Zoom makes up; nothing forces it"},
		{name: "made by API, the setting on, and what kind of passcode it is cannot be told: both",
			facts: demanding(func(f *Facts) {
				f.Meeting.Source, f.Host.Settings[KeyPasscode] = SourceOpenAPI, on()
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn, CauseCaller}, sentence: "is on for the host, or because whoever made it by API, or their client library, sent a passcode"},
		{name: "made by API, the setting on, and Zoom makes up such passcodes: the setting",
			facts: demanding(func(f *Facts) {
				f.Meeting.Source, f.Meeting.Generated, f.Host.Settings[KeyPasscode] = SourceOpenAPI, On, on()
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSettingOn, CauseCaller}, sentence: "is on for the host; nothing forces it"},
		{name: "made by API, and locked on: the lock, whatever the caller sent",
			facts: demanding(func(f *Facts) {
				f.Meeting.Source, f.Meeting.Generated, f.Host.Settings[KeyPasscode] = SourceOpenAPI, Off, onLocked(LevelGroup, "G1")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}},
		{name: "made in the portal: whoever made it asked for one",
			facts:   demanding(func(f *Facts) { f.Meeting.Source, f.Meeting.Generated = "web_portal", Off }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "the setting on, and the meeting was there without one: somebody put it on (Z-RULE-5)",
			facts: demanding(func(f *Facts) {
				f.Meeting.SeenWithout, f.Meeting.SetBy, f.Host.Settings[KeyPasscode] = now.Add(-time.Hour), "bob@example.com", on()
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}, sentence: "because bob@example.com put one on the meeting after 23 Nov 2026 11:00 UTC, when it had none; nothing forces it"},
		{name: "made by API without one, every setting off: not the caller's doing, and nobody was named",
			facts: demanding(func(f *Facts) {
				f.Meeting.Source, f.Meeting.Generated, f.Meeting.SeenWithout = SourceOpenAPI, Off, now.Add(-time.Hour)
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}, sentence: "because somebody put one on the meeting after"},
		{name: "seen without one, and locked on: the lock",
			facts: demanding(func(f *Facts) {
				f.Meeting.SeenWithout, f.Meeting.SetBy, f.Host.Settings[KeyPasscode] = now.Add(-time.Hour), "bob@example.com", onLocked(LevelGroup, "G1")
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseLockedOn}},
		{name: "seen without one, and the sub-option for scheduled meetings was turned on since: that",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyScheduled] = on(), on()
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled}, sentence: "is on for the host (amy@example.com, 23 Nov 11:30 UTC)"},
		{name: "seen without one, and the sub-option was on then: somebody",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyScheduled] = on(), on()
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, Who: "amy@example.com", At: now.Add(-2 * time.Hour)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}},
		{name: "seen without one just after the sub-option was turned on: both",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyScheduled] = on()
				f.History.Changes = []PastChange{{Key: KeyScheduled, Level: LevelHost, Who: "amy@example.com", At: now.Add(-65 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled, CauseSetLater}},
		{name: "seen without one under a lock that went since: the lock, with the next change",
			facts: seenWithout(func(f *Facts) {
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", Lock: true, At: now.Add(-2 * time.Hour), Until: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}},
		{name: "a passcode that took the place of one that a lock had Zoom make: the lock",
			facts: seenWithout(func(f *Facts) {
				f.Meeting.Generated = Off
				f.History.Earlier = Reason{Code: CauseWasOn, Path: KeyPasscode.Path(), Level: LevelGroup, By: "G1", Value: On, Locked: true}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}},
		{name: "seen without one, and since when the sub-option is on is not known: both",
			facts:   seenWithout(func(f *Facts) { f.Host.Settings[KeyScheduled] = on() }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseScheduled, CauseSetLater}, sentence: "is on for the host, or because bob@example.com put one on"},
		{name: "seen without one, the sub-option on, and the passcode is none that Zoom makes up: somebody",
			facts:   seenWithout(func(f *Facts) { f.Host.Settings[KeyScheduled], f.Meeting.Generated = on(), Off }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}},
		{name: "seen without one, the waiting room locked off and one option required: Zoom made it (Z-RULE-6)",
			facts: seenWithout(func(f *Facts) {
				f.Meeting.WaitingRoom = Off
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyWaitingRoom], f.Host.Settings[KeyAutoSecurity] = on(), offLocked(LevelGroup, "G1"), on()
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseAutoSecurity, BlockLockedOff}},
		{name: "seen without one, one option required and the waiting room free: somebody",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyAutoSecurity] = on()
				f.History.Changes = []PastChange{{Key: KeyAutoSecurity, Level: LevelHost, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}},
		{name: "seen without one, a lock that came and went before: somebody",
			facts: seenWithout(func(f *Facts) {
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", Lock: true, Who: "amy@example.com", At: now.Add(-2 * time.Hour)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}},
		{name: "seen without one, locked on for a while since, and the value is on still: the lock",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = on()
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", Lock: true, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}, sentence: "was locked on for group G1 (amy@example.com, 23 Nov 11:30 UTC) before the passcode appeared, and is not any more"},
		{name: "seen without one, and the verdict before named a lock of which no change is recorded: that",
			facts: seenWithout(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = on()
				f.History.Earlier = Reason{Code: CauseLockedOn, Path: KeyPasscode.Path(), Level: LevelGroup, By: "G1", Value: On, Locked: true}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}, sentence: "was locked on for group G1 before"},
		{name: "seen without one, and the verdict before named the plan",
			facts:   seenWithout(func(f *Facts) { f.History.Earlier = Reason{Code: CausePlan, Level: LevelPlan, By: "free"} }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}, sentence: "because the plan that the account had when the passcode appeared"},
		{name: "seen without one, and whether it is locked is not known: both",
			facts:   seenWithout(func(f *Facts) { f.Host.Settings[KeyPasscode] = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, missing: FactHost, codes: []Code{CauseSettingOn, CauseSetLater, BlockFactMissing}, sentence: "does not know whether an admin locked it, or because bob@example.com put one on"},
		{name: "an option that is required still is not said to be so no more",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyAutoSecurity] = on()
				f.History.Changes = []PastChange{{Key: KeyAutoSecurity, Level: LevelHost, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "seen without one, the setting was turned on since and is off again: it adds none to such a meeting",
			facts: demanding(func(f *Facts) {
				f.Meeting.SeenWithout = now.Add(-time.Hour)
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelHost, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
				f.History.Earlier = Reason{Code: CauseSettingOn, Path: KeyPasscode.Path(), Level: LevelHost, Value: On}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseSetLater}},
		{name: "seen without one, it was locked on for a while since: that",
			facts: demanding(func(f *Facts) {
				f.Meeting.SeenWithout = now.Add(-time.Hour)
				f.History.Changes = []PastChange{{Key: KeyPasscode, Level: LevelGroup, By: "G1", Lock: true, Who: "amy@example.com", At: now.Add(-30 * time.Minute)}}
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseWasOn}},
		{name: "seen without one, and the settings cannot be read: it cannot be told",
			facts: demanding(func(f *Facts) {
				f.Meeting.SeenWithout, f.Host.Settings[KeyPasscode] = now.Add(-time.Hour), Setting{}
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseUnexplained, BlockFactMissing}, missing: FactHost},
		{name: "deleted, and who put it on was known",
			facts: seenWithout(func(f *Facts) {
				f.Meeting.Status, f.Host = StatusDeleted, Host{}
				f.History.Earlier = Reason{Code: CauseSetLater, Path: "password", Level: LevelMeeting, Value: On, ChangedBy: "bob@example.com", ChangedAt: now.Add(-time.Hour)}
			}),
			outcome: OutcomeGone, remedy: RemedyNone, codes: []Code{BlockDeleted, CauseSetLater}, sentence: "It had a passcode because bob@example.com put one on"},
		{name: "held: explained, not changed, and what would be done is said",
			facts:  demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }),
			policy: Policy{Mode: ModeWaitingRoom, Hold: Hold{Of: HoldAll, By: "ada", Why: "incident 4711", Until: now.Add(time.Hour)}}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseSettingOn, BlockHeld},
			sentence: `is on for the host; nothing is changed, since ada holds everything until 23 Nov 13:00 UTC ("incident 4711"); once that is over latchkey would remove it.`},
		{name: "held, and a lock forces it anyway",
			facts:  demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1") }),
			policy: Policy{Mode: ModeWaitingRoom, Hold: Hold{Of: HoldHost, By: "ada"}}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseLockedOn, BlockHeld},
			sentence: "since ada holds all meetings of the host; once that is over latchkey would keep it and make it known."},
		{name: "held, and open since latchkey removed the passcode: not touched either",
			facts: demanding(func(f *Facts) {
				f.Meeting.Passcode, f.Meeting.WaitingRoom, f.Meeting.Authentication, f.History.Stripped = Off, Off, Off, true
			}),
			policy: Policy{Mode: ModeWaitingRoom, Hold: Hold{Of: HoldMeeting, By: "ada"}}, outcome: OutcomeUnsecured, remedy: RemedyNone, codes: []Code{CauseOpen, BlockHeld},
			sentence: "nothing is changed, since ada holds the meeting."},
		{name: "held, and the policy is to observe: that",
			facts:  demanding(nil),
			policy: Policy{Mode: ModeObserve, Hold: Hold{Of: HoldAll, By: "ada"}}, outcome: OutcomeDemands, remedy: RemedyNone, codes: []Code{CauseRequest, BlockPolicy}},
		{name: "deleted, and a lock that nobody looked at again: not said to be gone",
			facts: demanding(func(f *Facts) {
				f.Meeting.Status, f.Host, f.History.Earlier = StatusDeleted, Host{}, Reason{Code: CauseLockedOn, Path: KeyPasscode.Path(), Level: LevelGroup, By: "G1", ByName: "Sales", Locked: true, Value: On}
			}),
			outcome: OutcomeGone, remedy: RemedyNone, codes: []Code{BlockDeleted, CauseLockedOn}, sentence: `It had a passcode because "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is locked on by group "Sales".`},
		{name: "the settings cannot be read any more: what they were is said, and not that it is over",
			facts: demanding(func(f *Facts) {
				f.Host, f.History.Earlier = Host{}, Reason{Code: CauseLockedOn, Path: KeyPasscode.Path(), Level: LevelGroup, By: "G1", ByName: "Sales", Locked: true, Value: On}
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, missing: FactHost, codes: []Code{CauseUnexplained, BlockFactMissing}, sentence: `latchkey cannot read the settings now, and when it last could, "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is locked on by group "Sales"`},
		{name: "passcodes locked off: the option for meetings already scheduled is not the cause",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode], f.Host.Settings[KeyScheduled] = offLocked(LevelGroup, "G1"), on()
			}),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}},
		{name: "one lock at odds with the value: no second holder",
			facts: demanding(func(f *Facts) {
				f.Host.Settings[KeyPasscode] = Setting{Value: Off, Lock: On, LockLevel: LevelGroup, LockedBy: "G1", Contradiction: true}
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CauseRequest, BlockContradict}, sentence: "group G1 locks \"Require a passcode when scheduling new meetings\" (meeting_security.meeting_password), and for the host Zoom shows another value than that lock fixes; an admin must set that lock again"},
		{name: "on, and whether it is locked is not known: not everybody can turn it off",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = Setting{Value: On} }),
			outcome: OutcomeDemands, remedy: RemedyKeep, missing: FactHost, codes: []Code{CauseSettingOn, BlockFactMissing}, sentence: "an admin can turn that setting off for new meetings, and so can the host where it is not locked"},
		{name: "the option for meetings already scheduled: turning it off is not for new ones",
			facts:   demanding(func(f *Facts) { f.Host.Settings[KeyScheduled] = on(); f.Meeting.PasscodeReadable = false }),
			outcome: OutcomeDemands, remedy: RemedyImpossible, missing: FactMeeting, codes: []Code{CauseScheduled, BlockUnreadable}, sentence: "the host or an admin can turn that setting off."},
		{name: "jbh_only under a group's lock: the group's admin",
			facts: demanding(func(f *Facts) {
				f.Meeting.UsesPMI, f.Host.Settings[KeyPMI], f.Host.Settings[KeyPMIJoin] = true, offLocked(LevelGroup, "G1"), on()
			}),
			outcome: OutcomeDemands, remedy: RemedyKeep, codes: []Code{CausePMIJoin}, sentence: "an admin who manages group G1 can unlock that setting"},
		{name: "Zoom says it does not know a meeting that had no passcode: not known",
			facts:   demanding(func(f *Facts) { f.Meeting.Passcode, f.Meeting.NotFound = Off, true }),
			outcome: OutcomeUnknown, remedy: RemedyNone, missing: FactMeeting, codes: []Code{BlockNotFound}},
		{name: "latchkey's own probe is left alone",
			facts:   demanding(func(f *Facts) { f.Meeting.Probe = true }),
			outcome: OutcomeUnknown, remedy: RemedyNone, codes: []Code{BlockProbe}},
		{name: "who waits is the host's choice",
			facts:   demanding(func(f *Facts) { f.Meeting.Waits = WaitsOutsiders }),
			outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest}, ask: Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}},
		{name: "the policy wants everybody to wait: the removal asks for it",
			facts:  demanding(func(f *Facts) { f.Meeting.Waits, f.Host.Waits = WaitsFollow, WaitsStrangers }),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest},
			ask: Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn, HoldsEveryone: true}},
		{name: "the policy wants everybody to wait, and everybody does",
			facts:  demanding(func(f *Facts) { f.Meeting.Waits, f.Host.Waits = WaitsFollow, WaitsEveryone }),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeDemands, remedy: RemedyClear, codes: []Code{CauseRequest},
			ask: Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}},
		{name: "the policy wants everybody to wait, and after our removal some do not",
			facts:  opened(func(f *Facts) { f.Meeting.WaitingRoom, f.Meeting.Waits = On, WaitsUninvited }),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseHoldsSome},
			ask:      Request{Update: true, WaitingRoom: AskOn, HoldsEveryone: true},
			sentence: "open to some people: it has no passcode and asks nobody to sign in, and its waiting room holds only people who are not on the invitation; latchkey removed its passcode and now has everybody wait."},
		{name: "the removal had asked for everybody to wait in vain: the passcode goes back",
			facts: opened(func(f *Facts) {
				f.Meeting.WaitingRoom, f.Meeting.Waits = On, WaitsUninvited
				p := Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}
				f.History.Attempts = []Attempt{{Result: AttemptOpened, AskedRoom: true, Under: AttemptKey(*f, p, RemedyClear, Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn, HoldsEveryone: true})}}
			}),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeUnsecured, remedy: RemedySecure, codes: []Code{CauseHoldsSome},
			ask: Request{Update: true, Passcode: AskOn}, sentence: "now puts it back."},
		{name: "the policy wants everybody to wait; whom the host's setting holds is to be read",
			facts: opened(func(f *Facts) {
				f.Meeting.WaitingRoom, f.Meeting.Waits, f.Host = On, WaitsFollow, Host{}
			}),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeJoinable, remedy: RemedyNone, missing: FactHost},
		{name: "the policy wants everybody to wait: another's open door is theirs",
			facts: opened(func(f *Facts) {
				f.Meeting.WaitingRoom, f.Meeting.Waits, f.History.Stripped = On, WaitsUninvited, false
			}),
			policy: Policy{Mode: ModeWaitingRoom, Holds: HoldsEveryone}, outcome: OutcomeJoinable, remedy: RemedyNone},
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
			if c.ask != (Request{}) && v.Ask != c.ask {
				t.Errorf("asks for %+v, want %+v", v.Ask, c.ask)
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
// that protect people (ARCHITECTURE.md), whatever the facts are.
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
				UsesPMI: rapid.Bool().Draw(t, "pmi"), Ends: now.Add(time.Duration(rapid.IntRange(-4, 2).Draw(t, "ends")) * 15 * day),
				Passcode: toggle.Draw(t, "passcode"), PasscodeReadable: rapid.Bool().Draw(t, "readable"),
				WaitingRoom: toggle.Draw(t, "wr"), Authentication: toggle.Draw(t, "auth"),
				Waits: rapid.SampledFrom(AllWaits()).Draw(t, "waits"), Dates: toggle.Draw(t, "dates"), DateOpen: "1 Dec",
			},
			Host: Host{
				Plan:  rapid.SampledFrom([]Plan{PlanUnknown, PlanFree, PlanProSingleHost, PlanPaid}).Draw(t, "plan"),
				Waits: WaitsOf(rapid.IntRange(0, 3).Draw(t, "host's waits")),
				Settings: Settings{KeyPasscode: setting.Draw(t, "passcode setting"), KeyInstant: setting.Draw(t, "instant setting"), KeyScheduled: setting.Draw(t, "scheduled"),
					KeyWaitingRoom: setting.Draw(t, "wr setting"), KeyAuthentication: setting.Draw(t, "auth setting"), KeyAutoSecurity: setting.Draw(t, "auto")},
			},
			History: History{Overwritten: rapid.Bool().Draw(t, "overwritten"), Undone: rapid.IntRange(0, 4).Draw(t, "undone"),
				Stripped: rapid.Bool().Draw(t, "stripped"), CanRestore: rapid.Bool().Draw(t, "can restore")},
		}
		p := Policy{Mode: rapid.SampledFrom(Modes()).Draw(t, "policy"), Source: rapid.SampledFrom(Sources()).Draw(t, "source"), Holds: rapid.SampledFrom([]Holds{HoldsAsSet, HoldsEveryone}).Draw(t, "holds")}
		f.Meeting.Ours = toggle.Draw(t, "ours")
		v := Evaluate(f, p, now)
		if !slices.Contains(Outcomes(), v.Outcome) || !slices.Contains(Remedies(), v.Remedy) {
			t.Fatalf("%+v is outside the closed sets", v)
		}
		if v.Outcome == OutcomeDemands && torn(v) {
			t.Fatalf("a change without a request, or a request without a change: %+v", v)
		}
		if v.Outcome != OutcomeJoinable && len(v.Reasons) == 0 {
			t.Fatal("a verdict without a reason")
		}
		if strings.Contains(v.Sentence(), "%!") {
			t.Fatalf("broken sentence %q", v.Sentence())
		}
		h, m := f.Host, f.Meeting
		pass, over := h.Settings[m.passcodeKey(h)], m.Expires().Before(now)
		if v.Remedy == RemedySet && (p.Mode != ModeKnownPasscode || m.Status != StatusScheduled || over || m.UsesPMI || m.Type == TypePMI || m.Ours != Off || pass.Value != On && pass.Lock != Off || pass.Contradiction || v.Missing.Has(FactMeeting)) {
			t.Fatalf("sets a passcode that it must not set: %+v", f)
		}
		if v.Remedy == RemedySecure && (!f.History.Stripped || v.Outcome != OutcomeUnsecured || m.Status != StatusScheduled || over || p.Mode == ModeObserve) {
			t.Fatalf("secures what it must not touch: %+v", f)
		}
		if v.Remedy != RemedyClear {
			return
		}
		switch {
		case v.Outcome != OutcomeDemands, v.Missing != 0:
			t.Fatalf("clears on missing facts: %+v", v)
		case p.Mode == ModeObserve, p.Mode == ModeKnownPasscode:
			t.Fatal("clears against the policy")
		case m.Status != StatusScheduled, over, m.UsesPMI, m.Type == TypePMI, m.Type.IsWebinar():
			t.Fatalf("clears a meeting it must not touch: %+v", m)
		case h.PlanForces(m.passcodeKey(h)), pass.Lock == On && pass.Value == On:
			t.Fatal("clears a passcode that Zoom forces")
		case f.History.Overwritten, f.History.Undone >= ContestedAfter:
			t.Fatal("fights")
		}
		if !m.PasscodeReadable || m.Unrestorable {
			t.Fatal("clears what it could not put back")
		}
		if m.Type == TypeRecurring && m.WaitingRoom == On && m.Authentication != On && m.Dates != On {
			t.Fatal("clears a series one of whose dates may be open")
		}
		if p.Holds == HoldsEveryone && v.Ask.WaitingRoom == AskOn && f.WhoWaits() != WaitsEveryone && !v.Ask.HoldsEveryone || p.Holds == HoldsAsSet && v.Ask.HoldsEveryone {
			t.Fatalf("who waits is not as the policy says: %+v", v.Ask)
		}
		// The decision is Predict's, on the very request that is sent.
		got := Predict(h.as(m.Type), v.Ask, Options{Passcode: On, WaitingRoom: m.WaitingRoom, Authentication: m.Authentication})
		if got.Passcode != Off || got.WaitingRoom != On && got.Authentication != On {
			t.Fatalf("clears although Zoom is predicted to make %+v of it: %+v", got, f)
		}
		waitingRoom := h.Settings[KeyWaitingRoom].Value == On || h.Settings[KeyWaitingRoom].Lock == Off
		authentication := m.Authentication == On && (h.Settings[KeyAuthentication].Lock == Off || h.Settings[KeyAuthentication].Value == On) || h.Settings[KeyAuthentication].Value == On && h.Settings[KeyAuthentication].Lock == On
		if !waitingRoom && !authentication {
			t.Fatalf("leaves the meeting without a security option: %+v", f)
		}
	})
}

// torn says that remedy and request do not go together.
func torn(v Verdict) bool { return v.Remedy.Changes() != (v.Ask != Request{}) }

func TestSentencesSayEveryCode(t *testing.T) {
	t.Parallel()
	for _, c := range Codes() {
		if s := (Reason{Code: c}).Sentence(); s == string(c) {
			t.Errorf("code %s has no sentence", c)
		}
	}
}

func TestFingerprintChangesWithAnyDecidingFact(t *testing.T) {
	t.Parallel()
	base := demanding(nil).Host
	seenLater := base
	seenLater.Settings[KeyPasscode].Seen = now
	if base.Fingerprint() != seenLater.Fingerprint() {
		t.Error("when it was seen must not count")
	}
	for name, change := range map[string]func(*Host){
		"plan": func(h *Host) { h.Plan = PlanFree }, "value": func(h *Host) { h.Settings[KeyPasscode].Value = On },
		"lock": func(h *Host) { h.Settings[KeyWaitingRoom].Lock = On }, "who": func(h *Host) { h.Settings[KeyScheduled].LockedBy = "G" },
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
		"clear":             demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }),
		"keep":              demanding(func(f *Facts) { f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "G1") }),
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
