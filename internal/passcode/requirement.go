package passcode

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Requirement is a host's meeting_password_requirement (Z-SET-7,
// Z-CODE-5). The JSON names are Zoom's.
type Requirement struct {
	Length                int  `json:"length,omitzero"`
	HaveLetter            bool `json:"have_letter,omitzero"`
	HaveNumber            bool `json:"have_number,omitzero"`
	HaveSpecial           bool `json:"have_special_character,omitzero"`
	OnlyNumeric           bool `json:"only_allow_numeric,omitzero"`
	HaveUpperAndLower     bool `json:"have_upper_and_lower_characters,omitzero"`
	ConsecutiveLength     int  `json:"consecutive_characters_length,omitzero"` // 0: none; 4 to 8
	WeakEnhancedDetection bool `json:"weak_enhance_detection,omitzero"`
}

// MaxLength is the longest passcode Zoom takes (Z-CODE-1).
const MaxLength = 10

// specials are the special characters that Zoom always takes and that Zoom
// Rooms' join API has not refused (Z-CODE-2, Z-CODE-8).
const specials = "@-_*"

// strict reads JSON and refuses keys that mean nothing.
func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// generatedLength is how long the passcodes are that Zoom makes up, unless more is
// required (Z-CODE-13).
const generatedLength = 6

// LooksGenerated says whether a passcode is of the kind that Zoom makes up for a
// host with this requirement: Off says that somebody chose it, or another program
// made it. On proves nothing.
func (r Requirement) LooksGenerated(p string) Toggle {
	letters := strings.ContainsFunc(p, func(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' })
	special := strings.ContainsFunc(p, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9')
	})
	return ToggleOf(len(p) == max(generatedLength, r.Length) && special == r.HaveSpecial && !(letters && r.OnlyNumeric))
}

// Possible says whether any passcode can meet the requirement, and else why not.
func (r Requirement) Possible() error {
	switch {
	case r.Length > MaxLength:
		return fmt.Errorf("at least %d characters are required, and Zoom takes at most %d", r.Length, MaxLength)
	case r.OnlyNumeric && (r.HaveLetter || r.HaveUpperAndLower || r.HaveSpecial):
		return errors.New("only digits are allowed, and a letter or special character is required")
	}
	return nil
}

// Check says whether a passcode meets the requirement, and else which part of
// it does not hold. The error never holds the passcode.
func (r Requirement) Check(p string) error {
	var letters, upper, lower, digits, special int
	for _, c := range []byte(p) {
		switch {
		case c >= 'a' && c <= 'z':
			letters, lower = letters+1, lower+1
		case c >= 'A' && c <= 'Z':
			letters, upper = letters+1, upper+1
		case c >= '0' && c <= '9':
			digits++
		case strings.IndexByte(specials, c) >= 0:
			special++
		default:
			return errors.New("it holds a character that Zoom may not take: want letters, digits and @ - _ *")
		}
	}
	switch {
	case p == "":
		return errors.New("it is empty")
	case len(p) > MaxLength:
		return fmt.Errorf("it has %d characters, and Zoom takes at most %d", len(p), MaxLength)
	case len(p) < r.Length:
		return fmt.Errorf("it has %d characters, and at least %d are required", len(p), r.Length)
	case r.OnlyNumeric && digits != len(p):
		return errors.New("only digits are allowed")
	case r.HaveLetter && letters == 0:
		return errors.New("a letter is required")
	case r.HaveNumber && digits == 0:
		return errors.New("a digit is required")
	case r.HaveSpecial && special == 0:
		return errors.New("a special character is required")
	case r.HaveUpperAndLower && (upper == 0 || lower == 0):
		return errors.New("upper and lower case letters are required")
	case r.ConsecutiveLength > 0 && longestRun(p) >= r.ConsecutiveLength:
		return fmt.Errorf("runs of %d like 1111, 1234, abcd or qwer are forbidden", r.ConsecutiveLength)
	case r.WeakEnhancedDetection && weak(p):
		return errors.New("it is too easily guessed")
	}
	return nil
}

// rows are the keyboard rows whose runs count as consecutive. Rows of other
// layouts than QWERTY are not documented (Z-CODE-7).
var rows = []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890"}

// longestRun is the length of the longest run of equal, ascending, descending
// or neighbouring characters, in upper or lower case.
func longestRun(p string) int {
	s := strings.ToLower(p)
	longest := min(len(s), 1)
	for _, next := range []func(a, b byte) bool{
		func(a, b byte) bool { return a == b },
		func(a, b byte) bool { return alphanumeric(a) && alphanumeric(b) && b == a+1 },
		func(a, b byte) bool { return alphanumeric(a) && alphanumeric(b) && a == b+1 },
		func(a, b byte) bool { return neighbours(a, b) },
		func(a, b byte) bool { return neighbours(b, a) },
	} {
		run := 1
		for i := 1; i < len(s); i++ {
			if run++; !next(s[i-1], s[i]) {
				run = 1
			}
			longest = max(longest, run)
		}
	}
	return longest
}

func alphanumeric(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' }

func neighbours(a, b byte) bool {
	for _, r := range rows {
		if i := strings.IndexByte(r, a); i >= 0 && i+1 < len(r) && r[i+1] == b {
			return true
		}
	}
	return false
}

// weak is stricter than Zoom's detection is likely to be, whose dictionary is
// not documented: few different characters, or a run of half its length.
func weak(p string) bool {
	different := map[rune]bool{}
	for _, c := range strings.ToLower(p) {
		different[c] = true
	}
	return len(different) < min(4, len(p)) || longestRun(p) > len(p)/2
}

// Settable reports whether an update takes the passcode at all, whatever the
// host requires (Z-CODE-2): only such a one can be put back.
func Settable(p string) bool { return (Requirement{}).Check(p) == nil }
