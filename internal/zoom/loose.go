package zoom

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode"

	"latchkey/internal/secret"
)

// loose reads a T where one can be read. What is missing, null or unusable is
// nil and no error: one odd field must not cost the others.
type loose[T any] struct {
	value *T
	bad   bool // it was there and could not be used
}

func (l *loose[T]) UnmarshalJSON(raw []byte) error {
	*l = loose[T]{}
	if string(raw) == "null" {
		return nil
	}
	v := new(T)
	if err := json.Unmarshal(raw, v); err != nil {
		l.bad = true
		return nil
	}
	l.value = v
	return nil
}

// looseSecret reads a passcode where one can be one: Zoom's have ten characters at
// most (Z-CODE-1), and none is a control character.
type looseSecret struct{ loose[secret.String] }

func (l *looseSecret) UnmarshalJSON(raw []byte) error {
	err := l.loose.UnmarshalJSON(raw)
	if v := l.value; v != nil && (len(*v) > longestSecret || strings.ContainsFunc(v.Reveal(), unicode.IsControl)) {
		l.value, l.bad = nil, true
	}
	return err
}

// longestSecret leaves room for what Zoom might allow one day, in bytes.
const longestSecret = 100

// or returns the value, or what to take instead.
func (l loose[T]) or(otherwise T) T {
	if l.value == nil {
		return otherwise
	}
	return *l.value
}

// flexibleInt reads 3, "3" and null.
type flexibleInt int64

func (n *flexibleInt) UnmarshalJSON(b []byte) error {
	s := string(bytes.Trim(b, `"`))
	if s == "null" || s == "" {
		return nil
	}
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(s, 64) // 1.6e12
		if ferr != nil || f != f || f > 1e15 || f < -1e15 {
			return errors.New("a number was expected")
		}
		v = int64(f)
	}
	*n = flexibleInt(v)
	return nil
}

// Int returns the number; 0 of a nil pointer.
func (n *flexibleInt) Int() int {
	if n == nil {
		return 0
	}
	return int(*n)
}

// flexibleString reads "a", 3 and null; anything else is an error.
type flexibleString string

func (s *flexibleString) UnmarshalJSON(b []byte) error {
	switch {
	case string(b) == "null":
		return nil
	case b[0] == '"':
		return json.Unmarshal(b, (*string)(s))
	case b[0] == '-' || (b[0] >= '0' && b[0] <= '9'):
		*s = flexibleString(b)
		return nil
	}
	return errors.New("a string was expected")
}

// flexibleBool reads true, "true", "on", 1 and their opposites; the documents of
// Zoom's events call some of these strings. Null and what is not understood
// count as not said.
type flexibleBool struct{ set, value bool }

func (b *flexibleBool) UnmarshalJSON(raw []byte) error {
	switch string(bytes.Trim(raw, `"`)) {
	case "true", "on", "1":
		*b = flexibleBool{set: true, value: true}
	case "false", "off", "0":
		*b = flexibleBool{set: true}
	}
	return nil
}
