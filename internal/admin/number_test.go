package admin

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// numbers are meetings of two accounts: 1 under Anna's personal meeting id, 2 of
// nobody's, 3 of both accounts.
func numbers(t *testing.T) *store.Store {
	t.Helper()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	testenv.Exec(t, url, `INSERT INTO hosts (account_id, host_id, email, pmi, forecast_why) VALUES ('acc', 'anna', 'anna@example.com', 5551112222, 'It will.'), ('acc', 'ben', 'ben@example.com', 5553334444, 'It will not.')`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, host_id, uses_pmi, pmi, outcome, why, passcode, remedy, observed_at) VALUES
		('acc', 1, 'anna', true, 5551112222, 'demands_passcode', 'why 1', 'on', 'keep', now()), ('acc', 2, '', false, 0, 'joinable', 'why 2', 'off', 'none', now()),
		('acc', 3, '', false, 0, 'demands_passcode', 'ours', 'on', 'keep', now()), ('evil', 3, '', false, 0, 'demands_passcode', 'theirs', 'on', 'keep', now()),
		('acc', 4, '', false, 0, 'demands_passcode', 'ours', 'on', 'keep', now())`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, outcome, why, status, not_found, remedy) VALUES ('evil', 4, 'gone', 'Zoom does not know this meeting.', 'deleted', true, 'none'), ('acc', 6, 'gone', 'The meeting was deleted.', 'deleted', false, 'none')`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, outcome, why, passcode, remedy, observed_at, not_found) VALUES ('acc', 7, 'demands_passcode', '', 'on', 'keep', now(), false),
		('evil', 7, NULL, '', 'unknown', NULL, NULL, false), ('acc', 8, 'unknown', '', 'on', 'none', now(), true)`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, outcome, why, passcode, remedy, observed_at, event_at, last_error, not_found) VALUES ('acc', 9, 'demands_passcode', 'why 9', 'on', 'keep', now() - interval '1 minute', now(), 'no answer', false),
		('acc', 10, 'joinable', 'why 10', 'off', 'none', now() - interval '1 minute', now(), '', false)`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, outcome, why, type, passcode, remedy, observed_at) VALUES ('acc', 11, 'unknown', 'a webinar', 9, 'on', 'none', now())`)
	testenv.Exec(t, url, `UPDATE meetings SET must_read = meeting_id IN (7, 8, 9, 10) AND (account_id = 'evil' OR meeting_id <> 7)`)
	testenv.Exec(t, url, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ('acc', 9, 'nine', 'zoom', now())`)
	testenv.Exec(t, url, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ('acc', 7, 'seven', 'zoom', now()), ('acc', 8, 'false', 'zoom', now())`)
	testenv.Exec(t, url, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ('acc', 1, 'one', 'zoom', now()), ('acc', 3, 'three', 'zoom', now()), ('evil', 3, 'false', 'zoom', now()),
		('acc', 11, 'eleven', 'zoom', now()), ('acc', 4, 'four', 'zoom', now()), ('evil', 4, 'false', 'zoom', now()), ('acc', 6, 'gone', 'zoom', now())`)
	return s
}

// TestPasscodeOfANumber: the passcode of a number is that of the meeting that
// answers to it, and never one that another account claims.
func TestPasscodeOfANumber(t *testing.T) {
	t.Parallel()
	s := numbers(t)
	for name, c := range map[string]struct {
		account string
		number  int64
		want    string
		says    string // part of the error
	}{
		"its own number":                                      {"", 1, "one", ""},
		"the personal meeting id it runs under":               {"", 5551112222, "one", ""},
		"one that asks for none":                              {"", 2, "", ""},
		"two accounts claim it":                               {"", 3, "", "accounts acc and evil each have a meeting 3: say which with --account"},
		"two accounts claim it, one is meant":                 {"acc", 3, "three", ""},
		"a claim that Zoom does not bear out":                 {"", 4, "four", ""},
		"claimed by an account to which Zoom never showed it": {"", 7, "seven", ""},
		"not found once, which proves nothing":                {"", 8, "false", ""},
		"waiting to be read again":                            {"", 9, "nine", ""},
		"waiting to be read again, asked for none so far":     {"", 10, "", ""},
		"a webinar's":                                         {"", 11, "eleven", ""},
		"nobody's":                                            {"", 99, "", "no record of meeting 99"},
		"a room that no event mentioned":                      {"", 5553334444, "", "5553334444 is the personal meeting id of ben@example.com, and no event has mentioned that room yet. It will not."},
		"of an account that has none":                         {"other", 1, "", "no record of a meeting 1 in account other"},
		"one that was deleted, with its passcode":             {"", 6, "", "meeting 6 has no passcode: The meeting was deleted."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, doubt, err := Passcode(t.Context(), s, c.account, c.number)
			if doubtful := slices.Contains([]int64{8, 9, 10, 11}, c.number); (doubt != "") != doubtful || strings.Contains(doubt, "nine") {
				t.Errorf("the doubt is %q", doubt)
			}
			if c.says == "" && (err != nil || p.Reveal() != c.want) || c.says != "" && (err == nil || p != "" || !strings.Contains(err.Error(), c.says)) {
				t.Errorf("%q, %v; want %q, %q", p.Reveal(), err, c.want, c.says)
			}
		})
	}
}

// TestExplainAnyNumber: a meeting is found by each of its numbers.
func TestExplainAnyNumber(t *testing.T) {
	t.Parallel()
	s := numbers(t)
	for _, number := range []int64{1, 5551112222} {
		e, err := Explain(t.Context(), s, "", number, time.Now())
		if err != nil || e.MeetingID != "1" || e.PMI != "5551112222" || e.HostEmail != "anna@example.com" || len(e.Others) != 0 {
			t.Errorf("%d is %+v, %v", number, e, err)
		}
	}
	e, err := Explain(t.Context(), s, "", 4, time.Now())
	if err != nil || e.AccountID != "acc" || e.Outcome != passcode.OutcomeDemands || len(e.Others) != 1 || e.Others[0].AccountID != "evil" {
		t.Errorf("4 is %+v, %v; want the one that is there first", e, err)
	}
	if e, err := Explain(t.Context(), s, "evil", 4, time.Now()); err != nil || e.AccountID != "evil" {
		t.Errorf("4 of account evil is %+v, %v", e, err)
	}
	if e, err := Explain(t.Context(), s, "", 9, time.Now()); err != nil || !strings.Contains(e.Doubt, "something happened to the meeting at ") || !strings.Contains(e.Doubt, "the last try failed: no answer.") {
		t.Errorf("9, which waits to be read, is %+v, %v", e, err)
	}
	var none *UnknownMeetingError
	if _, err := Explain(t.Context(), s, "nope", 4, time.Now()); !errors.As(err, &none) || none.Account != "nope" {
		t.Errorf("4 of an account without a record: %v", err)
	}
	var room *PersonalRoomError
	if _, err := Explain(t.Context(), s, "", 5553334444, time.Now()); !errors.As(err, &room) || room.Host != "ben@example.com" {
		t.Errorf("a room that no event mentioned: %v", err)
	}
}
