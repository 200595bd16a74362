package passcode

import (
	"fmt"
	"slices"
	"strings"
)

// Change is a supposed change of one setting at one level, for what-if.
type Change struct {
	Key   Key
	Level Level
	ID    string // of the group or account
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

// Levels are what is known of a host and of the levels above them.
type Levels struct {
	Plan      Plan
	Documents Documents
	User      User
	Account   Locks
	Groups    []Locks
}

// Host is what holds for the host.
func (l Levels) Host() Host {
	h := Effective(l.Plan, l.User, l.Account, l.Groups)
	h.Documents = l.Documents
	return h
}

// Reach says whether a change reaches a host.
type Reach uint8

// A change does not reach a host whom a level above holds; perhaps one who may
// have chosen their own value, which nobody can read; surely all others.
const (
	ReachesNot Reach = iota
	ReachesPerhaps
	ReachesSurely
)

// Apply returns the levels as they would be after the change, and whether that
// reaches the host.
//
// A value that a group or account sets without locking it is a default for
// those who never chose. Whether a host ever did is not known (Z-RULE-5 decides
// by the host's own effective value), so the levels returned with ReachesPerhaps
// are those of a host who did not.
//
// The passcode setting covers instant meetings too (Z-SET-1), so that a change of
// it is one of their own setting as well, where Zoom shows that.
func (c Change) Apply(l Levels) (Levels, Reach) {
	if c.Key == KeyPasscode && l.User.Values[KeyInstant] != Unknown {
		instant := c
		instant.Key = KeyInstant
		both, one := instant.apply(l)
		both, other := c.apply(both)
		return both, max(one, other)
	}
	return c.apply(l)
}

func (c Change) apply(l Levels) (Levels, Reach) {
	if c.Key >= numKeys || !c.Key.Decides() {
		return l, ReachesNot
	}
	was := l.Host().Settings[c.Key]
	switch c.Level {
	case LevelHost:
		if was.Lock == On || c.Value == Unknown {
			return l, ReachesNot // a lock above wins
		}
		l.User.Values[c.Key] = c.Value
		return l, ReachesSurely
	case LevelAccount:
		if l.Account.ID != c.ID {
			return l, ReachesNot
		}
		return l, c.applyTo(&l.Account, &l, was)
	case LevelGroup:
		l.Groups = slices.Clone(l.Groups)
		i := slices.IndexFunc(l.Groups, func(g Locks) bool { return g.ID == c.ID })
		if i < 0 || l.Account.Known && l.Account.Values[c.Key] == On {
			return l, ReachesNot // not a member, or the account holds it
		}
		return l, c.applyTo(&l.Groups[i], &l, was)
	}
	return l, ReachesNot // no level that has settings
}

// applyTo changes one level above the host, and what that makes of the value in
// effect.
func (c Change) applyTo(level *Locks, l *Levels, was Setting) Reach {
	mine := level.Known && level.Values[c.Key] == On
	locks := c.Lock == On || mine && c.Lock == Unknown
	if !locks && !mine {
		if was.Lock == On || c.Value == Unknown || c.Value == was.Value {
			return ReachesNot // somebody else holds it, or nothing would be different
		}
		level.Fixed[c.Key], l.User.Values[c.Key] = c.Value, c.Value
		return ReachesPerhaps
	}
	level.Known = true
	level.Values[c.Key] = ToggleOf(locks)
	if c.Value != Unknown {
		level.Fixed[c.Key] = c.Value
	}
	if locks {
		if fixed := level.Fixed[c.Key]; fixed != Unknown {
			l.User.Values[c.Key] = fixed
		} else {
			level.Fixed[c.Key] = was.Value
		}
		return ReachesSurely
	}
	// It lets go: who else locks it decides now, else the value stays or is as said.
	for _, other := range l.Groups {
		if other.Known && other.Values[c.Key] == On && other.Fixed[c.Key] != Unknown {
			l.User.Values[c.Key] = other.Fixed[c.Key]
			return ReachesSurely
		}
	}
	if c.Value != Unknown {
		l.User.Values[c.Key] = c.Value
	}
	return ReachesSurely
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
