package store

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"latchkey/internal/testenv"
)

// in is the URL with another search_path, or another user.
func in(t *testing.T, raw, searchPath, user string) string {
	t.Helper()
	u, err := url.Parse(raw)
	noError(t, err)
	q := u.Query()
	q.Del("search_path")
	if searchPath != "" {
		q.Set("search_path", searchPath)
	}
	u.RawQuery = q.Encode()
	if user != "" {
		u.User = url.UserPassword(user, "pw")
	}
	return u.String()
}

// relationsIn lists the tables and views of a schema.
func relationsIn(t *testing.T, s *Store, schema string) string {
	t.Helper()
	return value[string](t, s, `SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'v', 'p') AND NOT relispartition`, schema)
}

// TestWhatIsInPublicMovesWithItsRows: the layout of earlier versions, in schema
// public, moves to latchkey's schema; what others have there stays.
func TestWhatIsInPublicMovesWithItsRows(t *testing.T) {
	t.Parallel()
	raw := testenv.PostgresURL(t)
	public := in(t, raw, "public", "")
	_, err := migrator(t, public).UpTo(t.Context(), 6)
	noError(t, err)
	old := openURL(t, public)
	exec(t, old, `INSERT INTO meetings (account_id, meeting_id, outcome, remedy) VALUES ('acc', 1, 'demands_passcode', 'keep')`)
	exec(t, old, `INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, why, decided_at) VALUES ('acc', 1, 'demands_passcode', 'keep', 'because', now())`)
	exec(t, old, `CREATE TABLE orders (id int)`)
	exec(t, old, `CREATE VIEW our_meetings AS SELECT count(*) AS n FROM meetings`)
	before := relationsIn(t, old, "public")

	fresh := in(t, raw, "", "")
	errs := atOnce(4, func(int) error { _, err := Migrate(t.Context(), fresh); return err })
	for _, err := range errs {
		noError(t, err)
	}
	s := openURL(t, fresh)
	if got := relationsIn(t, s, "public"); got != "goose_db_version orders our_meetings" {
		t.Errorf("left in public: %s", got)
	}
	for _, name := range strings.Fields(before) {
		if name != "orders" && name != "our_meetings" && !strings.Contains(" "+relationsIn(t, s, "latchkey")+" ", " "+name+" ") {
			t.Errorf("%s is not in schema latchkey", name)
		}
	}
	if n := value[int](t, s, `SELECT (SELECT count(*) FROM meetings_demanding_passcode) + (SELECT count(*) FROM verdicts) + (SELECT n FROM public.our_meetings)`); n != 3 {
		t.Errorf("%d rows, want the meeting seen by the view, the verdict, and the view of somebody else's", n)
	}
	if v := value[int64](t, s, `SELECT max(version_id) FROM latchkey.goose_db_version`); v < 7 {
		t.Errorf("version %d", v)
	}
	// The next row's number follows the last one's: sequences moved too.
	exec(t, s, `INSERT INTO verdicts (account_id, meeting_id, outcome, remedy, why, decided_at) VALUES ('acc', 1, 'unknown', 'none', '', now())`)
	if ok := value[bool](t, s, `SELECT has_schema_privilege('latchkey_reader', 'latchkey', 'USAGE') AND has_table_privilege('latchkey_reader', 'latchkey.meetings', 'SELECT') AND NOT has_table_privilege('latchkey_reader', 'latchkey.passcodes', 'SELECT')`); !ok {
		t.Error("latchkey_reader sees not what it should")
	}
	// A process of the earlier version that starts again does not begin anew there.
	var tooNew *TooNewError
	if _, err := Migrate(t.Context(), public); !errors.As(err, &tooNew) {
		t.Errorf("the earlier version in public: %v", err)
	}
	if applied, err := Migrate(t.Context(), fresh); err != nil || len(applied) != 0 {
		t.Errorf("again: %v, %v", applied, err)
	}
}

// TestOthersInPublicAreLeftAlone: a database with another application in it, which
// uses goose as well and has tables of the same names.
func TestOthersInPublicAreLeftAlone(t *testing.T) {
	t.Parallel()
	raw := testenv.PostgresURL(t)
	public := openURL(t, in(t, raw, "public", ""))
	for _, sql := range []string{`CREATE TABLE goose_db_version (id int, version_id bigint)`, `INSERT INTO goose_db_version VALUES (1, 99)`, `CREATE TABLE meetings (room text)`, `CREATE TABLE events (id int)`} {
		exec(t, public, sql)
	}
	_, err := Migrate(t.Context(), in(t, raw, "", ""))
	noError(t, err)
	if got := relationsIn(t, public, "public"); got != "events goose_db_version meetings" || value[int](t, public, `SELECT count(*) FROM goose_db_version`) != 1 {
		t.Errorf("in public there is now %s", got)
	}
	s := openURL(t, in(t, raw, "", ""))
	addMeeting(t, s, 1, "h", 0)
	_, err = Migrate(t.Context(), in(t, raw, "other", "")) // a second installation
	noError(t, err)
	if n := value[int](t, s, `SELECT count(*) FROM other.meetings`); n != 0 {
		t.Errorf("%d meetings in the second installation", n)
	}
}

// TestASchemaThatCannotBeMade says what to do.
func TestASchemaThatCannotBeMade(t *testing.T) {
	t.Parallel()
	raw := testenv.PostgresURL(t)
	s := openURL(t, raw)
	role := value[string](t, s, `SELECT 'weak_' || replace(gen_random_uuid()::text, '-', '')`)
	exec(t, s, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'pw'`, role))
	t.Cleanup(func() { testenv.Exec(t, raw, fmt.Sprintf(`DROP OWNED BY %s; DROP ROLE %[1]s`, role)) })
	weak := in(t, raw, "", role)
	if _, err := Migrate(t.Context(), weak); err == nil || !strings.Contains(err.Error(), "CREATE SCHEMA latchkey AUTHORIZATION") {
		t.Errorf("%v", err)
	}
	exec(t, s, fmt.Sprintf(`CREATE SCHEMA latchkey AUTHORIZATION %s`, role))
	if _, err := Migrate(t.Context(), weak); err != nil {
		t.Errorf("in a schema that is the role's own: %v", err)
	}
}
