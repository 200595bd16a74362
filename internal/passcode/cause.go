package passcode

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
	case pass.Value == On && f.setLater():
		return one(setLater(f))
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
		if e := f.History.Earlier; e.isSetting() {
			r.Detail = e.Sentence()
		} else if e.Code == CauseUnexplained {
			r.Detail = e.Detail
		}
		return one(r)
	}
	if r, ok := earlier(f); ok {
		return one(r)
	}
	if f.setLater() {
		return one(setLater(f))
	}
	// Every setting is off: whoever created or edited the meeting asked for it.
	if f.Meeting.Source == SourceOpenAPI {
		return one(callers(f))
	}
	return one(Reason{Code: CauseRequest, Path: "password", Level: LevelMeeting, Value: On})
}

// setLater says whether somebody put the passcode on by an update: the meeting was
// there and had none, and nothing adds one to such a meeting by itself (Z-RULE-5)
// but a lock, or the sub-option for meetings that are scheduled already.
func (f *Facts) setLater() bool {
	if f.Meeting.SeenWithout.IsZero() || f.Host.Settings[KeyScheduled].Value == On && f.wasScheduled() {
		return false
	}
	for _, c := range f.History.Changes {
		if c.explains(&f.Meeting, f.Host) && !(c.Key == KeyScheduled && !f.wasScheduled()) {
			return false // it may have been on or locked for a while
		}
	}
	return true
}

// explains says whether the change may have put a passcode on the meeting: on one
// that was there without, turning on the setting for new meetings does not.
func (c PastChange) explains(m *Meeting, h Host) bool {
	switch c.Key {
	case KeyScheduled, KeyAutoSecurity:
		return true
	case m.passcodeKey(h):
		return c.Lock || m.SeenWithout.IsZero()
	}
	return false
}

func setLater(f *Facts) Reason {
	return Reason{Code: CauseSetLater, Path: "password", Level: LevelMeeting, Value: On, ChangedBy: f.Meeting.SetBy, ChangedAt: f.Meeting.SeenWithout}
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
// the settings do not show yet since they were read before it: a recorded change that turned a deciding setting on or locked it on, else the
// cause that the verdict before named.
func earlier(f *Facts) (Reason, bool) {
	h := &f.History
	for _, c := range h.Changes {
		if c.Key == KeyScheduled && !f.wasScheduled() {
			continue
		}
		if c.explains(&f.Meeting, f.Host) {
			code := CauseWasOn
			if seen := f.Host.Settings[c.Key].Seen; !seen.IsZero() && c.At.After(seen) {
				// The reading is the older of the two: nothing says that it went back.
				switch {
				case c.Lock:
					code = CauseLockedOn
				case c.Key == KeyScheduled:
					code = CauseScheduled
				default:
					code = CauseSettingOn
				}
			}
			return Reason{Code: code, Path: c.Key.Path(), Level: c.Level, By: c.By, ByName: c.ByName, Value: On, Locked: c.Lock,
				ChangedBy: c.Who, ChangedAt: c.At}, true
		}
	}
	switch r := h.Earlier; {
	case r.Code == CauseSettingOn && f.setLater():
	case r.isSetting():
		r.Code = CauseWasOn
		return r, true
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
