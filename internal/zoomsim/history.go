package zoomsim

import (
	"slices"
	"time"
)

// Request is one call to /v2 or /oauth as the simulator saw it. It holds no
// query, no body and no token, since all three can carry secrets.
type Request struct {
	At        time.Time `json:"at"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Route     string    `json:"route"`           // the pattern, "" for none
	Label     string    `json:"label,omitempty"` // Light, Medium, Heavy
	AccountID string    `json:"account_id,omitempty"`
	HostID    string    `json:"host_id,omitempty"`
	MeetingID int64     `json:"meeting_id,omitempty"`
	// Passcode is what a create or update said: absent, none or given.
	Passcode string `json:"passcode,omitempty"`
	Status   int    `json:"status"` // 0: the connection was dropped
	Code     int    `json:"code,omitempty"`
	Fault    string `json:"fault,omitempty"` // which fault or knob hit it
	// TrackingID is the answer's x-zm-trackingid.
	TrackingID string `json:"tracking_id,omitempty"`
}

// Requests lists every call since the start or the last reset, in the order
// in which they were answered.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// ResetRequests empties the list.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = nil
}

func (s *Server) record(r Request) {
	s.log.Debug("request", "method", r.Method, "path", r.Path, "status", r.Status, "code", r.Code,
		"account", r.AccountID, "fault", r.Fault)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tally.answered(&r)
	s.requests = keep(s.requests, r, s.history)
}

// defaultHistory caps the lists of requests and of deliveries.
const defaultHistory = 50_000

// keep adds one to a list of at most so many; where it would be more the older
// half goes. No room keeps none.
func keep[T any](list []T, one T, most int) []T {
	if most <= 0 {
		return nil
	}
	if len(list) >= most {
		list = slices.Clone(list[len(list)-most/2:])
	}
	return append(list, one)
}

func (a Ask) String() string { return [...]string{"absent", "none", "given"}[a] }
