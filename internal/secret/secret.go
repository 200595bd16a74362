// Package secret holds a string that no format prints: a passcode or a
// credential. It imports nothing of latchkey, so that every package can use it.
package secret

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// String is a passcode or a credential. It never prints: every formatting,
// logging and JSON route writes a placeholder. Reveal is the one way out.
type String string

// Redacted is what every route but Reveal shows.
const Redacted = "[redacted]"

// Reveal returns the value itself. Its callers are the places to audit.
func (s String) Reveal() string { return string(s) }

// Format hides the value from fmt, whatever the verb: %d would print the string
// in fmt's error form.
func (s String) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// String hides the value.
func (s String) String() string { return Redacted }

// GoString hides the value from %#v.
func (s String) GoString() string { return Redacted }

// LogValue hides the value from slog.
func (s String) LogValue() slog.Value { return slog.StringValue(Redacted) }

// UnmarshalJSON takes a string or, as some senders write passcodes, a number's
// digits. Its error does not quote what was there instead.
func (s *String) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(s))
	case strings.Trim(string(b), "0123456789") != "":
		return errors.New("a string was expected")
	}
	*s = String(b)
	return nil
}

// MarshalJSON hides the value; requests that must carry one spell it out.
func (s String) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }
