package work

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// steps runs a loop in a bubble with a clock of its own and notes when each
// step was made. step says what the n-th one, from 0, returns.
type steps struct {
	loop  *Loop
	begun time.Time
	stop  context.CancelFunc

	mu sync.Mutex
	at []time.Duration
}

func runLoop(t *testing.T, poll time.Duration, step func(n int) (bool, error)) *steps {
	ctx, cancel := context.WithCancel(t.Context())
	s := &steps{loop: NewLoop(poll), begun: time.Now(), stop: cancel}
	go s.loop.Run(ctx, slog.New(slog.DiscardHandler), func() (bool, error) {
		s.mu.Lock()
		n := len(s.at)
		s.at = append(s.at, time.Since(s.begun))
		s.mu.Unlock()
		return step(n)
	})
	return s
}

// until lets the bubble's clock go on to a moment and returns the steps made by then.
func (s *steps) until(t *testing.T, moment time.Duration) []time.Duration {
	t.Helper()
	<-time.After(moment - time.Since(s.begun))
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.at)
}

func same(t *testing.T, what string, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: steps at %v, want %v", what, got, want)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: steps at %v, want %v", what, got, want)
			return
		}
	}
}

const sec = time.Second

func TestLoopPolls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := runLoop(t, 2*sec, func(int) (bool, error) { return false, nil })
		same(t, "idle", s.until(t, 7*sec), 0, 2*sec, 4*sec, 6*sec)
		s.stop()
		synctest.Wait()
		same(t, "stopped", s.until(t, 20*sec), 0, 2*sec, 4*sec, 6*sec)
	})
}

func TestLoopGoesOnWhileThereIsWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := runLoop(t, 2*sec, func(n int) (bool, error) { return n < 3, nil })
		defer s.stop()
		same(t, "busy", s.until(t, 3*sec), 0, 0, 0, 0, 2*sec)
	})
}

func TestLoopIsWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := runLoop(t, 10*sec, func(int) (bool, error) { return false, nil })
		defer s.stop()
		s.until(t, 3*sec)
		for range 100 { // wakes gather, and never block
			s.loop.Wake()
		}
		same(t, "woken", s.until(t, 4*sec), 0, 3*sec, 3*sec)
		same(t, "and idle again", s.until(t, 14*sec), 0, 3*sec, 3*sec, 13*sec)
	})
}

// A wake that comes while a step runs is not lost: what it is about may have
// come after the step looked.
func TestLoopIsWokenDuringAStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var s *steps
		ready := make(chan struct{})
		s = runLoop(t, 10*sec, func(n int) (bool, error) {
			<-ready
			if n == 0 {
				s.loop.Wake()
			}
			return false, nil
		})
		defer s.stop()
		close(ready)
		same(t, "woken", s.until(t, sec), 0, 0)
	})
}

// Failing, it slows down, however often it is woken; and it never spins.
func TestLoopSlowsDownWhileFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		s := runLoop(t, 2*sec, func(int) (bool, error) {
			if !works.Load() {
				return false, errors.New("unavailable")
			}
			return false, nil
		})
		defer s.stop()
		const ms = time.Millisecond
		for at := time.Duration(0); at < 3*sec; at += 100 * ms {
			s.until(t, at)
			s.loop.Wake()
		}
		same(t, "at first", s.until(t, 3*sec), 0, 250*ms, 750*ms, 1500*ms, 2500*ms)
		hour := s.until(t, time.Hour)
		if n := len(hour); n < 360 || n > 400 {
			t.Errorf("%d steps within an hour of failing, want one each 10 s or so", n)
		}
		for i := 45; i < len(hour); i++ {
			if d := hour[i] - hour[i-1]; d != slowest {
				t.Fatalf("step %d came after %v, want %v", i, d, slowest)
			}
		}
		works.Store(true)
		n := len(hour)
		got := s.until(t, time.Hour+slowest+sec)[n:]
		// It looks again at once for what gathered, once more for the wake that was
		// kept, and then it polls.
		if len(got) < 3 || got[1] != got[0] || got[2] != got[0] || len(got) > 3 && got[3] != got[0]+2*sec {
			t.Errorf("after the outage steps at %v", got)
		}
		n += len(got)
		if got := s.until(t, time.Hour+slowest+61*sec)[n:]; len(got) != 30 {
			t.Errorf("%d steps within the next minute, want a poll each 2 s", len(got))
		}
	})
}

func TestLoopStopsWhileFailing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		done := make(chan struct{})
		go func() {
			defer close(done)
			NewLoop(sec).Run(ctx, slog.New(slog.DiscardHandler), func() (bool, error) {
				if n++; n == 3 {
					cancel()
				}
				return true, errors.New("unavailable")
			})
		}()
		<-done // a loop that did not stop would be a deadlock, or time without end
		if n != 3 {
			t.Errorf("%d steps", n)
		}
	})
}

func TestPauseEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), sec)
		defer cancel()
		Pause(ctx, time.Hour)
		if took := time.Since(begun); took != sec {
			t.Errorf("paused %v, want 1 s: the context ended", took)
		}
		Pause(t.Context(), time.Minute)
		if took := time.Since(begun); took != sec+time.Minute {
			t.Errorf("paused until %v", took)
		}
	})
}

// TestClaimDoesNotWaitForWhatHangs: one piece of work that hangs takes one
// place; the others are claimed and done meanwhile, and never more than there
// are places for.
func TestClaimDoesNotWaitForWhatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := NewPool(2)
		queue := []int{0, 1, 2, 3}
		var mu sync.Mutex
		running, most, done := 0, 0, 0
		claim := func(_ context.Context, limit int) ([]int, error) {
			n := min(limit, len(queue))
			got := queue[:n]
			queue = queue[n:]
			return got, nil
		}
		work := func(i int) {
			mu.Lock()
			running++
			most = max(most, running)
			mu.Unlock()
			if i == 0 {
				<-time.After(time.Hour)
			} else {
				<-time.After(time.Second)
			}
			mu.Lock()
			running--
			done++
			mu.Unlock()
		}
		begun := time.Now()
		for len(queue) > 0 {
			if _, err := Claim(t.Context(), p, claim, work); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the last was claimed after %v: the one that hangs held up the others", took)
		}
		p.Wait()
		if most != 2 || done != 4 {
			t.Errorf("%d at once and %d done, want 2 and 4", most, done)
		}
		if n := p.take(t.Context()); n != 2 {
			t.Errorf("%d places are free in the end, want 2", n)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if n := p.take(ended); n != 0 {
			t.Errorf("took %d of no places", n)
		}
	})
}

func TestInsist(t *testing.T) {
	t.Parallel()
	gone, wrong := errors.New("gone"), errors.New("wrong")
	for name, c := range map[string]struct {
		errs  []error // one a call; then none
		ends  time.Duration
		calls int
		want  error
	}{
		"at once":                    {nil, time.Hour, 1, nil},
		"after a while":              {[]error{gone, gone, gone}, time.Hour, 4, nil},
		"what does not go away":      {[]error{gone, wrong, gone}, time.Hour, 2, wrong},
		"until the time is up":       {slices.Repeat([]error{gone}, 1000), time.Second, 5, gone},
		"no time at all, still once": {[]error{gone}, 0, 1, gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), c.ends)
				defer cancel()
				calls := 0
				err := Insist(ctx, func(err error) bool { return err == gone }, func() error {
					if calls++; calls <= len(c.errs) {
						return c.errs[calls-1]
					}
					return nil
				})
				if err != c.want || calls != c.calls && name != "until the time is up" || calls > 10 {
					t.Errorf("%d calls, %v; want %d, %v", calls, err, c.calls, c.want)
				}
			})
		})
	}
}

// Away for five minutes, or for a day: work goes on within ten seconds of the return,
// and meanwhile it was asked for at most every ten seconds, in the end.
func TestLoopAfterALongOutage(t *testing.T) {
	t.Parallel()
	for _, away := range []time.Duration{5 * time.Minute, 24 * time.Hour} {
		t.Run(away.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun, calls := time.Now(), 0
				ctx, cancel := context.WithCancel(t.Context())
				var back time.Duration
				NewLoop(time.Second).Run(ctx, slog.New(slog.DiscardHandler), func() (bool, error) {
					calls++
					if time.Since(begun) < away {
						return false, errors.New("away")
					}
					back = time.Since(begun)
					cancel()
					return false, nil
				})
				if back > away+slowest || calls > int(away/slowest)+50 {
					t.Errorf("it went on after %s, with %d calls", back, calls)
				}
			})
		})
	}
}
