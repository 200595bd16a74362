package store

import (
	"testing"
	"time"
)

// What is known of an account's silence: since when, and how many events came in the same
// hours of the weeks before.
func TestLookForSilence(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	look := func() (k Silence) {
		t.Helper()
		_, _, err := s.LookForSilence(t.Context(), "acc", func(known Silence) (bool, bool) { k = known; return false, false }, nil)
		noError(t, err)
		return k
	}
	if k := look(); k.Hours != 0 || k.Weeks != 0 || !k.ValidatedAt.IsZero() {
		t.Errorf("of an account without events: %+v", k)
	}
	hour := value[time.Time](t, s, `SELECT date_trunc('hour', now())`).UTC()
	heard := func(weeks, hours, n int) {
		t.Helper()
		noError(t, s.Heard(t.Context(), "acc", map[time.Time]int{hour.Add(-time.Duration(weeks*168+hours) * time.Hour): n}))
	}
	heard(0, 4, 7) // in the fourth hour before this one began
	noError(t, s.Heard(t.Context(), "elsewhere", map[time.Time]int{hour: 99}))
	if k := look(); k.Hours != 3 || k.Weeks != 0 || !k.Since.Equal(hour.Add(-3*time.Hour)) {
		t.Errorf("in the first week: %+v", k)
	}
	// Of two weeks the same hours are known; in the third back it had begun only then.
	heard(2, 9, 1)
	for _, h := range []int{3, 2, 1} {
		heard(1, h, 10)
		heard(1, h, 10) // counted twice within the hour
		heard(2, h, 5)
	}
	heard(1, 4, 1000) // not among those hours
	heard(1, 0, 1000)
	if k := look(); k.Weeks != 2 || k.Fewest != 15 || k.Usual != 37.5 {
		t.Errorf("%+v; want 60 events a week before, and 15 two", k)
	}
	heard(7, 0, 1) // so old that it is not kept
	if n := value[int](t, s, `SELECT count(*) FROM webhook_hours WHERE hour < now() - interval '35 days'`); n != 0 {
		t.Errorf("%d rows are kept for too long", n)
	}
}

// What is told is told once, until it ends.
func TestSilenceIsToldOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	silent, late := false, false
	look := func() (began, ended int) {
		t.Helper()
		began, ended, err := s.LookForSilence(t.Context(), "acc", func(Silence) (bool, bool) { return silent, late }, func(_ Silence, late bool) Alert {
			return Alert{AccountID: "acc", Type: map[bool]string{false: "silent", true: "late"}[late], Subject: "acc", Data: []byte("{}")}
		})
		noError(t, err)
		return began, ended
	}
	for _, step := range []struct {
		silent, late bool
		began, ended int
	}{{false, false, 0, 0}, {true, false, 1, 0}, {true, false, 0, 0}, {true, true, 1, 0}, {false, true, 0, 1}, {true, false, 1, 1}} {
		silent, late = step.silent, step.late
		if began, ended := look(); began != step.began || ended != step.ended {
			t.Errorf("%+v: %d began, %d ended", step, began, ended)
		}
	}
	if n := value[string](t, s, `SELECT string_agg(type, ' ' ORDER BY recorded) FROM alerts`); n != "silent late silent" {
		t.Errorf("told: %s", n)
	}
	if n := value[bool](t, s, `SELECT silent_since IS NOT NULL AND late_since IS NULL FROM webhook_health`); !n {
		t.Error("the state is not as told")
	}
}
