package passcode

import "time"

// Locks are what one account or group locks for its people, and the values
// that it fixes so.
type Locks struct {
	ID   string
	Name string // what people call it; "" when it was not read
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
	Waits       Waits
	Seen        time.Time
}

// Effective puts a host's own effective values together with the locks of all
// levels above. The value is read from the user's own settings, the lock from
// the account and from every group of the user; an account's lock beats every
// group's (Z-LOCK-2, Z-LOCK-3). Locks that contradict each other, or the value
// that is said to be in effect, are marked: nobody can say which holds
// (Z-LOCK-4).
func Effective(plan Plan, user User, account Locks, groups []Locks) Host {
	h := Host{Plan: plan, Requirement: user.Requirement, Waits: user.Waits}
	for _, info := range settingTable {
		h.Settings[info.Key] = effective(info, user, account, groups)
	}
	return h
}

func effective(info SettingInfo, user User, account Locks, groups []Locks) Setting {
	k := info.Key
	s := Setting{Value: user.Values[k], Seen: user.Seen, Lock: Off}
	if account.Known && account.Values[k] == On {
		s.lock(LevelAccount, account, k)
		return s
	}
	unknown := !account.Known || account.Values[k] == Unknown && info.Lockable
	for _, g := range groups {
		switch {
		case g.Known && g.Values[k] == On:
			s.lock(LevelGroup, g, k)
		case !g.Known || g.Values[k] == Unknown && info.Lockable:
			unknown = true
		}
	}
	if unknown && s.Lock == Off {
		s.Lock = Unknown
	}
	return s
}

// lock notes a lock that one level holds, and whether what it fixes is at odds
// with the value in effect. The first holder found is named, unless a later one
// is the one whose value is in effect; the other is kept as Against.
func (s *Setting) lock(level Level, by Locks, k Key) {
	fixes := by.Fixed[k]
	odds := fixes != Unknown && s.Value != Unknown && fixes != s.Value
	switch {
	case s.Lock != On:
		s.LockLevel, s.LockedBy, s.LockedByName = level, by.ID, by.Name
	case s.Contradiction && !odds:
		s.Against = orID(s.LockedByName, s.LockedBy)
		s.LockLevel, s.LockedBy, s.LockedByName = level, by.ID, by.Name
	case odds && s.Against == "":
		s.Against = orID(by.Name, by.ID)
	}
	s.Lock = On
	s.Contradiction = s.Contradiction || odds
}

func orID(name, id string) string {
	if name != "" {
		return name
	}
	return id
}
