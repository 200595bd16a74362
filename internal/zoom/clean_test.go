package zoom_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"latchkey/internal/zoom"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ give, want string }{
		"as it is":       {"Besprechung 会議 🎉", "Besprechung 会議 🎉"},
		"nothing":        {"", ""},
		"NUL":            {"a\x00b\x00", "ab"},
		"line breaks":    {"a\nb", "a\nb"},
		"300 runes":      {strings.Repeat("ü", 300), strings.Repeat("ü", 300)},
		"more":           {strings.Repeat("ü", 301), strings.Repeat("ü", 300)},
		"not UTF-8":      {"a\xffb", "a\uFFFDb"},
		"cut in a rune?": {strings.Repeat("🎉", 1000), strings.Repeat("🎉", 300)},
	} {
		if got := zoom.Clean(c.give); got != c.want || !utf8.ValidString(got) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
