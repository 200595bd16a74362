package passcode

import (
	"strings"
	"testing"
	"time"
)

func TestWhyWaitingRoom(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 25, 9, 55, 0, 0, time.UTC)
	alone := Meeting{WaitingRoom: On, Passcode: Off, Authentication: Off}
	host := func(room, auto Setting) Host {
		var h Host
		h.Settings[KeyWaitingRoom], h.Settings[KeyAutoSecurity] = room, auto
		return h
	}
	on, off := Setting{Value: On, Lock: Off}, Setting{Value: Off, Lock: Off}
	group := func(v Toggle) Setting {
		return Setting{Value: v, Lock: On, LockLevel: LevelGroup, LockedBy: "g1", LockedByName: "Sales"}
	}
	with := func(change func(*Meeting)) Meeting {
		m := alone
		change(&m)
		return m
	}
	disagree := group(On)
	disagree.Contradiction, disagree.Against = true, "Teachers"
	lockUnknown := Setting{Value: On, Lock: Unknown}
	seen := map[RoomCause]bool{}
	for _, c := range []struct {
		name    string
		meeting Meeting
		host    Host
		ours    RoomRepair
		want    RoomCause
		says    string
	}{
		{"off", with(func(m *Meeting) { m.WaitingRoom = Off }), host(on, on), RoomRepair{RemedyClear, at}, RoomNone, ""},
		{"not known", with(func(m *Meeting) { m.WaitingRoom = Unknown }), host(on, on), RoomRepair{}, RoomNone, ""},
		{"locked on by a group", alone, host(group(On), on), RoomRepair{}, RoomLockedOn, `"Waiting Room" (meeting_security.waiting_room) is locked on by group "Sales"`},
		{"locked on, and latchkey asked", alone, host(group(On), on), RoomRepair{RemedyClear, at}, RoomLockedOn, "locked on by"},
		{"locked on by the account", alone, host(Setting{Value: On, Lock: On, LockLevel: LevelAccount, LockedBy: "acc"}, off), RoomRepair{}, RoomLockedOn, "locked on by the account"},
		{"locks that disagree", alone, host(disagree, off), RoomRepair{}, RoomContradict, `the locks on it disagree (group "Sales" and Teachers)`},
		{"locks that disagree, and latchkey asked", alone, host(disagree, off), RoomRepair{RemedyClear, at}, RoomOurs, "latchkey asked for it"},
		{"latchkey removed the passcode", alone, host(off, off), RoomRepair{RemedyClear, at}, RoomOurs, "latchkey asked for it when it removed the passcode, 25 Nov 09:55 UTC"},
		{"latchkey secured it", alone, host(off, on), RoomRepair{RemedySecure, at}, RoomOurs, "when it found the meeting open"},
		{"latchkey, and the host's setting", alone, host(on, on), RoomRepair{RemedyClear, at}, RoomOurs, `; "Waiting Room" (meeting_security.waiting_room) is on for the host, too`},
		{"latchkey, and nothing is known of the host", alone, Host{}, RoomRepair{RemedyClear, at}, RoomOurs, "latchkey asked"},
		{"the host's setting", alone, host(on, on), RoomRepair{}, RoomSettingOn, "is on for the host, which holds for"},
		{"the host's setting, the lock not known", alone, host(lockUnknown, on), RoomRepair{}, RoomSettingOn, "whether an admin locked it is not known"},
		{"locked off by now", alone, host(group(Off), on), RoomRepair{}, RoomLockedOff, `it was on before "Waiting Room" (meeting_security.waiting_room) was locked off by group "Sales"`},
		{"one option is required", alone, host(off, on), RoomRepair{}, RoomAutoSecurity, "neither passcode nor sign-in"},
		{"required, beside a passcode", with(func(m *Meeting) { m.Passcode = On }), host(off, on), RoomRepair{}, RoomAsked, "asked for it"},
		{"required, beside sign-in", with(func(m *Meeting) { m.Authentication = On }), host(off, on), RoomRepair{}, RoomAsked, "asked for it"},
		{"required, sign-in not known", with(func(m *Meeting) { m.Authentication = Unknown }), host(off, on), RoomRepair{}, RoomAsked, "asked for it"},
		{"asked for", alone, host(off, off), RoomRepair{}, RoomAsked, "whoever made or edited the meeting asked for it: "},
		{"asked for by API", with(func(m *Meeting) { m.Source = SourceOpenAPI }), host(off, off), RoomRepair{}, RoomAsked, "by API, or edited it, asked for it"},
		{"nothing is known", alone, Host{}, RoomRepair{}, RoomUnexplained, "settings were not read"},
		{"nothing but that one is required", alone, host(Setting{}, on), RoomRepair{}, RoomUnexplained, "settings were not read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := WhyWaitingRoom(c.meeting, c.host, c.ours)
			if s := w.Sentence(); w.Cause != c.want || !strings.Contains(s, c.says) || (s == "") != (c.want == RoomNone) {
				t.Errorf("%s: %q; want %s: %q", w.Cause, s, c.want, c.says)
			}
			seen[w.Cause] = true
		})
	}
	for _, c := range AllRoomCauses() {
		if !seen[c] {
			t.Errorf("no case leads to %q", c)
		}
	}
}
