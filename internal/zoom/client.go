package zoom

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"latchkey/internal/secret"
	"latchkey/internal/tracing"
)

// Options configure a Client. Credentials are required.
type Options struct {
	Credentials Credentials
	// APIURL is the base of all calls, "https://api.zoom.us/v2". When empty, the
	// token's own api_url is used, as Zoom asks (Z-AUTH-3).
	APIURL string
	// OAuthURL defaults to https://zoom.us/oauth/token.
	OAuthURL string
	// Limiter paces all who call for the account; nil: this client alone, at Rates, which
	// default to RatesFor("pro").
	Limiter Limiter
	Rates   Rates
	// Timeout bounds one HTTP exchange; default 10 s.
	Timeout time.Duration
	// OnCall is called after every exchange with the API (not of token requests).
	OnCall func(Exchange)
	// Transport is for tests; nil means a private http.Transport.
	Transport http.RoundTripper
	Now       func() time.Time
}

// Exchange is one request to the API and its answer, for whoever counts them.
type Exchange struct {
	Call   string // method and path as Zoom documents them
	Label  Label
	Status int  // 0: there was no answer
	Kind   Kind // "": it worked
	Took   time.Duration
}

// Client calls Zoom for one account. It is safe for concurrent use.
type Client struct {
	o      Options
	http   *http.Client
	tokens *tokenSource
	limit  Limiter
	// ahead is by how much Zoom's clock is ahead of this process's, in seconds.
	ahead atomic.Int64
}

// The defaults of Options.
const (
	DefaultAPIURL   = "https://api.zoom.us/v2"
	DefaultOAuthURL = "https://zoom.us/oauth/token"
	defaultTimeout  = 10 * time.Second
)

// maxAnswer caps what is read of one answer; Zoom's largest here is a page of
// 300 meetings.
const maxAnswer = 4 << 20

// New makes a Client. It makes no call.
func New(o Options) *Client {
	if o.OAuthURL == "" {
		o.OAuthURL = DefaultOAuthURL
	}
	if o.Rates == nil {
		o.Rates, _ = RatesFor("pro")
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnCall == nil {
		o.OnCall = func(Exchange) {}
	}
	if o.Transport == nil {
		o.Transport = http.DefaultTransport.(*http.Transport).Clone()
	}
	h := &http.Client{
		Transport: o.Transport,
		Timeout:   o.Timeout,
		// Zoom's API does not redirect; following one would carry the bearer
		// token to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	if o.Limiter == nil {
		o.Limiter = newAlone(o.Rates, o.Now)
	}
	return &Client{o: o, http: h, limit: o.Limiter,
		tokens: &tokenSource{url: o.OAuthURL, creds: o.Credentials, client: h, now: o.Now}}
}

// Close frees idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Format keeps fmt from walking into the client, where a Secret's own methods
// are out of its reach.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "zoom.Client(%s)", c.AccountID())
}

// AccountID is the account the client calls for.
func (c *Client) AccountID() string { return c.o.Credentials.AccountID }

// call is one API call; path is the template, args fill it in order.
type call struct {
	method string
	path   string
	args   []string
	query  url.Values
	body   any
	label  Label
	into   any // decoded from a 200 answer; nil when none is expected
	// hidden are the passcodes that the body holds or Zoom may know, so that no error
	// repeats them.
	hidden []secret.String
	header *http.Header // where not nil, the answer's
}

// The paths of calls, as Zoom documents them, and the names of the calls: how
// errors and metrics call them.
const (
	pathMeeting      = "/meetings/{meetingId}"
	pathMeetings     = "/users/{userId}/meetings"
	pathUser         = "/users/{userId}"
	pathUserSettings = "/users/{userId}/settings"
	pathGroupLocks   = "/groups/{groupId}/lock_settings"
	pathAccountLocks = "/accounts/{accountId}/lock_settings"

	CallGetMeeting        = "GET " + pathMeeting
	CallPatchMeeting      = "PATCH " + pathMeeting
	CallListMeetings      = "GET " + pathMeetings
	CallGetUser           = "GET " + pathUser
	CallGetUserSettings   = "GET " + pathUserSettings
	CallPatchUserSettings = "PATCH " + pathUserSettings
	CallGetGroupLocks     = "GET " + pathGroupLocks
	CallGetAccountLocks   = "GET " + pathAccountLocks
)

// tries bounds the attempts of one call, first one included.
const tries = 3

// do makes the call: renews a refused token once, waits out a short per-second
// limit, and repeats what is safe to repeat. A GET is; a PATCH is only where
// Zoom said that it did not look at it (401 and 429), since each that it did
// look at spends one of the host's 100 a day.
func (c *Client) do(ctx context.Context, k call) error {
	op := k.method + " " + k.path
	renewed := false
	for attempt := 1; ; attempt++ {
		if err := c.limit.Wait(ctx, k.label, op); err != nil {
			return err
		}
		t, err := c.tokens.get(ctx)
		if err != nil {
			return err
		}
		err = c.once(ctx, op, k, t)
		if err == nil {
			return nil
		}
		var e *Error
		if !errors.As(err, &e) {
			return err
		}
		switch e.Kind {
		case KindUnauthorized:
			c.tokens.drop(t.value)
			if renewed {
				return err
			}
			renewed = true
			continue
		case KindRateSecond, KindRateDay:
			if e.Kind == KindRateDay || attempt >= tries {
				return err
			}
			continue // the limiter waits, or says that it is too long
		case KindServer, KindTransport, KindBadAnswer:
			if k.method != http.MethodGet || attempt >= tries || ctx.Err() != nil {
				return err
			}
			select {
			case <-time.After(time.Duration(attempt) * 200 * time.Millisecond):
			case <-ctx.Done():
				return err
			}
			continue
		}
		return err
	}
}

func (c *Client) once(ctx context.Context, op string, k call, t token) error {
	target, err := c.url(k, t)
	if err != nil {
		return &Error{Kind: KindInvalid, Op: op, Message: err.Error()}
	}
	var body io.Reader
	if k.body != nil {
		b, err := json.Marshal(k.body)
		if err != nil {
			return &Error{Kind: KindInvalid, Op: op, Err: err}
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, k.method, target, body)
	if err != nil {
		return &Error{Kind: KindInvalid, Op: op, Message: "the API's base URL is not a URL"}
	}
	req.Header.Set("Authorization", "Bearer "+t.value.Reveal())
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	ctx, span := tracing.Call(ctx, op, attribute.String("http.request.method", k.method), attribute.String("url.template", k.path), attribute.String("latchkey.account_id", c.AccountID()))
	req = req.WithContext(ctx)
	start := c.o.Now()
	status, err := c.exchange(op, k, req, t.value)
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	tracing.End(span, err)
	c.o.OnCall(Exchange{Call: op, Label: k.label, Status: status, Kind: KindOf(err), Took: c.o.Now().Sub(start)})
	return err
}

func (c *Client) exchange(op string, k call, req *http.Request, token secret.String) (int, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, &Error{Kind: KindTransport, Op: op, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	if k.header != nil {
		*k.header = resp.Header
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	now := c.o.Now() // Retry-After counts from the answer, not from the request
	if resp.Header.Get("Date") != "" {
		c.ahead.Store(int64(aheadOf(resp.Header, now) / time.Second))
	}
	said := saidOf(k.label, resp.Header)
	defer func() { c.limit.Answered(req.Context(), k.label, said) }()
	switch {
	case err != nil:
		return resp.StatusCode, &Error{Kind: KindTransport, Op: op, Status: resp.StatusCode, Message: "the answer ended early", Err: err}
	case len(body) > maxAnswer:
		return resp.StatusCode, &Error{Kind: KindBadAnswer, Op: op, Status: resp.StatusCode, Message: "the answer is larger than 4 MiB"}
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		e := errorFrom(op, resp, body, now, append(k.hidden, token, c.tokens.secret())...)
		if e.Kind == KindRateSecond || e.Kind == KindRateDay {
			said.Refused, said.Until = e.Kind, e.RetryAt
		}
		return resp.StatusCode, e
	case k.into == nil:
		return resp.StatusCode, nil
	}
	// Some errors come with status 200 and a code (the lock settings of a free
	// account, openapi/accounts.json).
	if e := errorFrom(op, resp, body, now, token, c.tokens.secret()); e.Kind == KindPaidOnly {
		return resp.StatusCode, e
	}
	if err := json.Unmarshal(body, k.into); err != nil {
		return resp.StatusCode, &Error{Kind: KindBadAnswer, Op: op, Status: resp.StatusCode, Message: jsonProblem(err)}
	}
	return resp.StatusCode, nil
}

// Ahead is by how much Zoom's clock was ahead of this process's at the last answer, in
// whole seconds; negative where it is behind. Zoom's days end by Zoom's clock.
func (c *Client) Ahead() time.Duration { return time.Duration(c.ahead.Load()) * time.Second }

func (c *Client) url(k call, t token) (string, error) {
	base := c.o.APIURL
	if base == "" {
		base = DefaultAPIURL
		if t.apiURL != "" {
			u, err := url.Parse(t.apiURL)
			if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
				return "", fmt.Errorf("the token's api_url is not a URL")
			}
			// A token must not be sent in clear because an answer says so.
			if u.Scheme == "http" && strings.HasPrefix(c.o.OAuthURL, "https:") {
				return "", fmt.Errorf("the token's api_url is not https")
			}
			base = strings.TrimSuffix(t.apiURL, "/") + "/v2"
		}
	}
	path := k.path
	for _, a := range k.args {
		if a == "" || a == "." || a == ".." { // it would be another call's path
			return "", fmt.Errorf("%q is not an id", a)
		}
		open, end := strings.IndexByte(path, '{'), strings.IndexByte(path, '}')
		path = path[:open] + url.PathEscape(a) + path[end+1:]
	}
	target := strings.TrimSuffix(base, "/") + path
	if len(k.query) > 0 {
		target += "?" + k.query.Encode()
	}
	return target, nil
}

// withoutURL strips the URL that net/http puts into its errors: it may carry
// ids, and error texts are logged.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// jsonProblem says what was wrong with an answer without quoting it: it may
// hold a passcode.
func jsonProblem(err error) string {
	var t *json.UnmarshalTypeError
	if errors.As(err, &t) {
		return fmt.Sprintf("field %s is a %s", t.Field, jsonType(t))
	}
	return "the answer is not the JSON that was expected"
}

// jsonType is the JSON type that was found, without the number itself that
// encoding/json adds when it does not fit.
func jsonType(t *json.UnmarshalTypeError) string {
	name, _, _ := strings.Cut(t.Value, " ")
	return name
}
