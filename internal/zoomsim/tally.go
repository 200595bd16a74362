package zoomsim

import "maps"

// The kinds of 429 that Tally.Refused counts.
const (
	RefusedPerSecond = "per_second" // the account's limit of a second
	RefusedDaily     = "daily"      // the account's limit of a UTC day
	RefusedHostDay   = "host_day"   // the host's 100 creates and updates of a UTC day
)

// Tally is what there was since the start or the last ResetTally. It counts
// without the history, so nothing of a long run is missing in it.
type Tally struct {
	// Calls counts answers by route, such as "GET /v2/users/{userId}", and
	// status. Status 0 is a dropped connection, and route "unknown" a path or
	// method that nobody serves. Calls to /oauth/token and /_sim/ are not in it.
	Calls map[string]map[int]int `json:"calls"`
	// Labels counts the same calls by Light, Medium and Heavy.
	Labels map[string]int `json:"labels"`
	// Peak is the most calls of a label in one second of the clock (hh:mm:ss),
	// of the account that had most. It counts calls with a valid token that
	// Zoom's limits looked at, refused ones too; neither those of SpendCalls
	// nor what a fault answered.
	Peak map[string]int `json:"peak"`
	// Refused counts what the limits themselves refused, by kind. A 429 that a
	// fault or a knob made up is in Calls alone.
	Refused map[string]int `json:"refused"`
	// Tokens counts answers of /oauth/token by status.
	Tokens map[int]int `json:"tokens"`
	// Webhooks counts webhooks by event and by final state: DeliveryDelivered,
	// Refused, Gone or Lost, when that comes. One that waits for a retry is not
	// in it, and the twin of a duplicate counts for itself.
	Webhooks map[string]map[string]int `json:"webhooks"`
}

// tally is the part of it that the server's mutex guards.
type tally struct {
	calls   map[string]map[int]int
	labels  map[string]int
	peak    map[string]int
	refused map[string]int
	tokens  map[int]int
	seconds map[accountLabel]second
}

type accountLabel struct {
	acct  *account
	label string
}

// second is how many calls came in the last second that had any.
type second struct {
	at int64
	n  int
}

func newTally() tally {
	return tally{
		calls: map[string]map[int]int{}, labels: map[string]int{}, peak: map[string]int{}, refused: map[string]int{},
		tokens: map[int]int{}, seconds: map[accountLabel]second{},
	}
}

// answered counts one call that is over.
func (t *tally) answered(r *Request) {
	if r.Route == tokenRoute {
		t.tokens[r.Status]++
		return
	}
	name := "unknown"
	if r.Route != "" {
		name = r.Method + " " + r.Route
	}
	count(t.calls, name, r.Status)
	t.labels[r.Label]++
}

// weighed counts one call that the account's limits look at.
func (t *tally) weighed(a *account, label string, at int64) {
	k := accountLabel{a, label}
	s := t.seconds[k]
	if s.at != at {
		s = second{at: at}
	}
	s.n++
	t.seconds[k] = s
	t.peak[label] = max(t.peak[label], s.n)
}

func count[K comparable](in map[string]map[K]int, name string, k K) {
	if in[name] == nil {
		in[name] = map[K]int{}
	}
	in[name][k]++
}

// Tally returns the totals so far.
func (s *Server) Tally() Tally {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	t := &s.tally
	return Tally{
		Calls: copied(t.calls), Labels: maps.Clone(t.labels), Peak: maps.Clone(t.peak), Refused: maps.Clone(t.refused),
		Tokens: maps.Clone(t.tokens), Webhooks: copied(s.out.ended),
	}
}

// ResetTally starts all totals at 0. A webhook that is on its way counts when
// its end comes, after the reset.
func (s *Server) ResetTally() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.tally = newTally()
	clear(s.out.ended)
}

func copied[K comparable](in map[string]map[K]int) map[string]map[K]int {
	out := make(map[string]map[K]int, len(in))
	for name, v := range in {
		out[name] = maps.Clone(v)
	}
	return out
}
