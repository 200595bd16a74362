package zoomsim

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// control serves /_sim/, the simulator's own API: what an admin, a host or a
// joiner would do, and what a test wants to know. It is not Zoom's: no token,
// no limits, and it is not in the request list. Keep it off open networks.
func (s *Server) control(mux *http.ServeMux) {
	get := func(path string, f func(*http.Request) (any, error)) { s.op(mux, "GET "+path, http.StatusOK, f) }
	do := func(pattern string, f func(*http.Request) error) { s.do(mux, pattern, f) }
	s.controlApp(mux)
	s.controlDocuments(mux)
	s.controlPeople(mux)
	s.controlUsers(mux)
	s.controlLeaving(mux)
	s.controlDeauthorize(mux)
	s.controlLimits(mux)
	get("/_sim/join/{id}", func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		q := r.URL.Query()
		return s.JoinAs(id, Joining{q.Get("passcode"), Joiner(q.Get("who")), q.Get("occurrence_id")})
	})
	get("/_sim/requests", func(*http.Request) (any, error) { return obj{"requests": list(s.Requests())}, nil })
	do("DELETE /_sim/requests", func(*http.Request) error { s.ResetRequests(); return nil })
	get("/_sim/meetings", func(*http.Request) (any, error) { return obj{"meetings": list(s.Meetings())}, nil })
	get("/_sim/meetings/{id}/occurrences", func(r *http.Request) (any, error) {
		id, err := pathID(r)
		return obj{"occurrences": list(s.Occurrences(id))}, err
	})
	get("/_sim/deliveries", func(*http.Request) (any, error) { return obj{"deliveries": list(s.Deliveries())}, nil })
	do("POST /_sim/deliveries/retry", func(*http.Request) error { s.RetryNow(); return nil })
	get("/_sim/users/{id}", func(r *http.Request) (any, error) {
		h, ok := s.Host(r.PathValue("id"))
		if !ok {
			return nil, noUser(r.PathValue("id"))
		}
		return h, nil
	})
	get("/_sim/credentials", func(r *http.Request) (any, error) {
		c := s.Credentials(r.URL.Query().Get("account"))
		if c.AccountID == "" {
			return nil, noAccount(http.StatusNotFound, r.URL.Query().Get("account"))
		}
		return c, nil
	})

	for path, change := range map[string]func(context.Context, string, SettingsPatch) error{
		"/_sim/users/{id}/settings":         s.ChangeUserSettings,
		"/_sim/groups/{id}/settings":        s.ChangeGroupSettings,
		"/_sim/groups/{id}/lock_settings":   s.ChangeGroupLocks,
		"/_sim/accounts/{id}/settings":      s.ChangeAccountSettings,
		"/_sim/accounts/{id}/lock_settings": s.ChangeAccountLocks,
	} {
		do("PATCH "+path, func(r *http.Request) error {
			var p SettingsPatch
			if err := readJSON(r, &p); err != nil {
				return err
			}
			return change(r.Context(), accountOrID(r), p)
		})
	}
	do("POST /_sim/groups/{id}/members", func(r *http.Request) error { return s.members(r, s.AddGroupMember) })
	do("DELETE /_sim/groups/{id}/members", func(r *http.Request) error { return s.members(r, s.RemoveGroupMember) })

	s.op(mux, "POST /_sim/users/{id}/meetings", http.StatusCreated, func(r *http.Request) (any, error) {
		var req MeetingRequest
		if err := readJSON(r, &req); err != nil {
			return nil, err
		}
		req.CreationSource = r.URL.Query().Get("creation_source")
		return s.CreateMeeting(r.Context(), r.PathValue("id"), req)
	})
	do("PATCH /_sim/meetings/{id}", func(r *http.Request) error {
		var req MeetingRequest
		if err := readJSON(r, &req); err != nil {
			return err
		}
		return withID(r, func(ctx context.Context, id int64) error {
			if occurrence := r.URL.Query().Get("occurrence_id"); occurrence != "" {
				return s.UpdateOccurrence(ctx, id, occurrence, req)
			}
			return s.UpdateMeeting(ctx, id, req)
		})
	})

	do("PUT /_sim/webhook", func(r *http.Request) error {
		var v struct {
			URL string `json:"url"`
		}
		err := readJSON(r, &v)
		if err == nil {
			s.SetWebhookURL(v.URL)
		}
		return err
	})
	do("POST /_sim/validate", func(r *http.Request) error {
		if err := s.ValidateWebhook(r.Context()); err != nil {
			return failure(http.StatusBadGateway, 0, "%s", err.Error())
		}
		return nil
	})
	do("POST /_sim/faults", func(r *http.Request) error {
		var f Fault
		if err := readJSON(r, &f); err != nil {
			return err
		}
		return s.AddFault(f)
	})
	do("DELETE /_sim/faults", func(*http.Request) error { s.ClearFaults(); return nil })
	do("PUT /_sim/malice", func(r *http.Request) error {
		var m Malice
		if err := readStrict(r, &m); err != nil {
			return err
		}
		return s.SetMalice(m)
	})
}

// op registers one control call, which ?operator= names the doer of. Any error
// that is not Zoom's is the caller's.
func (s *Server) op(mux *http.ServeMux, pattern string, status int, f func(*http.Request) (any, error)) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		body, err := f(r.WithContext(As(r.Context(), r.URL.Query().Get("operator"))))
		code := status
		if err != nil {
			var e *Error
			if !errors.As(err, &e) {
				e = failure(http.StatusBadRequest, 300, "%s", err.Error())
			}
			code, body = e.Status, e
		}
		if body == nil {
			w.WriteHeader(code)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(code)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			s.log.Debug("control answer not written", "path", r.URL.Path, "error", err)
		}
	})
}

// do registers a control call without an answer.
func (s *Server) do(mux *http.ServeMux, pattern string, f func(*http.Request) error) {
	s.op(mux, pattern, http.StatusNoContent, func(r *http.Request) (any, error) { return nil, f(r) })
}

// accountOrID is the path's id; "me" is the first account, as in Zoom's API.
func accountOrID(r *http.Request) string {
	if id := r.PathValue("id"); id != "me" {
		return id
	}
	return ""
}

func (s *Server) members(r *http.Request, f func(context.Context, string, string) error) error {
	var v struct {
		Members []struct {
			ID    string `json:"id"`
			Email string `json:"email"`
		} `json:"members"`
	}
	if err := readJSON(r, &v); err != nil {
		return err
	}
	for _, m := range v.Members {
		id := m.ID
		if id == "" {
			id = m.Email
		}
		if err := f(r.Context(), r.PathValue("id"), id); err != nil {
			return err
		}
	}
	return nil
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, failure(http.StatusBadRequest, 300, "Invalid meeting id.")
	}
	return id, nil
}

func withID(r *http.Request, f func(context.Context, int64) error) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	return f(r.Context(), id)
}

func readJSON(r *http.Request, v any) error {
	raw, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return failure(http.StatusBadRequest, 300, "Request Body should be a valid JSON object: %s", err.Error())
	}
	return nil
}

// readStrict also refuses members that do not exist: a knob that is misspelt
// must not look turned.
func readStrict(r *http.Request, v any) error {
	dec := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return failure(http.StatusBadRequest, 300, "%s", err.Error())
	}
	return nil
}

// list keeps an empty list from being null.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}
