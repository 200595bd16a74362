package zoomsim

import (
	"slices"
	"testing"
	"time"
)

// TestOneDateOfASeriesIsDeleted and the others stay.
func TestOneDateOfASeriesIsDeleted(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	id, a := s.create("host", `{"type":8,"password":"abc123","start_time":"2026-11-24T09:00:00Z","recurrence":{"type":1,"end_times":4}}`)
	h.next()
	occurrence := func(i int) obj { return a.body["occurrences"].([]any)[i].(obj) }
	second, third := occurrence(1)["occurrence_id"].(string), occurrence(2)["occurrence_id"].(string)

	s.want(204, "DELETE", path(id)+"?occurrence_id="+second, nil)
	got := h.next()
	if o := got.object(); got.event != "meeting.deleted" || got.payload()["operation"] != "single" || o["id"] != float64(id) || got.payload()["operator"] != "host@example.com" {
		t.Errorf("%v", got.body)
	}
	if list := got.object()["occurrences"].([]any); len(list) != 1 || list[0].(obj)["occurrence_id"] != second || list[0].(obj)["start_time"] != "2026-11-25T09:00:00Z" {
		t.Errorf("%v", list)
	}
	if err := s.AddFault(Fault{Method: "GET", Stale: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	if before := s.get(path(id)).body["occurrences"].([]any)[1].(obj); before["status"] != "available" {
		t.Errorf("a stale read shows the write: %v", before)
	}
	s.want(204, "DELETE", "/_sim"+path(id)+"?occurrence_id="+third+"&operator=owner@example.com", nil)
	if got := h.next(); got.payload()["operation"] != "single" || got.payload()["operator"] != "owner@example.com" {
		t.Errorf("%v", got.body)
	}

	a = s.want(200, "GET", path(id), nil)
	for i, want := range []string{"available", "deleted", "deleted", "available"} {
		if occurrence(i)["status"] != want {
			t.Errorf("date %d is %v, want %s", i+1, occurrence(i)["status"], want)
		}
	}
	if a.body["password"] != "abc123" {
		t.Errorf("%v", a.body)
	}
	for _, method := range []string{"GET", "PATCH", "DELETE"} {
		if a := s.call(method, path(id)+"?occurrence_id="+second, `{}`); a.status != 400 || a.code() != 3000 {
			t.Errorf("%s of the deleted date: %d %v", method, a.status, a.body)
		}
	}
	fourth := occurrence(3)["occurrence_id"].(string)
	if one := s.want(200, "GET", path(id)+"?occurrence_id="+fourth, nil).body; one["start_time"] != "2026-11-27T09:00:00Z" {
		t.Errorf("one date reads as %v", one["start_time"])
	}

	// A running series loses no date, and the whole series goes as before.
	if err := s.StartMeeting(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.next()
	if a := s.call("DELETE", path(id)+"?occurrence_id="+fourth, nil); a.code() != 3002 {
		t.Errorf("%v", a.body)
	}
	if err := s.EndMeeting(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	h.next()
	s.want(204, "DELETE", path(id), nil)
	if got := h.next(); got.payload()["operation"] != "all" || got.object()["occurrences"] != nil {
		t.Errorf("%v", got.body)
	}
	s.want(404, "GET", path(id), nil)
}

// A delete of one date may have no effect, too.
func TestDeletingADateWithoutEffect(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, a := s.create("host", `{"type":8,"recurrence":{"type":1,"end_times":2}}`)
	first := a.body["occurrences"].([]any)[0].(obj)["occurrence_id"].(string)
	if err := s.AddFault(Fault{Method: "DELETE", NoEffect: true}); err != nil {
		t.Fatal(err)
	}
	s.want(204, "DELETE", path(id)+"?occurrence_id="+first, nil)
	if got := s.get(path(id)).body["occurrences"].([]any)[0].(obj)["status"]; got != "available" {
		t.Errorf("%v", got)
	}
}

// TestTheLastDateOfASeriesIsDeleted: the series stays, and is upcoming no more.
func TestTheLastDateOfASeriesIsDeleted(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	id, a := s.create("host", `{"type":8,"password":"abc123","start_time":"2026-11-24T09:00:00Z","recurrence":{"type":1,"end_times":2}}`)
	h.next()
	for _, o := range a.body["occurrences"].([]any) {
		if !slices.Contains(listed(s), id) {
			t.Error("a series with a date is not upcoming")
		}
		s.want(204, "DELETE", path(id)+"?occurrence_id="+o.(obj)["occurrence_id"].(string), nil)
		if got := h.next(); got.payload()["operation"] != "single" {
			t.Errorf("%v", got.body)
		}
	}
	got := s.want(200, "GET", path(id), nil).body
	for _, o := range got["occurrences"].([]any) {
		if o.(obj)["status"] != "deleted" {
			t.Errorf("%v", o)
		}
	}
	if slices.Contains(listed(s), id) {
		t.Error("a series without a date is upcoming")
	}
	if j := s.Join(id, "abc123"); j.Outcome != OutcomeDemandsPasscode {
		t.Errorf("its number is gone: %+v", j)
	}
	s.want(204, "DELETE", path(id), nil)
	if got := h.next(); got.payload()["operation"] != "all" {
		t.Errorf("%v", got.body)
	}
}

// TestOneDateDiffers: time, agenda, waiting room and join before host can be of
// one date alone (Z-MEET-7); the passcode and everything else is the series'.
func TestOneDateDiffers(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	id, a := s.create("host", `{"type":8,"topic":"series","agenda":"all","password":"abc123","start_time":"2026-11-24T09:00:00Z",
		"settings":{"waiting_room":true},"recurrence":{"type":1,"end_times":3}}`)
	h.next()
	date := func(i int) string {
		return path(id) + "?occurrence_id=" + a.body["occurrences"].([]any)[i].(obj)["occurrence_id"].(string)
	}
	s.want(204, "PATCH", date(1), `{"topic":"other","agenda":"one","duration":15,"start_time":"2026-11-25T11:00:00Z","password":"new456",
		"timezone":"Europe/Berlin","settings":{"waiting_room":false,"join_before_host":true,"meeting_authentication":true}}`)
	got := h.next()
	o, old := got.object(), got.payload()["old_object"].(obj)
	if got.event != "meeting.updated" || got.payload()["scope"] != "single" || o["id"] != float64(id) || o["agenda"] != "one" || old["agenda"] != "all" {
		t.Errorf("%v", got.body)
	}
	if set := o["settings"].(obj); set["waiting_room"] != false || set["join_before_host"] != true || len(set) != 2 {
		t.Errorf("settings of the event: %v", set)
	}
	if list := o["occurrences"].([]any); len(list) != 1 || list[0].(obj)["start_time"] != "2026-11-25T11:00:00Z" || list[0].(obj)["duration"] != 15.0 ||
		old["occurrences"].([]any)[0].(obj)["start_time"] != "2026-11-25T09:00:00Z" || len(o) != 4 {
		t.Errorf("%v, was %v", o, old)
	}

	want := func(path, agenda, start string, room, early bool) {
		t.Helper()
		b := s.want(200, "GET", path, nil)
		if b.body["agenda"] != agenda || b.body["start_time"] != start || b.settings()["waiting_room"] != room || b.settings()["join_before_host"] != early ||
			b.body["topic"] != "series" || b.body["password"] != "abc123" || b.settings()["meeting_authentication"] != false || b.body["timezone"] != "UTC" {
			t.Errorf("%s: %v", path, b.body)
		}
		if n := len(b.body["occurrences"].([]any)); n != 3 {
			t.Errorf("%s lists %d dates", path, n)
		}
	}
	want(path(id), "all", "2026-11-24T09:00:00Z", true, false)
	want(date(0), "all", "2026-11-24T09:00:00Z", true, false)
	want(date(1), "one", "2026-11-25T11:00:00Z", false, true)
	if err := s.AddFault(Fault{Method: "GET", Stale: true, Times: 1}); err != nil {
		t.Fatal(err)
	}
	want(date(1), "all", "2026-11-25T09:00:00Z", true, false)

	// The waiting room alone: the event says of which date.
	s.want(204, "PATCH", date(2), `{"settings":{"waiting_room":false}}`)
	got = h.next()
	if list, _ := got.object()["occurrences"].([]any); len(list) != 1 || got.object()["settings"].(obj)["waiting_room"] != false {
		t.Errorf("%v", got.body)
	}
	s.want(204, "PATCH", date(2), `{"password":"new456"}`) // changes nothing, sends nothing
	if got := h.drain(s); len(got) != 0 {
		t.Errorf("%v", got[0].body)
	}

	// A joiner meets the date that is at hand.
	for i, room := range []bool{true, false, false, true} {
		if j := s.Join(id, "abc123"); j.WaitingRoom != room {
			t.Errorf("day %d: %+v", i+1, j)
		}
		s.clock.add(24 * time.Hour)
		if i == 0 {
			s.clock.add(2 * time.Hour)
		}
	}
}

// TestOneDateObeysSettings: locks and the required option hold for a date too.
func TestOneDateObeysSettings(t *testing.T) {
	t.Parallel()
	s := start(t, `accounts: [{id: acct, plan: enterprise, settings: {meeting_security: {meeting_password: false}}, hosts: [{id: host}]}]`)
	id, a := s.create("host", `{"type":8,"settings":{"waiting_room":true},"recurrence":{"type":1,"end_times":2}}`)
	first := path(id) + "?occurrence_id=" + a.body["occurrences"].([]any)[0].(obj)["occurrence_id"].(string)
	room := func() any { return s.want(200, "GET", first, nil).settings()["waiting_room"] }
	const off = `{"settings":{"waiting_room":false}}`

	s.want(204, "PATCH", first, off)
	if room() != true {
		t.Error("the date's last option went off")
	}
	s.want(204, "PATCH", path(id), `{"password":"abc123"}`)
	s.want(204, "PATCH", first, off)
	if room() != false {
		t.Error("a date with a passcode keeps its waiting room against the request")
	}
	// The series changes: a date with a waiting room of its own keeps it.
	s.want(204, "PATCH", path(id), `{"settings":{"waiting_room":true}}`)
	if room() != false {
		t.Error("the series' change reached a date that differs")
	}
	for _, err := range []error{
		s.ChangeAccountSettings(t.Context(), "", Set("meeting_security.waiting_room", true)),
		s.ChangeAccountLocks(t.Context(), "", Set("meeting_security.waiting_room", true)),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if room() != true {
		t.Error("locked on, and off on one date")
	}
	s.want(204, "PATCH", first, off)
	if room() != true {
		t.Error("a request beats the lock")
	}
}

// TestOneDateByHand: somebody changes one date, and a fault hits one.
func TestOneDateByHand(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	id, a := s.create("host", `{"type":8,"password":"abc123","settings":{"waiting_room":true},"recurrence":{"type":1,"end_times":2}}`)
	h.next()
	first := "?occurrence_id=" + a.body["occurrences"].([]any)[0].(obj)["occurrence_id"].(string)
	s.want(204, "PATCH", "/_sim"+path(id)+first+"&operator=owner@example.com", `{"settings":{"waiting_room":false}}`)
	if got := h.next(); got.payload()["scope"] != "single" || got.payload()["operator"] != "owner@example.com" {
		t.Errorf("%v", got.body)
	}
	if err := s.AddFault(Fault{Method: "PATCH", Overwrite: &Overwrite{WaitingRoom: new(false)}}); err != nil {
		t.Fatal(err)
	}
	s.want(204, "PATCH", path(id)+first, `{"settings":{"waiting_room":true}}`)
	if got := s.get(path(id) + first).settings()["waiting_room"]; got != false {
		t.Errorf("the fault did not hit: %v", got)
	}
	if got := s.get(path(id)).settings()["waiting_room"]; got != true {
		t.Errorf("the fault hit the series: %v", got)
	}
	if err := s.UpdateOccurrence(t.Context(), id, "1", MeetingRequest{Agenda: "x"}); err == nil {
		t.Error("no such date")
	}
}
