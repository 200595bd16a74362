package store

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

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

	cfg, err := pgx.ParseConfig(url)
	noError(t, err)
	db := stdlib.OpenDB(*cfg)
	t.Cleanup(func() { _ = db.Close() })
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files)
	noError(t, err)
	_, err = provider.DownTo(t.Context(), 0)
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

func relations(t *testing.T, s *Store) string {
	t.Helper()
	return value[string](t, s, `SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_class
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname <> 'goose_db_version'`)
}

// Somebody with psql must be able to find out what a table is.
func TestSchemaIsCommented(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const ours = `relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') AND relname <> 'goose_db_version'`
	if n := value[int](t, s, `SELECT count(*) FROM pg_class WHERE `+ours); n < 13 {
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
