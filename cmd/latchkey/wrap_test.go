package main

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestWrap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"short":             {"as it is\n", "as it is\n"},
		"nothing":           {"", ""},
		"between words":     {"Joiners are asked for a passcode because it is on.\n", "Joiners are asked for a passcode\nbecause it is on.\n"},
		"under its label":   {"meeting   Joiners are asked for a passcode\n", "meeting   Joiners are asked for a\n          passcode\n"},
		"indented":          {"  because the group locks the passcode on\n", "  because the group locks the\n  passcode on\n"},
		"a long word":       {"see https://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa there\n", "see\nhttps://example.com/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\nthere\n"},
		"without a newline": {"short\nand the last one is long enough for two", "short\nand the last one is long enough\nfor two"},
	} {
		if got := wrap(c.text, 34); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
	for line := range strings.Lines(wrap(strings.Repeat("äöü ", 50), 40)) {
		if n := utf8.RuneCountInString(strings.TrimSpace(line)); n > 40 {
			t.Errorf("%d wide", n)
		}
	}
}
