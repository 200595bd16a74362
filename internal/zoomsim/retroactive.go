package zoomsim

import "time"

// demands is what a host's settings ask of meetings that are scheduled already.
type demands struct {
	room, auth bool // locked on
	code       bool // require_password_for_scheduled_meeting is on
}

func (u *user) demands() demands {
	a := u.acct
	groups := a.groupsOf(u)
	on := func(k key) (on, locked bool) {
		from, locked := a.decider(u, groups, k) // none of the three is ever the plan's
		return from.on.has(k), locked
	}
	both := func(on, locked bool) bool { return on && locked }
	d := demands{room: both(on(keyWaitingRoom)), auth: both(on(keyAuthentication))}
	d.code, _ = on(keyScheduledPassword)
	return d
}

// demanding says that a change can alter what demands says.
func (c change) demanding() bool {
	return c.key == keyWaitingRoom || c.key == keyAuthentication || c.key == keyScheduledPassword
}

// demandsOf takes what holds for hosts, to see what a change does to them.
func demandsOf(hosts []*user) []demands {
	out := make([]demands, len(hosts))
	for i, u := range hosts {
		out[i] = u.demands()
	}
	return out
}

// retroactive changes meetings that are already scheduled, as Zoom does silently
// when a host's settings change: a passcode when
// require_password_for_scheduled_meeting comes on (Z-SET-3), waiting room or
// authentication when they become locked on. A meeting in progress, a past one
// and a webinar are left alone. Nothing is removed. hosts are those whom the
// change can have reached, and before what demandsOf said of them.
func (w *world) retroactive(hosts []*user, before []demands, now time.Time) {
	for i, u := range hosts {
		was, is := before[i], u.demands()
		room, auth, code := is.room && !was.room, is.auth && !was.auth, is.code && !was.code
		if !room && !auth && !code {
			continue
		}
		r := u.acct.resolve(u)
		code = code && r.setting(keyMeetingPassword) != LockedOff
		for _, m := range append(w.meetingsOf(u), u.room) {
			if m.over(now) || m.Status == statusStarted || m.Webinar {
				continue
			}
			if room {
				m.roomEverywhere()
			}
			m.Authentication = m.Authentication || auth
			if code && m.Passcode == "" && !m.pmi() && m.Type != 1 {
				m.Passcode = w.retroactivePasscode(&r)
			}
		}
	}
}

// retroactivePasscode is the host's "passcode for already scheduled meetings"
// where it is set and conforms, else a generated one.
func (w *world) retroactivePasscode(r *resolved) string {
	if p := r.text[keyDefaultPasscode]; p != "" && r.req.check(p) == "" {
		return p
	}
	return w.src.passcode(r.req)
}
