package zoomsim

import (
	"strings"
)

// maxPasscode is Zoom's limit on a meeting passcode's length (Z-CODE-1).
const maxPasscode = 10

// specials are the characters besides letters and digits that Zoom accepts
// everywhere (Z-CODE-2), and createSpecials those of a create, whose text names
// others (Z-CODE-3).
const (
	specials       = "@-_*"
	createSpecials = "@-_*!#"
)

// Requirement is a host's meeting_password_requirement. The JSON and YAML
// names are Zoom's.
type Requirement struct {
	Length               int  `json:"length" yaml:"length"`
	HaveLetter           bool `json:"have_letter" yaml:"have_letter"`
	HaveNumber           bool `json:"have_number" yaml:"have_number"`
	HaveSpecial          bool `json:"have_special_character" yaml:"have_special_character"`
	OnlyNumeric          bool `json:"only_allow_numeric" yaml:"only_allow_numeric"`
	HaveUpperAndLower    bool `json:"have_upper_and_lower_characters" yaml:"have_upper_and_lower_characters"`
	ConsecutiveLength    int  `json:"consecutive_characters_length" yaml:"consecutive_characters_length"`
	WeakEnhanceDetection bool `json:"weak_enhance_detection" yaml:"weak_enhance_detection"`
}

// check returns Zoom's complaint about a passcode, or "" when it conforms.
// weak_enhance_detection is not modelled: Zoom does not publish its list.
func (r Requirement) check(p string) string { return r.checkFor(Update, p) }

// checkFor is check for one kind of request: a create takes more characters.
func (r Requirement) checkFor(op Op, p string) string {
	allowed := specials
	if op == Create {
		allowed = createSpecials
	}
	if len(p) > maxPasscode {
		return "Password cannot exceed 10 characters."
	}
	if len(p) < r.Length {
		return "Password does not meet the minimum length of the account's requirement."
	}
	letters, digits, special, upper, lower := false, false, false, false, false
	for i := range len(p) {
		switch c := p[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c >= 'a' && c <= 'z':
			letters, lower = true, true
		case c >= 'A' && c <= 'Z':
			letters, upper = true, true
		case strings.IndexByte(allowed, c) >= 0:
			special = true
		default:
			return "Password may only contain the following characters: [a-z A-Z 0-9 " + strings.Join(strings.Split(allowed, ""), " ") + "]."
		}
	}
	switch {
	case r.OnlyNumeric && (letters || special):
		return "Password may only contain numbers."
	case r.OnlyNumeric:
	case r.HaveLetter && !letters:
		return "Password must have at least one letter."
	case r.HaveNumber && !digits:
		return "Password must have at least one number."
	case r.HaveSpecial && !special:
		return "Password must have at least one special character."
	case r.HaveUpperAndLower && (!upper || !lower):
		return "Password must have both uppercase and lowercase characters."
	}
	if n := r.ConsecutiveLength; n > 1 && hasRun(p, n) {
		return "Password contains too many consecutive characters."
	}
	return ""
}

// keyRows are the QWERTY rows; other keyboards are unknown (Z-CODE-7).
var keyRows = [...]string{"qwertyuiop", "asdfghjkl", "zxcvbnm"}

// hasRun reports n characters in a row that repeat, count up or down, or
// follow a keyboard row: 1111, 1234, dcba, qwer.
func hasRun(p string, n int) bool {
	p = strings.ToLower(p)
	same, up, down, right, left := 1, 1, 1, 1, 1
	for i := 1; i < len(p); i++ {
		a, b := p[i-1], p[i]
		kind := alnum(a) && alnum(b)
		same = grow(same, a == b)
		up = grow(up, kind && b == a+1)
		down = grow(down, kind && b+1 == a)
		right = grow(right, onRow(a, b))
		left = grow(left, onRow(b, a))
		if max(same, up, down, right, left) >= n {
			return true
		}
	}
	return false
}

func grow(run int, more bool) int {
	if more {
		return run + 1
	}
	return 1
}

func alnum(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' }

func onRow(a, b byte) bool {
	for _, row := range keyRows {
		if i := strings.IndexByte(row, a); i >= 0 && i+1 < len(row) && row[i+1] == b {
			return true
		}
	}
	return false
}
