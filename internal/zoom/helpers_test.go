package zoom_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"latchkey/internal/zoom"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	clientSecret = "cl1ent-secret"
	marker       = "Pass7code" // a passcode that may show up nowhere
	meeting      = zoom.MeetingID(85746065432)
)

var creds = zoom.Credentials{AccountID: "acct", ClientID: "client", ClientSecret: clientSecret}

// fakeZoom answers token requests by itself and the rest by api.
type fakeZoom struct {
	api   http.HandlerFunc
	token http.HandlerFunc // instead of its own answer

	mu     sync.Mutex
	tokens int
	calls  []string // METHOD path?query
}

func (f *fakeZoom) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oauth/token" {
		f.mu.Lock()
		f.tokens++
		n := f.tokens
		f.mu.Unlock()
		if f.token != nil {
			f.token(w, r)
			return
		}
		answer(w, 200, map[string]any{"access_token": fmt.Sprintf("token-%d", n), "token_type": "bearer", "expires_in": 3600})
		return
	}
	f.mu.Lock()
	f.calls = append(f.calls, r.Method+" "+r.URL.RequestURI())
	f.mu.Unlock()
	f.api(w, r)
}

func (f *fakeZoom) tokensGiven() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tokens
}

func (f *fakeZoom) called() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.calls...)
}

// overNetwork runs f behind a real socket and makes a client of it.
func overNetwork(t *testing.T, f *fakeZoom, change func(*zoom.Options)) *zoom.Client {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	o := zoom.Options{Credentials: creds, APIURL: s.URL + "/v2", OAuthURL: s.URL + "/oauth/token", Rates: zoom.Rates{}}
	if change != nil {
		change(&o)
	}
	c := zoom.New(o)
	t.Cleanup(c.Close)
	return c
}

// inMemory is f without a socket, for tests in a synctest bubble.
func inMemory(f *fakeZoom, change func(*zoom.Options)) *zoom.Client {
	o := zoom.Options{Credentials: creds, APIURL: "https://api.test/v2", OAuthURL: "https://zoom.test/oauth/token", Rates: zoom.Rates{}, Transport: direct{f}}
	if change != nil {
		change(&o)
	}
	return zoom.New(o)
}

type direct struct{ http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if r.Body == nil {
		r = r.Clone(r.Context())
		r.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return w.Result(), nil
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	switch body := body.(type) {
	case nil:
	case string:
		_, _ = io.WriteString(w, body)
	default:
		_ = json.NewEncoder(w).Encode(body)
	}
}

func always(status int, body any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { answer(w, status, body) }
}

// inTurn answers with one after the other, and with the last one from then on.
func inTurn(answers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	n := 0
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := answers[min(n, len(answers)-1)]
		n++
		mu.Unlock()
		h(w, r)
	}
}

func limited(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		answer(w, status, body)
	}
}

// goodMeeting is what GET /meetings/{meetingId} answers.
var goodMeeting = always(200, map[string]any{"id": int64(meeting), "password": marker})

func zoomError(t *testing.T, err error) *zoom.Error {
	t.Helper()
	var e *zoom.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v is not a *zoom.Error", err)
	}
	return e
}

func wantKind(t *testing.T, err error, want zoom.Kind) {
	t.Helper()
	if got := zoom.KindOf(err); got != want {
		t.Errorf("error %v is of kind %q, want %q", err, got, want)
	}
}

// clock is a Now that a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func ptr[T any](v T) *T { return &v }
