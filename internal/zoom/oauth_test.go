package zoom_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/zoom"
)

// TestTokenRequest holds the request against Z-AUTH-1.
func TestTokenRequest(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{}
	f.token = func(w http.ResponseWriter, r *http.Request) {
		id, secret, ok := r.BasicAuth()
		if r.Method != http.MethodPost || !ok || id != "client" || secret != clientSecret {
			t.Errorf("%s with %q %q", r.Method, id, secret)
		}
		if got := r.PostFormValue("grant_type") + " " + r.PostFormValue("account_id"); got != "account_credentials acct" {
			t.Errorf("form %q", got)
		}
		if r.URL.RawQuery != "" {
			t.Errorf("query %q: the account belongs into the body", r.URL.RawQuery)
		}
		answer(w, 200, map[string]any{"access_token": "abc", "expires_in": 3600})
	}
	f.api = func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Authorization"); got != "Bearer abc" {
			t.Errorf("Authorization %q", got)
		}
		goodMeeting(w, r)
	}
	c := overNetwork(t, f, nil)
	if _, err := c.GetMeeting(t.Context(), meeting); err != nil {
		t.Fatal(err)
	}
}

// TestOneRefresh: however many callers wait, one token is fetched.
func TestOneRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &fakeZoom{api: goodMeeting}
		f.token = func(w http.ResponseWriter, _ *http.Request) {
			<-release
			answer(w, 200, map[string]any{"access_token": "abc", "expires_in": 3600})
		}
		c := inMemory(f, nil)
		var callers sync.WaitGroup
		for range 50 {
			callers.Go(func() {
				if _, err := c.GetMeeting(t.Context(), meeting); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait() // all of them wait for the token
		close(release)
		callers.Wait()
		if n := f.tokensGiven(); n != 1 || len(f.called()) != 50 {
			t.Errorf("%d tokens were fetched for %d calls, want 1 for 50", n, len(f.called()))
		}
	})
}

// TestLateCallerTakesTheNewToken: a caller that saw the old token expire, and
// comes to ask for a new one only when another has fetched it, fetches none.
// Wherever it is held up, which is done at its nth look at the clock.
func TestLateCallerTakesTheNewToken(t *testing.T) {
	t.Parallel()
	for n := range int64(5) {
		t.Run(fmt.Sprintf("held up at look %d", n+1), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: goodMeeting}
				var looks atomic.Int64
				looks.Store(-1000)
				goOn := make(chan struct{})
				c := inMemory(f, func(o *zoom.Options) {
					o.Now = func() time.Time {
						now := time.Now()
						if looks.Add(1) == n+1 {
							<-goOn
						}
						return now
					}
				})
				get := func() error { _, err := c.GetMeeting(t.Context(), meeting); return err }
				if err := get(); err != nil {
					t.Fatal(err)
				}
				<-time.After(2 * time.Hour) // the token expires
				both := make(chan error, 2)
				looks.Store(0)
				go func() { both <- get() }()
				synctest.Wait()
				looks.Store(1000)
				go func() { both <- get() }()
				synctest.Wait() // it is served, or waits for the first one's refresh
				close(goOn)
				if err := errors.Join(<-both, <-both); err != nil {
					t.Fatal(err)
				}
				if n := f.tokensGiven(); n != 2 {
					t.Errorf("%d tokens were fetched in all, want 2", n)
				}
			})
		})
	}
}

func TestTokenExpiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		expires any // expires_in
		still   time.Duration
		gone    time.Duration
	}{
		{"an hour, less a minute", 3600, 58 * time.Minute, 59 * time.Minute},
		{"ten minutes, less a minute", 600, 9*time.Minute - time.Second, 9 * time.Minute},
		{"a minute, less a tenth", 60, 53 * time.Second, 54 * time.Second},
		{"not said: an hour", nil, 58 * time.Minute, 59 * time.Minute},
		{"nonsense: an hour", -5, 58 * time.Minute, 59 * time.Minute},
		{"a year: an hour", 365 * 86400, 58 * time.Minute, 59 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			clk := newClock()
			f := &fakeZoom{api: goodMeeting, token: always(200, map[string]any{"access_token": "abc", "expires_in": c.expires})}
			cl := overNetwork(t, f, func(o *zoom.Options) { o.Now = clk.Now })
			for _, step := range []struct {
				after time.Duration
				want  int
			}{{0, 1}, {c.still, 1}, {c.gone - c.still, 2}} {
				clk.forward(step.after)
				if _, err := cl.GetMeeting(t.Context(), meeting); err != nil {
					t.Fatal(err)
				}
				if n := f.tokensGiven(); n != step.want {
					t.Fatalf("%v later: %d tokens were fetched, want %d", step.after, n, step.want)
				}
			}
		})
	}
}

// TestImpatientCaller: who started the refresh gives up; the others get it.
func TestImpatientCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		f := &fakeZoom{api: goodMeeting}
		f.token = func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
				answer(w, 200, map[string]any{"access_token": "abc", "expires_in": 3600})
			case <-r.Context().Done():
			}
		}
		c := inMemory(f, nil)
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error, 1), make(chan error, 1)
		go func() { _, err := c.GetMeeting(ctx, meeting); first <- err }()
		synctest.Wait()
		go func() { _, err := c.GetMeeting(t.Context(), meeting); second <- err }()
		synctest.Wait()
		cancel()
		err := <-first
		wantKind(t, err, zoom.KindTransport)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that it was cancelled", err)
		}
		close(release)
		if err := <-second; err != nil {
			t.Errorf("the other caller fails: %v", err)
		}
		if n := f.tokensGiven(); n != 1 {
			t.Errorf("%d tokens were fetched, want 1", n)
		}
	})
}

// TestTokenServerHangs: the refresh that nobody waits for any more ends too.
func TestTokenServerHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeZoom{token: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}
		c := inMemory(f, nil)
		start := time.Now()
		_, err := c.GetMeeting(t.Context(), meeting)
		wantKind(t, err, zoom.KindTransport)
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// TestRefusedToken: 401 drops the token and renews it once, however many calls
// carried it.
func TestRefusedToken(t *testing.T) {
	t.Parallel()
	refuse := func(tokens ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, bad := range tokens {
				if r.Header.Get("Authorization") == "Bearer "+bad {
					answer(w, 401, `{"code":124,"message":"Invalid access token."}`)
					return
				}
			}
			if r.Method == http.MethodPatch {
				w.WriteHeader(204)
				return
			}
			goodMeeting(w, r)
		}
	}
	t.Run("get", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: refuse("token-1")}
		c := overNetwork(t, f, nil)
		if _, err := c.GetMeeting(t.Context(), meeting); err != nil {
			t.Fatal(err)
		}
		if f.tokensGiven() != 2 || len(f.called()) != 2 {
			t.Errorf("%d tokens, calls %v: want 2 and 2", f.tokensGiven(), f.called())
		}
	})
	t.Run("patch: it was not looked at, so it is safe to repeat", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: refuse("token-1")}
		c := overNetwork(t, f, nil)
		if err := c.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{WaitingRoom: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		if f.tokensGiven() != 2 || len(f.called()) != 2 {
			t.Errorf("%d tokens, calls %v: want 2 and 2", f.tokensGiven(), f.called())
		}
	})
	t.Run("the new one is refused too", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: refuse("token-1", "token-2", "token-3")}
		c := overNetwork(t, f, nil)
		_, err := c.GetMeeting(t.Context(), meeting)
		wantKind(t, err, zoom.KindUnauthorized)
		if f.tokensGiven() != 2 || len(f.called()) != 2 {
			t.Errorf("%d tokens, calls %v: want 2 and 2", f.tokensGiven(), f.called())
		}
		// It is not kept: the next call begins with a third, and gets on with a
		// fourth.
		if _, err := c.GetMeeting(t.Context(), meeting); err != nil || f.tokensGiven() != 4 || len(f.called()) != 4 {
			t.Errorf("afterwards: error %v, %d tokens, calls %v", err, f.tokensGiven(), f.called())
		}
	})
	t.Run("fifty at once", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			all := make(chan struct{})
			refuse := refuse("token-1")
			f := &fakeZoom{api: goodMeeting}
			c := inMemory(f, nil)
			if _, err := c.GetMeeting(t.Context(), meeting); err != nil {
				t.Fatal(err)
			}
			f.api = func(w http.ResponseWriter, r *http.Request) {
				<-all // every call carries the old token
				refuse(w, r)
			}
			var callers sync.WaitGroup
			for range 50 {
				callers.Go(func() {
					if _, err := c.GetMeeting(t.Context(), meeting); err != nil {
						t.Error(err)
					}
				})
			}
			synctest.Wait()
			close(all)
			callers.Wait()
			if n := f.tokensGiven(); n != 2 {
				t.Errorf("%d tokens were fetched, want 2", n)
			}
		})
	})
}

// TestTokenRefusals: what a person reads who set the app up wrongly.
func TestTokenRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		kind   zoom.Kind
		says   string
	}{
		{"wrong client", always(400, `{"reason":"Invalid client_id or client_secret","error":"invalid_client"}`), zoom.KindUnauthorized, "check ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET and ZOOM_ACCOUNT_ID"},
		{"wrong account", always(400, `{"reason":"Bad request","error":"invalid_request"}`), zoom.KindUnauthorized, "ZOOM_ACCOUNT_ID"},
		{"as 401", always(401, `{"reason":"Invalid client_id or client_secret","error":"invalid_client"}`), zoom.KindUnauthorized, "ZOOM_CLIENT_SECRET"},
		{"it repeats the secret", always(400, `{"message":"`+clientSecret+` is wrong"}`), zoom.KindUnauthorized, "ZOOM_CLIENT_SECRET"},
		{"it repeats the secret in another way", always(503, `{"message":"`+clientSecret+` is wrong"}`), zoom.KindServer, ""},
		{"down", always(503, "<html>"+clientSecret), zoom.KindServer, ""},
		{"too many", limited(429, `{"code":429,"message":"You have reached the maximum per-second rate limit for this API. Try again later."}`), zoom.KindRateSecond, ""},
		{"no token in it", always(200, `{"token_type":"bearer"}`), zoom.KindBadAnswer, "no access_token"},
		{"not JSON", always(200, `<html>`+clientSecret), zoom.KindBadAnswer, "no access_token"},
		{"far too large", always(200, `{"access_token":"`+strings.Repeat("x", 1<<20)+`"}`), zoom.KindBadAnswer, "no access_token"},
		{"it sends us elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}, zoom.KindBadAnswer, ""},
		{"it hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, zoom.KindTransport, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{token: c.answer, api: goodMeeting}
			cl := overNetwork(t, f, nil)
			_, err := cl.GetMeeting(t.Context(), meeting)
			wantKind(t, err, c.kind)
			if zoomError(t, err).Op != "POST /oauth/token" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v: want it to be about the token and to say %q", err, c.says)
			}
			if strings.Contains(err.Error(), clientSecret) || strings.Contains(err.Error(), "acct") {
				t.Errorf("the error holds a credential: %v", err)
			}
			if len(f.called()) != 0 {
				t.Errorf("calls without a token: %v", f.called())
			}
		})
	}
}

// TestBaseURL: the token says where the API is, unless the configuration does.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, config, oauth, token string
		want                       string // the URL called; "" when none may be
	}{
		{"as the token says", "", "https://zoom.test/oauth/token", "https://api-eu.zoom.test", "https://api-eu.zoom.test/v2/meetings/85746065432"},
		{"with a slash at the end", "", "https://zoom.test/oauth/token", "https://api-eu.zoom.test/", "https://api-eu.zoom.test/v2/meetings/85746065432"},
		{"the token does not say", "", "https://zoom.test/oauth/token", "", "https://api.zoom.us/v2/meetings/85746065432"},
		{"the configuration wins", "https://other.test/v2", "https://zoom.test/oauth/token", "https://api-eu.zoom.test", "https://other.test/v2/meetings/85746065432"},
		{"the configuration wins, slash and all", "https://other.test/v2/", "https://zoom.test/oauth/token", "http://evil.test", "https://other.test/v2/meetings/85746065432"},
		{"in clear, although the token came safely", "", "https://zoom.test/oauth/token", "http://evil.test", ""},
		{"in clear, as the token (the simulator)", "", "http://sim.test/oauth/token", "http://sim.test", "http://sim.test/v2/meetings/85746065432"},
		{"another scheme", "", "https://zoom.test/oauth/token", "ftp://evil.test", ""},
		{"no host", "", "https://zoom.test/oauth/token", "https:///x", ""},
		{"not a URL", "", "https://zoom.test/oauth/token", "::", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var mu sync.Mutex
			var got string
			f := &fakeZoom{token: always(200, map[string]any{"access_token": "abc", "expires_in": 3600, "api_url": c.token})}
			f.api = func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				got = r.URL.String()
				mu.Unlock()
				goodMeeting(w, r)
			}
			cl := inMemory(f, func(o *zoom.Options) { o.APIURL, o.OAuthURL = c.config, c.oauth })
			_, err := cl.GetMeeting(t.Context(), meeting)
			if c.want == "" {
				wantKind(t, err, zoom.KindInvalid)
				if err != nil && strings.Contains(err.Error(), "evil") {
					t.Errorf("%v quotes it", err)
				}
			} else if err != nil {
				t.Error(err)
			}
			if got != c.want {
				t.Errorf("called %q, want %q", got, c.want)
			}
		})
	}
}
