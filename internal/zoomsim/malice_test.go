package zoomsim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

const maliceWorld = `accounts: [{id: acct, plan: enterprise, hosts: [{id: host, meetings: [{id: 81000000001, starts_in: 1h, waiting_room: true, password: abc123}]}]}]`

// TestMaliceOnCalls turns each knob up to 1 by itself.
func TestMaliceOnCalls(t *testing.T) {
	t.Parallel()
	const meeting = "/meetings/81000000001"
	clear := `{"password":"","settings":{"waiting_room":true}}`
	passcode := func(s *sim) string { m, _ := s.Meeting(81000000001); return m.Passcode }
	for _, c := range []struct {
		name  string
		m     Malice
		check func(*testing.T, *sim)
	}{
		{"overwrite_patch", Malice{OverwritePatch: 1}, func(t *testing.T, s *sim) {
			s.want(204, "PATCH", meeting, clear)
			if p := passcode(s); p == "" || p == "abc123" {
				t.Errorf("passcode %q", p)
			}
		}},
		{"no_effect", Malice{NoEffect: 1}, func(t *testing.T, s *sim) {
			s.want(204, "PATCH", meeting, clear)
			if p := passcode(s); p != "abc123" {
				t.Errorf("passcode %q", p)
			}
		}},
		{"stale_read", Malice{StaleRead: 1}, func(t *testing.T, s *sim) {
			s.want(204, "PATCH", meeting, clear)
			if p := s.get(meeting).body["password"]; p != "abc123" {
				t.Errorf("passcode %v", p)
			}
		}},
		{"settings_flip", Malice{SettingsFlip: 1}, func(t *testing.T, s *sim) {
			read := func() any {
				return s.get("/users/host/settings").body["schedule_meeting"].(obj)["require_password_for_instant_meetings"]
			}
			if a, b := read(), read(); a == b {
				t.Error("nothing flipped")
			}
		}},
		{"rate_per_second", Malice{RatePerSecond: 1}, wants429(msgPerSecond, "QPS")},
		{"rate_daily", Malice{RateDaily: 1}, wants429(msgDaily, "Daily-limit")},
		{"rate_host", Malice{RateHost: 1}, func(t *testing.T, s *sim) {
			s.want(200, "GET", meeting, nil)
			if a := s.want(429, "PATCH", meeting, clear); a.body["message"] != msgHostDay || a.header.Get("X-RateLimit-Type") != "" {
				t.Errorf("%v %v", a.body, a.header)
			}
		}},
		{"server_error", Malice{ServerError: 1}, func(t *testing.T, s *sim) {
			seen := map[int]bool{}
			for range 30 {
				seen[s.get(meeting).status] = true
			}
			if len(seen) != 4 || seen[200] {
				t.Errorf("statuses %v", seen)
			}
		}},
		{"slow", Malice{Slow: 1, SlowFor: time.Microsecond}, func(_ *testing.T, s *sim) { s.want(200, "GET", meeting, nil) }},
		{"torn", Malice{Torn: 1}, func(t *testing.T, s *sim) {
			if s.get(meeting).err == nil {
				t.Error("whole")
			}
		}},
		{"dropped", Malice{Dropped: 1}, func(t *testing.T, s *sim) {
			if s.get(meeting).err == nil {
				t.Error("answered")
			}
		}},
		{"revoke_token", Malice{RevokeToken: 1}, func(_ *testing.T, s *sim) { s.want(401, "GET", meeting, nil) }},
		{"string_ids", Malice{StringIDs: 1}, func(t *testing.T, s *sim) {
			if id := s.get(meeting).body["id"]; id != "81000000001" {
				t.Errorf("id %v", id)
			}
		}},
		{"unknown_fields", Malice{UnknownFields: 1}, func(t *testing.T, s *sim) {
			if s.get(meeting).body["zz_new_field"] == nil {
				t.Error("none")
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, maliceWorld)
			if err := s.SetMalice(c.m); err != nil {
				t.Fatal(err)
			}
			s.ResetRequests()
			c.check(t, s)
			hit := false
			for _, r := range s.Requests() {
				hit = hit || r.Fault == "malice: "+c.name
			}
			if !hit {
				t.Errorf("the requests do not name the knob: %+v", s.Requests())
			}
		})
	}
}

func wants429(message, kind string) func(*testing.T, *sim) {
	return func(t *testing.T, s *sim) {
		a := s.want(429, "GET", "/meetings/81000000001", nil)
		if a.body["message"] != message || a.header.Get("X-RateLimit-Type") != kind || a.header.Get("Retry-After") == "" {
			t.Errorf("%v %v", a.body, a.header)
		}
	}
}

func TestMaliceOnWebhooks(t *testing.T) {
	t.Parallel()
	rename := func(s *sim, topics ...string) {
		for _, topic := range topics {
			if err := s.UpdateMeeting(s.t.Context(), 81000000001, MeetingRequest{Topic: topic}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name  string
		m     Malice
		check func(*testing.T, *sim, *hook)
	}{
		{"lost", Malice{WebhookLost: 1}, func(t *testing.T, s *sim, h *hook) {
			rename(s, "a")
			if got := h.drain(s); len(got) != 0 || s.Deliveries()[0].State != DeliveryLost {
				t.Errorf("%d came, %+v", len(got), s.Deliveries())
			}
		}},
		{"duplicate", Malice{WebhookDuplicate: 1}, func(t *testing.T, s *sim, h *hook) {
			rename(s, "a")
			got := h.drain(s)
			if len(got) != 2 || string(got[0].raw) != string(got[1].raw) ||
				got[0].header.Get("x-zm-request-id") == got[1].header.Get("x-zm-request-id") {
				t.Errorf("%+v", got)
			}
		}},
		{"late", Malice{WebhookLate: 1, LateFor: time.Hour}, func(t *testing.T, s *sim, h *hook) {
			rename(s, "a")
			if got := h.drain(s); len(got) != 0 {
				t.Fatalf("%d came at once", len(got))
			}
			s.RetryNow()
			if got := h.next(); got.object()["topic"] != "a" {
				t.Errorf("%v", got.body)
			}
		}},
		{"reorder", Malice{WebhookReorder: 1, LateFor: time.Hour}, func(t *testing.T, s *sim, h *hook) {
			rename(s, "a")
			if err := s.SetMalice(Malice{}); err != nil {
				t.Fatal(err)
			}
			rename(s, "b")
			if a, b := h.next().object()["topic"], h.next().object()["topic"]; a != "b" || b != "a" {
				t.Errorf("first %v, then %v", a, b)
			}
		}},
		{"ids as strings, unknown fields", Malice{StringIDs: 1, UnknownFields: 1}, func(t *testing.T, s *sim, h *hook) {
			rename(s, "a")
			got := h.next()
			verify(t, got, s.Credentials("").SecretToken)
			if got.object()["id"] != "81000000001" || got.body["zz_new_field"] == nil {
				t.Errorf("%v", got.body)
			}
		}},
		{"oddities", Malice{WebhookOdd: 1}, func(t *testing.T, s *sim, h *hook) {
			shapes := map[string]bool{}
			for i := range 60 {
				rename(s, strings.Repeat("x", i%3+1))
				got := h.next()
				verify(t, got, s.Credentials("").SecretToken)
				payload, isObject := got.body["payload"].(obj)
				ts, _ := got.body["event_ts"].(float64)
				switch {
				case !isObject:
					shapes["another vendor's"] = true
				case got.body["event_ts"] == nil:
					shapes["no event_ts"] = true
				case ts < 1e11:
					shapes["seconds"] = true
				case got.body["account_id"] != nil:
					shapes["account outside"] = true
				case payload["account_id"] == nil:
					shapes["no account"] = true
				case payload["old_object"] == nil:
					shapes["no old_object"] = true
				case payload["time_stamp"] == nil:
					shapes["time_stamp in old_object"] = true
				}
			}
			if len(shapes) != numOddities {
				t.Errorf("seen %v", shapes)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, func(int, http.ResponseWriter) {})
			s := start(t, maliceWorld, to(h))
			if err := s.SetMalice(c.m); err != nil {
				t.Fatal(err)
			}
			c.check(t, s, h)
		})
	}
}

func TestMaliceForms(t *testing.T) {
	t.Parallel()
	if err := (Malice{Torn: 1.5}).check(); err == nil || !strings.Contains(err.Error(), "torn") {
		t.Errorf("%v", err)
	}
	if _, err := Start(t.Context(), Options{Malice: Malice{Slow: -1}}); err == nil {
		t.Error("a negative probability is accepted")
	}
	if _, err := LoadScenario(strings.NewReader("accounts: [{id: a}]\nmalice: {slow: 2}")); err == nil {
		t.Error("a scenario with a probability of 2 is accepted")
	}
	s := start(t, "accounts: [{id: a, hosts: [{id: h}]}]\nmalice: {slow_for: 1ms}")
	s.want(204, "PUT", "/_sim/malice", obj{"server_error": 1})
	if a := s.get("/users/h"); a.status < 500 {
		t.Errorf("%d", a.status)
	}
	s.want(400, "PUT", "/_sim/malice", obj{"spite": 1})
	s.want(400, "PUT", "/_sim/malice", obj{"slow": 7})
	s.want(204, "PUT", "/_sim/malice", obj{})
	s.want(200, "GET", "/users/h", nil)
}

// TestEncodeMixesEscapes: the body holds both forms and means the same.
func TestEncodeMixesEscapes(t *testing.T) {
	t.Parallel()
	raw, err := encode(obj{"topic": "ää <b> 会議 🙂"})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(raw); !strings.Contains(s, `\u00e4ä`) || !strings.Contains(s, "🙂") || !strings.Contains(s, `\u003c`) {
		t.Errorf("%s", s)
	}
}
