package zoomsim

import (
	"slices"
	"testing"
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
