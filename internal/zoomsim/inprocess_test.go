package zoomsim

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func inProc(o *Options) { o.InProcess = true }

// do sends one request and reads its answer to the end.
func (s *sim) do(ctx context.Context, method, path string) (*http.Response, []byte, error) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.APIURL()+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	resp, err := s.http.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return resp, raw, err
}

// The same calls on the same seed answer the same, with and without a socket.
func TestInProcessAnswersAsHTTP(t *testing.T) {
	wire, local := start(t, oneHost), start(t, oneHost, inProc)
	id, _ := wire.create("host", `{"topic":"x"}`)
	if other, _ := local.create("host", `{"topic":"x"}`); other != id {
		t.Fatalf("meeting %d by HTTP, %d in process", id, other)
	}
	for _, c := range [][2]string{
		{"GET", path(id)}, {"HEAD", path(id)}, {"GET", "/users?page_size=1"}, {"GET", "/nothing"}, {"PUT", "/users"},
		{"GET", "/users/a%2Fb%20c"}, {"GET", "/users//x"}, {"PATCH", "/users/host"}, {"DELETE", path(id)}, {"GET", path(id)},
	} {
		a, rawA, errA := wire.do(t.Context(), c[0], c[1])
		b, rawB, errB := local.do(t.Context(), c[0], c[1])
		if errA != nil || errB != nil {
			t.Fatal(c, errA, errB)
		}
		if a.Status != b.Status || a.ContentLength != b.ContentLength || !bytes.Equal(rawA, rawB) || !reflect.DeepEqual(a.Header, b.Header) {
			t.Errorf("%v:\nHTTP       %s %d %v %s\nin process %s %d %v %s", c,
				a.Status, a.ContentLength, a.Header, rawA, b.Status, b.ContentLength, b.Header, rawB)
		}
	}
}

func TestInProcessNeedsNoListener(t *testing.T) {
	s := start(t, oneHost, inProc, func(o *Options) { o.Listen = "no such address" })
	if s.URL() != "http://zoom.invalid" || s.APIURL() != "http://zoom.invalid/v2" || s.OAuthURL() != "http://zoom.invalid/oauth/token" {
		t.Error(s.URL(), s.APIURL(), s.OAuthURL())
	}
	s.want(200, "GET", "/users/host", nil)
	s.want(200, "GET", "/_sim/users/host", nil)
	// A simulator with a listener has a RoundTripper too.
	wire := start(t, oneHost)
	wire.http.Transport = wire.RoundTripper()
	wire.want(200, "GET", "/users/host", nil)
}

// What breaks a connection is an error of the call, or of reading the body.
func TestInProcessBrokenConnections(t *testing.T) {
	s := start(t, oneHost, inProc)
	for name, f := range map[string]Fault{
		"dropped":       {Times: 1, DropConnection: true},
		"dropped after": {Times: 1, DropAfter: true},
		"torn":          {Times: 1, TruncateBody: true},
	} {
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		resp, raw, err := s.do(t.Context(), "GET", "/users/host")
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v", name, err)
		}
		if torn := f.TruncateBody; torn != (resp != nil) || torn && (resp.ContentLength != int64(len(raw))*2 && resp.ContentLength != int64(len(raw))*2+1) {
			t.Errorf("%s: %v %s", name, resp, raw)
		}
	}
	s.want(200, "GET", "/users/host", nil)
}

func TestInProcessContext(t *testing.T) {
	s := start(t, oneHost, inProc)
	if err := s.AddFault(Fault{Times: 2, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, _, err := s.do(ctx, "GET", "/users/host"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	late, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, _, err := s.do(late, "GET", "/users/host"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	calls := len(s.Requests())
	if _, _, err := s.do(ctx, "GET", "/users/host"); !errors.Is(err, context.Canceled) || len(s.Requests()) != calls {
		t.Error("a call whose context had ended was served", err)
	}
	// An operator does not travel in a client's context, as not by HTTP.
	r, err := http.NewRequestWithContext(As(t.Context(), "admin"), "POST", s.APIURL()+"/users/host/meetings", strings.NewReader(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	if in, err := received(r); err != nil || in.Context().Value(operatorKey{}) != nil || r.Context().Value(operatorKey{}) == nil {
		t.Error(in, err)
	}
}

func TestInProcessStops(t *testing.T) {
	s := start(t, oneHost, inProc)
	if err := s.AddFault(Fault{Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	failed := make(chan error)
	go func() {
		_, _, err := s.do(context.Background(), "GET", "/users/host")
		failed <- err
	}()
	for s.FaultsHit() == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Error("Stop did not wait for the call:", err)
	}
	if err := <-failed; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, _, err := s.do(t.Context(), "GET", "/users/host"); !errors.Is(err, ErrStopped) {
		t.Error(err)
	}
}
