package zoom

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/secret"
)

// Kind is what an error of Zoom's means for whoever has to decide.
type Kind string

// The kinds (Z-ERR-1 and following). What to do about each is not this package's to say.
const (
	KindUnauthorized Kind = "unauthorized"  // the token was refused twice, a new one included, or no token was granted
	KindScope        Kind = "missing_scope" // the app lacks a scope
	KindForbidden    Kind = "forbidden"     // no permission: the app's role, or this meeting's owner
	KindForeign      Kind = "foreign"       // an answer that is not Zoom's: a proxy, a gateway, a wrong URL
	KindNotFound     Kind = "not_found"     // Zoom does not know the meeting, user or group
	KindBusy         Kind = "busy"          // the meeting is in progress and may not be changed now
	KindWebinar      Kind = "webinar"       // the number belongs to a webinar
	KindRefused      Kind = "refused"       // Zoom looked at it and will not do it for this meeting or host
	KindRateSecond   Kind = "rate_second"   // per-second limit, of the whole account
	KindRateDay      Kind = "rate_day"      // daily limit of the whole account
	KindHostDay      Kind = "host_day"      // the host's 100 creates and updates of this UTC day
	KindPaidOnly     Kind = "paid_only"     // the account is free: the call does not exist for it
	KindInvalid      Kind = "invalid"       // Zoom refused the request's content
	KindServer       Kind = "server"        // 5xx
	KindTransport    Kind = "transport"     // no answer, or half of one
	KindBadAnswer    Kind = "bad_answer"    // an answer that cannot be understood
)

// Kinds is the closed set, for tests that hold other places to it.
func Kinds() []Kind {
	return []Kind{KindUnauthorized, KindScope, KindForbidden, KindForeign, KindNotFound, KindBusy, KindWebinar, KindRefused,
		KindRateSecond, KindRateDay, KindHostDay, KindPaidOnly, KindInvalid, KindServer, KindTransport, KindBadAnswer}
}

// Error is the one error type of this package. Its text never holds a
// credential, a passcode or a query string.
type Error struct {
	Kind    Kind
	Op      string // "GET /meetings/{meetingId}"
	Status  int    // HTTP status; 0 when there was no answer
	Code    int    // Zoom's own code; 0 when none
	Message string // Zoom's own words, shortened
	// RetryAt is when Zoom or our own limiter says it makes sense to try again;
	// zero when neither said.
	RetryAt time.Time
	Err     error // the cause, for transport errors
}

func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "zoom: %s: %s", e.Op, e.Kind)
	if e.Status != 0 {
		fmt.Fprintf(&b, " (HTTP %d", e.Status)
		if e.Code != 0 && e.Code != e.Status {
			fmt.Fprintf(&b, ", code %d", e.Code)
		}
		b.WriteByte(')')
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

// Unwrap returns the transport's own error, so that errors.Is sees a deadline.
func (e *Error) Unwrap() error { return e.Err }

// KindOf returns the kind of an error of this package, "" for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

const hostDayMessage = "Meeting Create/Update API requests permitted for this particular user"

// errorFrom reads Zoom's error answer. Should its words repeat a secret of the
// request, they are taken out.
func errorFrom(op string, resp *http.Response, body []byte, now time.Time, secrets ...secret.String) *Error {
	type invalid struct {
		Field   string `json:"field"`
		Message string `json:"message"`
	}
	var in struct {
		Code    loose[flexibleInt]    `json:"code"`
		Message loose[flexibleString] `json:"message"`
		Errors  loose[[]invalid]      `json:"errors"`
	}
	foreign := json.Unmarshal(body, &in) != nil
	code, message := int(in.Code.or(0)), string(in.Message.or(""))
	words := message
	if errs := in.Errors.or(nil); len(errs) > 0 {
		words += " (" + errs[0].Field + ": " + errs[0].Message + ")"
	}
	for _, s := range secrets {
		if s != "" {
			words = strings.ReplaceAll(words, s.Reveal(), secret.Redacted)
		}
	}
	e := &Error{Op: op, Status: resp.StatusCode, Code: code, Message: shorten(words)}
	if resp.StatusCode == http.StatusTooManyRequests {
		// The limits are told apart by their words: the host limit carries another
		// limit's headers (Z-LIMIT-6).
		// Zoom's days, and the dates that it names, are by Zoom's clock.
		ahead := aheadOf(resp.Header, now)
		nextDay := nextUTCDay(now.Add(ahead)).Add(-ahead)
		switch {
		case strings.Contains(message, hostDayMessage):
			e.Kind, e.RetryAt = KindHostDay, nextDay
		case strings.Contains(message, "daily rate limit"):
			e.Kind, e.RetryAt = KindRateDay, retryAfter(resp.Header, now, nextDay)
		default:
			e.Kind, e.RetryAt = KindRateSecond, retryAfter(resp.Header, now, now.Add(time.Second))
		}
		return e
	}
	e.Kind = kindOf(resp.StatusCode, code, strings.ToLower(message), foreign)
	return e
}

// kindOf reads what an error answer means. A proxy's page is not Zoom's word,
// whatever its status (Z-ERR-15).
func kindOf(status, code int, words string, foreign bool) Kind {
	switch {
	case status >= 500:
		return KindServer
	case foreign && status >= 400 && status != http.StatusUnauthorized:
		return KindForeign
	case status == http.StatusUnauthorized || code == 124:
		return KindUnauthorized
	case code == 4700 || code == 4711 || code == 104:
		return KindScope
	case code == 200 && strings.Contains(words, "paid account"):
		return KindPaidOnly
	case code == 3000:
		return kindOf3000(words)
	case code == 3001 || code == 1001 || code == 1010 || // Z-ERR-5: another account's user is none of this one's
		code == 4130 || code == 2001:
		return KindNotFound
	case code == 3003 || code == 3007 || code == 3018 || code == 3037 || code == 3161:
		return KindRefused
	case code == 200 || status == http.StatusForbidden:
		return KindForbidden
	case status == http.StatusNotFound && code == 2300:
		return KindForeign // no such endpoint: ZOOM_API_URL does not lead to Zoom's API
	case status == http.StatusNotFound:
		return KindNotFound
	case status >= 400:
		return KindInvalid
	}
	return KindBadAnswer
}

// kindOf3000 tells the meanings of code 3000 apart by their words (Z-ERR-7).
func kindOf3000(words string) Kind {
	switch {
	case strings.Contains(words, "webinar"):
		return KindWebinar
	case strings.Contains(words, "meeting info") || strings.Contains(words, "in progress") || strings.Contains(words, "in-progress") || strings.Contains(words, "started"):
		return KindBusy
	}
	return KindRefused // an occurrence that does not exist, a host who cannot be scheduled for
}

// retryAfter reads Retry-After as seconds, as an HTTP date, or as the date-time
// that Zoom writes for daily limits ("2020-05-31T00:00:00Z").
func retryAfter(h http.Header, now, otherwise time.Time) time.Time {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return otherwise
	}
	at := otherwise
	if n, err := strconv.Atoi(v); err == nil && n >= 0 && n <= 25*60*60 {
		at = now.Add(time.Duration(n) * time.Second)
	} else if t, err := time.Parse(time.RFC3339, v); err == nil {
		at = t.Add(-aheadOf(h, now))
	} else if t, err := http.ParseTime(v); err == nil {
		at = t.Add(-aheadOf(h, now))
	}
	// A nonsensical value must not park an account for a week.
	if at.Before(now) || at.After(now.Add(25*time.Hour)) {
		return otherwise
	}
	return at
}

// aheadOf is by how much the clock of whoever answered is ahead of this one, in whole
// seconds. Date has no more, and the answer took its time: what is within two seconds is
// the same, and what is days off is no clock's.
func aheadOf(h http.Header, now time.Time) time.Duration {
	theirs, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	ahead := theirs.Sub(now).Truncate(time.Second)
	if ahead.Abs() <= 2*time.Second || ahead.Abs() > 48*time.Hour {
		return 0
	}
	return ahead
}

func nextUTCDay(now time.Time) time.Time {
	return now.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
}

func shorten(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, s)
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…" // Postgres takes no half letters
	}
	return s
}
