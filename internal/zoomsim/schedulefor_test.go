package zoomsim

import (
	"slices"
	"testing"
)

const assistantWorld = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {meeting_password: false, waiting_room: true}}
    hosts:
      - {id: host, email: host@example.com}
      - {id: boss, email: boss@example.com, settings: {meeting_security: {meeting_password: true, meeting_password_requirement: {length: 9}}}}
      - {id: closed, email: closed@example.com, cannot_schedule: true}
  - {id: other, hosts: [{id: stranger, email: stranger@example.com}]}
`

func listedFor(s *sim, host string) []int64 {
	s.t.Helper()
	var ids []int64
	for _, row := range s.want(200, "GET", "/users/"+host+"/meetings", nil).body["meetings"].([]any) {
		ids = append(ids, int64(row.(obj)["id"].(float64)))
	}
	return ids
}

// TestScheduleForOnCreate: the meeting is the other user's, by whose settings
// it is made; the request counts against the user of the path.
func TestScheduleForOnCreate(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, assistantWorld, to(h))
	for _, who := range []string{"boss", "Boss@example.com"} {
		id, a := s.create("host", obj{"schedule_for": who})
		if a.body["host_id"] != "boss" || a.body["host_email"] != "boss@example.com" || a.body["password"] == nil {
			t.Errorf("%s: %v", who, a.body)
		}
		if got := h.next(); got.object()["host_id"] != "boss" {
			t.Errorf("%s: %v", who, got.body)
		}
		if !slices.Contains(listedFor(s, "boss"), id) || slices.Contains(listedFor(s, "host"), id) {
			t.Errorf("%s: listed for the wrong user", who)
		}
	}
	host, _ := s.Host("host")
	boss, _ := s.Host("boss")
	if host.SpentToday != 2 || boss.SpentToday != 0 {
		t.Errorf("spent %d and %d of the 100", host.SpentToday, boss.SpentToday)
	}
}

// TestScheduleForOnUpdate: the meeting moves, and the other user's settings hold.
func TestScheduleForOnUpdate(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, assistantWorld, to(h))
	if err := s.ChangeAccountLocks(t.Context(), "", Set("meeting_security.waiting_room", true)); err != nil {
		t.Fatal(err)
	}
	h.next()
	id, _ := s.create("host", `{"password":"abc123"}`)
	h.next()
	s.want(204, "PATCH", path(id), `{"schedule_for":"host"}`) // it is the host's already
	s.want(204, "PATCH", path(id), `{"schedule_for":"boss@example.com"}`)
	got := h.next()
	if o, old := got.object(), got.payload()["old_object"].(obj); got.event != "meeting.updated" || o["host_id"] != "boss" || old["host_id"] != "host" || len(o) != 2 {
		t.Errorf("%v", got.body)
	}
	if err := s.AddFault(Fault{Method: "GET", PathPrefix: "/v2/meetings/", Stale: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if a := s.get(path(id)); a.body["host_id"] != "host" {
		t.Errorf("a stale read shows the write: %v", a.body)
	}
	if a := s.get(path(id)); a.body["host_id"] != "boss" || a.body["host_email"] != "boss@example.com" {
		t.Errorf("%v", a.body)
	}
	if !slices.Contains(listedFor(s, "boss"), id) || slices.Contains(listedFor(s, "host"), id) {
		t.Error("listed for the wrong user")
	}
	if a := s.call("PATCH", path(id), `{"password":"abc456"}`); a.code() != 300 {
		t.Errorf("the new host's requirement does not hold: %d %v", a.status, a.body)
	}
	// By hand, and back.
	if err := s.UpdateMeeting(t.Context(), id, MeetingRequest{ScheduleFor: "host"}); err != nil {
		t.Fatal(err)
	}
	if m, _ := s.Meeting(id); m.HostID != "host" {
		t.Errorf("%+v", m)
	}
}

func TestScheduleForIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, assistantWorld)
	id, _ := s.create("host", `{}`)
	series, a := s.create("host", `{"type":8,"recurrence":{"type":1,"end_times":2}}`)
	for _, c := range []struct {
		name, body string
		code       int
		message    string
	}{
		{"nobody", `{"schedule_for":"nobody@example.com"}`, 300, "The value that you entered for the schedule_for field is invalid. Enter a valid value and try again."},
		{"another account's user", `{"schedule_for":"stranger@example.com"}`, 3000, `You cannot schedule a meeting for "stranger@example.com".`},
		{"one who gave no right to", `{"schedule_for":"closed"}`, 3000, `You cannot schedule a meeting for "closed".`},
		{"an instant meeting", `{"type":1,"schedule_for":"boss"}`, 3000, `Instant meetings do not support the "schedule_for" parameter. You cannot schedule an instant meeting for another user.`},
	} {
		for _, to := range [][2]string{{"POST", "/users/host/meetings"}, {"PATCH", path(id)}} {
			if a := s.call(to[0], to[1], c.body); a.status != 400 || a.code() != c.code || a.body["message"] != c.message {
				t.Errorf("%s, %s: %d %v", c.name, to[0], a.status, a.body)
			}
		}
	}
	if m, _ := s.Meeting(id); m.HostID != "host" || m.Type != 2 {
		t.Errorf("a refused change was made: %+v", m)
	}
	// One date cannot have another host.
	first := a.body["occurrences"].([]any)[0].(obj)["occurrence_id"].(string)
	s.want(204, "PATCH", path(series)+"?occurrence_id="+first, `{"schedule_for":"boss"}`)
	if m, _ := s.Meeting(series); m.HostID != "host" {
		t.Errorf("%+v", m)
	}
}
