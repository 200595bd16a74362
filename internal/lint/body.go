package lint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// MaxBody is the largest body that is looked at; Zoom's own are far smaller.
const MaxBody = 1 << 20

// deepest bounds the nesting; Zoom's schema has five levels.
const deepest = 32

// value is one JSON value: nil, bool, string, json.Number, *object or list.
type value any

// object keeps its members in the order in which they were written.
type object struct {
	names  []string
	values map[string]value
}

// list stands for an array: nothing that is judged is in one.
type list struct{}

// parse reads a body. Its errors never hold a value: one may be a passcode.
func parse(raw []byte) (*object, error) {
	if len(raw) > MaxBody {
		return nil, errors.New("the body is larger than 1 MiB")
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // some editors begin a file with it
	if !utf8.Valid(raw) {
		return nil, errors.New("the body is not UTF-8, which JSON must be")
	}
	text := bytes.TrimLeft(raw, " \t\r\n")
	if len(text) == 0 {
		return nil, errors.New("the body is empty: want the JSON object that is sent to create a meeting")
	}
	if tooDeep(raw) {
		return nil, fmt.Errorf("the body is nested deeper than %d levels", deepest)
	}
	var whole json.RawMessage
	if err := json.Unmarshal(raw, &whole); err != nil {
		return nil, notJSON(raw, err)
	}
	if text[0] != '{' {
		return nil, fmt.Errorf("the body is %s: want the JSON object that is sent to create a meeting", kindOf(text[0]))
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	v, err := read(dec, nil)
	if err != nil {
		return nil, err
	}
	return v.(*object), nil
}

// notJSON says where, and not what: encoding/json would quote a character.
func notJSON(raw []byte, err error) error {
	var at *json.SyntaxError
	if !errors.As(err, &at) || at.Offset > int64(len(raw)) {
		return errors.New("the body is not JSON")
	}
	if at.Offset == int64(len(raw)) && strings.Contains(at.Error(), "unexpected end") {
		return errors.New("the body is cut off: it ends within a JSON value")
	}
	before := raw[:max(at.Offset-1, 0)]
	line, column := 1+bytes.Count(before, []byte("\n")), len(before)-bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("the body is not one JSON object: it goes wrong in line %d at byte %d", line, column)
}

// tooDeep looks before anything that recurses does.
func tooDeep(raw []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

func read(dec *json.Decoder, at path) (value, error) {
	t, err := dec.Token()
	if err != nil {
		return nil, unreadable(err)
	}
	open, isDelim := t.(json.Delim)
	if !isDelim {
		return t, nil
	}
	o := &object{values: map[string]value{}}
	for i := 0; dec.More(); i++ {
		name := strconv.Itoa(i)
		if open == '{' {
			key, err := dec.Token()
			if err != nil {
				return nil, unreadable(err)
			}
			name, _ = key.(string)
			if _, twice := o.values[name]; twice {
				return nil, fmt.Errorf("%s is there twice: which of the two holds would be a guess", at.with(name))
			}
		}
		v, err := read(dec, at.with(name))
		if err != nil {
			return nil, err
		}
		if open == '{' {
			o.names, o.values[name] = append(o.names, name), v
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, unreadable(err)
	}
	if open == '[' {
		return list{}, nil
	}
	return o, nil
}

func unreadable(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the body is cut off: it ends within a JSON value")
	}
	return errors.New("the body is not JSON")
}

// path is where in the body something is.
type path []string

func (p path) with(name string) path { return append(p[:len(p):len(p)], name) }

// longestName is where a name that somebody else wrote is cut off when it is shown.
const longestName = 60

// String writes $.settings.waiting_room; a name that is no plain word is quoted,
// so that it can neither end a line nor colour a terminal.
func (p path) String() string {
	s := "$"
	for _, name := range p {
		more := ""
		if short := []rune(name); len(short) > longestName {
			name, more = string(short[:longestName]), "…"
		}
		plain := name != "" && !strings.ContainsFunc(name, func(c rune) bool {
			return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-')
		})
		if !plain {
			s += "[" + strconv.QuoteToASCII(name) + more + "]"
		} else {
			s += "." + name + more
		}
	}
	return s
}

// kindOf is what a JSON text is that begins with that character.
func kindOf(c byte) string {
	switch {
	case c == '[':
		return "an array"
	case c == '"':
		return "a string"
	case c == 't' || c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	}
	return "a number"
}

// kind is what a value is, in words.
func kind(v value) string {
	switch v.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case list:
		return "an array"
	}
	return "an object"
}
