package zoomsim

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// grant asks for a token with the account's present credentials, or others.
func (s *sim) grant(cr Credentials) (int, obj) {
	s.t.Helper()
	return s.grantWith(cr, url.Values{"grant_type": {"account_credentials"}, "account_id": {cr.AccountID}})
}

// TestScopesComeAndGo: a token carries the scopes of its moment until it
// expires; what is granted or revoked shows in the next one.
func TestScopesComeAndGo(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	scopesOf := func() []string {
		_, body := s.grant(s.Credentials(""))
		return strings.Fields(body["scope"].(string))
	}
	if got := scopesOf(); !slices.Equal(got, s.Scopes("")) || !slices.Contains(got, scopeAcctLocks) || !slices.Contains(got, scopeReadGroup) {
		t.Errorf("the token's scopes %v, the app's %v", got, s.Scopes(""))
	}
	const locks = "/accounts/me/lock_settings"
	s.want(200, "GET", locks, nil)
	s.want(204, "PATCH", "/_sim/scopes", obj{"revoke": []string{scopeAcctLocks}})
	s.want(200, "GET", locks, nil) // the old token
	if got := scopesOf(); slices.Contains(got, scopeAcctLocks) || len(got) != len(allScopes)-1 {
		t.Errorf("%v", got)
	}
	s.login("")
	a := s.want(400, "GET", locks, nil)
	if a.code() != 4711 || a.body["message"] != "Invalid access token, does not contain scopes:[account:read:lock_settings:admin]." {
		t.Errorf("%v", a.body)
	}
	s.want(200, "GET", "/accounts/me/settings", nil)

	s.want(204, "PATCH", "/_sim/scopes?account=acct", obj{"grant": []string{scopeAcctLocks}})
	s.want(400, "GET", locks, nil) // granted, and not yet in the token
	s.clock.add(time.Hour)
	s.want(401, "GET", locks, nil)
	s.login("")
	s.want(200, "GET", locks, nil)
	if got := s.want(200, "GET", "/_sim/scopes", nil).body["scopes"].([]any); len(got) != len(allScopes) {
		t.Errorf("%v", got)
	}

	for name, body := range map[string]any{
		"revoke what it has not": obj{"revoke": []string{"meeting:read:nothing"}},
		"a member that is not":   obj{"take": []string{scopeAcctLocks}},
	} {
		if a := s.call("PATCH", "/_sim/scopes", body); a.status != 400 {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	s.want(404, "PATCH", "/_sim/scopes?account=nobody", obj{"grant": []string{"x"}})
	s.want(404, "GET", "/_sim/scopes?account=nobody", nil)
	if s.Scopes("nobody") != nil {
		t.Error("scopes of nobody")
	}
}

// TestClientSecretChanges: wrong credentials, and right again.
func TestClientSecretChanges(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	old := s.Credentials("")
	s.want(204, "PUT", "/_sim/credentials", obj{"client_secret": "another"})
	if status, body := s.grant(old); status != 401 || body["error"] != "invalid_client" {
		t.Errorf("%d %v", status, body)
	}
	s.want(200, "GET", "/users/me", nil) // a token lives on
	fresh := s.Credentials("")
	if status, _ := s.grant(fresh); status != 200 || fresh.ClientSecret != "another" {
		t.Errorf("%d with %+v", status, fresh)
	}
	if err := s.ChangeClientSecret("acct", old.ClientSecret); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.grant(old); status != 200 {
		t.Errorf("%d with the old one, that holds again", status)
	}
	s.want(400, "PUT", "/_sim/credentials", obj{"client_secret": ""})
	s.want(400, "PUT", "/_sim/credentials", obj{"secret": "x"})
	s.want(404, "PUT", "/_sim/credentials?account=nobody", obj{"client_secret": "x"})
}

// TestAppIsDeactivatedAndBack: no tokens, no calls, no events; then all again.
func TestAppIsDeactivatedAndBack(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	s.want(204, "PUT", "/_sim/app", obj{"active": false})
	if status, body := s.grant(s.Credentials("")); status != 400 || body["error"] == nil || !strings.Contains(body["reason"].(string), "disabled") {
		t.Errorf("%d %v", status, body)
	}
	if a := s.want(401, "GET", "/users/me", nil); a.code() != 124 {
		t.Errorf("%v", a.body)
	}
	if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := h.drain(s); len(got) != 0 || s.Deliveries()[0].State != DeliveryLost {
		t.Errorf("%d events came, %+v", len(got), s.Deliveries())
	}

	s.want(204, "PUT", "/_sim/app?account=acct", obj{"active": true})
	s.want(401, "GET", "/users/me", nil) // the old token is gone
	s.login("")
	s.want(200, "GET", "/users/me", nil)
	if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil {
		t.Fatal(err)
	}
	if got := h.next(); got.event != "meeting.created" {
		t.Errorf("%v", got.body)
	}
	s.want(400, "PUT", "/_sim/app", obj{})
	s.want(404, "PUT", "/_sim/app?account=nobody", obj{"active": false})
}
