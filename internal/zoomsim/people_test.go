package zoomsim

import "testing"

const peopleWorld = `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - {id: owner, email: owner@example.com}
      - id: host
        email: host@example.com
        settings: {meeting_security: {meeting_password_requirement: {length: 8, have_special_character: true}}}
        meetings: [{id: 81000000001, starts_in: 1h, waiting_room: true, password: "abc*1234"}, {id: 81000000002, type: 4}]
`

// TestPeopleChangeMeetings: whoever does it is named as the operator.
func TestPeopleChangeMeetings(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, peopleWorld, to(h))
	const m = "/_sim/meetings/81000000001"
	by := func(got hooked, email, id string) {
		t.Helper()
		p := got.payload()
		if p["operator"] != email || id != "" && p["operator_id"] != id || p["operator_id"] == "" || p["operator_id"] == nil {
			t.Errorf("%s: operator %v, %v, want %s, %s", got.event, p["operator"], p["operator_id"], email, id)
		}
	}

	s.want(204, "PATCH", m+"?operator=owner@example.com", `{"settings":{"waiting_room":false}}`)
	got := h.next()
	by(got, "owner@example.com", "owner")
	if o, old := got.object(), got.payload()["old_object"].(obj); got.event != "meeting.updated" || o["settings"].(obj)["waiting_room"] != false ||
		old["settings"].(obj)["waiting_room"] != true || len(o) != 2 {
		t.Errorf("%v", got.body)
	}
	if j := s.Join(81000000001, "abc*1234"); j.WaitingRoom {
		t.Errorf("%+v", j)
	}

	// Somebody who is no user of the account: by e-mail address.
	if err := s.UpdateMeeting(As(t.Context(), "undo@acme.example"), 81000000001, MeetingRequest{Password: WithPasscode("xyz*9876")}); err != nil {
		t.Fatal(err)
	}
	got = h.next()
	by(got, "undo@acme.example", "")
	if o, old := got.object(), got.payload()["old_object"].(obj); o["password"] != "xyz*9876" || old["password"] != "abc*1234" {
		t.Errorf("%v", got.body)
	}

	a := s.want(200, "POST", m+"/regenerate_passcode", nil)
	got = h.next()
	by(got, "host@example.com", "host") // nobody named: the host
	made, _ := a.body["passcode"].(string)
	if o, old := got.object(), got.payload()["old_object"].(obj); made == "" || made == "xyz*9876" || o["password"] != made || old["password"] != "xyz*9876" {
		t.Errorf("%q: %v", made, got.body)
	}
	if c := (Requirement{Length: 8, HaveSpecial: true}).check(made); c != "" {
		t.Errorf("%q: %s", made, c)
	}
	if s.Join(81000000001, made).Result == ResultPasscodeWrong {
		t.Error("it does not open the meeting")
	}
	if again, err := s.RegeneratePasscode(As(t.Context(), "owner"), 81000000001); err != nil || again == made {
		t.Errorf("%q %v", again, err)
	}
	by(h.next(), "owner@example.com", "owner")

	for name, act := range map[string]func() error{
		"meeting.created": func() error {
			_, err := s.CreateMeeting(As(t.Context(), "owner"), "host", MeetingRequest{})
			return err
		},
		"meeting.deleted": func() error { return s.DeleteMeeting(As(t.Context(), "owner"), 81000000001) },
		"user.settings_updated": func() error {
			return s.ChangeUserSettings(As(t.Context(), "owner"), "host", Set("meeting_security.waiting_room", false))
		},
		"user.deactivated": func() error { return s.DeactivateUser(As(t.Context(), "owner"), "owner") },
	} {
		if err := act(); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got := h.next()
		if got.event != name {
			t.Errorf("%s came for %s", got.event, name)
		}
		by(got, "owner@example.com", "owner")
	}
}

func TestRegeneratePasscodeRefuses(t *testing.T) {
	t.Parallel()
	s := start(t, peopleWorld)
	// A PMI's passcode is the user's.
	s.want(400, "POST", "/_sim/meetings/81000000002/regenerate_passcode", nil)
	s.want(404, "POST", "/_sim/meetings/81000000009/regenerate_passcode", nil)
	off := Set("meeting_security.meeting_password", false)
	if err := s.ChangeAccountSettings(t.Context(), "", off); err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeAccountLocks(t.Context(), "", Set("meeting_security.meeting_password", true)); err != nil {
		t.Fatal(err)
	}
	if a := s.want(400, "POST", "/_sim/meetings/81000000001/regenerate_passcode", nil); a.code() != 300 {
		t.Errorf("locked off: %v", a.body)
	}
}
