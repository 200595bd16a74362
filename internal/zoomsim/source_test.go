package zoomsim

import (
	"strings"
	"testing"
)

// TestCreationSource: in GET, the answer to a create and meeting.created alike,
// with whoever did it as operator.
func TestCreationSource(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	check := func(source string, a answer) {
		t.Helper()
		ev := h.next()
		id := int64(a.body["id"].(float64))
		if got := s.get(path(id)).body["creation_source"]; got != source || ev.object()["creation_source"] != source {
			t.Errorf("GET %v, event %v, want %s", got, ev.object()["creation_source"], source)
		}
		if ev.event != "meeting.created" || ev.payload()["operator"] != "booker@example.com" && source != SourceOpenAPI {
			t.Errorf("%v", ev.body)
		}
	}
	for _, source := range []string{SourceOther, SourceWebPortal, SourceZoomScheduler} {
		check(source, s.want(201, "POST", "/_sim/users/host/meetings?operator=booker@example.com&creation_source="+source, `{}`))
	}
	check(SourceOther, s.want(201, "POST", "/_sim/users/host/meetings?operator=booker@example.com", `{}`))
	_, a := s.create("host", `{}`)
	if a.body["creation_source"] != SourceOpenAPI {
		t.Errorf("%v", a.body)
	}
	check(SourceOpenAPI, a)
	s.want(400, "POST", "/_sim/users/host/meetings?creation_source=fax", `{}`)
	if _, err := LoadScenario(strings.NewReader("accounts: [{id: a, hosts: [{id: h, meetings: [{creation_source: fax}]}]}]")); err == nil {
		t.Error("a scenario's meeting by fax")
	}
}
