package store

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

func TestCompleteHostAddsUnknownMeetingsOnly(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `INSERT INTO hosts (host_id, account_id, due_at) VALUES ('host', 'acc', now() - interval '1 second')`)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, topic, must_read) VALUES (1, 'acc', 'host', 'known', false)`)
	start := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	found, back, err := s.CompleteHost(t.Context(), claimHost(t, s), HostDone{Listed: []Listed{
		{ID: 1, Topic: "listed"},
		{ID: 2, UUID: "u", Topic: "new", Type: passcode.TypeScheduled, Starts: start, Ends: start.Add(time.Hour)},
		{ID: 3, Type: passcode.TypeRecurringNoTime},
		{ID: 2, Topic: "twice"},
	}})
	if err != nil || found != 2 || back != 0 {
		t.Errorf("found %d, back %d, %v; want 2 and 0", found, back, err)
	}
	if m := meeting(t, s, 1); m.Topic != "known" || m.MustRead || !m.DueAt.IsZero() {
		t.Errorf("the known meeting became %+v", m)
	}
	if m := meeting(t, s, 2); m.Topic != "new" || m.HostID != "host" || m.AccountID != "acc" || !m.Starts.Equal(start) || !m.MustRead || m.DueAt.IsZero() || m.DueWhy != "listed" {
		t.Errorf("the new meeting is %+v", m)
	}
	if m := meeting(t, s, 3); !m.Starts.IsZero() || !m.Ends.IsZero() || m.DueAt.IsZero() {
		t.Errorf("the meeting without a time is %+v", m)
	}
	if again, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour); err != nil || len(again) != 0 {
		t.Errorf("the host is still due: %v, %v", again, err)
	}
}

func TestCompleteHostKeepsWhatArrived(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	change := func() {
		inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"host"}, time.Now(), "x") })
	}
	change()
	first := claimHost(t, s)
	change()
	_, _, err := s.CompleteHost(t.Context(), first, HostDone{})
	noError(t, err)
	second := claimHost(t, s) // the change during the first is not lost

	exec(t, s, `UPDATE hosts SET lease_until = now() - interval '1 second'`)
	third := claimHost(t, s)
	if _, _, err := s.CompleteHost(t.Context(), second, HostDone{Listed: []Listed{{ID: 9}}}); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("without the lease: %v, want ErrLeaseLost", err)
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings`); n != 0 {
		t.Errorf("without the lease %d meetings were written", n)
	}
	_, _, err = s.CompleteHost(t.Context(), third, HostDone{})
	noError(t, err)
}

// A change reported while the host was being read makes the reading stale.
func TestSaveHost(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Now().Truncate(time.Millisecond)
	h := Host{ID: "host", AccountID: "acc", Email: "a@example.com", GroupIDs: []string{"g1", "g2"},
		Settings: passcode.Values{passcode.KeyPasscode: passcode.On, passcode.KeyWaitingRoom: passcode.Off}}
	if _, err := s.Host(t.Context(), "acc", "host"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before: %v, want ErrNotFound", err)
	}
	saved, err := s.SaveHost(t.Context(), h, 0, time.Minute)
	noError(t, err)
	got, err := s.Host(t.Context(), "acc", "host")
	noError(t, err)
	for what, is := range map[string]Host{"returned": saved, "read back": got} {
		if is.Email != h.Email || !slices.Equal(is.GroupIDs, h.GroupIDs) || is.Settings != h.Settings || !nearly(t, s, is.ReadAt, -time.Minute) {
			t.Errorf("%s: %+v; want %+v", what, is, h)
		}
	}

	inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"host"}, at, "x") })
	if got, err = s.SaveHost(t.Context(), h, got.Generation, 0); err != nil || !got.ReadAt.IsZero() { // what was read before the change
		t.Errorf("read at %v (%v) although it changed meanwhile", got.ReadAt, err)
	}
	h.GroupIDs = nil
	if got, err = s.SaveHost(t.Context(), h, got.Generation, 0); err != nil || !nearly(t, s, got.ReadAt, 0) || len(got.GroupIDs) != 0 {
		t.Errorf("read again: %+v, %v", got, err)
	}

	for _, id := range []string{"host", "not known"} {
		until, err := s.HoldHost(t.Context(), "acc", id, 0)
		noError(t, err)
		if got, err = s.Host(t.Context(), "acc", id); err != nil || !got.HeldUntil.Equal(until) || until.IsZero() {
			t.Errorf("%s is held until %v, %v; want %v", id, got.HeldUntil, err, until)
		}
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	locks := passcode.Values{passcode.KeyPasscode: passcode.On, passcode.KeyWaitingRoom: passcode.Off}
	fixed := passcode.Values{passcode.KeyPasscode: passcode.Off}
	for _, l := range []Level{{ID: "a", Plan: passcode.PlanFree}, {ID: "a", Plan: passcode.PlanPaid, Locks: locks, Fixed: fixed}} {
		noError(t, s.SaveAccount(t.Context(), l, 0, time.Minute))
		if got, err := s.Account(t.Context(), "a"); err != nil || got.Plan != l.Plan || got.Locks != l.Locks || got.Fixed != l.Fixed || !nearly(t, s, got.ReadAt, -time.Minute) {
			t.Errorf("account %+v, %v; want %+v", got, err, l)
		}
	}
	for _, name := range []string{"Sales", ""} { // a name that was not read is kept
		noError(t, s.SaveGroup(t.Context(), "a", Level{ID: "g", Name: name, Locks: locks, Fixed: fixed}, 0, time.Minute))
		if got, err := s.Group(t.Context(), "a", "g"); err != nil || got.Name != "Sales" || got.Locks != locks || got.Fixed != fixed || !nearly(t, s, got.ReadAt, -time.Minute) {
			t.Errorf("group %+v, %v", got, err)
		}
	}
	if got, err := s.Group(t.Context(), "acc", "a"); err != nil || !got.ReadAt.IsZero() || got.Locks != (passcode.Values{}) {
		t.Errorf("an unknown group is %+v, %v", got, err)
	}
}

func forecastOf(passcodeOn bool) passcode.Forecast {
	return passcode.Forecast{Scheduled: passcode.Expectation{Passcode: passcode.ToggleOf(passcodeOn)}}
}

func TestSaveForecast(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	addHost(t, s, "other", "acc")
	alert := &Alert{AccountID: "acc", Type: "host.forecast_changed", Subject: "host", Data: []byte(`{"n": 1}`)}
	alerts := 0
	for _, c := range []struct {
		name    string
		host    string
		demands bool
		alert   *Alert
		changed bool
	}{
		{"the first, without an alert", "host", false, nil, true},
		{"the same again", "host", false, alert, false},
		{"changed, with an alert", "host", true, alert, true},
		{"that again", "host", true, alert, false},
		{"changed, without an alert", "host", false, nil, true},
		{"a host that is not there", "nobody", true, alert, false},
	} {
		exec(t, s, `UPDATE hosts SET forecast_at = now() - interval '1 hour' WHERE forecast_at IS NOT NULL`)
		changed, err := s.SaveForecast(t.Context(), "acc", c.host, forecastOf(c.demands), c.alert)
		if err != nil || changed != c.changed {
			t.Errorf("%s: changed %v, %v; want %v", c.name, changed, err, c.changed)
		}
		if c.changed && c.alert != nil {
			alerts++
		}
		if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != alerts {
			t.Errorf("%s: %d alerts, want %d", c.name, n, alerts)
		}
		since := -time.Hour
		if c.changed {
			since = 0
		}
		if got := value[time.Time](t, s, `SELECT forecast_at FROM hosts WHERE host_id = 'host'`); !nearly(t, s, got, since) {
			t.Errorf("%s: since %v, want %v ago", c.name, got, -since)
		}
		if c.host != "host" {
			continue
		}
		h, err := s.Host(t.Context(), "acc", "host")
		if err != nil || h.ForecastWhy != h.Forecast.Sentence() || h.Forecast != forecastOf(c.demands) || h.ForecastSignature != h.Forecast.Signature() {
			t.Errorf("%s: read back %+v %q, %v", c.name, h.Forecast, h.ForecastWhy, err)
		}
	}
	if got := value[string](t, s, `SELECT account_id || ' ' || type || ' ' || subject || ' ' || (data ->> 'n') FROM alerts`); got != "acc host.forecast_changed host 1" {
		t.Errorf("the alert is %q", got)
	}
	if h, err := s.Host(t.Context(), "acc", "other"); err != nil || h.ForecastWhy != "" {
		t.Errorf("the other host's forecast became %q, %v", h.ForecastWhy, err)
	}
}

// Several workers that predict the same change report it once.
func TestSaveForecastAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	const savers = 8
	changed := make([]bool, savers)
	for round, demands := range []bool{true, false, true} {
		for _, err := range atOnce(savers, func(i int) (err error) {
			changed[i], err = s.SaveForecast(t.Context(), "acc", "host", forecastOf(demands),
				&Alert{AccountID: "acc", Type: "host.forecast_changed", Subject: "host", Data: []byte(`{}`)})
			return err
		}) {
			noError(t, err)
		}
		n := 0
		for _, c := range changed {
			if c {
				n++
			}
		}
		if alerts := value[int](t, s, `SELECT count(*) FROM alerts`); n != 1 || alerts != round+1 {
			t.Errorf("round %d: %d savers found it changed, %d alerts in all", round, n, alerts)
		}
	}
}

// A list of meetings is news of those that were taken for gone and of those
// that were moved.
func TestCompleteHostBringsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set    string // what the meeting was, besides scheduled, known and at hour 1
		typ    passcode.MeetingType
		starts int // hours from now, as listed; 0: no fixed time
		back   bool
		start  int // hours from now, afterwards
	}{
		"as it was":                            {``, passcode.TypeScheduled, 1, false, 1},
		"running":                              {`status = 'started'`, passcode.TypeScheduled, 1, false, 1},
		"deleted":                              {`status = 'deleted'`, passcode.TypeScheduled, 1, true, 1},
		"deleted, and moved":                   {`status = 'deleted'`, passcode.TypeScheduled, 2, true, 2},
		"deleted, never marked":                {`status = 'deleted', generation = 0`, passcode.TypeScheduled, 1, true, 1},
		"ended":                                {`status = 'ended'`, passcode.TypeScheduled, 1, true, 1},
		"not found once":                       {`misses = 1, missing_since = now(), not_found = true`, passcode.TypeScheduled, 1, true, 1},
		"moved":                                {``, passcode.TypeScheduled, 3, true, 3},
		"of no fixed time now":                 {``, passcode.TypeScheduled, 0, true, 0},
		"its host was not known":               {`host_id = ''`, passcode.TypeScheduled, 1, true, 1},
		"recurring, another date":              {`type = 8`, passcode.TypeRecurring, 5, false, 1},
		"recurring, another date, deleted":     {`type = 8, status = 'deleted'`, passcode.TypeRecurring, 5, true, 1},
		"recurring without a time":             {`type = 3`, passcode.TypeRecurringNoTime, 0, false, 1},
		"of another host of the account, gone": {`host_id = 'else', status = 'deleted'`, passcode.TypeScheduled, 1, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addHost(t, s, "host", "acc")
			exec(t, s, `UPDATE hosts SET due_at = now()`)
			base := time.Now().Truncate(time.Hour)
			hour := func(n int) time.Time {
				if n == 0 {
					return time.Time{}
				}
				return base.Add(time.Duration(n) * time.Hour)
			}
			exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, type, start_time, ends_at, must_read, generation, attempts) VALUES (1, 'acc', 'host', 2, $1, $2, false, 4, 2)`, hour(1), hour(2))
			if c.set != "" {
				exec(t, s, `UPDATE meetings SET `+c.set)
			}
			before := meeting(t, s, 1)
			starts := hour(c.starts)
			listed := Listed{ID: 1, Type: c.typ, Starts: starts}
			if c.starts > 0 {
				listed.Ends = starts.Add(time.Hour)
			}
			nextDate := listed // a series has a row for each of its dates
			nextDate.Starts = base.Add(48 * time.Hour)
			found, back, err := s.CompleteHost(t.Context(), claimHost(t, s), HostDone{Listed: []Listed{listed, nextDate, {ID: 2}, {ID: 2}}})
			if err != nil || found != 1 || (back == 1) != c.back || back > 1 {
				t.Errorf("found %d, back %d, %v; want 1 and back %v", found, back, err, c.back)
			}
			m := meeting(t, s, 1)
			if !m.Starts.Equal(hour(c.start)) || c.start > 0 && !m.Ends.Equal(hour(c.start+1)) {
				t.Errorf("it is from %v to %v, want hour %d", m.Starts, m.Ends, c.start)
			}
			if !c.back {
				m.Starts, m.Ends = before.Starts, before.Ends
				if fmt.Sprint(m) != fmt.Sprint(before) {
					t.Errorf("it became %+v\nwas %+v", m, before)
				}
				return
			}
			if m.Status != passcode.StatusScheduled || m.HostID != "host" || !m.MustRead || !nearly(t, s, m.DueAt, 0) || m.DueWhy != "listed" ||
				m.NotFound || m.Misses != 0 || !m.MissingSince.IsZero() || m.Generation != before.Generation+1 || m.Attempts != 0 {
				t.Errorf("it is back as %+v", m)
			}
		})
	}
}

// What a host's claim ends with is written, unless a change arrived meanwhile.
func TestCompleteHostSchedules(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	for _, c := range []struct {
		name    string
		done    HostDone
		arrives bool
	}{
		{"when something happens", HostDone{Policy: "p1"}, false},
		{"by itself", HostDone{Next: time.Hour, Why: "Zoom is away", WaitingFor: "call", Policy: "p2"}, false},
		{"a change arrived", HostDone{Next: time.Hour, Policy: "p3"}, true},
	} {
		exec(t, s, `UPDATE hosts SET due_at = now() - interval '1 second'`)
		claimed := claimHost(t, s)
		if c.arrives {
			inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"host"}, time.Now(), "x") })
		}
		_, _, err := s.CompleteHost(t.Context(), claimed, c.done)
		noError(t, err)
		h, err := s.Host(t.Context(), "acc", "host")
		noError(t, err)
		if h.LastError != c.done.Why || h.WaitingFor != c.done.WaitingFor || h.Policy != c.done.Policy || h.Attempts != 0 {
			t.Errorf("%s: the host is %+v", c.name, h)
		}
		switch {
		case c.arrives:
			if h.DueAt.IsZero() || h.DueAt.After(claimed.Now) {
				t.Errorf("%s: due at %v, want it due still", c.name, h.DueAt)
			}
		case c.done.Next == 0:
			if !h.DueAt.IsZero() {
				t.Errorf("%s: due at %v", c.name, h.DueAt)
			}
		case !nearly(t, s, h.DueAt, c.done.Next):
			t.Errorf("%s: due at %v, want in %v", c.name, h.DueAt, c.done.Next)
		}
	}
}

// A host whom nobody mentioned before their settings were read is due, to have the meetings
// listed, and is not swept for it once more; one that is known is left as it is.
func TestAHostThatIsReadFirstIsListed(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	save := func() {
		t.Helper()
		if _, err := s.SaveHost(t.Context(), Host{ID: "host", AccountID: "acc", Email: "h@example.com", CanHost: true}, 0, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	save()
	if n, _, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: time.Hour, Limit: 10}); err != nil || n != 0 {
		t.Errorf("%d hosts are swept, %v", n, err)
	}
	c := claimHost(t, s)
	if c.Host.ID != "host" || !c.Host.ListDue || c.Host.DueWhy != "first seen" || !c.Host.Fresh(time.Hour) {
		t.Errorf("%+v", c.Host)
	}
	if _, _, err := s.CompleteHost(t.Context(), c, HostDone{}); err != nil {
		t.Fatal(err)
	}
	save()
	if due := value[bool](t, s, `SELECT due_at IS NOT NULL FROM hosts`); due {
		t.Error("due again when it was read again")
	}
}
