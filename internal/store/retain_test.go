package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var keepTest = Keep{Events: 90 * day, History: 120 * day, Alerts: 60 * day, Meetings: 150 * day, Passcodes: 7 * day}

const day = 24 * time.Hour

// month puts in what a month brings, of events with times at, and for each a meeting
// that was deleted or is over.
func month(t *testing.T, s *Store, nth int, at time.Time) {
	t.Helper()
	for i := range 3 {
		id := int64(nth*10 + i + 1)
		at := at.Add(time.Duration(i) * day)
		exec(t, s, `INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at, meeting_id) VALUES ($1, 'acc', 'meeting.created', $2, $2, $2, $3)`, fmt.Sprint("e", id), at, id)
		exec(t, s, `INSERT INTO setting_changes (event_id, account_id, told_at, level, level_id, setting, old_value, new_value) VALUES ($1, 'acc', $2, 'host', 'h', 's', 'off', 'on')`, fmt.Sprint("e", id), at)
		exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, type, status, event_at, observed_at, expires_at, passcode_readable) VALUES ($1, 'acc', 'h', $2, $3, $4, $4, $5, true)`,
			id, []int{2, 2, 1}[i], []string{"deleted", "scheduled", "started"}[i], at, []*time.Time{nil, &at, nil}[i])
		exec(t, s, `INSERT INTO passcodes (meeting_id, account_id, passcode, source, seen_at) VALUES ($1, 'acc', 'x', 'zoom', $2)`, id, at)
		exec(t, s, `INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, decided_at) VALUES ('acc', $1, 'joinable', 'none', $2)`, id, at)
		exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, started_at, ended_at) VALUES ('acc', $1, 'h', 'clear', 'held', $2, $2)`, id, at)
		exec(t, s, `INSERT INTO passcode_changes (account_id, meeting_id, changed_by, seen_at) VALUES ('acc', $1, 'zoom', $2)`, id, at)
		exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, created_at, published_at) VALUES ('acc', 'meeting.repaired', $1, '{}', $2, $2)`, fmt.Sprint(id), at)
		exec(t, s, `INSERT INTO dead_causes (account_id, stage, cause, since, seen_at) VALUES ('acc', 'intake', $1, $2, $2)`, fmt.Sprint(id), at)
		exec(t, s, `INSERT INTO holds (account_id, kind, id, reason, held_by, until) VALUES ('acc', 'meeting', $1, 'r', 'b', $2)`, fmt.Sprint(id), at)
		exec(t, s, `INSERT INTO hosts (host_id, account_id, can_host, changed_at) VALUES ($1, 'acc', false, $2)`, fmt.Sprint("gone", id), at)
		exec(t, s, `INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at, ended_at) VALUES ('h', 'acc', 's', 'on', 'off', 'undone', $1, $1)`, at)
	}
	// What says that it happened at no time, or at an absurd one, is dropped too.
	for name, when := range map[string]string{"never": "1970-01-01", "long ago": "1998-02-03", "far": "9999-01-01"} {
		exec(t, s, `INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at) VALUES ($1, 'acc', 'x', $2::timestamptz, $3, $3)`, fmt.Sprint(name, nth), when, at)
	}
}

// Two years go by, a month at a time: what there is stays as much as it was, and what
// is young, or to come, or not done with, stays.
func TestTwoYearsOfRetention(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "h", "acc")
	start := value[time.Time](t, s, `SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'`)
	// What never goes.
	addMeeting(t, s, 1001, "h", 10*365*day)
	exec(t, s, `UPDATE meetings SET expires_at = $1 WHERE meeting_id = 1001`, start.AddDate(10, 0, 0))
	exec(t, s, `INSERT INTO passcodes (meeting_id, account_id, passcode, source, seen_at) VALUES (1001, 'acc', 'x', 'zoom', now())`)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, type) VALUES (1002, 'acc', 3)`)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, type, status, event_at) VALUES (1003, 'acc', 2, 'deleted', $1)`, start)
	exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, started_at) VALUES ('acc', 1003, 'h', 'clear', now())`)
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, created_at) VALUES ('acc', 'meeting.repaired', 'unpublished', '{}', $1)`, start)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, type, status, event_at, lease_owner, lease_until) VALUES (1004, 'acc', 2, 'deleted', $1, 'w', now())`, start)
	exec(t, s, `INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at, ended_at) VALUES ('h', 'acc', 'held', 'on', 'off', 'held', $1, $1)`, start)
	exec(t, s, `INSERT INTO holds (account_id, kind, id, reason, held_by) VALUES ('acc', 'host', 'h', 'until released', 'b')`)

	tables := []string{"events", "setting_changes", "verdicts", "repairs", "passcode_changes", "alerts", "dead_causes", "holds", "alignments", "passcodes", "meetings", "hosts"}
	count := func() map[string]int {
		n := map[string]int{}
		for _, table := range tables {
			n[table] = value[int](t, s, `SELECT count(*) FROM `+table)
		}
		return n
	}
	partitions := func() int {
		return value[int](t, s, `SELECT count(*) FROM pg_inherits WHERE inhparent IN ('events'::regclass, 'verdicts'::regclass)`)
	}
	most, dropped := map[string]int{}, map[string]int64{}
	mostParts := 0
	for nth := range 24 {
		at := start.AddDate(0, nth, 0)
		month(t, s, nth, at)
		r, err := s.Retain(t.Context(), at.AddDate(0, 0, 20), keepTest)
		noError(t, err)
		for table, n := range r.Rows {
			dropped[table] += n
		}
		if nth < 12 {
			for table, n := range count() {
				most[table] = max(most[table], n)
			}
			mostParts = max(mostParts, partitions())
			continue
		}
		for table, n := range count() {
			if n > most[table] {
				t.Errorf("after %d months %s has %d rows, in the first year at most %d", nth, table, n, most[table])
			}
		}
		if n := partitions(); n > mostParts {
			t.Errorf("after %d months there are %d partitions, in the first year at most %d", nth, n, mostParts)
		}
	}
	for _, table := range tables {
		if dropped[table] == 0 {
			t.Errorf("of %s nothing was dropped, or not counted", table)
		}
	}
	for what, sql := range map[string]string{
		"a meeting to come":           `SELECT count(*) FROM meetings WHERE meeting_id = 1001`,
		"its passcode":                `SELECT count(*) FROM passcodes WHERE meeting_id = 1001`,
		"a series without end":        `SELECT count(*) FROM meetings WHERE meeting_id = 1002`,
		"a meeting somebody is at":    `SELECT count(*) FROM meetings WHERE meeting_id = 1004`,
		"an unfinished repair":        `SELECT count(*) FROM repairs WHERE meeting_id = 1003`,
		"an alert not published":      `SELECT count(*) FROM alerts WHERE published_at IS NULL`,
		"an alignment to be put back": `SELECT count(*) FROM alignments WHERE result = 'held'`,
		"a hold without end":          `SELECT count(*) FROM holds WHERE until IS NULL`,
		"the events of this month":    `SELECT count(*) / 3 FROM events WHERE event_id IN ('e231', 'e232', 'e233')`,
		"the verdicts of this month":  `SELECT count(*) / 3 FROM verdicts WHERE meeting_id IN (231, 232, 233)`,
	} {
		if value[int](t, s, sql) != 1 {
			t.Errorf("%s is not there any more", what)
		}
	}
	// A meeting whose passcode went is not said to have a known one.
	if n := value[int](t, s, `SELECT count(*) FROM meetings m WHERE passcode_readable AND NOT EXISTS (SELECT FROM passcodes p WHERE p.account_id = m.account_id AND p.meeting_id = m.meeting_id)`); n != 0 {
		t.Errorf("of %d meetings it is said that the passcode is known, and it is not", n)
	}
	if n := value[int](t, s, `SELECT count(*) FROM events_other WHERE event_at BETWEEN $1 AND $2`, start, start.AddDate(0, 24, 0)); n != 0 {
		t.Errorf("%d events of a month that has a partition are outside of it", n)
	}
}

// The same event is one row, whatever partitions there are by then.
func TestAnEventIsOneRowAcrossPartitions(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for name, at := range map[string]time.Time{
		"now": time.Now(), "no time": {}, "long ago": time.Unix(1e9, 0), "in half a year": time.Now().AddDate(0, 6, 0), "absurd": time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		e := Event{ID: name, AccountID: "acc", Name: "x", At: at, ReceivedAt: time.Now()}
		for nth, want := range []bool{true, false, false} {
			got, err := s.intakeOne(t.Context(), e, func(*IntakeTx) error { return nil })
			if err != nil || got != want {
				t.Errorf("%s, delivery %d: new %v, %v", name, nth+1, got, err)
			}
			if nth == 1 { // partitions are made meanwhile
				_, err := s.Retain(t.Context(), time.Now().AddDate(0, 5, 0), Keep{Events: 365 * day, History: 365 * day, Alerts: day, Meetings: day, Passcodes: day})
				noError(t, err)
			}
		}
	}
}

// Many workers look at once: one does it, and none fails.
func TestRetainByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "h", "acc")
	at := time.Now().AddDate(-1, 0, 0)
	month(t, s, 1, at)
	made := make([][]string, 4)
	for _, err := range atOnce(4, func(i int) error {
		r, err := s.Retain(t.Context(), time.Now().AddDate(0, 2, 0), keepTest)
		made[i] = r.Made
		return err
	}) {
		noError(t, err)
	}
	all := slices.Concat(made...)
	if slices.Sort(all); len(slices.Compact(slices.Clone(all))) != len(all) || len(all) == 0 {
		t.Errorf("made were %v", all)
	}
}

// A reader holds a table for long: the others wait at most moments for the
// retention, which gives way.
func TestRetainGivesWay(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT count(*) FROM events`)
	noError(t, err)
	_, err = s.Retain(t.Context(), time.Now().AddDate(0, 6, 0), keepTest)
	if err == nil || !Unavailable(err) || !strings.Contains(err.Error(), "past its time") {
		t.Errorf("%v, want an error that goes away", err)
	}
	noError(t, tx.Rollback(t.Context()))
	r, err := s.Retain(t.Context(), time.Now().AddDate(0, 6, 0), keepTest)
	if err != nil || len(r.Made) == 0 {
		t.Errorf("afterwards: %v, %v", slices.Collect(maps.Keys(r.Rows)), err)
	}
}

func TestRetainManyRows(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, published_at) SELECT 'acc', 'x', i::text, '{}', now() - interval '1 year' FROM generate_series(1, 2500) i`)
	r, err := s.Retain(t.Context(), time.Time{}, keepTest)
	if err != nil || r.Rows["alerts"] != 2500 {
		t.Errorf("%v, %v", r.Rows, err)
	}
}
