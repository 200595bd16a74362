package zoomsim

import (
	"strings"
	"testing"
	"time"
)

const waitingWorld = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false}}
    groups: [{id: grp, name: sales}]
    hosts:
      - id: host
        groups: [grp]
        settings:
          meeting_security:
            waiting_room_settings: {participants_to_place_in_waiting_room: 1, whitelisted_domains_for_waiting_room: partner.example}
        meetings:
          - {id: 81000000001, starts_in: 1h, waiting_room: true}
          - {id: 81000000002, starts_in: 1h, waiting_room: true, waiting_room_holds: users_not_on_invite}
          - {id: 81000000003, starts_in: 1h, waiting_room: true, waiting_room_holds: everyone}
          - {id: 81000000004, starts_in: 1h, waiting_room: true, waiting_room_holds: users_not_in_account_or_whitelisted_domains}
          - {id: 81000000005, starts_in: 1h, waiting_room_holds: users_not_in_account, password: abc123}
          - {id: 81000000006, starts_in: 1h, waiting_room: true, meeting_authentication: true}
          - {id: 81000000007, starts_in: 1h, waiting_room: true, password: abc123}
          - id: 81000000008
            starts_in: 1h
            waiting_room: true
            recurrence: {type: 1, end_times: 3}
            dates: [{date: 2, waiting_room: false}]
      - {id: other, groups: [grp]}
`

// TestWhoWaits: whom a waiting room does not hold walks in, unless the passcode
// or the sign-in stops them first.
func TestWhoWaits(t *testing.T) {
	t.Parallel()
	s := start(t, waitingWorld)
	const held, in = ResultWaitingRoom, ResultJoined
	for _, c := range []struct {
		name                               string
		id                                 int64
		passcode, holds                    string
		outsider, account, domain, invited string
	}{
		{"the host's setting", 1, "", HoldsOutsideAccount, held, in, held, held},
		{"those not invited", 2, "", HoldsNotInvited, held, held, held, in},
		{"everyone, whatever the setting", 3, "", HoldsEveryone, held, held, held, held},
		{"outside account and domains", 4, "", HoldsOutsideDomains, held, in, in, held},
		{"off", 5, "abc123", "", in, in, in, in},
		{"authentication lets in who is signed in", 6, "", HoldsOutsideAccount, ResultSignInRequired, in, held, held},
		{"passcode missing", 7, "", HoldsOutsideAccount, ResultPasscodeRequired, ResultPasscodeRequired, ResultPasscodeRequired, ResultPasscodeRequired},
		{"passcode right", 7, "abc123", HoldsOutsideAccount, held, in, held, held},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for who, want := range map[Joiner]string{"": c.outsider, JoinerOutsider: c.outsider, JoinerAccount: c.account, JoinerDomain: c.domain, JoinerInvited: c.invited} {
				got, err := s.JoinAs(81000000000+c.id, Joining{Passcode: c.passcode, Who: who})
				if err != nil || got.Result != want || got.Holds != c.holds {
					t.Errorf("%q: %+v %v, want %s, held %s", who, got, err, want, c.holds)
				}
			}
		})
	}
	a := s.want(200, "GET", "/_sim/join/81000000001?who=in_account", nil).body
	if a["result"] != in || a["waiting_room_holds"] != HoldsOutsideAccount {
		t.Errorf("%v", a)
	}
	s.want(400, "GET", "/_sim/join/81000000001?who=anybody", nil)
	if m, _ := s.Meeting(81000000002); m.WaitingRoomHolds != HoldsNotInvited {
		t.Errorf("%+v", m)
	}
}

// TestWaitingRoomSettingsOfLevels: the value falls through the levels, a partial
// one keeps the rest, events carry it, and a lock on the waiting room holds it.
func TestWaitingRoomSettingsOfLevels(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, waitingWorld, to(h))
	const key = "meeting_security.waiting_room_settings"
	place := func(level string) any {
		t.Helper()
		room, _ := s.want(200, "GET", level+"/settings?option=meeting_security", nil).body["meeting_security"].(obj)["waiting_room_settings"].(obj)
		return room["participants_to_place_in_waiting_room"]
	}
	want := func(step string, host, group, account float64) {
		t.Helper()
		if a, b, c := place("/users/host"), place("/groups/grp"), place("/accounts/me"); a != host || b != group || c != account {
			t.Errorf("%s: host %v, group %v, account %v", step, a, b, c)
		}
	}
	want("at first", 1, 0, 0)
	s.want(204, "PATCH", "/users/host/settings", `{"meeting_security":{"waiting_room_settings":{"participants_to_place_in_waiting_room":0}}}`)
	ev := h.next()
	is, was := dig(ev.object(), "settings", "meeting_security", "waiting_room_settings"), dig(ev.payload(), "old_object", "settings", "meeting_security", "waiting_room_settings")
	if ev.event != "user.settings_updated" || is["participants_to_place_in_waiting_room"] != 0.0 || was["participants_to_place_in_waiting_room"] != 1.0 ||
		is["whitelisted_domains_for_waiting_room"] != "partner.example" {
		t.Errorf("%v", ev.body)
	}
	want("the host's changed", 0, 0, 0)
	for step, err := range map[string]error{
		"account": s.ChangeAccountSettings(t.Context(), "", Set(key, obj{"participants_to_place_in_waiting_room": 1})),
		"group":   s.ChangeGroupSettings(t.Context(), "grp", Set(key, WaitingRoomSettings{Place: 2})),
	} {
		if err != nil {
			t.Error(step, err)
		}
	}
	want("the levels above changed", 0, 2, 1)
	s.want(204, "PATCH", "/users/other/settings", `{"meeting_security":{"waiting_room_settings":{"users_who_can_admit_participants_from_waiting_room":1}}}`)
	if got := place("/users/other"); got != 2.0 {
		t.Errorf("a partial change lost the group's value: %v", got)
	}
	if err := s.ChangeGroupLocks(t.Context(), "grp", Set("meeting_security.waiting_room", true)); err != nil {
		t.Fatal(err)
	}
	want("locked in the group", 2, 2, 1)
	s.want(204, "PATCH", "/users/host/settings", `{"meeting_security":{"waiting_room_settings":{"participants_to_place_in_waiting_room":0}}}`)
	want("changed against the lock", 2, 2, 1)
	if j := s.Join(81000000001, ""); j.Holds != HoldsOutsideDomains {
		t.Errorf("%+v", j)
	}
	for _, bad := range []any{obj{"participants_to_place_in_waiting_room": 3}, obj{"users_who_can_admit_participants_from_waiting_room": -1}, obj{"nobody": 1}, 1} {
		if err := s.ChangeUserSettings(t.Context(), "host", Set(key, bad)); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}

// TestWaitingRoomOptionsOfMeetings: create, change and read.
func TestWaitingRoomOptionsOfMeetings(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, waitingWorld, to(h))
	options := func(a answer) obj { return a.settings()["waiting_room_options"].(obj) }
	id, a := s.create("host", `{"settings":{"waiting_room":true,"waiting_room_options":{"mode":"custom","who_goes_to_waiting_room":"users_not_on_invite"}}}`)
	if o := options(a); o["mode"] != "custom" || o["who_goes_to_waiting_room"] != HoldsNotInvited {
		t.Errorf("%v", o)
	}
	h.next()
	s.want(204, "PATCH", path(id), `{"settings":{"waiting_room_options":{"mode":"follow_setting","who_goes_to_waiting_room":"everyone"}}}`)
	if o := options(s.get(path(id))); o["mode"] != "follow_setting" || len(o) != 1 {
		t.Errorf("%v", o)
	}
	if ev := h.next(); ev.event != "meeting.updated" || len(ev.object()) != 1 {
		t.Errorf("%v", ev.body)
	}
	s.want(204, "PATCH", path(id), `{"settings":{"waiting_room_options":{"mode":"follow_setting"}}}`) // as it was
	s.want(204, "PATCH", path(id), `{"topic":"other"}`)
	if o := options(s.get(path(id))); o["mode"] != "follow_setting" {
		t.Errorf("%v", o)
	}
	if got := h.drain(s); len(got) != 1 {
		t.Errorf("%d events", len(got))
	}
	if _, a := s.create("host", `{"settings":{"waiting_room":true}}`); options(a)["mode"] != "follow_setting" {
		t.Errorf("%v", options(a))
	}
	for _, bad := range []string{`{}`, `{"mode":"all"}`, `{"mode":"custom"}`, `{"mode":"custom","who_goes_to_waiting_room":"nobody"}`} {
		body := `{"settings":{"waiting_room_options":` + bad + `}}`
		for _, a := range []answer{s.want(400, "PATCH", path(id), body), s.want(400, "POST", "/users/host/meetings", body)} {
			if a.code() != 300 || !strings.HasPrefix(a.body["errors"].([]any)[0].(obj)["field"].(string), "settings.waiting_room_options.") {
				t.Errorf("%s: %v", bad, a.body)
			}
		}
	}
}

// TestOneDateWithoutAWaitingRoom: of a scenario and of a helper, and who joins
// on which date.
func TestOneDateWithoutAWaitingRoom(t *testing.T) {
	t.Parallel()
	s := start(t, waitingWorld)
	const id = 81000000008
	rooms := func() (out []bool) {
		for _, o := range s.Occurrences(id) {
			out = append(out, o.WaitingRoom)
			j, err := s.JoinAs(id, Joining{OccurrenceID: o.ID})
			got := s.get(path(id) + "?occurrence_id=" + o.ID).settings()["waiting_room"]
			c := s.want(200, "GET", "/_sim/join/81000000008?occurrence_id="+o.ID, nil).body
			if err != nil || j.WaitingRoom != o.WaitingRoom || j.Unsecured == o.WaitingRoom || got != o.WaitingRoom || c["waiting_room"] != o.WaitingRoom {
				t.Errorf("%v: joined %+v %v, read %v", o, j, err, got)
			}
		}
		return out
	}
	if r := rooms(); len(r) != 3 || !r[0] || r[1] || !r[2] {
		t.Fatalf("%v", r)
	}
	first := s.Occurrences(id)[0]
	if first.StartTime != s.clock.now().Add(time.Hour) || first.Duration != 60 || first.Deleted {
		t.Errorf("%+v", first)
	}
	if err := s.ChangeAccountSettings(t.Context(), "", Set("meeting_security.auto_security", false)); err != nil {
		t.Fatal(err)
	}
	for date, on := range map[int]bool{2: true, 3: false} {
		if err := s.SetDateWaitingRoom(t.Context(), id, date, on); err != nil {
			t.Fatal(err)
		}
	}
	if r := rooms(); !r[0] || !r[1] || r[2] {
		t.Errorf("%v", r)
	}
	if got := s.want(200, "GET", "/_sim/meetings/81000000008/occurrences", nil).body["occurrences"].([]any); len(got) != 3 || got[2].(obj)["waiting_room"] != false {
		t.Errorf("%v", got)
	}
	for _, date := range []int{0, 4} {
		if s.SetDateWaitingRoom(t.Context(), id, date, true) == nil {
			t.Errorf("date %d is there", date)
		}
	}
	if _, err := s.JoinAs(id, Joining{OccurrenceID: "1"}); err == nil {
		t.Error("joined on a date that is not there")
	}
	if len(s.Occurrences(81000000001)) != 0 || len(s.Occurrences(1)) != 0 {
		t.Error("dates of what is no series")
	}
}

func TestScenarioSeriesErrors(t *testing.T) {
	t.Parallel()
	for name, meeting := range map[string]string{
		"dates of no series":     "{dates: [{date: 1}]}",
		"date that is not there": "{recurrence: {type: 1, end_times: 2}, dates: [{date: 3}]}",
		"date zero":              "{recurrence: {type: 1, end_times: 2}, dates: [{}]}",
		"other type":             "{type: 2, recurrence: {type: 1, end_times: 2}}",
		"waiting room holds":     "{waiting_room_holds: nobody}",
		"unknown key of a date":  "{recurrence: {type: 1, end_times: 2}, dates: [{date: 1, password: x}]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := LoadScenario(strings.NewReader("accounts: [{id: a, hosts: [{id: h, meetings: [" + meeting + "]}]}]")); err == nil {
				t.Error("taken")
			}
		})
	}
}
