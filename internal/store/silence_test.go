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
	listened := func() { t.Helper(); exec(t, s, `UPDATE webhook_hours SET minutes = 60`) }
	// quiet hours, in which a worker listened
	quiet := func(weeks int, hours ...int) {
		t.Helper()
		for _, h := range hours {
			heard(weeks, h, 0)
		}
	}
	heard(0, 4, 7) // in the fourth hour before this one began
	quiet(0, 3, 2, 1)
	listened()
	noError(t, s.Heard(t.Context(), "elsewhere", map[time.Time]int{hour: 99}))
	if k := look(); k.Hours != 3 || k.Weeks != 0 || !k.Since.Equal(hour.Add(-3*time.Hour)) {
		t.Errorf("in the first week: %+v", k)
	}
	// Of two weeks the same hours are known, and one before and after them.
	for _, h := range []int{4, 3, 2, 1, 0} {
		heard(1, h, 20)
		heard(2, h, 5)
	}
	listened()
	if k := look(); k.Weeks != 2 || k.Fewest != 15 || k.Usual != 37.5 {
		t.Errorf("%+v; want 60 events a week before, and 15 two", k)
	}
	// Clocks were changed: the day began an hour later then.
	exec(t, s, `UPDATE webhook_hours SET events = CASE WHEN hour = $1 THEN 50 ELSE 0 END WHERE hour < now() - interval '2 days'`, hour.Add(-169*time.Hour))
	if k := look(); k.Fewest != 0 {
		t.Errorf("where the first hour alone had events: %+v", k)
	}
	// Of a week of which an hour is not known nothing is.
	exec(t, s, `UPDATE webhook_hours SET minutes = 10 WHERE hour = $1`, hour.Add(-170*time.Hour))
	if k := look(); k.Weeks != 1 {
		t.Errorf("of two weeks one is known: %+v", k)
	}
	// And none is silent in which no worker listened.
	exec(t, s, `DELETE FROM webhook_hours WHERE hour = $1`, hour.Add(-2*time.Hour))
	if k := look(); k.Hours != 0 {
		t.Errorf("no worker ran: %+v", k)
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
