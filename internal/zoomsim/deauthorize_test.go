package zoomsim

import "testing"

// TestAppIsRemoved: the event comes, then tokens, calls and further events are
// refused, until the app is installed again.
func TestAppIsRemoved(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body, user string
		retain           any
	}{
		{"by the owner", "", "owner", nil},
		{"by a user, keeps data", `{"user":"host@example.com","user_data_retention":true}`, "host", "true"},
		{"by a user, keeps none", `{"user":"host","user_data_retention":false}`, "host", "false"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, nil)
			s := start(t, leaveWorld, to(h))
			cred := s.Credentials("")
			s.want(404, "POST", "/_sim/app/deauthorize?account=nobody", nil)
			s.want(404, "POST", "/_sim/app/deauthorize", `{"user":"nobody"}`)
			s.want(200, "GET", "/users/me", nil)
			s.want(204, "POST", "/_sim/app/deauthorize", c.body)
			ev := h.next()
			p := ev.payload()
			if ev.event != "app_deauthorized" || p["account_id"] != "acct" || p["client_id"] != cred.ClientID || p["user_id"] != c.user ||
				p["user_data_retention"] != c.retain || p["deauthorization_time"] != "2026-11-23T09:00:00.000Z" || len(p["signature"].(string)) != 64 ||
				p["object"] != nil || p["operator"] != nil || len(p) != 6 {
				t.Errorf("%v", ev.body)
			}
			if got, want := ev.header.Get("x-zm-signature"), Sign(cred.SecretToken, ev.header.Get("x-zm-request-timestamp"), ev.raw); got != want {
				t.Errorf("signed %s, want %s", got, want)
			}
			if a := s.want(401, "GET", "/users/me", nil); a.code() != 124 {
				t.Errorf("%v", a.body)
			}
			if status, body := s.grant(cred); status != 400 || body["error"] != "invalid_request" || body["reason"] != "Bad Request" {
				t.Errorf("%d %v", status, body)
			}
			s.want(204, "POST", "/_sim/app/deauthorize", "") // it is gone already
			if err := s.DeactivateUser(t.Context(), "host"); err != nil {
				t.Fatal(err)
			}
			if got := h.drain(s); len(got) != 0 {
				t.Errorf("%v", got[0].body)
			}
			if err := s.SetAppActive("", true); err != nil {
				t.Fatal(err)
			}
			s.login("")
			s.want(200, "GET", "/users/me", nil)
			if err := s.SetAppActive("", false); err != nil {
				t.Fatal(err)
			}
			if _, body := s.grant(cred); body["reason"] == "Bad Request" {
				t.Error("deactivated reads as removed")
			}
		})
	}
}
