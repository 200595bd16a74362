package zoomsim

import "testing"

func TestGetGroup(t *testing.T) {
	t.Parallel()
	s := start(t, `
accounts:
  - id: one
    plan: business
    groups: [{name: Sales EMEA}, {id: grp}, {id: other}]
    hosts: [{id: a, groups: [Sales EMEA]}, {id: b, groups: [grp, Sales EMEA]}]
  - {id: two, plan: business, groups: [{id: theirs, name: Theirs}]}
`)
	rows := s.get("/groups").body["groups"].([]any)
	names := map[any]bool{}
	for i, members := range []float64{2, 1, 0} {
		row := rows[i].(obj)
		id := row["id"].(string)
		a := s.want(200, "GET", "/groups/"+id, nil)
		if a.body["id"] != id || a.body["name"] != row["name"] || a.body["total_members"] != members || len(a.body) != 3 {
			t.Errorf("%v, listed as %v", a.body, row)
		}
		if got := a.header.Get("X-RateLimit-Category"); got != Light {
			t.Errorf("category %q", got)
		}
		if a.body["name"] == id || a.body["name"] == "" || names[a.body["name"]] {
			t.Errorf("the name %q of group %q: want one of its own that is not the id", a.body["name"], id)
		}
		names[a.body["name"]] = true
	}
	if !names["Sales EMEA"] {
		t.Errorf("%v", names)
	}
	if a := s.get("/groups/nobody"); a.status != 404 || a.code() != 4130 {
		t.Errorf("no such group: %d %v", a.status, a.body)
	}
	if a := s.get("/groups/theirs"); a.status != 404 || a.code() != 4130 {
		t.Errorf("another account's group: %d %v", a.status, a.body)
	}
}

func TestGetGroupNeedsItsScope(t *testing.T) {
	t.Parallel()
	s := start(t, `accounts: [{id: acct, plan: business, scopes: ["group:read:settings:admin"], groups: [{id: grp}]}]`)
	a := s.want(400, "GET", "/groups/grp", nil)
	if a.code() != 4711 || a.body["message"] != "Invalid access token, does not contain scopes:[group:read:group:admin]." {
		t.Errorf("%v", a.body)
	}
	s.want(200, "GET", "/groups/grp/settings", nil)
}
