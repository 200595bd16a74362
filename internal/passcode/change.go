package passcode

import (
	"fmt"
	"strings"
)

// Change is a supposed change of one setting at one level, for what-if.
type Change struct {
	Key   Key
	Level Level
	ID    string // of the group or account
	Name  string // what people call it
	Value Toggle
	Lock  Toggle // On locks it, Off unlocks it, Unknown leaves the lock
}

// ParseChange reads "passcode=on,locked": a setting (by its word or its path),
// on or off, and locked or unlocked.
func ParseChange(s string) (Change, error) {
	name, rest, ok := strings.Cut(s, "=")
	key, known := KeyOf(name)
	if !ok || !known || !key.Decides() || name != key.Info().Word && name != key.Path() {
		return Change{}, fmt.Errorf("%q: want SETTING=on|off[,locked|,unlocked], SETTING one of %s", s, strings.Join(words(), ", "))
	}
	c := Change{Key: key}
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
			return c, fmt.Errorf("%q in %q sets the value twice: want on or off, locked or unlocked", word, s)
		}
		*of = to
	}
	return c, nil
}

// Apply returns the host's settings as they would be after the change, and
// whether the change reaches the host at all: a level above may hold a lock.
//
// A value that a group or account sets without locking it is a default for
// those who never chose; whether a host ever did is not known, so it changes
// nothing here (Z-RULE-5 decides by the host's own effective value).
func (c Change) Apply(h Host) (Host, bool) {
	if c.Key >= numKeys || !c.Key.Decides() {
		return h, false
	}
	reaches := c.apply(&h.Settings[c.Key])
	return h, reaches
}

// words are what a change may name, in the table's order.
func words() []string {
	var all []string
	for _, s := range settingTable {
		if s.Word != "" {
			all = append(all, s.Word)
		}
	}
	return all
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
			s.Lock, s.LockLevel, s.LockedBy, s.LockedByName, s.Contradiction = On, c.Level, c.ID, c.Name, false
			s.Against = ""
			if c.Value != Unknown {
				s.Value = c.Value
			}
		case mine && c.Lock == Off:
			s.Lock, s.LockLevel, s.LockedBy, s.LockedByName, s.Contradiction = Off, "", "", "", false
			s.Against = ""
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
