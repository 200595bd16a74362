package zoomsim

import (
	"errors"
	"fmt"
	"slices"
)

// The calls of this file are what other apps of the account do to the limits
// that all of its apps share. They change nothing else: no request is listed,
// no meeting made, no webhook sent.

// SpendCalls takes n calls of a label (Light, Medium, Heavy) off an account's
// rate of the present second and UTC day; "" is the first account. What a limit
// that is on has no room for is refused to the other app, and takes nothing.
func (s *Server) SpendCalls(accountID, label string, n int) error {
	switch {
	case !slices.Contains([]string{Light, Medium, Heavy}, label):
		return fmt.Errorf("zoomsim: label %q: want Light, Medium or Heavy", label)
	case n < 0:
		return errors.New("zoomsim: calls cannot be given back")
	}
	return s.changeApp(accountID, func(a *account) error {
		sec, day := a.now(label, s.now())
		q := a.quota(label)
		if a.Limits.PerSecond {
			n = min(n, max(q.perSecond-a.window[sec], 0))
		}
		if a.Limits.Daily && q.perDay > 0 {
			n = min(n, max(q.perDay-a.day[day], 0))
		}
		a.window[sec] += n
		a.day[day] += n
		return nil
	})
}

// SpendHostDay takes n of a host's 100 creates and updates of the UTC day, by
// the host's id or email; those beyond the 100 are refused to the other app. The
// calls that they were, Light ones, are not taken: SpendCalls does that.
func (s *Server) SpendHostDay(hostID string, n int) error {
	if n < 0 {
		return errors.New("zoomsim: creates and updates cannot be given back")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.world.user(hostID)
	if u == nil {
		return noUser(hostID)
	}
	now := s.now()
	u.spendToday(min(n, max(hostBudget-u.spentToday(now), 0)), now)
	return nil
}
