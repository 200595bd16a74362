package passcode

import "fmt"

// Waits says whom a waiting room that is on holds: it need not be everybody
// (Z-SET-9). The words are Zoom's.
type Waits string

// Who waits. WaitsUnknown: Zoom did not say. WaitsFollow: what the host's setting
// says.
const (
	WaitsUnknown    Waits = ""
	WaitsFollow     Waits = "follow_setting"
	WaitsEveryone   Waits = "everyone"
	WaitsOutsiders  Waits = "users_not_in_account"
	WaitsStrangers  Waits = "users_not_in_account_or_whitelisted_domains"
	WaitsUninvited  Waits = "users_not_on_invite"
	waitsOtherWords       = "only some people, by a choice that latchkey does not know"
)

// AllWaits is the closed set, for tests that hold other places to it.
func AllWaits() []Waits {
	return []Waits{WaitsUnknown, WaitsFollow, WaitsEveryone, WaitsOutsiders, WaitsStrangers, WaitsUninvited}
}

// WaitsOf reads a host's participants_to_place_in_waiting_room (Z-SET-10).
func WaitsOf(n int) Waits {
	return map[int]Waits{0: WaitsEveryone, 1: WaitsOutsiders, 2: WaitsStrangers}[n]
}

// UnmarshalText reads one of the words; anything else is an error.
func (w *Waits) UnmarshalText(b []byte) error {
	for _, known := range AllWaits() {
		if string(b) == string(known) {
			*w = known
			return nil
		}
	}
	return fmt.Errorf("%q: want everyone, users_not_in_account, users_not_in_account_or_whitelisted_domains, users_not_on_invite or follow_setting", b)
}

// Words says who waits, after "the waiting room holds"; "" where that is not known.
func (w Waits) Words() string {
	switch w {
	case WaitsUnknown, WaitsFollow:
		return ""
	case WaitsEveryone:
		return "everybody"
	case WaitsOutsiders:
		return "only people who are not in the host's account"
	case WaitsStrangers:
		return "only people who are neither in the host's account nor of a domain that it allows"
	case WaitsUninvited:
		return "only people who are not on the invitation"
	}
	return waitsOtherWords
}

// WhoWaits is whom the meeting's waiting room holds: its own choice, else the
// host's.
func (f Facts) WhoWaits() Waits {
	if w := f.Meeting.Waits; w != WaitsUnknown && w != WaitsFollow {
		return w
	}
	return f.Host.Waits
}

// Holds says what a policy wants of a waiting room that replaces a passcode.
type Holds string

// HoldsAsSet, the default, leaves who waits to the host; HoldsEveryone wants
// everybody to wait.
const (
	HoldsAsSet    Holds = ""
	HoldsEveryone Holds = "everyone"
)

// room is what the waiting room is worth as the one thing that secures the
// meeting. Where the policy wants everybody to wait, one that latchkey relies on
// and that holds only some is worth nothing; Unknown with FactHost missing means
// that the host's settings say who waits.
func (f *Facts) room(p Policy) (on Toggle, missing FactSet) {
	m := &f.Meeting
	if m.WaitingRoom != On || p.Holds != HoldsEveryone || !f.History.Stripped {
		return m.WaitingRoom, 0
	}
	switch w := f.WhoWaits(); {
	case w == WaitsEveryone:
		return On, 0
	case w == WaitsUnknown && f.Host.Settings[KeyWaitingRoom].Value == Unknown:
		return Unknown, FactHost
	}
	return Off, 0
}

// Open says whether a meeting that was read has nothing left that secures it, as
// far as the policy is concerned: no passcode, no sign-in, and a waiting room that
// is off, or holds too few, or is off on one of the dates of a series.
func (f Facts) Open(p Policy) bool {
	m := &f.Meeting
	if m.Passcode != Off || m.Authentication == On {
		return false
	}
	room, missing := f.room(p)
	return room != On && missing == 0 || f.History.Stripped && m.Dates == Off
}

// openReason says what is missing of an open meeting's security.
func (f *Facts) openReason(p Policy) Reason {
	room, _ := f.room(p)
	switch {
	case f.Meeting.WaitingRoom == On && room == Off:
		return Reason{Code: CauseHoldsSome, Path: pathWaits, Level: LevelMeeting, Value: On, Detail: f.WhoWaits().Words()}
	case room == On:
		return Reason{Code: CauseDateOpen, Path: KeyWaitingRoom.Path(), Level: LevelMeeting, Value: Off, Detail: f.Meeting.DateOpen}
	}
	return Reason{Code: CauseOpen, Path: KeyWaitingRoom.Path(), Level: LevelMeeting, Value: Off}
}

// pathWaits is where a meeting says who waits.
const pathWaits = "settings.waiting_room_options"
