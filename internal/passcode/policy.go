package passcode

import (
	"fmt"
	"strings"
	"time"
)

// Policy is what the customer wants done with meetings that demand a passcode.
type Policy struct {
	Mode Mode `json:"mode"`
	// Source says where the passcode comes from under ModeKnownPasscode.
	Source PasscodeSource `json:"source,omitzero"`
	// Holds says whether everybody must wait where a waiting room replaces a passcode.
	Holds Holds `json:"waiting_room_holds,omitzero"`
	// Hold: somebody said that nothing is to be changed for now.
	Hold Hold `json:"-"`
	// Fingerprint differs for two policies that might decide otherwise, their
	// secrets included. It is opaque, holds no secret, and is the caller's to make.
	Fingerprint string `json:"-"`
}

// Hold is what somebody told latchkey to leave as it is; its zero value: nothing.
type Hold struct {
	Of    HoldKind
	By    string
	Why   string
	Until time.Time // zero: until it is released
}

// HoldKind is what is held.
type HoldKind string

// What can be held.
const (
	HoldMeeting HoldKind = "meeting"
	HoldHost    HoldKind = "host"
	HoldAccount HoldKind = "account"
	HoldAll     HoldKind = "all"
)

// HoldKinds is the closed set, for tests that hold other places to it.
func HoldKinds() []HoldKind { return []HoldKind{HoldMeeting, HoldHost, HoldAccount, HoldAll} }

func (h Hold) reason() Reason {
	return Reason{Code: BlockHeld, Path: string(h.Of), Level: LevelMeeting, ChangedBy: h.By, ChangedAt: h.Until, Detail: h.Why}
}

// Mode is the closed set of policies.
type Mode string

// The policies. ModeWaitingRoom is the default.
const (
	// ModeObserve records and explains, and never changes a meeting.
	ModeObserve Mode = "observe"
	// ModeWaitingRoom clears the passcode where Zoom allows it, with the
	// waiting room put on, and else keeps Zoom's passcode and makes it known.
	ModeWaitingRoom Mode = "waiting-room"
	// ModeKnownPasscode sets a passcode that is known beforehand on every meeting
	// that demands one. Invitation links that carry the old one break [I].
	ModeKnownPasscode Mode = "known-passcode"
)

// Modes is the closed set.
func Modes() []Mode { return []Mode{ModeWaitingRoom, ModeObserve, ModeKnownPasscode} }

// ParseMode reads a policy's name as it stands in configuration.
func ParseMode(s string) (Mode, error) {
	for _, m := range Modes() {
		if string(m) == s {
			return m, nil
		}
	}
	words := make([]string, 0, len(Modes()))
	for _, m := range Modes() {
		words = append(words, string(m))
	}
	last := len(words) - 1
	return "", fmt.Errorf("policy %q is not known: want %s or %s", s, strings.Join(words[:last], ", "), words[last])
}

// PasscodeSource is where the passcode of ModeKnownPasscode comes from.
type PasscodeSource string

// The sources, a closed set.
const (
	// SourceDerived makes it from a secret and the meeting id; see Derive.
	SourceDerived PasscodeSource = "derived"
	// SourceFixed is one passcode for all meetings.
	SourceFixed PasscodeSource = "fixed"
	// SourceZoom keeps Zoom's own and makes it known; no link breaks.
	SourceZoom PasscodeSource = "zoom"
)

// Sources is the closed set.
func Sources() []PasscodeSource { return []PasscodeSource{SourceDerived, SourceFixed, SourceZoom} }
