package zoomsim

import (
	"context"
	"strings"
	"testing"
)

func TestScenarioIsStrict(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, yaml, want string }{
		{"unknown top key", "acounts: []", "line 1: field acounts not found"},
		{"unknown account key", "accounts:\n  - id: a\n    plann: free", "line 3: field plann not found"},
		{"unknown setting", "accounts:\n  - id: a\n    settings:\n      meeting_security:\n        meeting_pasword: true", "line 5: no such setting: meeting_security.meeting_pasword"},
		{"unknown section", "accounts:\n  - id: a\n    locks:\n      security: {x: true}", "line 4: no such setting: security.x"},
		{"setting of the wrong kind", "accounts:\n  - id: a\n    settings: {meeting_security: {waiting_room: 3}}", "meeting_security.waiting_room: value 3"},
		{"a string where on or off belongs", "accounts:\n  - {id: a, limits: maybe}", `line 2: want on or off, not "maybe"`},
		{"unknown limit", "accounts:\n  - {id: a, limits: {hourly: on}}", `line 2: limits: unknown key "hourly"`},
		{"unknown plan", "accounts: [{id: a, plan: gold}]", `plan "gold"`},
		{"no id", "accounts: [{plan: free}]", "id is missing"},
		{"account twice", "accounts: [{id: a}, {id: a}]", "there twice"},
		{"host twice", "accounts: [{id: a, hosts: [{id: h}, {id: h}]}]", "there twice"},
		{"group that is not there", "accounts: [{id: a, hosts: [{id: h, groups: [g]}]}]", `group "g" is not in the account`},
		{"meeting id too short", "accounts: [{id: a, hosts: [{id: h, meetings: [{id: 12}]}]}]", "9 to 11 digits"},
		{"meeting twice", "accounts: [{id: a, hosts: [{id: h, meetings: [{id: 81000000001}, {id: 81000000001}]}]}]", "there twice"},
		{"unknown fault key", "accounts: [{id: a}]\nfaults:\n  - {stauts: 500}", "line 3: field stauts not found"},
		{"unknown malice knob", "accounts: [{id: a}]\nmalice: {spite: 1}", "line 2: field spite not found"},
		{"unknown requirement", "accounts: [{id: a, settings: {meeting_security: {meeting_password_requirement: {lenght: 6}}}}]", "lenght"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := LoadScenario(strings.NewReader(c.yaml))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestScenarioFaultsAndEmpty(t *testing.T) {
	t.Parallel()
	s := start(t, "accounts: [{id: a, hosts: [{id: h}]}]\nfaults:\n  - {path_prefix: /v2/users, status: 500, delay: 0s, times: 1}")
	s.want(500, "GET", "/users/h", nil)
	s.want(200, "GET", "/users/h", nil)
	if _, err := LoadScenario(strings.NewReader("")); err != nil {
		t.Errorf("an empty scenario: %v", err)
	}
}

// TestDefaultScenario: the demo's hosts are what their names say.
func TestDefaultScenario(t *testing.T) {
	t.Parallel()
	srv, err := Start(t.Context(), Options{Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	for host, demands := range map[string]bool{"off@demo.example": false, "on@demo.example": true, "locked@demo.example": true} {
		m, err := srv.CreateMeeting(t.Context(), host, MeetingRequest{Topic: "x"})
		if err != nil {
			t.Fatal(err)
		}
		if j := srv.Join(m.ID, ""); j.AsksPasscode != demands || !j.WaitingRoom {
			t.Errorf("%s: %+v", host, j)
		}
		req := MeetingRequest{Password: WithPasscode(""), Settings: MeetingSettings{WaitingRoom: new(true)}}
		if err := srv.UpdateMeeting(t.Context(), m.ID, req); err != nil {
			t.Fatal(err)
		}
		if j := srv.Join(m.ID, ""); j.AsksPasscode != (host == "locked@demo.example") {
			t.Errorf("%s after clearing: %+v", host, j)
		}
	}
}

// TestSeedRepeats: the same seed makes the same ids and passcodes.
func TestSeedRepeats(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) Meeting {
		s := start(t, oneHost, func(o *Options) { o.Seed = seed })
		m, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if a, b := run(5), run(5); a != b {
		t.Errorf("%+v\n%+v", a, b)
	}
	if a, b := run(5), run(6); a.ID == b.ID {
		t.Error("another seed, the same id")
	}
	if s := start(t, oneHost, func(o *Options) { o.Seed = 0 }); s.Seed() == 0 {
		t.Error("no seed was drawn")
	}
}
