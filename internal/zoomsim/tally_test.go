package zoomsim

import (
	"context"
	"reflect"
	"testing"
	"time"
)

const limited = `
accounts:
  - id: acct
    plan: pro
    hosts:
      - {id: host, email: host@example.com}
      - {id: other, email: other@example.com}
`

// Everything is counted with no history at all.
func TestTally(t *testing.T) {
	h := newHanded()
	s := start(t, limited, handTo(h), func(o *Options) { o.History = -1 })
	for range 12 {
		s.want(200, "GET", "/users", nil)
	}
	s.clock.add(time.Second)
	for range 20 { // a Pro account has 20 a second
		s.want(200, "GET", "/users", nil)
	}
	s.want(429, "GET", "/groups", nil)
	s.clock.add(time.Second)
	id, _ := s.create("host", obj{})
	if err := s.SpendHostDay("host", 98); err != nil {
		t.Fatal(err)
	}
	s.want(204, "PATCH", path(id), obj{"topic": "x"})
	s.want(429, "PATCH", path(id), obj{"topic": "y"})
	for _, f := range []Fault{{Times: 1, DropConnection: true}, {Times: 1, Status: 429}} {
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		s.call("GET", path(id), nil)
	}
	s.call("GET", "/nothing", nil)
	s.call("PUT", "/users", nil)
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := Tally{
		Calls: map[string]map[int]int{
			"GET /v2/users": {200: 32}, "GET /v2/groups": {429: 1}, "POST /v2/users/{userId}/meetings": {201: 1},
			"PATCH /v2/meetings/{meetingId}": {204: 1, 429: 1}, "GET /v2/meetings/{meetingId}": {0: 1, 429: 1}, "unknown": {404: 1, 405: 1},
		},
		Labels:   map[string]int{Medium: 33, Light: 7},
		Peak:     map[string]int{Medium: 21, Light: 5},
		Refused:  map[string]int{RefusedPerSecond: 1, RefusedHostDay: 1},
		Tokens:   map[int]int{200: 1},
		Webhooks: map[string]map[string]int{"meeting.created": {DeliveryDelivered: 1}, "meeting.updated": {DeliveryDelivered: 1}},
	}
	if got := s.Tally(); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if len(s.Requests()) != 0 || len(s.Deliveries()) != 0 {
		t.Error("history was kept")
	}
	s.ResetTally()
	got := s.Tally()
	if len(got.Calls)+len(got.Labels)+len(got.Peak)+len(got.Refused)+len(got.Tokens)+len(got.Webhooks) != 0 {
		t.Errorf("after the reset: %+v", got)
	}
}

// A webhook counts once, when its fate is known.
func TestTallyOfWebhooks(t *testing.T) {
	h := newHanded()
	status := 500
	h.answer = func(context.Context) int { return status }
	s := start(t, oneHost, handTo(h), func(o *Options) { o.RetryDelays = []time.Duration{time.Hour} })
	told := func(want map[string]int) {
		t.Helper()
		if err := s.WaitDeliveries(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := s.Tally().Webhooks["meeting.created"]; !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	s.create("host", obj{})
	told(nil)
	s.RetryNow()
	<-h.got
	<-h.got
	told(map[string]int{DeliveryGone: 1})
	status = 400
	s.create("host", obj{})
	told(map[string]int{DeliveryGone: 1, DeliveryRefused: 1})
	if err := s.SetMalice(Malice{WebhookLost: 1}); err != nil {
		t.Fatal(err)
	}
	s.create("host", obj{})
	told(map[string]int{DeliveryGone: 1, DeliveryRefused: 1, DeliveryLost: 1})
}

func TestTallyPeakIsOneAccounts(t *testing.T) {
	s := start(t, `
accounts:
  - {id: a, hosts: [{id: ha}]}
  - {id: b, hosts: [{id: hb}]}
`, inProc)
	for range 3 {
		s.want(200, "GET", "/users/ha", nil)
	}
	s.login("b")
	for range 2 {
		s.want(200, "GET", "/users/hb", nil)
	}
	if got := s.Tally(); got.Peak[Light] != 3 || got.Labels[Light] != 5 {
		t.Errorf("%+v", got)
	}
}

func TestHistoryIsCapped(t *testing.T) {
	h := newHanded()
	s := start(t, oneHost, handTo(h), func(o *Options) { o.History = 10 })
	for range 23 {
		s.create("host", obj{})
		s.clock.add(time.Second)
	}
	if r, d := s.Requests(), s.Deliveries(); len(r) < 5 || len(r) > 10 || len(d) < 5 || len(d) > 10 ||
		!r[len(r)-1].At.Equal(s.clock.now().Add(-time.Second)) {
		t.Errorf("%d requests, %d deliveries", len(r), len(d))
	}
}
