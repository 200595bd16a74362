package zoomsim

import (
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"
)

// tokenRoute is the path of the token endpoint.
const tokenRoute = "/oauth/token"

// tokenLife is how long an access token holds (Z-AUTH-2).
const tokenLife = time.Hour

type token struct {
	acct    *account
	expires time.Time
	scopes  []string // of the app when it was issued
}

// The granular scopes of the calls served (openapi, x-granular-scopes).
const (
	scopeReadMeeting   = "meeting:read:meeting:admin"
	scopeUpdateMeeting = "meeting:update:meeting:admin"
	scopeDeleteMeeting = "meeting:delete:meeting:admin"
	scopeWriteMeeting  = "meeting:write:meeting:admin"
	scopeListMeetings  = "meeting:read:list_meetings:admin"
	scopeReadUser      = "user:read:user:admin"
	scopeWriteUser     = "user:update:user:admin"
	scopeListUsers     = "user:read:list_users:admin"
	scopeReadSettings  = "user:read:settings:admin"
	scopeWriteSettings = "user:update:settings:admin"
	scopeListGroups    = "group:read:list_groups:admin"
	scopeReadGroup     = "group:read:group:admin"
	scopeGroupSettings = "group:read:settings:admin"
	scopeGroupLocks    = "group:read:lock_settings:admin"
	scopeAcctSettings  = "account:read:settings:admin"
	scopeAcctLocks     = "account:read:lock_settings:admin"
	scopeWebhookLogs   = "marketplace_app:read:admin"
)

var allScopes = []string{
	scopeReadMeeting, scopeUpdateMeeting, scopeDeleteMeeting, scopeWriteMeeting, scopeListMeetings,
	scopeReadUser, scopeWriteUser, scopeListUsers, scopeReadSettings, scopeWriteSettings, scopeListGroups, scopeReadGroup,
	scopeGroupSettings, scopeGroupLocks, scopeAcctSettings, scopeAcctLocks, scopeWebhookLogs,
}

func (a *account) scopes() []string {
	if a.Scopes == nil {
		return allScopes
	}
	return a.Scopes
}

// oauthError is the token endpoint's own error shape.
func oauthError(status int, code, reason string) (int, any) {
	return status, obj{"error": code, "reason": reason}
}

// grant serves POST /oauth/token for account_credentials; parameters may come
// in the query or the form.
func (s *Server) grant(r *http.Request) (int, any) {
	if r.Method != http.MethodPost {
		return oauthError(http.StatusMethodNotAllowed, "invalid_request", "Request method '"+r.Method+"' is not supported.")
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		return oauthError(http.StatusUnauthorized, "invalid_client", "Invalid client_id or client_secret")
	}
	if r.FormValue("grant_type") != "account_credentials" {
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "unsupported grant type")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.world.accounts {
		if a.cred.ClientID != id {
			continue
		}
		if subtle.ConstantTimeCompare([]byte(a.cred.ClientSecret), []byte(secret)) != 1 {
			break
		}
		if r.FormValue("account_id") != a.ID {
			return oauthError(http.StatusBadRequest, "invalid_request", "Bad Request")
		}
		if a.inactive {
			return oauthError(http.StatusBadRequest, "invalid_request", a.refusal())
		}
		t := "sim." + s.world.src.hex(24)
		now := s.now()
		for old, v := range s.tokens { // expired ones are of no further use
			if now.Sub(v.expires) > tokenLife {
				delete(s.tokens, old)
			}
		}
		s.tokens[t] = token{a, now.Add(tokenLife), a.scopes()}
		return http.StatusOK, obj{
			"access_token": t, "token_type": "bearer", "expires_in": int(tokenLife.Seconds()),
			"scope": strings.Join(a.scopes(), " "), "api_url": s.URL(),
		}
	}
	return oauthError(http.StatusUnauthorized, "invalid_client", "Invalid client_id or client_secret")
}

// authorize finds the account of a bearer token; the lock is held. scope ""
// needs none. A scope that the token does not carry is code 4711 (Z-ERR-13).
func (s *Server) authorize(r *http.Request, scope string) (*account, *Error) {
	scheme, bearer, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	ok = ok && strings.EqualFold(scheme, "Bearer") // HTTP schemes are case-insensitive
	t, known := s.tokens[bearer]
	switch {
	case !ok || !known:
		return nil, failure(http.StatusUnauthorized, 124, "Invalid access token.")
	case !s.now().Before(t.expires):
		return nil, failure(http.StatusUnauthorized, 124, "Access token is expired.")
	case scope != "" && !slices.Contains(t.scopes, scope):
		return nil, failure(http.StatusBadRequest, 4711, "Invalid access token, does not contain scopes:[%s].", scope)
	}
	return t.acct, nil
}

// RevokeTokens makes every token of an account invalid at once, before its
// time; "" means all accounts.
func (s *Server) RevokeTokens(accountID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if accountID == "" {
		s.revoke(nil)
	} else if a := s.world.account(accountID); a != nil {
		s.revoke(a)
	}
}
