package zoomsim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// inProcessURL is the root of a simulator that does not listen: only its own
// RoundTripper reaches it.
const inProcessURL = "http://zoom.invalid"

// Deliver takes a webhook instead of a URL and returns the status of the answer, -1 for
// none. The header and the body are Zoom's, signed.
type Deliver func(ctx context.Context, header http.Header, body []byte) (status int)

// RoundTripper serves requests by calling the handlers, without a socket: what a client
// needs under testing/synctest, whose time stands still while anybody waits for a network.
// A connection that a fault drops is an error, as is a request whose context ended.
func (s *Server) RoundTripper() http.RoundTripper { return inProcess{s.handler} }

type inProcess struct{ h http.Handler }

func (p inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	r := req.Clone(req.Context()) // the server reads its own copy: clients may not see it changed
	if r.Body == nil {
		r.Body = http.NoBody
	}
	defer func() { _ = r.Body.Close() }()
	w := &answerWriter{header: http.Header{}}
	torn := w.serve(p.h, r)
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	if w.status == 0 {
		return nil, fmt.Errorf("zoomsim: the connection was dropped: %w", io.ErrUnexpectedEOF)
	}
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Request: req, ContentLength: int64(w.body.Len()), Body: io.NopCloser(&w.body),
	}
	if torn {
		resp.Body = io.NopCloser(io.MultiReader(&w.body, failing{}))
		resp.ContentLength = -1
	}
	return resp, nil
}

// answerWriter keeps an answer. One that was never begun has status 0.
type answerWriter struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *answerWriter) Header() http.Header { return w.header }

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *answerWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// serve returns whether the answer was torn off.
func (w *answerWriter) serve(h http.Handler, r *http.Request) (torn bool) {
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			torn = true
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// failing is the end of a body that is shorter than it was said to be.
type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
