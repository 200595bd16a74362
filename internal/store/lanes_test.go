package store

import (
	"fmt"
	"testing"
	"time"
)

// firstOf says which of so many claims, one meeting each, got the meeting; 0: none.
func firstOf(t *testing.T, s *Store, claims int, id int64) int {
	t.Helper()
	for n := 1; n <= claims; n++ {
		got, err := s.ClaimMeetings(t.Context(), "w", 1, time.Hour)
		noError(t, err)
		for _, c := range got {
			if c.Meeting.ID == id {
				return n
			}
		}
	}
	return 0
}

// A flood of one kind of meeting, all due for an hour, keeps no other kind waiting
// longer than its share.
func TestNoFloodKeepsAMeetingWaiting(t *testing.T) {
	t.Parallel()
	const theOne = 1
	row := func(start, ends, status, due string) string {
		return fmt.Sprintf(`(account_id, meeting_id, start_time, ends_at, status, due_at) SELECT 'acc', i, %s, %s, '%s', %s`, start, ends, status, due)
	}
	const hourAgo, justNow = `now() - interval '1 hour'`, `now() - interval '1 second'`
	unknown := row("NULL::timestamptz", "NULL::timestamptz", "scheduled", hourAgo)
	soon := row(`now() + interval '3 minutes'`, `now() + interval '1 hour'`, "scheduled", hourAgo)
	onSince := row(`now() - interval '10 minutes'`, `now() + interval '1 hour'`, "started", hourAgo)
	over := row(`now() - interval '3 hours'`, `now() - interval '2 hours'`, "scheduled", hourAgo)
	tomorrow := row(`now() + interval '1 day'`, `now() + interval '25 hours'`, "scheduled", hourAgo)
	for _, c := range []struct {
		name, flood, one string
		within           int // claims of one place each
	}{
		{"starts in three minutes, among unknown ones", unknown, row(`now() + interval '3 minutes'`, `now() + interval '1 hour'`, "scheduled", justNow), 2},
		{"on by plan, among unknown ones", unknown, row(`now() - interval '3 minutes'`, `now() + interval '1 hour'`, "scheduled", justNow), 2},
		{"heard to be on, among unknown ones", unknown, row("NULL::timestamptz", "NULL::timestamptz", "started", justNow), 2},
		{"starts in three minutes, among tomorrow's", tomorrow, row(`now() + interval '3 minutes'`, `now() + interval '1 hour'`, "scheduled", justNow), 2},
		{"unknown, among tomorrow's", tomorrow, row("NULL::timestamptz", "NULL::timestamptz", "scheduled", justNow), 2},
		{"unknown and due longest, among those about to start", soon, row("NULL::timestamptz", "NULL::timestamptz", "scheduled", `now() - interval '2 hours'`), 4},
		{"tomorrow's and due longest, among those that are on", onSince, row(`now() + interval '1 day'`, `now() + interval '25 hours'`, "scheduled", `now() - interval '2 hours'`), 4},
		{"over and due longest, among unknown ones", unknown, row(`now() - interval '3 hours'`, `now() - interval '2 hours'`, "scheduled", `now() - interval '2 hours'`), 4},
		{"unknown, among those that are over", over, row("NULL::timestamptz", "NULL::timestamptz", "scheduled", justNow), 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			exec(t, s, `INSERT INTO meetings `+c.flood+` FROM generate_series(1000, 1049) i`)
			exec(t, s, `INSERT INTO meetings `+c.one+` FROM generate_series(1, 1) i`)
			if n := firstOf(t, s, 12, theOne); n == 0 || n > c.within {
				t.Errorf("taken as number %d (0: not at all), want it within %d", n, c.within)
			}
		})
	}
}

// What was claimed before the claiming failed is somebody else's at once, as if it had
// not been tried.
func TestAClaimThatFailsIsGivenBack(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Minute)
	addMeeting(t, s, 2, "host", -3*time.Hour) // over: taken last
	exec(t, s, `CREATE FUNCTION latchkey.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '57014'; END $$`)
	exec(t, s, `CREATE TRIGGER refuse BEFORE UPDATE ON meetings FOR EACH ROW WHEN (OLD.meeting_id = 2) EXECUTE FUNCTION latchkey.refuse()`)
	if claims, err := s.ClaimMeetings(t.Context(), "w", 5, time.Hour); err == nil || len(claims) != 0 {
		t.Fatalf("%d claims, %v; want the trigger's error", len(claims), err)
	}
	if left := value[string](t, s, `SELECT concat_ws('|', lease_owner IS NULL, lease_until IS NULL, attempts, last_error) FROM meetings WHERE meeting_id = 1`); left != "t|t|0|" {
		t.Errorf("after a claim that failed the meeting that it had taken is %q, want it free", left)
	}
}
