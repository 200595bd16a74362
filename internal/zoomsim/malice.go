package zoomsim

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"time"
)

// Malice are knobs for hostility that comes at random: each is a probability
// from 0 (off) to 1 (always), one knob for one hostility. All draws come from
// the seed, so a single-threaded run repeats; concurrent calls draw in the
// order in which they arrive. Armed faults go before malice.
type Malice struct {
	// On API calls.
	OverwritePatch float64 `json:"overwrite_patch,omitempty" yaml:"overwrite_patch"` // 204, and a generated passcode on top
	NoEffect       float64 `json:"no_effect,omitempty" yaml:"no_effect"`             // 204, and nothing changed
	StaleRead      float64 `json:"stale_read,omitempty" yaml:"stale_read"`           // GET from before the last write
	SettingsFlip   float64 `json:"settings_flip,omitempty" yaml:"settings_flip"`     // some host's passcode setting flips before a call
	RatePerSecond  float64 `json:"rate_per_second,omitempty" yaml:"rate_per_second"` // 429 of each kind
	RateDaily      float64 `json:"rate_daily,omitempty" yaml:"rate_daily"`
	RateHost       float64 `json:"rate_host,omitempty" yaml:"rate_host"`           // creates and updates
	ServerError    float64 `json:"server_error,omitempty" yaml:"server_error"`     // 500, 502, 503 or 504, JSON or a proxy's page
	NotFound       float64 `json:"not_found,omitempty" yaml:"not_found"`           // 404 for a meeting that exists
	HTML404        float64 `json:"html_404,omitempty" yaml:"html_404"`             // a proxy's page
	HTML403        float64 `json:"html_403,omitempty" yaml:"html_403"`             // another one's
	Slow           float64 `json:"slow,omitempty" yaml:"slow"`                     // answered after SlowFor
	Torn           float64 `json:"torn,omitempty" yaml:"torn"`                     // half a body
	Dropped        float64 `json:"dropped,omitempty" yaml:"dropped"`               // no answer, before or after it was done
	RevokeToken    float64 `json:"revoke_token,omitempty" yaml:"revoke_token"`     // every token becomes invalid
	StringIDs      float64 `json:"string_ids,omitempty" yaml:"string_ids"`         // ids as strings, webhooks too
	UnknownFields  float64 `json:"unknown_fields,omitempty" yaml:"unknown_fields"` // in answers and webhooks

	// On webhooks.
	WebhookDuplicate float64 `json:"webhook_duplicate,omitempty" yaml:"webhook_duplicate"` // sent twice, another request id
	WebhookLate      float64 `json:"webhook_late,omitempty" yaml:"webhook_late"`           // after LateFor
	WebhookReorder   float64 `json:"webhook_reorder,omitempty" yaml:"webhook_reorder"`     // after the one that follows
	WebhookLost      float64 `json:"webhook_lost,omitempty" yaml:"webhook_lost"`           // never
	WebhookOdd       float64 `json:"webhook_odd,omitempty" yaml:"webhook_odd"`             // an oddity seen in real deliveries

	SlowFor time.Duration `json:"slow_for,omitempty" yaml:"slow_for"` // default 200ms
	LateFor time.Duration `json:"late_for,omitempty" yaml:"late_for"` // default 1s
}

const (
	defaultSlow = 200 * time.Millisecond
	defaultLate = time.Second
)

// check refuses probabilities outside of 0 to 1 by the knob's name.
func (m Malice) check() error {
	v := reflect.ValueOf(m)
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if v.Field(i).Kind() == reflect.Float64 && (v.Field(i).Float() < 0 || v.Field(i).Float() > 1) {
			return fmt.Errorf("malice: %s: want a probability from 0 to 1, not %v", f.Tag.Get("yaml"), v.Field(i).Float())
		}
	}
	if m.SlowFor < 0 || m.LateFor < 0 {
		return fmt.Errorf("malice: slow_for and late_for cannot be negative")
	}
	return nil
}

// merge puts the knobs of over that are turned on top of m's.
func (m Malice) merge(over Malice) Malice {
	v, o := reflect.ValueOf(&m).Elem(), reflect.ValueOf(over)
	for i := range v.NumField() {
		if !o.Field(i).IsZero() {
			v.Field(i).Set(o.Field(i))
		}
	}
	return m
}

// SetMalice replaces all knobs while the server runs; Malice{} turns
// everything off.
func (s *Server) SetMalice(m Malice) error {
	if err := m.check(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.malice = m
	s.out.mu.Lock()
	defer s.out.mu.Unlock()
	s.out.malice = m
	return nil
}

// spite draws the knobs for one call and makes a fault of what came up, or nil.
func (s *Server) spite(method, path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, src := s.malice, s.world.src
	var f Fault
	var names []string
	draw := func(name string, p float64, applies bool) bool {
		hit := applies && src.chance(p)
		if hit {
			names = append(names, name)
		}
		return hit
	}
	token := path == "/oauth/token"
	meeting := strings.HasPrefix(path, "/v2/meetings/")
	read, patch := method == http.MethodGet, method == http.MethodPatch
	writes := patch && meeting || method == http.MethodPost && strings.HasSuffix(path, "/meetings")

	if draw("revoke_token", m.RevokeToken, !token) {
		clear(s.tokens)
	}
	if draw("settings_flip", m.SettingsFlip, !token) {
		s.flip()
	}
	if draw("slow", m.Slow, true) {
		f.Delay = orDefault(m.SlowFor, defaultSlow)
	}
	if draw("dropped", m.Dropped, true) {
		after := src.intn(2) == 1
		f.DropConnection, f.DropAfter = !after, after
	}
	switch {
	case draw("server_error", m.ServerError, true):
		f.Status = []int{500, 502, 503, 504}[src.intn(4)]
		if f.Status == 502 {
			f.page(502)
		}
	case draw("html_404", m.HTML404, !token):
		f.page(http.StatusNotFound)
	case draw("html_403", m.HTML403, !token):
		f.page(http.StatusForbidden)
	case draw("rate_per_second", m.RatePerSecond, !token):
		f.rate(msgPerSecond, rateHeaders(Light, "QPS", 30, 0, "1"))
	case draw("rate_daily", m.RateDaily, !token):
		f.rate(msgDaily, rateHeaders(Light, "Daily-limit", 6000, 0, nextDay(s.now()).Format(time.RFC3339)))
	case draw("rate_host", m.RateHost, writes):
		f.rate(msgHostDay, hostDayHeaders())
	}
	if draw("overwrite_patch", m.OverwritePatch, patch && meeting) {
		f.Overwrite = &Overwrite{GeneratePasscode: true}
	}
	f.NoEffect = draw("no_effect", m.NoEffect, patch)
	f.NotFound = draw("not_found", m.NotFound, read && meeting)
	f.Stale = draw("stale_read", m.StaleRead, read && meeting)
	f.TruncateBody = draw("torn", m.Torn, true)
	f.StringIDs = draw("string_ids", m.StringIDs, true)
	f.UnknownFields = draw("unknown_fields", m.UnknownFields, true)
	if len(names) == 0 {
		return nil
	}
	f.label = "malice: " + strings.Join(names, ", ")
	return &f
}

// page answers as a proxy in between does, without Zoom's JSON (Z-ERR-15).
func (f *Fault) page(status int) {
	f.Status = status
	f.Body = fmt.Sprintf("<html><body><h1>%d %s</h1></body></html>", status, http.StatusText(status))
}

func (f *Fault) rate(message string, headers map[string]string) {
	f.Status, f.Code, f.Message, f.Headers = http.StatusTooManyRequests, 429, message, headers
}

func orDefault(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// flip turns some host's own passcode setting around, webhook included.
func (s *Server) flip() {
	a := s.world.accounts[s.world.src.intn(len(s.world.accounts))]
	if len(a.users) == 0 {
		return
	}
	u := a.users[s.world.src.intn(len(a.users))]
	r := a.resolve(u)
	patch := Set("meeting_security.meeting_password", !r.on.has(keyMeetingPassword))
	events, err := s.world.changeUser(u, patch, true, s.now())
	if err != nil {
		s.log.Error("malice: settings flip", "error", err)
		return
	}
	s.emit(events...)
}
