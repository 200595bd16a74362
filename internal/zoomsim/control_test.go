package zoomsim

import (
	"testing"
)

// TestControl drives every call of /_sim/ once.
func TestControl(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, `
accounts:
  - id: acct
    plan: enterprise
    groups: [{id: grp, name: Group}]
    hosts: [{id: host, email: host@example.com, meetings: [{id: 81000000001, starts_in: 1h}]}]
`)
	const m = "/_sim/meetings/81000000001"
	on := Set("meeting_security.meeting_password", true)
	for _, c := range []struct {
		method, path string
		body         any
		status       int
	}{
		{"PUT", "/_sim/webhook", obj{"url": h.URL}, 204},
		{"PATCH", "/_sim/users/host@example.com/settings", on, 204},
		{"PATCH", "/_sim/groups/grp/settings", on, 204},
		{"PATCH", "/_sim/groups/Group/lock_settings", on, 204},
		{"PATCH", "/_sim/accounts/acct/settings", on, 204},
		{"PATCH", "/_sim/accounts/me/lock_settings", on, 204},
		{"PATCH", "/_sim/users/nobody/settings", on, 404},
		{"PATCH", "/_sim/groups/nobody/settings", on, 404},
		{"PATCH", "/_sim/accounts/nobody/settings", on, 404},
		{"PATCH", "/_sim/users/host/settings", Set("meeting_security.x", true), 400},
		{"PATCH", "/_sim/users/host/settings", "[", 400},
		{"POST", "/_sim/groups/grp/members", obj{"members": []obj{{"email": "host@example.com"}}}, 204},
		{"DELETE", "/_sim/groups/grp/members", obj{"members": []obj{{"id": "host"}}}, 204},
		{"POST", "/_sim/groups/grp/members", obj{"members": []obj{{"id": "nobody"}}}, 404},
		{"POST", "/_sim/users/host/meetings", obj{"topic": "by hand"}, 201},
		{"PATCH", m, obj{"topic": "renamed"}, 204},
		{"POST", m + "/start", nil, 204},
		{"POST", m + "/end", nil, 204},
		{"DELETE", m, nil, 204},
		{"POST", m + "/recover", nil, 204},
		{"POST", m + "/purge", nil, 404}, // it is not in the trash
		{"DELETE", m, nil, 204},
		{"POST", m + "/purge", nil, 204},
		{"POST", m + "/recover", nil, 404},
		{"POST", "/_sim/meetings/x/start", nil, 400},
		{"POST", "/_sim/meetings/81000000009/start", nil, 404},
		{"POST", "/_sim/users/host/deactivate", nil, 204},
		{"GET", "/_sim/meetings", nil, 200},
		{"GET", "/_sim/credentials", nil, 200},
		{"GET", "/_sim/credentials?account=nobody", nil, 404},
		{"DELETE", "/_sim/faults", nil, 204},
		{"GET", "/_sim/users/nobody", nil, 404},
	} {
		s.want(c.status, c.method, c.path, c.body)
	}
	if u := s.want(200, "GET", "/_sim/users/host", nil).body; u["meetings"].(obj)["passcode"] != "on!" || u["spent_today"] != 0.0 {
		t.Errorf("%v", u)
	}
	h.drain(s)
	if d := s.want(200, "GET", "/_sim/deliveries", nil).body["deliveries"].([]any); len(d) < 10 {
		t.Errorf("%d deliveries", len(d))
	}
	s.want(200, "GET", "/users/host", nil)
	reqs := s.want(200, "GET", "/_sim/requests", nil).body["requests"].([]any)
	if len(reqs) != 2 { // the token and the user: control calls are not Zoom's
		t.Errorf("%v", reqs)
	}
	if r := reqs[1].(obj); r["path"] != "/v2/users/host" || r["label"] != "Light" || r["host_id"] != "host" || r["status"] != 200.0 {
		t.Errorf("%v", r)
	}
	s.want(204, "DELETE", "/_sim/requests", nil)
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d requests after the reset", n)
	}
	meetings := s.want(200, "GET", "/_sim/meetings", nil).body["meetings"].([]any)
	if made := meetings[1].(obj); made["topic"] != "by hand" || made["creation_source"] != "other" || made["passcode"] == "" {
		t.Errorf("%v", made)
	}
}
