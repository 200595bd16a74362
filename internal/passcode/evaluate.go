package passcode

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Evaluate says what a joiner would meet, why, and what is to be done.
//
// It never guesses: a fact it needs and does not have is named in
// Verdict.Missing, and a verdict that rests on a missing fact never asks for a
// change. It allocates only when there is something to explain.
func Evaluate(f Facts, p Policy, now time.Time) Verdict {
	m := &f.Meeting

	// Webinars have their own settings and calls; latchkey does not govern them
	// (ARCHITECTURE.md, rule 5).
	if m.Type.IsWebinar() {
		return Verdict{Outcome: OutcomeUnknown, Remedy: RemedyNone,
			Reasons: []Reason{{Code: BlockWebinar, Level: LevelMeeting}}}
	}
	if m.Probe {
		return Verdict{Outcome: OutcomeUnknown, Remedy: RemedyNone, Reasons: []Reason{{Code: BlockProbe, Level: LevelMeeting}}}
	}
	if m.Status == StatusDeleted || m.Status == StatusEnded {
		return gone(&f)
	}
	switch {
	case m.Passcode == Unknown, m.Passcode == Off && m.NotFound:
		return unseen(m, now)
	case m.Passcode == Off:
		return withoutPasscode(&f, p, now)
	}

	v := Verdict{Outcome: OutcomeDemands, Channels: channels(&f)}
	v.Reasons = cause(&f)
	v.Missing = missingHostFacts(&f)
	v.Remedy = remedy(&f, p, now, &v)
	return v
}

// gone: the number leads nowhere any more, nobody is asked for anything.
func gone(f *Facts) Verdict {
	code := BlockDeleted
	switch {
	case f.Meeting.NotFound:
		code = BlockNotFound
	case f.Meeting.Status == StatusEnded:
		code = BlockOver
	}
	v := Verdict{Outcome: OutcomeGone, Remedy: RemedyNone, Reasons: []Reason{{Code: code, Level: LevelMeeting}}}
	switch e := f.History.Earlier; {
	case f.Meeting.Passcode != On:
	case e.Code.IsCause() && e.Code != CauseUnexplained && f.Host.Settings[f.Meeting.passcodeKey(f.Host)].Value == Unknown:
		v.Reasons = append(v.Reasons, e) // nobody reads settings for a meeting that is gone
	default:
		v.Reasons = append(v.Reasons, cause(f)...)
	}
	return v
}

// unseen: nothing is known of the passcode. A meeting that is over is not worth
// a call to find out.
func unseen(m *Meeting, now time.Time) Verdict {
	v := Verdict{Outcome: OutcomeUnknown, Remedy: RemedyNone}
	code := BlockFactMissing
	switch {
	case isOver(m, now):
		v.Reasons = []Reason{{Code: BlockOver, Level: LevelMeeting}}
		return v
	case m.NotFound:
		// One "not found" proves nothing (Z-ERR-14): asked again before it is believed.
		code = BlockNotFound
	}
	v.Missing = FactMeeting
	v.Reasons = []Reason{{Code: code, Path: "password", Level: LevelMeeting}}
	return v
}

// withoutPasscode: nobody is asked for one. Whether anything else secures the
// meeting is the other half of the answer.
func withoutPasscode(f *Facts, p Policy, now time.Time) Verdict {
	m := &f.Meeting
	v := Verdict{Outcome: OutcomeJoinable, Remedy: RemedyNone, Channels: channels(f)}
	room, missing := f.room(p)
	switch {
	case m.Authentication == On, room == On && !f.Open(p):
		return v
	case missing != 0:
		if !isOver(m, now) {
			v.Missing = missing
		}
		return v
	case m.WaitingRoom == Unknown || m.Authentication == Unknown:
		// Events do not carry these (Z-EVENT-2), and a healthy meeting costs no call.
		// One whose passcode latchkey removed is looked at.
		if f.History.Stripped && !isOver(m, now) {
			v.Missing = FactMeeting
		}
		return v
	}
	v.Outcome = OutcomeUnsecured
	v.Reasons = append(make([]Reason, 0, 3), f.openReason(p))
	v.Remedy = secure(f, p, now, &v)
	return v
}

// secure decides about an open meeting. Only one that latchkey stripped is its
// to put right; anybody else's open meeting is their choice and is shown.
func secure(f *Facts, p Policy, now time.Time, v *Verdict) Remedy {
	block := func(r Reason) { v.Reasons = append(v.Reasons, r) }
	switch {
	case !f.History.Stripped:
		block(Reason{Code: BlockNotOurs, Level: LevelMeeting})
		return RemedyNone
	case isOver(&f.Meeting, now):
		block(Reason{Code: BlockOver, Level: LevelMeeting})
		return RemedyNone
	case p.Mode != ModeWaitingRoom && p.Mode != ModeKnownPasscode:
		block(Reason{Code: BlockPolicy, Level: LevelAccount})
		return RemedyNone
	case p.Hold.Of != "":
		block(p.Hold.reason())
		v.DeferUntil = p.Hold.Until
		return RemedyNone
	case f.Meeting.Status == StatusStarted:
		// ARCHITECTURE.md, rule 2: a meeting in progress is never touched.
		block(Reason{Code: BlockInProgress, Level: LevelMeeting})
		return RemedyNone
	}
	// The waiting room first: no link breaks and nothing must be typed. Then the
	// passcode that was there.
	before := Options{Passcode: Off, WaitingRoom: Off, Authentication: Off}
	asks := []Request{roomAsk(f, p, AskNothing)}
	if f.History.CanRestore {
		asks = append(asks, Request{Update: true, Passcode: AskOn})
	}
	if roomFailed(f, p) || f.Meeting.WaitingRoom == On && f.Meeting.Dates == Off {
		slices.Reverse(asks) // for one date, the series' own waiting room is of no help
	}
	var last Attempt
	for _, ask := range asks {
		if got := Predict(f.Host.as(f.Meeting.Type), ask, before); got.Passcode == Off && got.WaitingRoom == Off && got.Authentication != On {
			continue // locked off: Zoom would answer yes and leave it open
		}
		if a, yes := failed(f, p, RemedySecure, ask, now); yes {
			last = a
			continue
		}
		if r, stop := hindsight(f, p, RemedySecure, ask, now, v); stop {
			return r
		}
		v.Ask = ask
		return RemedySecure
	}
	if last.Result != "" {
		block(Reason{Code: blockOf(last.Result), Level: LevelMeeting, Tried: RemedySecure, Detail: last.Detail})
	} else {
		block(settingReason(BlockLockedOff, KeyWaitingRoom, f.Host.Settings[KeyWaitingRoom]))
	}
	return RemedyImpossible
}

// roomFailed says whether a change under these facts asked for the waiting room
// and did not get it: asking once more would only cost time, and a removal would
// leave the meeting open.
func roomFailed(f *Facts, p Policy) bool {
	if len(f.History.Attempts) == 0 {
		return false
	}
	removing := AttemptKey(*f, p, RemedyClear, roomAsk(f, p, AskOff))
	securing := AttemptKey(*f, p, RemedySecure, roomAsk(f, p, AskNothing))
	for _, a := range f.History.Attempts {
		if a.AskedRoom && (a.Under == removing && a.Result == AttemptOpened || a.Under == securing && a.Result == AttemptOverwritten) {
			return true
		}
	}
	return false
}

// remedy decides what to do about a meeting that has a passcode; it adds what
// stands in the way to v.Reasons.
func remedy(f *Facts, p Policy, now time.Time, v *Verdict) Remedy {
	m := &f.Meeting
	key := m.passcodeKey(f.Host)
	pass := f.Host.Settings[key]
	block := func(r Reason) { v.Reasons = append(v.Reasons, r) }
	// What cannot be cleared keeps Zoom's own passcode, so that whoever joins can
	// be given it; if its value cannot be read either, nothing helps.
	keep := func() Remedy {
		if m.PasscodeReadable {
			return RemedyKeep
		}
		v.Missing |= FactMeeting
		block(Reason{Code: BlockUnreadable, Path: "password", Level: LevelMeeting, Value: On})
		return RemedyImpossible
	}

	switch {
	case isOver(m, now):
		// ARCHITECTURE.md, rule 2: the past is never touched.
		v.Missing = 0
		block(Reason{Code: BlockOver, Level: LevelMeeting})
		return RemedyNone
	case p.Mode == ModeObserve:
		// What would be done is worked out all the same, so that whoever observes
		// first can see what a policy would mean.
		var would Verdict
		v.Would = remedy(f, Policy{Mode: ModeWaitingRoom}, now, &would)
		block(Reason{Code: BlockPolicy, Level: LevelAccount})
		return RemedyNone
	case p.Hold.Of != "":
		var would Verdict
		free := p
		free.Hold = Hold{}
		v.Would = remedy(f, free, now, &would)
		v.Missing |= would.Missing
		block(p.Hold.reason())
		v.DeferUntil = p.Hold.Until
		return RemedyNone
	case m.Status == StatusStarted:
		// Changing a running meeting's passcode breaks the links people hold; its
		// passcode is made known instead.
		block(Reason{Code: BlockInProgress, Level: LevelMeeting})
		return keep()
	case m.isPMI():
		// Z-MEET-10, Z-MEET-11: what a PATCH of a PMI meeting does is not known, so it is
		// reported and never faked.
		return keep()
	case p.Mode == ModeKnownPasscode:
		return setKnown(f, p, now, v, keep)
	case p.Mode != ModeWaitingRoom:
		// A policy without a branch here asks for no change.
		block(Reason{Code: BlockPolicy, Level: LevelAccount})
		return keep()
	case f.Host.PlanForces(key) || pass.lockedOn():
		// Z-RULE-2: Zoom would answer 204 and keep it.
		return keep()
	case pass.Contradiction:
		block(contradicting(key, pass))
		return keep()
	case pass.Value == Unknown, pass.Lock == Unknown && pass.Value == On:
		// Perhaps locked on: a clear might be refused, so it is not tried.
		// (Off needs no lock: whether locked off or just off, it forces nothing.)
		block(Reason{Code: BlockFactMissing, Path: key.Path(), Level: LevelHost, Value: pass.Value})
		return keep()
	case !m.PasscodeReadable:
		// ARCHITECTURE.md, rule 1: a clear that could not be taken back is not begun.
		return keep()
	case m.Unrestorable:
		block(Reason{Code: BlockUnrestorable, Path: "password", Level: LevelMeeting, Value: On})
		return keep()
	}

	// From here Zoom does not force the passcode. ARCHITECTURE.md, rule 1: a
	// clear must leave the waiting room or authentication standing.
	ask, left := clearing(f)
	switch left {
	case Off:
		r := settingReason(BlockLockedOff, KeyWaitingRoom, f.Host.Settings[KeyWaitingRoom])
		if pass.LockedOff() && f.Host.Settings[KeyAutoSecurity].Value == On && !f.Host.Settings[KeyAuthentication].LockedOff() {
			r.Detail = signInInstead
		}
		block(r)
		return keep()
	case Unknown:
		block(Reason{Code: BlockFactMissing, Path: KeyWaitingRoom.Path(), Level: LevelHost, Value: f.Host.Settings[KeyWaitingRoom].Value})
		return keep()
	}
	if ask.WaitingRoom == AskOn && m.Authentication != On && roomFailed(f, p) {
		block(Reason{Code: BlockOpened, Level: LevelMeeting, Value: On, Tried: RemedyClear})
		return keep()
	}
	if ask.WaitingRoom == AskOn {
		ask = roomAsk(f, p, AskOff)
	}
	if r, stop := hindsight(f, p, RemedyClear, ask, now, v); stop {
		if r == RemedyDefer {
			return r
		}
		return keep()
	}
	if m.Type == TypeRecurring && m.WaitingRoom == On && m.Authentication != On {
		// The waiting room may be off for one of the dates, and that one would be open.
		switch m.Dates {
		case Unknown:
			v.Missing |= FactDates
			block(Reason{Code: BlockFactMissing, Path: pathDates, Level: LevelMeeting})
			return keep()
		case Off:
			block(Reason{Code: BlockDateOpen, Path: KeyWaitingRoom.Path(), Level: LevelMeeting, Value: Off, Detail: m.DateOpen})
			return keep()
		}
	}
	v.Ask = ask
	return RemedyClear
}

// pathDates is where a series has its dates.
const pathDates = "occurrences"

// roomAsk is the request for the waiting room, with what it asks of the passcode.
// That everybody waits is asked where the policy wants it and it is not so.
func roomAsk(f *Facts, p Policy, passcode Ask) Request {
	return Request{Update: true, Passcode: passcode, WaitingRoom: AskOn, HoldsEveryone: p.Holds == HoldsEveryone && f.WhoWaits() != WaitsEveryone}
}

// setKnown decides under policy known-passcode. It never removes a passcode:
// joiners were promised one that they can know.
func setKnown(f *Facts, p Policy, now time.Time, v *Verdict, keep func() Remedy) Remedy {
	m := &f.Meeting
	key := m.passcodeKey(f.Host)
	pass := f.Host.Settings[key]
	block := func(r Reason) { v.Reasons = append(v.Reasons, r) }
	ask := Request{Update: true, Passcode: AskOn}
	switch {
	case p.Source == SourceZoom:
		return keep()
	case m.Ours == On:
		block(Reason{Code: BlockKnown, Level: LevelMeeting, Value: On})
		return RemedyNone
	case pass.Contradiction:
		block(contradicting(key, pass))
		return keep()
	case pass.LockedOff():
		// Z-RULE-4: any change would remove the passcode, with it perhaps the only
		// security option. What is there stays and is known.
		block(settingReason(BlockPasscodesLockedOff, key, pass))
		return keep()
	case pass.Value == Unknown, pass.Value == Off && pass.Lock == Unknown:
		// Perhaps locked off.
		v.Missing |= FactHost
		block(Reason{Code: BlockFactMissing, Path: key.Path(), Level: LevelHost, Value: pass.Value})
		return keep()
	case m.OursProblem != "":
		block(Reason{Code: BlockRequirement, Path: PathRequirement, Level: LevelHost, Detail: m.OursProblem})
		return keep()
	case m.Ours == Unknown:
		// The host's requirement or the passcode itself was not read.
		v.Missing |= FactHost | FactMeeting
		block(Reason{Code: BlockFactMissing, Path: PathRequirement, Level: LevelHost})
		return keep()
	}
	if r, stop := hindsight(f, p, RemedySet, ask, now, v); stop {
		if r == RemedyDefer {
			return r
		}
		return keep()
	}
	v.Ask = ask
	return RemedySet
}

// contested says how often latchkey's change was undone, where that is too often to make it
// again, or "". Who keeps undoing it is left alone for longer; what would secure a meeting
// that is open waits for the day alone.
func contested(h History, r Remedy) string {
	switch {
	case h.Undone >= ContestedAfter:
		return fmt.Sprintf("%d times within a day", ContestedAfter)
	case r == RemedySecure:
		return ""
	case h.UndoneWeek >= 2*ContestedAfter:
		return fmt.Sprintf("%d times within seven days", 2*ContestedAfter)
	case h.UndoneMonth >= 4*ContestedAfter:
		return fmt.Sprintf("%d times within thirty days", 4*ContestedAfter)
	}
	return ""
}

// hindsight says whether what happened before forbids a change now, and then
// what to do instead: RemedyDefer with v.DeferUntil, or RemedyNone for a change
// that must not be made at all.
func hindsight(f *Facts, p Policy, r Remedy, ask Request, now time.Time, v *Verdict) (Remedy, bool) {
	block := func(b Reason) { v.Reasons = append(v.Reasons, b) }
	if how := contested(f.History, r); how != "" {
		// ARCHITECTURE.md, rule 8: no fights.
		block(Reason{Code: BlockContested, Level: LevelMeeting, Value: On, ChangedBy: f.History.UndoneBy, Detail: how})
		return RemedyNone, true
	}
	if a, yes := failed(f, p, r, ask, now); yes {
		// ARCHITECTURE.md, rule 3: not tried again until a fact changes. The same
		// request would get the same answer and spend one of the host's 100.
		block(Reason{Code: blockOf(a.Result), Level: LevelMeeting, Value: On, Tried: r, Detail: a.Detail})
		if a.Result == AttemptBusy && now.Before(a.Again) {
			v.DeferUntil = a.Again
			return RemedyDefer, true
		}
		return RemedyNone, true
	}
	until := f.History.HeldUntil
	switch {
	case !now.Before(until):
		return "", false
	case tooLate(&f.Meeting, until):
		// Z-LIMIT-5: the host's 100 creates and updates of the UTC day are used up
		// and the meeting is before they come back. To defer it would be a promise
		// that nobody keeps.
		block(Reason{Code: BlockTooLate, Level: LevelHost, Value: On, Tried: r})
		return RemedyNone, true
	}
	v.DeferUntil = until
	b := Reason{Code: BlockDailyLimit, Level: LevelHost, Value: On, Tried: r}
	if f.History.Reserved > 0 {
		b.Detail = strconv.Itoa(f.History.Reserved)
	}
	block(b)
	return RemedyDefer, true
}

// tooLate says whether a change at that time would come after the people.
func tooLate(m *Meeting, until time.Time) bool {
	if m.Type == TypeRecurring || m.Type == TypeRecurringNoTime {
		return !m.Ends.IsZero() && !until.Before(m.Ends) // later dates still gain by it
	}
	return !m.Starts.IsZero() && !until.Before(m.Starts) || !m.Ends.IsZero() && !until.Before(m.Ends)
}

func blockOf(r AttemptResult) Code {
	switch r {
	case AttemptRefused:
		return BlockRefused
	case AttemptBusy:
		return BlockBusy
	case AttemptOpened:
		return BlockOpened
	}
	return BlockOverwritten
}

// clearing is the request that removes the passcode, and whether it leaves the
// meeting with a security option: On yes, Off no, Unknown cannot be told. What
// Zoom makes of the request is Predict's to say.
func clearing(f *Facts) (ask Request, secured Toggle) {
	ask = Request{Update: true, Passcode: AskOff, WaitingRoom: AskOn}
	if f.Host.Settings[KeyWaitingRoom].LockedOff() {
		ask.WaitingRoom = AskNothing // Zoom would pass over it (Z-RULE-4)
	}
	m := &f.Meeting
	got := Predict(f.Host.as(m.Type), ask, Options{Passcode: On, WaitingRoom: m.WaitingRoom, Authentication: m.Authentication})
	switch {
	case got.Passcode == Unknown:
		return ask, Unknown
	case got.Passcode == On:
		return ask, Off // Zoom would make one up, for want of another option
	case got.WaitingRoom == On, got.Authentication == On && (m.Authentication == On || f.Host.Settings[KeyAuthentication].lockedOn()):
		return ask, On
	case got.Authentication == On && m.Authentication == Off:
		return ask, Off // Zoom would turn sign-in on, which nobody asked for (Z-RULE-6)
	case got.WaitingRoom == Off && got.Authentication == Off:
		return ask, Off
	}
	return ask, Unknown
}

// missingHostFacts asks for the host's settings when what decides is not known.
func missingHostFacts(f *Facts) FactSet {
	h := &f.Host
	pass := h.Settings[f.Meeting.passcodeKey(*h)]
	if f.Meeting.isPMI() || h.PlanForces(f.Meeting.passcodeKey(*h)) {
		return 0 // neither the cause nor the remedy would change
	}
	var missing FactSet
	if pass.Value == Unknown || (pass.Value == On && pass.Lock == Unknown) {
		missing |= FactHost
	}
	if _, left := clearing(f); left == Unknown && !pass.lockedOn() && !pass.Contradiction {
		missing |= FactHost
		if f.Meeting.Authentication == Unknown && h.Settings[KeyWaitingRoom].LockedOff() {
			missing |= FactMeeting // webhooks do not carry it (Z-EVENT-2)
		}
	}
	return missing
}

// passcodeKey is the setting that says whether a meeting of its type needs a
// passcode: instant meetings have one of their own, where Zoom shows it. A lock on
// the other covers them too (Z-SET-1), where theirs does not say otherwise.
func (m *Meeting) passcodeKey(h Host) Key {
	own := h.Settings[KeyInstant]
	if m.Type != TypeInstant || own.Value == Unknown || own.Value == On && own.Lock != On && h.Settings[KeyPasscode].lockedOn() {
		return KeyPasscode
	}
	return KeyInstant
}

// as is the host as far as a meeting of that type is concerned.
func (h Host) as(t MeetingType) Host {
	h.Settings[KeyPasscode] = h.Settings[(&Meeting{Type: t}).passcodeKey(h)]
	return h
}

func (m *Meeting) isPMI() bool { return m.UsesPMI || m.Type == TypePMI }

func isOver(m *Meeting, now time.Time) bool {
	switch m.Status {
	case StatusEnded, StatusDeleted:
		return true
	case StatusStarted:
		return false // it may run past its planned end
	}
	expires := m.Expires()
	return !expires.IsZero() && now.After(expires)
}
