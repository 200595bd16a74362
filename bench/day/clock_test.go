package day

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// The database's now() is the test's: a schema of its own comes before pg_catalog in the
// search path, with a now() that reads a parameter of the session, and each connection that
// is taken from the pool is told the time first. In a synctest bubble no time passes while
// anybody waits for the database, so that this is exact.
const virtualClock = `
	CREATE SCHEMA virtual;
	CREATE FUNCTION virtual.now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT current_setting('latchkey.now')::timestamptz $$;
	CREATE FUNCTION virtual.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$ SELECT current_setting('latchkey.now')::timestamptz $$;
	DO $do$
	DECLARE d record;
	BEGIN -- defaults were bound to the real one when the tables were made
		FOR d IN SELECT c.oid::regclass AS relation, a.attname FROM pg_attrdef f JOIN pg_class c ON c.oid = f.adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = f.adnum
				WHERE c.relnamespace = 'latchkey'::regnamespace AND pg_get_expr(f.adbin, f.adrelid) = 'now()' LOOP
			EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT virtual.now()', d.relation, d.attname);
		END LOOP;
	END $do$;`

// virtualDatabase is a migrated database whose clock is told.
func virtualDatabase(t *testing.T) string {
	t.Helper()
	return testenv.PostgresURLFrom(t, "virtual", func(ctx context.Context, url string) error {
		if _, err := store.Migrate(ctx, url); err != nil {
			return err
		}
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, virtualClock)
		return err
	})
}

// toldTheTime makes a pool tell its connections.
func toldTheTime(c *pgxpool.Config) {
	c.ConnConfig.RuntimeParams["search_path"] = "virtual, latchkey, pg_catalog"
	c.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	c.MaxConnLifetime, c.MaxConnIdleTime, c.HealthCheckPeriod = 1000*time.Hour, 1000*time.Hour, time.Hour
	c.ShouldPing = func(context.Context, pgxpool.ShouldPingParams) bool { return false }
	c.PrepareConn = func(ctx context.Context, conn *pgx.Conn) (bool, error) {
		now, told := time.Now(), conn.PgConn().CustomData()
		if told["now"] == now.UnixNano() {
			return true, nil
		}
		_, err := conn.Exec(ctx, `SELECT set_config('latchkey.now', $1, false)`, now.UTC().Format(time.RFC3339Nano))
		told["now"] = now.UnixNano()
		return err == nil, err
	}
}

func ask[T any](t *testing.T, pool *pgxpool.Pool, sql string, args ...any) (v T) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
	return v
}
