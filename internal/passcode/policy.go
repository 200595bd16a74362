package passcode

import "fmt"

// Policy is what the customer wants done with meetings that demand a passcode.
type Policy struct {
	Mode Mode
}

// Mode is the closed set of policies.
type Mode string

// The policies of this version. ModeWaitingRoom is the default.
const (
	// ModeObserve records and explains, and never changes a meeting.
	ModeObserve Mode = "observe"
	// ModeWaitingRoom clears the passcode where Zoom allows it, with the
	// waiting room put on, and else keeps Zoom's passcode and makes it known.
	ModeWaitingRoom Mode = "waiting-room"
)

// ParseMode reads a policy's name as it stands in configuration.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case ModeObserve, ModeWaitingRoom:
		return m, nil
	}
	return "", fmt.Errorf("policy %q is not known: want %s or %s", s, ModeObserve, ModeWaitingRoom)
}
