package store

import (
	"errors"
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
	claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v, %v", claims, err)
	}
	start := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	found, err := s.CompleteHost(t.Context(), claims[0], []Listed{
		{ID: 1, Topic: "listed"},
		{ID: 2, UUID: "u", Topic: "new", Type: 2, Start: start, Ends: start.Add(time.Hour)},
		{ID: 3, Type: 3}, // no fixed time
		{ID: 2, Topic: "twice"},
	})
	if err != nil || found != 2 {
		t.Errorf("found %d, %v; want 2", found, err)
	}
	if m := meeting(t, s, 1); m.Topic != "known" || m.MustRead || !m.DueAt.IsZero() {
		t.Errorf("the known meeting became %+v", m)
	}
	if m := meeting(t, s, 2); m.Topic != "new" || m.HostID != "host" || m.AccountID != "acc" || !m.Start.Equal(start) || !m.MustRead || m.DueAt.IsZero() || m.DueWhy != "listed" {
		t.Errorf("the new meeting is %+v", m)
	}
	if m := meeting(t, s, 3); !m.Start.IsZero() || !m.Ends.IsZero() || m.DueAt.IsZero() {
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
		inEvent(t, s, func(tx *IntakeTx) error { return tx.HostChanged(t.Context(), "host", time.Now(), "x") })
	}
	one := func() HostClaim {
		claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
		if err != nil || len(claims) != 1 {
			t.Fatalf("claims %v, %v; want one", claims, err)
		}
		return claims[0]
	}
	change()
	first := one()
	change()
	_, err := s.CompleteHost(t.Context(), first, nil)
	noError(t, err)
	second := one() // the change during the first is not lost

	exec(t, s, `UPDATE hosts SET lease_until = now() - interval '1 second'`)
	third := one()
	if _, err := s.CompleteHost(t.Context(), second, []Listed{{ID: 9}}); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("without the lease: %v, want ErrLeaseLost", err)
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings`); n != 0 {
		t.Errorf("without the lease %d meetings were written", n)
	}
	_, err = s.CompleteHost(t.Context(), third, nil)
	noError(t, err)
}

// A change told of while the host was being read makes the reading stale.
func TestSaveHost(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Now().Truncate(time.Millisecond)
	h := Host{ID: "host", AccountID: "acc", Email: "a@example.com", GroupIDs: []string{"g1", "g2"}, ReadAt: at,
		Settings: passcode.Values{Passcode: passcode.On, WaitingRoom: passcode.Off}}
	if _, err := s.Host(t.Context(), "host"); !errors.Is(err, ErrNotFound) {
		t.Errorf("before: %v, want ErrNotFound", err)
	}
	noError(t, s.SaveHost(t.Context(), h, 0))
	got, err := s.Host(t.Context(), "host")
	if err != nil || got.Email != h.Email || !slices.Equal(got.GroupIDs, h.GroupIDs) || got.Settings != h.Settings || !got.ReadAt.Equal(at) {
		t.Errorf("read back %+v, %v; want %+v", got, err, h)
	}

	inEvent(t, s, func(tx *IntakeTx) error { return tx.HostChanged(t.Context(), "host", at, "x") })
	noError(t, s.SaveHost(t.Context(), h, got.Generation)) // what was read before the change
	if got, err = s.Host(t.Context(), "host"); err != nil || !got.ReadAt.IsZero() {
		t.Errorf("read at %v (%v) although it changed meanwhile", got.ReadAt, err)
	}
	h.GroupIDs = nil
	noError(t, s.SaveHost(t.Context(), h, got.Generation))
	if got, err = s.Host(t.Context(), "host"); err != nil || !got.ReadAt.Equal(at) || len(got.GroupIDs) != 0 {
		t.Errorf("read anew: %+v, %v", got, err)
	}

	until := at.Add(time.Hour)
	noError(t, s.HoldHost(t.Context(), "acc", "host", until))
	noError(t, s.HoldHost(t.Context(), "acc", "unheard of", until))
	for _, id := range []string{"host", "unheard of"} {
		if got, err = s.Host(t.Context(), id); err != nil || !got.HeldUntil.Equal(until) {
			t.Errorf("%s is held until %v, %v; want %v", id, got.HeldUntil, err, until)
		}
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Now().Truncate(time.Millisecond)
	locks := passcode.Values{Passcode: passcode.On, WaitingRoom: passcode.Off}
	for _, l := range []Level{{ID: "a", Plan: passcode.PlanFree, ReadAt: at}, {ID: "a", Plan: passcode.PlanPaid, Locks: locks, ReadAt: at}} {
		noError(t, s.SaveAccount(t.Context(), l))
		if got, err := s.Account(t.Context(), "a"); err != nil || got.Plan != l.Plan || got.Locks != l.Locks || !got.ReadAt.Equal(at) {
			t.Errorf("account %+v, %v; want %+v", got, err, l)
		}
	}
	noError(t, s.SaveGroup(t.Context(), "a", Level{ID: "g", Locks: locks, ReadAt: at}))
	if got, err := s.Group(t.Context(), "g"); err != nil || got.Locks != locks || !got.ReadAt.Equal(at) {
		t.Errorf("group %+v, %v", got, err)
	}
	if got, err := s.Group(t.Context(), "a"); err != nil || !got.ReadAt.IsZero() || got.Locks != (passcode.Values{}) {
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
	at := time.Now().Truncate(time.Millisecond)
	alert := &Alert{AccountID: "acc", Type: "host.forecast_changed", Subject: "host", Data: []byte(`{"n": 1}`)}
	alerts := 0
	for i, c := range []struct {
		name    string
		host    string
		demands bool
		why     string
		alert   *Alert
		changed bool
	}{
		{"the first, without an alert", "host", false, "joinable", nil, true},
		{"the same again", "host", false, "joinable", alert, false},
		{"changed, with an alert", "host", true, "demands", alert, true},
		{"that again", "host", true, "demands", alert, false},
		{"changed, without an alert", "host", false, "joinable", nil, true},
		{"a host that is not there", "nobody", true, "demands", alert, false},
	} {
		moment := at.Add(time.Duration(i) * time.Second)
		changed, err := s.SaveForecast(t.Context(), c.host, forecastOf(c.demands), c.why, moment, c.alert)
		if err != nil || changed != c.changed {
			t.Errorf("%s: changed %v, %v; want %v", c.name, changed, err, c.changed)
		}
		if c.changed && c.alert != nil {
			alerts++
		}
		if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != alerts {
			t.Errorf("%s: %d alerts, want %d", c.name, n, alerts)
		}
		if c.changed {
			if got := value[time.Time](t, s, `SELECT forecast_at FROM hosts WHERE host_id = 'host'`); !got.Equal(moment) {
				t.Errorf("%s: since %v, want %v", c.name, got, moment)
			}
		}
		if c.host != "host" {
			continue
		}
		h, err := s.Host(t.Context(), "host")
		if err != nil || h.ForecastWhy != c.why || h.Forecast != forecastOf(c.demands) {
			t.Errorf("%s: read back %+v %q, %v", c.name, h.Forecast, h.ForecastWhy, err)
		}
	}
	if got := value[string](t, s, `SELECT account_id || ' ' || type || ' ' || subject || ' ' || (data ->> 'n') FROM alerts`); got != "acc host.forecast_changed host 1" {
		t.Errorf("the alert is %q", got)
	}
	if h, err := s.Host(t.Context(), "other"); err != nil || h.ForecastWhy != "" {
		t.Errorf("the other host's forecast became %q, %v", h.ForecastWhy, err)
	}
}

// Several workers that foretell the same change tell of it once.
func TestSaveForecastAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	const savers = 8
	changed := make([]bool, savers)
	for round, why := range []string{"demands", "joinable", "demands"} {
		for _, err := range atOnce(savers, func(i int) (err error) {
			changed[i], err = s.SaveForecast(t.Context(), "host", forecastOf(why == "demands"), why, time.Now(),
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
