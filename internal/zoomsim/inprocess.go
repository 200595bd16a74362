package zoomsim

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
)

// inProcessURL is the root of a simulator without a listener. No resolver
// answers for .invalid (RFC 2606): a call that takes another way than the
// RoundTripper fails.
const inProcessURL = "http://zoom.invalid"

// ErrStopped is what calls through RoundTripper get once Stop was called.
var ErrStopped = errors.New("zoomsim: stopped")

// RoundTripper answers requests by the simulator's handler in the caller's own
// goroutine: no socket, no goroutine, scheme and host of the URL ignored. It
// works with and without Options.InProcess.
//
// A call that ends in its context while a fault delays it returns the
// context's error; a connection that is dropped returns io.ErrUnexpectedEOF,
// and so does the body of an answer that is torn. A connection is never
// reused, so nothing is sent twice behind the client's back, as a Transport
// may do with a GET.
func (s *Server) RoundTripper() http.RoundTripper { return inProcess{s} }

type inProcess struct{ s *Server }

// RoundTrip serves one request; see Server.RoundTripper.
func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	in, err := received(req)
	if err != nil {
		return nil, err
	}
	if !t.s.calls.enter() {
		return nil, ErrStopped
	}
	defer t.s.calls.leave()
	w := &answerWriter{header: http.Header{}}
	w.serve(t.s.handler, in)
	switch {
	case !w.dropped || w.status != 0:
		return w.response(req), nil
	case req.Context().Err() != nil:
		return nil, req.Context().Err()
	default:
		return nil, io.ErrUnexpectedEOF
	}
}

// received is the request as a server reads it off the wire.
func received(req *http.Request) (*http.Request, error) {
	u, err := url.ParseRequestURI(req.URL.RequestURI())
	if err != nil {
		return nil, err
	}
	in := req.WithContext(wireContext{req.Context()})
	in.URL, in.RequestURI, in.RemoteAddr = u, req.URL.RequestURI(), "127.0.0.1:1"
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if in.Method == "" {
		in.Method = http.MethodGet
	}
	if in.Header == nil {
		in.Header = http.Header{}
	}
	switch {
	case in.Body == nil || in.Body == http.NoBody:
		in.Body, in.ContentLength = http.NoBody, 0
	case in.ContentLength == 0:
		in.ContentLength = -1 // a body of unknown length
	}
	return in, nil
}

// wireContext ends with the caller's context, but does not tell the handler
// whom As named: that does not travel by HTTP either.
type wireContext struct{ context.Context }

func (c wireContext) Value(k any) any {
	if _, ok := k.(operatorKey); ok {
		return nil
	}
	return c.Context.Value(k)
}

// answerWriter keeps an answer.
type answerWriter struct {
	header  http.Header
	status  int // 0: none was written
	body    bytes.Buffer
	dropped bool
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

// Hijack drops the connection: it is taken for that alone (Server.drop).
func (w *answerWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.dropped = true
	return nil, nil, http.ErrNotSupported
}

// serve runs the handler; one that aborts leaves what it wrote so far. Any
// other panic is a bug in the simulator and the caller's to see.
func (w *answerWriter) serve(h http.Handler, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			if v != http.ErrAbortHandler {
				panic(v)
			}
			w.dropped = true
		}
	}()
	h.ServeHTTP(w, r)
	if !w.dropped {
		w.WriteHeader(http.StatusOK)
	}
}

func (w *answerWriter) response(req *http.Request) *http.Response {
	resp := &http.Response{
		Status: strconv.Itoa(w.status) + " " + http.StatusText(w.status), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header, Body: http.NoBody, Request: req,
	}
	length := int64(w.body.Len())
	if n, err := strconv.ParseInt(w.header.Get("Content-Length"), 10, 64); err == nil {
		length = n
	} else if w.status != http.StatusNoContent && w.status != http.StatusNotModified {
		w.header.Set("Content-Length", strconv.FormatInt(length, 10))
	}
	resp.ContentLength = length
	if req.Method != http.MethodHead && length > 0 {
		resp.Body = &answerBody{Reader: bytes.NewReader(w.body.Bytes()), torn: w.dropped}
	}
	return resp
}

type answerBody struct {
	*bytes.Reader
	torn bool
}

func (b *answerBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF && b.torn {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *answerBody) Close() error { return nil }
