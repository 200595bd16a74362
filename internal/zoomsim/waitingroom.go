package zoomsim

import "slices"

// A waiting room that is on need not hold everybody: the meeting's own options
// say whom it holds, or the host's setting does (Z-SET-9, Z-SET-10).

// Whom a waiting room holds: who_goes_to_waiting_room.
const (
	HoldsEveryone       = "everyone"
	HoldsOutsideAccount = "users_not_in_account"
	HoldsOutsideDomains = "users_not_in_account_or_whitelisted_domains"
	HoldsNotInvited     = "users_not_on_invite"
)

var holdings = []string{HoldsEveryone, HoldsOutsideAccount, HoldsOutsideDomains, HoldsNotInvited}

// The modes of waiting_room_options.
const (
	FollowSetting = "follow_setting"
	Custom        = "custom"
)

// WaitingRoomOptions are a meeting's settings.waiting_room_options; the zero
// value follows the host's setting.
type WaitingRoomOptions struct {
	Mode string `json:"mode"`
	Who  string `json:"who_goes_to_waiting_room,omitempty"`
}

func (o WaitingRoomOptions) check() error {
	switch {
	case o.Mode != FollowSetting && o.Mode != Custom:
		return invalid("settings.waiting_room_options.mode", "Invalid field.")
	case o.Mode == Custom && !slices.Contains(holdings, o.Who):
		return invalid("settings.waiting_room_options.who_goes_to_waiting_room", "Invalid field.")
	}
	return nil
}

// settled is the form that is kept: whoever follows names nobody.
func (o WaitingRoomOptions) settled() WaitingRoomOptions {
	if o.Mode != Custom {
		return WaitingRoomOptions{Mode: FollowSetting}
	}
	return o
}

// body is the form that answers show.
func (o WaitingRoomOptions) body() obj {
	if o = o.settled(); o.Mode == Custom {
		return obj{"mode": o.Mode, "who_goes_to_waiting_room": o.Who}
	}
	return obj{"mode": o.Mode}
}

// WaitingRoomSettings are meeting_security.waiting_room_settings of a host, a
// group or an account. They are locked where waiting_room is, having no lock
// of their own (docs/simulator.md, open cases).
type WaitingRoomSettings struct {
	// Place is 0 everyone, 1 users outside the account, 2 those outside the
	// account and the allowed domains.
	Place   int    `json:"participants_to_place_in_waiting_room"`
	Admit   int    `json:"users_who_can_admit_participants_from_waiting_room"`
	Domains string `json:"whitelisted_domains_for_waiting_room"`
}

func (s WaitingRoomSettings) valid() bool {
	return s.Place >= 0 && s.Place <= 2 && s.Admit >= 0 && s.Admit <= 1
}

// holds says whom the meeting's waiting room holds, "" while it is off.
func (m *meeting) holds() string {
	switch {
	case !m.WaitingRoom:
		return ""
	case m.RoomOptions.Mode == Custom:
		return m.RoomOptions.Who
	}
	r := m.host.acct.resolve(m.host)
	return holdings[r.room.Place]
}

// Joiner is a kind of person that a waiting room tells apart.
type Joiner string

// Only an outsider is not signed in: Zoom knows the others by their sign-in.
const (
	JoinerOutsider Joiner = "outsider"       // also ""
	JoinerAccount  Joiner = "in_account"     // a user of the host's account
	JoinerDomain   Joiner = "allowed_domain" // of a domain that the host allows
	JoinerInvited  Joiner = "invited"        // on the invite, outside of the account
)

func (j Joiner) valid() bool {
	switch j {
	case "", JoinerOutsider, JoinerAccount, JoinerDomain, JoinerInvited:
		return true
	}
	return false
}

func (j Joiner) signedIn() bool { return j != "" && j != JoinerOutsider }

// waits says that a waiting room which holds such people holds the joiner.
func (j Joiner) waits(holds string) bool {
	switch holds {
	case "":
		return false
	case HoldsOutsideAccount:
		return j != JoinerAccount
	case HoldsOutsideDomains:
		return j != JoinerAccount && j != JoinerDomain
	case HoldsNotInvited:
		return j != JoinerInvited
	}
	return true
}
