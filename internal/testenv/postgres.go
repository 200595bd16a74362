package testenv

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/embedded"
)

// shared is this test binary's PostgreSQL.
var shared sharedPostgres

type sharedPostgres struct {
	mu        sync.Mutex
	started   bool
	pg        *embedded.Postgres
	err       error
	prepare   sync.Mutex // templates are filled one at a time: roles are server-wide
	templates sync.Map   // name -> func() (database string, err error), runs once
	logins    sync.Map   // name -> func() error, runs once
	count     atomic.Int64
}

// PostgresURL returns the URL of a fresh, empty database on a PostgreSQL server
// that the tests of this binary share (started when first asked for, in about
// a second). The database is dropped when the test ends, whoever is connected. The
// URL's search_path is latchkey's schema, which is not there yet.
// Roles and settings of the server are shared: tests must not change them.
func PostgresURL(t testing.TB) string {
	t.Helper()
	return shared.database(t, "template0")
}

// PostgresURLFrom is PostgresURL, but the database is a copy of one that
// prepare has filled: once per test binary and name, whichever test comes
// first. prepare gets the URL of an empty database; connections it leaves open
// are cut. What it does to roles happens to the whole server.
func PostgresURLFrom(t testing.TB, name string, prepare func(ctx context.Context, url string) error) string {
	t.Helper()
	once, _ := shared.templates.LoadOrStore(name, sync.OnceValues(func() (string, error) { return shared.template(name, prepare) }))
	db, err := once.(func() (string, error))()
	if err != nil {
		t.Fatalf("testenv: template %q: %v", name, err)
	}
	return shared.database(t, db)
}

// Postgres returns a private server with an empty database, for tests that make
// it unavailable: p.Stop, then p.Start brings it back with its data on the same
// URL. It is stopped and removed when the test ends.
func Postgres(t testing.TB) *embedded.Postgres {
	t.Helper()
	p, dir, err := start(t.Context(), embedded.PostgresOptions{Logger: testLog(t), Keep: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := afterTest()
		defer cancel()
		if err := errors.Join(p.Stop(ctx), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return p
}

// start runs a server in a new folder: not one of t.TempDir's, which are closed
// to the user PostgreSQL runs as when we are root.
func start(ctx context.Context, o embedded.PostgresOptions) (p *embedded.Postgres, dir string, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if dir, err = os.MkdirTemp(embedded.ScratchDir(), "latchkey-pg-"); err != nil {
		return nil, "", fmt.Errorf("testenv: %w", err)
	}
	o.Dir, o.Ephemeral = dir, true
	if p, err = embedded.StartPostgres(ctx, o); err != nil {
		return nil, "", errors.Join(fmt.Errorf("testenv: PostgreSQL: %w", err), os.RemoveAll(dir))
	}
	return p, dir, nil
}

// url starts the server if need be and returns the URL of a database on it.
func (s *sharedPostgres) url(database string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.pg, _, s.err = start(context.Background(), embedded.PostgresOptions{Logger: quiet(os.Stderr), Database: "postgres"})
	}
	if s.err != nil {
		return "", s.err
	}
	u, err := url.Parse(s.pg.URL())
	if err != nil {
		return "", err
	}
	u.Path = "/" + database
	q := u.Query()
	q.Set("search_path", Schema+",public")
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func (s *sharedPostgres) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pg == nil {
		return nil
	}
	ctx, cancel := afterTest()
	defer cancel()
	return s.pg.Stop(ctx)
}

// exec runs statements on the maintenance database.
func (s *sharedPostgres) exec(ctx context.Context, statements ...string) error {
	u, err := s.url("postgres")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, u)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// create copies a database. Both names are quoted already.
func (s *sharedPostgres) create(ctx context.Context, name, template string) error {
	if _, err := s.url(""); err != nil { // starts the server
		return err
	}
	sql := "CREATE DATABASE " + name + " TEMPLATE " + template
	if s.pg.Version() >= 15 {
		sql += " STRATEGY file_copy" // three times as fast without fsync
	}
	return s.exec(ctx, sql)
}

func (s *sharedPostgres) database(t testing.TB, template string) string {
	t.Helper()
	name := s.name("t_" + t.Name())
	quoted := pgx.Identifier{name}.Sanitize()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	if err := s.create(ctx, quoted, pgx.Identifier{template}.Sanitize()); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := afterTest()
		defer cancel()
		if err := s.exec(ctx, "DROP DATABASE "+quoted+" WITH (FORCE)"); err != nil {
			t.Errorf("testenv: %v", err)
		}
	})
	u, err := s.url(name)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// Schema is where latchkey's tables are, which the URLs' search_path names.
const Schema = "latchkey"

// template makes the database that others are copied from, and closes it:
// PostgreSQL copies only a database that nobody is connected to.
func (s *sharedPostgres) template(name string, prepare func(ctx context.Context, url string) error) (string, error) {
	s.prepare.Lock()
	defer s.prepare.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	db := s.name("template_" + name)
	quoted := pgx.Identifier{db}.Sanitize()
	if err := s.create(ctx, quoted, "template0"); err != nil {
		return "", err
	}
	u, err := s.url(db)
	if err != nil {
		return "", err
	}
	if err := prepare(ctx, u); err != nil {
		return "", err
	}
	return db, s.exec(ctx,
		"ALTER DATABASE "+quoted+" ALLOW_CONNECTIONS false",
		// db holds only letters, digits and _; the timeout makes it wait.
		"SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '"+db+"'",
	)
}

var unsafeInName = regexp.MustCompile(`[^a-z0-9]+`)

// name makes a unique database name that tells whose it is (at most 63 bytes).
func (s *sharedPostgres) name(hint string) string {
	hint = unsafeInName.ReplaceAllString(strings.ToLower(hint), "_")
	return fmt.Sprintf("%.50s_%d", hint, s.count.Add(1))
}

// LoginURL is the URL of the same database for a login that is a member of that role
// and of nothing else. The role is there already; logins are shared by all tests of
// the binary, as roles belong to the whole server.
func LoginURL(t testing.TB, rawURL, role string) string {
	t.Helper()
	login := loginPrefix + role
	once, _ := shared.logins.LoadOrStore(login, sync.OnceValue(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		return shared.exec(ctx, "CREATE ROLE "+pgx.Identifier{login}.Sanitize()+" LOGIN PASSWORD 'login' IN ROLE "+pgx.Identifier{role}.Sanitize())
	}))
	if err := once.(func() error)(); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	u.User = url.UserPassword(login, "login")
	return u.String()
}

const loginPrefix = "login_of_"

// asOwner is the URL for the server's owner, where it is a login of LoginURL's.
func asOwner(t testing.TB, rawURL string) string {
	t.Helper()
	u, err := url.Parse(rawURL)
	if err != nil || !strings.HasPrefix(u.User.Username(), loginPrefix) {
		return rawURL
	}
	own, err := shared.url("")
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	o, err := url.Parse(own)
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	u.User = o.User
	return u.String()
}

// Exec runs one statement on the database of a URL, for tests that need a state
// that nothing brings about by itself. It runs as the database's owner.
func Exec(t testing.TB, url, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, asOwner(t, url))
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatalf("testenv: %v", err)
	}
}

// Query runs a statement that yields one text, as a stranger to the code would, and
// as Exec does.
func Query(t testing.TB, url, sql string, args ...any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, asOwner(t, url))
	if err != nil {
		t.Fatalf("testenv: %v", err)
	}
	defer conn.Close(ctx)
	var text *string
	if err := conn.QueryRow(ctx, sql, args...).Scan(&text); err != nil {
		t.Fatalf("testenv: %v", err)
	}
	if text == nil {
		return ""
	}
	return *text
}
