package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"latchkey/migrations"
)

// Migrate brings the database to this version's schema. Any number of
// processes may call it at once: a session lock lets one run, the others wait
// and find nothing left to do. It returns what was applied.
func Migrate(ctx context.Context, url string) ([]string, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	// What a migration locks, it locks for moments; where somebody else has it, the
	// migration gives way and tries again rather than hold up all who come after it.
	if _, set := cfg.ConnConfig.RuntimeParams["lock_timeout"]; !set {
		cfg.ConnConfig.RuntimeParams["lock_timeout"] = "3s"
	}
	schema, _, _ := strings.Cut(cfg.ConnConfig.RuntimeParams["search_path"], ",")
	schema = strings.Trim(schema, ` "`)
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close()
	var applied []string
	for try := 1; ; try++ {
		err := home(ctx, db, schema)
		var more []string
		if err == nil {
			more, err = migrate(ctx, db)
		}
		applied = append(applied, more...)
		var pg *pgconn.PgError
		if err == nil || try == migrateTries || !errors.As(err, &pg) || pg.Code != lockNotAvailable {
			return applied, err
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return applied, err
		}
	}
}

const (
	// migrateTries is how often a migration that meets somebody else's lock is tried:
	// for a few minutes.
	migrateTries     = 60
	lockNotAvailable = "55P03"
)

// home makes the schema, and moves what an earlier version made in schema public
// there, with all that is in it. The earlier version's processes find nothing
// meanwhile, and wait. Any number of processes may call it at once.
func home(ctx context.Context, db *sql.DB, schema string) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	// Whoever has a table open for long must not hold up everybody behind the move.
	if _, err := tx.ExecContext(ctx, `SELECT set_config('lock_timeout', '10s', true), pg_advisory_xact_lock(hashtext('latchkey schema'))`); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	var there, moved, old bool
	err = tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1), to_regclass(format('%I.goose_db_version', $1::text)) IS NOT NULL,
		to_regclass('public.goose_db_version') IS NOT NULL AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.meetings') AND attname = 'demanding_since')`, schema).Scan(&there, &moved, &old)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if !there {
		if _, err := tx.ExecContext(ctx, `CREATE SCHEMA `+pgx.Identifier{schema}.Sanitize()); err != nil {
			return fmt.Errorf("migrate: schema %s is not there and cannot be made: %w: whoever owns the database can run CREATE SCHEMA %[1]s AUTHORIZATION and latchkey's role, or `latchkey migrate` as the role that is to own it; or LATCHKEY_SCHEMA names another", schema, err)
		}
	}
	if old && !moved && schema != "public" {
		for _, name := range earlier {
			if _, err := tx.ExecContext(ctx, `ALTER TABLE IF EXISTS public.`+name+` SET SCHEMA `+pgx.Identifier{schema}.Sanitize()); err != nil {
				return fmt.Errorf("migrate: table %s cannot be moved from schema public to %s: %w: LATCHKEY_SCHEMA=public leaves everything where it is", name, schema, err)
			}
		}
	}
	if old && !moved && schema != "public" {
		// A process of the earlier version that is started again must not begin with
		// empty tables there: it sees a newer version, and says so.
		if _, err := tx.ExecContext(ctx, `CREATE TABLE public.goose_db_version (LIKE `+pgx.Identifier{schema, "goose_db_version"}.Sanitize()+` INCLUDING ALL)`); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (0, true), ($1, true)`, movedVersion); err != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// movedVersion is what stands in public for versions that looked there.
const movedVersion = 1_000_000

// earlier is what versions before 00007 made in schema public; ALTER TABLE moves
// views too.
var earlier = []string{"goose_db_version", "accounts", "groups", "hosts", "meetings", "passcodes", "events", "setting_changes", "verdicts", "repairs", "alerts", "alignments",
	"passcode_changes", "account_calls", "policies_seen", "probes", "erased_accounts",
	"meetings_demanding_passcode", "unfixable_meetings", "open_meetings", "recent_repairs", "host_forecasts", "account_troubles"}

func migrate(ctx context.Context, db *sql.DB) ([]string, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300)) // every second, 5 minutes
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, migrations.Files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	if err := tooNew(ctx, provider); err != nil {
		return nil, err
	}
	if err := notOwner(ctx, db, provider); err != nil {
		return nil, err
	}
	results, err := provider.Up(ctx)
	var partial *goose.PartialError
	if errors.As(err, &partial) {
		results = partial.Applied
	}
	var applied []string
	for _, r := range results {
		applied = append(applied, r.Source.Path)
	}
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

// TooNewError says that the database was migrated by a newer version: its rows
// may mean what this version does not know.
type TooNewError struct {
	Database, Known int64 // the newest migration applied, and the newest known
}

func (e *TooNewError) Error() string {
	return fmt.Sprintf("the database has schema version %d and this latchkey knows versions up to %d: run the newer latchkey that migrated it", e.Database, e.Known)
}

// NotOwnerError says that the schema is an earlier version's and that whoever asked
// may not bring it to this one's: a worker whose role owns nothing waits until the
// owner has.
type NotOwnerError struct {
	Role, Owner     string // who asked, and who could
	Database, Known int64  // the newest migration applied, and the newest known
}

func (e *NotOwnerError) Error() string {
	return fmt.Sprintf("the database has schema version %d, this latchkey needs %d, and role %s does not own the schema: run `latchkey migrate` with a DATABASE_URL of its owner, %s", e.Database, e.Known, e.Role, e.Owner)
}

// notOwner finds that out before anything is tried; nil where nothing is to be done.
func notOwner(ctx context.Context, db *sql.DB, p *goose.Provider) error {
	e := &NotOwnerError{}
	var owns bool
	err := db.QueryRowContext(ctx, `SELECT current_user, pg_get_userbyid(relowner), pg_has_role(relowner, 'USAGE'), coalesce((SELECT max(version_id) FROM goose_db_version), 0)
		FROM pg_class WHERE oid = to_regclass('goose_db_version')`).Scan(&e.Role, &e.Owner, &owns, &e.Database)
	if err != nil {
		return fmt.Errorf("read who owns the schema: %w", err)
	}
	if owns {
		return nil
	}
	pending, err := p.HasPending(ctx)
	if err != nil || !pending {
		return err
	}
	sources := p.ListSources()
	e.Known = sources[len(sources)-1].Version
	return e
}

func tooNew(ctx context.Context, p *goose.Provider) error {
	current, err := p.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	sources := p.ListSources()
	known := sources[len(sources)-1].Version
	if current > known {
		return &TooNewError{Database: current, Known: known}
	}
	return nil
}
