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
	"strings"
	"sync/atomic"
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
	// placesDealt counts what ClaimMeetings was asked for (placesPerTurn).
	placesDealt atomic.Int64
}

// parse reads a URL for the pool and for migrations alike: it may hold
// parameters of the pool (pool_max_conns and others), which are not Postgres's.
func parse(url string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil { // pgx's own text may quote the password
		return nil, errors.New("DATABASE_URL cannot be read: want postgres://user:password@host:port/database, and of the pool's parameters numbers and durations above 0")
	}
	for name := range cfg.ConnConfig.RuntimeParams {
		if strings.HasPrefix(name, "pool_") { // the server would refuse each connection for it
			return nil, fmt.Errorf("DATABASE_URL: %s is no parameter of the pool: want pool_max_conns, pool_min_conns, pool_max_conn_lifetime, pool_max_conn_idle_time or pool_health_check_period", name)
		}
	}
	if params := cfg.ConnConfig.RuntimeParams; params["search_path"] == "" {
		params["search_path"] = DefaultSchema
	}
	switch {
	case cfg.MaxConns < fewestConnections:
		return nil, fmt.Errorf("DATABASE_URL: pool_max_conns is %d: want at least %d, one of which listens", cfg.MaxConns, fewestConnections)
	case cfg.HealthCheckPeriod <= 0:
		return nil, errors.New("DATABASE_URL: pool_health_check_period is not above 0: want a duration such as 1m")
	}
	return cfg, nil
}

// DefaultSchema is where everything of latchkey's is in the database, unless the URL
// has a search_path: then its first schema.
const DefaultSchema = "latchkey"

// InSchema is the URL with that schema, unless it has a search_path of its own.
func InSchema(url, schema string) string {
	if schema == "" || url == "" || strings.Contains(url, "search_path=") {
		return url
	}
	if strings.Contains(url, "?") {
		return url + "&search_path=" + schema
	}
	return url + "?search_path=" + schema
}

// fewestConnections is what a worker cannot do without.
const fewestConnections = 3

// Open makes a Store for a person or a test, which may adjust the pool; see OpenFor.
func Open(url string, adjust ...func(*pgxpool.Config)) (*Store, error) {
	return OpenFor(url, 0, adjust...)
}

// mostConnections bounds the pool: a server takes 100 as it is installed, and
// there may be several workers.
const mostConnections = 64

// OpenFor makes a Store for that many units of work at once: the pool has a
// connection for each, and some for what goes on beside them, unless the URL sets
// pool_max_conns. It does not connect: a server that is unavailable now may come
// back, so only a URL that cannot be read is an error.
func OpenFor(url string, work int, adjust ...func(*pgxpool.Config)) (*Store, error) {
	cfg, err := parse(url)
	if err != nil {
		return nil, err
	}
	if work > 0 && !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = int32(min(work+8, mostConnections))
	}
	params := cfg.ConnConfig.RuntimeParams
	params["application_name"] = "latchkey"
	// A statement that hangs must not hold a worker or a lock for ever. A worker that is
	// stopped, or whose machine vanished, leaves its transactions open, as nobody tells
	// Postgres: their rows are locked, whatever becomes of the lease, until the session is
	// ended. No transaction of ours waits for anything but the database.
	for key, value := range map[string]string{"statement_timeout": "30s", "idle_in_transaction_session_timeout": "15s"} {
		if _, set := params[key]; !set {
			params[key] = value
		}
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = 5 * time.Second
	}
	cfg.AfterConnect = registerTypes
	for _, f := range adjust {
		f(cfg)
	}
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &Store{pool: pool}, nil
}

// Close waits for running queries and closes all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping checks that the server responds. Its error is fit for strangers: it holds no
// address and no password.
func (s *Store) Ping(ctx context.Context) error {
	err := s.pool.Ping(ctx)
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &pg):
		return fmt.Errorf("the database refuses: %s (SQLSTATE %s)", pg.Message, pg.Code)
	case s.pool.Stat().AcquiredConns() == s.pool.Config().MaxConns:
		return fmt.Errorf("the database does not answer: all %d connections of the pool are in use", s.pool.Config().MaxConns)
	}
	return errors.New("the database does not answer")
}

// inTx runs f in one transaction, committed when f returns nil.
func (s *Store) inTx(ctx context.Context, f func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, f)
}

// Unavailable reports whether the error lies with the server and not with what
// was asked of it: no connection, no login, the server is starting, stopping or
// not migrated yet, a conflict between transactions. Work that met it is tried
// again; anything else would fail again.
func Unavailable(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return serverState(pg.Code)
	}
	// What is left is no answer at all (connection, deadline), unless it is about
	// the value itself: that one stays as it is.
	return err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrLeaseLost) && !badValue(err)
}

// serverState tells the SQLSTATEs that speak of the server, its setup or its
// other transactions from those that speak of the statement and its values.
func serverState(code string) bool {
	switch code {
	case "42P01", "42703": // a table or column is missing until the migration has run
		return true
	case "42501": // a right is missing until it is granted
		return true
	case "0A000": // a cached plan that a migration made stale, once per connection
		return true
	}
	if len(code) < 2 {
		return true // a pooler's own error
	}
	switch code[:2] {
	case "08", "53", "57", "58", "F0", "XX": // connection, resources, operator intervention, system, configuration, internal
		return true
	case "25": // idle in transaction for too long; read-only: a standby during a failover
		return true
	case "26": // a pooler between us and the server lost a prepared statement
		return true
	case "28", "3D": // the password is being changed, the database being restored
		return true
	case "40", "55": // serialization failure, deadlock; lock not available
		return true
	}
	return false
}

// badValue reports whether a value could not be sent to, or read from, the
// database. No retry changes that.
func badValue(err error) bool {
	var scan pgx.ScanArgError
	return errors.As(err, &scan) || errors.Is(err, errEncode) ||
		strings.Contains(err.Error(), "failed to encode args[") // pgx has no type for it
}
