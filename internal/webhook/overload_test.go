package webhook_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/webhook"
)

// TestTricklingBodies: 1 100 callers let a body drip, 64 bytes a second each, and
// call again when they are cut off. Each of the 175 valid deliveries gets in.
func TestTricklingBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const tricklers, valid = 1100, 175
		r, n := newRig(t, nil), newNetwork()
		n.serve(t, &http.Server{Handler: r.router}, n)
		var all sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		for range tricklers {
			all.Go(func() {
				for ctx.Err() == nil {
					conn, err := n.begin(4096, "", nil)
					for err == nil && ctx.Err() == nil {
						time.Sleep(time.Second)
						_, err = conn.Write(make([]byte, 64))
					}
					if conn != nil {
						_ = conn.Close()
					}
				}
			})
		}
		synctest.Wait()
		status := map[int]int{}
		for i := range valid {
			status[deliver(n.client(), numbered(i))]++
			time.Sleep(20 * time.Millisecond)
		}
		stop()
		all.Wait()
		if status[http.StatusNoContent] != valid || len(r.bus.all()) != valid {
			t.Errorf("of %d valid deliveries %v came back and %d were published", valid, status, len(r.bus.all()))
		}
	})
}

// serially is a bus that takes its time for each delivery, one after the other.
type serially struct {
	each time.Duration
	turn chan struct{}
	took atomic.Int64
}

func (s *serially) PublishEvent(ctx context.Context, _ webhook.Delivery) error {
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-s.turn }()
	time.Sleep(s.each)
	s.took.Add(1)
	return nil
}

func (s *serially) PublishDead(context.Context, string, webhook.Delivery) error { return nil }

// TestBurst: 1 000 valid deliveries at the same moment, on a connection each. The
// bus has them all after 0.7 seconds, so none is refused: Zoom would not come
// back before five minutes.
func TestBurst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const burst = 1000
		bus, n := &serially{each: 700 * time.Microsecond, turn: make(chan struct{}, 1)}, newNetwork()
		r := newRig(t, func(o *webhook.Options) { o.Bus = bus })
		n.serve(t, &http.Server{Handler: r.router}, n)
		began := time.Now()
		status := atOnce(burst, func(i int) int { return deliver(n.client(), numbered(i)) })
		if took := time.Since(began); status[http.StatusNoContent] != burst || took > time.Second {
			t.Errorf("of %d at once %v, after %v", burst, status, took)
		}
	})
}

// atOnce calls one for each of n at the same time and counts what they return.
func atOnce(n int, one func(i int) int) map[int]int {
	var mu sync.Mutex
	var all sync.WaitGroup
	status := map[int]int{}
	for i := range n {
		all.Go(func() {
			code := one(i)
			mu.Lock()
			defer mu.Unlock()
			status[code]++
		})
	}
	all.Wait()
	return status
}

// stuck is an endpoint whose bus does not answer before release is closed, with
// every place taken.
func stuck(t *testing.T, places int) (r *rig, inProgress *sync.WaitGroup) {
	t.Helper()
	r = newRig(t, func(o *webhook.Options) { o.MostAtOnce = places })
	r.bus.entered, r.bus.release = make(chan struct{}), make(chan struct{})
	inProgress = &sync.WaitGroup{}
	for i := range places {
		inProgress.Go(func() {
			if w := r.serve(request(numbered(i), nil)); w.Code != http.StatusNoContent {
				t.Errorf("in progress: status %d, want 204", w.Code)
			}
		})
		<-r.bus.entered
	}
	return r, inProgress
}

// TestWaiting: eight deliveries for each place wait for one, in the order they
// came; more are refused at once, and those that wait after 1.5 seconds.
func TestWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const places, waiters = 2, 16
		r, inProgress := stuck(t, places)
		began := time.Now()
		var waiting sync.WaitGroup
		for i := range waiters {
			waiting.Go(func() {
				if w := r.serve(request(numbered(100+i), nil)); w.Code != http.StatusServiceUnavailable || time.Since(began) != 1500*time.Millisecond {
					t.Errorf("waiting: status %d after %v, want 503 after 1.5s", w.Code, time.Since(began))
				}
			})
		}
		synctest.Wait()
		for range 10 * waiters {
			if w := r.serve(request(created, nil)); w.Code != http.StatusServiceUnavailable || time.Since(began) != 0 {
				t.Fatalf("one too many to wait: status %d after %v, want 503 at once", w.Code, time.Since(began))
			}
		}
		waiting.Wait()
		close(r.bus.release)
		inProgress.Wait()
		if got := r.counts(t); got["overload"] != 11*waiters || got["accepted"] != places || len(got) != 2 {
			t.Errorf("counted %v", got)
		}
		r.bus.entered = nil
		if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent {
			t.Errorf("afterwards: status %d, want 204", w.Code)
		}
	})
}

// TestWaitsItsTurn: a place that becomes free goes to whoever waits longest.
func TestWaitsItsTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, all := stuck(t, 1)
		for i := range 4 {
			all.Go(func() {
				if w := r.serve(request(numbered(100+i), nil)); w.Code != http.StatusNoContent {
					t.Errorf("waiting: status %d, want 204", w.Code)
				}
			})
			synctest.Wait()
		}
		time.Sleep(time.Second)
		close(r.bus.release)
		for range 4 {
			<-r.bus.entered
		}
		all.Wait()
		for i, d := range r.bus.all()[1:] {
			if string(d.Body) != numbered(100+i) {
				t.Errorf("number %d was %s", i, d.Body)
			}
		}
	})
}

// TestEndsInTime: a body that comes late, the turn and a bus that does not answer
// take no longer together than Zoom waits.
func TestEndsInTime(t *testing.T) {
	t.Parallel()
	for name, turn := range map[string]bool{"bus": false, "turn and bus": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r, n := newRig(t, func(o *webhook.Options) { o.MostAtOnce = 1 }), newNetwork()
				n.serve(t, &http.Server{Handler: r.router}, n)
				r.bus.entered, r.bus.release = make(chan struct{}, 2), make(chan struct{})
				began, answer := time.Now(), make(chan string, 10)
				conn, err := n.begin(len(created), created[:60], answer)
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				time.Sleep(time.Second)
				if turn { // another has the place until two seconds after the beginning
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					go r.serve(request(numbered(1), nil).WithContext(ctx))
					synctest.Wait()
				}
				if _, err := conn.Write([]byte(created[60:])); err != nil {
					t.Fatal(err)
				}
				status := <-answer
				if took := time.Since(began); !strings.HasPrefix(status, "HTTP/1.1 503 ") || took > 2500*time.Millisecond {
					t.Errorf("answered %q after %v, want 503 within 2.5s", status, took)
				}
				if got, want := len(r.bus.entered), 1; !turn && got != want || turn && got != 2*want {
					t.Errorf("the bus was asked %d times", got)
				}
			})
		})
	}
}

// TestStrangersTakeNoTurn: while every place is taken, as many bad signatures as
// there are get their 401 at once; a valid delivery gets the next place.
func TestStrangersTakeNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, all := stuck(t, 1)
		began := time.Now()
		all.Go(func() {
			if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent {
				t.Errorf("valid: status %d, want 204", w.Code)
			}
		})
		status := atOnce(1000, func(i int) int {
			return r.serve(request(numbered(i), func(req *http.Request) { req.Header.Set("x-zm-signature", sign("another", now, numbered(i))) })).Code
		})
		if status[http.StatusUnauthorized] != 1000 || time.Since(began) != 0 {
			t.Errorf("strangers: %v after %v, want 401 at once", status, time.Since(began))
		}
		close(r.bus.release)
		<-r.bus.entered
		all.Wait()
	})
}

// TestUnwantedTakesNoTurn: what needs no bus is answered however full it is.
func TestUnwantedTakesNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, all := stuck(t, 1)
		began := time.Now()
		if w := r.serve(request(strings.Replace(created, "meeting.created", "recording.completed", 1), nil)); w.Code != http.StatusNoContent {
			t.Errorf("unwanted: status %d, want 204", w.Code)
		}
		if w := r.serve(request(validation("qgg8vlvZRS6UYooatFL8Aw"), nil)); w.Code != http.StatusOK || time.Since(began) != 0 {
			t.Errorf("URL validation: status %d after %v, want 200 at once", w.Code, time.Since(began))
		}
		close(r.bus.release)
		all.Wait()
	})
}

// TestOldestBodyLoses: where the room for bodies is taken by some that do not
// end, the one that began first gets 503; what has just begun arrives.
func TestOldestBodyLoses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r, n := newRig(t, func(o *webhook.Options) { o.MostAtOnce = 2 }), newNetwork()
		n.serve(t, &http.Server{Handler: r.router}, n)
		var answers []chan string
		for range 4 {
			answer := make(chan string, 10)
			conn, err := n.begin(webhook.MaxBody, strings.Repeat(" ", webhook.MaxBody/2-8), answer)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = conn.Close() })
			answers = append(answers, answer)
			time.Sleep(time.Millisecond)
		}
		began := time.Now()
		if got := deliver(n.client(), created); got != http.StatusNoContent || time.Since(began) != 0 {
			t.Errorf("a delivery: status %d after %v, want 204 at once", got, time.Since(began))
		}
		synctest.Wait()
		for i, answer := range answers {
			if got := len(answer); (got > 0) != (i == 0) {
				t.Errorf("body %d got %d answers: want the first alone to be answered", i, got)
			}
		}
		if got := r.counts(t); got["displaced"] != 1 || got["accepted"] != 1 || len(got) != 2 {
			t.Errorf("counted %v", got)
		}
		time.Sleep(2 * time.Second) // until the others are cut off
		// What they held is free again, all of it.
		large := created + strings.Repeat(" ", webhook.MaxBody-len(created))
		if status := atOnce(2, func(int) int { return deliver(n.client(), large) }); status[http.StatusNoContent] != 2 {
			t.Errorf("afterwards, two of the largest there is: %v, want 204", status)
		}
	})
}

// TestNobodyWaitsForABodyThatCannotBeCut: behind a ResponseWriter without
// deadlines a slow body cannot be ended; nobody is held up by it.
func TestNobodyWaitsForABodyThatCannotBeCut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(o *webhook.Options) { o.MostAtOnce = 1 })
		release := make(chan struct{})
		var all sync.WaitGroup
		all.Go(func() {
			rest := readFunc(func([]byte) (int, error) {
				<-release
				return 0, io.ErrUnexpectedEOF
			})
			w := r.serve(request(created, func(req *http.Request) {
				req.Body, req.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(strings.Repeat(" ", webhook.MaxBody-8)), rest)), -1
			}))
			if w.Code != http.StatusServiceUnavailable {
				t.Errorf("the slow one: status %d, want 503", w.Code)
			}
		})
		synctest.Wait()
		if w := r.serve(request(created, nil)); w.Code != http.StatusNoContent {
			t.Errorf("status %d, want 204", w.Code)
		}
		close(release)
		all.Wait()
		if got := r.counts(t); got["displaced"] != 1 || got["accepted"] != 1 {
			t.Errorf("counted %v", got)
		}
	})
}
