package work

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errTaken = errors.New("taken")

func held(beat func(ctx context.Context, n int) error) Hold {
	var n atomic.Int32
	return Hold{Lease: 30 * time.Second, Since: time.Now(), Within: 10 * time.Minute,
		Beat: func(ctx context.Context) error { return beat(ctx, int(n.Add(1))) },
		Lost: func(err error) bool { return errors.Is(err, errTaken) }}
}

// TestUnderLease: work goes on exactly as long as the lease is certainly held,
// whatever the heartbeats do.
func TestUnderLease(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		beat func(ctx context.Context, n int) error
		ends time.Duration // when the work's context ends; 0: it is done after 5 minutes
	}{
		{"heartbeats that are answered", func(context.Context, int) error { return nil }, 0},
		{"one that fails", func(_ context.Context, n int) error {
			if n == 2 {
				return errors.New("unavailable")
			}
			return nil
		}, 0},
		{"all fail", func(context.Context, int) error { return errors.New("unavailable") }, 25 * time.Second},
		{"none is ever answered", func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() }, 25 * time.Second},
		{"answered twice and then never", func(ctx context.Context, n int) error {
			if n <= 2 {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}, 20*time.Second + 25*time.Second},
		{"somebody else has it", func(context.Context, int) error { return errTaken }, 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				begun := time.Now()
				err := UnderLease(t.Context(), held(c.beat), func(ctx context.Context) error {
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(5 * time.Minute):
						return nil
					}
				})
				took := time.Since(begun)
				if c.ends == 0 {
					if err != nil || took != 5*time.Minute {
						t.Errorf("after %v: %v", took, err)
					}
					return
				}
				if !errors.Is(err, ErrLeaseLost) || took != c.ends {
					t.Errorf("ended after %v with %v; want that the lease was lost after %v", took, err, c.ends)
				}
			})
		})
	}
}

// TestUnderLeaseOfASlowClaim: the lease counts from before it was asked for.
func TestUnderLeaseOfASlowClaim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := held(func(ctx context.Context, _ int) error { <-ctx.Done(); return ctx.Err() })
		h.Since = time.Now().Add(-20 * time.Second)
		begun := time.Now()
		err := UnderLease(t.Context(), h, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if took := time.Since(begun); !errors.Is(err, ErrLeaseLost) || took != 5*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
	})
}

func TestUnderLeaseIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := held(func(context.Context, int) error { return nil })
		err := UnderLease(t.Context(), h, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrLeaseLost) {
			t.Errorf("got %v, want a deadline", err)
		}
	})
}

// TestAPanicPassesNoBarrier: of the work, of a claim, of a loop's step.
func TestAPanicPassesNoBarrier(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p *PanicError
		err := UnderLease(t.Context(), held(func(context.Context, int) error { return nil }), func(context.Context) error { panic("poison") })
		if !errors.As(err, &p) || p.Error() != "panic: a value of type string, not shown; the log has the stack" || !strings.Contains(string(p.Stack), "lease_test.go") {
			t.Errorf("%v\n%s", err, p.Stack)
		}
		pool := NewPool(3)
		_, err = Claim(t.Context(), pool, func(context.Context, int) ([]int, error) { panic(errors.New("poison")) }, func(int) {})
		if !errors.As(err, &p) || p.Error() != "panic: a value of type *errors.errorString, not shown; the log has the stack" {
			t.Errorf("claim: %v", err)
		}
		if n := pool.take(t.Context()); n != 3 {
			t.Errorf("%d places are left after it, want 3", n)
		}
		s := runLoop(t, time.Second, func(n int) (bool, error) {
			if n == 0 {
				panic("poison")
			}
			return false, nil
		})
		defer s.stop()
		if got := s.until(t, 2*time.Second); len(got) < 2 || s.loop.Err() != nil {
			t.Errorf("the loop made steps at %v and is stalled by %v", got, s.loop.Err())
		}
	})
	// What a panic was about may be a passcode; what the runtime says is not.
	for _, v := range []any{"hunter2", errors.New("hunter2"), fmt.Errorf("x: %w", errors.New("hunter2")), []byte("hunter2")} {
		if text := (&PanicError{Value: v}).Error(); strings.Contains(text, "hunter2") {
			t.Errorf("%T: %s", v, text)
		}
	}
	err := Guard(func() error { _ = []int{1}[len(t.Name())]; return nil })
	if err == nil || !strings.Contains(err.Error(), "index out of range") {
		t.Errorf("the runtime's own: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: 5 * time.Minute, 1 << 30: 5 * time.Minute} {
		if got := Backoff(n, time.Second, 5*time.Minute); got != want {
			t.Errorf("after %d failures %v, want %v", n, got, want)
		}
	}
}
