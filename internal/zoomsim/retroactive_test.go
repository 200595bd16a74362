package zoomsim

import (
	"errors"
	"testing"
)

func TestRetroactive(t *testing.T) {
	t.Parallel()
	const world = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false, waiting_room: false, auto_security: false}}
    groups:
      - {id: grp, settings: {meeting_security: {require_password_for_scheduled_meeting: true}}}
      - {id: plain, settings: {meeting_security: {require_password_for_scheduled_meeting: false}}}
    hosts:
      - id: host
        meetings:
          - {id: 81000000001, starts_in: 1h, waiting_room: true}
          - {id: 81000000002, starts_in: -3h, waiting_room: true}
          - {id: 81000000003, starts_in: 1h, waiting_room: true, started: true}
          - {id: 81000000004, starts_in: 1h, waiting_room: true, password: abc123}
          - {id: 81000000005, starts_in: 1h, waiting_room: true, use_pmi: true}
          - {id: 81000000006, type: 3}
      - {id: other, meetings: [{id: 81000000009, starts_in: 1h}]}
`
	type change func(*sim) error
	scheduled := Set("meeting_security.require_password_for_scheduled_meeting", true)
	joinBoth := func(s *sim) error {
		return errors.Join(s.AddGroupMember(t.Context(), "plain", "host"), s.AddGroupMember(t.Context(), "grp", "host"))
	}
	for _, c := range []struct {
		name   string
		change change
		gets   []int64 // who gets a passcode
	}{
		{"the host's setting", func(s *sim) error { return s.ChangeUserSettings(t.Context(), "host", scheduled) }, []int64{1, 6}},
		{"the account's setting", func(s *sim) error { return s.ChangeAccountSettings(t.Context(), "", scheduled) }, []int64{1, 6, 9}},
		{"joining a group that has it", func(s *sim) error { return s.AddGroupMember(t.Context(), "grp", "host") }, []int64{1, 6}},
		{"joining it second", joinBoth, nil},
		{"it becomes the primary group", func(s *sim) error {
			return errors.Join(joinBoth(s), s.SetPrimaryGroup(t.Context(), "host", "grp"))
		}, []int64{1, 6}},
		{"the primary group is deleted", func(s *sim) error { return errors.Join(joinBoth(s), s.DeleteGroup(t.Context(), "plain")) }, []int64{1, 6}},
		{"the setting for new meetings does not reach back", func(s *sim) error {
			return s.ChangeAccountSettings(t.Context(), "", Set("meeting_security.meeting_password", true))
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, nil)
			s := start(t, world, to(h))
			if err := c.change(s); err != nil {
				t.Fatal(err)
			}
			gets := map[int64]bool{4: true} // had one
			for _, n := range c.gets {
				gets[n] = true
			}
			for _, n := range []int64{1, 2, 3, 4, 5, 6, 9} {
				m, _ := s.Meeting(81000000000 + n)
				if n != 5 && (m.Passcode != "") != gets[n] {
					t.Errorf("meeting %d has a passcode: %v", n, m.Passcode != "")
				}
			}
			if m, _ := s.Meeting(81000000004); m.Passcode != "abc123" {
				t.Error("an existing passcode was changed")
			}
			for _, ev := range h.drain(s) {
				if ev.event == "meeting.updated" {
					t.Error("the change of the meetings is silent, but an event came")
				}
			}
		})
	}
	t.Run("a waiting room locked on", func(t *testing.T) {
		t.Parallel()
		s := start(t, world)
		on := Set("meeting_security.waiting_room", true)
		if err := s.ChangeAccountSettings(t.Context(), "", on); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.Meeting(81000000006); m.WaitingRoom {
			t.Error("not locked, yet it reaches back")
		}
		s.want(204, "PATCH", "/_sim/accounts/me/lock_settings", on)
		if m, _ := s.Meeting(81000000006); !m.WaitingRoom {
			t.Error("locked on, yet off")
		}
	})
	t.Run("the host's passcode for scheduled meetings", func(t *testing.T) {
		t.Parallel()
		s := start(t, world)
		both := Set("schedule_meeting.default_password_for_scheduled_meetings", "dflt42").
			And("meeting_security.require_password_for_scheduled_meeting", true)
		if err := s.ChangeUserSettings(t.Context(), "host", both); err != nil {
			t.Fatal(err)
		}
		if m, _ := s.Meeting(81000000001); m.Passcode != "dflt42" {
			t.Errorf("passcode %q", m.Passcode)
		}
	})
}
