package embedded

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgRun is one run of the server, from start to end.
type pgRun struct {
	folder   pgFolder
	bin      pgBinaries
	lock     *dirLock // ours
	inherit  *dirLock // the server's too
	log      *os.File
	offset   int64 // where this run's log lines begin
	port     int
	password string
	child    *child

	stopping atomic.Bool
	closing  sync.Once
}

// startPGRun locks the folder, makes the cluster if there is none, starts the
// server and waits until the database can be used. On an error all is undone,
// except what is in the folder.
func startPGRun(ctx context.Context, o PostgresOptions) (_ *pgRun, err error) {
	r := &pgRun{}
	if r.folder, err = preparePGFolder(ctx, o.Dir); err != nil {
		return nil, err
	}
	if r.lock, err = lockDir(r.folder.dir, pgLockName); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.stop(context.WithoutCancel(ctx)))
		}
	}()
	if r.inherit, err = lockForChildren(ctx, r.folder.dir, pgServerLock); err != nil {
		return nil, err
	}
	major, err := r.folder.major()
	if err != nil {
		return nil, err
	}
	if r.bin, err = defaultPGSearch(o, r.folder.user).find(ctx, r.folder.path(pgDataName), major); err != nil {
		return nil, err
	}
	if r.log, r.offset, err = r.folder.openLog(); err != nil {
		return nil, err
	}
	if err := r.folder.initialise(ctx, r.bin, r.inherit, r.log, o.Ephemeral); err != nil {
		return nil, fmt.Errorf("%w%s", err, r.tail())
	}
	if fi, err := r.log.Stat(); err == nil {
		r.offset = fi.Size() // initdb's chatter is of no more interest
	}
	if r.password, err = r.folder.password(); err != nil {
		return nil, err
	}
	for attempt := 0; ; attempt++ {
		err := r.launch(ctx, o)
		if err == nil {
			break
		}
		// A free port may be taken by another process before PostgreSQL has it.
		if o.Port != 0 || attempt == 5 || !errors.Is(err, errPortTaken) {
			return nil, err
		}
	}
	if err := r.ensureDatabase(ctx, o.Database); err != nil {
		return nil, fmt.Errorf("%w%s", err, r.tail())
	}
	return r, nil
}

var errPortTaken = errors.New("the port is taken")

// launch starts the server and waits for it to be ready.
func (r *pgRun) launch(ctx context.Context, o PostgresOptions) error {
	if r.port = o.Port; r.port == 0 {
		var err error
		if r.port, err = FreePort(); err != nil {
			return err
		}
	}
	s := spec{path: r.bin.postgres, args: r.args(o.Ephemeral), dir: r.folder.dir, user: r.folder.user, log: r.log, lock: r.inherit}
	if o.Ephemeral {
		s.scrap = r.folder.dir
	}
	var err error
	if r.child, err = supervise(s); err != nil {
		return err
	}
	if err := r.awaitReady(ctx); err != nil {
		tail := r.tail()
		if strings.Contains(tail, "Address already in use") {
			err = errors.Join(err, errPortTaken)
		}
		err = fmt.Errorf("embedded: PostgreSQL did not start: %w%s", err, tail)
		return errors.Join(err, r.child.stop(context.WithoutCancel(ctx)))
	}
	return nil
}

func (r *pgRun) args(ephemeral bool) []string {
	args := []string{"-D", r.folder.path(pgDataName), "-p", strconv.Itoa(r.port)}
	set := func(k, v string) { args = append(args, "-c", k+"="+v) }
	set("listen_addresses", "127.0.0.1")
	set("unix_socket_directories", "")
	set("timezone", "UTC")
	set("log_timezone", "UTC")
	// No DETAIL lines: they quote rows, and a row may hold a passcode.
	set("log_error_verbosity", "terse")
	if ephemeral {
		// Commits still reach the kernel: they survive a killed server, though
		// not a killed machine.
		set("fsync", "off")
		set("full_page_writes", "off")
		set("wal_level", "minimal")
		set("max_wal_senders", "0")
		set("shared_buffers", "16MB")
		set("max_connections", "200")
	}
	return args
}

// awaitReady returns when PostgreSQL says it is ready and takes our password.
func (r *pgRun) awaitReady(ctx context.Context) error {
	policy := backoff.NewExponentialBackOff()
	policy.InitialInterval, policy.MaxInterval = 5*time.Millisecond, 100*time.Millisecond
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		select {
		case <-r.child.exited:
			return struct{}{}, backoff.Permanent(errOr(r.child.err, "it ended at once"))
		default:
		}
		// Its own word first: something else might answer on the port.
		if !r.saysReady() {
			return struct{}{}, errors.New("it is not ready yet")
		}
		conn, err := r.connect(ctx)
		if err == nil {
			return struct{}{}, conn.Close(ctx)
		}
		var pgErr *pgconn.PgError
		if errors.As(err, &pgErr) && (pgErr.Code == "28P01" || pgErr.Code == "28000") {
			err = backoff.Permanent(fmt.Errorf("the password in %s is not the database's: %w", r.folder.path(pgPasswordName), err))
		}
		return struct{}{}, err
	}, backoff.WithBackOff(policy), backoff.WithMaxElapsedTime(0))
	return err
}

// saysReady reads the status that PostgreSQL keeps in the 8th line of its pid
// file; the 4th is its port.
func (r *pgRun) saysReady() bool {
	b, err := os.ReadFile(filepath.Join(r.folder.path(pgDataName), "postmaster.pid"))
	lines := strings.Split(string(b), "\n")
	return err == nil && len(lines) >= 8 && strings.TrimSpace(lines[7]) == "ready" && lines[3] == strconv.Itoa(r.port)
}

// connect opens a connection to the maintenance database.
func (r *pgRun) connect(ctx context.Context) (*pgx.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	u := url.URL{Scheme: "postgres", User: url.UserPassword(pgUser, r.password), Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(r.port)), Path: "/postgres", RawQuery: "sslmode=disable"}
	return pgx.Connect(ctx, u.String())
}

func (r *pgRun) ensureDatabase(ctx context.Context, name string) error {
	conn, err := r.connect(ctx)
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&there); err != nil {
		return fmt.Errorf("embedded: look for database %s: %w", name, err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return fmt.Errorf("embedded: create database %s: %w", name, err)
	}
	return nil
}

func (r *pgRun) running() bool {
	select {
	case <-r.child.exited:
		return false
	default:
		return true
	}
}

// stop ends the run, whatever of it has begun, and releases the folder.
func (r *pgRun) stop(ctx context.Context) error {
	r.stopping.Store(true)
	var err error
	if r.child != nil {
		err = r.child.stop(ctx)
	}
	r.closing.Do(func() {
		if r.log != nil {
			_ = r.log.Close()
		}
		r.inherit.release()
		r.lock.release()
	})
	return err
}

// tail is the end of this run's log, for an error message.
func (r *pgRun) tail() string {
	fi, err := r.log.Stat()
	if err != nil || fi.Size() <= r.offset {
		return ""
	}
	b := make([]byte, min(fi.Size()-r.offset, 2048))
	n, _ := r.log.ReadAt(b, fi.Size()-int64(len(b)))
	return "; its last log lines:\n" + strings.TrimSpace(string(b[:n]))
}
