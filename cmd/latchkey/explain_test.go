package main

import (
	"strings"
	"testing"

	"latchkey/internal/admin"
	"latchkey/internal/invite"
	"latchkey/internal/passcode"
)

// TestExplainTellsOfTheLink: right after the first sentence, and the rest where
// it belongs; of a number alone and of a meeting nobody can join, less.
func TestExplainTellsOfTheLink(t *testing.T) {
	t.Parallel()
	const link, secret = "https://zoom.us/j/857460654?pwd=s3cret", "s3cret"
	elsewhere := `A refusal that is not "Passcode wrong" (3004) is another matter: docs/joining.md.`
	because := "room      the waiting room is on because of a reason"
	for name, c := range map[string]struct {
		e      admin.Explanation
		text   string
		second string // the second line
		says   []string
		not    []string
	}{
		"asked, and known": {admin.Explanation{MeetingID: "857460654", Outcome: passcode.OutcomeDemands, Passcode: passcode.On, Why: "Why.", Known: true, Doubt: "Doubt."},
			link, "This link carries a passcode; whether it is still the current one cannot be told. If it is, the app is let in;", []string{"Doubt.\n", elsewhere}, []string{"room      "}},
		"asked, not known": {admin.Explanation{MeetingID: "857460654", Outcome: passcode.OutcomeDemands, Passcode: passcode.On, Why: "Why."},
			"https://zoom.us/j/857460654", "This link carries no passcode, so whoever uses it is asked.", nil, []string{elsewhere}},
		"joinable": {admin.Explanation{MeetingID: "857460654", Outcome: passcode.OutcomeJoinable, Passcode: passcode.Off, Room: passcode.On, Why: "Why.", RoomBecause: "of a reason"},
			link, "This link carries a passcode although", []string{elsewhere, because}, nil},
		"a number": {admin.Explanation{MeetingID: "857460654", Outcome: passcode.OutcomeJoinable, Passcode: passcode.Off, Why: "Why."},
			"857460654", "", []string{elsewhere}, []string{"link carries", "room      "}},
		"over": {admin.Explanation{MeetingID: "857460654", Outcome: passcode.OutcomeGone, Known: true, Why: "Why."},
			link, "", nil, []string{"link carries", elsewhere}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, err := invite.Read(c.text)
			if err != nil {
				t.Fatal(err)
			}
			c.e.Judge(in)
			var b strings.Builder
			explain(&b, c.e)
			lines := strings.Split(b.String(), "\n")
			if lines[0] != "Why." || !strings.HasPrefix(lines[1], c.second) || (lines[1] == "") != (c.second == "") {
				t.Errorf("begins with %q, %q; want %q", lines[0], lines[1], c.second)
			}
			for _, s := range c.says {
				if !strings.Contains(b.String(), s) {
					t.Errorf("does not say %q:\n%s", s, b.String())
				}
			}
			for _, s := range append(c.not, secret) {
				if strings.Contains(b.String(), s) {
					t.Errorf("says %q:\n%s", s, b.String())
				}
			}
		})
	}
}
