package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
)

const (
	callRead  = "GET /meetings/{meetingId}"
	callPatch = "PATCH /meetings/{meetingId}"
	callUser  = "GET /users/{userId}/settings"
)

// failing notes that a call fails for an account.
func failing(t *testing.T, s *Store, account, call string) (opened bool) {
	t.Helper()
	opened, err := s.SetupFailed(t.Context(), Trouble{AccountID: account, Call: call, Kind: "scopes", Detail: "a scope is missing"},
		Alert{AccountID: account, Type: "setup.failed", Subject: call, Data: []byte(`{}`)})
	noError(t, err)
	return opened
}

// waiting puts in what waits for calls, none of it due: meetings by number and
// hosts by name, with account and call.
func waiting(t *testing.T, s *Store) {
	t.Helper()
	for id, w := range map[int64]struct{ account, call string }{
		1: {"acc", callRead}, 2: {"acc", callRead}, 3: {"acc", callPatch}, 4: {"other", callRead}, 5: {"acc", ""},
	} {
		addMeeting(t, s, id, "host", time.Duration(10-id)*time.Hour) // 5 starts soonest, then 4
		exec(t, s, `UPDATE meetings SET due_at = now() + interval '1 hour', account_id = $2, waiting_for = $3 WHERE meeting_id = $1`, id, w.account, w.call)
	}
	for id, w := range map[string]struct{ account, call string }{
		"h1": {"acc", callRead}, "h2": {"acc", callRead}, "h3": {"acc", callUser}, "h4": {"other", callRead}, "h5": {"acc", ""},
	} {
		addHost(t, s, id, w.account)
		exec(t, s, `UPDATE hosts SET due_at = now() + $3 * interval '1 minute', waiting_for = $2 WHERE host_id = $1`, id, w.call, 10+int(id[1]-'0'))
	}
}

// due returns what is due, as "1 2 h1".
func due(t *testing.T, s *Store) string {
	t.Helper()
	return value[string](t, s, `SELECT coalesce(string_agg(id, ' ' ORDER BY id), '') FROM
		(SELECT meeting_id::text AS id FROM meetings WHERE due_at <= now() UNION ALL SELECT host_id FROM hosts WHERE due_at <= now()) due`)
}

func notDue(t *testing.T, s *Store) {
	t.Helper()
	exec(t, s, `UPDATE meetings SET due_at = now() + interval '1 hour' WHERE due_at <= now()`)
	exec(t, s, `UPDATE hosts SET due_at = now() + interval '1 hour' WHERE due_at <= now()`)
}

func TestSetupFailedOpensOneTrouble(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	alerts := func(when string, want int) {
		t.Helper()
		if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != want {
			t.Errorf("%s: %d alerts, want %d", when, n, want)
		}
	}
	one := func() Trouble {
		t.Helper()
		all, err := s.Troubles(t.Context(), "acc")
		if err != nil || len(all) != 1 {
			t.Fatalf("troubles %+v, %v; want one", all, err)
		}
		return all[0]
	}
	if !failing(t, s, "acc", callRead) {
		t.Error("the first failure opened nothing")
	}
	first := one()
	if first.AccountID != "acc" || first.Call != callRead || first.Kind != "scopes" || first.Detail != "a scope is missing" || first.Due ||
		!nearly(t, s, first.Since, 0) || !nearly(t, s, first.FailedAt, 0) || !nearly(t, s, first.RetryAt, troubleFirst) {
		t.Errorf("the trouble is %+v", first)
	}
	for i := range 5 {
		if failing(t, s, "acc", callRead) {
			t.Errorf("failure %d opened it again", i+2)
		}
	}
	if again := one(); again != first {
		t.Errorf("a flood of failures wrote: %+v, was %+v", again, first)
	}
	alerts("failed again and again", 1)

	// A while later it is noted, and a new detail at once; still the same trouble.
	exec(t, s, `UPDATE account_calls SET failed_at = now() - interval '11 seconds', since = now() - interval '1 hour'`)
	if failing(t, s, "acc", callRead) || !nearly(t, s, one().FailedAt, 0) || !nearly(t, s, one().Since, -time.Hour) {
		t.Errorf("a while later it is %+v", one())
	}
	opened, err := s.SetupFailed(t.Context(), Trouble{AccountID: "acc", Call: callRead, Kind: "credentials", Detail: "wrong secret"}, Alert{AccountID: "acc", Type: "x", Subject: "x", Data: []byte(`{}`)})
	if now := one(); err != nil || opened || now.Kind != "credentials" || now.Detail != "wrong secret" || !nearly(t, s, now.Since, -time.Hour) {
		t.Errorf("with another detail: opened %v, %v, %+v", opened, err, now)
	}
	alerts("with another detail", 1)

	// Another call and another account are troubles of their own.
	if !failing(t, s, "acc", callUser) || !failing(t, s, "other", callRead) {
		t.Error("another call or account opened nothing")
	}
	alerts("three troubles", 3)
	if all, err := s.Troubles(t.Context(), ""); err != nil || len(all) != 3 {
		t.Errorf("of all accounts: %+v, %v", all, err)
	}

	// Once it worked, the next failure is news again.
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead, callUser}))
	if all, err := s.Troubles(t.Context(), "acc"); err != nil || len(all) != 0 {
		t.Errorf("after it worked: %+v, %v", all, err)
	}
	if !failing(t, s, "acc", callRead) || !nearly(t, s, one().Since, 0) || !nearly(t, s, one().RetryAt, troubleFirst) {
		t.Errorf("failed again after it worked: %+v", one())
	}
	alerts("four troubles", 4)

	// Without an alert it is a trouble all the same.
	inEvent(t, s, func(tx *IntakeTx) error {
		opened, err := tx.SetupFailed(t.Context(), Trouble{AccountID: "third", Call: CallNotGuarded}, Alert{})
		if err == nil && !opened {
			t.Error("an event opened nothing")
		}
		return err
	})
	alerts("without one", 4)
	if all, err := s.Troubles(t.Context(), "third"); err != nil || len(all) != 1 {
		t.Errorf("of the event: %+v, %v", all, err)
	}
}

// waitsForLock returns when some transaction of the database waits for another.
func waitsForLock(ctx context.Context, s *Store) error {
	for {
		var waits bool
		err := s.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&waits)
		if err != nil || waits {
			return err
		}
	}
}

// Two that meet the same failure at the same moment, worded differently, open
// one trouble.
func TestSetupFailedAtOnce(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]bool{"never used": false, "worked before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			if before {
				noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead}))
			}
			fail := func(i int) (Trouble, Alert) {
				return Trouble{AccountID: "acc", Call: callRead, Kind: "scopes", Detail: fmt.Sprint("tracking id ", i)}, Alert{AccountID: "acc", Type: "setup.failed", Subject: "x", Data: []byte(`{}`)}
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			second := make(chan bool, 1)
			var first bool
			inEvent(t, s, func(tx *IntakeTx) (err error) {
				trouble, alert := fail(1)
				if first, err = tx.SetupFailed(ctx, trouble, alert); err != nil {
					return err
				}
				go func() {
					trouble, alert := fail(2)
					opened, err := s.SetupFailed(ctx, trouble, alert)
					if err != nil {
						t.Error(err)
					}
					second <- opened
				}()
				return waitsForLock(ctx, s)
			})
			if again := <-second; !first || again {
				t.Errorf("the first opened it: %v, the second: %v", first, again)
			}
			if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != 1 {
				t.Errorf("%d alerts, want 1", n)
			}
		})
	}
}

// A call that works again makes due what waits for it, and nothing else.
func TestCallsThatWorkAgainReleaseWhatWaits(t *testing.T) {
	t.Parallel()
	ways := map[string]func(*testing.T, *Store, []string){
		"looked": func(t *testing.T, s *Store, calls []string) { noError(t, s.CallsWorked(t.Context(), "acc", calls)) },
		"a check": func(t *testing.T, s *Store, calls []string) {
			exec(t, s, `INSERT INTO meetings (meeting_id, account_id, due_at) VALUES (9, 'acc', now() - interval '1 second')`)
			c := claim(t, s, "w")
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Worked: calls}))
		},
		"a host": func(t *testing.T, s *Store, calls []string) {
			addHost(t, s, "h9", "acc")
			exec(t, s, `UPDATE hosts SET due_at = now() - interval '1 second' WHERE host_id = 'h9'`)
			_, _, err := s.CompleteHost(t.Context(), claimHost(t, s), HostDone{Worked: calls})
			noError(t, err)
		},
	}
	for name, c := range map[string]struct {
		calls    []string
		troubles []string // left
		due      string
		waits    int // meetings and hosts that wait still
	}{
		"none":                 {nil, []string{callRead, callPatch, callUser}, "", 8},
		"one":                  {[]string{callRead}, []string{callPatch, callUser}, "1 2 h1 h2", 4},
		"of meetings alone":    {[]string{callPatch}, []string{callRead, callUser}, "3", 7},
		"of hosts alone":       {[]string{callUser}, []string{callRead, callPatch}, "h3", 7},
		"several":              {[]string{callUser, callRead, callPatch, callRead}, nil, "1 2 3 h1 h2 h3", 2},
		"one nobody waits for": {[]string{"GET /users/me"}, []string{callRead, callPatch, callUser}, "", 8},
	} {
		for way, work := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				s := openStore(t)
				waiting(t, s)
				for _, call := range []string{callRead, callPatch, callUser} {
					failing(t, s, "acc", call)
					exec(t, s, `UPDATE account_calls SET since = now() - (SELECT count(*) FROM account_calls) * interval '1 second' WHERE call = $1`, call)
				}
				failing(t, s, "other", callRead)
				work(t, s, c.calls)
				all, err := s.Troubles(t.Context(), "acc")
				noError(t, err)
				var left []string
				for _, trouble := range all {
					left = append(left, trouble.Call)
				}
				slices.Sort(left)
				slices.Sort(c.troubles)
				if !slices.Equal(left, c.troubles) {
					t.Errorf("left are %v, want %v", left, c.troubles)
				}
				if got := due(t, s); got != c.due {
					t.Errorf("due are %q, want %q", got, c.due)
				}
				if n := value[int](t, s, `SELECT (SELECT count(*) FROM meetings WHERE waiting_for <> '') + (SELECT count(*) FROM hosts WHERE waiting_for <> '')`); n != c.waits {
					t.Errorf("%d wait still, want %d", n, c.waits)
				}
				if other, err := s.Troubles(t.Context(), "other"); err != nil || len(other) != 1 {
					t.Errorf("the other account's troubles are %+v, %v", other, err)
				}
			})
		}
	}
}

// What is due sooner than now stays so, and what waits without being due is due.
func TestReleaseMakesNothingLater(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	waiting(t, s)
	exec(t, s, `UPDATE meetings SET due_at = now() - interval '1 hour' WHERE meeting_id = 1`)
	exec(t, s, `UPDATE meetings SET due_at = NULL WHERE meeting_id = 2`)
	failing(t, s, "acc", callRead)
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead}))
	if m := meeting(t, s, 1); !nearly(t, s, m.DueAt, -time.Hour) || m.WaitingFor != "" {
		t.Errorf("due an hour ago became %v", m.DueAt)
	}
	if got := due(t, s); got != "1 2 h1 h2" {
		t.Errorf("due are %q", got)
	}
}

// Checks do not wait for each other: a call that worked or failed a moment ago
// is not written again, nor is its row locked.
func TestChecksDoNotMeet(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead, callPatch}))
	failing(t, s, "acc", callUser)
	addMeeting(t, s, 1, "host", time.Hour)
	c := claim(t, s, "w")
	before := value[string](t, s, `SELECT string_agg(xmin::text, ' ' ORDER BY call) FROM account_calls`)
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	_, err = tx.Exec(t.Context(), `SELECT FROM account_calls FOR UPDATE`)
	noError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Complete(ctx, c, Check{Meeting: c.Meeting, Worked: []string{callRead, callPatch}}); err != nil {
		t.Errorf("a healthy check waits for another one: %v", err)
	}
	if opened, err := s.SetupFailed(ctx, Trouble{AccountID: "acc", Call: callUser, Kind: "scopes", Detail: "a scope is missing"}, Alert{}); err != nil || opened {
		t.Errorf("a failure that is known waits for another one: %v, %v", opened, err)
	}
	noError(t, tx.Rollback(t.Context()))

	// Now and then it is noted, all the same.
	if after := value[string](t, s, `SELECT string_agg(xmin::text, ' ' ORDER BY call) FROM account_calls`); after != before {
		t.Errorf("written: %s, before %s", after, before)
	}
	exec(t, s, `UPDATE account_calls SET ok_at = now() - interval '11 minutes'`)
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead}))
	if n := value[int](t, s, `SELECT count(*) FROM account_calls WHERE ok_at > now() - interval '1 minute'`); n != 1 {
		t.Errorf("%d calls were noted after ten minutes, want 1", n)
	}
}

// A meeting that tried the call and another that does so at the same moment:
// both find that it works, and neither is in the other's way.
func TestCallsThatWorkAgainAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	failing(t, s, "acc", callRead)
	addMeeting(t, s, 1, "host", time.Hour)
	exec(t, s, `UPDATE meetings SET waiting_for = $1`, callRead)
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callPatch}))
	c := claim(t, s, "w")
	inEvent(t, s, func(tx *IntakeTx) error {
		m, err := tx.meeting(t.Context(), 1)
		if err != nil {
			return err
		}
		return tx.saveMeeting(t.Context(), m, seen("s3cret"), nil)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	other := make(chan error, 1)
	// The alert is made in the middle of the check's transaction.
	during := func(m Meeting, _ PasscodeSeen) Alert {
		go func() { other <- s.CallsWorked(ctx, "acc", []string{callRead}) }()
		if err := waitsForLock(ctx, s); err != nil {
			t.Error(err)
		}
		return Alert{AccountID: "acc", Type: "x", Subject: "x", Data: []byte(`{}`)}
	}
	if err := s.Complete(ctx, c, Check{Meeting: c.Meeting, Passcode: seen("0ther"), Rotated: during, Worked: []string{callRead}}); err != nil {
		t.Errorf("the check: %v", err)
	}
	if err := <-other; err != nil {
		t.Errorf("the other: %v", err)
	}
	if m := meeting(t, s, 1); m.WaitingFor != "" {
		t.Errorf("it waits for %q", m.WaitingFor)
	}
}

// One meeting and one host try for all of those that wait for a call.
func TestRetryTroubles(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	waiting(t, s)
	for _, call := range []string{callRead, callPatch, callUser, CallNotGuarded} {
		failing(t, s, "acc", call)
	}
	failing(t, s, "other", callRead)
	exec(t, s, `UPDATE meetings SET waiting_for = $1 WHERE meeting_id = 5`, CallNotGuarded)
	past := func(account, call string) {
		t.Helper()
		exec(t, s, `UPDATE account_calls SET retry_at = now() - interval '1 second' WHERE account_id = $1 AND call = $2`, account, call)
	}
	retry := func(now bool, accounts ...string) (int, string) {
		t.Helper()
		notDue(t, s)
		n, err := s.RetryTroubles(t.Context(), accounts, now)
		noError(t, err)
		return n, due(t, s)
	}
	for _, c := range []struct {
		name     string
		before   func()
		accounts []string
		now      bool
		tried    int
		due      string
	}{
		{"before their time", func() {}, []string{"acc", "other"}, false, 0, ""},
		{"the soonest meeting and a host", func() { past("acc", callRead) }, []string{"acc", "other"}, false, 1, "2 h1"},
		{"not before the next time", func() {}, []string{"acc", "other"}, false, 0, ""},
		{"several", func() { past("acc", callPatch); past("acc", callUser) }, []string{"acc", "other"}, false, 2, "3 h3"},
		{"another account is not ours", func() { past("other", callRead) }, []string{"acc"}, false, 0, ""},
		{"it is now", func() {}, []string{"other"}, false, 1, "4 h4"},
		{"no account", func() { past("acc", callRead) }, nil, true, 0, ""},
		{"an account that is not guarded", func() {
			past("acc", CallNotGuarded)
			exec(t, s, `UPDATE account_calls SET retry_at = now() + interval '1 hour' WHERE call <> $1`, CallNotGuarded)
		}, []string{"acc"}, false, 0, ""},
		{"at a start, all at once", func() {}, []string{"acc", "other"}, true, 4, "2 3 4 h1 h3 h4"},
		{"no meeting without a start is overlooked", func() {
			past("acc", callRead)
			exec(t, s, `UPDATE meetings SET start_time = NULL, ends_at = NULL WHERE meeting_id = 1`)
		}, []string{"acc"}, false, 1, "1 h1"},
		{"what works is not tried", func() { noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead, callPatch, callUser})) }, []string{"acc"}, true, 0, ""},
	} {
		c.before()
		exec(t, s, `UPDATE hosts SET due_at = now() + $1 * interval '1 minute' WHERE host_id = 'h1'`, 5) // the host that was put off for the shortest time
		if tried, got := retry(c.now, c.accounts...); tried != c.tried || got != c.due {
			t.Errorf("%s: %d tried and due %q, want %d and %q", c.name, tried, got, c.tried, c.due)
		}
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE waiting_for = $1`, CallNotGuarded); n != 1 {
		t.Error("what waits for an account to be guarded does not wait any more")
	}
}

// The time between two tries grows, up to a bound, and begins again once the
// call has worked.
func TestRetryTroublesBacksOff(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	wait := func() time.Duration {
		t.Helper()
		return (time.Duration(value[float64](t, s, `SELECT round(extract(epoch FROM retry_at - now()) / 10)::float8 FROM account_calls WHERE call = $1`, callRead)) * 10 * time.Second)
	}
	failing(t, s, "acc", callRead)
	if got := wait(); got != 30*time.Second {
		t.Errorf("the first try is in %v", got)
	}
	for i, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute} {
		exec(t, s, `UPDATE account_calls SET retry_at = now() - interval '1 second', failed_at = now() - interval '1 minute'`)
		if all, err := s.Troubles(t.Context(), "acc"); err != nil || len(all) != 1 || !all[0].Due {
			t.Errorf("before try %d: %+v, %v; want it due", i+1, all, err)
		}
		if n, err := s.RetryTroubles(t.Context(), []string{"acc"}, false); err != nil || n != 1 {
			t.Errorf("try %d: %d, %v", i+1, n, err)
		}
		failing(t, s, "acc", callRead) // that one failed too
		if got := wait(); got != want {
			t.Errorf("after try %d the next is in %v, want %v", i+1, got, want)
		}
	}
	// One that fails by itself after the time for a try has come puts it off as well.
	for tries, want := range map[int]time.Duration{3: 4 * time.Minute, 1000000: 15 * time.Minute} {
		exec(t, s, `UPDATE account_calls SET tries = $1, retry_at = now() - interval '1 second', failed_at = now() - interval '1 minute'`, tries)
		if failing(t, s, "acc", callRead); wait() != want {
			t.Errorf("failed after %d tries: the next is in %v, want %v", tries, wait(), want)
		}
	}
	exec(t, s, `UPDATE account_calls SET tries = 1000000, retry_at = now() - interval '1 second', failed_at = now() - interval '1 minute'`)
	if n, err := s.RetryTroubles(t.Context(), []string{"acc"}, false); err != nil || n != 1 || wait() != 15*time.Minute {
		t.Errorf("after very many tries: %d, %v, the next in %v", n, err, wait())
	}
	noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead}))
	failing(t, s, "acc", callRead)
	if got := wait(); got != 30*time.Second {
		t.Errorf("after it worked the first try is in %v", got)
	}
}

func TestRecentlyWorked(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	worked := func() { noError(t, s.CallsWorked(t.Context(), "acc", []string{callRead, callUser})) }
	for _, c := range []struct {
		name          string
		before        func()
		account, call string
		within        time.Duration
		want          bool
	}{
		{"never", func() {}, "acc", callRead, time.Hour, false},
		{"just now", worked, "acc", callRead, time.Minute, true},
		{"another call", func() {}, "acc", callPatch, time.Hour, false},
		{"another account", func() {}, "other", callRead, time.Hour, false},
		{"too long ago", func() { exec(t, s, `UPDATE account_calls SET ok_at = now() - interval '11 minutes'`) }, "acc", callRead, 10 * time.Minute, false},
		{"long ago is asked for", func() {}, "acc", callRead, 12 * time.Minute, true},
		{"failed since", func() { worked(); failing(t, s, "acc", callRead) }, "acc", callRead, time.Hour, false},
		{"another one failed", func() {}, "acc", callUser, time.Hour, true},
		{"works again", worked, "acc", callRead, time.Minute, true},
	} {
		c.before()
		if got, err := s.RecentlyWorked(t.Context(), c.account, c.call, c.within); err != nil || got != c.want {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

// Waiting for a call begins with the report of a check, and ends with the next.
func TestWaitingForIsOfTheLastReport(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	for _, step := range []struct {
		name   string
		report func(MeetingClaim) error
		want   string
	}{
		{"put off", func(c MeetingClaim) error { return s.PutOff(t.Context(), c.Lease, 0, "x", callRead) }, callRead},
		{"put off for another reason", func(c MeetingClaim) error { return s.PutOff(t.Context(), c.Lease, 0, "x", "") }, ""},
		{"completed, waiting", func(c MeetingClaim) error {
			return s.Complete(t.Context(), c, Check{Meeting: decided(c, passcode.OutcomeUnknown, passcode.RemedyNone), WaitingFor: callPatch})
		}, callPatch},
		{"completed", func(c MeetingClaim) error { return s.Complete(t.Context(), c, Check{Meeting: c.Meeting}) }, ""},
		{"completed, waiting for what works", func(c MeetingClaim) error {
			return s.Complete(t.Context(), c, Check{Meeting: c.Meeting, WaitingFor: callPatch, Worked: []string{callRead}})
		}, callPatch},
	} {
		exec(t, s, `UPDATE meetings SET due_at = now()`)
		noError(t, step.report(claim(t, s, "w")))
		if m := meeting(t, s, 1); m.WaitingFor != step.want {
			t.Errorf("%s: it waits for %q, want %q", step.name, m.WaitingFor, step.want)
		}
	}
}

// A trouble's alert is written with it or not at all.
func TestSetupFailedWithAnAlertThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	_, err := s.SetupFailed(t.Context(), Trouble{AccountID: "acc", Call: callRead}, Alert{AccountID: "acc", Type: "x", Subject: "x", Data: []byte(`{`)})
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		t.Fatalf("an alert that is no JSON was written: %v", err)
	}
	if all, err := s.Troubles(t.Context(), ""); err != nil || len(all) != 0 {
		t.Errorf("a trouble without its alert: %+v, %v", all, err)
	}
}
