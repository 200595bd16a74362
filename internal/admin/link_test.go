package admin

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/invite"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestJudge: a link is judged as that link, from what is recorded.
func TestJudge(t *testing.T) {
	t.Parallel()
	rotated := []store.PasscodeChange{{ChangedBy: "zoom", SeenAt: time.Unix(1, 0)}, {ChangedBy: "zoom", SeenAt: time.Date(2026, 11, 25, 9, 55, 0, 0, time.UTC)}}
	asks := Explanation{Outcome: passcode.OutcomeDemands, Passcode: passcode.On}
	changed := Explanation{Outcome: passcode.OutcomeDemands, Passcode: passcode.On, Rotated: rotated}
	none := Explanation{Outcome: passcode.OutcomeJoinable, Passcode: passcode.Off, Rotated: rotated}
	dark := Explanation{Outcome: passcode.OutcomeUnknown}
	over := Explanation{Outcome: passcode.OutcomeGone, Passcode: passcode.On}
	const app, web = "https://zoom.us/j/857460654", "https://zoom.us/wc/join/857460654"
	const pwd = "?pwd=s3cret"
	for name, c := range map[string]struct {
		e    Explanation
		text string
		want string // "": nothing is said
	}{
		"a number":                         {asks, "857460654", ""},
		"an invitation without a link":     {asks, "Meeting ID: 857 460 654\nPasscode: 123456", ""},
		"the meeting is over":              {over, app, ""},
		"without, and it asks":             {asks, app, "This link carries no passcode, so whoever uses it is asked."},
		"without, in the browser":          {asks, web, "This link carries no passcode and leads to the browser's page, so whoever uses it is asked, even where the app is let in by the invitation's link."},
		"without, and it asks for none":    {none, app, "This link carries no passcode, and none is asked for."},
		"without, and nothing is known":    {dark, app, "This link carries no passcode: whoever uses it is asked, if the meeting has one."},
		"cut off, and it asks":             {asks, app + "?pwd=", "The passcode of this link was cut off (nothing follows pwd=), so whoever uses it is asked."},
		"cut off, and it asks for none":    {none, app + "?pwd=", "The passcode of this link was cut off (nothing follows pwd=), and none is asked for."},
		"with, and no change is recorded":  {asks, app + pwd, "This link carries a passcode; whether it is still the current one cannot be told. If it is, the app is let in; the page that joins in the browser may ask all the same."},
		"with, in the browser":             {asks, web + pwd, "This link carries a passcode; whether it is still the current one cannot be told."},
		"with, and it became another":      {changed, web + pwd, "This link carries a passcode, and the meeting's became another one at 2026-11-25 09:55:00Z: whoever uses a link from before that is refused; whether this one is current cannot be told."},
		"with, and the meeting has none":   {none, app + pwd, "This link carries a passcode although the meeting has none: it lets people in all the same, as far as is known."},
		"with, and nothing is known":       {dark, app + pwd, "This link carries a passcode; whether the meeting asks for one, and for this one, is not known."},
		"the host's, and it asks":          {asks, "https://zoom.us/s/857460654", "The link that was pasted starts the meeting and is the host's: people join by the invitation's link, not by this one."},
		"the host's, of one that has none": {none, "zoommtg://zoom.us/start?confno=857460654", "The link that was pasted starts the meeting and is the host's: people join by the invitation's link, not by this one."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := invite.Read(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if c.e.Judge(in); c.e.Pasted.Says != c.want || c.e.Pasted.Invite != in {
				t.Errorf("%+v, want %q", c.e.Pasted, c.want)
			}
		})
	}
}

// TestExplainWhyWaitingRoom: the reason is put together from the rows of host,
// group, account and repairs.
func TestExplainWhyWaitingRoom(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	testenv.Exec(t, url, `INSERT INTO hosts (account_id, host_id, email, forecast_why, group_ids, settings) VALUES
		('acc', 'free', 'free@example.com', '', '{}', '{"waiting_room":"off","auto_security":"off"}'),
		('acc', 'on', 'on@example.com', '', '{}', '{"waiting_room":"on"}'),
		('acc', 'locked', 'locked@example.com', '', '{g1}', '{"waiting_room":"on"}'),
		('acc', 'auto', 'auto@example.com', '', '{}', '{"waiting_room":"off","auto_security":"on"}')`)
	testenv.Exec(t, url, `INSERT INTO groups (account_id, group_id, name, locks, read_at) VALUES ('acc', 'g1', 'Sales', '{"waiting_room":"on"}', now())`)
	testenv.Exec(t, url, `INSERT INTO meetings (account_id, meeting_id, host_id, passcode, waiting_room, authentication, observed_at) VALUES
		('acc', 1, 'free', 'off', 'on', 'off', now()), ('acc', 2, 'on', 'on', 'on', 'off', now()), ('acc', 3, 'locked', 'off', 'on', 'off', now()),
		('acc', 4, 'auto', 'off', 'on', 'off', now()), ('acc', 5, '', 'off', 'on', 'off', now()), ('acc', 6, 'on', 'off', 'off', 'off', now()),
		('acc', 7, 'free', 'off', 'on', 'off', now()), ('acc', 8, 'free', 'off', 'on', 'off', now())`)
	testenv.Exec(t, url, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, asked_waiting_room, started_at, ended_at) VALUES
		('acc', 7, 'free', 'clear', 'held', true, now(), '2026-11-25 09:55Z'),
		('acc', 8, 'free', 'clear', 'overwritten', true, now(), now()), ('acc', 8, 'free', 'clear', 'held', false, now(), now()), ('acc', 8, 'free', 'set', 'held', true, now(), now())`)
	for number, c := range map[int64]struct {
		want passcode.RoomCause
		says string
	}{
		1: {passcode.RoomAsked, "is off for the host now"},
		2: {passcode.RoomSettingOn, "is on for the host"},
		3: {passcode.RoomLockedOn, `locked on by group "Sales"`},
		4: {passcode.RoomAutoSecurity, "neither passcode nor sign-in"},
		5: {passcode.RoomUnexplained, "were not read"},
		6: {passcode.RoomNone, ""},
		7: {passcode.RoomOurs, "when it removed the passcode, 25 Nov 09:55 UTC"},
		8: {passcode.RoomAsked, "is off for the host now"}, // what failed, or asked for something else, is no reason
	} {
		e, err := Explain(t.Context(), s, "", number, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var got passcode.RoomCause
		if e.WhyRoom != nil {
			got = e.WhyRoom.Cause
		}
		if got != c.want || !strings.Contains(e.RoomBecause, c.says) || (e.RoomBecause == "") != (got == "") {
			t.Errorf("%d: %s, %q; want %s, %q", number, got, e.RoomBecause, c.want, c.says)
		}
	}
}
