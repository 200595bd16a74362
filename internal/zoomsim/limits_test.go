package zoomsim

import (
	"strings"
	"testing"
	"time"
)

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

// TestHostRemaining: the host's 100 in the answers to creates and updates, where
// it is switched on, and in no other answer.
func TestHostRemaining(t *testing.T) {
	t.Parallel()
	s := start(t, strings.Replace(oneHost, "plan: enterprise", "plan: enterprise\n    limits: {host_remaining: on}", 1)+"      - {id: other, spent_today: 99}\n")
	headers := func(a answer) string {
		return a.header.Get("X-RateLimit-Limit") + " " + a.header.Get("X-RateLimit-Remaining") + " " + a.header.Get("X-RateLimit-Type")
	}
	id, a := s.create("host", `{}`)
	for i, c := range []struct {
		name string
		a    answer
		want string
	}{
		{"create", a, "100 99 "},
		{"update", s.want(204, "PATCH", path(id), `{"topic":"x"}`), "100 98 "},
		{"refused, and counted", s.want(400, "PATCH", path(id), `{"password":"?"}`), "100 97 "},
		{"read", s.get(path(id)), "80 76 QPS"},
		{"delete", s.want(204, "DELETE", path(id), nil), "80 75 QPS"},
		{"another host's last", s.want(201, "POST", "/users/other/meetings", `{}`), "100 0 "},
		{"none left", s.want(429, "POST", "/users/other/meetings", `{}`), "6000 5971 "},
	} {
		if got := headers(c.a); got != c.want {
			t.Errorf("%d, %s: %q, want %q", i, c.name, got, c.want)
		}
	}
	s.want(204, "PUT", "/_sim/limits", `{"host_remaining":false}`)
	if _, a := s.create("host", `{}`); a.header.Get("X-RateLimit-Limit") != "80" {
		t.Errorf("%v", a.header)
	}
	if l := s.want(200, "GET", "/_sim/limits", nil).body; l["host_remaining"] != false || l["per_second"] != true || l["daily"] != true {
		t.Errorf("%v", l)
	}
	s.want(400, "PUT", "/_sim/limits", `{"hourly":true}`)
	s.want(404, "PUT", "/_sim/limits?account=nobody", `{}`)
	if err := s.SetLimits("", Limits{}); err != nil {
		t.Fatal(err)
	}
	if l := s.want(200, "GET", "/_sim/limits", nil).body; l["per_second"] != false {
		t.Errorf("%v", l)
	}
}
