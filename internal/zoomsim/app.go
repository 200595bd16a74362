package zoomsim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
)

// The calls of this file act as the developer of an account's app would, in
// Zoom's Marketplace.

// Scopes lists what the app of an account is granted; "" is the first account,
// nil an unknown one. A token carries the scopes of its moment.
func (s *Server) Scopes(accountID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.world.account(accountID)
	if a == nil {
		return nil
	}
	return slices.Clone(a.scopes())
}

// GrantScopes adds scopes to an account's app. They are in tokens from now on;
// one that was issued before keeps its own until it expires (Z-ERR-13).
func (s *Server) GrantScopes(accountID string, scopes ...string) error {
	return s.changeScopes(accountID, scopes, nil)
}

// RevokeScopes removes scopes from an account's app, as GrantScopes adds
// them. One that the app does not have is an error, and then nothing changes.
func (s *Server) RevokeScopes(accountID string, scopes ...string) error {
	return s.changeScopes(accountID, nil, scopes)
}

func (s *Server) changeScopes(accountID string, grant, revoke []string) error {
	return s.changeApp(accountID, func(a *account) error {
		scopes := slices.Clone(a.scopes())
		for _, scope := range revoke {
			i := slices.Index(scopes, scope)
			if i < 0 {
				return invalid("revoke", "The app does not have the scope "+scope+".")
			}
			scopes = slices.Delete(scopes, i, i+1)
		}
		for _, scope := range grant {
			if !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
		a.Scopes = scopes
		return nil
	})
}

// ChangeClientSecret replaces the client secret of an account's app. The old one
// is refused from now on; tokens that it got live on.
func (s *Server) ChangeClientSecret(accountID, secret string) error {
	if secret == "" {
		return errors.New("zoomsim: an empty client secret")
	}
	return s.changeApp(accountID, func(a *account) error {
		a.cred.ClientSecret = secret
		return nil
	})
}

// SetAppActive deactivates or activates the app of an account. One that is not
// active gets no token and no events, and its tokens are invalid permanently
// (docs/simulator.md, open cases).
func (s *Server) SetAppActive(accountID string, active bool) error {
	return s.changeApp(accountID, func(a *account) error {
		s.setActive(a, active)
		return nil
	})
}

func (s *Server) setActive(a *account, active bool) {
	a.inactive, a.removed = !active, false
	if !active {
		s.revoke(a)
	}
}

// HidePasscodes says whether GET of a meeting leaves out the passcode in clear
// and its numeric forms, as for an app that may not see it. The encrypted form
// and the link stay, and so do webhooks and the answer to a create.
func (s *Server) HidePasscodes(accountID string, hide bool) error {
	return s.changeApp(accountID, func(a *account) error {
		a.hides = hide
		return nil
	})
}

func (s *Server) changeApp(accountID string, f func(*account) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.world.account(accountID)
	if a == nil {
		return noAccount(http.StatusNotFound, accountID)
	}
	return f(a)
}

// SendEvent sends a body as it stands, signed with the secret of an account's
// app, as a hostile tenant could make Zoom's: an event that speaks for another
// account, of a kind that nothing here makes, or no event at all. It changes
// nothing in the world, is retried like any other and spared by malice.
func (s *Server) SendEvent(accountID string, body []byte) error {
	return s.changeApp(accountID, func(a *account) error {
		var v struct {
			Event string `json:"event"`
		}
		_ = json.Unmarshal(body, &v) // a body that is no event has no name
		s.out.addRaw(a, v.Event, slices.Clone(body))
		return nil
	})
}

// revoke makes an account's tokens invalid, or with nil everybody's; the lock
// is held.
func (s *Server) revoke(a *account) {
	for t, v := range s.tokens {
		if a == nil || v.acct == a {
			delete(s.tokens, t)
		}
	}
}

// maxEvent is how much of an event the control API takes: more than receivers
// should.
const maxEvent = 4 << 20

// controlApp serves the part of /_sim/ that is about the app.
func (s *Server) controlApp(mux *http.ServeMux) {
	named := func(r *http.Request) string { return r.URL.Query().Get("account") }
	s.op(mux, "GET /_sim/scopes", http.StatusOK, func(r *http.Request) (any, error) {
		scopes := s.Scopes(named(r))
		if scopes == nil {
			return nil, noAccount(http.StatusNotFound, named(r))
		}
		return obj{"scopes": scopes}, nil
	})
	s.do(mux, "PATCH /_sim/scopes", func(r *http.Request) error {
		var v struct {
			Grant  []string `json:"grant"`
			Revoke []string `json:"revoke"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		return s.changeScopes(named(r), v.Grant, v.Revoke)
	})
	s.do(mux, "PUT /_sim/credentials", func(r *http.Request) error {
		var v struct {
			ClientSecret string `json:"client_secret"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		return s.ChangeClientSecret(named(r), v.ClientSecret)
	})
	s.do(mux, "PUT /_sim/app", func(r *http.Request) error {
		var v struct {
			Active        *bool     `json:"active"`
			HidePasscodes *bool     `json:"hide_passcodes"`
			ClearedBy     *Clearing `json:"passcode_cleared_by"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		if v.Active == nil && v.HidePasscodes == nil && v.ClearedBy == nil {
			return invalid("active", "Missing field.")
		}
		if v.ClearedBy != nil {
			if err := v.ClearedBy.check(); err != nil {
				return err
			}
		}
		return s.changeApp(named(r), func(a *account) error {
			if v.ClearedBy != nil {
				a.clearing = *v.ClearedBy
			}
			if v.Active != nil {
				s.setActive(a, *v.Active)
			}
			if v.HidePasscodes != nil {
				a.hides = *v.HidePasscodes
			}
			return nil
		})
	})
	s.do(mux, "POST /_sim/events", func(r *http.Request) error {
		body, err := io.ReadAll(io.LimitReader(r.Body, maxEvent))
		if err != nil {
			return err
		}
		return s.SendEvent(named(r), body)
	})
	s.do(mux, "POST /_sim/tokens/revoke", func(r *http.Request) error {
		s.RevokeTokens(named(r))
		return nil
	})
}
