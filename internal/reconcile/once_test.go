package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// The first caller goes away while it is reading: the others get what it read,
// and nothing is read twice.
func TestOnceOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		impatient, leave := context.WithCancel(t.Context())
		var reads atomic.Int32
		begun, finish := make(chan struct{}), make(chan struct{})
		read := func(ctx context.Context) (string, error) {
			reads.Add(1)
			close(begun) // twice would panic
			<-finish
			return "read", ctx.Err()
		}
		var all sync.WaitGroup
		firstGone := make(chan struct{})
		all.Go(func() {
			defer close(firstGone)
			if got, err := once(w, impatient, "key", read); !errors.Is(err, context.Canceled) || got != "" {
				t.Errorf("the first got %q, %v; want that it was canceled", got, err)
			}
		})
		<-begun
		for range 3 {
			all.Go(func() {
				if got, err := once(w, t.Context(), "key", read); err != nil || got != "read" {
					t.Errorf("another got %q, %v", got, err)
				}
			})
		}
		synctest.Wait() // all of them wait for the one reading
		leave()
		<-firstGone
		close(finish)
		all.Wait()
		if n := reads.Load(); n != 1 {
			t.Errorf("read %d times", n)
		}
	})
}

func TestOnceGivesAllTheSameError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		broken := errors.New("broken")
		finish := make(chan struct{})
		reads := 0
		read := func(context.Context) (int, error) { reads++; <-finish; return 0, broken }
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				if _, err := once(w, t.Context(), "key", read); !errors.Is(err, broken) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		close(finish)
		all.Wait()
		if reads != 1 {
			t.Errorf("read %d times", reads)
		}
		// An error is not kept.
		if got, err := once(w, t.Context(), "key", func(context.Context) (int, error) { return 7, nil }); got != 7 || err != nil {
			t.Errorf("later %d, %v", got, err)
		}
	})
}

// A reading that nobody waits for ends with the worker, which waits for it.
func TestReadingsEndWithTheWorker(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		impatient, leave := context.WithCancel(t.Context())
		var ended error
		go func() {
			_, _ = once(w, impatient, "key", func(ctx context.Context) (int, error) { <-ctx.Done(); ended = ctx.Err(); return 0, ended })
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		if ended != nil {
			t.Fatalf("the reading ended with its first caller: %v", ended)
		}
		w.finish()
		if !errors.Is(ended, context.Canceled) {
			t.Errorf("the worker finished and its reading did not: %v", ended)
		}
	})
}

// A reading that never ends is ended, although nobody's patience does it.
func TestOnceIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := New(Options{})
		_, err := once(w, t.Context(), "key", func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want a deadline", err)
		}
	})
}

// The same through a host: one check is stopped while it reads the settings, the
// other goes on with what was read.
func TestHostIsReadOnceForAll(t *testing.T) {
	t.Parallel()
	reading, finish := make(chan struct{}), make(chan struct{})
	var first sync.Once
	f := &fakeZoom{settings: passcodesOn(), reading: func() {
		first.Do(func() { close(reading) })
		<-finish
	}}
	w := withHost(t, f)
	impatient, leave := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := w.hostFacts(impatient, f, "acc", "host")
		gone <- err
	}()
	<-reading
	leave()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the first: %v", err)
	}
	other := make(chan error)
	go func() {
		facts, err := w.hostFacts(t.Context(), f, "acc", "host")
		if err == nil && facts.known.Settings[passcode.KeyPasscode].Value != passcode.On {
			err = errors.New("the settings are not those that were read")
		}
		other <- err
	}()
	close(finish)
	if err := <-other; err != nil {
		t.Errorf("the other: %v", err)
	}
	if n := f.times("GetUserSettings"); n != 1 {
		t.Errorf("the settings were read %d times", n)
	}
}

// TestAnImpatientCallerDisturbsNoReading: a check that lost its lease while a
// group's locks are read gives up, and the reading goes on with what it began.
func TestAnImpatientCallerDisturbsNoReading(t *testing.T) {
	t.Parallel()
	w, _ := newWorker(t, &fakeZoom{})
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	for i := range 100 {
		id, got := fmt.Sprint("group ", i), make(chan string, 1)
		_, _, _ = w.level(impatient, "acc", id, func(context.Context, string) (store.Level, error) { return store.Level{ID: id}, nil },
			func(_ context.Context, l store.Level) error { got <- l.ID; return nil })
		if read := <-got; read != id {
			t.Fatalf("read %q, want %q", read, id)
		}
	}
}
