package zoomsim

import (
	"strings"
	"testing"
)

const staffWorld = `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - {id: owner, email: owner@example.com, pmi: 2000000001}
      - id: host
        email: host@example.com
        pmi: 3456789012
        meetings: [{id: 81000000001, starts_in: 1h, waiting_room: true}]
      - {id: none, type: unassigned}
`

const hostingRefused = "Meeting hosting and scheduling capabilities are not allowed for your user account."

// TestLicenceChanges: the event says what changed and what it was, nothing else.
func TestLicenceChanges(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, staffWorld, to(h))
	if u := s.get("/users/none").body; u["type"] != 4.0 {
		t.Errorf("%v", u)
	}
	s.want(204, "PATCH", "/_sim/users/host?operator=admin@example.com", `{"type":1}`)
	got := h.next()
	o, old := got.object(), got.payload()["old_object"].(obj)
	if got.event != "user.updated" || got.payload()["operator"] != "admin@example.com" || o["id"] != "host" || o["type"] != 1.0 ||
		old["type"] != 2.0 || len(o) != 2 || len(old) != 2 {
		t.Errorf("%v", got.body)
	}
	if u := s.get("/users/host").body; u["type"] != 1.0 {
		t.Errorf("%v", u)
	}
	s.create("host", `{}`) // Basic users host meetings too
	h.next()
	s.want(204, "PATCH", "/users/host", `{"type":2,"dept":"ignored"}`)
	if got := h.next(); got.event != "user.updated" || got.object()["type"] != 2.0 || got.payload()["operator"] != "owner@example.com" {
		t.Errorf("%v", got.body)
	}
	s.want(204, "PATCH", "/users/host", `{"type":2}`) // changes nothing, sends nothing
	if got := h.drain(s); len(got) != 0 {
		t.Errorf("%v", got[0].body)
	}
	for _, path := range []string{"/users/host", "/_sim/users/host"} {
		if a := s.want(400, "PATCH", path, `{"type":99}`); a.code() != 300 {
			t.Errorf("%v", a.body)
		}
	}
	s.want(404, "PATCH", "/users/nobody", `{"type":1}`)
	s.want(404, "PATCH", "/_sim/users/nobody", `{"type":1}`)
	if err := s.RevokeScopes("", scopeWriteUser); err != nil {
		t.Fatal(err)
	}
	s.login("")
	if a := s.want(400, "PATCH", "/users/host", `{"type":1}`); a.code() != 4711 {
		t.Errorf("%v", a.body)
	}
}

// TestWhoMayNotHost: a user without any meetings licence, and one deactivated.
func TestWhoMayNotHost(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, staffWorld, to(h))
	refused := func(method, path, body string) {
		t.Helper()
		if a := s.call(method, path, body); a.status != 400 || a.code() != 3161 || a.body["message"] != hostingRefused {
			t.Errorf("%s %s: %d %v", method, path, a.status, a.body)
		}
	}
	refused("POST", "/users/none/meetings", `{}`)
	refused("GET", "/users/none/meetings", ``)
	refused("POST", "/users/host/meetings", `{"schedule_for":"none"}`)
	refused("PATCH", "/meetings/81000000001", `{"schedule_for":"none"}`)

	if err := s.UpdateUser(t.Context(), "host", UserPatch{Type: UserUnassigned}); err != nil {
		t.Fatal(err)
	}
	h.next()
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		refused(method, "/meetings/81000000001", `{}`)
	}
	if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err == nil || !strings.Contains(err.Error(), "3161") {
		t.Errorf("by hand: %v", err)
	}
	if err := s.UpdateUser(t.Context(), "host", UserPatch{Type: UserLicensed}); err != nil {
		t.Fatal(err)
	}
	h.next()

	s.want(204, "POST", "/_sim/users/host/deactivate", nil)
	if got := h.next(); got.event != "user.deactivated" {
		t.Errorf("%v", got.body)
	}
	refused("POST", "/users/host/meetings", `{}`)
	s.want(200, "GET", "/meetings/81000000001", nil) // what was there can be read
	s.want(204, "POST", "/_sim/users/host/activate", nil)
	if got := h.next(); got.event != "user.activated" || got.object()["id"] != "host" {
		t.Errorf("%v", got.body)
	}
	s.create("host", `{}`)
}

// TestPMIChanges: the number of every meeting scheduled under it changes.
func TestPMIChanges(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, staffWorld, to(h))
	id, a := s.create("host", `{"settings":{"use_pmi":true}}`)
	h.next()
	if a.body["pmi"] != "3456789012" || !strings.Contains(a.body["join_url"].(string), "/j/3456789012") {
		t.Errorf("%v", a.body)
	}
	s.want(204, "PATCH", "/_sim/users/host", `{"pmi":5556667778}`)
	got := h.next()
	if o, old := got.object(), got.payload()["old_object"].(obj); got.event != "user.updated" || o["pmi"] != 5556667778.0 || old["pmi"] != 3456789012.0 || len(o) != 2 {
		t.Errorf("%v", got.body)
	}
	b := s.get(path(id)).body
	if b["id"] != float64(id) || b["pmi"] != "5556667778" || !strings.Contains(b["join_url"].(string), "/j/5556667778") || s.get("/users/host").body["pmi"] != 5556667778.0 {
		t.Errorf("%v", b)
	}
	if s.Join(3456789012, "").Outcome != OutcomeNotFound || s.Join(5556667778, "").Outcome == OutcomeNotFound {
		t.Error("joiners meet the old number")
	}
	for _, pmi := range []string{"123", "1234567890", "2000000001", "81000000001"} {
		if a := s.want(400, "PATCH", "/users/host", `{"pmi":`+pmi+`}`); a.code() != 300 {
			t.Errorf("pmi %s: %v", pmi, a.body)
		}
	}
	if got := h.drain(s); len(got) != 0 {
		t.Errorf("%v", got[0].body)
	}
}
