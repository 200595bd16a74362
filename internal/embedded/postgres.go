package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"
)

// pgUser is the role latchkey connects as: the cluster's superuser.
const pgUser = "latchkey"

// startTimeout bounds a start whose ctx has no deadline: long, as recovery
// after a power cut and a first download take their time.
const startTimeout = 5 * time.Minute

// PostgresOptions says how to run a local PostgreSQL server.
type PostgresOptions struct {
	// Dir is the server's own folder: data, password, log, lock. Required;
	// created when missing; refused when it holds anything else. Kept between
	// runs. One process at a time may use it.
	Dir string
	// Database is created when missing; "latchkey" when empty.
	Database string
	// Port on 127.0.0.1; 0 takes a free one, which may differ in each run.
	Port int
	// Ephemeral is for tests: nothing is synced to disk, and Dir is removed by
	// Stop or, when this process dies, by the server's supervisor.
	Ephemeral bool
	// Keep, with Ephemeral, makes Stop leave Dir for a later Start. The caller
	// removes it; the supervisor still does when this process dies.
	Keep bool
	// Download is the Maven repository (https://repo1.maven.org/maven2, or a mirror)
	// that PostgreSQL is fetched from when there is none on this machine, into CacheDir
	// (default: the user's cache; for root /var/cache/latchkey). "": never.
	Download string
	CacheDir string
	// Logger gets lines about starting and stopping; slog.Default() when nil.
	// The server's own log is the file postgres.log in Dir.
	Logger *slog.Logger
}

// Postgres is a PostgreSQL server run as a child of this process.
//
// It listens on loopback TCP and asks for a random password (SCRAM), which is
// in a 0600 file in Dir. A Unix socket would need no password, but its path
// must fit in 104 to 108 bytes, its folder be open to latchkey and PostgreSQL
// running as different users, and proxies and tools prefer TCP. The price:
// whoever may read URL() may connect, so do not log it.
//
// Under systemd set KillMode=mixed: by default it sends SIGTERM to PostgreSQL
// as well, which then refuses new connections while latchkey is still draining.
type Postgres struct {
	opts PostgresOptions
	log  *slog.Logger

	mu  sync.Mutex // held while starting and stopping
	run *pgRun     // nil before the first start

	state sync.Mutex // guards what the accessors read
	url   string
	died  chan struct{}
	cause error
}

// StartPostgres starts a server and returns when it can be used. As root it
// runs as an unprivileged user. An error wraps ErrInUse when another process
// uses Dir; when the server ended while starting it carries its last log lines.
// The server lives until Stop, not until ctx ends; ctx only bounds the start
// (5 minutes when it has no deadline).
func StartPostgres(ctx context.Context, o PostgresOptions) (*Postgres, error) {
	if o.Database == "" {
		o.Database = "latchkey"
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	p := &Postgres{opts: o, log: o.Logger.With("component", "postgres")}
	if err := p.Start(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

// URL is what pgx connects with (postgres://…, with the password). It stays
// the same over Stop and Start.
func (p *Postgres) URL() string {
	p.state.Lock()
	defer p.state.Unlock()
	return p.url
}

// Version is the server's major version, such as 15.
func (p *Postgres) Version() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.run.bin.major
}

// Done is closed when the server ended by itself, not by Stop. After another
// Start it is a new channel.
func (p *Postgres) Done() <-chan struct{} {
	p.state.Lock()
	defer p.state.Unlock()
	return p.died
}

// Err says how the server ended, its last log lines included, once Done is
// closed; nil before.
func (p *Postgres) Err() error {
	p.state.Lock()
	defer p.state.Unlock()
	return p.cause
}

// Start starts the server again after Stop or after it died: same folder, port
// and URL. StartPostgres has called it once; when it runs already, Start does
// nothing.
func (p *Postgres) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run != nil {
		if p.run.running() {
			return nil
		}
		_ = p.run.stop(ctx) // it died: only its lock and log are left to close
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, startTimeout)
		defer cancel()
	}
	began := time.Now()
	run, err := startPGRun(ctx, p.opts)
	if err != nil {
		return err
	}
	p.run = run
	p.opts.Port = run.port // for the next Start
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword(pgUser, run.password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(run.port)), Path: "/" + p.opts.Database, RawQuery: "sslmode=disable",
	}
	died := make(chan struct{})
	p.state.Lock()
	p.url, p.died, p.cause = u.String(), died, nil
	p.state.Unlock()
	go p.watch(run, died)
	p.log.InfoContext(ctx, "PostgreSQL is up", "version", run.bin.major, "dir", p.opts.Dir, "port", run.port, "user", run.folder.user.name, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

// watch reports a server that ends without having been asked to.
func (p *Postgres) watch(run *pgRun, died chan struct{}) {
	<-run.child.exited
	if run.stopping.Load() {
		return
	}
	cause := fmt.Errorf("embedded: PostgreSQL ended by itself (%w)%s", errOr(run.child.err, "exit status 0"), run.tail())
	p.state.Lock()
	p.cause = cause
	p.state.Unlock()
	p.log.Error("PostgreSQL ended by itself", "dir", p.opts.Dir, "err", cause)
	close(died)
}

// Stop disconnects the clients, shuts the server down in order (a "fast"
// shutdown) and waits until it is gone. When ctx ends first it is shut down at
// once, which loses nothing that was committed (but is an error). Calling it
// again is fine.
func (p *Postgres) Stop(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil {
		return nil
	}
	err := p.run.stop(ctx)
	if p.opts.Ephemeral && !p.opts.Keep {
		err = errors.Join(err, os.RemoveAll(p.opts.Dir))
	}
	return err
}

func errOr(err error, otherwise string) error {
	if err != nil {
		return err
	}
	return errors.New(otherwise)
}
