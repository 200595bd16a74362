package zoomsim

import (
	"testing"
	"time"
)

// What another app takes of a second is not there for ours; the next second is.
func TestSpendCalls(t *testing.T) {
	s := start(t, limited, inProc)
	spend := func(label string, n int) {
		t.Helper()
		if err := s.SpendCalls("acct", label, n); err != nil {
			t.Fatal(err)
		}
	}
	spend(Medium, 15)
	for range 5 {
		s.want(200, "GET", "/users", nil)
	}
	s.want(429, "GET", "/users", nil)
	s.want(200, "GET", "/users/host", nil) // another label
	if got := s.Tally(); got.Labels[Medium] != 6 || got.Peak[Medium] != 6 || len(s.Requests()) != 8 {
		t.Errorf("other apps' calls were counted as ours: %+v", got)
	}
	s.clock.add(time.Second)
	spend(Medium, 1_000_000) // refused to the other app from the 21st on
	s.want(429, "GET", "/users", nil)
	s.clock.add(time.Second)
	s.want(200, "GET", "/users", nil)
	for _, err := range []error{s.SpendCalls("nobody", Light, 1), s.SpendCalls("", "Huge", 1), s.SpendCalls("", Light, -1)} {
		if err == nil {
			t.Error("taken")
		}
	}
}

// A day's limit is shared too, holds over the seconds and ends with the UTC day.
func TestSpendDay(t *testing.T) {
	s := start(t, `
accounts:
  - {id: acct, plan: free, limits: {per_second: off}, hosts: [{id: host}]}
`, inProc)
	if err := s.SpendCalls("", Light, 3_000); err != nil {
		t.Fatal(err)
	}
	s.clock.add(time.Minute)
	if err := s.SpendCalls("", Light, 2_999); err != nil {
		t.Fatal(err)
	}
	if a := s.want(200, "GET", "/users/host", nil); a.header.Get("X-RateLimit-Remaining") != "0" {
		t.Error(a.header)
	}
	if a := s.want(429, "GET", "/users/host", nil); a.body["message"] != msgDaily {
		t.Error(a.body)
	}
	if got := s.Tally(); got.Refused[RefusedDaily] != 1 {
		t.Errorf("%+v", got)
	}
	s.clock.add(24 * time.Hour)
	s.login("")
	s.want(200, "GET", "/users/host", nil)
}

func TestSpendHostDay(t *testing.T) {
	s := start(t, limited, inProc)
	if err := s.SpendHostDay("HOST@example.com", 99); err != nil {
		t.Fatal(err)
	}
	s.create("host", obj{})
	s.want(429, "POST", "/users/host/meetings", obj{})
	s.create("other", obj{})
	if err := s.SpendHostDay("host", 500); err != nil {
		t.Fatal(err)
	}
	if h, _ := s.Host("host"); h.SpentToday != 100 || len(s.Meetings()) != 2 {
		t.Errorf("%+v, %d meetings", h, len(s.Meetings()))
	}
	s.clock.add(24 * time.Hour)
	s.login("")
	s.create("host", obj{})
	if s.SpendHostDay("nobody", 1) == nil || s.SpendHostDay("host", -1) == nil {
		t.Error("taken")
	}
}

// What the second has no room for is not taken off the day either.
func TestSpendWhatFits(t *testing.T) {
	s := start(t, `
accounts:
  - {id: acct, plan: free, hosts: [{id: host}]}
`, inProc)
	if err := s.SpendCalls("", Light, 5_000); err != nil {
		t.Fatal(err)
	}
	s.want(429, "GET", "/users/host", nil)
	s.clock.add(time.Second)
	if a := s.want(200, "GET", "/users/host", nil); a.header.Get("X-RateLimit-Remaining") != "5995" {
		t.Error(a.header)
	}
}
