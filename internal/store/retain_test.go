package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
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
		r, err := owner(s).Retain(t.Context(), at.AddDate(0, 0, 20), keepTest) // a worker moves no clock
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
				_, err := owner(s).Retain(t.Context(), time.Now().AddDate(0, 5, 0), Keep{Events: 365 * day, History: 365 * day, Alerts: day, Meetings: day, Passcodes: day})
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
		r, err := owner(s).Retain(t.Context(), time.Now().AddDate(0, 2, 0), keepTest)
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

// A reader holds a table for long: those who write wait at most moments for the
// retention, which gives way, and goes on with all that nobody holds.
func TestRetainGivesWay(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "h", "acc")
	month(t, s, 1, time.Now().AddDate(0, -1, 0))
	later := time.Now().AddDate(1, 0, 0)
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	_, err = tx.Exec(t.Context(), `SELECT count(*) FROM events`)
	noError(t, err)
	r, err := owner(s).Retain(t.Context(), later, keepTest)
	if err == nil || !Unavailable(err) || !strings.Contains(err.Error(), "past its time: make partitions: ") || !strings.Contains(err.Error(), "partitions of events: ") || strings.Contains(err.Error(), "verdicts: ") {
		t.Errorf("%v, want an error that goes away, of events alone", err)
	}
	for _, table := range []string{"passcodes", "meetings", "alerts", "repairs", "verdicts"} {
		if r.Rows[table] == 0 {
			t.Errorf("of %s nothing was dropped while somebody reads events", table)
		}
	}
	if row := value[string](t, s, `SELECT concat_ws('|', done_at < now() - interval '0 s', error LIKE '%make partitions: %') FROM retention`); row != "t|t" {
		t.Errorf("retention says %s", row)
	}
	exec(t, s, `UPDATE retention SET done_at = '2020-01-01'`)
	noError(t, tx.Rollback(t.Context()))
	r, err = owner(s).Retain(t.Context(), later, keepTest)
	if err != nil || len(r.Made) == 0 || r.Rows["events"] == 0 {
		t.Errorf("afterwards: %+v, %v", r, err)
	}
	if row := value[string](t, s, `SELECT concat_ws('|', done_at > now() - interval '1 min', error) FROM retention`); row != "t|" {
		t.Errorf("afterwards retention says %s", row)
	}
}

// A login that may only read cannot keep the retention from its work.
func TestRetainWhoeverReads(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	reader := openURL(t, testenv.LoginURL(t, owner(s).pool.Config().ConnString(), "latchkey_reader"))
	tx, err := reader.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(t.Context()) }()
	if _, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock(hashtext('latchkey retention')), done_at FROM retention`); err != nil {
		t.Fatal(err)
	}
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, published_at) VALUES ('acc', 'x', '1', '{}', now() - interval '1 year')`)
	if r, err := s.Retain(t.Context(), time.Time{}, keepTest); err != nil || r.Rows["alerts"] != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What came lately is young, however long ago it says it happened; what is as old as it
// says goes, from beside it too.
func TestRetainWhatCameLate(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	long := value[time.Time](t, s, `SELECT now() - interval '2 years'`)
	later := time.Now().AddDate(0, 8, 0) // the first partition's end is long past
	exec(t, s, `INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at) SELECT 'old' || i, 'acc', 'x', $1::timestamptz, $1, $1 FROM generate_series(1, 3) i`, long)
	exec(t, s, `INSERT INTO events (event_id, account_id, event, event_at, received_at) VALUES ('late', 'acc', 'x', $1::timestamptz, now())`, long)
	exec(t, s, `UPDATE events SET recorded_at = $1 WHERE event_id = 'late'`, later.Add(-day))
	r, err := owner(s).Retain(t.Context(), later, keepTest)
	if left := rowsOf(t, s, `SELECT event_id FROM events`); err != nil || r.Rows["events"] != 3 || fmt.Sprint(left) != "[late]" {
		t.Errorf("%+v, %v; left are %v", r, err, left)
	}
}

// A meeting of which something is not told yet stays until it is.
func TestRetainAMeetingThatIsNotToldOf(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, type, status, event_at) SELECT i, 'acc', 2, 'deleted', now() - interval '2 years' FROM generate_series(1, 2) i`)
	exec(t, s, `INSERT INTO alerts (account_id, type, subject, data) VALUES ('acc', 'meeting.repaired', '1', '{}')`)
	_, err := s.Retain(t.Context(), time.Time{}, keepTest)
	noError(t, err)
	if left := rowsOf(t, s, `SELECT meeting_id::text FROM meetings`); fmt.Sprint(left) != "[1]" {
		t.Errorf("left are %v, want the one with an alert that is not published", left)
	}
	exec(t, s, `UPDATE alerts SET published_at = now()`)
	_, err = s.Retain(t.Context(), time.Time{}, keepTest)
	noError(t, err)
	if n := value[int](t, s, `SELECT count(*) FROM meetings`); n != 0 {
		t.Error("it is there after its alert was published")
	}
}

// Whoever does not own the tables cannot have young partitions dropped, nor any number
// of them made.
func TestPartitionsWithinBounds(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for _, sql := range []string{`SELECT drop_partitions('events', 'infinity')`, `SELECT drop_partitions('verdicts', now())`, `SELECT drop_partitions('events', NULL)`,
		`SELECT make_partitions('infinity')`, `SELECT make_partitions('9999-01-01')`, `SELECT make_partitions(now() + interval '1 year')`, `SELECT make_partitions('-infinity')`, `SELECT make_partitions(NULL)`} {
		_, err := s.pool.Exec(t.Context(), sql)
		if err == nil || Unavailable(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if _, err := owner(s).pool.Exec(t.Context(), `SELECT make_partitions('infinity')`); err == nil {
		t.Error("the owner makes partitions for ever")
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
