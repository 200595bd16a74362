package zoom

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Kind is what an error of Zoom's means for whoever has to decide.
type Kind string

// The kinds, from FACTS section 6.
const (
	KindUnauthorized Kind = "unauthorized" // the token was refused twice, a new one included
	KindForbidden    Kind = "forbidden"    // a scope or permission is missing: a person must act
	KindNotFound     Kind = "not_found"    // the meeting, user or group is gone
	KindBusy         Kind = "busy"         // the meeting is running and may not be changed now
	KindRateSecond   Kind = "rate_second"  // per-second limit, of the whole account
	KindRateDay      Kind = "rate_day"     // daily limit of the whole account
	KindHostDay      Kind = "host_day"     // the host's 100 creates and updates of this UTC day
	KindPaidOnly     Kind = "paid_only"    // the account is free: the call does not exist for it
	KindInvalid      Kind = "invalid"      // Zoom refused the request's content
	KindServer       Kind = "server"       // 5xx
	KindTransport    Kind = "transport"    // no answer, or half of one
	KindBadAnswer    Kind = "bad_answer"   // an answer that cannot be understood
)

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

// Unwrap gives the transport's own error, so that errors.Is sees a deadline.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of an error of this package, "" for any other.
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
func errorFrom(op string, resp *http.Response, body []byte, now time.Time, secrets ...Secret) *Error {
	var answer struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Errors  []struct {
			Field   string `json:"field"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // not JSON: the status alone must do
	words := answer.Message
	if len(answer.Errors) > 0 {
		words += " (" + answer.Errors[0].Field + ": " + answer.Errors[0].Message + ")"
	}
	for _, s := range secrets {
		if s != "" {
			words = strings.ReplaceAll(words, s.Reveal(), redacted)
		}
	}
	e := &Error{Op: op, Status: resp.StatusCode, Code: answer.Code, Message: shorten(words)}
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		// The limits are told apart by their words: the host limit carries
		// another limit's headers (FACTS section 6).
		switch {
		case strings.Contains(answer.Message, hostDayMessage):
			e.Kind, e.RetryAt = KindHostDay, nextUTCDay(now)
		case strings.Contains(answer.Message, "daily rate limit"):
			e.Kind, e.RetryAt = KindRateDay, retryAfter(resp.Header, now, nextUTCDay(now))
		default:
			e.Kind, e.RetryAt = KindRateSecond, retryAfter(resp.Header, now, now.Add(time.Second))
		}
	case resp.StatusCode == http.StatusUnauthorized || answer.Code == 124:
		e.Kind = KindUnauthorized
	case answer.Code == 3001 || answer.Code == 1001 || answer.Code == 4130 || answer.Code == 2001:
		e.Kind = KindNotFound
	case answer.Code == 200 && strings.Contains(strings.ToLower(answer.Message), "paid account"):
		e.Kind = KindPaidOnly
	case answer.Code == 4711 || answer.Code == 200 || resp.StatusCode == http.StatusForbidden:
		e.Kind = KindForbidden
	case answer.Code == 3000:
		e.Kind = KindBusy
	case resp.StatusCode == http.StatusNotFound:
		e.Kind = KindNotFound
	case resp.StatusCode >= 500:
		e.Kind = KindServer
	case resp.StatusCode >= 400:
		e.Kind = KindInvalid
	default:
		e.Kind = KindBadAnswer
	}
	return e
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
		at = t
	} else if t, err := http.ParseTime(v); err == nil {
		at = t
	}
	// A nonsensical value must not park an account for a week.
	if at.Before(now) || at.After(now.Add(25*time.Hour)) {
		return otherwise
	}
	return at
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
