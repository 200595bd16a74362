package bus

import (
	"strings"
	"testing"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	for name, c := range map[string]struct{ got, want string }{
		"an event":                    {EventSubject("AbC-9_x", "meeting.created"), "zoom.event.AbC-9_x.meeting.created"},
		"account not known":           {EventSubject("", "meeting.created"), "zoom.event._.meeting.created"},
		"account called _":            {EventSubject("_", "meeting.created"), "zoom.event.%5F.meeting.created"},
		"no name":                     {EventSubject("a", ""), "zoom.event.a._"},
		"dots of an account":          {EventSubject("a.b", "x"), "zoom.event.a%2Eb.x"},
		"wildcards":                   {EventSubject("*", ">"), "zoom.event.%2A.%3E"},
		"space, tab, newline, NUL":    {EventSubject("a b\tc\nd\x00", "x"), "zoom.event.a%20b%09c%0Ad%00.x"},
		"percent":                     {EventSubject("a%2Eb", "x"), "zoom.event.a%252Eb.x"},
		"not ASCII":                   {EventSubject("ü", "x"), "zoom.event.%C3%BC.x"},
		"empty parts of a name":       {EventSubject("a", ".x."), "zoom.event.a._.x._"},
		"an alert":                    {AlertSubject("a", "meeting.repaired"), "latchkey.alert.a.meeting.repaired"},
		"an account that is too long": {EventSubject(long, "x"), "zoom.event." + token(long) + ".x"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %s, want %s", name, c.got, c.want)
		}
	}
	if s := EventSubject(long, strings.Repeat("a.", 3000)); len(s) > 300 {
		t.Errorf("a subject of %d letters: the server cuts the connection at 4096", len(s))
	}
}

// Whatever comes in: a subject's parts are tokens that NATS takes, as many as
// there should be, and two texts never share one.
func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "_", "a", ".", "a.b", "*", ">", "%", "%5F", "%2E", " ", "\x00", "\xff", "ü", "a b", strings.Repeat("y", 101), token(strings.Repeat("y", 101))} {
		f.Add(s, s+"x")
		f.Add(s, "_")
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		for _, s := range []string{a, b} {
			got := token(s)
			if got == "" || len(got) > 3*tokenMost {
				t.Fatalf("token(%q) has %d letters", s, len(got))
			}
			for _, c := range []byte(got) {
				if c <= ' ' || c >= 0x7f || strings.IndexByte(".*>", c) >= 0 {
					t.Fatalf("token(%q) = %q holds %q", s, got, c)
				}
			}
			for _, part := range strings.Split(tokens(s), ".") {
				if part == "" {
					t.Fatalf("tokens(%q) = %q has an empty token", s, tokens(s))
				}
			}
		}
		if a != b && token(a) == token(b) {
			t.Fatalf("%q and %q share the token %q", a, b, token(a))
		}
		if a != b && tokens(a) == tokens(b) {
			t.Fatalf("%q and %q share the tokens %q", a, b, tokens(a))
		}
	})
}
