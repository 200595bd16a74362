package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"latchkey/internal/testenv"
)

// stated is what each role may do with a table or a view; a name that is not here
// has the rights of its kind below. Whoever adds a table states them in its
// migration.
var stated = map[string]map[string]string{
	"latchkey_worker": {
		"table": "SELECT INSERT UPDATE DELETE", "view": "SELECT", "goose_db_version": "SELECT",
		// What is history is not changed afterwards.
		"events": "SELECT INSERT DELETE", "setting_changes": "SELECT INSERT DELETE", "verdicts": "SELECT INSERT DELETE", "passcode_changes": "SELECT INSERT DELETE",
		"retention": "SELECT UPDATE",
	},
	"latchkey_reader":    {"table": "SELECT", "view": "SELECT", "goose_db_version": "", "passcodes": ""},
	"latchkey_passcodes": {"table": "", "view": "", "goose_db_version": "", "passcodes": "SELECT"},
	"public":             {"table": "", "view": "", "goose_db_version": ""},
}

// TestEveryRelationHasStatedRights goes over the catalog: no table and no view gives
// a role more or less than is stated, and none is anybody's but the owner's.
func TestEveryRelationHasStatedRights(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	all := []string{"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"}
	seen := 0
	for _, line := range rowsOf(t, s, `SELECT relname || ' ' || CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END FROM pg_class
		WHERE relnamespace = current_schema()::text::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT relispartition`) {
		name, kind, _ := strings.Cut(line, " ")
		seen++
		for role, rights := range stated {
			want, own := rights[name]
			if !own {
				want = rights[kind]
			}
			for _, right := range all {
				may := value[bool](t, s, `SELECT has_table_privilege($1, $2::regclass, $3)`, role, name, right)
				if may != strings.Contains(want, right) {
					t.Errorf("%s on %s: %s is %v, want %q: say so in its migration (GRANT or REVOKE, as 00011_roles.sql does), or here", role, name, right, may, want)
				}
				if slices.Contains([]string{"SELECT", "INSERT", "UPDATE"}, right) && !may && value[bool](t, s, `SELECT has_any_column_privilege($1, $2::regclass, $3)`, role, name, right) {
					t.Errorf("%s has %s on a column of %s", role, right, name)
				}
			}
		}
	}
	if seen < 24 {
		t.Errorf("only %d relations", seen)
	}
	// A partition is reached through its table; what was a table before keeps its rights.
	if open := value[string](t, s, `SELECT coalesce(string_agg(relname, ' '), '') FROM pg_class WHERE relnamespace = current_schema()::text::regnamespace AND relispartition AND relkind = 'r'
		AND (has_table_privilege('public', oid, 'SELECT') OR has_table_privilege('latchkey_passcodes', oid, 'SELECT') OR has_table_privilege('latchkey_worker', oid, 'UPDATE, TRUNCATE'))`); open != "" {
		t.Errorf("partitions %s are open", open)
	}
	if roles := value[string](t, s, `SELECT coalesce(string_agg(rolname, ' '), '') FROM pg_roles WHERE rolname LIKE 'latchkey\_%' AND (rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication)`); roles != "" {
		t.Errorf("%s may more than read and write rows", roles)
	}
	if open := value[string](t, s, `SELECT coalesce(string_agg(oid::regprocedure || ' to ' || role, ' '), '') FROM pg_proc, unnest(ARRAY['public', 'latchkey_reader', 'latchkey_passcodes']) AS role
		WHERE pronamespace = current_schema()::text::regnamespace AND prosecdef AND has_function_privilege(role, oid, 'EXECUTE')`); open != "" {
		t.Errorf("functions that run as the owner are open: %s", open)
	}
	if _, err := s.pool.Exec(t.Context(), `SELECT drop_partitions('meetings', now())`); err == nil || !strings.Contains(err.Error(), "want events or verdicts") {
		t.Errorf("partitions of another table: %v", err)
	}
	if n := value[int](t, s, `SELECT count(*) FROM pg_roles WHERE rolname = 'latchkey_ingest'`); n != 0 {
		t.Error("ingest has a role, and uses no database")
	}
}

// TestWhatAWorkerMustNotDo is tried, as a login that is a worker and nothing else.
func TestWhatAWorkerMustNotDo(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `REVOKE CREATE ON SCHEMA public FROM PUBLIC`) // before 15 everybody may
	for what, sql := range map[string]string{
		"make a table":               `CREATE TABLE mine (id int)`,
		"make a table in public":     `CREATE TABLE public.mine (id int)`,
		"make a schema":              `CREATE SCHEMA mine`,
		"change a table":             `ALTER TABLE meetings ADD COLUMN mine int`,
		"drop a table":               `DROP TABLE passcodes`,
		"drop a view":                `DROP VIEW open_meetings`,
		"empty a table":              `TRUNCATE passcodes`,
		"hang a trigger on a table":  `CREATE TRIGGER mine BEFORE INSERT ON meetings FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
		"own a table":                `ALTER TABLE meetings OWNER TO CURRENT_USER`,
		"rewrite an event":           `UPDATE events SET operator = 'somebody else'`,
		"rewrite a verdict":          `UPDATE verdicts SET why = 'otherwise'`,
		"rewrite a setting's change": `UPDATE setting_changes SET changed_by = 'somebody else'`,
		"rewrite a passcode's":       `UPDATE passcode_changes SET changed_by = 'zoom'`,
		"migrate":                    `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`,
		"undo a migration":           `DELETE FROM goose_db_version`,
		"give a right away":          `GRANT SELECT ON passcodes TO latchkey_reader`,
		"make a role":                `CREATE ROLE mine`,
		"become a reader":            `SET ROLE latchkey_passcodes`,
		"become the owner":           `SET ROLE latchkey`,
		"read a file of the server":  `SELECT pg_read_file('postgresql.conf')`,
		"run a program":              `COPY meetings FROM PROGRAM 'true'`,
		"read others' passwords":     `SELECT rolpassword FROM pg_authid`,
		"switch triggers off":        `SET session_replication_role = replica`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			_, err := s.pool.Exec(t.Context(), sql)
			var pg *pgconn.PgError
			if !errors.As(err, &pg) || pg.Code != "42501" && !strings.Contains(pg.Message, "must be owner") {
				// Without a right a GRANT is only a warning in some versions; then nothing came of it.
				if strings.HasPrefix(sql, "GRANT") && err == nil && !value[bool](t, s, `SELECT has_table_privilege('latchkey_reader', 'passcodes', 'SELECT')`) {
					return
				}
				t.Errorf("%s: %v", sql, err)
			}
		})
	}
}

// TestAWorkerThatOwnsNothingAtItsStart: where the owner has migrated there is nothing
// to do, else it is said who has to.
func TestAWorkerThatOwnsNothingAtItsStart(t *testing.T) {
	t.Parallel()
	raw := migratedURL(t)
	worker := testenv.LoginURL(t, raw, "latchkey_worker")
	if applied, err := Migrate(t.Context(), worker); err != nil || len(applied) != 0 {
		t.Errorf("migrated already: %v, %v", applied, err)
	}
	s := openURL(t, raw)
	newest := value[int64](t, s, `SELECT max(version_id) FROM goose_db_version`)
	exec(t, s, `DELETE FROM goose_db_version WHERE version_id = $1`, newest)
	before := schema(t, s)
	_, err := Migrate(t.Context(), worker)
	var not *NotOwnerError
	if !errors.As(err, &not) || not.Database >= newest || not.Known != newest || not.Owner != "latchkey" {
		t.Fatalf("%v", err)
	}
	for _, words := range []string{"latchkey migrate", "login_of_latchkey_worker", fmt.Sprint(newest), fmt.Sprint(not.Database)} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("%q does not say %q", err, words)
		}
	}
	same(t, "afterwards", schema(t, s), before)

	empty := testenv.LoginURL(t, testenv.PostgresURL(t), "latchkey_worker")
	if _, err := Migrate(t.Context(), empty); err == nil || !strings.Contains(err.Error(), "latchkey migrate") {
		t.Errorf("on an empty database: %v", err)
	}
}

// TestWithoutTheRightToMakeRoles everything but the roles is there, as on a managed
// database; roles made by hand get their rights by what docs/database.md says.
func TestWithoutTheRightToMakeRoles(t *testing.T) {
	t.Parallel()
	// A server of its own: roles belong to the whole server.
	p := testenv.Postgres(t)
	admin, err := pgx.Connect(t.Context(), p.URL())
	noError(t, err)
	defer admin.Close(t.Context())
	run := func(conn *pgx.Conn, sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	run(admin, `CREATE ROLE weak LOGIN PASSWORD 'pw'; CREATE SCHEMA latchkey AUTHORIZATION weak`)
	weak := in(t, p.URL(), "", "weak")
	if _, err := Migrate(t.Context(), weak); err != nil {
		t.Fatal(err)
	}
	run(admin, `CREATE ROLE latchkey_reader; CREATE ROLE latchkey_worker; CREATE ROLE latchkey_passcodes; CREATE ROLE w LOGIN PASSWORD 'pw' IN ROLE latchkey_worker`)
	owner, err := pgx.Connect(t.Context(), weak+"&search_path=latchkey")
	noError(t, err)
	defer owner.Close(t.Context())
	run(owner, documentedGrants(t))
	s := openURL(t, weak)
	for role, rights := range stated {
		for _, table := range []string{"meetings", "passcodes", "events", "goose_db_version", "open_meetings"} {
			want, own := rights[table]
			if !own {
				want = rights[map[bool]string{true: "view", false: "table"}[table == "open_meetings"]]
			}
			for _, right := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
				if may := value[bool](t, s, `SELECT has_table_privilege($1, $2::regclass, $3)`, role, table, right); may != strings.Contains(want, right) {
					t.Errorf("by hand: %s on %s: %s is %v", role, table, right, may)
				}
			}
		}
	}
	addMeeting(t, openURL(t, in(t, p.URL(), "", "w")), 7, "h", 0)
}

// documentedGrants is what docs/database.md has people run.
func documentedGrants(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "docs", "database.md"))
	noError(t, err)
	_, rest, ok := strings.Cut(string(b), "```sql\n")
	sql, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("docs/database.md has no block of SQL")
	}
	return sql
}
