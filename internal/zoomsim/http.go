package zoomsim

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
)

// call is one API call in progress.
type call struct {
	*http.Request
	s     *Server
	acct  *account
	body  []byte
	fault Fault // the zero Fault when none hit
	// spender is whose 100 creates and updates the call counts against.
	spender *user
	rec     Request
}

// handler answers a call with a status and a JSON body (nil = none). It runs
// with the server's lock held.
type handler func(*call) (int, any, error)

type route struct {
	method, path, label, scope string
	h                          handler
}

// api is the part of Zoom's API that is spoken; labels and scopes are those of
// the OpenAPI documents (Z-CALL-1 to Z-CALL-10, Z-AUTH-5, Z-AUTH-6).
func (s *Server) api() []route {
	return []route{
		{"GET", "/v2/users", Medium, scopeListUsers, listUsers},
		{"GET", "/v2/users/{userId}", Light, scopeReadUser, getUser},
		{"PATCH", "/v2/users/{userId}", Light, scopeWriteUser, patchUser},
		{"GET", "/v2/users/{userId}/settings", Medium, scopeReadSettings, getUserSettings},
		{"PATCH", "/v2/users/{userId}/settings", Medium, scopeWriteSettings, patchUserSettings},
		{"GET", "/v2/users/{userId}/meetings", Medium, scopeListMeetings, listMeetings},
		{"POST", "/v2/users/{userId}/meetings", Light, scopeWriteMeeting, postMeeting},
		{"GET", "/v2/meetings/{meetingId}", Light, scopeReadMeeting, getMeeting},
		{"PATCH", "/v2/meetings/{meetingId}", Light, scopeUpdateMeeting, patchMeeting},
		{"DELETE", "/v2/meetings/{meetingId}", Light, scopeDeleteMeeting, deleteMeeting},
		{"GET", "/v2/groups", Medium, scopeListGroups, listGroups},
		{"GET", "/v2/groups/{groupId}", Light, scopeReadGroup, getGroup},
		{"GET", "/v2/groups/{groupId}/settings", Medium, scopeGroupSettings, getGroupSettings},
		{"GET", "/v2/groups/{groupId}/lock_settings", Medium, scopeGroupLocks, getGroupLocks},
		{"GET", "/v2/accounts/{accountId}/settings", Medium, scopeAcctSettings, getAccountSettings},
		{"GET", "/v2/accounts/{accountId}/lock_settings", Medium, scopeAcctLocks, getAccountLocks},
		{"GET", "/v2/marketplace/apps/{appId}/webhook_logs", Medium, scopeWebhookLogs, webhookLogs},
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	routes := s.api()
	for _, rt := range routes {
		mux.HandleFunc(rt.method+" "+rt.path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, rt) })
	}
	mux.HandleFunc("/v2/", func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, unknown(routes, r)) })
	mux.HandleFunc(tokenRoute, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, route{path: tokenRoute}) })
	s.control(mux)
	return mux
}

// unknown answers a path nobody serves (2300), or a method it does not take.
func unknown(routes []route, r *http.Request) route {
	e := failure(http.StatusNotFound, 2300, "This API endpoint is not recognized.")
	for _, rt := range routes {
		if samePath(rt.path, r.URL.Path) {
			e = failure(http.StatusMethodNotAllowed, 2300, "Request method '%s' is not supported.", r.Method)
		}
	}
	return route{h: func(*call) (int, any, error) { return 0, nil, e }, label: Light}
}

func samePath(pattern, path string) bool {
	p, q := strings.Split(pattern, "/"), strings.Split(path, "/")
	if len(p) != len(q) {
		return false
	}
	for i := range p {
		if p[i] != q[i] && !strings.HasPrefix(p[i], "{") {
			return false
		}
	}
	return true
}

// serve runs one call: fault, token, rate limit, handler, answer, record.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, rt route) {
	c := &call{Request: r, s: s, rec: Request{
		At: s.now(), Method: r.Method, Path: r.URL.Path, Route: rt.path, Label: rt.label,
	}}
	f := s.takeFault(r.Method, r.URL.Path)
	if f == nil {
		f = s.spite(r.Method, r.URL.Path)
	}
	if f != nil {
		c.fault = *f
		c.rec.Fault = f.label
	}
	if !s.pause(r, c.fault.Delay) || c.fault.DropConnection {
		s.drop(w, c)
		return
	}
	status, body, headers := s.answer(c, rt)
	c.rec.Status = status
	if e, ok := body.(*Error); ok && c.fault.Body == "" { // a proxy's page has no code
		c.rec.Code = e.Code
	}
	if c.fault.DropAfter {
		s.drop(w, c)
		return
	}
	c.rec.TrackingID = s.trackingID()
	w.Header().Set("x-zm-trackingid", c.rec.TrackingID)
	w.Header().Set("Date", s.now().UTC().Format(http.TimeFormat))
	maps.Copy(headers, c.fault.Headers)
	for k, v := range headers {
		w.Header().Set(k, v)
	}
	s.record(c.rec)
	c.write(w, status, body)
}

// answer works out status, body and headers.
func (s *Server) answer(c *call, rt route) (int, any, map[string]string) {
	headers := map[string]string{}
	fail := func(err error) (int, any, map[string]string) {
		var e *Error
		if !errors.As(err, &e) {
			e = failure(http.StatusInternalServerError, 1000, "%s", err.Error())
		}
		if e.Headers != nil {
			// A 429 brings its own: the one about a host's 100 lacks some.
			headers = maps.Clone(e.Headers)
		}
		return e.Status, e, headers
	}
	if c.fault.Status != 0 {
		if c.fault.Status/100 == 2 {
			return c.fault.Status, nil, headers
		}
		return fail(c.fault.failure())
	}
	if rt.path == tokenRoute {
		status, body := s.grant(c.Request)
		return status, body, headers
	}
	var err error
	if c.body, err = io.ReadAll(io.LimitReader(c.Request.Body, 1<<20)); err != nil {
		return fail(failure(http.StatusBadRequest, 300, "Request Body should be a valid JSON object."))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	acct, e := s.authorize(c.Request, rt.scope)
	if e != nil {
		return fail(e)
	}
	c.acct, c.rec.AccountID = acct, acct.ID
	s.tally.weighed(acct, rt.label, s.now().Unix())
	rate, e := acct.admit(rt.label, s.now())
	if e != nil {
		s.tally.refused[e.kind()]++
		return fail(e)
	}
	headers = rate
	status, body, err := rt.h(c)
	if c.spender != nil && acct.Limits.HostRemaining {
		c.spender.showRemaining(headers, s.now())
	}
	if errors.As(err, &e) && e.Status == http.StatusTooManyRequests {
		s.tally.refused[e.kind()]++
	}
	if err != nil {
		return fail(err)
	}
	return status, body, headers
}
