package passcode

// TouchesMeetings says whether a change of the setting, or of its lock, may change
// meetings that exist. What goes off, is unlocked or is about instant meetings leaves
// them as they are (Z-RULE-5); so does what only says what is typed where,
// but for the invitation link, which Leaves looks at.
func (k Key) TouchesMeetings(lock bool, to Toggle) bool {
	switch {
	case !k.Decides():
		return false
	case lock:
		return to != Off
	case k == KeyInstant:
		return false
	case k == KeyWaitingRoom || k == KeyAuthentication:
		return true // locked already it may take away what secures a meeting (Z-RULE-4)
	}
	return to != Off
}

// Leaves says whether a meeting, as it is known to have been, is one that these settings
// leave as it is. False: they may have changed it, or what they are is not known, so that
// only reading the meeting shows it.
func (h Host) Leaves(m Meeting) bool {
	key := m.passcodeKey(h)
	if m.isPMI() || m.Passcode == Unknown {
		return false // a personal meeting's passcode is a setting itself
	}
	pass, sub, auto := h.Settings[key], h.Settings[KeyScheduled], h.Settings[KeyAutoSecurity]
	if !pass.leaves(m.Passcode) || !h.Settings[KeyWaitingRoom].leaves(m.WaitingRoom) || !h.Settings[KeyAuthentication].leaves(m.Authentication) {
		return false
	}
	if m.Passcode == On {
		// Where the passcode stands, and who types it, are the settings' too.
		return agree(m.LinkHasPasscode, h.Settings[KeyEmbed].Value) && agree(m.PhonePasscode, h.Settings[KeyPhone].Value)
	}
	if h.PlanForces(key) || sub.Value != Off && pass.Lock != On {
		return false // Z-LOCK-6, Z-SET-3
	}
	// Z-RULE-6: something secured it when it was made. If it is not known what, neither
	// must have been taken away.
	room, auth := h.Settings[KeyWaitingRoom], h.Settings[KeyAuthentication]
	kept := m.WaitingRoom == Unknown && m.Authentication == Unknown && !room.LockedOff() && !auth.LockedOff()
	return auto.Value == Off || m.WaitingRoom == On || m.Authentication == On || kept
}

// leaves says whether an option of a meeting is as the setting leaves it, where the
// setting is known and forces anything.
func (s Setting) leaves(option Toggle) bool {
	if s.Value == Unknown || s.Lock == Unknown || s.Contradiction {
		return false
	}
	return s.Lock != On || option == Unknown || option == s.Value
}

func agree(a, b Toggle) bool { return a == Unknown || b == Unknown || a == b }
