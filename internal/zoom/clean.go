package zoom

import (
	"strings"

	"latchkey/internal/passcode"
)

// Clean makes a text of Zoom's fit for any store: UTF-8, no NUL, no longer than
// anything Zoom documents.
func Clean(s string) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300])
	}
	return s
}

// MeetingType reads Zoom's number for the kind of meeting; what is no type at
// all becomes 0, not known.
func MeetingType(n int) passcode.MeetingType {
	if n < 0 || n > 1000 {
		return 0
	}
	return passcode.MeetingType(n)
}
