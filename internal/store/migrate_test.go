package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/migrations"
)

// Two services start at the same moment on an empty database: one migrates.
func TestMigrateByManyAtOnce(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	applied := make([][]string, 4)
	for i, err := range atOnce(len(applied), func(i int) (err error) {
		applied[i], err = Migrate(t.Context(), url)
		return err
	}) {
		if err != nil {
			t.Errorf("process %d: %v", i, err)
		}
	}
	var did int
	for _, a := range applied {
		if len(a) > 0 {
			did++
		}
	}
	if did != 1 {
		t.Errorf("%d processes applied something, want 1: %v", did, applied)
	}
	if _, err := openURL(t, url).Counts(t.Context()); err != nil {
		t.Errorf("the schema is not there: %v", err)
	}
}

func TestMigrateTwiceAppliesOnce(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	first, err := Migrate(t.Context(), url)
	noError(t, err)
	if files, err := migrations.Files.ReadDir("."); err != nil || len(first) != len(files) {
		t.Errorf("applied %v of %v (%v)", first, files, err)
	}
	second, err := Migrate(t.Context(), url)
	if err != nil || len(second) != 0 {
		t.Errorf("the second time: %v, %v; want nothing", second, err)
	}
}

func TestMigrateDownAndUpAgain(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	_, err := Migrate(t.Context(), url)
	noError(t, err)
	before := relations(t, openURL(t, url))

	_, err = migrator(t, url).DownTo(t.Context(), 0)
	noError(t, err)
	s := openURL(t, url)
	if left := relations(t, s); left != "" {
		t.Errorf("Down left %s behind", left)
	}
	if again, err := Migrate(t.Context(), url); err != nil || len(again) == 0 {
		t.Errorf("up again: %v, %v", again, err)
	}
	if after := relations(t, s); after != before {
		t.Errorf("after down and up there is %s, want %s", after, before)
	}
}

// migrator goes to any version.
func migrator(t *testing.T, url string) *goose.Provider {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	noError(t, err)
	db := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { _ = db.Close() })
	noError(t, home(t.Context(), db, DefaultSchema))
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	noError(t, err)
	return provider
}

// schema describes all that the migrations make: tables and columns, views,
// constraints, indexes, comments and who may read them.
func schema(t *testing.T, s *Store) []string {
	t.Helper()
	const ours = `relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'v', 'p') AND NOT relispartition AND relname <> 'goose_db_version'`
	return rowsOf(t, s, `SELECT line FROM (
		SELECT format('column %s.%s %s null:%s default:%s comment:%s', relname, attname, format_type(atttypid, atttypmod), NOT attnotnull, pg_get_expr(adbin, adrelid), col_description(c.oid, attnum)) AS line
			FROM pg_class c JOIN pg_attribute a ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped LEFT JOIN pg_attrdef ON adrelid = c.oid AND adnum = attnum WHERE `+ours+`
		UNION ALL SELECT format('relation %s %s comment:%s rights:%s', relkind, relname, obj_description(oid, 'pg_class'), (SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) a)) FROM pg_class WHERE `+ours+`
		UNION ALL SELECT format('view %s: %s', relname, pg_get_viewdef(oid)) FROM pg_class WHERE `+ours+` AND relkind = 'v'
		UNION ALL SELECT format('constraint %s %s: %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = current_schema()::text::regnamespace AND contype <> 'n' AND NOT EXISTS (SELECT FROM pg_class WHERE pg_class.oid = conrelid AND relispartition)
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() AND NOT (SELECT relispartition FROM pg_class WHERE oid = format('%I.%I', schemaname, tablename)::regclass)
		UNION ALL SELECT format('function %s comment:%s', oid::regprocedure, obj_description(oid, 'pg_proc')) FROM pg_proc WHERE pronamespace = current_schema()::text::regnamespace) lines WHERE line !~ 'goose_db_version' ORDER BY line COLLATE "C"`)
}

// same says how two schemas differ.
func same(t *testing.T, when string, got, want []string) {
	t.Helper()
	for _, line := range got {
		if !slices.Contains(want, line) {
			t.Errorf("%s there is: %s", when, line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			t.Errorf("%s there is not: %s", when, line)
		}
	}
}

// Each migration's Down leaves what was before it, to the last right.
func TestDownIsTheSchemaBefore(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	p := migrator(t, url)
	s := openURL(t, url)
	for _, source := range p.ListSources() {
		v := source.Version
		before := schema(t, s)
		_, err := p.UpTo(t.Context(), v)
		noError(t, err)
		up := schema(t, s)
		_, err = p.DownTo(t.Context(), v-1)
		noError(t, err)
		if v > 1 { // before the first there is nothing
			same(t, fmt.Sprintf("down again from %d", v), schema(t, s), before)
		}
		_, err = p.UpTo(t.Context(), v)
		noError(t, err)
		same(t, fmt.Sprintf("up again to %d", v), schema(t, s), up)
	}
}

// A database of the version before, with rows in every table, is upgraded with
// all that is in it, and goes back and forth.
func TestUpgradeWithData(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	p := migrator(t, url)
	_, err := p.UpTo(t.Context(), 2)
	noError(t, err)
	s := openURL(t, url)
	for _, sql := range []string{
		`INSERT INTO accounts (account_id, plan, locks, fixed, read_at) VALUES ('acc', 'paid', '{"meeting_password": "on"}', '{"meeting_password": "off"}', now())`,
		`INSERT INTO groups (group_id, account_id, locks, read_at) VALUES ('g', 'acc', '{"waiting_room": "off"}', now())`,
		`INSERT INTO hosts (host_id, account_id, email, group_ids, settings, requirement, read_at, forecast, forecast_why, forecast_at, due_at, generation, lease_owner, lease_until, attempts)
			VALUES ('h', 'acc', 'h@example.com', '{g}', '{"meeting_password": "on"}', '{"length": 6}', now(), '{"scheduled": {"passcode": "on"}}', 'because', now(), now(), 3, 'w', now() - interval '1 second', 2)`,
		`INSERT INTO meetings (meeting_id, account_id, host_id, type, outcome, remedy, reasons, why, decided_at, demanding_since, overwritten_under, passcode, passcode_readable, must_read, due_at, generation, attempts, lease_owner, lease_until)
			VALUES (1, 'acc', 'h', 2, 'demands_passcode', 'keep', '[{"code": "setting_on", "value": "on", "locked": false}]', 'because', now(), now(), 'some facts', 'on', true, false, now(), 5, 1, 'w', now() - interval '1 second'),
				(2, 'acc', 'h', 8, 'joinable', 'none', '[]', '', now(), null, '', 'off', false, false, null, 1, 0, null, null), (3, 'acc', '', 0, null, null, '[]', '', null, null, '', 'unknown', false, true, null, 1, 0, null, null)`,
		`UPDATE meetings SET status = 'deleted' WHERE meeting_id = 2`,
		`INSERT INTO passcodes (meeting_id, passcode, source, seen_at) VALUES (1, 's3cret', 'zoom', now()), (2, '0urs', 'latchkey', now())`,
		`INSERT INTO events (event_id, account_id, event, received_at, meeting_id, operator) VALUES ('e', 'acc', 'meeting.updated', now(), 1, 'eve@example.com')`,
		`INSERT INTO setting_changes (event_id, level, level_id, setting, old_value, new_value, what) VALUES ('e', 'host', 'h', 's', 'off', 'on', 'lock')`,
		`INSERT INTO verdicts (meeting_id, outcome, remedy, why, decided_at) VALUES (1, 'demands_passcode', 'keep', 'because', now()), (1, 'unknown', 'none', '', now())`,
		`INSERT INTO repairs (meeting_id, host_id, remedy, result, started_at, ended_at) VALUES (1, 'h', 'clear', 'overwritten', now(), now()), (1, 'h', 'set', 'unfinished', now(), null), (2, 'h', 'clear', 'held', now(), now())`,
		`INSERT INTO alerts (account_id, type, subject, data) VALUES ('acc', 'meeting.repaired', '1', '{}')`,
		`INSERT INTO alignments (host_id, account_id, setting, before, after, result, started_at) VALUES ('h', 'acc', 's', 'on', 'off', 'undone', now())`,
	} {
		exec(t, s, sql)
	}
	tables := rowsOf(t, s, `SELECT relname FROM pg_class WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname NOT IN ('goose_db_version', 'outbox', 'retention', 'call_limits', 'host_days', 'fanouts', 'sweeps', 'sweep_rounds', 'webhook_hours', 'webhook_health', 'readings')`)
	count := func() (rows string) {
		for _, table := range tables {
			n := value[int](t, s, `SELECT count(*) FROM `+table)
			if n == 0 {
				t.Errorf("%s is empty: the test has no row for it", table)
			}
			rows += fmt.Sprint(table, " ", n, " ")
		}
		return rows
	}
	before := count()

	all, err := fs.Glob(migrations.Files, "*.sql")
	noError(t, err)
	applied, err := Migrate(t.Context(), url)
	if err != nil || !slices.Equal(applied, all[2:]) {
		t.Fatalf("applied %v, %v", applied, err)
	}
	if now := count(); now != before {
		t.Errorf("after the upgrade there are %s, before %s", now, before)
	}
	m := meeting(t, s, 1)
	if m.Outcome != passcode.OutcomeDemands || m.Remedy != passcode.RemedyKeep || m.Would != "" || len(m.Reasons) != 1 || m.Passcode != passcode.On || !m.PasscodeReadable || m.DemandingSince.IsZero() ||
		m.Generation != 5 || m.Signature != "" || m.Policy != "" || m.Stripped || m.NotFound || m.Misses != 0 {
		t.Errorf("the meeting is %+v", m)
	}
	for id, want := range map[int64]Passcode{1: {Value: "s3cret", Source: PasscodeOfZoom}, 2: {Value: "0urs", Source: PasscodeOfOurs}} {
		p, err := s.Passcode(t.Context(), "acc", id)
		if err != nil || p.Value != want.Value || p.Source != want.Source || p.Removed {
			t.Errorf("the passcode of %d is %q of %s, %v", id, p.Value.Reveal(), p.Source, err)
		}
	}
	r, err := s.Remember(t.Context(), "acc", 1)
	if err != nil || len(r.Failed) != 1 || r.Failed[0].Result != RepairOverwritten || r.Failed[0].Under != "" || r.Unfinished.Remedy != passcode.RemedySet || r.UndoneBy != "eve@example.com" {
		t.Errorf("remembered is %+v, %v", r, err)
	}
	// Work goes on where it was: the lease of a worker of the version before ran out.
	c := claim(t, s, "w")
	if c.Meeting.ID != 1 || c.Attempt != 2 {
		t.Errorf("claimed meeting %d, attempt %d; want the second of meeting 1", c.Meeting.ID, c.Attempt)
	}
	noError(t, s.Complete(t.Context(), c, Check{Meeting: decided(c, passcode.OutcomeUnsecured, passcode.RemedySecure), Passcode: seen(""), Repair: Repair{ID: r.Unfinished.ID, Result: RepairOpened}}))
	h := claimHost(t, s)
	if h.Host.Requirement.Length != 6 || h.Host.Settings[passcode.KeyPasscode] != passcode.On || h.Host.Policy != "" {
		t.Errorf("the host is %+v", h.Host)
	}
	_, _, err = s.CompleteHost(t.Context(), h, HostDone{Policy: "p", WaitingFor: callRead})
	noError(t, err)
	if n, err := s.PolicyChanged(t.Context(), "acc", "all", byGroup); err != nil || n != 1 {
		t.Errorf("decided under no known policy are %d, %v; want 1", n, err)
	}
	failing(t, s, "acc", callRead)
	if story, err := s.Story(t.Context(), "", 1); err != nil || len(story.History) != 3 || len(story.Repairs) != 2 || len(story.Changes) != 1 {
		t.Errorf("the story is %+v, %v", story, err)
	}

	// Back: what the version before has no words for is put in its own.
	_, err = p.DownTo(t.Context(), 2)
	noError(t, err)
	for what, c := range map[string]struct{ sql, want string }{
		"the meeting":      {`SELECT concat_ws('|', outcome, remedy, overwritten_under) FROM meetings WHERE meeting_id = 1`, "unknown|none|"},
		"the passcodes":    {`SELECT string_agg(meeting_id::text, ' ') FROM passcodes`, "2"},
		"the repairs":      {`SELECT string_agg(result, ' ' ORDER BY id) FROM repairs`, "overwritten held"},
		"the verdicts":     {`SELECT string_agg(outcome || ' ' || remedy, '|' ORDER BY id) FROM verdicts`, "demands_passcode keep|unknown none|unknown none"},
		"the demanding":    {`SELECT count(*)::text FROM meetings_demanding_passcode`, "0"},
		"the alignments":   {`SELECT result FROM alignments`, "undone"},
		"the host's lease": {`SELECT coalesce(lease_owner, '') FROM hosts`, ""},
	} {
		if got := value[string](t, s, c.sql); got != c.want {
			t.Errorf("back at the version before, %s: %q, want %q", what, got, c.want)
		}
	}
	if applied, err := Migrate(t.Context(), url); err != nil || len(applied) != len(all)-2 {
		t.Errorf("up again: %v, %v", applied, err)
	}
	if m := meeting(t, s, 1); m.Outcome != passcode.OutcomeUnknown || m.Signature != "" {
		t.Errorf("up again the meeting is %+v", m)
	}
}

// A database that a newer version migrated is left alone.
func TestMigrateRefusesANewerSchema(t *testing.T) {
	t.Parallel()
	url := migratedURL(t)
	s := openURL(t, url)
	known := value[int64](t, s, `SELECT max(version_id) FROM goose_db_version`)
	exec(t, s, `INSERT INTO goose_db_version (version_id, is_applied) VALUES ($1, true)`, known+4)
	before := schema(t, s)
	applied, err := Migrate(t.Context(), url)
	var tooNew *TooNewError
	if !errors.As(err, &tooNew) || tooNew.Database != known+4 || tooNew.Known != known || len(applied) != 0 {
		t.Fatalf("applied %v, %v; want it refused", applied, err)
	}
	for _, version := range []int64{known, known + 4} {
		if !strings.Contains(err.Error(), fmt.Sprint(version)) {
			t.Errorf("%q does not name version %d", err, version)
		}
	}
	same(t, "afterwards", schema(t, s), before)
	exec(t, s, `DELETE FROM goose_db_version WHERE version_id > $1`, known)
	if applied, err := Migrate(t.Context(), url); err != nil || len(applied) != 0 {
		t.Errorf("of this version: %v, %v", applied, err)
	}
}

func relations(t *testing.T, s *Store) string {
	t.Helper()
	return value[string](t, s, `SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class
		WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'v', 'p') AND NOT relispartition AND relname <> 'goose_db_version'`)
}

// Somebody with psql must be able to find out what a table is.
func TestSchemaIsCommented(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const ours = `relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'v', 'p') AND NOT relispartition AND relname <> 'goose_db_version'`
	if n := value[int](t, s, `SELECT count(*) FROM pg_class WHERE `+ours); n < 18 {
		t.Fatalf("only %d tables and views were found", n)
	}
	if bare := value[string](t, s, `SELECT coalesce(string_agg(relname, ', '), '') FROM pg_class WHERE `+ours+`
		AND coalesce(obj_description(oid, 'pg_class'), '') = ''`); bare != "" {
		t.Errorf("without a comment: %s", bare)
	}
	// A time, a switch or a JSON column says nothing by its name alone: who set it, what does null mean?
	if bare := value[string](t, s, `SELECT coalesce(string_agg(relname || '.' || attname, ', '), '')
		FROM pg_class JOIN pg_attribute a ON attrelid = pg_class.oid AND attnum > 0
		WHERE `+ours+` AND relkind = 'r' AND relname IN ('accounts', 'groups', 'hosts', 'meetings')
		AND (atttypid IN ('jsonb'::regtype, 'boolean'::regtype) OR attname IN ('read_at', 'due_at', 'generation', 'held_until'))
		AND attname <> 'uses_pmi' AND col_description(pg_class.oid, attnum) IS NULL`); bare != "" {
		t.Errorf("without a comment: %s", bare)
	}
}

func TestOpenAndMigrateNeverQuoteTheURL(t *testing.T) {
	t.Parallel()
	const url = "postgres://user:hunter2@host:notaport/db"
	_, openErr := Open(url)
	_, migrateErr := Migrate(context.Background(), url)
	for name, err := range map[string]error{"Open": openErr, "Migrate": migrateErr} {
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "DATABASE_URL") {
			t.Errorf("%s: %v; want DATABASE_URL named and the password not", name, err)
		}
	}
}
