package admin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/reconcile"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// office is a database with two hosts of group g, one of them also of group k,
// which locks the waiting room on, and one of no group; all settings are off
// but the waiting room.
func office(t *testing.T) *store.Store {
	t.Helper()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	off := passcode.Values{passcode.KeyPasscode: passcode.Off, passcode.KeyScheduled: passcode.Off, passcode.KeyWaitingRoom: passcode.Off, passcode.KeyAutoSecurity: passcode.Off, passcode.KeyAuthentication: passcode.Off, passcode.KeyPMI: passcode.Off}
	settings, waitingRoom := off, off
	settings[passcode.KeyWaitingRoom], waitingRoom[passcode.KeyWaitingRoom] = passcode.On, passcode.On
	do(s.SaveAccount(t.Context(), store.Level{ID: "acc", Plan: passcode.PlanPaid, Locks: off}, 0, 0))
	do(s.SaveGroup(t.Context(), "acc", store.Level{ID: "g", Locks: off}, 0, 0))
	do(s.SaveGroup(t.Context(), "acc", store.Level{ID: "empty", Locks: off}, 0, 0))
	do(s.SaveGroup(t.Context(), "acc", store.Level{ID: "k", Locks: waitingRoom}, 0, 0))
	for id, groups := range map[string][]string{"anna": {"g"}, "ben": {"k", "g"}, "carl": nil} {
		_, err := s.SaveHost(t.Context(), store.Host{ID: id, AccountID: "acc", Email: id + "@example.com", GroupIDs: groups, Settings: settings}, 0, 0)
		do(err)
	}
	n := 0
	for _, host := range []string{"anna", "ben", "carl"} {
		for _, pass := range []string{"off", "on"} { // 1 and 2 of anna, 3 and 4 of ben, 5 and 6 of carl
			n++
			testenv.Exec(t, url, fmt.Sprintf(`INSERT INTO meetings (meeting_id, account_id, host_id, type, start_time, ends_at, passcode, passcode_readable, waiting_room, authentication, must_read)
				VALUES (%d, 'acc', '%s', 2, now() + interval '1 hour', now() + interval '2 hours', '%s', %v, 'on', 'off', false)`, n, host, pass, pass == "on"))
		}
	}
	testenv.Exec(t, url, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) SELECT 'acc', id, 'zooms-own', 'zoom', now() FROM unnest(ARRAY[2, 4, 6]) id`)
	// Anna's personal room, with no passcode; one that is over; one that is gone.
	testenv.Exec(t, url, `INSERT INTO meetings (meeting_id, account_id, host_id, type, uses_pmi, passcode, waiting_room, authentication, must_read) VALUES (7, 'acc', 'anna', 2, true, 'off', 'on', 'off', false)`)
	testenv.Exec(t, url, `INSERT INTO meetings (meeting_id, account_id, host_id, type, ends_at, expires_at, passcode, waiting_room) VALUES (8, 'acc', 'anna', 2, now() - interval '31 days', now() - interval '1 day', 'on', 'on')`)
	testenv.Exec(t, url, `INSERT INTO meetings (meeting_id, account_id, host_id, type, status, passcode, waiting_room) VALUES (9, 'acc', 'anna', 2, 'deleted', 'on', 'on')`)
	return s
}

func TestWhatIf(t *testing.T) {
	t.Parallel()
	const (
		demandsClear = "demands_passcode/clear"
		demandsKeep  = "demands_passcode/keep"
		joinable     = "joinable/none"
	)
	type meetings map[int64]string // id: before -> after
	for _, c := range []struct {
		name     string
		set      string
		level    passcode.Level
		id       string
		mode     passcode.Mode
		changed  map[string]meetings
		two      bool // group g locks the waiting room on as well
		perhaps  bool
		forecast bool // those changed are predicted otherwise
		hosts, n int  // looked at
	}{
		{name: "a group locks the passcode on", set: "passcode=on,locked", level: passcode.LevelGroup, id: "g", forecast: true, hosts: 2, n: 5,
			changed: map[string]meetings{
				"anna": {2: demandsClear + " -> " + demandsKeep},
				"ben":  {4: demandsClear + " -> " + demandsKeep},
			}},
		{name: "the account does", set: "passcode=on,locked", level: passcode.LevelAccount, id: "acc", forecast: true, hosts: 3, n: 7,
			changed: map[string]meetings{
				"anna": {2: demandsClear + " -> " + demandsKeep},
				"ben":  {4: demandsClear + " -> " + demandsKeep},
				"carl": {6: demandsClear + " -> " + demandsKeep},
			}},
		{name: "a policy that never changes a meeting", set: "passcode=on,locked", level: passcode.LevelGroup, id: "g", mode: passcode.ModeObserve, forecast: true, hosts: 2, n: 5,
			changed: map[string]meetings{"anna": {}, "ben": {}}},
		{name: "a host turns passcodes on for what is scheduled", set: "scheduled=on", level: passcode.LevelHost, id: "Anna@example.com", forecast: true, hosts: 1, n: 3,
			changed: map[string]meetings{"anna": {1: joinable + " -> " + demandsClear}}},
		{name: "a group locks them on for what is scheduled", set: "scheduled=on,locked", level: passcode.LevelGroup, id: "k", forecast: true, hosts: 1, n: 2,
			changed: map[string]meetings{"ben": {3: joinable + " -> " + demandsClear}}},
		{name: "what is so already", set: "passcode=off", level: passcode.LevelHost, id: "anna", hosts: 1, n: 3},
		{name: "a group's default reaches whoever never chose", set: "passcode=on", level: passcode.LevelGroup, id: "g", hosts: 2, n: 5, forecast: true, perhaps: true,
			changed: map[string]meetings{"anna": {}, "ben": {}}},
		{name: "so does the account's", set: "passcode=on", level: passcode.LevelAccount, id: "acc", hosts: 3, n: 7, forecast: true, perhaps: true,
			changed: map[string]meetings{"anna": {}, "ben": {}, "carl": {}}},
		{name: "a default that is so already", set: "passcode=off", level: passcode.LevelAccount, id: "acc", hosts: 3, n: 7},
		{name: "a passcode known beforehand is kept where it is locked on", set: "passcode=on,locked", level: passcode.LevelGroup, id: "k", mode: passcode.ModeKnownPasscode, hosts: 1, n: 2, forecast: true,
			changed: map[string]meetings{"ben": {}}},
		{name: "and one that Zoom would make up is replaced", set: "scheduled=on", level: passcode.LevelHost, id: "anna", mode: passcode.ModeKnownPasscode, forecast: true, hosts: 1, n: 3,
			changed: map[string]meetings{"anna": {1: joinable + " -> " + "demands_passcode/set"}}},
		{name: "and where it is locked off nothing can be set", set: "passcode=off,locked", level: passcode.LevelGroup, id: "k", mode: passcode.ModeKnownPasscode, hosts: 1, n: 2,
			changed: map[string]meetings{"ben": {4: "demands_passcode/set -> demands_passcode/keep"}}},
		{name: "one of two groups that lock the waiting room lets go", set: "waiting-room=off,unlocked", level: passcode.LevelGroup, id: "k", hosts: 1, n: 2, two: true},
		{name: "a lock above is in the way", set: "waiting-room=off", level: passcode.LevelHost, id: "ben", hosts: 1, n: 2},
		{name: "a group that nobody is in", set: "passcode=on,locked", level: passcode.LevelGroup, id: "empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := office(t)
			if c.two {
				on := passcode.Values{passcode.KeyWaitingRoom: passcode.On}
				if err := s.SaveGroup(t.Context(), "acc", store.Level{ID: "g", Locks: on, Fixed: on}, 0, 0); err != nil {
					t.Fatal(err)
				}
			}
			change, err := passcode.ParseChange(c.set)
			if err != nil {
				t.Fatal(err)
			}
			change.Level, change.ID = c.level, c.id
			mode := passcode.ModeWaitingRoom
			if c.mode != "" {
				mode = c.mode
			}
			rule := func(reconcile.Who) reconcile.Rule {
				return reconcile.Rule{Policy: passcode.Policy{Mode: mode, Source: passcode.SourceFixed}, Passcode: "Known-1"}
			}
			all, err := WhatIf(t.Context(), s, []passcode.Change{change}, rule, time.Now())
			if err != nil || all.Hosts != c.hosts || all.Meetings != c.n {
				t.Errorf("looked at %d hosts and %d meetings, %v; want %d and %d", all.Hosts, all.Meetings, err, c.hosts, c.n)
			}
			got := map[string]meetings{}
			for _, one := range all.Changed {
				got[one.Host.ID] = meetings{}
				if one.Perhaps != c.perhaps {
					t.Errorf("%s: perhaps %v, want %v", one.Host.ID, one.Perhaps, c.perhaps)
				}
				for _, m := range one.Meetings {
					got[one.Host.ID][m.Meeting.ID] = fmt.Sprintf("%s/%s -> %s/%s", m.Before.Outcome, m.Before.Remedy, m.After.Outcome, m.After.Remedy)
				}
				if differs := one.Before.Signature() != one.After.Signature(); differs != c.forecast {
					t.Errorf("%s was predicted %q, then %q", one.Host.ID, one.Before.Sentence(), one.After.Sentence())
				}
			}
			if want := slices.Sorted(maps.Keys(c.changed)); !slices.Equal(slices.Sorted(maps.Keys(got)), want) {
				t.Errorf("changed %v, want %v", got, want)
			}
			for host, want := range c.changed {
				if !maps.Equal(got[host], want) {
					t.Errorf("meetings of %s: %v, want %v", host, got[host], want)
				}
			}
			// It only supposes.
			if h, err := s.Host(t.Context(), "acc", "anna"); err != nil || h.Settings[passcode.KeyPasscode] != passcode.Off || h.ForecastWhy != "" || h.Generation != 0 {
				t.Errorf("it changed %+v, %v", h, err)
			}
		})
	}
}

// TestWhatIfOfNobody: an id without a record is most likely misspelt, which is
// said: "0 hosts" would be taken for an answer.
func TestWhatIfOfNobody(t *testing.T) {
	t.Parallel()
	s := office(t)
	for level, says := range map[passcode.Level]string{passcode.LevelHost: "no record of host x", passcode.LevelGroup: "no record of a group x", passcode.LevelAccount: "no record of an account x"} {
		_, err := WhatIf(t.Context(), s, []passcode.Change{{Key: passcode.KeyPasscode, Level: level, ID: "x", Value: passcode.On}}, nil, time.Now())
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", level, err, says)
		}
	}
}

// Several settings change together, a group is meant by its name in any case, and the
// totals say what matters.
func TestWhatIfOfSeveralSettings(t *testing.T) {
	t.Parallel()
	s := office(t)
	parse := func(sets ...string) (all []passcode.Change) {
		t.Helper()
		for _, set := range sets {
			c, err := passcode.ParseChange(set)
			if err != nil {
				t.Fatal(err)
			}
			c.Level, c.ID = passcode.LevelGroup, "The G Group"
			all = append(all, c)
		}
		return all
	}
	locks, err := s.Group(t.Context(), "acc", "g")
	if err != nil {
		t.Fatal(err)
	}
	locks.Name = "the g group"
	if err := s.SaveGroup(t.Context(), "acc", locks, locks.Generation, 0); err != nil {
		t.Fatal(err)
	}
	rule := func(reconcile.Who) reconcile.Rule {
		return reconcile.Rule{Policy: passcode.Policy{Mode: passcode.ModeWaitingRoom}}
	}
	one, err := WhatIf(t.Context(), s, parse("passcode=on,locked"), rule, time.Now())
	if err != nil || one.NoLongerRepairable != 2 || one.MoreDemand != 0 || one.FewerDemand != 0 {
		t.Errorf("%+v %v; want two that could be cleared and cannot be any more", one, err)
	}
	two, err := WhatIf(t.Context(), s, parse("passcode=on,locked", "scheduled=on,locked"), rule, time.Now())
	if err != nil || two.MoreDemand == 0 || two.NoLongerRepairable <= one.NoLongerRepairable {
		t.Errorf("%+v %v; want what was scheduled without one to demand one, too", two, err)
	}
	if err := s.SaveGroup(t.Context(), "acc", store.Level{ID: "k", Name: "The G group"}, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := WhatIf(t.Context(), s, parse("passcode=on,locked"), rule, time.Now()); err == nil || !strings.Contains(err.Error(), "several groups are called The G Group: name one by its id (g, k)") {
		t.Errorf("two of that name: %v", err)
	}
}
