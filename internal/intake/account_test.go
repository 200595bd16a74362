package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// newTenants is an Intake of several accounts on a database of its own.
func newTenants(t *testing.T, accounts ...string) (*Intake, string) {
	t.Helper()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return New(Options{Store: s, Guarded: accounts, Logger: slog.New(slog.DiscardHandler),
		Governed: func(account string) bool { return slices.Contains(accounts, account) },
		Dead:     func(context.Context, string, Event) error { return nil }}), url
}

// TestAnEventSpeaksForTheAccountThatSignedIt, and for no other.
func TestAnEventSpeaksForTheAccountThatSignedIt(t *testing.T) {
	t.Parallel()
	const one, other = "acc", "other"
	for name, c := range map[string]struct {
		guarded          []string
		signedFor, names string
		of               string // the account that the meeting is recorded for; "" for none
		dead             string // why not
		trouble          string
	}{
		"one account, its own":                         {[]string{one}, one, one, one, "", ""},
		"one account, ingest was not told":             {[]string{one}, "", one, one, "", ""},
		"one account, none named":                      {[]string{one}, one, "", one, "", ""},
		"one account, another named":                   {[]string{one}, one, other, "", "", "not_guarded"},
		"two accounts, its own":                        {[]string{one, other}, other, other, other, "", ""},
		"two accounts, none named: whose secret it is": {[]string{one, other}, other, "", other, "", ""},
		"two accounts, the other's":                    {[]string{one, other}, other, one, "", "it names account acc, and the app of account other signed it", "signed_for_another"},
		"two accounts, nobody's":                       {[]string{one, other}, other, "third", "", "names account third", "signed_for_another"},
		"two accounts, ingest was not told":            {[]string{one, other}, "", one, "", "ingest does not know whose secret signed", "secrets_unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, _ := newTenants(t, c.guarded...)
			account := ""
			if c.names != "" {
				account = fmt.Sprintf(`"account_id": %q, `, c.names)
			}
			body := fmt.Sprintf(`{"event": "meeting.created", "event_ts": %d, "payload": {%s"object": %s}}`, time.Now().UnixMilli(), account, fullObject)
			_, err := in.recordOne(t.Context(), Event{ID: "e", Body: []byte(body), SignedFor: c.signedFor, ReceivedAt: time.Now()})
			var unusable unusableError
			if (err != nil) != (c.dead != "") || err != nil && (!errors.As(err, &unusable) || !strings.Contains(err.Error(), c.dead)) {
				t.Errorf("recorded with %v, want %q", err, c.dead)
			}
			m, err := in.o.Store.Meeting(t.Context(), 85746065432)
			if c.of == "" && !errors.Is(err, store.ErrNotFound) || c.of != "" && (err != nil || m.AccountID != c.of) {
				t.Errorf("the meeting is of account %q, %v; want %q", m.AccountID, err, c.of)
			}
			troubles, err := in.o.Store.Troubles(t.Context(), "")
			if err != nil || len(troubles) > 1 || len(troubles) == 1 && troubles[0].Kind != c.trouble || len(troubles) == 0 && c.trouble != "" {
				t.Errorf("troubles %+v, %v; want %q", troubles, err, c.trouble)
			}
		})
	}
}

// TestOfSeveralAccountsNothingIsBelievedUnread: an event may name a number that is
// another account's, known here or not. Until Zoom has shown the meeting to the
// account itself, no passcode of it is known, and none can be passed on.
func TestOfSeveralAccountsNothingIsBelievedUnread(t *testing.T) {
	t.Parallel()
	for _, accounts := range [][]string{{"acc"}, {"acc", "evil"}} {
		in, url := newTenants(t, accounts...)
		account := accounts[len(accounts)-1]
		for i, body := range []string{
			`{"event": "meeting.created", "event_ts": %d, "payload": {"account_id": %q, "object": ` + fullObject + `}}`,
			`{"event": "user.settings_updated", "event_ts": %d, "payload": {"account_id": %q, "object": {"id": "h", "settings": {"schedule_meeting": {"pmi_password": "evil-1"}}}}}`,
		} {
			body = fmt.Sprintf(body, time.Now().UnixMilli()+int64(i), account)
			if _, err := in.recordOne(t.Context(), Event{ID: fmt.Sprint(i), Body: []byte(body), SignedFor: account, ReceivedAt: time.Now()}); err != nil {
				t.Fatal(err)
			}
			testenv.Exec(t, url, `UPDATE meetings SET type = 4`) // as a personal room, whose passcode the second event changes
		}
		stored := testenv.Query(t, url, `SELECT count(*)::text FROM passcodes`)
		if want := map[int]string{1: "1", 2: "0"}[len(accounts)]; stored != want {
			t.Errorf("of %d accounts %s passcodes are stored, want %s", len(accounts), stored, want)
		}
		if m, err := in.o.Store.Meeting(t.Context(), 85746065432); err != nil || !m.MustRead && m.Moved == 0 {
			t.Errorf("of %d accounts: %+v, %v", len(accounts), m, err)
		}
	}
}

// TestTenantsAreKeptApart: whatever one account's events say of another's
// meetings, hosts, groups and settings changes nothing of the other's.
func TestTenantsAreKeptApart(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc", "evil")
	at := time.Now()
	n := 0
	send := func(account, event, object string, old string) {
		t.Helper()
		n++
		at = at.Add(time.Millisecond)
		if old != "" {
			old = `, "old_object": ` + old
		}
		body := fmt.Sprintf(`{"event": %q, "event_ts": %d, "payload": {"account_id": %q, "operator": "%s@example.com", "object": %s%s}}`, event, at.UnixMilli(), account, account, object, old)
		if _, err := in.recordOne(t.Context(), Event{ID: fmt.Sprint(n), Body: []byte(body), SignedFor: account, ReceivedAt: at}); err != nil {
			t.Fatalf("%s of %s: %v", event, account, err)
		}
	}
	// What is the other's was perhaps named by evil first.
	evil := func() {
		t.Helper()
		send("evil", "meeting.created", strings.ReplaceAll(fullObject, `"password": "`, `"password": "evil`), "")
		send("evil", "meeting.updated", `{"id": 85746065432, "host_id": "evil-host", "password": "evil-1"}`, "")
		send("evil", "user.settings_updated", `{"id": "h", "settings": {"meeting_security": {"meeting_password": false}}}`, "")
		send("evil", "group.lock_settings_updated", `{"id": "group", "settings": {"meeting_security": {"meeting_password": false}}}`, "")
		send("evil", "account.lock_settings_updated", `{"id": "acc", "settings": {"meeting_security": {"meeting_password": false}}}`, "")
		send("evil", "group.member_added", `{"id": "group", "members": [{"id": "h"}]}`, "")
		send("evil", "user.deleted", `{"id": "h"}`, "")
		send("evil", "meeting.ended", `{"id": "85746065432", "host_id": "h"}`, "")
		send("evil", "meeting.deleted", `{"id": 85746065432}`, "")
	}
	evil()
	send("acc", "meeting.created", fullObject, "")
	send("acc", "user.settings_updated", `{"id": "h", "settings": {"meeting_security": {"meeting_password": true}}}`, "")
	everything := func() string {
		return testenv.Query(t, url, `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
			SELECT 'meeting ' || m::text AS line FROM meetings m WHERE account_id = 'acc' UNION ALL
			SELECT 'host ' || h::text FROM hosts h WHERE account_id = 'acc' UNION ALL
			SELECT 'group ' || g::text FROM groups g WHERE account_id = 'acc' UNION ALL
			SELECT 'account ' || a::text FROM accounts a WHERE account_id = 'acc' UNION ALL
			SELECT 'passcode ' || p::text FROM passcodes p WHERE account_id = 'acc' UNION ALL
			SELECT 'change ' || c::text FROM setting_changes c JOIN events e USING (event_id) WHERE e.account_id = 'acc') lines`)
	}
	before := everything()
	if strings.Contains(before, "evil") || !strings.Contains(before, "85746065432") {
		t.Errorf("after evil went first there is:\n%s", before)
	}
	evil()
	if after := everything(); after != before {
		t.Errorf("evil changed\n%s\nto\n%s", before, after)
	}
	// And the host's own later change is not ignored.
	generation := func() string {
		return testenv.Query(t, url, `SELECT generation::text FROM meetings WHERE account_id = 'acc' AND meeting_id = 85746065432`)
	}
	testenv.Exec(t, url, `UPDATE meetings SET must_read = false, due_at = NULL`)
	was := generation()
	send("acc", "user.settings_updated", `{"id": "h", "settings": {"meeting_security": {"meeting_password": false}}}`, "")
	if generation() == was {
		t.Error("the host's own change did not reach their meeting")
	}
}

// TestAnEventUnderThePMIReachesWhatRunsUnderIt.
func TestAnEventUnderThePMIReachesWhatRunsUnderIt(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc")
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, host_id, pmi, uses_pmi, must_read) VALUES ('acc', 85746065432, 'h', 5551112222, true, false)`)
	body := fmt.Sprintf(`{"event": "meeting.started", "event_ts": %d, "payload": {"account_id": "acc", "object": {"id": "5551112222", "host_id": "h", "type": 4}}}`, time.Now().UnixMilli())
	if _, err := in.recordOne(t.Context(), Event{ID: "e", Body: []byte(body), SignedFor: "acc", ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if got := testenv.Query(t, url, `SELECT concat_ws(' ', must_read, due_why) FROM meetings WHERE meeting_id = 85746065432`); got != "t meeting.started" {
		t.Errorf("the meeting under it is %q, want it to be read", got)
	}
}
