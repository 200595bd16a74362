package passcode

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Attempt is a change that latchkey asked Zoom for and did not get.
type Attempt struct {
	// Under is the AttemptKey of what it rested on.
	Under  string
	Result AttemptResult
	// Detail is what Zoom said, when it refused.
	Detail string
	// Again is when the same change may be tried once more although nothing that
	// it rested on has changed; zero: never.
	Again time.Time
	// AskedRoom: it asked for the waiting room.
	AskedRoom bool
}

// AttemptResult is how a change failed.
type AttemptResult string

// The ways to fail. A busy meeting passes by itself; the others do not.
const (
	AttemptOverwritten AttemptResult = "overwritten" // Zoom said yes and did otherwise
	AttemptRefused     AttemptResult = "refused"     // Zoom looked at it and said no
	AttemptBusy        AttemptResult = "busy"        // the meeting may not be changed right now
	AttemptOpened      AttemptResult = "opened"      // it left the meeting without a security option
)

// PastChange is a recorded change, at one level above the meeting, that turned
// a setting on or locked it on.
type PastChange struct {
	Key    Key
	Level  Level
	By     string // the host's, group's or account's id
	ByName string
	Lock   bool   // it was locked on, not only turned on
	Who    string // who did it, "" when Zoom did not say
	At     time.Time
	Until  time.Time // when it is recorded to have gone back; zero: it is not
}

// AttemptKey is equal for two attempts that rested on the same: what was asked,
// the host's settings, locks and requirement, the policy with its passcode, and
// what of the meeting decides. A failure is remembered under it, so that the
// same change is asked for again exactly when something that could decide has
// changed, and no sooner (ARCHITECTURE.md, rule 3).
func AttemptKey(f Facts, p Policy, remedy Remedy, ask Request) string {
	m := &f.Meeting
	sum := sha256.Sum256(fmt.Appendf(nil, "%s|%v|%v|%v|%s|%+v|%s|%s|%s|%d|%t|%t", remedy, ask.Passcode, ask.WaitingRoom, ask.Authentication,
		f.Host.Fingerprint(), f.Host.Requirement, p.Mode, p.Source, p.Fingerprint, m.Type, m.UsesPMI, m.Authentication == On))
	if ask.HoldsEveryone {
		sum = sha256.Sum256(fmt.Appendf(sum[:], "everybody waits, not %s", f.WhoWaits()))
	}
	return fmt.Sprintf("%x", sum[:16])
}

// Fingerprint is equal for two hosts' settings that Evaluate cannot tell
// apart: it leaves out when they were seen and what only says what is typed
// where.
func (h Host) Fingerprint() string {
	b := make([]byte, 0, 160)
	b = append(b, h.Plan...)
	for _, info := range settingTable {
		if !info.Key.Decides() {
			continue
		}
		s := h.Settings[info.Key]
		b = append(b, '|', '0'+byte(s.Value), '0'+byte(s.Lock))
		if s.Contradiction {
			b = append(b, '!')
		}
		b = append(b, s.LockLevel...)
		b = append(b, ':')
		b = append(b, s.LockedBy...)
	}
	return string(b)
}

// failed finds a remembered failure of this change under these facts.
func failed(f *Facts, p Policy, remedy Remedy, ask Request, now time.Time) (Attempt, bool) {
	switch {
	case f.History.Overwritten:
		return Attempt{Result: AttemptOverwritten}, true
	case f.History.Refused:
		return Attempt{Result: AttemptRefused}, true
	case len(f.History.Attempts) == 0:
		return Attempt{}, false
	}
	key := AttemptKey(*f, p, remedy, ask)
	for _, a := range f.History.Attempts {
		if a.Under == key && (a.Again.IsZero() || now.Before(a.Again)) {
			return a, true
		}
	}
	return Attempt{}, false
}
