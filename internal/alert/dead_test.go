package alert

import (
	"strings"
	"testing"
)

func TestCauseOf(t *testing.T) {
	t.Parallel()
	for reason, want := range map[string]string{
		"":                                   "no reason given",
		"field payload is not a JSON object": "field payload is not a JSON object",
		"field event has 101 letters: want 1 to 100":                          "field event has … letters: want … to …",
		"there is no use for event meeting.foo":                               "there is no use for event meeting.foo",
		"it names account aBc_D-x, and the app of account Qz== signed it":     "it names account …, and the app of account … signed it",
		"an account's data is to be deleted: each event by itself":            "an account's data is to be deleted: each event by itself",
		"delivered 12 times without success (max deliver of consumer frames)": "delivered … times without success (max deliver of consumer frames)",
		"panic: runtime error: index out of range [5] with length 3":          "panic: runtime error: index out of range […] with length …",
		"panic: hunter": "panic",
		`ERROR: invalid input syntax for type json: "hunter" (SQLSTATE 22P02)`: "ERROR: invalid input syntax for type json: … (SQLSTATE …)",
		`cut off in "hun`: "cut off in …",
		"'hunter' is not Zoom's, 85746065432 neither": "… is not Zoom's, … neither",
		"on\n two  lines": "on two lines",
	} {
		if got := CauseOf(reason); got != want {
			t.Errorf("%s: %q, want %q", reason, got, want)
		}
	}
	if got := CauseOf(strings.Repeat("ü", 1000)); len([]rune(got)) != 201 {
		t.Errorf("%d letters", len([]rune(got)))
	}
}
