package zoomsim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Fault makes calls that match it go wrong. Match is by method (""= any) and
// by path prefix or regular expression, the path as sent: /v2/meetings/123.
// Effects combine; the zero fault matches everything and does nothing.
type Fault struct {
	Method     string `json:"method,omitempty" yaml:"method"`
	PathPrefix string `json:"path_prefix,omitempty" yaml:"path_prefix"`
	Pattern    string `json:"pattern,omitempty" yaml:"pattern"`
	// After lets so many matching calls pass first; Times is how many are
	// then hit, 0 = all.
	After int `json:"after,omitempty" yaml:"after"`
	Times int `json:"times,omitempty" yaml:"times"`

	// Status answers with Code and Message instead of handling the call. A
	// 2xx answers an empty body: a success that did nothing.
	Status  int               `json:"status,omitempty" yaml:"status"`
	Code    int               `json:"code,omitempty" yaml:"code"`
	Message string            `json:"message,omitempty" yaml:"message"`
	Body    string            `json:"body,omitempty" yaml:"body"` // raw, instead of Zoom's JSON
	Headers map[string]string `json:"headers,omitempty" yaml:"headers"`

	Delay          time.Duration `json:"-" yaml:"delay"`                                   // before anything else; JSON "200ms"
	DropConnection bool          `json:"drop_connection,omitempty" yaml:"drop_connection"` // before handling
	DropAfter      bool          `json:"drop_after,omitempty" yaml:"drop_after"`           // handled, no answer
	TruncateBody   bool          `json:"truncate_body,omitempty" yaml:"truncate_body"`     // handled, half an answer

	// NoEffect answers a PATCH or DELETE with success, counts it, and changes
	// nothing.
	NoEffect bool `json:"no_effect,omitempty" yaml:"no_effect"`
	// Overwrite is put on top of what a create or update made of a meeting.
	Overwrite *Overwrite `json:"overwrite,omitempty" yaml:"overwrite"`
	// Stale answers a GET of a meeting from before its last write.
	Stale bool `json:"stale,omitempty" yaml:"stale"`
	// NotFound answers a GET of a meeting that exists with 404 and code 3001.
	NotFound bool `json:"not_found,omitempty" yaml:"not_found"`
	// StringIDs and UnknownFields bend the answer's JSON.
	StringIDs     bool `json:"string_ids,omitempty" yaml:"string_ids"`
	UnknownFields bool `json:"unknown_fields,omitempty" yaml:"unknown_fields"`

	re    *regexp.Regexp
	seen  int
	label string // for the request list
}

// Overwrite is what Zoom makes of a meeting against the request: "answers 204
// and may still overwrite what was asked" (Z-RULE-17). Nil leaves as it is.
type Overwrite struct {
	Passcode              *string `json:"passcode,omitempty" yaml:"passcode"` // "" removes it
	GeneratePasscode      bool    `json:"generate_passcode,omitempty" yaml:"generate_passcode"`
	WaitingRoom           *bool   `json:"waiting_room,omitempty" yaml:"waiting_room"`
	MeetingAuthentication *bool   `json:"meeting_authentication,omitempty" yaml:"meeting_authentication"`
}

// overwrite puts o on the meeting, or on one date of it, of which it can reach
// the waiting room alone.
func (w *world) overwrite(m *meeting, o *Overwrite, occurrenceID string) {
	if o == nil {
		return
	}
	if occurrenceID != "" {
		if i, err := m.occurrenceAt(occurrenceID); err == nil && o.WaitingRoom != nil {
			date := m.Occurrences[i]
			date.WaitingRoom = o.WaitingRoom
			m.setDate(i, date)
		}
		return
	}
	if o.Passcode != nil {
		m.Passcode = *o.Passcode
	}
	if o.GeneratePasscode {
		r := m.host.acct.resolve(m.host)
		m.Passcode = w.src.passcode(r.req)
	}
	if o.WaitingRoom != nil {
		m.WaitingRoom = *o.WaitingRoom
	}
	if o.MeetingAuthentication != nil {
		m.Authentication = *o.MeetingAuthentication
	}
}

type plainFault Fault

// UnmarshalJSON reads delay as a duration string and refuses unknown keys.
func (f *Fault) UnmarshalJSON(b []byte) error {
	v := struct {
		*plainFault
		Delay string `json:"delay"`
	}{plainFault: (*plainFault)(f)}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		return err
	}
	if v.Delay == "" {
		return nil
	}
	d, err := time.ParseDuration(v.Delay)
	f.Delay = d
	return err
}

// MarshalJSON writes delay as a duration string.
func (f Fault) MarshalJSON() ([]byte, error) {
	v := struct {
		plainFault
		Delay string `json:"delay,omitempty"`
	}{plainFault: plainFault(f)}
	if f.Delay > 0 {
		v.Delay = f.Delay.String()
	}
	return json.Marshal(v)
}

// AddFault arms a fault; those added first match first, and one fault serves
// one call.
func (s *Server) AddFault(f Fault) error {
	if f.Pattern != "" {
		re, err := regexp.Compile(f.Pattern)
		if err != nil {
			return fmt.Errorf("fault pattern: %w", err)
		}
		f.re = re
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return errors.New("fault status: want 200 to 599")
	}
	f.label = "fault"
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &f)
	return nil
}

// ClearFaults disarms every fault.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// FaultsHit is how many calls an armed fault has hit so far, those included
// whose answer is still being delayed.
func (s *Server) FaultsHit() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faultsHit
}

// takeFault finds the fault for a call and counts it.
func (s *Server) takeFault(method, path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if !f.matches(method, path) {
			continue
		}
		f.seen++
		if f.seen <= f.After || f.Times > 0 && f.seen > f.After+f.Times {
			continue
		}
		s.faultsHit++
		hit := *f
		return &hit
	}
	return nil
}

func (f *Fault) matches(method, path string) bool {
	return (f.Method == "" || strings.EqualFold(f.Method, method)) &&
		strings.HasPrefix(path, f.PathPrefix) && (f.re == nil || f.re.MatchString(path))
}

// failure is the answer of a fault with a status.
func (f *Fault) failure() *Error {
	e := &Error{Status: f.Status, Code: f.Code, Message: f.Message, Headers: f.Headers}
	if e.Code == 0 {
		e.Code = f.Status
	}
	if e.Message == "" {
		e.Message = http.StatusText(f.Status)
	}
	return e
}
