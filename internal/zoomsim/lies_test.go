package zoomsim

import (
	"net/http"
	"strings"
	"testing"
)

// TestFalseNotFound: "not found" of a meeting that exists, so many times.
func TestFalseNotFound(t *testing.T) {
	t.Parallel()
	s := start(t, seriesWorld)
	s.want(204, "POST", "/_sim/faults", `{"path_prefix":"/v2/meetings/81000000001","not_found":true,"after":1,"times":2}`)
	s.want(200, "GET", path(81000000001), nil)
	for range 2 {
		if a := s.want(404, "GET", path(81000000001), nil); a.code() != 3001 || a.body["message"] != "Meeting does not exist: 81000000001." {
			t.Errorf("%v", a.body)
		}
		s.want(200, "GET", path(81000000003), nil) // another meeting
	}
	s.want(200, "GET", path(81000000001), nil)
	if s.FaultsHit() != 2 {
		t.Errorf("%d hits", s.FaultsHit())
	}
}

// TestAProxysPage answers with any status instead of Zoom.
func TestAProxysPage(t *testing.T) {
	t.Parallel()
	s := start(t, seriesWorld)
	for _, status := range []int{403, 404} {
		s.ClearFaults()
		if err := s.AddFault(Fault{Method: "GET", PathPrefix: "/v2/meetings/", Times: 1, Status: status, Body: "<html>no</html>"}); err != nil {
			t.Fatal(err)
		}
		wantPage(t, s, status)
		s.want(200, "GET", path(81000000001), nil)
	}
}

func wantPage(t *testing.T, s *sim, status int) {
	t.Helper()
	a := s.get(path(81000000001))
	if a.status != status || a.err == nil || !strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		t.Errorf("%d, %v, %s: want a page with %d", a.status, a.err, a.header.Get("Content-Type"), status)
	}
	requests := s.Requests()
	if r := requests[len(requests)-1]; r.Status != status || r.Code != 0 {
		t.Errorf("the list says %+v; a page has no code of Zoom's", r)
	}
}

func TestMaliceOfNotFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		m     Malice
		check func(*testing.T, *sim)
	}{
		{"not_found", Malice{NotFound: 1}, func(t *testing.T, s *sim) {
			if a := s.want(404, "GET", path(81000000001), nil); a.code() != 3001 {
				t.Errorf("%v", a.body)
			}
			s.want(200, "GET", "/users/host", nil)
			s.want(204, "PATCH", path(81000000001), `{"topic":"x"}`)
		}},
		{"html_404", Malice{HTML404: 1}, func(t *testing.T, s *sim) { wantPage(t, s, http.StatusNotFound) }},
		{"html_403", Malice{HTML403: 1}, func(t *testing.T, s *sim) { wantPage(t, s, http.StatusForbidden) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, seriesWorld)
			s.want(204, "PUT", "/_sim/malice", obj{c.name: 1})
			c.check(t, s)
			if err := s.SetMalice(c.m); err != nil {
				t.Fatal(err)
			}
			s.ResetRequests()
			c.check(t, s)
			if f := s.Requests()[0].Fault; f != "malice: "+c.name {
				t.Errorf("the request list says %q", f)
			}
			s.login("") // the token endpoint is left alone
		})
	}
}

// TestTheSecondPatchLies: 204 each time; the first is done, the second is not,
// the third loses the waiting room, the fourth is done again.
func TestTheSecondPatchLies(t *testing.T) {
	t.Parallel()
	s := start(t, seriesWorld)
	for _, f := range []string{
		`{"method":"PATCH","path_prefix":"/v2/meetings/81000000001","after":1,"times":1,"no_effect":true}`,
		`{"method":"PATCH","path_prefix":"/v2/meetings/81000000001","after":1,"times":1,"overwrite":{"waiting_room":false}}`,
	} {
		s.want(204, "POST", "/_sim/faults", f)
	}
	want := func(n int, passcode string, room bool) {
		t.Helper()
		a := s.want(200, "GET", path(81000000001), nil)
		if got, _ := a.body["password"].(string); got != passcode || a.settings()["waiting_room"] != room {
			t.Errorf("after PATCH %d: passcode %q, waiting room %v", n, got, a.settings()["waiting_room"])
		}
	}
	patch := func(passcode string) {
		t.Helper()
		s.want(204, "PATCH", path(81000000001), obj{"password": passcode, "settings": obj{"waiting_room": true}})
		s.want(204, "PATCH", path(81000000003), obj{"topic": passcode}) // another meeting's is not counted
	}
	patch("one111")
	want(1, "one111", true)
	patch("two222")
	want(2, "one111", true)
	patch("tre333")
	want(3, "tre333", false)
	patch("for444")
	want(4, "for444", true)
}
