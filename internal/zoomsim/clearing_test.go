package zoomsim

import (
	"strings"
	"testing"
)

// TestClearing: which form of "no passcode" an update takes, by API and by hand,
// and what is not named stays.
func TestClearing(t *testing.T) {
	t.Parallel()
	const empty, null, absent = `{"password":"","settings":{"waiting_room":true}}`, `{"password":null,"settings":{"waiting_room":true}}`, `{"settings":{"waiting_room":true}}`
	for _, c := range []struct {
		word            string
		byEmpty, byNull bool
	}{
		{"", true, true}, {"both", true, true}, {"empty", true, false}, {"'null'", false, true}, {"neither", false, false},
	} {
		t.Run(c.word, func(t *testing.T) {
			t.Parallel()
			s := start(t, strings.Replace(oneHost, "plan: enterprise", "plan: enterprise\n    passcode_cleared_by: "+c.word, 1))
			for body, cleared := range map[string]bool{empty: c.byEmpty, null: c.byNull, absent: false, `{"topic":"x"}`: false} {
				id, _ := s.create("host", `{"password":"abc123"}`)
				s.want(204, "PATCH", path(id), body)
				if _, has := s.get(path(id)).body["password"]; has == cleared {
					t.Errorf("%s: has a passcode: %v", body, has)
				}
				s.want(204, "PATCH", path(id), `{"password":"def456"}`)
				if got := s.get(path(id)).body["password"]; got != "def456" {
					t.Errorf("%v", got)
				}
				s.want(204, "PATCH", "/_sim"+path(id), body) // by hand either form does
				if _, has := s.get(path(id)).body["password"]; has != (body != empty && body != null) {
					t.Errorf("%s by hand: has a passcode: %v", body, has)
				}
			}
			if _, a := s.create("host", empty); a.body["password"] != nil {
				t.Errorf("a create: %v", a.body)
			}
		})
	}
}

func TestClearingChanges(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, _ := s.create("host", `{"password":"abc123"}`)
	s.want(204, "PUT", "/_sim/app", `{"passcode_cleared_by":"null"}`)
	s.want(204, "PATCH", path(id), `{"password":"","settings":{"waiting_room":true}}`)
	if s.get(path(id)).body["password"] != "abc123" {
		t.Error("cleared")
	}
	if err := s.SetPasscodeClearing("", ClearedByBoth); err != nil {
		t.Fatal(err)
	}
	s.want(204, "PATCH", path(id), `{"password":""}`)
	if s.get(path(id)).body["password"] != nil {
		t.Error("not cleared")
	}
	s.want(400, "PUT", "/_sim/app", `{"passcode_cleared_by":"space"}`)
	if s.SetPasscodeClearing("", "space") == nil || s.SetPasscodeClearing("nobody", ClearedByNull) == nil {
		t.Error("taken")
	}
	if _, err := LoadScenario(strings.NewReader("accounts: [{id: a, passcode_cleared_by: space}]")); err == nil {
		t.Error("a scenario with a word that is not there")
	}
}

// TestPasscodeCharacters: a create takes more of them than a change (Z-CODE-2,
// Z-CODE-3).
func TestPasscodeCharacters(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, _ := s.create("host", `{}`)
	for _, c := range []struct {
		passcode       string
		create, update bool
	}{
		{"abcXYZ0189", true, true}, {"a@b-c_d*1", true, true},
		{"abc!1", true, false}, {"abc#1", true, false},
		{"abc?1", false, false}, {"abc 1", false, false}, {"abc(1", false, false}, {"äbc1", false, false}, {"abcdefghij1", false, false},
	} {
		for op, a := range map[string]answer{
			"create": s.call("POST", "/users/host/meetings", obj{"password": c.passcode}),
			"update": s.call("PATCH", path(id), obj{"password": c.passcode}),
		} {
			want := map[string]bool{"create": c.create, "update": c.update}[op]
			if ok := a.status < 300; ok != want {
				t.Errorf("%s of %q: %d %v", op, c.passcode, a.status, a.body)
			} else if !want && (a.code() != 300 || a.body["errors"].([]any)[0].(obj)["field"] != "password") {
				t.Errorf("%s of %q: %v", op, c.passcode, a.body)
			}
		}
	}
	// One that a create took stays when something else changes.
	other, _ := s.create("host", `{"password":"abc!1"}`)
	s.want(204, "PATCH", path(other), `{"topic":"x"}`)
	if got := s.get(path(other)).body["password"]; got != "abc!1" {
		t.Errorf("%v", got)
	}
}
