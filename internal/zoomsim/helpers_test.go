package zoomsim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := goleak.Find(); err != nil {
		_, _ = os.Stderr.WriteString("goroutines left behind: " + err.Error() + "\n")
		code = 1
	}
	os.Exit(code)
}

// clock is a time that moves only when a test moves it.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// sim is a server under test with an authorised client.
type sim struct {
	*Server
	t     *testing.T
	clock *clock
	http  *http.Client
	token string
}

const oneHost = `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - {id: host, email: host@example.com}
`

// start runs a scenario; change may alter the options.
func start(t *testing.T, scenario string, change ...func(*Options)) *sim {
	t.Helper()
	sc, err := LoadScenario(strings.NewReader(scenario))
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	o := Options{Scenario: sc, Now: c.now, Seed: 1}
	for _, f := range change {
		f(&o)
	}
	srv, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s := &sim{Server: srv, t: t, clock: c, http: &http.Client{Transport: &http.Transport{}}}
	if o.InProcess {
		s.http.Transport = srv.RoundTripper()
	}
	t.Cleanup(func() {
		s.http.CloseIdleConnections()
		if err := srv.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.login("")
	return s
}

func (s *sim) login(account string) {
	s.t.Helper()
	cr := s.Credentials(account)
	status, body := s.grantWith(cr, url.Values{"grant_type": {"account_credentials"}, "account_id": {cr.AccountID}})
	if status != 200 {
		s.t.Fatalf("login: %d %v", status, body)
	}
	s.token = body["access_token"].(string)
}

func (s *sim) grantWith(cr Credentials, q url.Values) (int, obj) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), "POST", s.OAuthURL()+"?"+q.Encode(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.SetBasicAuth(cr.ClientID, cr.ClientSecret)
	resp, err := s.http.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out obj
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode, out
}

// answer is a response read to its end.
type answer struct {
	status int
	header http.Header
	body   obj
	err    error
}

func (a answer) code() int {
	n, _ := a.body["code"].(float64)
	return int(n)
}

func (a answer) settings() obj { return a.body["settings"].(obj) }

// call makes one API call; path is below /v2, or below the root for /_sim/.
func (s *sim) call(method, path string, body any) answer {
	s.t.Helper()
	base := s.APIURL()
	if strings.HasPrefix(path, "/_sim/") {
		base = s.URL()
	}
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		r = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			s.t.Fatal(err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(s.t.Context(), method, base+path, r)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.http.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	a := answer{status: resp.StatusCode, header: resp.Header}
	raw, err := io.ReadAll(resp.Body)
	if a.err = err; err == nil && len(raw) > 0 {
		a.err = json.Unmarshal(raw, &a.body)
	}
	return a
}

func (s *sim) get(path string) answer { s.t.Helper(); return s.call("GET", path, nil) }

// want makes a call and fails unless it answers the status.
func (s *sim) want(status int, method, path string, body any) answer {
	s.t.Helper()
	a := s.call(method, path, body)
	if a.err != nil || a.status != status {
		s.t.Fatalf("%s %s: %d %v %v, want %d", method, path, a.status, a.body, a.err, status)
	}
	return a
}

// create makes a meeting by API and returns its id and the answer.
func (s *sim) create(host string, body any) (int64, answer) {
	s.t.Helper()
	a := s.want(201, "POST", "/users/"+host+"/meetings", body)
	return int64(a.body["id"].(float64)), a
}

func (s *sim) join(id int64, passcode string) answer {
	s.t.Helper()
	return s.want(200, "GET", "/_sim/join/"+strconv.FormatInt(id, 10)+"?passcode="+url.QueryEscape(passcode), nil)
}

func path(id int64) string { return "/meetings/" + strconv.FormatInt(id, 10) }

func cut(p string) (string, string) {
	a, b, _ := strings.Cut(p, ".")
	return a, b
}

func debugLogger(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
