package quota

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// ledger is the database's part, in memory: turns by one clock, one after the other.
type ledger struct {
	mu      sync.Mutex
	nextAt  time.Time
	used    int
	held    time.Time
	heldFor string
	asked   int
	away    bool
	learned map[string]int
}

func (f *ledger) TakeTurns(_ context.Context, l store.CallLimit, n int) (store.Turns, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	now, every := time.Now(), time.Duration(float64(time.Second)/(l.PerSecond*l.Share))
	switch {
	case f.away:
		return store.Turns{}, errors.New("no connection")
	case f.held.After(now):
		return store.Turns{After: f.held.Sub(now), Held: f.heldFor}, nil
	case f.nextAt.After(now.Add(time.Second)):
		return store.Turns{After: f.nextAt.Sub(now) - time.Second}, nil
	}
	if f.nextAt.Before(now) {
		f.nextAt = now
	}
	t := store.Turns{Count: n, After: f.nextAt.Sub(now), Every: every}
	f.nextAt = f.nextAt.Add(time.Duration(n) * every)
	f.used += n
	return t, nil
}

func (f *ledger) HoldCalls(_ context.Context, _, _, heldFor string, during time.Duration) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held, f.heldFor = time.Now().Add(during), heldFor
	return nil
}

func (f *ledger) LearnLimit(_ context.Context, _, label string, daily bool, limit int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errors.New("no connection")
	}
	if f.learned == nil {
		f.learned = map[string]int{}
	}
	f.learned[label] = limit
	return nil
}

func workers(t *testing.T, f *ledger, plan string, n int) []*Limiter {
	t.Helper()
	all := make([]*Limiter, n)
	for i := range all {
		all[i] = New(Options{Ledger: f, AccountID: "acc", Plan: plan, Share: 0.5, Logger: slog.New(slog.DiscardHandler)})
	}
	return all
}

// Three workers with eight callers each make together what one may, in every second, and
// few questions are asked for it.
func TestWorkersShareTheRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{}
		var mu sync.Mutex
		var made []time.Time
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var wg sync.WaitGroup
		all := workers(t, f, "business", 3) // 80 a second for the account, 40 for latchkey
		for _, l := range all {
			for range 8 {
				wg.Go(func() {
					for l.Wait(ctx, zoom.Light, "op") == nil {
						mu.Lock()
						made = append(made, time.Now())
						mu.Unlock()
						time.Sleep(20 * time.Millisecond) // Zoom answers
					}
				})
			}
		}
		wg.Wait()
		for _, l := range all {
			l.Close()
		}
		if n := len(made); n < 700 || n > 820 {
			t.Errorf("%d calls in 20 s, want nearly 800", n)
		}
		for i := range made {
			n := 0
			for _, at := range made[i:] {
				if at.Before(made[i].Add(time.Second)) {
					n++
				}
			}
			if n > 50 {
				t.Fatalf("%d calls within a second, want about 40", n)
			}
		}
		if f.asked*3 > len(made) {
			t.Errorf("%d questions for %d calls", f.asked, len(made))
		}
	})
}

// A lone call does not wait, and takes no turns that nobody uses.
func TestALoneCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{}
		l := workers(t, f, "pro", 1)[0]
		defer l.Close()
		for range 10 {
			began := time.Now()
			if err := l.Wait(t.Context(), zoom.Light, "op"); err != nil || time.Since(began) > 0 {
				t.Errorf("waited %v, %v", time.Since(began), err)
			}
			time.Sleep(5 * time.Second)
		}
		if f.used != 10 {
			t.Errorf("%d turns for 10 calls", f.used)
		}
	})
}

// A 429 of one worker holds all back, and is an error where that is for long.
func TestAHoldHoldsAll(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind   zoom.Kind
		during time.Duration
		err    bool
	}{
		"a second":           {zoom.KindRateSecond, time.Second, false},
		"a part of a day":    {zoom.KindRateDay, 10 * time.Minute, true},
		"longer than a wait": {zoom.KindRateSecond, 30 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &ledger{}
				all := workers(t, f, "pro", 2)
				defer all[0].Close()
				defer all[1].Close()
				all[0].Answered(t.Context(), zoom.Light, zoom.Said{Refused: c.kind, Until: time.Now().Add(c.during)})
				for i, l := range all {
					began := time.Now()
					err := l.Wait(t.Context(), zoom.Light, "op")
					var e *zoom.Error
					switch {
					case c.err && (!errors.As(err, &e) || e.Kind != c.kind || !e.RetryAt.Equal(began.Add(c.during))):
						t.Errorf("worker %d: %v, want %s until %v", i, err, c.kind, c.during)
					case !c.err && (err != nil || time.Since(began) < c.during && i == 0):
						t.Errorf("worker %d waited %v, %v", i, time.Since(began), err)
					}
					if err := l.Wait(t.Context(), zoom.Medium, "op"); err != nil && f.held.IsZero() {
						t.Errorf("another label: %v", err)
					}
				}
			})
		})
	}
}

// Without the ledger a worker goes on slowly, and at full pace once it is back.
func TestTheLedgerIsAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{away: true}
		l := workers(t, f, "business", 1)[0]
		defer l.Close()
		began := time.Now()
		for range 5 {
			if err := l.Wait(t.Context(), zoom.Light, "op"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 4*time.Second || took > 6*time.Second {
			t.Errorf("5 calls took %v, want one a second", took)
		}
		f.mu.Lock()
		f.away = false
		f.mu.Unlock()
		time.Sleep(2 * time.Second)
		began = time.Now()
		for range 40 {
			if err := l.Wait(t.Context(), zoom.Light, "op"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("40 calls took %v", took)
		}
	})
}

// Whoever does not want to wait any longer does not, and keeps nobody waiting.
func TestACallerThatGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{nextAt: time.Now().Add(3 * time.Second)}
		l := workers(t, f, "free", 1)[0]
		defer l.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := l.Wait(ctx, zoom.Light, "op"); zoom.KindOf(err) != zoom.KindTransport || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if err := l.Wait(t.Context(), zoom.Light, "op"); err != nil {
			t.Error(err)
		}
	})
}

// One word of a day's limit is not believed for the whole day: a call asks again.
func TestADayIsAskedForAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := workers(t, &ledger{}, "pro", 1)[0]
		defer l.Close()
		l.Answered(t.Context(), zoom.Medium, zoom.Said{Refused: zoom.KindRateDay, Until: time.Now().Add(10 * time.Hour)})
		if err := l.Wait(t.Context(), zoom.Medium, "op"); zoom.KindOf(err) != zoom.KindRateDay {
			t.Errorf("%v", err)
		}
		time.Sleep(askAgain)
		if err := l.Wait(t.Context(), zoom.Medium, "op"); err != nil {
			t.Errorf("after %v: %v", askAgain, err)
		}
	})
}

func TestWhatZoomSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{}
		l := workers(t, f, "pro", 1)[0]
		defer l.Close()
		for range 3 {
			l.Answered(t.Context(), zoom.Light, zoom.Said{Limit: 80, Remaining: 10})
		}
		if f.learned["light"] != 80 {
			t.Errorf("learned %v", f.learned)
		}
		l.Answered(t.Context(), zoom.Light, zoom.Said{Daily: true, Limit: 6000, Remaining: 200})
		if err := l.Wait(t.Context(), zoom.Light, "op"); zoom.KindOf(err) != zoom.KindRateDay {
			t.Errorf("200 of 6000 are left for all apps of the account, and the call: %v", err)
		}
	})
}

// What the ledger could not be told is told with the next answer.
func TestALimitIsLearnedWhenTheLedgerIsBack(t *testing.T) {
	t.Parallel()
	f := &ledger{away: true}
	l := workers(t, f, "pro", 1)[0]
	defer l.Close()
	said := zoom.Said{Limit: 80, Remaining: 10}
	l.Answered(t.Context(), zoom.Light, said)
	f.mu.Lock()
	f.away = false
	f.mu.Unlock()
	l.Answered(t.Context(), zoom.Light, said)
	if f.learned["light"] != 80 {
		t.Errorf("learned %v", f.learned)
	}
}

// A refusal that names a time gone by, since the answer took long or the clocks are apart,
// holds calls for a second all the same.
func TestARefusalThatIsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &ledger{}
		l := workers(t, f, "pro", 1)[0]
		defer l.Close()
		l.Answered(t.Context(), zoom.Light, zoom.Said{Refused: zoom.KindRateSecond, Until: time.Now().Add(-time.Minute)})
		begun := time.Now()
		if err := l.Wait(t.Context(), zoom.Light, "op"); err != nil || time.Since(begun) < time.Second {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
	})
}
