package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// Hosts whose meetings start soonest are swept first, and of every four one that waits
// longest, so that those without a meeting are not kept waiting by them for ever.
func TestASweepTakesFirstWhatStartsSoonest(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 20 {
		id := fmt.Sprint("quiet", i)
		addHost(t, s, id, "acc")
		exec(t, s, `UPDATE hosts SET swept_at = now() - interval '30 days' + $2 * interval '1 minute' WHERE host_id = $1`, id, i)
	}
	for i, in := range []int{9, 3, 6, 30} {
		id := fmt.Sprint("busy", in)
		addHost(t, s, id, "acc")
		exec(t, s, `UPDATE hosts SET swept_at = now() - interval '7 hours' WHERE host_id = $1`, id)
		addMeeting(t, s, int64(i+1), id, time.Duration(in)*time.Hour)
		exec(t, s, `UPDATE meetings SET due_at = NULL`)
	}
	n, calls, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: 6 * time.Hour, Limit: 4})
	if err != nil || n != 4 || calls != 4*hostCalls+3 {
		t.Fatalf("%d hosts for %d calls, %v", n, calls, err)
	}
	got := rowsOf(t, s, `SELECT host_id FROM hosts WHERE due_why = 'sweep' ORDER BY 1`)
	if want := []string{"busy3", "busy6", "busy9", "quiet0"}; !slices.Equal(got, want) {
		t.Errorf("%v were swept, want %v", got, want)
	}
}

// sweepOn marks for a round until there is nothing to mark now.
func sweepOn(t *testing.T, s *Store, w Sweep) (hosts int) {
	t.Helper()
	for {
		n, _, more, err := s.SweepRounds(t.Context(), "acc", w)
		noError(t, err)
		if hosts += n; !more {
			return hosts
		}
	}
}

// readAll is what workers do with what is marked.
func readAll(t *testing.T, s *Store) {
	t.Helper()
	exec(t, s, `UPDATE hosts SET due_at = NULL, read_at = now()`)
	exec(t, s, `UPDATE meetings SET due_at = NULL, must_read = false`)
}

func TestASweepThatIsAskedFor(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 1000 {
		exec(t, s, `INSERT INTO hosts (host_id, account_id, email, read_at, group_ids, swept_at) VALUES ($1, 'acc', $1, now(), CASE WHEN $2 < 30 THEN ARRAY['g'] ELSE ARRAY['other'] END, now() - interval '1 minute')`, fmt.Sprint("h", i), i)
	}
	for i := range 60 {
		addQuiet(t, s, int64(i+1), fmt.Sprint("h", i))
	}
	addHost(t, s, "theirs", "elsewhere")
	how := Sweep{Age: 6 * time.Hour, Limit: 100}
	t.Run("of a group", func(t *testing.T) {
		r, joined, err := s.AskSweep(t.Context(), "acc", passcode.LevelGroup, "g")
		if err != nil || joined || r.ID == 0 || r.Level != passcode.LevelGroup {
			t.Fatalf("%+v %v %v", r, joined, err)
		}
		if again, joined, err := s.AskSweep(t.Context(), "acc", passcode.LevelGroup, "g"); err != nil || !joined || again.ID != r.ID {
			t.Errorf("asked again: %+v %v %v; want the same", again, joined, err)
		}
		if n := sweepOn(t, s, how); n != 30 {
			t.Errorf("%d hosts, want those of the group", n)
		}
		p, err := s.RoundProgress(t.Context(), r.ID)
		if err != nil || p.AllHosts != 30 || p.HostsWaiting != 30 || p.MeetingsWaiting != 30 || p.Calls != 30*hostCalls+30 || p.CallsToCome != p.Calls || p.MarkedAt.IsZero() || !p.EndedAt.IsZero() {
			t.Errorf("%+v %v", p, err)
		}
		readAll(t, s)
		sweepOn(t, s, how)
		if p, err := s.RoundProgress(t.Context(), r.ID); err != nil || p.EndedAt.IsZero() || p.Stopped || p.CallsToCome != 0 {
			t.Errorf("not ended: %+v %v", p, err)
		}
	})
	t.Run("of a host, whose marks are not made twice", func(t *testing.T) {
		r, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelHost, "h7")
		noError(t, err)
		if n := sweepOn(t, s, how) + sweepOn(t, s, how); n != 1 {
			t.Errorf("%d hosts", n)
		}
		readAll(t, s)
		sweepOn(t, s, how)
		if p, err := s.RoundProgress(t.Context(), r.ID); err != nil || p.EndedAt.IsZero() || p.Hosts != 1 || p.Calls != hostCalls+1 {
			t.Errorf("%+v %v", p, err)
		}
	})
	t.Run("of all", func(t *testing.T) {
		r, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelAccount, "acc")
		noError(t, err)
		// Not more is marked than is soon read, whoever marks, and whoever was killed.
		for _, err := range atOnce(3, func(int) error {
			for range 10 {
				if _, _, _, err := s.SweepRounds(t.Context(), "acc", how); err != nil {
					return err
				}
			}
			return nil
		}) {
			noError(t, err)
		}
		if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE due_why = 'sweep' AND due_at <= now()`); n < marksAhead || n > marksAhead+how.Limit {
			t.Errorf("%d hosts are marked, want about %d", n, marksAhead)
		}
		if value[bool](t, s, `SELECT bool_or(due_at <= now()) IS TRUE FROM hosts WHERE account_id <> 'acc'`) {
			t.Error("another account was swept")
		}
		for range 3 {
			readAll(t, s)
			sweepOn(t, s, how)
		}
		if p, err := s.RoundProgress(t.Context(), r.ID); err != nil || p.Hosts != 1000 || !p.EndedAt.IsZero() {
			t.Errorf("%+v %v: the users are to be listed first", p, err)
		}
		if id, nth, err := s.RoundToList(t.Context(), "acc"); err != nil || id != r.ID || nth != 1 {
			t.Errorf("to list: %d, for the %dth time, %v", id, nth, err)
		}
		if id, _, err := s.RoundToList(t.Context(), "acc"); err != nil || id != 0 {
			t.Errorf("to list at once again: %d %v", id, err)
		}
		_, err = s.SaveUsers(t.Context(), "acc", []User{{"new", "n@example.com"}}, 1)
		noError(t, err)
		noError(t, s.RoundListed(t.Context(), r.ID, ""))
		for range 2 {
			sweepOn(t, s, how)
			readAll(t, s)
		}
		sweepOn(t, s, how)
		if p, err := s.RoundProgress(t.Context(), r.ID); err != nil || p.Hosts != 1001 || p.EndedAt.IsZero() {
			t.Errorf("%+v %v", p, err)
		}
	})
	t.Run("within what is left of the day, and stopped", func(t *testing.T) {
		r, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelAccount, "acc")
		noError(t, err)
		bounded := Sweep{Age: 6 * time.Hour, Limit: 100, CallsPerDay: 1000}
		exec(t, s, `UPDATE sweeps SET day = (now() AT TIME ZONE 'UTC')::date, spent = 0`)
		for range 20 {
			sweepOn(t, s, bounded)
			readAll(t, s)
		}
		p, err := s.RoundProgress(t.Context(), r.ID)
		if err != nil || p.Calls < 1000 || p.Calls > 1000+hostCalls+1 || p.Budget != 1000 || p.SpentToday != p.Calls || !p.EndedAt.IsZero() {
			t.Errorf("%+v %v", p, err)
		}
		exec(t, s, `UPDATE sweeps SET day = day - 1`)
		if n := sweepOn(t, s, bounded); n == 0 {
			t.Error("it does not go on on the next day")
		}
		if n, err := s.StopSweeps(t.Context(), "acc"); err != nil || n != 1 {
			t.Errorf("%d stopped, %v", n, err)
		}
		readAll(t, s)
		if n := sweepOn(t, s, bounded); n != 0 {
			t.Errorf("%d hosts after it was stopped", n)
		}
		if p, err := s.RoundProgress(t.Context(), r.ID); err != nil || !p.Stopped {
			t.Errorf("%+v %v", p, err)
		}
	})
}

func TestMeetingsAtRisk(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const locked = `[{"code":"generated","path":"meeting_security.meeting_password","level":"group","by":"g","by_name":"strict","locked":true,"value":"on"}]`
	for i, m := range []struct{ host, outcome, remedy, would, level, by string }{
		{"a", "demands_passcode", "none", "clear", "host", "a"},
		{"b", "demands_passcode", "none", "clear", "host", "b"},
		{"b", "demands_passcode", "keep", "", "group", "g"},
		{"b", "demands_passcode", "keep", "", "group", "g"},
		{"c", "demands_passcode", "keep", "", "group", "g"},
		{"c", "joinable", "none", "", "", ""},
		{"d", "", "", "", "", ""},
	} {
		addMeeting(t, s, int64(i+1), m.host, time.Duration(i+1)*time.Hour)
		exec(t, s, `UPDATE meetings SET outcome = nullif($2, ''), remedy = nullif($3, ''), would = nullif($4, ''), setting_level = nullif($5, ''), setting_by = nullif($6, ''),
			setting = CASE WHEN $5 <> '' THEN 'meeting_security.meeting_password' END, reasons = CASE WHEN $5 = 'group' THEN $7::jsonb ELSE '[]' END WHERE meeting_id = $1`, i+1, m.outcome, m.remedy, m.would, m.level, m.by, locked)
	}
	addMeeting(t, s, 99, "over", -5*time.Hour)
	exec(t, s, `UPDATE meetings SET outcome = 'demands_passcode', remedy = 'clear' WHERE meeting_id = 99`)
	risks, upcoming, err := s.MeetingsAtRisk(t.Context(), "acc")
	noError(t, err)
	if upcoming != 7 || len(risks) != 3 {
		t.Fatalf("%d upcoming, %+v", upcoming, risks)
	}
	if r := risks[0]; r.Meetings != 3 || r.Hosts != 2 || r.LevelID != "g" || r.Remedy != passcode.RemedyKeep || r.Observed || r.Reason.ByName != "strict" || r.Soonest.IsZero() {
		t.Errorf("%+v", r)
	}
	if r := risks[1]; r.Meetings != 2 || r.Hosts != 2 || r.Level != passcode.LevelHost || r.LevelID != "" || !r.Observed || r.Remedy != passcode.RemedyClear {
		t.Errorf("of two hosts' own setting: %+v", r)
	}
	if r := risks[2]; r.Outcome != passcode.OutcomeUnknown || r.Meetings != 1 {
		t.Errorf("not checked yet: %+v", r)
	}
}

// What a sweep was, and what a host's day was, is kept for as long as history is; one that
// goes on stays.
func TestOldSweepsAndDaysGo(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `INSERT INTO sweep_rounds (account_id, scope, scope_id, began_at, ended_at) VALUES ('acc', 'host', 'old', now() - interval '11 days', now() - interval '10 days'),
		('acc', 'host', 'new', now() - interval '3 days', now() - interval '2 days'), ('acc', 'host', 'open', now() - interval '30 days', NULL)`)
	exec(t, s, `INSERT INTO host_days (account_id, host_id, day, ours) SELECT 'acc', 'h', current_date - n, 1 FROM generate_series(0, 20, 5) n`)
	if _, err := s.Retain(t.Context(), time.Time{}, Keep{History: 7 * 24 * time.Hour, Events: 48 * time.Hour, Alerts: 48 * time.Hour, Meetings: 48 * time.Hour, Passcodes: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	if left := value[string](t, s, `SELECT string_agg(scope_id, ' ' ORDER BY scope_id) FROM sweep_rounds`); left != "new open" {
		t.Errorf("sweeps left: %s", left)
	}
	if n := value[int](t, s, `SELECT count(*) FROM host_days`); n != 2 {
		t.Errorf("%d days are left", n)
	}
}
