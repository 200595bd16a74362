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
	PMI            Toggle `json:"pmi_password,omitzero"`
	Phone          Toggle `json:"phone_password,omitzero"`
	Embed          Toggle `json:"embed_password_in_join_link,omitzero"`
	WebClient      Toggle `json:"only_authenticated_can_join_from_webclient,omitzero"`
}

// Named calls f for each setting with its path.
func (v Values) Named(f func(path string, value Toggle)) {
	f(PathPasscode, v.Passcode)
	f(PathScheduled, v.Scheduled)
	f(PathPMI, v.PMI)
	f(PathWaitingRoom, v.WaitingRoom)
	f(PathAuthentication, v.Authentication)
	f(PathAutoSecurity, v.AutoSecurity)
	f(PathPhone, v.Phone)
	f(PathEmbed, v.Embed)
	f(PathWebClient, v.WebClient)
}

// Of gives the setting of that path; Unknown for a path that is none of these.
func (v Values) Of(path string) Toggle {
	found := Unknown
	v.Named(func(p string, value Toggle) {
		if p == path {
			found = value
		}
	})
	return found
}

// Locks are what one account or group locks for its people, and the values
// that it fixes so.
type Locks struct {
	ID string
	Values
	// Fixed are the level's own values; Unknown where they were not read.
	Fixed Values
	// Known is false when the locks were never read, or are out of date.
	Known bool
}

// User is what was read of a host's own effective settings.
type User struct {
	Values
	Requirement Requirement
	Seen        time.Time
}

// Effective puts a host's own effective values together with the locks of all
// levels above. FACTS section 3: the value is read from the user's own
// settings, the lock from the account and from every group of the user; an
// account's lock beats every group's. Locks that contradict each other, or the
// value that is said to be in effect, are marked: nobody can say which holds.
func Effective(plan Plan, user User, account Locks, groups []Locks) Host {
	one := func(of func(Values) Toggle) Setting {
		s := Setting{Value: of(user.Values), Seen: user.Seen, Lock: Off}
		if account.Known && of(account.Values) == On {
			s.lock(LevelAccount, account.ID, of(account.Fixed))
			return s
		}
		unknown := !account.Known || of(account.Values) == Unknown
		for _, g := range groups {
			switch {
			case g.Known && of(g.Values) == On:
				s.lock(LevelGroup, g.ID, of(g.Fixed))
			case !g.Known || of(g.Values) == Unknown:
				unknown = true
			}
		}
		if unknown && s.Lock == Off {
			s.Lock = Unknown
		}
		return s
	}
	return Host{
		Plan:           plan,
		Requirement:    user.Requirement,
		Passcode:       one(func(v Values) Toggle { return v.Passcode }),
		Scheduled:      one(func(v Values) Toggle { return v.Scheduled }),
		PMI:            one(func(v Values) Toggle { return v.PMI }),
		WaitingRoom:    one(func(v Values) Toggle { return v.WaitingRoom }),
		AutoSecurity:   one(func(v Values) Toggle { return v.AutoSecurity }),
		Authentication: one(func(v Values) Toggle { return v.Authentication }),
		Phone:          one(func(v Values) Toggle { return v.Phone }),
		Embed:          one(func(v Values) Toggle { return v.Embed }),
		WebClient:      one(func(v Values) Toggle { return v.WebClient }),
	}
}

// lock notes a lock that one level holds, and whether what it fixes is at odds
// with the value in effect. The first holder found is named, unless a later one
// is the one whose value is in effect.
func (s *Setting) lock(level Level, id string, fixes Toggle) {
	odds := fixes != Unknown && s.Value != Unknown && fixes != s.Value
	if s.Lock != On || s.Contradiction && !odds {
		s.LockLevel, s.LockedBy = level, id
	}
	s.Lock = On
	s.Contradiction = s.Contradiction || odds
}
