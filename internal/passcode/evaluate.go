package passcode

import "time"

// Evaluate says what a joiner would meet, why, and what is to be done.
//
// It never guesses: a fact it needs and does not have is named in
// Verdict.Missing, and a verdict that rests on a missing fact never asks for a
// change. It allocates only when there is something to explain.
func Evaluate(f Facts, p Policy, now time.Time) Verdict {
	m := &f.Meeting

	// Webinars have their own settings and calls; latchkey does not govern them
	// (DESIGN section 4, rule 4).
	if m.Type.IsWebinar() {
		return Verdict{Outcome: OutcomeUnknown, Remedy: RemedyNone,
			Reasons: []Reason{{Code: BlockWebinar, Level: LevelMeeting}}}
	}

	switch m.Passcode {
	case Unknown:
		// Nothing was seen of the passcode. A meeting that is over is not worth a
		// call to find out.
		v := Verdict{Outcome: OutcomeUnknown, Remedy: RemedyNone}
		if isOver(m, now) {
			v.Reasons = []Reason{{Code: BlockOver, Level: LevelMeeting}}
			return v
		}
		v.Missing = FactMeeting
		v.Reasons = []Reason{{Code: BlockFactMissing, Path: "password", Level: LevelMeeting}}
		return v
	case Off:
		// No passcode, nobody is asked for one: the only good ending.
		return Verdict{Outcome: OutcomeJoinable, Remedy: RemedyNone, Channels: channels(&f)}
	}

	v := Verdict{Outcome: OutcomeDemands, Channels: channels(&f)}
	v.Reasons = append(make([]Reason, 0, 3), cause(&f))
	v.Missing = missingHostFacts(&f)
	v.Remedy = remedy(&f, p, now, &v)
	return v
}

// cause names the one setting that put the passcode there, the strongest first:
// what nobody can change, then what an admin fixed, then what the host chose.
func cause(f *Facts) Reason {
	h := &f.Host
	switch {
	case f.Meeting.isPMI():
		// FACTS section 5: a PMI's passcode belongs to the user's settings.
		if h.PMI.lockedOn() {
			return settingReason(CauseLockedOn, PathPMI, h.PMI)
		}
		return Reason{Code: CausePMI, Path: PathPMI, Level: LevelHost, Value: On, Seen: h.PMI.Seen}
	case h.Plan.ForcesPasscode():
		// FACTS section 3 [D]: always on for free and single-host Pro accounts.
		return Reason{Code: CausePlan, Path: PathPasscode, Level: LevelPlan, Value: On, Locked: true, By: string(h.Plan)}
	case h.Passcode.lockedOn():
		// FACTS section 4, rule 1: locked on wins over whatever was asked.
		return settingReason(CauseLockedOn, PathPasscode, h.Passcode)
	case h.Scheduled.Value == On:
		// It adds passcodes to meetings that had none; it explains more than the
		// setting for new meetings does, so it is named first.
		return settingReason(CauseScheduled, PathScheduled, h.Scheduled)
	case h.Passcode.Value == On:
		// FACTS section 4 (March 2025): a create that names no passcode follows
		// the host's setting.
		return settingReason(CauseSettingOn, PathPasscode, h.Passcode)
	case h.Passcode.Value == Unknown:
		return Reason{Code: CauseUnexplained, Path: PathPasscode, Level: LevelHost}
	case h.AutoSecurity.Value == On && h.WaitingRoom.lockedOff() && f.Meeting.Authentication != On:
		// FACTS section 4, rule 4: nothing else was left, so Zoom generated one.
		return settingReason(CauseAutoSecurity, PathAutoSecurity, h.AutoSecurity)
	}
	// Every setting is off: whoever created or edited the meeting asked for it,
	// or a setting was on then and is off now.
	return Reason{Code: CauseRequest, Path: "password", Level: LevelMeeting, Value: On}
}

// remedy decides what to do about a meeting that has a passcode; it adds what
// stands in the way to v.Reasons.
func remedy(f *Facts, p Policy, now time.Time, v *Verdict) Remedy {
	m, h := &f.Meeting, &f.Host
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
		// DESIGN section 4, rule 2: the past is never touched.
		v.Missing = 0
		block(Reason{Code: BlockOver, Level: LevelMeeting})
		return RemedyNone
	case m.Status == StatusStarted:
		// Changing a running meeting's passcode breaks the links people hold; its
		// passcode is made known instead.
		block(Reason{Code: BlockInProgress, Level: LevelMeeting})
		return keep()
	case p.Mode == ModeObserve:
		block(Reason{Code: BlockPolicy, Level: LevelAccount})
		return RemedyNone
	case m.isPMI():
		// FACTS section 5 [U]: what a PATCH of a PMI meeting does is not known, so
		// it is reported and never faked.
		return keep()
	case p.Mode == ModeKnownPasscode && !h.Passcode.lockedOff():
		// Where it is locked off any change removes it (FACTS section 4, rule 2),
		// so that a passcode cannot be set and clearing is what is left.
		return setKnown(f, p, now, v, keep)
	case h.Plan.ForcesPasscode() || h.Passcode.lockedOn():
		// FACTS section 4, rule 1: Zoom would answer 204 and keep it.
		return keep()
	case h.Passcode.Contradiction:
		block(Reason{Code: BlockContradict, Path: PathPasscode, Level: h.Passcode.LockLevel, Value: h.Passcode.Value, Locked: true, By: h.Passcode.LockedBy})
		return keep()
	case h.Passcode.Value == Unknown, h.Passcode.Lock == Unknown && h.Passcode.Value == On:
		// Perhaps locked on: a clear might be refused, so it is not tried.
		// (Off needs no lock: whether locked off or just off, it forces nothing.)
		block(Reason{Code: BlockFactMissing, Path: PathPasscode, Level: LevelHost, Value: h.Passcode.Value})
		return keep()
	}

	// From here Zoom does not force the passcode. DESIGN section 4, rule 1: a
	// clear must leave the waiting room or authentication standing.
	switch secured := optionLeft(f); secured {
	case Off:
		block(settingReason(BlockLockedOff, PathWaitingRoom, h.WaitingRoom))
		return keep()
	case Unknown:
		block(Reason{Code: BlockFactMissing, Path: PathWaitingRoom, Level: LevelHost, Value: h.WaitingRoom.Value})
		return keep()
	}

	if r, stop := hindsight(f, now, v); stop {
		if r == RemedyDefer {
			return r
		}
		return keep()
	}
	v.AskWaitingRoom = !h.WaitingRoom.lockedOff()
	return RemedyClear
}

// setKnown decides under policy known-passcode.
func setKnown(f *Facts, p Policy, now time.Time, v *Verdict, keep func() Remedy) Remedy {
	m := &f.Meeting
	switch {
	case p.Source == SourceZoom:
		return keep()
	case f.Host.Passcode.Contradiction:
		v.Reasons = append(v.Reasons, settingReason(BlockContradict, PathPasscode, f.Host.Passcode))
		return keep()
	case f.Host.Passcode.Value == Unknown, f.Host.Passcode.Value == Off && f.Host.Passcode.Lock == Unknown:
		// Perhaps locked off: then the change would remove the passcode, and with
		// it perhaps the only security option.
		v.Missing |= FactHost
		v.Reasons = append(v.Reasons, Reason{Code: BlockFactMissing, Path: PathPasscode, Level: LevelHost, Value: f.Host.Passcode.Value})
		return keep()
	case m.OursProblem != "":
		v.Reasons = append(v.Reasons, Reason{Code: BlockRequirement, Path: PathRequirement, Level: LevelHost, Detail: m.OursProblem})
		return RemedyImpossible
	case m.Ours == On:
		v.Reasons = append(v.Reasons, Reason{Code: BlockKnown, Level: LevelMeeting, Value: On})
		return RemedyNone
	case m.Ours == Unknown:
		// The host's requirement or the passcode itself was not read.
		v.Missing |= FactHost | FactMeeting
		v.Reasons = append(v.Reasons, Reason{Code: BlockFactMissing, Path: PathRequirement, Level: LevelHost})
		return keep()
	}
	if r, stop := hindsight(f, now, v); stop {
		if r == RemedyDefer {
			return r
		}
		return keep()
	}
	return RemedySet
}

// hindsight says whether what happened before forbids a change now.
func hindsight(f *Facts, now time.Time, v *Verdict) (Remedy, bool) {
	block := func(c Code, l Level) { v.Reasons = append(v.Reasons, Reason{Code: c, Level: l, Value: On}) }
	switch {
	case f.History.Undone >= ContestedAfter:
		// DESIGN section 4, rule 5: no fights.
		block(BlockContested, LevelMeeting)
		return "", true
	case f.History.Overwritten:
		// DESIGN section 4, rule 3: not tried again until a fact changes.
		block(BlockOverwritten, LevelMeeting)
		return "", true
	case f.History.Refused:
		// Zoom looked at the request and said no; the same request would get the
		// same answer and spend one of the host's 100.
		block(BlockRefused, LevelMeeting)
		return "", true
	case now.Before(f.History.HeldUntil):
		// FACTS section 6: 100 creates and updates per host and UTC day.
		v.DeferUntil = f.History.HeldUntil
		block(BlockDailyLimit, LevelHost)
		return RemedyDefer, true
	}
	return "", false
}

// optionLeft says whether a clear that also asks for the waiting room leaves
// the meeting with a security option: On yes, Off no, Unknown cannot be told.
func optionLeft(f *Facts) Toggle {
	wr, au := f.Host.WaitingRoom, f.Host.Authentication
	waitingRoom := Unknown
	switch {
	case wr.Contradiction:
	case wr.Value == On, wr.Lock == Off:
		// On stays on, locked or not; not locked follows our request (rule 3).
		waitingRoom = On
	case wr.lockedOff():
		waitingRoom = Off // rule 2: whatever we ask
	}
	if waitingRoom == On {
		return On
	}
	authentication := Unknown
	switch {
	case au.Contradiction:
	case au.lockedOn():
		authentication = On
	case au.lockedOff():
		authentication = Off
	case au.Lock == Off:
		authentication = f.Meeting.Authentication // an update that does not name it leaves it (rule 3)
	}
	if authentication == On {
		return On
	}
	if waitingRoom == Off && authentication == Off {
		return Off
	}
	return Unknown
}

// missingHostFacts asks for the host's settings when what decides is not known.
func missingHostFacts(f *Facts) FactSet {
	h := &f.Host
	if f.Meeting.isPMI() || h.Plan.ForcesPasscode() {
		return 0 // neither the cause nor the remedy would change
	}
	var missing FactSet
	if h.Passcode.Value == Unknown || (h.Passcode.Value == On && h.Passcode.Lock == Unknown) {
		missing |= FactHost
	}
	switch optionLeft(f) {
	case Unknown:
		missing |= FactHost
		if f.Meeting.Authentication == Unknown && h.WaitingRoom.lockedOff() {
			missing |= FactMeeting // webhooks do not carry it (FACTS section 2)
		}
	}
	return missing
}

func (m *Meeting) isPMI() bool { return m.UsesPMI || m.Type == TypePMI }

func isOver(m *Meeting, now time.Time) bool {
	switch m.Status {
	case StatusEnded, StatusDeleted:
		return true
	case StatusStarted:
		return false // it may run past its planned end
	}
	return !m.Ends.IsZero() && now.After(m.Ends)
}

func settingReason(c Code, path string, s Setting) Reason {
	r := Reason{Code: c, Path: path, Level: LevelHost, Value: s.Value, Seen: s.Seen}
	if s.Lock == On && !s.Contradiction {
		r.Locked, r.Level, r.By = true, s.LockLevel, s.LockedBy
	}
	return r
}
