package zoomsim

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	const meeting = "/meetings/81000000001"
	const world = `accounts: [{id: acct, plan: enterprise, hosts: [{id: host, meetings: [{id: 81000000001, starts_in: 1h, waiting_room: true, password: abc123}]}]}]`
	clear := `{"password":"","settings":{"waiting_room":true}}`
	for _, c := range []struct {
		name  string
		fault string // as the control API takes it
		check func(*testing.T, *sim)
	}{
		{"an error for the first two calls", `{"method":"GET","path_prefix":"/v2/meetings/","times":2,"status":503,"message":"down"}`,
			func(t *testing.T, s *sim) {
				for range 2 {
					if a := s.want(503, "GET", meeting, nil); a.body["message"] != "down" {
						t.Errorf("%v", a.body)
					}
				}
				s.want(200, "GET", meeting, nil)
			}},
		{"after one good call, for ever", `{"pattern":"^/v2/meetings/\\d+$","after":1,"status":429,"code":429,"headers":{"Retry-After":"7"}}`,
			func(t *testing.T, s *sim) {
				s.want(200, "GET", meeting, nil)
				for range 3 {
					if a := s.want(429, "GET", meeting, nil); a.header.Get("Retry-After") != "7" || a.code() != 429 {
						t.Errorf("%v %v", a.header, a.body)
					}
				}
				s.want(204, "DELETE", "/_sim/faults", nil)
				s.want(200, "GET", meeting, nil)
			}},
		{"a proxy's page", `{"status":502,"body":"<html>bad gateway</html>"}`,
			func(t *testing.T, s *sim) {
				if a := s.get(meeting); a.status != 502 || a.err == nil {
					t.Errorf("%+v", a)
				}
			}},
		{"a dropped connection", `{"method":"PATCH","drop_connection":true}`,
			func(t *testing.T, s *sim) {
				if a := s.call("PATCH", meeting, clear); a.err == nil {
					t.Error("an answer came")
				}
				if m, _ := s.Meeting(81000000001); m.Passcode == "" {
					t.Error("it was handled")
				}
			}},
		{"dropped after it was done", `{"method":"PATCH","drop_after":true}`,
			func(t *testing.T, s *sim) {
				if a := s.call("PATCH", meeting, clear); a.err == nil {
					t.Error("an answer came")
				}
				if m, _ := s.Meeting(81000000001); m.Passcode != "" {
					t.Error("it was not handled")
				}
			}},
		{"a torn body", `{"method":"GET","truncate_body":true}`,
			func(t *testing.T, s *sim) {
				if a := s.get(meeting); a.err == nil {
					t.Error("the body is whole")
				}
			}},
		{"204 and nothing changed", `{"method":"PATCH","no_effect":true}`,
			func(t *testing.T, s *sim) {
				s.want(204, "PATCH", meeting, clear)
				if m, _ := s.Meeting(81000000001); m.Passcode != "abc123" {
					t.Error("it changed")
				}
				s.want(204, "PATCH", "/users/host/settings", Set("meeting_security.waiting_room", false))
				if v := s.get("/users/host/settings").body["in_meeting"].(obj)["waiting_room"]; v != true {
					t.Error("the setting changed")
				}
			}},
		{"204 without handling at all", `{"method":"PATCH","status":204}`,
			func(t *testing.T, s *sim) {
				s.want(204, "PATCH", meeting, clear)
				if m, _ := s.Meeting(81000000001); m.Passcode != "abc123" {
					t.Error("it changed")
				}
			}},
		{"204 and overwritten", `{"method":"PATCH","overwrite":{"generate_passcode":true,"waiting_room":false}}`,
			func(t *testing.T, s *sim) {
				s.want(204, "PATCH", meeting, clear)
				if m, _ := s.Meeting(81000000001); m.Passcode == "" || m.Passcode == "abc123" || m.WaitingRoom {
					t.Errorf("%+v", m)
				}
			}},
		{"a stale read", `{"method":"GET","stale":true,"times":1}`,
			func(t *testing.T, s *sim) {
				s.want(204, "PATCH", meeting, clear)
				if got := s.get(meeting).body["password"]; got != "abc123" {
					t.Errorf("not stale: %v", got)
				}
				if _, has := s.get(meeting).body["password"]; has {
					t.Error("stale for ever")
				}
			}},
		{"ids as strings and unknown fields", `{"string_ids":true,"unknown_fields":true}`,
			func(t *testing.T, s *sim) {
				a := s.want(200, "GET", meeting, nil)
				if a.body["id"] != "81000000001" || a.body["zz_new_field"] == nil {
					t.Errorf("%v", a.body)
				}
				row := s.get("/users/host/meetings").body["meetings"].([]any)[0].(obj)
				if row["id"] != "81000000001" || row["zz_new_field"] == nil {
					t.Errorf("%v", row)
				}
			}},
		{"a token endpoint that is down", `{"path_prefix":"/oauth/","status":500}`,
			func(t *testing.T, s *sim) {
				if status, _ := s.grantWith(s.Credentials(""), nil); status != 500 {
					t.Errorf("%d", status)
				}
			}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, world)
			s.want(204, "POST", "/_sim/faults", c.fault)
			s.ResetRequests()
			c.check(t, s)
			hit := 0
			for _, r := range s.Requests() {
				if r.Fault != "" {
					hit++
				}
			}
			if hit == 0 {
				t.Error("no request says that a fault hit it")
			}
		})
	}
}

func TestFaultDelay(t *testing.T) {
	t.Parallel()
	asked := make(chan time.Duration, 1)
	s := start(t, oneHost, func(o *Options) {
		o.NewTimer = func(d time.Duration) (<-chan time.Time, func()) {
			asked <- d
			fired := make(chan time.Time, 1)
			fired <- time.Time{}
			return fired, func() {}
		}
	})
	if err := s.AddFault(Fault{PathPrefix: "/v2/users", Delay: 4 * time.Second}); err != nil {
		t.Fatal(err)
	}
	s.want(200, "GET", "/users/host", nil)
	if d := <-asked; d != 4*time.Second {
		t.Errorf("delay %v", d)
	}
}

func TestFaultForms(t *testing.T) {
	t.Parallel()
	code := ""
	f := Fault{Method: "GET", Delay: 200 * time.Millisecond, Times: 2, Overwrite: &Overwrite{Passcode: &code}}
	raw, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var back Fault
	if err := json.Unmarshal(raw, &back); err != nil || !reflect.DeepEqual(f, back) {
		t.Errorf("%s: %+v %v", raw, back, err)
	}
	s := start(t, oneHost)
	for _, bad := range []string{`{"stauts":500}`, `{"pattern":"("}`, `{"status":99}`, `{"delay":"soon"}`} {
		s.want(400, "POST", "/_sim/faults", bad)
	}
}
