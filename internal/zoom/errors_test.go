package zoom_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// Zoom's words (Z-LIMIT-6, Z-LIMIT-7).
const (
	perSecond = `{"code":429,"message":"You have reached the maximum per-second rate limit for this API. Try again later."}`
	perDay    = `{"code":429,"message":"You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request."}`
	perHost   = `{"code":429,"message":"You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00."}`
)

// TestAnswers is the table of what Zoom's answers mean, for a PATCH, which is
// repeated after the per-second limit alone.
func TestAnswers(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	midnight := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	thrice := now.Add(3 * time.Second) // a second after each of three tries
	none := time.Time{}
	for _, c := range []struct {
		name   string
		status int
		body   string
		header []string
		kind   zoom.Kind
		code   int
		retry  time.Time
		says   string
	}{
		{"per second", 429, perSecond, []string{"X-RateLimit-Category", "Light", "X-RateLimit-Type", "QPS", "Retry-After", "40"}, zoom.KindRateSecond, 429, now.Add(40 * time.Second), "held back"},
		{"per second, nothing said", 429, perSecond, nil, zoom.KindRateSecond, 429, thrice, "per-second"},
		{"two at once on one meeting", 429, `{"code":429,"message":"Too many concurrent requests."}`, []string{"Retry-After", "9"}, zoom.KindRateSecond, 429, now.Add(9 * time.Second), ""},
		{"429 without a body", 429, ``, []string{"Retry-After", "10"}, zoom.KindRateSecond, 0, now.Add(10 * time.Second), ""},
		{"daily", 429, perDay, []string{"X-RateLimit-Type", "Daily-limit", "Retry-After", "2026-03-02T00:00:00Z"}, zoom.KindRateDay, 429, midnight, "daily"},
		{"daily, nothing said", 429, perDay, nil, zoom.KindRateDay, 429, midnight, ""},
		{"daily, as an HTTP date", 429, perDay, []string{"Retry-After", "Sun, 01 Mar 2026 18:00:00 GMT"}, zoom.KindRateDay, 429, now.Add(6 * time.Hour), ""},
		{"daily, with a zone", 429, perDay, []string{"Retry-After", "2026-03-01T20:00:00+02:00"}, zoom.KindRateDay, 429, now.Add(6 * time.Hour), ""},
		{"daily, in seconds", 429, perDay, []string{"Retry-After", " 3600 "}, zoom.KindRateDay, 429, now.Add(time.Hour), ""},
		{"daily, nonsense", 429, perDay, []string{"Retry-After", "tomorrow"}, zoom.KindRateDay, 429, midnight, ""},
		{"daily, negative", 429, perDay, []string{"Retry-After", "-5"}, zoom.KindRateDay, 429, midnight, ""},
		{"daily, in the past (Zoom's own sample)", 429, perDay, []string{"Retry-After", "2020-05-31T00:00:00Z"}, zoom.KindRateDay, 429, midnight, ""},
		{"daily, in a year", 429, perDay, []string{"Retry-After", "2027-03-01T00:00:00Z"}, zoom.KindRateDay, 429, midnight, ""},
		{"daily, two days of seconds", 429, perDay, []string{"Retry-After", "172800"}, zoom.KindRateDay, 429, midnight, ""},
		{"daily, seconds that overflow to 0.3 s", 429, perDay, []string{"Retry-After", "18446744074"}, zoom.KindRateDay, 429, midnight, ""},
		{"the host's hundred, with another limit's headers", 429, perHost, []string{"X-RateLimit-Category", "Light", "X-RateLimit-Limit", "6000", "X-RateLimit-Remaining", "5000"}, zoom.KindHostDay, 429, midnight, "(100)"},
		{"the host's hundred, whatever the header", 429, perHost, []string{"Retry-After", "1"}, zoom.KindHostDay, 429, midnight, ""},

		{"meeting gone", 404, `{"code":3001,"message":"Meeting does not exist: 85746065432."}`, nil, zoom.KindNotFound, 3001, none, "does not exist"},
		{"meeting gone, as 400", 400, `{"code":3001,"message":"Meeting has expired"}`, nil, zoom.KindNotFound, 3001, none, ""},
		{"user gone", 404, `{"code":1001,"message":"User does not exist: x."}`, nil, zoom.KindNotFound, 1001, none, ""},
		{"user gone, as 400", 400, `{"code":1001,"message":"User not exist"}`, nil, zoom.KindNotFound, 1001, none, ""},
		{"gone without words", 404, ``, nil, zoom.KindForeign, 0, none, ""},
		{"gone in JSON without words", 404, `{}`, nil, zoom.KindNotFound, 0, none, ""},
		{"scope missing", 400, `{"code":4711,"message":"Invalid access token, does not contain scopes:[meeting:update:meeting:admin]."}`, nil, zoom.KindScope, 4711, none, "meeting:update:meeting:admin"},
		{"no permission", 400, `{"code":200,"message":"No permission."}`, nil, zoom.KindForbidden, 200, none, ""},
		{"scope missing, the other code", 400, `{"code":4700,"message":"Invalid access token, does not contain scopes."}`, nil, zoom.KindScope, 4700, none, ""},
		{"forbidden", 403, `{"code":403,"message":"Forbidden"}`, nil, zoom.KindForbidden, 403, none, ""},
		{"a proxy's forbidden", 403, `<html>`, nil, zoom.KindForeign, 0, none, ""},
		{"a proxy's not found", 404, `<html><body>404 ` + marker + `</body></html>`, nil, zoom.KindForeign, 0, none, ""},
		{"no such endpoint", 404, `{"code":2300,"message":"This API endpoint is not recognized."}`, nil, zoom.KindForeign, 2300, none, ""},
		{"paid only, as 400", 400, `{"code":200,"message":"Only available for Paid account: acct."}`, nil, zoom.KindPaidOnly, 200, none, "Paid account"},
		{"the meeting runs", 400, `{"code":3000,"message":"Cannot access meeting information."}`, nil, zoom.KindBusy, 3000, none, ""},
		{"in progress", 400, `{"code":3000,"message":"Cannot access meeting info: the meeting is in progress."}`, nil, zoom.KindBusy, 3000, none, ""},
		{"a webinar now", 400, `{"code":3000,"message":"Cannot access webinar info."}`, nil, zoom.KindWebinar, 3000, none, ""},
		{"no such date", 400, `{"code":3000,"message":"Invalid occurrence_id."}`, nil, zoom.KindRefused, 3000, none, ""},
		{"cannot schedule for them", 400, `{"code":3000,"message":"You cannot schedule a meeting for somebody@example.com."}`, nil, zoom.KindRefused, 3000, none, ""},
		{"3000 without words", 400, `{"code":3000}`, nil, zoom.KindRefused, 3000, none, ""},
		{"over", 400, `{"code":3007,"message":"Sorry, you cannot delete this meeting since it has ended."}`, nil, zoom.KindRefused, 3007, none, ""},
		{"may not host", 400, `{"code":3161,"message":"Meeting hosting and scheduling capabilities are not allowed for your user account."}`, nil, zoom.KindRefused, 3161, none, ""},
		{"another account's", 400, `{"code":1010,"message":"User belongs to another account."}`, nil, zoom.KindNotFound, 1010, none, ""},
		{"validation", 400, `{"code":300,"message":"Validation Failed.","errors":[{"field":"password","message":"Must be 1 to 10 characters."}]}`, nil, zoom.KindInvalid, 300, none, "Validation Failed. (password: Must be 1 to 10 characters.)"},
		{"validation, errors not a list", 400, `{"code":300,"message":"Validation Failed.","errors":"none"}`, nil, zoom.KindInvalid, 300, none, "Validation Failed."},
		{"bad request without words", 400, ``, nil, zoom.KindForeign, 0, none, ""},
		{"code as text", 400, `{"code":"300","message":"Validation Failed."}`, nil, zoom.KindInvalid, 300, none, "Validation Failed."},
		{"server", 500, `{"code":500,"message":"Internal error"}`, nil, zoom.KindServer, 500, none, ""},
		{"gateway, in HTML", 502, `<html><body>Bad Gateway ` + marker + `</body></html>`, nil, zoom.KindServer, 0, none, ""},
		{"redirect", 302, ``, []string{"Location", "https://evil.test/"}, zoom.KindBadAnswer, 0, none, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: limited(c.status, c.body, c.header...)}
				start := time.Now()
				var ops []string
				cl := inMemory(f, func(o *zoom.Options) {
					o.Now = func() time.Time { return now.Add(time.Since(start)) }
					o.OnCall = func(x zoom.Exchange) {
						if x.Label != zoom.Light {
							t.Errorf("its label is %q", x.Label)
						}
						ops = append(ops, fmt.Sprintf("%s %d %s", x.Call, x.Status, x.Kind))
					}
				})
				e := zoomError(t, cl.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{WaitingRoom: ptr(true)}))
				want := []string{fmt.Sprintf("PATCH /meetings/{meetingId} %d %s", c.status, c.kind)}
				status, code := c.status, c.code
				switch {
				case c.kind != zoom.KindRateSecond:
				case c.retry.Sub(now) <= 3*time.Second: // it was tried three times
					want = slices.Repeat(want, 3)
				default: // held back by the limiter, whose word this is
					status, code = 0, 0
				}
				if e.Kind != c.kind || e.Status != status || e.Code != code || !e.RetryAt.Equal(c.retry) {
					t.Errorf("got kind %s status %d code %d retry %v\nwant kind %s status %d code %d retry %v",
						e.Kind, e.Status, e.Code, e.RetryAt, c.kind, status, code, c.retry)
				}
				if !strings.Contains(e.Error(), c.says) || strings.Contains(e.Error(), marker) {
					t.Errorf("%q: want it to say %q and not to quote the answer", e, c.says)
				}
				if !slices.Equal(ops, want) || len(f.called()) != len(want) {
					t.Errorf("calls %v, OnCall got %q, want %q", f.called(), ops, want)
				}
			})
		})
	}
}

// TestPaidOnlyWith200: the lock settings of a free account answer 200 with an
// error in it.
func TestPaidOnlyWith200(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{api: always(200, `{"code":200,"message":"Only available for Paid account: acct"}`)}
	c := overNetwork(t, f, nil)
	_, err := c.GetAccountLocks(t.Context(), "acct")
	wantKind(t, err, zoom.KindPaidOnly)
	if n := len(f.called()); n != 1 {
		t.Errorf("%d calls were made, want 1", n)
	}
}

// TestErrorWords: long, broken and multi-line words become one short line that
// any database takes.
func TestErrorWords(t *testing.T) {
	t.Parallel()
	for name, message := range map[string]string{
		"long":                         strings.Repeat("x", 5000),
		"cut inside a letter":          strings.Repeat("x", 199) + strings.Repeat("é", 50),
		"cut inside an emoji":          strings.Repeat("x", 198) + strings.Repeat("🔑", 50),
		"lines, tabs, NUL":             `a\nb\tc\u0000d\u001be`,
		"half a surrogate":             `\ud83d`,
		"the passcode that was sent":   "Passcode " + marker + " is too weak",
		"the passcode at the very cut": strings.Repeat("x", 195) + marker,
		"the bearer token":             "token-1 is not valid",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{api: always(400, `{"code":300,"message":"`+message+`"}`)}
			c := overNetwork(t, f, nil)
			err := c.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{Password: ptr(secret.String(marker))})
			wantKind(t, err, zoom.KindInvalid)
			text := err.Error()
			if len(text) > 300 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
				t.Errorf("the text is not fit for a log line or a row: %q", text)
			}
			for _, secret := range []string{marker, marker[:5], "token-1"} {
				if strings.Contains(text, secret) {
					t.Errorf("%q holds %q", text, secret)
				}
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	t.Parallel()
	if got := zoom.KindOf(nil); got != "" {
		t.Errorf("KindOf(nil) = %q", got)
	}
	if got := zoom.KindOf(http.ErrHandlerTimeout); got != "" {
		t.Errorf("KindOf(another error) = %q", got)
	}
}
