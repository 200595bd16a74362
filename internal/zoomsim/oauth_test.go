package zoomsim

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOAuth(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	good := s.Credentials("acct")
	grant := func(kind, account string) url.Values {
		return url.Values{"grant_type": {kind}, "account_id": {account}}
	}
	for _, c := range []struct {
		name       string
		id, secret string
		q          url.Values
		status     int
		err        string
	}{
		{"good", good.ClientID, good.ClientSecret, grant("account_credentials", "acct"), 200, ""},
		{"wrong secret", good.ClientID, "x", grant("account_credentials", "acct"), 401, "invalid_client"},
		{"wrong client", "x", good.ClientSecret, grant("account_credentials", "acct"), 401, "invalid_client"},
		{"wrong account", good.ClientID, good.ClientSecret, grant("account_credentials", "other"), 400, "invalid_request"},
		{"wrong grant", good.ClientID, good.ClientSecret, grant("client_credentials", "acct"), 400, "unsupported_grant_type"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body := s.grantWith(Credentials{ClientID: c.id, ClientSecret: c.secret}, c.q)
			if status != c.status {
				t.Fatalf("%d %v", status, body)
			}
			if c.err != "" {
				if body["error"] != c.err || body["reason"] == nil {
					t.Errorf("%v", body)
				}
				return
			}
			if body["token_type"] != "bearer" || body["expires_in"] != 3600.0 || body["api_url"] != s.URL() ||
				!strings.Contains(body["scope"].(string), scopeUpdateMeeting) {
				t.Errorf("%v", body)
			}
		})
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	s.want(200, "GET", "/users/me", nil)
	s.clock.add(time.Hour - time.Second)
	s.want(200, "GET", "/users/me", nil)
	s.clock.add(time.Second)
	if a := s.want(401, "GET", "/users/me", nil); a.code() != 124 || a.body["message"] != "Access token is expired." {
		t.Errorf("%v", a.body)
	}
	s.login("")
	s.want(200, "GET", "/users/me", nil)
	s.want(204, "POST", "/_sim/tokens/revoke", nil)
	if a := s.want(401, "GET", "/users/me", nil); a.code() != 124 || a.body["message"] != "Invalid access token." {
		t.Errorf("%v", a.body)
	}
}

func TestScopesAndAccounts(t *testing.T) {
	t.Parallel()
	s := start(t, `
accounts:
  - {id: one, plan: business, scopes: ["meeting:read:meeting:admin"], hosts: [{id: a, meetings: [{id: 81000000001}]}]}
  - {id: two, plan: business, hosts: [{id: b, meetings: [{id: 81000000002}]}]}
`)
	s.want(200, "GET", "/meetings/81000000001", nil)
	if a := s.want(400, "GET", "/users/a", nil); a.code() != 4711 {
		t.Errorf("a missing scope: %v", a.body)
	}
	s.want(404, "GET", "/meetings/81000000002", nil) // another account's
	s.login("two")
	s.want(200, "GET", "/meetings/81000000002", nil)
	s.want(404, "GET", "/users/a", nil)
	if s.Credentials("nobody") != (Credentials{}) || s.Credentials("one") == s.Credentials("two") {
		t.Error("credentials are mixed up")
	}
}

func TestUsersAndLevels(t *testing.T) {
	t.Parallel()
	s := start(t, `
accounts:
  - id: acct
    plan: business
    groups: [{id: grp, name: Group, locks: {meeting_security: {meeting_password: true}, schedule_meeting: {meeting_authentication: true}}}]
    hosts: [{id: host, email: Host@Example.com, groups: [Group]}, {id: gone, status: inactive}]
  - {id: poor, plan: free, limits: off, groups: [{id: freegrp}], hosts: [{id: basic, type: basic}]}
`)
	u := s.want(200, "GET", "/users/host@example.com", nil).body
	if u["id"] != "host" || u["type"] != 2.0 || u["status"] != "active" || !slices.Equal(u["group_ids"].([]any), []any{"grp"}) {
		t.Errorf("%v", u)
	}
	if n := s.get("/users").body["total_records"]; n != 1.0 {
		t.Errorf("active users: %v", n)
	}
	if n := s.get("/users?status=inactive").body["total_records"]; n != 1.0 {
		t.Errorf("inactive users: %v", n)
	}
	if g := s.get("/groups").body["groups"].([]any)[0].(obj); g["id"] != "grp" || g["total_members"] != 1.0 {
		t.Errorf("%v", g)
	}
	lock := s.get("/groups/grp/lock_settings?option=meeting_security").body["meeting_security"].(obj)
	if lock["meeting_password"] != true || lock["waiting_room"] != false {
		t.Errorf("%v", lock)
	}
	if l := s.get("/groups/grp/lock_settings").body["schedule_meeting"].(obj); l["meeting_authentication"] != true ||
		l["require_password_for_instant_meetings"] != true {
		t.Errorf("%v", l)
	}
	if l := s.get("/accounts/me/lock_settings?option=meeting_security").body["meeting_security"].(obj); l["auto_security"] != true ||
		l["meeting_password"] != false {
		t.Errorf("Business of 50 has auto security locked: %v", l)
	}
	s.login("poor")
	for p, status := range map[string]int{"/accounts/me/settings": 200, "/accounts/poor/lock_settings": 200, "/groups/freegrp/lock_settings": 400} {
		if a := s.get(p); a.status != status || a.code() != 200 {
			t.Errorf("%s on a free account: %d %v", p, a.status, a.body)
		}
	}
}
