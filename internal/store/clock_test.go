package store

import (
	"net/url"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// openAhead opens a database whose clock is three days ahead of this process's
// and whose time zone is the one farthest from UTC: the server's own now() is
// found after one that says so.
func openAhead(t *testing.T) *Store {
	t.Helper()
	u, err := url.Parse(migratedURL(t))
	noError(t, err)
	q := u.Query()
	q.Set("search_path", "latchkey,pg_catalog")
	q.Set("timezone", "Pacific/Kiritimati")
	u.RawQuery = q.Encode()
	s := openURL(t, u.String())
	exec(t, s, `CREATE FUNCTION latchkey.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT pg_catalog.now() + interval '3 days' $$`)
	if ahead := value[float64](t, s, `SELECT extract(epoch FROM now() - pg_catalog.now())::float8 / 86400`); ahead != 3 {
		t.Fatalf("the database's clock is %v days ahead", ahead)
	}
	return s
}

// Whatever is written down is dated by the database, whose clock all workers
// share.
func TestTimeIsTheDatabases(t *testing.T) {
	t.Parallel()
	s := openAhead(t)
	is := func(what string, at time.Time, away time.Duration) {
		t.Helper()
		if !nearly(t, s, at, away) {
			t.Errorf("%s is %v, want %v from the database's now", what, at, away)
		}
	}
	column := func(what, sql string, away time.Duration) {
		t.Helper()
		is(what, value[time.Time](t, s, sql), away)
	}
	addMeeting(t, s, 1, "host", time.Hour)
	addHost(t, s, "host", "acc")
	exec(t, s, `UPDATE hosts SET due_at = now() - interval '1 second'`)

	c := claim(t, s, "w")
	is("the claim's now", c.Now, 0)
	if away := time.Since(c.Since).Abs(); away > time.Minute {
		t.Errorf("the claim's own moment is %v off this process's clock", away)
	}
	noError(t, s.PutOff(t.Context(), c.Lease, 20*time.Minute, "x", ""))
	is("put off until", meeting(t, s, 1).DueAt, 20*time.Minute)

	exec(t, s, `UPDATE meetings SET due_at = now()`)
	c = claim(t, s, "w")
	r, err := s.BeginRepair(t.Context(), c, clearing(), "s3cret", nil)
	noError(t, err)
	is("a repair's begin", r.StartedAt, 0)
	m := decided(c, passcode.OutcomeDemands, passcode.RemedyKeep)
	noError(t, s.Complete(t.Context(), c, Check{Meeting: m, Passcode: seen("0ther"), Repair: Repair{ID: r.ID, Result: RepairHeld}, Next: c.Now.Add(time.Hour), Worked: []string{"call"}}))
	m = meeting(t, s, 1)
	is("decided", m.DecidedAt, 0)
	is("demanding since", m.DemandingSince, 0)
	is("next", m.DueAt, time.Hour)
	column("the verdict", `SELECT decided_at FROM verdicts`, 0)
	column("a repair's end", `SELECT ended_at FROM repairs`, 0)
	column("a passcode", `SELECT seen_at FROM passcodes`, 0)
	column("a call that worked", `SELECT ok_at FROM account_calls`, 0)
	if got, err := s.Remember(t.Context(), "acc", 1); err != nil || got.Held != 1 {
		t.Errorf("held within the day: %d, %v", got.Held, err)
	}

	h := claimHost(t, s)
	_, _, err = s.CompleteHost(t.Context(), h, HostDone{Next: 2 * time.Hour, Listed: []Listed{{ID: 2}}})
	noError(t, err)
	column("the host's next time", `SELECT due_at FROM hosts`, 2*time.Hour)
	is("a listed meeting's", meeting(t, s, 2).DueAt, 0)
	_, err = s.SaveForecast(t.Context(), "acc", "host", forecastOf(true), nil)
	noError(t, err)
	column("a forecast", `SELECT forecast_at FROM hosts`, 0)

	_, err = s.SetupFailed(t.Context(), Trouble{AccountID: "acc", Call: "other call"}, Alert{})
	noError(t, err)
	troubles, err := s.Troubles(t.Context(), "acc")
	if err != nil || len(troubles) != 1 {
		t.Fatalf("troubles %v, %v", troubles, err)
	}
	is("a trouble", troubles[0].Since, 0)
	is("its retry", troubles[0].RetryAt, troubleFirst)
	if yes, err := s.RecentlyWorked(t.Context(), "acc", "call", time.Hour); err != nil || !yes {
		t.Errorf("recently worked: %v, %v", yes, err)
	}
}

func TestHoldHostUntilMidnightUTCOfTheDatabase(t *testing.T) {
	t.Parallel()
	s := openAhead(t)
	midnight := func() time.Time {
		return value[time.Time](t, s, `SELECT now()`).UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	for _, name := range []string{"a new host", "the same again"} {
		before := midnight()
		until, err := s.HoldHost(t.Context(), "acc", "host", 0)
		after := midnight()
		if err != nil || !until.Equal(before) && !until.Equal(after) {
			t.Errorf("%s: held until %v, %v; want %v", name, until.UTC(), err, after)
		}
		if h, err := s.Host(t.Context(), "acc", "host"); err != nil || !h.HeldUntil.Equal(until) {
			t.Errorf("%s: read back %v, %v; want %v", name, h.HeldUntil, err, until)
		}
	}
}

func TestFreshByTheDatabasesClock(t *testing.T) {
	t.Parallel()
	s := openAhead(t)
	for _, c := range []struct {
		name string
		took time.Duration
		want bool // within an hour
	}{
		{"just now", 0, true},
		{"nearly an hour ago", 59 * time.Minute, true},
		{"an hour ago", 61 * time.Minute, false},
		{"three days ago", 72 * time.Hour, false},
	} {
		got, err := s.SaveHost(t.Context(), Host{ID: "host", AccountID: "acc"}, 0, c.took)
		noError(t, err)
		h, err := s.Host(t.Context(), "acc", "host")
		noError(t, err)
		noError(t, s.SaveAccount(t.Context(), Level{ID: "acc"}, 0, c.took))
		a, err := s.Account(t.Context(), "acc")
		noError(t, err)
		noError(t, s.SaveGroup(t.Context(), "acc", Level{ID: "g"}, 0, c.took))
		g, err := s.Group(t.Context(), "acc", "g")
		noError(t, err)
		for what, is := range map[string]struct {
			fresh bool
			age   Seconds
		}{
			"host returned": {got.Fresh(time.Hour), got.Age}, "host": {h.Fresh(time.Hour), h.Age},
			"account": {a.Fresh(time.Hour), a.Age}, "group": {g.Fresh(time.Hour), g.Age},
		} {
			if off := (is.age.Duration() - c.took).Abs(); is.fresh != c.want || off > 10*time.Second {
				t.Errorf("%s, %s: fresh %v at the age of %v, want %v", what, c.name, is.fresh, is.age.Duration(), c.want)
			}
		}
	}
	for what, fresh := range map[string]bool{"host": (Host{}).Fresh(time.Hour), "level": (Level{}).Fresh(time.Hour)} {
		if fresh {
			t.Errorf("a %s that was never read is fresh", what)
		}
	}
}
