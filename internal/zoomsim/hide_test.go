package zoomsim

import "testing"

// TestPasscodesCanBeHidden: an app without the right sees that there is one.
func TestPasscodesCanBeHidden(t *testing.T) {
	t.Parallel()
	s := start(t, `accounts: [{id: acct, plan: enterprise, hide_passcodes: true, hosts: [{id: host, meetings: [{id: 81000000001, starts_in: 1h, password: abc123}, {id: 81000000002, starts_in: 1h, waiting_room: true}]}]}]`)
	const m = "/meetings/81000000001"
	a := s.want(200, "GET", m, nil)
	for _, k := range []string{"password", "h323_password", "pstn_password"} {
		if _, has := a.body[k]; has {
			t.Errorf("%s is shown", k)
		}
	}
	if a.body["encrypted_password"] == nil || a.body["join_url"] == nil {
		t.Errorf("%v", a.body)
	}
	if b := s.want(200, "GET", "/meetings/81000000002", nil).body; b["encrypted_password"] != nil {
		t.Errorf("a meeting without one: %v", b)
	}
	if s.Join(81000000001, "abc123").AsksPasscode != true {
		t.Error("it is not asked for")
	}
	s.want(204, "PUT", "/_sim/app", obj{"hide_passcodes": false})
	if got := s.get(m).body["password"]; got != "abc123" {
		t.Errorf("password %v", got)
	}
	if err := s.HidePasscodes("acct", true); err != nil {
		t.Fatal(err)
	}
	if got := s.get(m).body["password"]; got != nil {
		t.Errorf("password %v", got)
	}
	if err := s.HidePasscodes("nobody", true); err == nil {
		t.Error("hidden for nobody")
	}
}
