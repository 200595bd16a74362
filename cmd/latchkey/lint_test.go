package main

import (
	"errors"
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestLintForHost: by what the database knows of one host; the rest of the
// command is in testdata/script/lint.txtar.
func TestLintForHost(t *testing.T) {
	url := testenv.PostgresURLFrom(t, "migrated", migrated)
	t.Setenv("DATABASE_URL", url)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var off passcode.Values
	for i := range off {
		off[i] = passcode.Off
	}
	on, lock := off, off
	on[passcode.KeyPasscode], lock[passcode.KeyPasscode] = passcode.On, passcode.On
	do(s.SaveAccount(t.Context(), store.Level{ID: "acc", Plan: passcode.PlanPaid, Locks: off}, 0, 0))
	do(s.SaveGroup(t.Context(), "acc", store.Level{ID: "g", Name: "Sales", Locks: lock}, 0, 0))
	for id, h := range map[string]store.Host{"free": {Settings: on}, "locked": {Settings: on, GroupIDs: []string{"g"}}, "gone": {Settings: on}, "unread": {}} {
		h.ID, h.AccountID, h.Email = id, "acc", id+"@example.com"
		h.Requirement = passcode.Requirement{OnlyNumeric: true}
		_, err := s.SaveHost(t.Context(), h, 0, 0)
		do(err)
	}
	testenv.Exec(t, url, `UPDATE hosts SET forecast_why = 'It was read.', can_host = host_id <> 'gone' WHERE host_id <> 'unread'`)

	const good = `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`
	for _, c := range []struct {
		name, body string
		args       []string
		status     int
		out, err   string
	}{
		{name: "not locked", args: []string{"--host", "free@example.com"}, body: good, out: "Nothing in this body is to be sent otherwise.\n\nWhat Zoom makes of it, for this host, by the settings that were last read:\n  host       no passcode, waiting room on"},
		{name: "locked on by a group", args: []string{"--host", "locked", "--account", "acc"}, body: good, status: 2, out: "Sales"},
		{name: "the call of the problem", args: []string{"--host", "free"}, body: `{"type":8,"settings":{"waiting_room":true}}`, status: 2, out: "host       disputed: a generated passcode, waiting room on"},
		{name: "the requirement", args: []string{"--host", "free"}, body: `{"type":8,"password":"s3cret"}`, status: 2, out: "password_requirement (Z-CODE-5)\n  It does not meet the host's passcode requirement: only digits are allowed."},
		{name: "as data", args: []string{"--host", "locked", "--json"}, body: good, status: 2, out: `"predictions":[{"passcode_setting":"host","as_sent":{"passcode":"on",`},
		{name: "for somebody else", args: []string{"--host", "free"}, body: `{"type":8,"schedule_for":"locked@example.com"}`, status: 1, err: "names another user than --host"},
		{name: "for themselves", args: []string{"--host", "free"}, body: `{"type":8,"schedule_for":"free@example.com","default_password":false,"settings":{"waiting_room":true}}`, out: "no passcode"},
		{name: "nobody", args: []string{"--host", "nobody"}, body: good, status: 1, err: "latchkey has no record of host nobody"},
		{name: "an empty name", args: []string{"--host", ""}, body: good, status: 1, err: "latchkey has no record of host"},
		{name: "of another account", args: []string{"--host", "free", "--account", "other"}, body: good, status: 1, err: "latchkey has no record of host free"},
		{name: "not read so far", args: []string{"--host", "unread"}, body: good, status: 1, err: "host unread has not been read from Zoom yet"},
		{name: "deactivated", args: []string{"--host", "gone"}, body: good, status: 1, err: "cannot host meetings any more"},
		{name: "a body that is none", args: []string{"--host", "nobody"}, body: `[]`, status: 1, err: "the body is an array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			cmd := lintCommand()
			cmd.SilenceUsage, cmd.SilenceErrors = true, true
			cmd.SetArgs(c.args)
			cmd.SetIn(strings.NewReader(c.body))
			cmd.SetOut(&out)
			err := cmd.ExecuteContext(t.Context())
			status, said := 0, ""
			var exit exitStatus
			switch {
			case errors.As(err, &exit):
				status = int(exit)
			case err != nil:
				status, said = 1, err.Error()
			}
			if status != c.status || !strings.Contains(out.String(), c.out) || !strings.Contains(said, c.err) || (c.err == "") != (said == "") {
				t.Errorf("status %d, error %q; want %d, %q\n%s\nwant %q in it", status, said, c.status, c.err, out.String(), c.out)
			}
			if strings.Contains(out.String()+said, "s3cret") {
				t.Errorf("the passcode is shown:\n%s%s", out.String(), said)
			}
		})
	}
}
