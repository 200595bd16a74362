package store

import (
	"context"
	"database/sql"
	"fmt"

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
	db := stdlib.OpenDB(*cfg.ConnConfig)
	defer db.Close()
	return migrate(ctx, db)
}

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
	results, err := provider.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("migrate: %w", err)
	}
	var applied []string
	for _, r := range results {
		applied = append(applied, r.Source.Path)
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
