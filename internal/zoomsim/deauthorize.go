package zoomsim

import (
	"net/http"
	"time"
)

// DeauthorizeApp removes the app from an account, as a user does in the
// Marketplace: sends app_deauthorized (Z-EVENT-25), and from then on refuses its
// tokens, calls and token requests and sends it nothing more. userID is who did
// it, "" the account's owner; retain is user_data_retention, nil for null.
// SetAppActive(accountID, true) installs the app again.
func (s *Server) DeauthorizeApp(accountID, userID string, retain *bool) error {
	return s.changeApp(accountID, func(a *account) error {
		_, who := a.operator()
		if userID != "" {
			u := s.world.userOf(a, userID)
			if u == nil {
				return noUser(userID)
			}
			who = u.ID
		}
		if a.inactive {
			return nil // it is not there to be removed
		}
		now := s.now()
		var retention any
		if retain != nil {
			retention = map[bool]string{true: "true", false: "false"}[*retain] // text in Zoom's own sample
		}
		s.emit(newEvent(a, "app_deauthorized", now, obj{
			"user_id": who, "client_id": a.cred.ClientID, "user_data_retention": retention,
			"deauthorization_time": now.UTC().Format("2006-01-02T15:04:05.000Z"),
			// What Zoom makes it of is not documented: something opaque.
			"signature": hmacHex(a.cred.ClientSecret, []byte(a.ID+who+now.UTC().Format(time.RFC3339Nano))),
		}))
		s.setActive(a, false)
		a.removed = true
		return nil
	})
}

// refusal is what the token endpoint says to the app of an account that is not
// active: one that was removed meets an account that does not know it.
func (a *account) refusal() string {
	return map[bool]string{true: "Bad Request", false: "The app has been disabled by the developer"}[a.removed]
}

// controlDeauthorize serves the removal.
func (s *Server) controlDeauthorize(mux *http.ServeMux) {
	s.do(mux, "POST /_sim/app/deauthorize", func(r *http.Request) error {
		var v struct {
			User   string `json:"user"`
			Retain *bool  `json:"user_data_retention"`
		}
		if r.ContentLength != 0 {
			if err := readStrict(r, &v); err != nil {
				return err
			}
		}
		return s.DeauthorizeApp(r.URL.Query().Get("account"), v.User, v.Retain)
	})
}
