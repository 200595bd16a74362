package zoom_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// torn announces more than it sends.
func torn(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "400")
	_, _ = io.WriteString(w, `{"id":857`)
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// TestGetIsRepeated over a real socket: what may pass is tried three times.
func TestGetIsRepeated(t *testing.T) {
	t.Parallel()
	bad := always(500, `{"code":500,"message":"x"}`)
	for _, c := range []struct {
		name  string
		api   http.HandlerFunc
		kind  zoom.Kind // "" for success
		calls int
	}{
		{"500, then good", inTurn(bad, goodMeeting), "", 2},
		{"500 twice, then good", inTurn(bad, bad, goodMeeting), "", 3},
		{"500 thrice", inTurn(bad, bad, bad, goodMeeting), zoom.KindServer, 3},
		{"503 in HTML, then good", inTurn(always(503, "<html>"), goodMeeting), "", 2},
		{"torn, then good", inTurn(torn, goodMeeting), "", 2},
		{"always torn", torn, zoom.KindTransport, 3},
		{"hung up, then good", inTurn(hangUp, goodMeeting), "", 2},
		{"not JSON, then good", inTurn(always(200, "<html>"), goodMeeting), "", 2},
		{"always empty", always(200, nil), zoom.KindBadAnswer, 3},
		{"null", always(200, "null"), zoom.KindBadAnswer, 1},
		{"another meeting", always(200, `{"id":85746065433}`), zoom.KindBadAnswer, 1},
		{"no id", always(200, `{"topic":"x"}`), zoom.KindBadAnswer, 1},
		{"passcode is an object", always(200, `{"id":85746065432,"password":{"`+marker+`":1}}`), zoom.KindBadAnswer, 3},
		{"id is words", always(200, `{"id":"`+marker+`"}`), zoom.KindBadAnswer, 3},
		{"gone is gone", always(404, `{"code":3001}`), zoom.KindNotFound, 1},
		{"running is running", always(400, `{"code":3000,"message":"Cannot access meeting information."}`), zoom.KindBusy, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{api: c.api}
			cl := overNetwork(t, f, nil)
			m, err := cl.GetMeeting(t.Context(), meeting)
			wantKind(t, err, c.kind)
			if err == nil && (m.ID != meeting || m.Password.Reveal() != marker) {
				t.Errorf("read %+v", m)
			}
			if err != nil && strings.Contains(err.Error(), marker) {
				t.Errorf("%v quotes the answer", err)
			}
			if n := len(f.called()); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
		})
	}
}

// TestTimeouts: a silent Zoom costs three times Timeout, not for ever.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, c := range []struct {
		name     string
		call     func(context.Context, *zoom.Client) error
		deadline time.Duration // of the caller
		calls    int
		most     time.Duration
	}{
		{"get", get, time.Hour, 3, 32 * time.Second},
		{"patch", patch, time.Hour, 1, 10 * time.Second},
		{"get with less time", get, 4 * time.Second, 1, 4 * time.Second},
		{"get with time for two", get, 15 * time.Second, 2, 15 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: silent}
				cl := inMemory(f, nil)
				ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
				defer cancel()
				start := time.Now()
				err := c.call(ctx, cl)
				wantKind(t, err, zoom.KindTransport)
				if !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("%v does not say that time was up", err)
				}
				if took := time.Since(start); took > c.most || len(f.called()) != c.calls {
					t.Errorf("%d calls in %v, want %d in %v", len(f.called()), took, c.calls, c.most)
				}
			})
		})
	}
}

func get(ctx context.Context, c *zoom.Client) error {
	_, err := c.GetMeeting(ctx, meeting)
	return err
}

func list(ctx context.Context, c *zoom.Client) error {
	_, err := c.ListUpcomingMeetings(ctx, "host")
	return err
}

func patch(ctx context.Context, c *zoom.Client) error {
	return c.PatchMeeting(ctx, meeting, zoom.MeetingPatch{Password: ptr(secret.String("")), WaitingRoom: ptr(true)})
}

// TestDeadlineInABreak: a caller whose time is up does not wait for the next try.
func TestDeadlineInABreak(t *testing.T) {
	t.Parallel()
	for name, api := range map[string]http.HandlerFunc{
		"after a 500":    always(500, `{}`),
		"held after 429": limited(429, perSecond, "Retry-After", "4"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: api}
				c := inMemory(f, nil)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
				defer cancel()
				start := time.Now()
				if err := get(ctx, c); err == nil {
					t.Error("no error")
				}
				if took := time.Since(start); took != 100*time.Millisecond || len(f.called()) != 1 {
					t.Errorf("%d calls in %v, want 1 in 100ms", len(f.called()), took)
				}
			})
		})
	}
}

// TestPatchIsNotRepeated: each one that Zoom may have looked at spends one of
// the host's hundred.
func TestPatchIsNotRepeated(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		api  http.HandlerFunc
		kind zoom.Kind
	}{
		{"500", always(500, `{}`), zoom.KindServer},
		{"502", always(502, `<html>`), zoom.KindServer},
		{"hung up", hangUp, zoom.KindTransport},
		{"torn", torn, zoom.KindTransport},
		{"validation", always(400, `{"code":300}`), zoom.KindInvalid},
		{"the host's hundred", limited(429, perHost), zoom.KindHostDay},
		{"daily", limited(429, perDay), zoom.KindRateDay},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{api: c.api}
			cl := overNetwork(t, f, nil)
			wantKind(t, patch(t.Context(), cl), c.kind)
			if n := len(f.called()); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

// TestPerSecondLimit: Zoom did not look at what it answered 429, so a PATCH is
// repeated too, when the time has come and at most three times.
func TestPerSecondLimit(t *testing.T) {
	t.Parallel()
	limit := limited(429, perSecond, "Retry-After", "2")
	ok := always(204, nil)
	for _, c := range []struct {
		name  string
		api   http.HandlerFunc
		kind  zoom.Kind
		calls int
		took  time.Duration
	}{
		{"once", inTurn(limit, ok), "", 2, 2 * time.Second},
		{"twice", inTurn(limit, limit, ok), "", 3, 4 * time.Second},
		{"for ever", limit, zoom.KindRateSecond, 3, 4 * time.Second},
		{"nothing said: a second", inTurn(limited(429, perSecond), ok), "", 2, time.Second},
		{"longer than is worth waiting for", inTurn(limited(429, perSecond, "Retry-After", "6"), ok), zoom.KindRateSecond, 1, 0},
		// It counts from the answer, however long that took to come.
		{"a slow 429", inTurn(slowly(3*time.Second, limit), ok), "", 2, 5 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: c.api}
				cl := inMemory(f, nil)
				start := time.Now()
				err := patch(t.Context(), cl)
				wantKind(t, err, c.kind)
				if took := time.Since(start); took != c.took || len(f.called()) != c.calls {
					t.Errorf("%d calls in %v, want %d in %v", len(f.called()), took, c.calls, c.took)
				}
				if err != nil && !zoomError(t, err).RetryAt.After(time.Now()) {
					t.Errorf("RetryAt %v is not ahead", zoomError(t, err).RetryAt)
				}
			})
		})
	}
}

func slowly(d time.Duration, h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(d):
			h(w, r)
		case <-r.Context().Done():
		}
	}
}

// TestHold: a 429 holds back its own label, and only that.
func TestHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		limit http.HandlerFunc
		kind  zoom.Kind
		for_  time.Duration
	}{
		{"per second, for long", limited(429, perSecond, "Retry-After", "60"), zoom.KindRateSecond, time.Minute},
		{"daily", limited(429, perDay, "Retry-After", "7200"), zoom.KindRateDay, 2 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{}
				var lifted atomic.Bool
				f.api = func(w http.ResponseWriter, r *http.Request) {
					switch {
					case strings.HasSuffix(r.URL.Path, "/users/host/meetings"): // MEDIUM
						answer(w, 200, `{"meetings":[]}`)
					case lifted.Load():
						goodMeeting(w, r)
					default: // LIGHT
						c.limit(w, r)
					}
				}
				cl := inMemory(f, nil)
				start := time.Now()
				wantKind(t, get(t.Context(), cl), c.kind)
				before := len(f.called())
				err := get(t.Context(), cl)
				wantKind(t, err, c.kind)
				if e := zoomError(t, err); !e.RetryAt.Equal(start.Add(c.for_)) {
					t.Errorf("RetryAt %v, want %v", e.RetryAt, start.Add(c.for_))
				}
				if time.Since(start) != 0 || len(f.called()) != before {
					t.Errorf("the second one took %v and made %d calls: want it back at once", time.Since(start), len(f.called())-before)
				}
				if err := list(t.Context(), cl); err != nil {
					t.Errorf("another label: %v", err)
				}
				lifted.Store(true)
				<-time.After(c.for_)
				if err := get(t.Context(), cl); err != nil {
					t.Errorf("when it is over: %v", err)
				}
			})
		})
	}
	t.Run("the host's hundred holds nobody else back", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: inTurn(limited(429, perHost), goodMeeting)}
		c := overNetwork(t, f, nil)
		wantKind(t, patch(t.Context(), c), zoom.KindHostDay)
		if err := get(t.Context(), c); err != nil {
			t.Errorf("the next LIGHT call: %v", err)
		}
	})
	t.Run("calls that queue when the 429 comes", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := &fakeZoom{}
			start := time.Now()
			f.api = func(w http.ResponseWriter, r *http.Request) {
				if time.Since(start) < 4*time.Second {
					limited(429, perSecond, "Retry-After", "4")(w, r)
					return
				}
				goodMeeting(w, r)
			}
			c := inMemory(f, func(o *zoom.Options) { o.Rates = zoom.Rates{zoom.Light: 1} })
			var callers sync.WaitGroup
			for range 4 {
				callers.Go(func() {
					if err := get(t.Context(), c); err != nil {
						t.Error(err)
					}
				})
			}
			callers.Wait()
			if n := len(f.called()); n != 5 {
				t.Errorf("%d calls, want 5: one is refused, and none is made until that is over", n)
			}
		})
	})
}

func TestPace(t *testing.T) {
	t.Parallel()
	t.Run("no faster than the rate", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			f := &fakeZoom{api: goodMeeting}
			rates, _ := zoom.RatesFor("free")
			c := inMemory(f, func(o *zoom.Options) { o.Rates = rates })
			start := time.Now()
			for range 12 {
				if err := get(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			// Half of Zoom's 4 a second, and 2 at once to begin with.
			if took := time.Since(start); took < 5*time.Second-time.Millisecond || took > 6*time.Second {
				t.Errorf("12 calls took %v, want about 5s", took)
			}
		})
	})
	for _, c := range []struct {
		name   string
		cancel bool
		want   error
	}{
		{"no turn before the deadline", false, context.DeadlineExceeded},
		{"cancelled while it queues", true, context.Canceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fakeZoom{api: goodMeeting}
				cl := inMemory(f, func(o *zoom.Options) { o.Rates = zoom.Rates{zoom.Light: 0.1} })
				if err := get(t.Context(), cl); err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				if c.cancel {
					time.AfterFunc(time.Second, cancel)
				} else {
					ctx, cancel = context.WithTimeout(t.Context(), 2*time.Second)
				}
				defer cancel()
				err := get(ctx, cl)
				wantKind(t, err, zoom.KindTransport)
				if !errors.Is(err, c.want) || len(f.called()) != 1 {
					t.Errorf("%v after %d calls, want %v after 1", err, len(f.called()), c.want)
				}
			})
		})
	}
	t.Run("an unknown plan", func(t *testing.T) {
		t.Parallel()
		if r, ok := zoom.RatesFor("gold"); ok || r != nil {
			t.Errorf("RatesFor = %v, %v", r, ok)
		}
	})
}

// TestRedirect: the token goes nowhere but where it belongs.
func TestRedirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				t.Errorf("%s was called with Authorization %q", r.URL, r.Header.Get("Authorization"))
			}))
			t.Cleanup(elsewhere.Close)
			f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL+"/x", status) }}
			c := overNetwork(t, f, nil)
			wantKind(t, get(t.Context(), c), zoom.KindBadAnswer)
			wantKind(t, patch(t.Context(), c), zoom.KindBadAnswer)
		})
	}
}

func TestLargeAnswers(t *testing.T) {
	t.Parallel()
	const most = 4 << 20
	sized := func(n int) http.HandlerFunc {
		head, tail := `{"id":85746065432,"topic":"`, `"}`
		return always(200, head+strings.Repeat("x", n-len(head)-len(tail))+tail)
	}
	t.Run("4 MiB", func(t *testing.T) {
		t.Parallel()
		c := overNetwork(t, &fakeZoom{api: sized(most)}, nil)
		if err := get(t.Context(), c); err != nil {
			t.Error(err)
		}
	})
	t.Run("a byte more", func(t *testing.T) {
		t.Parallel()
		c := overNetwork(t, &fakeZoom{api: sized(most + 1)}, nil)
		err := get(t.Context(), c)
		wantKind(t, err, zoom.KindBadAnswer)
		if err != nil && !strings.Contains(err.Error(), "4 MiB") {
			t.Errorf("%v does not say why", err)
		}
	})
	t.Run("without an end", func(t *testing.T) {
		t.Parallel()
		c := overNetwork(t, &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil || r.Context().Err() != nil {
					return
				}
			}
		}}, nil)
		wantKind(t, patch(t.Context(), c), zoom.KindBadAnswer)
	})
	t.Run("a huge error", func(t *testing.T) {
		t.Parallel()
		c := overNetwork(t, &fakeZoom{api: always(400, `{"message":"`+strings.Repeat("x", most)+`"}`)}, nil)
		wantKind(t, patch(t.Context(), c), zoom.KindBadAnswer)
	})
}

// TestNobodyThere: the error says what failed and holds no address with ids.
func TestNobodyThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	c := overNetwork(t, &fakeZoom{}, func(o *zoom.Options) { o.APIURL = nobody + "/v2" })
	err = c.PatchMeeting(t.Context(), meeting, zoom.MeetingPatch{WaitingRoom: ptr(true)})
	wantKind(t, err, zoom.KindTransport)
	if err != nil && (strings.Contains(err.Error(), meeting.String()) || !strings.Contains(err.Error(), "refused")) {
		t.Errorf("%v", err)
	}
}

// TestPatchBody is what Zoom gets to see: only what is asked for.
func TestPatchBody(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		patch zoom.MeetingPatch
		want  string
	}{
		{"clear", zoom.MeetingPatch{Password: ptr(secret.String("")), WaitingRoom: ptr(true)}, `{"password":"","settings":{"waiting_room":true}}`},
		{"set", zoom.MeetingPatch{Password: ptr(secret.String(marker))}, `{"password":"` + marker + `"}`},
		{"waiting room alone", zoom.MeetingPatch{WaitingRoom: ptr(false)}, `{"settings":{"waiting_room":false}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got string
			f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got = fmt.Sprintf("%s %s", r.Header.Get("Content-Type"), b)
				w.WriteHeader(204)
			}}
			cl := overNetwork(t, f, nil)
			if err := cl.PatchMeeting(t.Context(), meeting, c.patch); err != nil {
				t.Fatal(err)
			}
			if got != "application/json "+c.want || f.called()[0] != "PATCH /v2/meetings/85746065432" {
				t.Errorf("sent %s to %s, want %s", got, f.called()[0], c.want)
			}
		})
	}
}

// TestIDsInPaths: an id is one segment, whatever it holds.
func TestIDsInPaths(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ id, want string }{
		{"me", "/v2/users/me"},
		{"a/b", "/v2/users/a%2Fb"},
		{"../accounts/x", "/v2/users/..%2Faccounts%2Fx"},
		{"a?b=c#d", "/v2/users/a%3Fb=c%23d"},
		{"a b%2F", "/v2/users/a%20b%252F"},
		{"{userId}", "/v2/users/%7BuserId%7D"},
		{"", ""},
		{".", ""},
		{"..", ""},
	} {
		t.Run("id "+c.id, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{api: always(200, `{"id":"x"}`)}
			cl := overNetwork(t, f, nil)
			_, err := cl.GetUser(t.Context(), c.id)
			if c.want == "" {
				wantKind(t, err, zoom.KindInvalid)
				if len(f.called()) != 0 {
					t.Errorf("called %v", f.called())
				}
				return
			}
			if got := f.called(); err != nil || !slices.Equal(got, []string{"GET " + c.want}) {
				t.Errorf("called %v, error %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestListUpcomingMeetings(t *testing.T) {
	t.Parallel()
	page := func(next string, ids ...int) http.HandlerFunc {
		rows := []map[string]any{}
		for _, id := range ids {
			rows = append(rows, map[string]any{"id": id, "start_time": "2026-03-01T12:00:00Z"})
		}
		return always(200, map[string]any{"next_page_token": next, "meetings": rows})
	}
	t.Run("all pages", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: inTurn(page("p/2", 111111111, 222222222), page("", 333333333))}
		c := overNetwork(t, f, nil)
		rows, err := c.ListUpcomingMeetings(t.Context(), "host")
		if err != nil || len(rows) != 3 || rows[2].ID != 333333333 || rows[0].StartTime.IsZero() {
			t.Errorf("rows %+v, %v", rows, err)
		}
		want := []string{"GET /v2/users/host/meetings?page_size=300&type=upcoming_meetings",
			"GET /v2/users/host/meetings?next_page_token=p%2F2&page_size=300&type=upcoming_meetings"}
		if got := f.called(); !slices.Equal(got, want) {
			t.Errorf("called %q\nwant   %q", got, want)
		}
	})
	t.Run("the same token again", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: page("again", 111111111)}
		c := overNetwork(t, f, nil)
		if _, err := c.ListUpcomingMeetings(t.Context(), "host"); err != nil || len(f.called()) != 2 {
			t.Errorf("%d calls, %v: want 2", len(f.called()), err)
		}
	})
	t.Run("tokens without an end", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int64
		f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
			page(fmt.Sprint(n.Add(1)), 111111111)(w, r)
		}}
		c := overNetwork(t, f, nil)
		rows, err := c.ListUpcomingMeetings(t.Context(), "host")
		wantKind(t, err, zoom.KindBadAnswer)
		if rows != nil || len(f.called()) != 100 {
			t.Errorf("%d rows after %d calls: want none after 100, for they would pass for all", len(rows), len(f.called()))
		}
	})
	t.Run("as many pages as there may be", func(t *testing.T) {
		t.Parallel()
		var n atomic.Int64
		f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
			next := ""
			if i := n.Add(1); i < 100 {
				next = fmt.Sprint(i)
			}
			page(next, 111111111)(w, r)
		}}
		c := overNetwork(t, f, nil)
		if rows, err := c.ListUpcomingMeetings(t.Context(), "host"); err != nil || len(rows) != 100 {
			t.Errorf("%d rows, %v: want 100", len(rows), err)
		}
	})
	t.Run("odd rows cost nothing but themselves", func(t *testing.T) {
		t.Parallel()
		noon := zoom.Time{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
		f := &fakeZoom{api: always(200, `{"meetings":[
			{"id":7}, {"topic":"no id"}, {"id":{"x":1}}, null, "`+marker+`", [], {"id":-111111111},
			{"id":"111111111","uuid":5,"host_id":6,"topic":7,"type":"8","start_time":"2026-03-01T12:00:00Z","duration":"30"},
			{"id":222222222,"uuid":[],"host_id":{},"topic":true,"type":"x","start_time":"soon","duration":"long"},
			{"id":333333333,"start_time":"","duration":null}]}`)}
		c := overNetwork(t, f, nil)
		rows, err := c.ListUpcomingMeetings(t.Context(), "host")
		want := []zoom.ListedMeeting{{ID: 111111111, UUID: "5", HostID: "6", Topic: "7", Type: 8, StartTime: noon, Duration: 30},
			{ID: 222222222, Duration: 24 * 60}, {ID: 333333333}}
		if err != nil || !reflect.DeepEqual(rows, want) {
			t.Errorf("rows %+v, %v\nwant %+v", rows, err, want)
		}
	})
	t.Run("no list at all", func(t *testing.T) {
		t.Parallel()
		c := overNetwork(t, &fakeZoom{api: always(200, `{"meetings":{"id":111111111}}`)}, nil)
		wantKind(t, list(t.Context(), c), zoom.KindBadAnswer)
	})
	t.Run("a page fails", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{api: inTurn(page("2", 111111111), always(404, `{"code":1001}`))}
		c := overNetwork(t, f, nil)
		rows, err := c.ListUpcomingMeetings(t.Context(), "host")
		wantKind(t, err, zoom.KindNotFound)
		if rows != nil {
			t.Errorf("half a list comes along: %+v", rows)
		}
	})
}
