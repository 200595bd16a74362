package zoomsim

import (
	"strings"
	"testing"
)

const (
	hostPMI  = 3456789012
	roomPath = "/meetings/3456789012"

	roomWorld = `
accounts:
  - id: acct
    plan: enterprise
    settings: {meeting_security: {pmi_password: true, waiting_room: true}}
    hosts:
      - id: host
        email: host@example.com
        first_name: Ada
        last_name: Host
        pmi: 3456789012
        settings: {schedule_meeting: {pmi_password: abc123}}
`
)

// TestThePMIRoomIsRead by the PMI: a meeting of type 4 that nobody made.
func TestThePMIRoomIsRead(t *testing.T) {
	t.Parallel()
	s := start(t, roomWorld)
	id, a := s.create("host", `{"topic":"planned","settings":{"use_pmi":true,"waiting_room":false}}`)
	room := s.want(200, "GET", roomPath, nil)
	if b := room.body; b["id"] != float64(hostPMI) || b["type"] != 4.0 || b["pmi"] != "3456789012" || b["host_id"] != "host" ||
		b["password"] != "abc123" || b["topic"] != "Ada Host's Personal Meeting Room" || b["uuid"] == a.body["uuid"] || b["status"] != "waiting" ||
		!strings.Contains(b["join_url"].(string), "/j/3456789012?pwd=") || room.settings()["waiting_room"] != true || room.settings()["use_pmi"] != true {
		t.Errorf("%v", b)
	}
	meeting := s.get(path(id)).body
	if meeting["id"] != float64(id) || meeting["type"] != 2.0 || meeting["pmi"] != "3456789012" || meeting["join_url"] != room.body["join_url"] ||
		meeting["encrypted_password"] != room.body["encrypted_password"] {
		t.Errorf("%v", meeting)
	}
	if !strings.HasSuffix(room.body["join_url"].(string), room.body["encrypted_password"].(string)) {
		t.Errorf("the link and the encrypted passcode differ: %v", room.body)
	}
	if got := listedFor(s, "host"); len(got) != 1 || got[0] != id {
		t.Errorf("listed: %v", got)
	}
	if n := len(s.Meetings()); n != 1 {
		t.Errorf("%d meetings", n)
	}
	if m, ok := s.Meeting(hostPMI); !ok || m.Type != 4 || m.Passcode != "abc123" {
		t.Errorf("%+v", m)
	}

	// It can be changed and not deleted, nor made something else.
	s.want(204, "PATCH", roomPath, `{"password":"new456","settings":{"waiting_room":false}}`)
	room = s.get(roomPath)
	if room.settings()["waiting_room"] != false || room.body["password"] != "abc123" {
		t.Errorf("%v", room.body)
	}
	for _, at := range []string{roomPath, "/_sim" + roomPath} {
		if a := s.want(400, "DELETE", at, nil); a.code() != 3018 || a.body["message"] != "Not allowed to delete PMI." {
			t.Errorf("%v", a.body)
		}
	}
	for _, body := range []string{`{"type":2}`, `{"schedule_for":"host"}`} {
		if a := s.want(400, "PATCH", roomPath, body); a.code() != 300 {
			t.Errorf("%s: %v", body, a.body)
		}
	}
	s.want(204, "PATCH", "/users/host", `{"pmi":5556667778}`)
	s.want(404, "GET", roomPath, nil)
	if b := s.want(200, "GET", "/meetings/5556667778", nil).body; b["id"] != 5556667778.0 || b["pmi"] != "5556667778" {
		t.Errorf("%v", b)
	}
}

// TestAPMIMeetingRunsInTheRoom: its events name the room and not the meeting
// (Z-MEET-4), and joiners get in by the PMI.
func TestAPMIMeetingRunsInTheRoom(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, roomWorld, to(h))
	id, _ := s.create("host", `{"topic":"planned","settings":{"use_pmi":true,"waiting_room":false}}`)
	if o := h.next().object(); o["id"] != float64(id) || o["pmi"] != "3456789012" || o["type"] != 2.0 {
		t.Errorf("%v", o)
	}
	if j := s.Join(hostPMI, "abc123"); j.Outcome != OutcomeDemandsPasscode || j.WaitingRoom {
		t.Errorf("the meeting that is planned: %+v", j)
	}
	event := func(name, status string) {
		t.Helper()
		got := h.next()
		if o := got.object(); got.event != name || o["id"] != "3456789012" || o["pmi"] != "3456789012" || o["type"] != 4.0 || o["host_id"] != "host" ||
			o["topic"] != "Ada Host's Personal Meeting Room" || o["start_time"] == nil {
			t.Errorf("%v", got.body)
		}
		if got := s.get(roomPath).body["status"]; got != status {
			t.Errorf("%s: the room is %v", name, got)
		}
	}
	s.want(204, "POST", "/_sim"+path(id)+"/start", nil)
	event("meeting.started", "started")
	s.want(204, "POST", "/_sim"+roomPath+"/start", nil) // it runs: nothing happens
	s.want(204, "POST", "/_sim"+roomPath+"/end", nil)
	event("meeting.ended", "waiting")
	if m, _ := s.Meeting(id); m.Status != statusEnded {
		t.Errorf("the room is empty, the meeting %s", m.Status)
	}
	if j := s.Join(hostPMI, "abc123"); j.Outcome != OutcomeDemandsPasscode || !j.WaitingRoom {
		t.Errorf("the room itself: %+v", j)
	}
	s.want(204, "POST", "/_sim"+roomPath+"/start", nil) // the host just opens it
	event("meeting.started", "started")
	if a := s.call("PATCH", roomPath, `{}`); a.code() != 3000 {
		t.Errorf("a room in use: %v", a.body)
	}
}

// TestThePMIPasscodeChanges: it is one of the host's settings (Z-MEET-10).
func TestThePMIPasscodeChanges(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, roomWorld, to(h))
	id, _ := s.create("host", `{"settings":{"use_pmi":true,"waiting_room":true}}`)
	h.next()
	old := "abc123"
	for _, c := range []struct{ at, passcode string }{{"/users/host/settings", "new456"}, {"/_sim/users/host/settings", "last789"}} {
		s.want(204, "PATCH", c.at, Set("schedule_meeting.pmi_password", c.passcode))
		got := h.next()
		is, was := got.object()["settings"].(obj), got.payload()["old_object"].(obj)["settings"].(obj)
		if got.event != "user.settings_updated" || is["schedule_meeting"].(obj)["pmi_password"] != c.passcode || was["schedule_meeting"].(obj)["pmi_password"] != old {
			t.Errorf("%v", got.body)
		}
		for _, number := range []int64{hostPMI, id} {
			if s.Join(number, old).Result != ResultPasscodeWrong || s.Join(number, c.passcode).Result != ResultWaitingRoom {
				t.Errorf("%d: %+v, %+v", number, s.Join(number, old), s.Join(number, c.passcode))
			}
			if got := s.get(path(number)).body["password"]; got != c.passcode {
				t.Errorf("%d reads %v", number, got)
			}
		}
		old = c.passcode
	}
	if got := h.drain(s); len(got) != 0 {
		t.Errorf("%v", got[0].body)
	}
	if a := s.want(400, "PATCH", "/users/host/settings", Set("schedule_meeting.pmi_password", "much-too-long")); a.code() != 300 {
		t.Errorf("%v", a.body)
	}
}

// TestTheRoomObeysLocks, also those that come later.
func TestTheRoomObeysLocks(t *testing.T) {
	t.Parallel()
	s := start(t, roomWorld)
	s.want(204, "PATCH", roomPath, `{"settings":{"waiting_room":false}}`)
	if err := s.ChangeAccountLocks(t.Context(), "", Set("meeting_security.waiting_room", true)); err != nil {
		t.Fatal(err)
	}
	if s.get(roomPath).settings()["waiting_room"] != true {
		t.Error("locked on, and off in the room")
	}
}
