// Package store is latchkey's Postgres: the truth. One file per concept;
// every write that belongs together is one transaction.
//
// Errors of this package wrap pgx's; Unavailable tells those that go away by
// themselves (the server is down, a deadlock) from those that do not.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// ErrNotFound is returned by reads of one row that is not there.
var ErrNotFound = errors.New("not found")

// ErrLeaseLost is returned when work is reported on that another worker has
// taken over meanwhile. Nothing was written.
var ErrLeaseLost = errors.New("the lease was lost")

// Store is safe for concurrent use.
type Store struct {
	pool *pgxpool.Pool
}

// Open makes a Store. It does not connect: a server that is away now may come
// back, so only a URL that cannot be read is an error.
func Open(url string) (*Store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil { // pgx's own text may quote the password
		return nil, errors.New("DATABASE_URL cannot be read: want postgres://user:password@host:port/database")
	}
	params := cfg.ConnConfig.RuntimeParams
	params["application_name"] = "latchkey"
	// A statement that hangs must not hold a worker or a lock for ever.
	for key, value := range map[string]string{"statement_timeout": "30s", "idle_in_transaction_session_timeout": "60s"} {
		if _, set := params[key]; !set {
			params[key] = value
		}
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Close waits for running queries and closes all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping asks the server for a sign of life.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// inTx runs f in one transaction, committed when f returns nil.
func (s *Store) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}

// Unavailable reports whether the error will go away by itself: no connection,
// the server is starting or stopping, a conflict between transactions. Work
// that met it is tried again; anything else needs a person.
func Unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57", "58": // connection, resources, operator intervention, system
			return true
		case "40": // serialization failure, deadlock
			return true
		case "55": // lock not available
			return true
		case "42": // a table is missing until the migration has run
			return pg.Code == "42P01" || pg.Code == "42703"
		}
		return false
	}
	return err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrLeaseLost)
}

// null turns a zero time into SQL null.
func null(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func orZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
