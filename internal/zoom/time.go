package zoom

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Time is a time as Zoom writes it: RFC 3339, "" or absent when there is none.
type Time struct{ time.Time }

// UnmarshalJSON accepts RFC 3339 with or without fractions and zone (none
// means UTC); "" and null become the zero time.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("time is not a string")
	}
	s = strings.TrimSpace(s)
	if s == "" {
		t.Time = time.Time{}
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05"} {
		at, err := time.Parse(layout, s)
		if at = at.UTC(); err == nil && at.Year() >= 1 && at.Year() <= 9999 { // in UTC too
			t.Time = at
			return nil
		}
	}
	return fmt.Errorf("time is not RFC 3339")
}
