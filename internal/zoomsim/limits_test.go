package zoomsim

import (
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
