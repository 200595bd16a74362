package zoomsim

import (
	"fmt"
	"testing"
	"time"
)

// TestLevels: who decides on a host's setting, and whether the host can still
// change it (Z-LOCK-1 to Z-LOCK-10).
func TestLevels(t *testing.T) {
	t.Parallel()
	const on, off = "{meeting_security: {meeting_password: true}}", "{meeting_security: {meeting_password: false}}"
	for _, c := range []struct {
		name    string
		account string // plan, settings, locks
		groups  string
		host    string
		want    Setting
	}{
		{"nobody says anything: Zoom's default", "", "", "", On},
		{"the host's own value", "settings: " + on, "", "settings: " + off, Off},
		{"the account's value where the host has none", "settings: " + off, "", "", Off},
		{"the primary group's value", "settings: " + on, "[{id: a, settings: " + off + "}, {id: b, settings: " + on + "}]", "groups: [a, b]", Off},
		{"the order of joining decides which is primary", "settings: " + on, "[{id: a, settings: " + off + "}, {id: b, settings: " + on + "}]", "groups: [b, a]", On},
		{"the host's value beats a group that does not lock", "", "[{id: a, settings: " + off + "}]", "groups: [a], settings: " + on, On},
		{"a group's lock beats the host", "", "[{id: a, settings: " + on + ", locks: " + on + "}]", "groups: [a], settings: " + off, LockedOn},
		{"a lock in any group counts", "", "[{id: a, settings: " + off + "}, {id: b, settings: " + on + ", locks: " + on + "}]", "groups: [a, b]", LockedOn},
		{"the account's lock beats every group", "settings: " + off + ", locks: " + on, "[{id: a, settings: " + on + ", locks: " + on + "}]", "groups: [a], settings: " + on, LockedOff},
		{"a group that locks without a value locks the account's", "settings: " + off, "[{id: a, locks: " + on + "}]", "groups: [a], settings: " + on, LockedOff},
		{"a group one is not in has no say", "settings: " + off, "[{id: a, settings: " + on + ", locks: " + on + "}]", "", Off},
		{"new groups: the first by priority decides", "groups_experience: new, settings: " + on,
			"[{id: a, priority: 2, settings: " + on + ", locks: " + on + "}, {id: b, priority: 1, settings: " + off + "}]", "groups: [a, b]", Off},
		{"new groups: one that manages nothing is passed over", "groups_experience: new",
			"[{id: a, priority: 1}, {id: b, priority: 2, settings: " + on + ", locks: " + on + "}]", "groups: [a, b], settings: " + off, LockedOn},
		{"a free plan", "plan: free, settings: " + off, "", "settings: " + off, LockedOn},
		{"a single Pro host", "plan: pro, settings: " + off, "", "settings: " + off, LockedOn},
		{"two Pro licences", "plan: pro, licences: 2, settings: " + off, "", "", Off},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			y := "accounts: [{id: acct"
			if c.account != "" {
				y += ", " + c.account
			}
			if c.groups != "" {
				y += ", groups: " + c.groups
			}
			y += ", hosts: [{id: host"
			if c.host != "" {
				y += ", " + c.host
			}
			s := start(t, y+"}]}]")
			if h, ok := s.Host("host"); !ok || h.Meetings.Passcode != c.want {
				t.Fatalf("%+v, want the passcode %s", h, c.want)
			}
			isOn := c.want == On || c.want == LockedOn
			s.want(204, "PATCH", "/users/host/settings?option=meeting_security", Set("meeting_security.meeting_password", !isOn))
			got := s.get("/users/host/settings?option=meeting_security").body["meeting_security"].(obj)["meeting_password"]
			if want := isOn == (c.want >= LockedOff); got != want {
				t.Errorf("after PATCH it is %v, want %v", got, want)
			}
		})
	}
}

// TestTwins: the older names show the same values, and change them too.
func TestTwins(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	for _, c := range []struct {
		path  string
		value any
		shows map[string]any
	}{
		{"meeting_security.meeting_password", false, map[string]any{
			"schedule_meeting.require_password_for_scheduling_new_meetings": false,
			"schedule_meeting.require_password_for_instant_meetings":        false}},
		{"schedule_meeting.require_password_for_instant_meetings", true, map[string]any{
			"meeting_security.meeting_password":                             true,
			"schedule_meeting.require_password_for_scheduling_new_meetings": true}},
		{"schedule_meeting.require_password_for_scheduled_meetings", true, map[string]any{
			"meeting_security.require_password_for_scheduled_meeting": true}},
		{"schedule_meeting.require_password_for_pmi_meetings", "none", map[string]any{"meeting_security.pmi_password": false}},
		{"schedule_meeting.require_password_for_pmi_meetings", "jbh_only", map[string]any{
			"meeting_security.pmi_password": false, "schedule_meeting.force_pmi_jbh_password": true}},
		{"meeting_security.pmi_password", true, map[string]any{"schedule_meeting.require_password_for_pmi_meetings": "all"}},
		{"in_meeting.waiting_room", false, map[string]any{"meeting_security.waiting_room": false}},
		{"schedule_meeting.pstn_password_protected", false, map[string]any{"meeting_security.phone_password": false}},
		{"meeting_security.embed_password_in_join_link", false, map[string]any{"schedule_meeting.embed_password_in_join_link": false}},
	} {
		t.Run(c.path+fmt.Sprint(c.value), func(t *testing.T) {
			s.want(204, "PATCH", "/users/host/settings", Set(c.path, c.value))
			all := s.get("/users/host/settings").body
			all["meeting_security"] = s.get("/users/host/settings?option=meeting_security").body["meeting_security"]
			for p, want := range c.shows {
				section, name := cut(p)
				if got := all[section].(obj)[name]; got != want {
					t.Errorf("%s is %v, want %v", p, got, want)
				}
			}
		})
	}
	s.want(204, "PATCH", "/users/host/settings?option=meeting_authentication", `{"meeting_authentication":true}`)
	if got := s.get("/users/host/settings?option=meeting_authentication").body["meeting_authentication"]; got != true {
		t.Errorf("authentication %v", got)
	}
}

func TestSettingsEvents(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, `
accounts:
  - id: acct
    plan: enterprise
    groups: [{id: grp, name: Group}]
    hosts: [{id: host}]
`, to(h))
	ctx := t.Context()
	on := Set("meeting_security.meeting_password", false).And("meeting_security.waiting_room", true) // the latter is on already
	for _, c := range []struct {
		name, id string
		change   func() error
		field    string
		now, old any
	}{
		{"user.settings_updated", "host", func() error { return s.ChangeUserSettings(ctx, "host", on) }, "meeting_password", false, true},
		{"group.settings_updated", "grp", func() error { return s.ChangeGroupSettings(ctx, "Group", on) }, "meeting_password", false, true},
		{"group.lock_settings_updated", "grp", func() error {
			return s.ChangeGroupLocks(ctx, "grp", Set("meeting_security.phone_password", true))
		}, "phone_password", true, false},
		{"account.settings_updated", "acct", func() error { return s.ChangeAccountSettings(ctx, "", on) }, "meeting_password", false, true},
		{"account.lock_settings_updated", "acct", func() error {
			return s.ChangeAccountLocks(ctx, "acct", Set("meeting_security.meeting_password", true))
		}, "meeting_password", true, false},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		got := h.next()
		verify(t, got, s.Credentials("").SecretToken)
		security := func(o any) obj { return o.(obj)["settings"].(obj)["meeting_security"].(obj) }
		now, old := security(got.payload()["object"]), security(got.payload()["old_object"])
		if got.event != c.name || got.object()["id"] != c.id || now[c.field] != c.now || old[c.field] != c.old || len(now) != 1 {
			t.Errorf("%s: %v", c.name, got.body)
		}
	}
	if err := s.ChangeUserSettings(ctx, "host", on); err != nil { // locked by the account now
		t.Fatal(err)
	}
	for _, f := range []func() error{
		func() error { return s.AddGroupMember(ctx, "grp", "host") },
		func() error { return s.AddGroupMember(ctx, "grp", "host") }, // again: nothing
		func() error { return s.RemoveGroupMember(ctx, "grp", "host") },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
	rest := h.drain(s)
	if len(rest) != 2 || rest[0].event != "group.member_added" || rest[1].event != "group.member_deleted" {
		t.Errorf("%+v", rest)
	}
	if err := s.ChangeUserSettings(ctx, "host", Set("meeting_security.nonsense", true)); err == nil {
		t.Error("an unknown setting is accepted")
	}
}

func TestRetroactive(t *testing.T) {
	t.Parallel()
	const world = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false, waiting_room: false, auto_security: false}}
    groups: [{id: grp, settings: {meeting_security: {require_password_for_scheduled_meeting: true}}}]
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
	for _, c := range []struct {
		name   string
		change change
		gets   []int64 // who gets a passcode
	}{
		{"the host's setting", func(s *sim) error { return s.ChangeUserSettings(t.Context(), "host", scheduled) }, []int64{1, 6}},
		{"the account's setting", func(s *sim) error { return s.ChangeAccountSettings(t.Context(), "", scheduled) }, []int64{1, 6, 9}},
		{"joining a group that has it", func(s *sim) error { return s.AddGroupMember(t.Context(), "grp", "host") }, []int64{1, 6}},
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

func TestJoin(t *testing.T) {
	t.Parallel()
	s := start(t, `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - id: host
        meetings:
          - {id: 81000000001, starts_in: 1h, waiting_room: true}
          - {id: 81000000002, starts_in: 1h, waiting_room: true, password: abc123}
          - {id: 81000000003, starts_in: 1h, meeting_authentication: true}
          - {id: 81000000004, starts_in: 1h}
          - {id: 81000000005, starts_in: 1h, started: true}
          - {id: 81000000006, starts_in: 1h}
`)
	if err := s.EndMeeting(t.Context(), 81000000005); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMeeting(t.Context(), 81000000006); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, passcode string
		id             int64
		want           JoinResult
	}{
		{"waiting room alone", "", 1, JoinResult{Outcome: "joinable", WaitingRoom: true, Result: "waiting_room"}},
		{"a passcode nobody gave", "", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Result: "passcode_required", ErrorCode: 3004}},
		{"a wrong passcode", "abc124", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Result: "passcode_wrong", ErrorCode: 3004}},
		{"the right one", "abc123", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Result: "waiting_room"}},
		{"authentication", "", 3, JoinResult{Outcome: "joinable", Authentication: true, Result: "sign_in_required"}},
		{"nothing on", "", 4, JoinResult{Outcome: "joinable", Unsecured: true, Result: "joined"}},
		{"ended", "", 5, JoinResult{Outcome: "ended", Result: "not_found"}},
		{"deleted", "", 6, JoinResult{Outcome: "not_found", Result: "not_found"}},
		{"never made", "", 7, JoinResult{Outcome: "not_found", Result: "not_found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.MeetingID = fmt.Sprint(81000000000 + c.id)
			if got := s.Join(81000000000+c.id, c.passcode); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	pro := "accounts: [{id: acct, plan: pro, hosts: [{id: host}, {id: two}]}]"
	t.Run("per second, by label", func(t *testing.T) {
		t.Parallel()
		s := start(t, pro)
		for range 20 {
			s.want(200, "GET", "/users/host/settings", nil)
		}
		a := s.want(429, "GET", "/users/host/settings", nil)
		if a.code() != 429 || a.body["message"] != msgPerSecond || a.header.Get("X-RateLimit-Type") != "QPS" ||
			a.header.Get("X-RateLimit-Category") != "Medium" || a.header.Get("X-RateLimit-Remaining") != "0" || a.header.Get("Retry-After") == "" {
			t.Errorf("%v %v", a.body, a.header)
		}
		s.want(200, "GET", "/users/host", nil) // another label
		s.clock.add(time.Second)
		s.want(200, "GET", "/users/host/settings", nil)
	})
	t.Run("a day's limit", func(t *testing.T) {
		t.Parallel()
		s := start(t, "accounts: [{id: acct, plan: free, limits: {per_second: off}, hosts: [{id: host}]}]")
		for range 2000 {
			s.want(200, "GET", "/users/host/settings", nil)
		}
		a := s.want(429, "GET", "/users/host/settings", nil)
		if a.body["message"] != msgDaily || a.header.Get("Retry-After") != "2026-11-24T00:00:00Z" || a.header.Get("X-RateLimit-Type") != "Daily-limit" {
			t.Errorf("%v %v", a.body, a.header)
		}
		s.clock.add(15 * time.Hour)
		s.login("")
		s.want(200, "GET", "/users/host/settings", nil)
	})
	t.Run("100 creates and updates a host and day, limits off too", func(t *testing.T) {
		t.Parallel()
		s := start(t, "accounts: [{id: acct, plan: business, limits: off, hosts: [{id: host, spent_today: 97}, {id: two}]}]")
		id, _ := s.create("host", `{}`)
		if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{CreationSource: "open_api"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil { // by hand: free
			t.Fatal(err)
		}
		s.want(204, "PATCH", path(id), `{"topic":"x"}`)
		a := s.want(429, "PATCH", path(id), `{"topic":"y"}`)
		if a.code() != 429 || a.body["message"] != msgHostDay || a.header.Get("X-RateLimit-Type") != "" ||
			a.header.Get("Retry-After") != "" || a.header.Get("X-RateLimit-Category") != "Light" || a.header.Get("X-RateLimit-Limit") != "6000" {
			t.Errorf("%v %v", a.body, a.header)
		}
		if got := s.get(path(id)).body["topic"]; got != "x" {
			t.Errorf("refused, yet done: %v", got)
		}
		s.create("two", `{}`) // another host has its own
		s.clock.add(15 * time.Hour)
		s.login("")
		s.want(204, "PATCH", path(id), `{"topic":"y"}`)
	})
}
