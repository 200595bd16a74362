package zoom_test

import (
	"net/http"
	"testing"

	"latchkey/internal/zoom"
)

func TestListUsers(t *testing.T) {
	t.Parallel()
	pages := []string{
		`{"users":[{"id":"a","email":"a@example.com","type":2,"status":"active"},{"id":7},"x",{"email":"nobody"}],"next_page_token":"p2"}`,
		`{"users":[{"id":"b","type":4}]}`,
	}
	f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
		n := 0
		if r.URL.Query().Get("next_page_token") == "p2" {
			n = 1
		}
		_, _ = w.Write([]byte(pages[n]))
	}}
	users, n, err := overNetwork(t, f, nil).ListUsers(t.Context())
	if err != nil || n != 2 || len(users) != 2 || users[0].ID != "a" || !users[0].CanHost() || users[1].CanHost() {
		t.Errorf("%+v in %d pages, %v", users, n, err)
	}
	endless := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"users":[],"next_page_token":"` + r.URL.Query().Get("next_page_token") + `x"}`))
	}}
	if _, _, err := inMemory(endless, nil).ListUsers(t.Context()); zoom.KindOf(err) != zoom.KindBadAnswer {
		t.Errorf("a list that does not end: %v", err)
	}
}
