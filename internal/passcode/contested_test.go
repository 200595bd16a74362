package passcode

import "testing"

// Whoever keeps undoing what latchkey changes is left alone for longer: three in a day are
// enough for that day, six for seven, twelve for thirty. What is open does not wait for it
// longer than the day.
func TestContestedForLonger(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		history       History
		clear, secure string
	}{
		"never":              {History{}, "", ""},
		"twice today":        {History{Undone: 2, UndoneWeek: 5, UndoneMonth: 11}, "", ""},
		"three times today":  {History{Undone: 3, UndoneWeek: 3, UndoneMonth: 3}, "3 times within a day", "3 times within a day"},
		"six times a week":   {History{UndoneWeek: 6, UndoneMonth: 6}, "6 times within seven days", ""},
		"twelve times month": {History{UndoneWeek: 5, UndoneMonth: 12}, "12 times within thirty days", ""},
	} {
		if got := contested(c.history, RemedyClear); got != c.clear {
			t.Errorf("%s, to clear: %q, want %q", name, got, c.clear)
		}
		if got := contested(c.history, RemedySecure); got != c.secure {
			t.Errorf("%s, to secure: %q, want %q", name, got, c.secure)
		}
	}
}
