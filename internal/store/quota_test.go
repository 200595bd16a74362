package store

import (
	"sync"
	"testing"
	"time"
)

var ofTest = CallLimit{AccountID: "acc", Label: "light", PerSecond: 40, Share: 0.5}

// takeTurns asks until there are some.
func takeTurns(t *testing.T, s *Store, l CallLimit, n int) Turns {
	t.Helper()
	for range 3 {
		got, err := s.TakeTurns(t.Context(), l, n)
		noError(t, err)
		if got.Count > 0 || got.Held != "" || got.After > 10*time.Millisecond {
			return got
		}
	}
	t.Fatal("no turns")
	return Turns{}
}

// Turns of everybody who asks are one after the other, at half of the limit, and none
// are given out far ahead.
func TestTurnsAreOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	takeTurns(t, s, ofTest, 1)
	exec(t, s, `UPDATE call_limits SET next_at = now()`)
	began := time.Now()
	var mu sync.Mutex
	total, latest := 0, time.Duration(0)
	for _, err := range atOnce(6, func(int) error {
		for range 3 {
			got, err := s.TakeTurns(t.Context(), ofTest, 2)
			if err != nil {
				return err
			}
			mu.Lock()
			total += got.Count
			if got.Count > 0 {
				if got.Every.Round(time.Millisecond) != 50*time.Millisecond {
					t.Errorf("one every %v, want 50 ms", got.Every)
				}
				latest = max(latest, time.Since(began)+got.After+50*time.Millisecond)
			}
			mu.Unlock()
		}
		return nil
	}) {
		noError(t, err)
	}
	// What goes by meanwhile gives some more.
	if most := int((time.Since(began)+turnsAhead)/(50*time.Millisecond)) + 3; total < 20 || total > most {
		t.Errorf("%d turns, want those of about a second", total)
	}
	if want := time.Duration(total) * 50 * time.Millisecond; latest < want-100*time.Millisecond {
		t.Errorf("the last turn is after %v, of %d turns", latest, total)
	}
	exec(t, s, `UPDATE call_limits SET next_at = now() + interval '1900 milliseconds'`) // however long that took
	got := takeTurns(t, s, ofTest, 1)
	if got.Count != 0 || got.Held != "" || got.After <= 0 || got.After > time.Second {
		t.Errorf("with a second given out: %+v", got)
	}
}

func TestTurnsOfADay(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	l := CallLimit{AccountID: "acc", Label: "heavy", PerSecond: 4000, PerDay: 20, Share: 0.5}
	for range 3 {
		if got := takeTurns(t, s, l, 3); got.Count != 3 {
			t.Errorf("%+v", got)
		}
	}
	if got, err := s.TakeTurns(t.Context(), l, 3); err != nil || got != (Turns{}) {
		t.Errorf("3 of 1 left: %+v, %v; want to be told to ask for fewer", got, err)
	}
	if got := takeTurns(t, s, l, 1); got.Count != 1 {
		t.Errorf("the last: %+v", got)
	}
	got := takeTurns(t, s, l, 1)
	if got.Count != 0 || got.Held != HeldDay || got.After <= 0 || got.After > 24*time.Hour {
		t.Errorf("none left: %+v", got)
	}
	exec(t, s, `UPDATE call_limits SET day = day - 1`)
	if got := takeTurns(t, s, l, 3); got.Count != 3 {
		t.Errorf("the next day: %+v", got)
	}
	// Zoom allows more than the plan says.
	exec(t, s, `UPDATE call_limits SET used = 10`)
	noError(t, s.LearnLimit(t.Context(), "acc", "heavy", true, 100))
	if got := takeTurns(t, s, l, 3); got.Count != 3 {
		t.Errorf("of 100: %+v", got)
	}
}

func TestHeldCalls(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	noError(t, s.HoldCalls(t.Context(), "acc", "light", HeldSecond, time.Hour)) // before anything else is known
	got := takeTurns(t, s, ofTest, 1)
	if got.Count != 0 || got.Held != HeldSecond || got.After < 59*time.Minute {
		t.Errorf("held: %+v", got)
	}
	noError(t, s.HoldCalls(t.Context(), "acc", "light", HeldDay, time.Minute)) // a shorter one takes nothing away
	if got := takeTurns(t, s, ofTest, 1); got.Held != HeldSecond || got.After < 59*time.Minute {
		t.Errorf("held again, for less: %+v", got)
	}
	if got := takeTurns(t, s, CallLimit{AccountID: "other", Label: "light", PerSecond: 40, Share: 1}, 1); got.Count != 1 {
		t.Errorf("another account: %+v", got)
	}
	exec(t, s, `UPDATE call_limits SET held_until = now() - interval '1 second' WHERE account_id = 'acc'`)
	if got := takeTurns(t, s, ofTest, 1); got.Count != 1 {
		t.Errorf("the hold is over: %+v", got)
	}
}

// Each 429 slows all down, once a second at most; time makes them faster again.
func TestThePaceAfter429s(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	takeTurns(t, s, ofTest, 1)
	every := func() time.Duration {
		t.Helper()
		exec(t, s, `UPDATE call_limits SET held_until = NULL, held_for = '', next_at = now()`)
		return takeTurns(t, s, ofTest, 1).Every.Round(time.Millisecond)
	}
	for range 5 {
		noError(t, s.HoldCalls(t.Context(), "acc", "light", HeldSecond, time.Second))
	}
	if got := every(); got < 68*time.Millisecond || got > 72*time.Millisecond {
		t.Errorf("after a 429 one every %v, want 50 ms / 0.7", got)
	}
	for range 20 {
		exec(t, s, `UPDATE call_limits SET paced_at = now() - interval '2 seconds'`)
		noError(t, s.HoldCalls(t.Context(), "acc", "light", HeldSecond, time.Second))
	}
	if got := every(); got < 400*time.Millisecond || got > 500*time.Millisecond {
		t.Errorf("after many one every %v, want 50 ms / 0.1", got)
	}
	exec(t, s, `UPDATE call_limits SET paced_at = now() - interval '1 hour'`)
	if got := every(); got != 50*time.Millisecond {
		t.Errorf("an hour later one every %v", got)
	}
	noError(t, s.LearnLimit(t.Context(), "acc", "light", false, 80))
	if got := every(); got != 25*time.Millisecond {
		t.Errorf("of the 80 that Zoom said, one every %v", got)
	}
}

// Should the state be lost, turns go on at once and at the same pace: all of it is made
// anew by whoever asks.
func TestTurnsAfterTheirStateIsLost(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	takeTurns(t, s, ofTest, 1)
	exec(t, s, `DELETE FROM call_limits`)
	for _, err := range atOnce(4, func(int) error {
		for range 5 {
			got, err := s.TakeTurns(t.Context(), ofTest, 2)
			if err != nil {
				return err
			}
			if got.Held != "" {
				t.Errorf("held: %+v", got)
			}
		}
		return nil
	}) {
		noError(t, err)
	}
	if n := value[int](t, s, `SELECT used FROM call_limits`); n < 1 || n > 30 {
		t.Errorf("%d turns of a second's 20 were taken after it was lost", n)
	}
}
