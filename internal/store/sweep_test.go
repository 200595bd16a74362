package store

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

// A day's budget of calls is spread over the day and shared by all workers, hosts that
// wait longest first; the next day there is another.
func TestASweepWithinItsBudget(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 60 {
		addHost(t, s, fmt.Sprint("host", i), "acc")
		exec(t, s, `UPDATE hosts SET swept_at = now() - interval '1 day' + $2 * interval '1 minute' WHERE host_id = $1`, fmt.Sprint("host", i), i)
		addQuiet(t, s, int64(i+1), fmt.Sprint("host", i))
	}
	const perDay = 1000
	w := Sweep{Age: time.Hour, Limit: 10, CallsPerDay: perDay}
	// Of the day so much has gone that 120 calls are left by now: of 6 for each host.
	exec(t, s, `INSERT INTO sweeps (account_id, day, spent) SELECT 'acc', (now() AT TIME ZONE 'UTC')::date, greatest(0, ($1 * (extract(epoch FROM (now() AT TIME ZONE 'UTC')::time) + 900) / 86400)::int - 120)`, perDay)
	var mu sync.Mutex
	hosts, calls := 0, 0
	for _, err := range atOnce(4, func(int) error {
		for range 20 {
			n, cost, err := s.SweepHosts(t.Context(), "acc", w)
			if err != nil {
				return err
			}
			mu.Lock()
			hosts, calls = hosts+n, calls+cost
			mu.Unlock()
		}
		return nil
	}) {
		noError(t, err)
	}
	// At the beginning of a day there is less than that.
	early := value[bool](t, s, `SELECT (now() AT TIME ZONE 'UTC')::time < '03:00'`)
	if !early && (hosts < 19 || hosts > 22 || calls != 6*hosts) {
		t.Errorf("%d hosts for %d calls, want about 20 for 120", hosts, calls)
	}
	if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE due_why = 'sweep' AND host_id NOT IN (SELECT 'host' || i FROM generate_series(0, $1) i)`, hosts-1); n != 0 {
		t.Errorf("%d that wait for less long were swept before others", n)
	}
	exec(t, s, `UPDATE sweeps SET spent = 1000`)
	if n, _, err := s.SweepHosts(t.Context(), "acc", w); err != nil || n != 0 {
		t.Errorf("nothing is left, and %d hosts were swept, %v", n, err)
	}
	exec(t, s, `UPDATE sweeps SET day = day - 1`)
	if n, _, err := s.SweepHosts(t.Context(), "acc", w); err != nil || n == 0 {
		t.Errorf("on another day %d hosts were swept, %v", n, err)
	}
}

func TestUsersThatNobodyMentioned(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "known", "acc")
	exec(t, s, `UPDATE hosts SET swept_at = now()`)
	due := func() bool {
		t.Helper()
		yes, err := s.UsersDue(t.Context(), "acc", time.Hour)
		noError(t, err)
		return yes
	}
	if due() {
		t.Error("due at the first look")
	}
	exec(t, s, `UPDATE sweeps SET users_at = now() - interval '2 hours'`)
	if !due() || due() {
		t.Error("not due, or for two at once")
	}
	found, err := s.SaveUsers(t.Context(), "acc", []User{{"known", "k@example.com"}, {"new", "n@example.com"}, {"new", "n@example.com"}, {"", "nobody"}}, 3)
	if err != nil || found != 1 {
		t.Errorf("%d found, %v; want 1", found, err)
	}
	if n := value[int](t, s, `SELECT spent FROM sweeps`); n != 3 {
		t.Errorf("%d calls counted, want 3", n)
	}
	if n, _, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: time.Hour, Limit: 10}); err != nil || n != 1 {
		t.Errorf("%d swept, %v; want the new one", n, err)
	}
	if h := claimHost(t, s).Host; h.ID != "new" || h.Email != "n@example.com" || !h.ListDue {
		t.Errorf("%+v", h)
	}
	noError(t, s.UsersAgain(t.Context(), "acc", time.Hour, -time.Second))
	if !due() {
		t.Error("not due again after it failed")
	}
}
