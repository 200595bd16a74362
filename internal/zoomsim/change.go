package zoomsim

import (
	"net/http"
	"slices"
	"time"
)

// A settings change goes through three steps, the same at every level: apply,
// change hosts' meetings as Zoom does after the fact, send by webhook what
// changed and nothing else.

// changeUser merges a patch into a user's own settings. What is locked above
// the user stays as it is, without an error (Z-CALL-11).
func (w *world) changeUser(u *user, patch SettingsPatch, strict bool, now time.Time) ([]event, error) {
	changes, err := patch.decode(strict, false)
	if err != nil {
		return nil, invalid("settings", err.Error())
	}
	before := u.acct.resolve(u)
	changes = slices.DeleteFunc(changes, func(c change) bool { return before.locked.has(c.key) })
	for _, c := range changes {
		if c.key == keyPMIPasscode && c.text != "" {
			if complaint := before.req.check(c.text); complaint != "" {
				return nil, invalid("pmi_password", complaint)
			}
		}
	}
	return w.changed(u.acct, []*user{u}, "user.settings_updated", u.ID, changes, now, false,
		func(c change) { c.apply(&u.own, &before.layer) },
		func() layer { return u.acct.resolve(u).layer })
}

// changeGroup merges a patch into a group's values or its locks.
func (w *world) changeGroup(g *group, patch SettingsPatch, asLock, strict bool, now time.Time) ([]event, error) {
	changes, err := patch.decode(strict, asLock)
	if err != nil {
		return nil, invalid("settings", err.Error())
	}
	name := "group.settings_updated"
	base := g.acct.groupView(g)
	apply := func(c change) { c.apply(&g.own, &base) }
	if asLock {
		if g.acct.Plan == PlanFree {
			return nil, onlyPaid(http.StatusBadRequest, g.acct.ID)
		}
		name = "group.lock_settings_updated"
		apply = func(c change) { g.own.lock(c.key, c.on) }
	}
	return w.changed(g.acct, g.members, name, g.ID, changes, now, asLock, apply, func() layer { return g.acct.groupView(g) })
}

// changeAccount merges a patch into the account's values or locks. What the
// plan forces stays as it is.
func (w *world) changeAccount(a *account, patch SettingsPatch, asLock, strict bool, now time.Time) ([]event, error) {
	changes, err := patch.decode(strict, asLock)
	if err != nil {
		return nil, invalid("settings", err.Error())
	}
	plan := a.planLocks()
	changes = slices.DeleteFunc(changes, func(c change) bool { return plan.has(c.key) })
	name := "account.settings_updated"
	base := a.resolve(nil).layer
	apply := func(c change) { c.apply(&a.own, &base) }
	if asLock {
		name = "account.lock_settings_updated"
		apply = func(c change) { a.own.lock(c.key, c.on) }
	}
	return w.changed(a, a.users, name, a.ID, changes, now, asLock, apply, func() layer { return a.resolve(nil).layer })
}

// changed applies and reports. The event names each setting by the path that
// the patch used (docs/simulator.md, open cases). hosts are those whom it reaches.
func (w *world) changed(a *account, hosts []*user, name, id string, changes []change, now time.Time, asLock bool,
	apply func(change), view func() layer,
) ([]event, error) {
	if !slices.ContainsFunc(changes, change.demanding) {
		hosts = nil
	}
	held := demandsOf(hosts)
	before := view()
	for _, c := range changes {
		apply(c)
	}
	after := view()
	w.retroactive(hosts, held, now)
	object, old := SettingsPatch{}, SettingsPatch{}
	for _, c := range changes {
		var was, is any = before.locked.has(c.key), after.locked.has(c.key)
		if !asLock {
			was, is = c.show(&before), c.show(&after)
		}
		if was != is {
			object.And(c.path(), is)
			old.And(c.path(), was)
		}
	}
	if len(object) == 0 {
		return nil, nil
	}
	return []event{settingsEvent(a, name, id, object, old, now)}, nil
}

// groupView is a group's settings as its calls show them: its own values,
// else the account's; its own locks.
func (a *account) groupView(g *group) layer {
	v := layer{
		set: factory.set, locked: g.own.locked,
		req: a.groupValue(g, keyRequirement).req, room: a.groupValue(g, keyWaitingRoomHolds).room,
	}
	for k := range numKeys {
		v.on.put(k, a.groupValue(g, k).on.has(k))
	}
	return v
}

// member adds a user to a group or removes it from there. Joining a group that
// the user is in already, or leaving one it is not in, changes nothing.
func (w *world) member(g *group, u *user, add bool, now time.Time) []event {
	if u.acct != g.acct || slices.Contains(u.Groups, g.ID) == add {
		return nil
	}
	held := demandsOf([]*user{u})
	name, was := "group.member_deleted", u.primaryGroup()
	if add {
		name = "group.member_added"
		u.enter(g)
	} else {
		u.quit(g)
	}
	w.retroactive([]*user{u}, held, now)
	return append([]event{memberEvent(name, g, u, now)}, u.primaryChanged(was, now)...)
}
