package intake

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestTheAppIsRemoved: all that is kept of the account goes, from the bus and from
// every table, another's stays, and what was under way brings nothing back.
func TestTheAppIsRemoved(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc", "stays")
	at := time.Now().Add(-time.Minute)
	n := 0
	send := func(account, event, object string, ago time.Duration) (bool, error) {
		t.Helper()
		n++
		body := fmt.Sprintf(`{"event": %q, "event_ts": %d, "payload": {"account_id": %q, "operator": "who-%s@example.com"%s}}`, event, at.Add(-ago).UnixMilli(), account, account, object)
		return in.recordOne(t.Context(), Event{ID: fmt.Sprint(n), Body: []byte(body), SignedFor: account, ReceivedAt: at.Add(-ago)})
	}
	must := func(recorded bool, err error) {
		t.Helper()
		if err != nil || !recorded {
			t.Fatalf("recorded %v, %v", recorded, err)
		}
	}
	object := `, "object": ` + fullObject
	for _, account := range []string{"acc", "stays"} {
		must(send(account, "meeting.created", object, time.Hour))
		must(send(account, "user.settings_updated", `, "object": {"id": "h", "settings": {"meeting_security": {"meeting_password": true}}}`, time.Hour))
		must(send(account, "group.lock_settings_updated", `, "object": {"id": "g", "settings": {"meeting_security": {"meeting_password": true}}}`, time.Hour))
		must(send(account, "account.lock_settings_updated", `, "object": {"id": "`+account+`", "settings": {"meeting_security": {"meeting_password": true}}}`, time.Hour))
		for _, fill := range []string{
			`INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) SELECT account_id, meeting_id, 'p', 'zoom', now() FROM meetings WHERE account_id = '%s'`,
			`INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, decided_at) SELECT account_id, meeting_id, 'joinable', 'none', now() FROM meetings WHERE account_id = '%s'`,
			`INSERT INTO probes (account_id, question, answer) VALUES ('%s', 'q', 'a')`,
			`INSERT INTO account_calls (account_id, call, failing) VALUES ('%s', 'c', true)`,
		} {
			testenv.Exec(t, url, fmt.Sprintf(fill, account))
		}
	}
	rows := func(account string) map[string]int {
		t.Helper()
		counts := map[string]int{}
		for _, table := range []string{"meetings", "passcodes", "verdicts", "hosts", "groups", "accounts", "events", "account_calls", "probes"} {
			counts[table], _ = strconv.Atoi(testenv.Query(t, url, `SELECT count(*)::text FROM `+table+` WHERE account_id = $1`, account))
		}
		return counts
	}
	for table, n := range rows("acc") {
		if n == 0 {
			t.Fatalf("nothing to delete in %s", table)
		}
	}
	before := rows("stays")

	// The bus cannot be rid of them yet: it is not given up, and begun where it stopped.
	in.o.Erase = func(context.Context, string) error { return errors.New("no answer") }
	if _, err := send("acc", "app_deauthorized", "", 0); err == nil || hopeless(err) || rows("acc")["meetings"] != 0 {
		t.Fatalf("%v, given up %v, rows %v", err, hopeless(err), rows("acc"))
	}
	var erased []string
	in.o.Erase = func(_ context.Context, account string) error { erased = append(erased, account); return nil }
	if _, purged, err := in.o.Store.Erased(t.Context(), "acc"); err != nil || purged {
		t.Errorf("said to be gone from the bus: %v, %v", purged, err)
	}
	must(send("acc", "app_deauthorized", "", 0)) // it is delivered again: the bus still has it
	if !slices.Equal(erased, []string{"acc"}) {
		t.Errorf("erased from the bus: %q", erased)
	}
	for table, n := range rows("acc") {
		if n != 0 {
			t.Errorf("%d rows of the account are left in %s", n, table)
		}
	}
	if after := rows("stays"); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("another account's rows were %v and are %v", before, after)
	}
	if _, purged, err := in.o.Store.Erased(t.Context(), "acc"); err != nil || !purged {
		t.Errorf("gone from the bus: %v, %v", purged, err)
	}
	if says, err := in.o.Store.Erasures(t.Context(), "acc"); err != nil || len(says) != 1 || !strings.Contains(says[0], "removed the app") {
		t.Errorf("the tombstone says %q, %v", says, err)
	}

	// What was under way, and the same word again, change nothing; what comes later does.
	for name, c := range map[string]struct{ event, object string }{"late": {"meeting.created", object}, "again": {"app_deauthorized", ""}} {
		if recorded, err := send("acc", c.event, c.object, time.Second); recorded || err != nil || rows("acc")["meetings"] != 0 {
			t.Errorf("%s: recorded %v, %v, %v", name, recorded, err, rows("acc"))
		}
	}
	at = time.Now().Add(time.Second)
	must(send("acc", "meeting.created", object, 0))
}

// TestAStrangersAppIsRemoved: nothing is kept of it, and nothing of others deleted.
func TestAStrangersAppIsRemoved(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc")
	in.o.Erase = func(context.Context, string) error { t.Error("erased"); return nil }
	body := `{"event": "app_deauthorized", "event_ts": 1764000000000, "payload": {"account_id": "other", "user_id": "u", "client_id": "c"}}`
	if _, err := in.recordOne(t.Context(), Event{ID: "1", Body: []byte(body), ReceivedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	if n := testenv.Query(t, url, `SELECT count(*)::text FROM erased_accounts`); n != "0" {
		t.Errorf("%s tombstones", n)
	}
}
