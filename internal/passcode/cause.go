package passcode

import (
	"slices"
	"time"
)

// cause names what put the passcode there, the strongest first: what nobody can
// change, then what an admin fixed, then what the host chose, then what was so
// and is not any more. More than one reason is returned where a sub-option goes
// with the setting.
func cause(f *Facts) []Reason {
	h := &f.Host
	key := f.Meeting.passcodeKey(*h)
	pass, room := h.Settings[key], h.Settings[KeyWaitingRoom]
	scheduled, auto, pmi := h.Settings[KeyScheduled], h.Settings[KeyAutoSecurity], h.Settings[KeyPMI]
	one := func(r Reason) []Reason { return append(make([]Reason, 0, 3), r) }
	switch {
	case f.Meeting.isPMI():
		// Z-MEET-10, Z-MEET-11: a PMI's passcode belongs to the user's settings.
		if h.PlanForces(KeyPMI) {
			return one(Reason{Code: CausePlan, Level: LevelPlan, By: string(h.Plan)})
		}
		if pmi.lockedOn() {
			r := settingReason(CauseLockedOn, KeyPMI, pmi)
			r.perhapsPlan(h.Plan)
			return one(r)
		}
		if join := h.Settings[KeyPMIJoin]; join.Value == On && pmi.Value != On {
			r := settingReason(CausePMIJoin, KeyPMIJoin, join)
			if pmi.Lock == On { // the lock is the PMI setting's, whatever its value
				r.Locked, r.Level, r.By, r.ByName = true, pmi.LockLevel, pmi.LockedBy, pmi.LockedByName
			}
			return one(r)
		}
		return one(Reason{Code: CausePMI, Path: KeyPMI.Path(), Level: LevelHost, Value: pmi.Value, Seen: pmi.Seen})
	case h.PlanForces(key):
		// Z-LOCK-6: always on for free and single-host Pro accounts.
		return one(Reason{Code: CausePlan, Level: LevelPlan, By: string(h.Plan)})
	case pass.lockedOn():
		// Z-RULE-2: locked on wins over whatever was asked.
		r := settingReason(CauseLockedOn, key, pass)
		r.perhapsPlan(h.Plan)
		r.since(&f.History, key)
		return one(r)
	case pass.Value != Unknown && !f.Meeting.SeenWithout.IsZero():
		return appeared(f)
	case pass.Value == On:
		// Z-RULE-12: a create that names no passcode follows the host's setting. The
		// sub-option for meetings made before it goes with it; turning that off
		// alone would change nothing for new meetings.
		all := one(settingReason(CauseSettingOn, key, pass))
		all[0].since(&f.History, key)
		if f.Meeting.Source == SourceOpenAPI {
			switch f.Meeting.Generated {
			case Off:
				return one(callers(f)) // the setting would have made another kind of passcode
			case Unknown:
				all = append(all, callers(f))
			case On:
				// It is of the kind that Zoom makes up, which proves nothing.
				r := callers(f)
				r.Detail = likeZooms
				all = append(all, r)
			}
		}
		if scheduled.Value == On && f.wasScheduled() {
			all = append(all, settingReason(CauseScheduled, KeyScheduled, scheduled))
		}
		return all
	case scheduled.Value == On && !pass.LockedOff() && f.wasScheduled():
		r := settingReason(CauseScheduled, KeyScheduled, scheduled)
		r.since(&f.History, KeyScheduled)
		return one(r)
	case auto.Value == On && room.LockedOff() && f.Meeting.Authentication != On:
		// Z-RULE-6: nothing else was left, so Zoom generated one.
		return one(settingReason(CauseAutoSecurity, KeyAutoSecurity, auto))
	}
	if pass.Value == Unknown {
		// Whether what explained it before holds still cannot be told.
		r := Reason{Code: CauseUnexplained, Path: key.Path(), Level: LevelHost}
		if e := f.History.Earlier; e.Code == CauseUnexplained {
			r.Detail = e.Detail
		} else if e.Code.IsCause() {
			r.Detail = e.Sentence()
		}
		return one(r)
	}
	if r, ok := earlier(f); ok {
		return one(r)
	}
	// Every setting is off: whoever created or edited the meeting asked for it.
	if f.Meeting.Source == SourceOpenAPI {
		return one(callers(f))
	}
	return one(Reason{Code: CauseRequest, Path: "password", Level: LevelMeeting, Value: On})
}

// appeared names what put a passcode on a meeting that had been seen without one.
// Neither whoever made it nor a setting for new meetings did (Z-RULE-5): that leaves
// what Zoom does to meetings that are there, and somebody who put it on.
func appeared(f *Facts) []Reason {
	h := &f.Host
	key := f.Meeting.passcodeKey(*h)
	pass, room := h.Settings[key], h.Settings[KeyWaitingRoom]
	scheduled, auto := h.Settings[KeyScheduled], h.Settings[KeyAutoSecurity]
	later := Reason{Code: CauseSetLater, Path: "password", Level: LevelMeeting, Value: On, ChangedBy: f.Meeting.SetBy, ChangedAt: f.Meeting.SeenWithout}
	e := f.History.Earlier
	was := e.Code == CauseWasOn || e.Code == CausePlan || e.isSetting() && e.Code != CauseSettingOn
	if f.Meeting.Generated == Off && !was {
		return []Reason{later} // Zoom makes up none like it, and it did not take the place of one that it made
	}
	if auto.Value == On && room.LockedOff() && f.Meeting.Authentication != On {
		// Z-RULE-6: with the next change of the meeting Zoom generated one.
		return []Reason{settingReason(CauseAutoSecurity, KeyAutoSecurity, auto)}
	}
	var perhaps []Reason
	switch {
	case scheduled.Value != On || pass.LockedOff() || !f.wasScheduled():
	case e.Code == CauseScheduled || f.turnedOnAfter(KeyScheduled, f.Meeting.SeenWithout):
		r := settingReason(CauseScheduled, KeyScheduled, scheduled)
		r.since(&f.History, KeyScheduled)
		return []Reason{r}
	case !f.recorded(KeyScheduled) || f.turnedOnAfter(KeyScheduled, f.Meeting.SeenWithout.Add(-spreads)):
		// Since when it is on is not known, or it was just turned on then.
		perhaps = []Reason{settingReason(CauseScheduled, KeyScheduled, scheduled)}
	}
	if r, ok := earlier(f); ok {
		return []Reason{r}
	}
	if pass.Value == On && pass.Lock != Off {
		// Perhaps locked on (Z-RULE-3), or held by one of locks that disagree.
		perhaps = append(perhaps, settingReason(CauseSettingOn, key, pass))
	}
	return append(perhaps, later)
}

// spreads is how long the sub-option may take to reach every meeting; Zoom does not
// say.
const spreads = 10 * time.Minute

// turnedOnAfter says whether the setting is recorded to have been turned on after
// that time; recorded whether at any time.
func (f *Facts) turnedOnAfter(k Key, t time.Time) bool {
	return slices.ContainsFunc(f.History.Changes, func(c PastChange) bool { return c.Key == k && (c.At.IsZero() || c.At.After(t)) })
}

func (f *Facts) recorded(k Key) bool {
	return slices.ContainsFunc(f.History.Changes, func(c PastChange) bool { return c.Key == k })
}

// since says whether it was so after the meeting was seen without a passcode: what
// came and went before did not put one on.
func (f *Facts) since(c PastChange) bool {
	without := f.Meeting.SeenWithout
	return c.At.IsZero() || c.At.After(without) || c.Lock && c.Until.After(without)
}

// explains says whether the change may have put the passcode on the meeting: to one
// that was there without, turning on the setting for new meetings does nothing.
func (c PastChange) explains(f *Facts) bool {
	if !f.since(c) {
		return false
	}
	switch c.Key {
	case KeyScheduled:
		return f.wasScheduled()
	case KeyAutoSecurity:
		room := f.Host.Settings[KeyWaitingRoom]
		return room.Value == Unknown || room.LockedOff() || f.Meeting.SeenWithout.IsZero()
	case f.Meeting.passcodeKey(f.Host):
		return c.Lock || f.Meeting.SeenWithout.IsZero()
	}
	return false
}

// callers is the reason that whoever made the meeting by API sent a passcode, or
// their client library did (Z-RULE-19).
func callers(f *Facts) Reason {
	r := Reason{Code: CauseCaller, Path: "password", Level: LevelMeeting, Value: On}
	if f.Meeting.Generated == Off {
		r.Detail = notZooms
	}
	return r
}

// notZooms marks a passcode that Zoom would not make up.
const notZooms = "not of the kind that Zoom makes up"

// likeZooms marks one that Zoom would, so that the caller is the less likely cause.
const likeZooms = "of the kind that Zoom makes up"

// wasScheduled says whether the meeting may have been there when the host's
// sub-option for meetings that are scheduled already was turned on: an instant
// meeting never was, and one made after it got its passcode otherwise.
func (f *Facts) wasScheduled() bool {
	if f.Meeting.Type == TypeInstant {
		return false
	}
	for _, c := range f.History.Changes {
		if c.Key == KeyScheduled && !f.Meeting.Created.IsZero() && !c.At.IsZero() {
			return f.Meeting.Created.Before(c.At) // the newest of them
		}
	}
	return true
}

// perhapsPlan notes that an account's lock may be the plan's, which looks the
// same: then its admin cannot unlock it (Z-LOCK-6, disputed).
func (r *Reason) perhapsPlan(p Plan) {
	if r.Level == LevelAccount && p == PlanProSingleHost {
		r.Detail = perhapsPlan
	}
}

const perhapsPlan = "the account has one licensed user"

// since names who made the setting as it is, where a change is recorded.
func (r *Reason) since(h *History, k Key) {
	for _, c := range h.Changes {
		if c.Key == k && c.Level == r.Level && (r.Level == LevelHost || c.By == r.By) {
			r.ChangedBy, r.ChangedAt = c.Who, c.At
			return
		}
	}
}

// earlier finds what explained the passcode before the setting went back, or what
// the settings do not show yet since they were read before it: a recorded change
// that turned a deciding setting on or locked it on, else the cause that the
// verdict before named.
func earlier(f *Facts) (Reason, bool) {
	h := &f.History
	for _, c := range h.Changes {
		if !c.explains(f) {
			continue
		}
		r := Reason{Code: CauseWasOn, Path: c.Key.Path(), Level: c.Level, By: c.By, ByName: c.ByName, Value: On, Locked: c.Lock,
			ChangedBy: c.Who, ChangedAt: c.At}
		now := f.Host.Settings[c.Key]
		switch {
		case !now.Seen.IsZero() && c.At.After(now.Seen):
			// The reading is the older of the two: nothing says that it went back.
			switch {
			case c.Lock:
				r.Code = CauseLockedOn
			case c.Key == KeyScheduled:
				r.Code = CauseScheduled
			default:
				r.Code = CauseSettingOn
			}
		case c.Lock && now.lockedOn() || !c.Lock && now.Value == On:
			continue // it is so still, and by itself put none on
		}
		return r, true
	}
	switch r := h.Earlier; {
	case r.Code == CauseSettingOn && !f.Meeting.SeenWithout.IsZero():
	case r.isSetting():
		r.Code = CauseWasOn
		return r, true
	case r.Code == CausePlan:
		return Reason{Code: CauseWasOn, Level: LevelPlan, By: r.By, Value: On}, true
	case r.Code == CauseWasOn:
		return r, true
	}
	return Reason{}, false
}

// isSetting says whether the reason names a setting that was seen on.
func (r Reason) isSetting() bool {
	switch r.Code {
	case CauseLockedOn, CauseSettingOn, CauseScheduled, CauseAutoSecurity:
		return true
	}
	return false
}

func settingReason(c Code, k Key, s Setting) Reason {
	r := Reason{Code: c, Path: k.Path(), Level: LevelHost, Value: s.Value, Seen: s.Seen, LockUnknown: s.Lock == Unknown && k.Info().Lockable}
	if s.Lock == On && !s.Contradiction {
		r.Locked, r.Level, r.By, r.ByName = true, s.LockLevel, s.LockedBy, s.LockedByName
	}
	return r
}

// contradicting is the reason for locks that disagree, with both holders.
func contradicting(k Key, s Setting) Reason {
	return Reason{Code: BlockContradict, Path: k.Path(), Level: s.LockLevel, Value: s.Value, By: s.LockedBy, ByName: s.LockedByName, Detail: s.Against}
}
