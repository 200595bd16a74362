package passcode

import (
	"fmt"
	"strings"
)

// Change is a supposed change of one setting at one level, for what-if.
type Change struct {
	Path  string
	Level Level
	ID    string // of the group or account
	Value Toggle
	Lock  Toggle // On locks it, Off unlocks it, Unknown leaves the lock
}

// changeable are the settings a Change may name, by the words people use.
var changeable = map[string]string{
	"passcode": PathPasscode, "scheduled": PathScheduled, "pmi": PathPMI, "waiting-room": PathWaitingRoom,
	"authentication": PathAuthentication, "auto-security": PathAutoSecurity,
}

// ParseChange reads "passcode=on,locked": a setting (by its word or its path),
// on or off, and locked or unlocked.
func ParseChange(s string) (Change, error) {
	name, rest, ok := strings.Cut(s, "=")
	c := Change{Path: changeable[name]}
	if c.Path == "" {
		for _, path := range changeable {
			if path == name {
				c.Path = path
			}
		}
	}
	if !ok || c.Path == "" {
		return c, fmt.Errorf("%q: want SETTING=on|off[,locked|,unlocked], SETTING one of passcode, scheduled, pmi, waiting-room, authentication, auto-security", s)
	}
	for _, word := range strings.Split(rest, ",") {
		of, to := &c.Value, On
		switch word {
		case "on":
		case "off":
			to = Off
		case "locked":
			of = &c.Lock
		case "unlocked":
			of, to = &c.Lock, Off
		default:
			return c, fmt.Errorf("%q in %q: want on or off, locked or unlocked", word, s)
		}
		if *of != Unknown {
			return c, fmt.Errorf("%q in %q says twice what it is to be: want on or off, locked or unlocked", word, s)
		}
		*of = to
	}
	return c, nil
}

// Apply gives the host's settings as they would be after the change, and
// whether the change reaches the host at all: a level above may hold a lock.
//
// A value that a group or account sets without locking it is a default for
// those who never chose; whether a host ever did is not known, so it changes
// nothing here (FACTS section 4 decides by the host's own effective value).
func (c Change) Apply(h Host) (Host, bool) {
	for path, s := range map[string]*Setting{PathPasscode: &h.Passcode, PathScheduled: &h.Scheduled, PathPMI: &h.PMI,
		PathWaitingRoom: &h.WaitingRoom, PathAuthentication: &h.Authentication, PathAutoSecurity: &h.AutoSecurity} {
		if path == c.Path {
			reaches := c.apply(s) // before h is copied
			return h, reaches
		}
	}
	return h, false
}

func (c Change) apply(s *Setting) bool {
	held := s.Lock == On
	switch c.Level {
	case LevelHost:
		if held || c.Value == Unknown {
			return false // a lock above wins
		}
		s.Value = c.Value
	case LevelGroup, LevelAccount:
		mine := held && s.LockLevel == c.Level && s.LockedBy == c.ID
		if held && !mine && !(c.Level == LevelAccount && s.LockLevel == LevelGroup) {
			return false // another group, or the account, holds it
		}
		switch {
		case c.Lock == On || mine && c.Lock == Unknown:
			s.Lock, s.LockLevel, s.LockedBy, s.Contradiction = On, c.Level, c.ID, false
			if c.Value != Unknown {
				s.Value = c.Value
			}
		case mine && c.Lock == Off:
			s.Lock, s.LockLevel, s.LockedBy, s.Contradiction = Off, "", "", false
			if c.Value != Unknown {
				s.Value = c.Value
			}
		default:
			return false // not locked: a default
		}
	default:
		return false // no level that has settings
	}
	return true
}
