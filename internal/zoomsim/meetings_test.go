package zoomsim

import (
	"strings"
	"testing"
)

func withSettings(plan, settings, locks string) string {
	return "accounts:\n  - {id: acct, plan: " + plan + ", settings: " + settings + ", locks: " + locks +
		", hosts: [{id: host, email: host@example.com}]}\n"
}

func TestCreateOverHTTP(t *testing.T) {
	t.Parallel()
	const quiet = "{meeting_security: {meeting_password: false, waiting_room: true}}"
	for _, c := range []struct {
		name, scenario, body  string
		passcode, room, login bool
	}{
		{"passcode setting on adds one", withSettings("enterprise", "{meeting_security: {meeting_password: true, waiting_room: true}}", "{}"),
			`{"topic":"x"}`, true, true, false},
		{"passcode setting off adds none", withSettings("enterprise", quiet, "{}"), `{"topic":"x"}`, false, true, false},
		{"null refuses an unlocked one", withSettings("enterprise", "{}", "{}"),
			`{"password":null,"settings":{"waiting_room":true}}`, false, true, false},
		{"empty refuses an unlocked one", withSettings("enterprise", "{}", "{}"),
			`{"password":"","settings":{"waiting_room":true}}`, false, true, false},
		{"locked on beats null", withSettings("enterprise", "{meeting_security: {meeting_password: true}}",
			"{meeting_security: {meeting_password: true}}"), `{"password":null,"settings":{"waiting_room":true}}`, true, true, false},
		{"locked off beats a given one", withSettings("enterprise", "{meeting_security: {meeting_password: false}}",
			"{meeting_security: {meeting_password: true}}"), `{"password":"abc123"}`, false, true, false},
		{"free accounts force it", withSettings("free", quiet, "{}"),
			`{"password":"","settings":{"waiting_room":true}}`, true, true, false},
		{"a single Pro host has it forced", "accounts: [{id: acct, plan: pro, settings: " + quiet + ", hosts: [{id: host}]}]",
			`{"password":"","settings":{"waiting_room":true}}`, true, true, false},
		{"Pro with two licences has not", "accounts: [{id: acct, plan: pro, licences: 2, settings: " + quiet + ", hosts: [{id: host}]}]",
			`{"password":"","settings":{"waiting_room":true}}`, false, true, false},
		{"Business of 50 cannot switch auto security off", withSettings("business",
			"{meeting_security: {auto_security: false, waiting_room: false}}", "{}"), `{"password":"","settings":{"waiting_room":false}}`, false, true, false},
		{"Enterprise can", withSettings("enterprise",
			"{meeting_security: {auto_security: false, waiting_room: false}}", "{}"), `{"password":"","settings":{"waiting_room":false}}`, false, false, false},
		{"both locked off leaves authentication", withSettings("enterprise",
			"{meeting_security: {meeting_password: false, waiting_room: false}}", "{meeting_security: {meeting_password: true, waiting_room: true}}"),
			`{}`, false, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.scenario)
			id, a := s.create("host", c.body)
			got := s.get(path(id))
			_, has := got.body["password"]
			if has != c.passcode || got.settings()["waiting_room"] != c.room || got.settings()["meeting_authentication"] != c.login {
				t.Errorf("got %v, want passcode %v, waiting room %v, authentication %v", got.body, c.passcode, c.room, c.login)
			}
			if p, _ := a.body["password"].(string); has && (p == "" || p != got.body["password"]) {
				t.Errorf("the answer to POST says %q", p)
			}
			j := s.join(id, "")
			if j.body["asks_passcode"] != c.passcode {
				t.Errorf("a joiner meets %v", j.body)
			}
			if a.body["creation_source"] != "open_api" {
				t.Errorf("creation_source %v", a.body["creation_source"])
			}
		})
	}
}

func TestPatchOverHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, a := s.create("host", `{"password":"abc123","settings":{"waiting_room":false}}`)
	if !strings.Contains(a.body["join_url"].(string), "?pwd=") || strings.Contains(a.body["join_url"].(string), "abc123") {
		t.Errorf("join_url %v", a.body["join_url"])
	}
	if a := s.want(204, "PATCH", path(id), `{"password":"new456"}`); a.body != nil {
		t.Errorf("204 has a body: %v", a.body)
	}
	if got := s.get(path(id)).body["password"]; got != "new456" {
		t.Errorf("password %v", got)
	}
	s.want(204, "PATCH", path(id), `{"password":""}`)
	if got := s.get(path(id)).body["password"]; got != "new456" {
		t.Errorf("204, but the last option must stay: %v", got)
	}
	s.want(204, "PATCH", path(id), `{"password":null,"settings":{"waiting_room":true}}`)
	got := s.get(path(id))
	if _, has := got.body["password"]; has || got.settings()["waiting_room"] != true {
		t.Errorf("not cleared: %v", got.body)
	}
	if strings.Contains(got.body["join_url"].(string), "pwd=") {
		t.Errorf("join_url %v", got.body["join_url"])
	}
}

func TestPasscodeValidation(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, passcode, requirement, field string }{
		{"eleven characters", "abcdefghi12", "{}", "password"},
		{"unknown character", "abc?12", "{}", "password"},
		{"too short", "ab1", "{length: 6}", "password"},
		{"no letter", "123987", "{have_letter: true}", "password"},
		{"no number", "abcxyz", "{have_number: true}", "password"},
		{"no special", "abc123", "{have_special_character: true}", "password"},
		{"not numeric", "abc123", "{only_allow_numeric: true}", "password"},
		{"one case", "abc129", "{have_upper_and_lower_characters: true}", "password"},
		{"run of digits", "ab1234", "{consecutive_characters_length: 4}", "password"},
		{"run down", "dcba9z", "{consecutive_characters_length: 4}", "password"},
		{"repeat", "x1111y", "{consecutive_characters_length: 4}", "password"},
		{"keyboard row", "9qwer8", "{consecutive_characters_length: 4}", "password"},
		{"conforms", "Ab9*kx", "{length: 6, have_letter: true, have_number: true, have_special_character: true, have_upper_and_lower_characters: true, consecutive_characters_length: 4}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, withSettings("enterprise", "{meeting_security: {meeting_password_requirement: "+c.requirement+"}}", "{}"))
			a := s.call("POST", "/users/host/meetings", obj{"password": c.passcode})
			if c.field == "" {
				if a.status != 201 {
					t.Fatalf("%d %v", a.status, a.body)
				}
				return
			}
			if a.status != 400 || a.code() != 300 {
				t.Fatalf("%d %v", a.status, a.body)
			}
			if e := a.body["errors"].([]any)[0].(obj); e["field"] != c.field {
				t.Errorf("errors %v", e)
			}
		})
	}
}

// TestGenerated: what the simulator makes up conforms to every requirement
// that can be met.
func TestGenerated(t *testing.T) {
	t.Parallel()
	src := newSource(7)
	for i := range 1 << 7 {
		bit := func(n int) bool { return i>>n&1 == 1 }
		r := Requirement{
			Length: 4 + i%7, HaveLetter: bit(0), HaveNumber: bit(1), HaveSpecial: bit(2),
			HaveUpperAndLower: bit(3), ConsecutiveLength: 4 * (i >> 4 & 1), OnlyNumeric: bit(5) && !bit(0) && !bit(2) && !bit(3),
		}
		for range 20 {
			if p := src.passcode(r); r.check(p) != "" {
				t.Fatalf("%+v: %q: %s", r, p, r.check(p))
			}
		}
	}
}

func TestPMI(t *testing.T) {
	t.Parallel()
	s := start(t, withSettings("enterprise", "{meeting_security: {pmi_password: true}, schedule_meeting: {join_before_host: false}}", "{}"))
	id, a := s.create("host", `{"settings":{"use_pmi":true}}`)
	code := a.body["password"]
	set := s.get("/users/host/settings").body["schedule_meeting"].(obj)
	if code == nil || code != set["pmi_password"] || a.body["pmi"] == nil {
		t.Fatalf("passcode %v, the user's %v, pmi %v", code, set["pmi_password"], a.body["pmi"])
	}
	s.want(204, "PATCH", path(id), `{"password":"other1"}`)
	if got := s.get(path(id)).body["password"]; got != code {
		t.Errorf("a PMI passcode is the user's, now %v", got)
	}
	s.want(204, "PATCH", "/users/host/settings", Set("schedule_meeting.require_password_for_pmi_meetings", "jbh_only"))
	if j := s.Join(id, ""); j.AsksPasscode {
		t.Error("jbh_only asks although nobody joins before the host")
	}
	s.want(204, "PATCH", path(id), `{"settings":{"join_before_host":true,"waiting_room":false,"meeting_authentication":true}}`)
	if j := s.Join(id, ""); !j.AsksPasscode {
		t.Error("jbh_only does not ask although people join before the host")
	}
}

func TestOccurrences(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, a := s.create("host", `{"type":8,"start_time":"2026-11-24T10:00:00","timezone":"Europe/Berlin","password":"abc123","recurrence":{"type":1,"end_times":3}}`)
	if got := a.body["start_time"]; got != "2026-11-24T09:00:00Z" {
		t.Errorf("start_time %v", got)
	}
	occ := a.body["occurrences"].([]any)
	if len(occ) != 3 {
		t.Fatalf("occurrences %v", occ)
	}
	second := occ[1].(obj)["occurrence_id"].(string)
	s.want(204, "PATCH", path(id)+"?occurrence_id="+second, `{"duration":15}`)
	now := s.get(path(id)).body["occurrences"].([]any)
	if now[1].(obj)["duration"] != 15.0 || now[0].(obj)["duration"] != 60.0 {
		t.Errorf("occurrences %v", now)
	}
	if a := s.call("PATCH", path(id)+"?occurrence_id=1", `{"duration":15}`); a.status != 400 || a.code() != 3000 {
		t.Errorf("unknown occurrence: %d %v", a.status, a.body)
	}
}

func TestMeetingErrors(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	id, _ := s.create("host", `{}`)
	if err := s.StartMeeting(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, path, body string
		status, code             int
	}{
		{"no meeting", "GET", "/meetings/99999999999", "", 404, 3001},
		{"id too short", "GET", "/meetings/1234", "", 400, 300},
		{"no user", "GET", "/users/nobody", "", 404, 1001},
		{"no user to list for", "GET", "/users/nobody/meetings", "", 404, 1001},
		{"no group", "GET", "/groups/none/settings", "", 404, 4130},
		{"other account", "GET", "/accounts/other/settings", "", 404, 2001},
		{"other account's locks", "GET", "/accounts/other/lock_settings", "", 400, 2001},
		{"in progress", "PATCH", path(id), "{}", 400, 3000},
		{"deleting one in progress", "DELETE", path(id), "", 400, 3002},
		{"not JSON", "POST", "/users/host/meetings", "{", 400, 300},
		{"wrong type", "POST", "/users/host/meetings", `{"topic":7}`, 400, 300},
		{"meeting type 5", "POST", "/users/host/meetings", `{"type":5}`, 400, 300},
		{"method", "PUT", path(id), "{}", 405, 2300},
		{"endpoint", "GET", "/phone/users", "", 404, 2300},
		{"page size", "GET", "/users/host/meetings?page_size=301", "", 400, 300},
		{"page token", "GET", "/users/host/meetings?next_page_token=x!", "", 400, 300},
		{"option", "GET", "/users/host/settings?option=nope", "", 400, 300},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.call(c.method, c.path, c.body)
			if a.status != c.status || a.code() != c.code {
				t.Errorf("%d %v, want %d, code %d", a.status, a.body, c.status, c.code)
			}
		})
	}
}
