package zoomsim

import (
	"net/http"
	"regexp"
	"testing"
	"time"
)

var trackingShape = regexp.MustCompile(`^v=2\.0;clid=us02;rid=WEB_[0-9a-f]{32}$`)

// TestEveryAnswerCarriesATrackingID: whatever is answered, Zoom's support asks
// for its tracking id; the date is the simulator's own.
func TestEveryAnswerCarriesATrackingID(t *testing.T) {
	t.Parallel()
	s := start(t, `accounts: [{id: acct, plan: free, hosts: [{id: host}]}]`)
	s.clock.add(48 * time.Hour)
	s.login("")
	seen := map[string]bool{}
	check := func(name string, a answer, status int) {
		t.Helper()
		id := a.header.Get("x-zm-trackingid")
		if a.status != status || !trackingShape.MatchString(id) || seen[id] {
			t.Errorf("%s: %d, tracking id %q (seen before: %v)", name, a.status, id, seen[id])
		}
		seen[id] = true
		if at, err := http.ParseTime(a.header.Get("Date")); err != nil || !at.Equal(s.clock.now()) {
			t.Errorf("%s: date %q (%v), the clock says %v", name, a.header.Get("Date"), err, s.clock.now())
		}
		requests := s.Requests()
		if got := requests[len(requests)-1].TrackingID; got != id {
			t.Errorf("%s: the request list says %q", name, got)
		}
	}
	check("a read", s.get("/users/host"), 200)
	check("no content", s.call("PATCH", "/users/host/settings", obj{}), 204)
	check("nothing there", s.get("/users/nobody"), 404)
	check("no such endpoint", s.get("/nothing"), 404)
	check("a wrong method", s.call("PUT", "/users/host", nil), 405)
	s.get("/users/host/settings") // the second medium call of this second
	check("too many", s.get("/users/host/settings"), 429)
	s.clock.add(time.Second)
	if err := s.AddFault(Fault{Status: 502, Body: "<html>", Times: 1}); err != nil {
		t.Fatal(err)
	}
	check("a proxy's page", s.get("/users/host"), 502)
	token := s.token
	s.token = "x"
	check("a bad token", s.get("/users/host"), 401)
	s.token = token
	if err := s.AddFault(Fault{Times: 1, Headers: map[string]string{"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "x-zm-trackingid": "mine"}}); err != nil {
		t.Fatal(err)
	}
	if a := s.get("/users/host"); a.header.Get("Date") != "Thu, 01 Jan 1970 00:00:00 GMT" || a.header.Get("x-zm-trackingid") != "mine" {
		t.Errorf("a fault's headers win: %v", a.header)
	}
}

// TestTrackingIDsLeaveTheSeedAlone: they are not drawn from the source of ids
// and passcodes, so reading more does not change what is made.
func TestTrackingIDsLeaveTheSeedAlone(t *testing.T) {
	t.Parallel()
	a, b := start(t, oneHost), start(t, oneHost)
	for range 5 {
		a.get("/users/host")
	}
	idA, _ := a.create("host", `{}`)
	idB, _ := b.create("host", `{}`)
	if idA != idB {
		t.Errorf("%d and %d with one seed", idA, idB)
	}
}

// TestEveryDeliveryCarriesATrackingID: a retry keeps its request id and gets a
// new tracking id, and so does the same event by another subscription.
func TestEveryDeliveryCarriesATrackingID(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := start(t, oneHost, to(h))
	s.create("host", `{}`)
	first := h.next()
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.RetryNow()
	retry := h.next()
	if err := s.SetMalice(Malice{WebhookDuplicate: 1}); err != nil {
		t.Fatal(err)
	}
	s.create("host", `{}`)
	got := []hooked{first, retry, h.next(), h.next()}
	if first.header.Get("x-zm-request-id") != retry.header.Get("x-zm-request-id") {
		t.Error("the retry has another request id")
	}
	seen := map[string]bool{}
	for i, d := range got {
		id := d.header.Get("x-zm-trackingid")
		if !trackingShape.MatchString(id) || seen[id] {
			t.Errorf("delivery %d: tracking id %q (seen before: %v)", i+1, id, seen[id])
		}
		seen[id] = true
	}
}
