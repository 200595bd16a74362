package zoom

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"latchkey/internal/secret"
)

// Credentials are a server-to-server app's (Z-AUTH-1).
type Credentials struct {
	AccountID    string
	ClientID     string
	ClientSecret secret.String
}

// tokenMargin is how long before its end a token is no longer used, so that it
// does not expire under a request.
const tokenMargin = 60 * time.Second

// tokenSource holds one access token and renews it: once per expiry, however
// many callers wait.
type tokenSource struct {
	url    string
	client *http.Client
	now    func() time.Time

	flight singleflight.Group
	mu     sync.Mutex
	creds  Credentials
	token  token
}

type token struct {
	value   secret.String
	apiURL  string // Zoom says which base URL to call
	scopes  []string
	expires time.Time
}

// get returns a valid token. The refresh outlives the caller that started it, so
// one impatient caller does not fail the others that wait for the same token.
func (s *tokenSource) get(ctx context.Context) (token, error) {
	s.mu.Lock()
	t := s.token
	s.mu.Unlock()
	if t.value != "" && s.now().Before(t.expires) {
		return t, nil
	}
	ch := s.flight.DoChan("token", func() (any, error) {
		// Whoever comes late, after the refresh they wanted to wait for, finds
		// its token here.
		s.mu.Lock()
		t := s.token
		s.mu.Unlock()
		if t.value != "" && s.now().Before(t.expires) {
			return t, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		t, err := s.fetch(ctx)
		if err == nil {
			s.mu.Lock()
			s.token = t
			s.mu.Unlock()
		}
		return t, err
	})
	select {
	case r := <-ch:
		if r.Err != nil {
			return token{}, r.Err
		}
		return r.Val.(token), nil
	case <-ctx.Done():
		return token{}, &Error{Kind: KindTransport, Op: opToken, Err: ctx.Err()}
	}
}

// drop forgets the token if it is still the one that was refused; a newer one,
// fetched meanwhile by somebody else, stays.
func (s *tokenSource) drop(refused secret.String) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token.value == refused {
		s.token = token{}
	}
}

// CallToken names the token request where calls are named.
const CallToken = opToken

const opToken = "POST /oauth/token"

// Scopes are what a newly fetched token may do, by Zoom's names (Z-AUTH-3). The
// token that was held is forgotten: a scope that was granted meanwhile comes
// with a new one only.
func (c *Client) Scopes(ctx context.Context) ([]string, error) {
	if t, err := c.tokens.get(ctx); err == nil {
		c.tokens.drop(t.value)
	}
	t, err := c.tokens.get(ctx)
	return t.scopes, err
}

// SetCredentials takes another client id and secret of the same account's app. A
// token that is held is used until it ends.
func (c *Client) SetCredentials(id string, clientSecret secret.String) {
	c.tokens.mu.Lock()
	defer c.tokens.mu.Unlock()
	c.tokens.creds.ClientID, c.tokens.creds.ClientSecret = id, clientSecret
}

func (s *tokenSource) secret() secret.String {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.creds.ClientSecret
}

func (s *tokenSource) fetch(ctx context.Context) (token, error) {
	s.mu.Lock()
	creds := s.creds
	s.mu.Unlock()
	form := url.Values{"grant_type": {"account_credentials"}, "account_id": {creds.AccountID}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(form.Encode()))
	if err != nil {
		return token{}, &Error{Kind: KindInvalid, Op: opToken, Message: "ZOOM_OAUTH_URL is not a URL"}
	}
	req.SetBasicAuth(creds.ClientID, creds.ClientSecret.Reveal())
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	asked := s.now()
	resp, err := s.client.Do(req)
	if err != nil {
		return token{}, &Error{Kind: KindTransport, Op: opToken, Err: withoutURL(err)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return token{}, &Error{Kind: KindTransport, Op: opToken, Status: resp.StatusCode, Err: err}
	}
	if resp.StatusCode != http.StatusOK {
		e := errorFrom(opToken, resp, body, asked, creds.ClientSecret)
		if e.Kind == KindInvalid || e.Kind == KindUnauthorized { // 400 or 401, when the credentials are wrong
			e.Kind = KindUnauthorized
			e.Message = "Zoom refused the client id, client secret or account id: check ZOOM_CLIENT_ID, ZOOM_CLIENT_SECRET and ZOOM_ACCOUNT_ID, and that the app is activated"
		}
		return token{}, e
	}
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		APIURL      string `json:"api_url"`
		Scope       string `json:"scope"`
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.AccessToken == "" {
		return token{}, &Error{Kind: KindBadAnswer, Op: opToken, Status: resp.StatusCode, Message: "no access_token in the answer"}
	}
	life := time.Duration(answer.ExpiresIn) * time.Second
	if life <= 0 || life > 24*time.Hour {
		life = time.Hour // Z-AUTH-2
	}
	// Short-lived tokens keep a margin too, but one they can afford.
	margin := min(tokenMargin, life/10)
	return token{value: secret.String(answer.AccessToken), apiURL: answer.APIURL, scopes: strings.Fields(answer.Scope), expires: asked.Add(life - margin)}, nil
}
