package zoomsim

import (
	"fmt"
	"testing"
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
	saw(t, h.drain(s), "group.member_added", "user.updated host:>grp", "group.member_deleted", "user.updated host:grp>")
	if err := s.ChangeUserSettings(ctx, "host", Set("meeting_security.nonsense", true)); err == nil {
		t.Error("an unknown setting is accepted")
	}
}
