package zoomsim

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Limits says which of Zoom's rate limits answer 429. The 100 creates and
// updates of a host and UTC day are always counted.
type Limits struct {
	PerSecond bool `json:"per_second"`
	Daily     bool `json:"daily"`
	// HostRemaining shows the 100 in the answers to creates and updates, as
	// X-RateLimit-Limit and -Remaining (Z-LIMIT-9). Off, they show another
	// limit, as every answer does.
	HostRemaining bool `json:"host_remaining"`
}

// UnmarshalYAML takes on, off, or {per_second: on, daily: off, host_remaining: on}.
func (l *Limits) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		on, err := onOff(n)
		*l = Limits{PerSecond: on, Daily: on}
		return err
	}
	*l = Limits{PerSecond: true, Daily: true}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: limits: want on, off or {per_second, daily, host_remaining}", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		var err error
		switch k := n.Content[i]; k.Value {
		case "per_second":
			l.PerSecond, err = onOff(n.Content[i+1])
		case "daily":
			l.Daily, err = onOff(n.Content[i+1])
		case "host_remaining":
			l.HostRemaining, err = onOff(n.Content[i+1])
		default:
			err = fmt.Errorf("line %d: limits: unknown key %q", k.Line, k.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func onOff(n *yaml.Node) (bool, error) {
	switch n.Value {
	case "on", "true":
		return true, nil
	case "off", "false":
		return false, nil
	}
	return false, fmt.Errorf("line %d: want on or off, not %q", n.Line, n.Value)
}

// The labels of Zoom's calls.
const (
	Light  = "Light"
	Medium = "Medium"
	Heavy  = "Heavy"
)

// quota is one cell of Zoom's table; 0 means no limit (Z-LIMIT-1 to Z-LIMIT-3).
type quota struct{ perSecond, perDay int }

func (a *account) quota(label string) quota {
	switch a.Plan {
	case PlanFree:
		return quotas[0][label]
	case PlanPro:
		return quotas[1][label]
	}
	return quotas[2][label]
}

var quotas = [...]map[string]quota{
	{Light: {4, 6_000}, Medium: {2, 2_000}, Heavy: {1, 1_000}},
	{Light: {30, 0}, Medium: {20, 0}, Heavy: {10, 30_000}},
	{Light: {80, 0}, Medium: {60, 0}, Heavy: {40, 60_000}},
}

type rateKey struct {
	label string
	at    int64 // the second or the day
}

// hostBudget is the number of meeting creates and updates a host and UTC day.
const hostBudget = 100

// Zoom's own words for the three limits.
const (
	msgPerSecond = "You have reached the maximum per-second rate limit for this API. Try again later."
	msgDaily     = "You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request."
	msgHostDay   = "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00."
)

func utcDay(t time.Time) int64 { return t.Unix() / 86_400 }

// admit counts one call of a label and returns the rate headers every answer
// carries, or the 429. The account's limit is shared by all of its apps.
func (a *account) admit(label string, now time.Time) (map[string]string, *Error) {
	q := a.quota(label)
	sec, day := a.now(label, now)
	switch {
	case a.Limits.Daily && q.perDay > 0 && a.day[day] >= q.perDay:
		return nil, tooMany(msgDaily, rateHeaders(label, "Daily-limit", q.perDay, 0, nextDay(now).Format(time.RFC3339)))
	case a.Limits.PerSecond && a.window[sec] >= q.perSecond:
		return nil, tooMany(msgPerSecond, rateHeaders(label, "QPS", q.perSecond, 0, "1"))
	}
	a.window[sec]++
	a.day[day]++
	if q.perDay > 0 {
		return rateHeaders(label, "Daily-limit", q.perDay, max(q.perDay-a.day[day], 0), ""), nil
	}
	return rateHeaders(label, "QPS", q.perSecond, max(q.perSecond-a.window[sec], 0), ""), nil
}

// now returns where the calls of a label are counted at a time, and forgets
// other seconds and days: they are of no further interest.
func (a *account) now(label string, now time.Time) (sec, day rateKey) {
	sec, day = rateKey{label, now.Unix()}, rateKey{label, utcDay(now)}
	fresh := func(in map[rateKey]int, k rateKey) {
		if _, ok := in[k]; ok {
			return
		}
		clear(in)
		for _, l := range []string{Light, Medium, Heavy} {
			in[rateKey{l, k.at}] = 0
		}
	}
	fresh(a.window, sec)
	fresh(a.day, day)
	return sec, day
}

// kind names the limit that a 429 of Zoom's own speaks of.
func (e *Error) kind() string {
	switch e.Message {
	case msgPerSecond:
		return RefusedPerSecond
	case msgDaily:
		return RefusedDaily
	}
	return RefusedHostDay
}

// spend takes one of the host's 100. The 429 carries the headers of another
// limit and neither type nor Retry-After (Z-LIMIT-6), so a client can tell
// it by the message alone.
func (u *user) spend(now time.Time) *Error {
	if u.spentToday(now) >= hostBudget {
		return tooMany(msgHostDay, hostDayHeaders())
	}
	u.spendToday(1, now)
	return nil
}

func (u *user) spentToday(now time.Time) int {
	if u.spentDay != utcDay(now) {
		return 0
	}
	return u.spent
}

func (u *user) spendToday(n int, now time.Time) {
	u.spent, u.spentDay = u.spentToday(now)+n, utcDay(now)
}

// showRemaining puts what is left of the host's 100 into an answer's headers.
// The type goes: Zoom names none beside this limit (Z-LIMIT-6).
func (u *user) showRemaining(headers map[string]string, now time.Time) {
	delete(headers, "X-RateLimit-Type")
	headers["X-RateLimit-Limit"] = strconv.Itoa(hostBudget)
	headers["X-RateLimit-Remaining"] = strconv.Itoa(max(hostBudget-u.spentToday(now), 0))
}

// SetLimits replaces the limits of an account; "" is the first.
func (s *Server) SetLimits(accountID string, l Limits) error {
	return s.changeApp(accountID, func(a *account) error {
		a.Limits = l
		return nil
	})
}

// controlLimits serves them. What a PUT does not name stays.
func (s *Server) controlLimits(mux *http.ServeMux) {
	read := func(r *http.Request) (l Limits, err error) {
		err = s.changeApp(r.URL.Query().Get("account"), func(a *account) error { l = a.Limits; return nil })
		return l, err
	}
	s.op(mux, "GET /_sim/limits", http.StatusOK, func(r *http.Request) (any, error) { return read(r) })
	s.do(mux, "PUT /_sim/limits", func(r *http.Request) error {
		l, err := read(r)
		if err != nil {
			return err
		}
		if err := readStrict(r, &l); err != nil {
			return err
		}
		return s.SetLimits(r.URL.Query().Get("account"), l)
	})
}

func hostDayHeaders() map[string]string {
	return map[string]string{
		"X-RateLimit-Category": Light, "X-RateLimit-Limit": "6000", "X-RateLimit-Remaining": "5971",
	}
}

func tooMany(message string, headers map[string]string) *Error {
	e := failure(http.StatusTooManyRequests, 429, "%s", message)
	e.Headers = headers
	return e
}

func rateHeaders(label, kind string, limit, left int, retry string) map[string]string {
	h := map[string]string{
		"X-RateLimit-Category": label, "X-RateLimit-Type": kind,
		"X-RateLimit-Limit": strconv.Itoa(limit), "X-RateLimit-Remaining": strconv.Itoa(left),
	}
	if retry != "" {
		h["Retry-After"] = retry
	}
	return h
}

func nextDay(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}
