package passcode

import "time"

// Values are the settings that decide, seen at one level. Of a user they are
// the effective values; of an account's or group's lock settings On means
// locked. Unknown means that Zoom did not say.
type Values struct {
	Passcode       Toggle `json:"meeting_password,omitzero"`
	Scheduled      Toggle `json:"require_password_for_scheduled_meeting,omitzero"`
	WaitingRoom    Toggle `json:"waiting_room,omitzero"`
	AutoSecurity   Toggle `json:"auto_security,omitzero"`
	Authentication Toggle `json:"meeting_authentication,omitzero"`
}

// Locks are what one account or group locks for its people.
type Locks struct {
	ID string
	Values
	// Known is false when they were never read, or are known to be out of date.
	Known bool
}

// Effective puts a host's own effective values together with the locks of all
// levels above. FACTS section 3: the value is read from the user's own
// settings, the lock from the account and from every group of the user; an
// account's lock beats every group's.
func Effective(plan Plan, user Values, seen time.Time, account Locks, groups []Locks) Host {
	one := func(value Toggle, of func(Values) Toggle) Setting {
		s := Setting{Value: value, Seen: seen, Lock: Off}
		if account.Known && of(account.Values) == On {
			s.Lock, s.LockLevel, s.LockedBy = On, LevelAccount, account.ID
			return s
		}
		unknown := !account.Known || of(account.Values) == Unknown
		for _, g := range groups {
			switch {
			case g.Known && of(g.Values) == On:
				s.Lock, s.LockLevel, s.LockedBy = On, LevelGroup, g.ID
				return s
			case !g.Known || of(g.Values) == Unknown:
				unknown = true
			}
		}
		if unknown {
			s.Lock = Unknown
		}
		return s
	}
	return Host{
		Plan:           plan,
		Passcode:       one(user.Passcode, func(v Values) Toggle { return v.Passcode }),
		Scheduled:      one(user.Scheduled, func(v Values) Toggle { return v.Scheduled }),
		WaitingRoom:    one(user.WaitingRoom, func(v Values) Toggle { return v.WaitingRoom }),
		AutoSecurity:   one(user.AutoSecurity, func(v Values) Toggle { return v.AutoSecurity }),
		Authentication: one(user.Authentication, func(v Values) Toggle { return v.Authentication }),
	}
}
