// Package zoom speaks Zoom's API: server-to-server OAuth, the calls latchkey
// needs, Zoom's rate limits, and its errors as one typed value that callers
// can decide on. It also knows the shapes of Zoom's webhook events.
//
// Everything that arrives is treated as hostile: answers are capped, deadlines
// are set, ids may be numbers or strings, unknown fields are ignored.
package zoom

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MeetingID is a Zoom meeting number: 9 to 11 digits, more than int32 holds.
// Zoom sends it as a number or as a string (Z-EVENT-18); both decode.
type MeetingID int64

// String is the number in decimal, as people know it.
func (id MeetingID) String() string { return strconv.FormatInt(int64(id), 10) }

// UnmarshalJSON accepts 85746065432 and "85746065432"; anything else, zero and
// negative numbers included, is an error.
func (id *MeetingID) UnmarshalJSON(b []byte) error {
	s := string(b)
	if s == "null" {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		if err := json.Unmarshal(b, &s); err != nil {
			return err
		}
	}
	if strings.HasPrefix(s, "-") {
		return errors.New("meeting id is negative") // not a dash between digits
	}
	n, err := ParseMeetingID(s)
	if err != nil {
		return err
	}
	*id = n
	return nil
}

// ParseMeetingID reads a meeting number. Spaces and dashes between the digits,
// as people write them ("857 4606 5432"), are allowed.
func ParseMeetingID(s string) (MeetingID, error) {
	digits := make([]byte, 0, 12)
	for _, c := range []byte(s) {
		switch {
		case c >= '0' && c <= '9':
			digits = append(digits, c)
		case c == ' ' || c == '-':
		default:
			return 0, fmt.Errorf("meeting id holds %q: want 9 to 11 digits", c)
		}
	}
	if len(digits) < 9 || len(digits) > 11 {
		return 0, fmt.Errorf("meeting id has %d digits: want 9 to 11", len(digits))
	}
	n, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || n < 1e8 {
		return 0, errors.New("meeting id begins with 0: want 9 to 11 digits")
	}
	return MeetingID(n), nil
}
