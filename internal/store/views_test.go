package store

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// world is a small hand-made one: each meeting is there for one reason.
func world(t *testing.T) *Store {
	t.Helper()
	s := openStore(t)
	exec(t, s, `INSERT INTO hosts (host_id, account_id, email) VALUES ('h', 'acc', 'host@example.com')`)
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, topic, status, start_time, expires_at, outcome, remedy, passcode_readable, why, setting, setting_level, setting_by, setting_by_name) VALUES
		(1, 'acc', 'h', 'later, locked', 'scheduled', now() + interval '2 hours', now() + interval '3 hours', 'demands_passcode', 'keep', true, 'w1', 'meeting_security.meeting_password', 'group', 'g1', 'Sales'),
		(2, 'acc', 'h', 'soon, nobody can', 'scheduled', now() + interval '1 hour', now() + interval '2 hours', 'demands_passcode', 'impossible', false, 'w2', 'meeting_security.waiting_room', 'account', 'acc', null),
		(3, 'acc', 'x', 'no time, host not known', 'scheduled', null, null, 'demands_passcode', 'defer', false, 'w3', null, null, null, null),
		(4, 'acc', 'h', 'running', 'started', now(), now() + interval '1 hour', 'demands_passcode', 'keep', true, 'w4', null, null, null, null),
		(5, 'acc', 'h', 'joinable', 'scheduled', now(), null, 'joinable', 'none', false, '', null, null, null, null),
		(6, 'acc', 'h', 'not known', 'scheduled', now(), null, 'unknown', 'none', false, '', null, null, null, null),
		(7, 'acc', 'h', 'not decided', 'scheduled', now(), null, null, null, false, '', null, null, null, null),
		(8, 'acc', 'h', 'over', 'scheduled', now() - interval '2 hours', now() - interval '1 hour', 'demands_passcode', 'keep', true, '', null, null, null, null),
		(9, 'acc', 'h', 'deleted', 'deleted', now(), null, 'demands_passcode', 'keep', true, '', null, null, null, null),
		(10, 'acc', 'h', 'observed only', 'scheduled', now() + interval '3 hours', null, 'demands_passcode', 'none', false, '', null, null, null, null),
		(11, 'acc', 'h', 'open, made so', 'scheduled', now() + interval '1 hour', null, 'unsecured', 'none', false, '', null, null, null, null),
		(12, 'acc', 'h', 'open and over', 'scheduled', now() - interval '2 hours', now() - interval '1 hour', 'unsecured', 'none', false, '', null, null, null, null),
		(13, 'acc', 'h', 'opened by us', 'started', now() + interval '2 hours', null, 'unsecured', 'secure', false, '', null, null, null, null)`)
	exec(t, s, `UPDATE meetings SET stripped = true WHERE meeting_id IN (5, 13)`)
	exec(t, s, `INSERT INTO account_calls (account_id, call, failing, since, kind, detail) VALUES
		('acc', 'a', true, now(), 'credentials', 'y'), ('acc', 'b', true, now() - interval '1 hour', 'scopes', 'x'), ('acc', 'c', false, null, '', '')`)
	exec(t, s, `INSERT INTO repairs (meeting_id, host_id, remedy, result, started_at, ended_at, account_id) VALUES
		(5, 'h', 'clear', 'held', now() - interval '1 hour', now(), 'acc'), (1, 'h', 'clear', 'overwritten', now() - interval '1 minute', now(), 'acc'), (5, 'h', 'clear', 'held', now() - interval '8 days', now(), 'acc')`)
	exec(t, s, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ('acc', 1, 'hunter2', 'zoom', now())`)
	return s
}

func rowsOf(t *testing.T, s *Store, sql string) []string {
	t.Helper()
	rows, err := s.pool.Query(t.Context(), sql)
	noError(t, err)
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	noError(t, err)
	return got
}

func TestViewsAnswer(t *testing.T) {
	t.Parallel()
	s := world(t)
	for name, c := range map[string]struct {
		sql  string
		want []string // in this order
	}{
		"meetings_demanding_passcode, soonest first": {
			`SELECT concat_ws('|', meeting_id, host_email, remedy) FROM meetings_demanding_passcode`,
			[]string{"4|host@example.com|keep", "2|host@example.com|impossible", "1|host@example.com|keep", "10|host@example.com|none", "3|defer"}},
		"unfixable_meetings, with the setting in the way": {
			`SELECT concat_ws('|', meeting_id, remedy, passcode_known, setting, level, locked_by, locked_by_name) FROM unfixable_meetings`,
			[]string{"4|keep|t", "2|impossible|f|meeting_security.waiting_room|account|acc", "1|keep|t|meeting_security.meeting_password|group|g1|Sales"}},
		"open_meetings, those of latchkey's first": {
			`SELECT concat_ws('|', meeting_id, host_email, opened_by_latchkey) FROM open_meetings`,
			[]string{"13|host@example.com|t", "11|host@example.com|f"}},
		"account_troubles, oldest first": {
			`SELECT concat_ws('|', account_id, call, kind, detail) FROM account_troubles`,
			[]string{"acc|b|scopes|x", "acc|a|credentials|y"}},
		"recent_repairs, newest first": {
			`SELECT concat_ws('|', meeting_id, host_email, result) FROM recent_repairs`,
			[]string{"1|host@example.com|overwritten", "5|host@example.com|held"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := rowsOf(t, s, c.sql); !slices.Equal(got, c.want) {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	counts, err := s.Counts(t.Context())
	if err != nil || counts.Demanding != 5 || counts.Unfixable != 3 {
		t.Errorf("counts %+v, %v", counts, err)
	}
}

// ARCHITECTURE.md, rule 9: passcodes have a role of their own.
func TestRoles(t *testing.T) {
	t.Parallel()
	s := world(t)
	const denied = "42501"
	relations := rowsOf(t, s, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'v', 'p') AND NOT relispartition
		AND relname NOT IN ('passcodes', 'goose_db_version')`)
	if len(relations) < 18 {
		t.Fatalf("only %d tables and views beside passcodes: %v", len(relations), relations)
	}
	for role, may := range map[string]struct{ passcodes, others bool }{
		"latchkey_reader":    {false, true},
		"latchkey_passcodes": {true, false},
	} {
		t.Run(role, func(t *testing.T) {
			conn := logIn(t, s, "views_"+role, role)
			try := func(sql string, allowed bool) {
				t.Helper()
				_, err := conn.Exec(t.Context(), sql)
				var pg *pgconn.PgError
				if allowed && err != nil || !allowed && (!errors.As(err, &pg) || pg.Code != denied) {
					t.Errorf("%s: %v, want allowed: %v", sql, err, allowed)
				}
			}
			try(`SELECT passcode FROM passcodes`, may.passcodes)
			for _, r := range relations {
				try(`SELECT count(*) FROM `+r, may.others)
			}
			try(`DELETE FROM meetings`, false)
			try(`DELETE FROM passcodes`, false)
			try(`INSERT INTO accounts (account_id) VALUES ('x')`, false)
		})
	}
	// No other table or view shows it, whoever may read them.
	for _, r := range relations {
		if n := value[int](t, s, `SELECT count(*) FROM `+r+` x WHERE x::text LIKE '%hunter2%'`); n != 0 {
			t.Errorf("%s shows a passcode", r)
		}
	}
}

// logIn connects as a new role that was granted another. Roles belong to the
// whole server, so it goes with the test.
func logIn(t *testing.T, s *Store, name, granted string) *pgx.Conn {
	t.Helper()
	exec(t, s, `CREATE ROLE `+name+` LOGIN PASSWORD 'test' IN ROLE `+granted)
	u, err := url.Parse(s.pool.Config().ConnString())
	noError(t, err)
	u.User = url.UserPassword(name, "test")
	conn, err := pgx.Connect(t.Context(), u.String())
	noError(t, err)
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		_ = conn.Close(ctx)
		if _, err := owner(s).pool.Exec(ctx, `DROP ROLE `+name); err != nil {
			t.Error(err)
		}
	})
	return conn
}
