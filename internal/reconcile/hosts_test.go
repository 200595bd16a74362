package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// checkHostNow claims the host, whenever it is due, and checks it as the worker
// does.
func checkHostNow(t testing.TB, w *Worker, url string) store.Host {
	t.Helper()
	run(t, url, `UPDATE hosts SET due_at = now(), lease_until = NULL, lease_owner = NULL`)
	claims, err := w.o.Store.ClaimHosts(t.Context(), "w", 1, w.o.Lease)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	c := claims[0]
	w.underLease(t.Context(), c.Lease, "acc", w.o.Logger, func(ctx context.Context) error { return w.checkHost(ctx, c, w.o.Logger) })
	h, err := w.o.Store.Host(t.Context(), "acc", "host")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// hosted is a worker on a database with host "host" of group "g".
func hosted(t *testing.T, f *fakeZoom) (*Worker, string) {
	t.Helper()
	w, url := newWorker(t, f)
	run(t, url, `INSERT INTO hosts (host_id, account_id) VALUES ('host', 'acc')`)
	f.user = zoom.User{ID: "host", Email: "host@example.com", GroupIDs: []string{"g"}}
	f.settings = unlocked()
	f.settings.Values[passcode.KeyPasscode], f.settings.Values[passcode.KeyWaitingRoom] = passcode.On, passcode.On
	f.groupLocks = unlocked()
	f.groupLocks.Values[passcode.KeyPasscode] = passcode.On
	return w, url
}

func TestCheckHost(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{listed: []zoom.ListedMeeting{{ID: meetingID, Type: 2, StartTime: zoom.Time{Time: time.Now().Add(time.Hour)}, Duration: 30}, {ID: 0}}}
	w, url := hosted(t, f)
	h := checkHostNow(t, w, url)
	if h.Email != "host@example.com" || !slices.Equal(h.GroupIDs, []string{"g"}) || !h.Fresh(time.Minute) || !h.DueAt.IsZero() || h.Policy != "one" {
		t.Errorf("host %+v", h)
	}
	// The group's name is read once, since it locks something.
	if !strings.Contains(h.ForecastWhy, `locked on by group "Sales"`) || f.times("GetGroup") != 1 {
		t.Errorf("%s (%d reads of the group's name)", h.ForecastWhy, f.times("GetGroup"))
	}
	m, err := w.o.Store.Meeting(t.Context(), meetingID)
	if err != nil || m.HostID != "host" || m.DueAt.IsZero() || !m.MustRead {
		t.Errorf("the listed meeting: %+v, %v", m, err)
	}
	// Unlocked, the forecast is another one and says so once.
	f.groupLocks = unlocked()
	run(t, url, `UPDATE groups SET read_at = NULL`)
	checkHostNow(t, w, url)
	checkHostNow(t, w, url)
	if got := alertsOf(t, w); !slices.Equal(got, []string{alert.Forecast}) {
		t.Errorf("alerts %v", got)
	}
}

// TestCheckHostMeetsErrors: whose fault it is decides what becomes of the host.
func TestCheckHostMeetsErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		user   error
		list   error
		alerts []string
		waits  string        // for that call
		due    time.Duration // again after about that; 0: when something happens
		failed string        // in last_error
	}{
		{name: "a scope is missing", user: told(zoom.KindScope), alerts: []string{alert.AccountTrouble}, waits: "PATCH /users/{userId}/settings", due: setupAgain, failed: "missing_scope"},
		{name: "the host left", user: told(zoom.KindNotFound), list: told(zoom.KindNotFound), failed: "not_found"},
		{name: "Zoom has a moment", user: told(zoom.KindServer), due: time.Second, failed: "server"},
		{name: "the list has a moment", list: told(zoom.KindServer), due: time.Second, failed: "server"},
		{name: "the list needs a scope", list: told(zoom.KindScope), alerts: []string{alert.AccountTrouble}, waits: "PATCH /users/{userId}/settings", due: setupAgain, failed: "missing_scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{userErr: c.user, listErr: c.list}
			w, url := hosted(t, f)
			h := checkHostNow(t, w, url)
			if h.WaitingFor != c.waits || !strings.Contains(h.LastError, c.failed) || c.failed == "" != (h.LastError == "") {
				t.Errorf("waiting for %q, error %q", h.WaitingFor, h.LastError)
			}
			if in := time.Until(h.DueAt); h.DueAt.IsZero() != (c.due == 0) || c.due > 0 && (in > c.due || in < c.due-time.Minute) {
				t.Errorf("due in %v, want %v", in, c.due)
			}
			if got := alertsOf(t, w); !slices.Equal(got, c.alerts) {
				t.Errorf("alerts %v, want %v", got, c.alerts)
			}
		})
	}
}

// TestLocksThatCannotBeRead are not known, whoever is at fault, and only our own
// set-up is worth an alert.
func TestLocksThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for kind, alerts := range map[zoom.Kind][]string{zoom.KindScope: {alert.AccountTrouble}, zoom.KindNotFound: nil, zoom.KindRefused: nil} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{groupErr: told(kind)}
			w, _ := hosted(t, f)
			got, err := w.hostFacts(t.Context(), f, "acc", "host")
			if err != nil || got.known.Settings[passcode.KeyPasscode].Lock != passcode.Unknown {
				t.Errorf("%+v, %v", got.known.Settings[passcode.KeyPasscode], err)
			}
			if (got.setupCall != "") != (len(alerts) > 0) {
				t.Errorf("set-up call %q", got.setupCall)
			}
			if told := alertsOf(t, w); !slices.Equal(told, alerts) {
				t.Errorf("alerts %v", told)
			}
		})
	}
	t.Run("a moment of Zoom's is an error", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{groupErr: told(zoom.KindServer)}
		w, _ := hosted(t, f)
		if _, err := w.hostFacts(t.Context(), f, "acc", "host"); zoom.KindOf(err) != zoom.KindServer {
			t.Errorf("%v", err)
		}
	})
	t.Run("a group's name that cannot be read costs only itself", func(t *testing.T) {
		t.Parallel()
		f := &fakeZoom{nameErr: told(zoom.KindScope)}
		w, _ := hosted(t, f)
		got, err := w.hostFacts(t.Context(), f, "acc", "host")
		if s := got.known.Settings[passcode.KeyPasscode]; err != nil || s.Lock != passcode.On || s.LockedByName != "" || len(alertsOf(t, w)) != 0 {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestPlansAreLearned(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		locks    error
		licensed int
		want     passcode.Plan
	}{
		{"a free account has no lock settings", told(zoom.KindPaidOnly), 0, passcode.PlanFree},
		{"one licensed user", nil, 1, passcode.PlanProSingleHost},
		{"one licensed user, and the operator said business", nil, 1, passcode.PlanPaid},
		{"more", nil, 2, passcode.PlanPaid},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{accountErr: c.locks, licensed: c.licensed}
			w, _ := hosted(t, f)
			w.o.LargePlan = func(string) bool { return strings.Contains(c.name, "business") }
			got, err := w.hostFacts(t.Context(), f, "acc", "host")
			if err != nil || got.known.Plan != c.want {
				t.Errorf("plan %q, %v; want %q", got.known.Plan, err, c.want)
			}
		})
	}
}

// TestAReadingBegunBeforeAChangeAnswersNobodyAfterIt: neither what it read nor
// that it is under way, of a host, a group and an account.
func TestAReadingBegunBeforeAChangeAnswersNobodyAfterIt(t *testing.T) {
	t.Parallel()
	changed := func(level passcode.Level, id string) func(context.Context, *store.IntakeTx) error {
		return func(ctx context.Context, tx *store.IntakeTx) error {
			if level == passcode.LevelHost {
				return tx.HostsChanged(ctx, []string{id}, time.Now(), "test")
			}
			return tx.LevelChanged(ctx, level, id, time.Now(), "test")
		}
	}
	for _, c := range []struct {
		name string
		call string // read once before the change and once after it
		tell func(context.Context, *store.IntakeTx) error
	}{
		{"the host's settings", "GetUserSettings", changed(passcode.LevelHost, "host")},
		{"the group's locks", "GetGroupLocks", changed(passcode.LevelGroup, "g")},
		{"the account's locks", "GetAccountLocks", changed(passcode.LevelAccount, "acc")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			reading, finish := make(chan struct{}), make(chan struct{})
			var begun atomic.Bool
			f := &fakeZoom{}
			w, _ := hosted(t, f)
			f.during = func(call string) {
				if call == c.call && begun.CompareAndSwap(false, true) {
					close(reading)
					<-finish
				}
			}
			before := make(chan error)
			go func() {
				_, err := w.hostFacts(t.Context(), f, "acc", "host")
				before <- err
			}()
			<-reading
			// Zoom's answer of that reading is from before this change.
			if _, err := w.o.Store.Intake(t.Context(), "acc", []store.Event{{ID: "e", Name: "x", ReceivedAt: time.Now()}}, func(tx *store.IntakeTx, _ []bool) error {
				return c.tell(t.Context(), tx)
			}); err != nil {
				t.Fatal(err)
			}
			if _, err := w.hostFacts(t.Context(), f, "acc", "host"); err != nil {
				t.Fatal(err)
			}
			if n := f.times(c.call); n < 2 {
				t.Errorf("whoever came after the change was answered by the reading begun before it (%d reads)", n)
			}
			close(finish)
			if err := <-before; err != nil {
				t.Fatal(err)
			}
			// And what that one read last does not count as fresh.
			n := f.times(c.call)
			if _, err := w.hostFacts(t.Context(), f, "acc", "host"); err != nil {
				t.Fatal(err)
			}
			h, err := w.o.Store.Host(t.Context(), "acc", "host")
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d reads, then %d; host read at %v", n, f.times(c.call), h.ReadAt)
		})
	}
}

// TestAStalledDatabaseEndsTheWorkInTime: the heartbeat hangs, and the work ends
// before another worker can have the lease.
func TestAStalledDatabaseEndsTheWorkInTime(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	proxy, stalled := proxied(t, url)
	slow, err := store.Open(stalled)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slow.Close)
	t.Cleanup(proxy.Resume)
	w.o.Store, w.o.Lease = slow, 3*time.Second
	claims, err := slow.ClaimMeetings(t.Context(), "one", 1, w.o.Lease)
	if err != nil || len(claims) != 1 {
		t.Fatal(claims, err)
	}
	c := claims[0]
	ended := make(chan time.Time, 1)
	var working atomic.Bool
	go func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		w.underLease(ctx, c.Lease, "acc", w.o.Logger, func(ctx context.Context) error {
			working.Store(true)
			proxy.Stall()
			<-ctx.Done() // calls to Zoom would go on as long as this context lives
			working.Store(false)
			ended <- time.Now()
			return ctx.Err()
		})
	}()
	// Another worker, whose database answers, takes the meeting as soon as it can.
	other, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(other.Close)
	for {
		claims, err := other.ClaimMeetings(t.Context(), "two", 1, w.o.Lease)
		if err != nil {
			t.Fatal(err)
		}
		if len(claims) == 1 {
			break
		}
		waitForChange(t)
	}
	if working.Load() {
		t.Error("two workers work on one meeting")
	}
	select {
	case <-ended:
	default:
		t.Error("the first one's work goes on")
	}
}

// TestRun is the worker as a whole: what is due is done, alerts are published,
// and it stops.
func TestRun(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	s.listed = []zoom.ListedMeeting{{ID: meetingID, Type: 2}}
	run(t, url, `INSERT INTO hosts (host_id, account_id, due_at) VALUES ('host', 'acc', now())`)
	told := make(chan string, 10)
	w.o.Publish = func(_ context.Context, a store.Alert) error { told <- a.Type; return nil }
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { w.Run(ctx); close(done) }()
	if got := <-told; got != alert.Repaired {
		t.Errorf("told %s", got)
	}
	if err := w.Check(); err != nil {
		t.Errorf("stalled: %v", err)
	}
	stop()
	<-done
	if m, _ := meetingOf(t, w); m.Outcome != passcode.OutcomeJoinable {
		t.Errorf("%s: %s", m.Outcome, m.Why)
	}
}

// TestScopesAreLookedAt: what the token says is missing is said at the start,
// once, and is over when it is granted.
func TestScopesAreLookedAt(t *testing.T) {
	t.Parallel()
	all := []string{"meeting:read:meeting:admin", "meeting:update:meeting:admin", "meeting:read:list_meetings:admin", "user:read:user:admin",
		"user:read:settings:admin", "account:read:lock_settings:master", "group:read:lock_settings:admin"}
	f := &fakeZoom{scopes: all}
	w, _ := newWorker(t, f)
	look := func(name string, troubles int) {
		t.Helper()
		if err := w.lookAtSetup(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		got, err := w.o.Store.Troubles(t.Context(), "acc")
		if err != nil || len(got) != troubles {
			t.Errorf("%s: troubles %+v, %v; want %d", name, got, err, troubles)
		}
	}
	look("all granted", 0)
	f.scopes = slices.Delete(slices.Clone(all), 4, 5)
	look("one is missing", 1)
	look("still", 1)
	if got := alertsOf(t, w); !slices.Equal(got, []string{alert.AccountTrouble}) {
		t.Errorf("alerts %v", got)
	}
	f.scopes = all
	look("granted", 0)
	f.scopes = []string{"meeting:write:admin", "user:read:admin", "account:read:admin", "group:read:admin"}
	look("an older app's broad scopes", 0)
	f.scopes = slices.Delete(slices.Clone(all), 1, 2)
	look("an app that shall only observe", 0)
	f.scopes = nil
	look("the token does not say", 0)
	f.scopesErr = &zoom.Error{Kind: zoom.KindUnauthorized, Op: zoom.CallToken, Message: "wrong secret"}
	look("wrong credentials", 1)
	f.scopesErr = told(zoom.KindServer)
	look("Zoom has a moment: not our trouble", 1)
	f.scopesErr = nil
	look("right credentials", 0)
}

// TestPolicyChangedMakesDue: the fingerprint on each verdict, at a start.
func TestPolicyChangedMakesDue(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	policy := func(mode passcode.Mode, fingerprint string) {
		w.o.Policies = func() string { return fingerprint }
		w.o.Rule = func(Who) Rule { return Rule{Policy: passcode.Policy{Mode: mode, Fingerprint: fingerprint}} }
		if err := w.lookAtSetup(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	policy(passcode.ModeObserve, "observe")
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); m.Would != passcode.RemedyClear || !m.DueAt.IsZero() {
		t.Fatalf("observed: would %s, due %v", m.Would, m.DueAt)
	}
	policy(passcode.ModeObserve, "observe") // another start, the same policy
	if m, _ := meetingOf(t, w); !m.DueAt.IsZero() {
		t.Errorf("due %v although the policy is the same", m.DueAt)
	}
	policy(passcode.ModeWaitingRoom, "waiting-room")
	if m, _ := meetingOf(t, w); m.DueAt.IsZero() || m.DueWhy != "policy changed" {
		t.Errorf("due %v (%s) after the policy changed", m.DueAt, m.DueWhy)
	}
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); m.Outcome != passcode.OutcomeJoinable || m.Policy != "waiting-room" {
		t.Errorf("%s under %q", m.Outcome, m.Policy)
	}
}

// TestTroubleOfManyIsOne: a thousand meetings wait for one scope: one alert, one
// of them tries again, and when it gets through all are due.
func TestTroubleOfManyIsOne(t *testing.T) {
	t.Parallel()
	s := &scripted{patches: []reply{says(zoom.KindScope, "scopes")}}
	w, url := patient(t, s)
	checkNow(t, w, url)
	run(t, url, fmt.Sprintf(`INSERT INTO meetings (meeting_id, account_id, host_id, start_time, due_at, waiting_for, generation)
		SELECT 81000000000 + n, 'acc', 'host', now() + n * interval '1 hour', now() + interval '6 hours', '%s', 1 FROM generate_series(1, 999) n`, zoom.CallPatchMeeting))
	run(t, url, `UPDATE account_calls SET retry_at = now()`)
	if err := w.lookAtSetup(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	due := func() int64 {
		c, err := w.o.Store.Counts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return c.MeetingsDue
	}
	if n := due(); n != 1 {
		t.Errorf("%d try again, want one", n)
	}
	run(t, url, `UPDATE meetings SET due_at = now() + interval '6 hours' WHERE meeting_id <> 85746065432`)
	claims, err := w.o.Store.ClaimMeetings(t.Context(), "w", 1, w.o.Lease)
	if err != nil || len(claims) > 1 {
		t.Fatal(claims, err)
	}
	if len(claims) == 0 { // another one was to try first
		run(t, url, `UPDATE meetings SET due_at = now() WHERE meeting_id = 85746065432`)
		claims, err = w.o.Store.ClaimMeetings(t.Context(), "w", 1, w.o.Lease)
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
	}
	if err := w.check(t.Context(), claims[0], w.o.Logger); err != nil {
		t.Fatal(err)
	}
	if n := due(); n != 999 {
		t.Errorf("%d are due when the scope works, want the 999 others", n)
	}
}

// TestPoliciesThatCameWhileTheDatabaseWasAway: known meetings are decided by them as
// soon as it is back, not only when something else asks about them.
func TestPoliciesThatCameWhileTheDatabaseWasAway(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	checkNow(t, w, url)
	if err := w.lookAtSetup(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	w.o.Policies = func() string { return "others" }
	w.o.Rule = func(Who) Rule {
		return Rule{Policy: passcode.Policy{Mode: passcode.ModeObserve, Fingerprint: "another"}}
	}
	away, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.PoliciesChanged(away); err == nil {
		t.Fatal("no error while the database is away")
	}
	if m, _ := meetingOf(t, w); !m.DueAt.IsZero() && m.DueAt.Before(time.Now()) {
		t.Fatalf("due %v already", m.DueAt)
	}
	if err := w.lookAtSetup(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if m, _ := meetingOf(t, w); m.DueAt.IsZero() || m.DueAt.After(time.Now().Add(time.Second)) || m.DueWhy != "policy changed" {
		t.Errorf("due %v for %q", m.DueAt, m.DueWhy)
	}
}

// TestALeaseIsGivenBackOverBrokenConnections: every connection in the pool broke during
// the check, and the meeting does not wait for the lease's end all the same.
func TestALeaseIsGivenBackOverBrokenConnections(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	run(t, url, `UPDATE meetings SET due_at = now(), lease_until = NULL, lease_owner = NULL`)
	claims, err := w.o.Store.ClaimMeetings(t.Context(), "w", 1, time.Hour)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	w.underLease(t.Context(), claims[0].Lease, "acc", w.o.Logger, func(ctx context.Context) error {
		// Some are idle in the pool, so that one try after another meets them.
		var idle sync.WaitGroup
		for range 4 {
			idle.Go(func() { _ = w.o.Store.Ping(ctx) })
		}
		idle.Wait()
		run(t, url, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		return errors.New("the connection broke")
	})
	if m, _ := meetingOf(t, w); m.LastError != "the connection broke" {
		t.Errorf("it was not given back: %q", m.LastError)
	}
}
