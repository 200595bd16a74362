package zoomsim

import (
	"maps"
	"net/http"
	"strings"
)

// Tally is what was called and sent in all. Unlike the history nothing falls out of it.
type Tally struct {
	// Calls are those to the API, by method and pattern; tokens are not among them.
	Calls map[string]int
	// Labels are the same by label, Busiest the most in one second by label, of one account.
	Labels, Busiest map[string]int
	// Refused are the answers 429: "second", "day" and "host".
	Refused map[string]int
	Tokens  int
	// Webhooks are those that were queued, by event; Ended what became of them, by state.
	Webhooks, Ended map[string]int
}

// Total is how many calls were made.
func (t Tally) Total() (n int) {
	for _, c := range t.Calls {
		n += c
	}
	return n
}

func newTally() Tally {
	return Tally{Calls: map[string]int{}, Labels: map[string]int{}, Busiest: map[string]int{}, Refused: map[string]int{}, Webhooks: map[string]int{}, Ended: map[string]int{}}
}

// Tally returns a copy of the totals since the start or the last reset.
func (s *Server) Tally() Tally {
	s.mu.Lock()
	t := s.tally
	t.Calls, t.Labels, t.Busiest, t.Refused = maps.Clone(t.Calls), maps.Clone(t.Labels), maps.Clone(t.Busiest), maps.Clone(t.Refused)
	s.mu.Unlock()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	t.Webhooks, t.Ended = maps.Clone(s.out.queued), maps.Clone(s.out.ended)
	return t
}

// ResetTally begins them anew.
func (s *Server) ResetTally() {
	s.mu.Lock()
	s.tally = newTally()
	s.mu.Unlock()
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	clear(s.out.queued)
	clear(s.out.ended)
}

// count adds a call that was answered; the lock is held.
func (s *Server) count(r *Request, message string) {
	if r.Label == "" {
		s.tally.Tokens++
		return
	}
	s.tally.Calls[r.Method+" "+r.Route]++
	s.tally.Labels[r.Label]++
	second := rateKey{r.AccountID + "/" + r.Label, r.At.Unix()}
	if s.second.at != second.at {
		s.second.at, s.second.n = second.at, map[string]int{}
	}
	s.second.n[second.label]++
	s.tally.Busiest[r.Label] = max(s.tally.Busiest[r.Label], s.second.n[second.label])
	if r.Status != http.StatusTooManyRequests {
		return
	}
	kind := "host"
	switch {
	case message == msgPerSecond:
		kind = "second"
	case message == msgDaily:
		kind = "day"
	}
	s.tally.Refused[kind]++
}

// secondCalls counts the calls of the present second by account and label.
type secondCalls struct {
	at int64
	n  map[string]int
}

// SpendCalls takes n calls of a label from what the account may make this second and this
// day, as another of its apps would. More than is left takes what is left. "" is the first account.
func (s *Server) SpendCalls(accountID, label string, n int) error {
	return s.changeApp(accountID, func(a *account) error {
		for range n {
			if _, refused := a.admit(label, s.now()); refused != nil {
				return nil
			}
		}
		return nil
	})
}

// SpendHostDay takes n of the 100 creates and updates of a host's UTC day, as another app
// would that changes meetings; no meeting is made or changed, and no event sent.
func (s *Server) SpendHostDay(hostID string, n int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.world.user(hostID)
	if u == nil {
		return noUser(hostID)
	}
	k := dayKey{u.ID, utcDay(s.now())}
	u.acct.budget[k] = min(u.acct.budget[k]+n, hostBudget)
	return nil
}

// indexed finds users by id or, in any case of letters, e-mail address.
func (a *account) indexed() map[string]*user {
	if a.index == nil {
		a.index = map[string]*user{}
		for _, u := range a.users {
			a.put(u)
		}
	}
	return a.index
}

func (a *account) put(u *user) {
	for _, name := range []string{u.ID, strings.ToLower(u.Email)} {
		if a.index[name] == nil {
			a.index[name] = u
		}
	}
}

// join adds a user to the account.
func (a *account) join(u *user) {
	a.indexed()
	a.users = append(a.users, u)
	a.put(u)
}
