package zoomsim

import "slices"

// resolved is what holds for one host: values and locks after plan, account
// and groups were applied (Z-LOCK-1 to Z-LOCK-10).
type resolved struct {
	layer
}

// setting returns one key in the form that Decide takes.
func (r *resolved) setting(k key) Setting {
	switch on, locked := r.on.has(k), r.locked.has(k); {
	case on && locked:
		return LockedOn
	case locked:
		return LockedOff
	case on:
		return On
	}
	return Off
}

func (r *resolved) effective(passcodeKey key) EffectiveSettings {
	return EffectiveSettings{
		WaitingRoom:    r.setting(keyWaitingRoom),
		Passcode:       r.setting(passcodeKey),
		Authentication: r.setting(keyAuthentication),
		AutoSecurity:   r.on.has(keyAutoSecurity),
	}
}

// resolve works out a user's effective settings and locks, key by key: the
// plan's own locks first, then the account's lock, then the groups' locks, and
// where nothing is locked the user's own value, else that of the deciding
// group, else the account's, else Zoom's default.
func (a *account) resolve(u *user) resolved {
	groups := a.groupsOf(u)
	var r resolved
	r.set = factory.set
	plan := a.planLocks()
	for k := key(0); k < numKeys; k++ {
		from, locked := a.decider(u, groups, k)
		switch {
		case plan.has(k):
			// Zoom's plans only ever force on.
			r.on.put(k, true)
			locked = true
		case k == keyRequirement:
			r.req = from.req
		case k == keyWaitingRoomHolds:
			r.room = from.room
		case k == keyDefaultPasscode || k == keyPMIPasscode:
			r.text[k] = from.text[k]
		default:
			r.on.put(k, from.on.has(k))
		}
		r.locked.put(k, locked)
	}
	return r
}

// decider finds the level whose value of k holds for the user, and whether it
// is locked above the user.
func (a *account) decider(u *user, groups []*group, k key) (*layer, bool) {
	if a.own.locked.has(k) {
		return a.valueOf(k), true
	}
	var manages *group
	for _, g := range groups {
		switch {
		case g.own.locked.has(k):
			if a.GroupsNew && manages != nil {
				// New experience: a higher-priority group that manages the
				// setting without locking it has already decided.
				continue
			}
			// Older accounts: locked in any group is locked for the user. Of
			// several locks the first in group order wins (Z-LOCK-4).
			return a.groupValue(g, k), true
		case manages == nil && g.own.set.has(k):
			manages = g
		}
	}
	switch {
	case u != nil && u.own.set.has(k):
		return &u.own, false
	case manages != nil:
		return &manages.own, false
	}
	return a.valueOf(k), false
}

// groupValue is a group's value of k; a group that locks a setting it does not
// set locks the account's value.
func (a *account) groupValue(g *group, k key) *layer {
	if g.own.set.has(k) {
		return &g.own
	}
	return a.valueOf(k)
}

func (a *account) valueOf(k key) *layer {
	if a.own.set.has(k) {
		return &a.own
	}
	return &factory
}

// groupsOf lists the user's groups in deciding order: by priority on the new
// groups experience, else as joined, the first being the primary one.
func (a *account) groupsOf(u *user) []*group {
	if u == nil {
		return nil
	}
	groups := make([]*group, 0, len(u.Groups))
	for _, id := range u.Groups {
		if g := a.groups[id]; g != nil {
			groups = append(groups, g)
		}
	}
	if a.GroupsNew {
		slices.SortStableFunc(groups, func(x, y *group) int { return x.Priority - y.Priority })
	}
	return groups
}

// planLocks are the settings that Zoom itself forces on: passcodes on free
// accounts and Pro accounts with one host, and auto_security except on
// Enterprise, Education and Business above 100 licences (Z-LOCK-6, Z-LOCK-9).
func (a *account) planLocks() mask {
	var m mask
	if a.Plan == PlanFree || a.Plan == PlanPro && a.Licences <= 1 {
		m |= keyMeetingPassword.bit() | keyPMIPassword.bit()
	}
	switch {
	case a.Plan == PlanFree, a.Plan == PlanPro, a.Licences <= 1:
		m |= keyAutoSecurity.bit()
	case a.Plan == PlanBusiness && a.Licences <= 100:
		m |= keyAutoSecurity.bit()
	}
	return m
}
