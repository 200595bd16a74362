package zoomsim

import (
	"slices"
	"testing"
)

const seriesWorld = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false}}
    hosts:
      - id: host
        email: host@example.com
        meetings:
          - {id: 81000000001, topic: once, starts_in: 1h, waiting_room: true, password: abc123}
          - {id: 81000000003, topic: any time, type: 3, waiting_room: true}
          - {id: 81000000004, topic: own room, type: 4}
          - {id: 81000000005, topic: now, type: 1, started: true, waiting_room: true}
`

const cannotAccessWebinar = "Cannot access webinar info."

// TestMeetingBecomesAWebinarAndBack: the number stays and its kind changes.
func TestMeetingBecomesAWebinarAndBack(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, seriesWorld, to(h))
	series, _ := s.create("host", `{"type":8,"recurrence":{"type":1,"end_times":3},"settings":{"waiting_room":true}}`)
	h.next()
	for _, c := range []struct {
		name                  string
		id                    int64
		webinar, meeting      float64
		password, waitingRoom any
		hasStart              bool
	}{
		{"once", 81000000001, 5, 2, "abc123", true, true},
		{"any time", 81000000003, 6, 3, nil, true, false},
		{"a series", series, 9, 8, nil, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s.want(204, "POST", "/_sim"+path(c.id)+"/to_webinar?operator=boss@example.com", nil)
			checkConversion(t, h.next(), "meeting.converted_to_webinar", c.id, c.webinar, c.hasStart)
			for _, method := range []string{"GET", "PATCH", "DELETE"} {
				if a := s.call(method, path(c.id), `{}`); a.status != 400 || a.code() != 3000 || a.body["message"] != cannotAccessWebinar {
					t.Errorf("%s of a webinar: %d %v", method, a.status, a.body)
				}
			}
			if ids := listed(s); slices.Contains(ids, c.id) {
				t.Errorf("a webinar is listed as a meeting: %v", ids)
			}
			if m, _ := s.Meeting(c.id); !m.Webinar || m.Type != int(c.webinar) {
				t.Errorf("%+v", m)
			}
			for what, err := range map[string]error{
				"update": s.UpdateMeeting(t.Context(), c.id, MeetingRequest{Topic: "x"}), "delete": s.DeleteMeeting(t.Context(), c.id),
				"start": s.StartMeeting(t.Context(), c.id), "convert twice": s.ConvertToWebinar(t.Context(), c.id),
			} {
				if err == nil {
					t.Errorf("%s took a webinar for a meeting", what)
				}
			}

			s.want(204, "POST", "/_sim"+path(c.id)+"/to_meeting?operator=boss@example.com", nil)
			checkConversion(t, h.next(), "webinar.converted_to_meeting", c.id, c.meeting, c.hasStart)
			a := s.want(200, "GET", path(c.id), nil)
			if a.body["type"] != c.meeting || a.body["password"] != c.password || a.settings()["waiting_room"] != c.waitingRoom {
				t.Errorf("after it came back: %v", a.body)
			}
			if ids := listed(s); !slices.Contains(ids, c.id) {
				t.Errorf("it is not listed again: %v", ids)
			}
			if err := s.ConvertToMeeting(t.Context(), c.id); err == nil {
				t.Error("a meeting was converted to a meeting")
			}
		})
	}
	for name, id := range map[string]int64{"a PMI meeting": 81000000004, "one in progress": 81000000005, "none": 81000000099} {
		if err := s.ConvertToWebinar(t.Context(), id); err == nil {
			t.Errorf("%s was converted", name)
		}
	}
	if got := h.drain(s); len(got) != 0 {
		t.Errorf("%d events too many, the first: %v", len(got), got[0].body)
	}
}

func checkConversion(t *testing.T, got hooked, name string, id int64, kind float64, hasStart bool) {
	t.Helper()
	o := got.object()
	if got.event != name || o["id"] != float64(id) || o["type"] != kind || o["host_id"] != "host" || o["uuid"] == nil ||
		got.payload()["operator"] != "boss@example.com" || got.payload()["operator_id"] == nil {
		t.Errorf("%s: %v", got.event, got.body)
	}
	members := []string{"duration", "host_id", "id", "timezone", "topic", "type", "uuid"}
	if hasStart {
		members = append(members, "start_time")
	}
	for k := range o {
		if !slices.Contains(members, k) {
			t.Errorf("%s carries %s", got.event, k)
		}
	}
	if len(o) != len(members) {
		t.Errorf("%s: %v, want %v", got.event, o, members)
	}
}

func listed(s *sim) []int64 {
	var ids []int64
	for _, row := range s.get("/users/host/meetings?type=upcoming_meetings&page_size=300").body["meetings"].([]any) {
		ids = append(ids, int64(row.(obj)["id"].(float64)))
	}
	return ids
}

// TestWebinarsAreLeftAloneBySettings: what Zoom changes on scheduled meetings
// after the fact, it changes on meetings.
func TestWebinarsAreLeftAloneBySettings(t *testing.T) {
	t.Parallel()
	s := start(t, seriesWorld)
	if err := s.ConvertToWebinar(t.Context(), 81000000003); err != nil {
		t.Fatal(err)
	}
	on := Set("meeting_security.require_password_for_scheduled_meeting", true)
	if err := s.ChangeUserSettings(t.Context(), "host", on); err != nil {
		t.Fatal(err)
	}
	if m, _ := s.Meeting(81000000003); m.Passcode != "" {
		t.Error("a webinar got a passcode")
	}
}

// TestCode3000HasSeveralMeanings: the words tell them apart.
func TestCode3000HasSeveralMeanings(t *testing.T) {
	t.Parallel()
	s := start(t, seriesWorld)
	id, _ := s.create("host", `{"type":8,"recurrence":{"type":1,"end_times":2}}`)
	refused := func(name string, a answer, words string) {
		t.Helper()
		if a.status != 400 || a.code() != 3000 || a.body["message"] != words {
			t.Errorf("%s: %d %v, want %q", name, a.status, a.body, words)
		}
	}
	spent := func() int { h, _ := s.Host("host"); return h.SpentToday }
	refused("in progress", s.call("PATCH", path(81000000005), `{"password":""}`),
		"You cannot update or delete meetings that have started using this method.")
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		refused(method+" of no occurrence", s.call(method, path(id)+"?occurrence_id=1", `{"duration":15}`), "Invalid occurrence_id.")
	}

	s.want(204, "PUT", "/_sim/users/host/scheduling", obj{"allowed": false})
	before := spent()
	const words = `You cannot schedule a meeting for "host@example.com".`
	refused("an update", s.call("PATCH", path(81000000001), `{"password":"","settings":{"waiting_room":true}}`), words)
	refused("a create", s.call("POST", "/users/host/meetings", `{}`), words)
	if got := spent() - before; got != 2 {
		t.Errorf("two refusals spent %d of the 100", got)
	}
	if m, _ := s.Meeting(81000000001); m.Passcode != "abc123" {
		t.Error("the refused change was made")
	}
	if err := s.UpdateMeeting(t.Context(), 81000000001, MeetingRequest{Topic: "by hand"}); err != nil {
		t.Errorf("the host cannot change their own meeting: %v", err)
	}
	s.want(204, "PUT", "/_sim/users/host@example.com/scheduling", obj{"allowed": true})
	s.want(204, "PATCH", path(81000000001), `{"password":"","settings":{"waiting_room":true}}`)
	s.want(400, "PUT", "/_sim/users/host/scheduling", obj{})
	s.want(404, "PUT", "/_sim/users/nobody/scheduling", obj{"allowed": false})

	s = start(t, `accounts: [{id: acct, plan: enterprise, hosts: [{id: host, email: host@example.com, cannot_schedule: true}]}]`)
	refused("from the start", s.call("POST", "/users/host/meetings", `{}`), words)
}
