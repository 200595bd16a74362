package embedded

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// What is in a PostgreSQL folder of ours.
const (
	pgDataName     = "data"
	pgNewDataName  = "data.new" // while initdb fills it
	pgPasswordName = "password"
	pgLogName      = "postgres.log"
	pgLockName     = "postgres.lock" // this process's
	pgServerLock   = "server.lock"   // the servers'; see dirLock
)

// pgFolder is a folder for one PostgreSQL server.
type pgFolder struct {
	dir  string
	user account
}

func (f pgFolder) path(name string) string { return filepath.Join(f.dir, name) }

// preparePGFolder makes dir ready for PostgreSQL: reachable by whoever runs
// it, owned by them, 0700. A folder with anything else in it is refused.
func preparePGFolder(ctx context.Context, dir string) (pgFolder, error) {
	if dir == "" {
		return pgFolder{}, errors.New("embedded: PostgresOptions.Dir is required: it is where the data is kept")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return pgFolder{}, fmt.Errorf("embedded: %w", err)
	}
	a, err := chooseAccount(filepath.Join(dir, pgDataName))
	if err != nil {
		return pgFolder{}, err
	}
	if err := a.canReach(ctx, filepath.Dir(dir)); err != nil { // before anything is created
		return pgFolder{}, err
	}
	if err := makeFolder(dir, a); err != nil {
		return pgFolder{}, fmt.Errorf("embedded: PostgreSQL's folder: %w; choose one that can be written (LATCHKEY_STATE)", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return pgFolder{}, fmt.Errorf("embedded: PostgreSQL's folder: %w; choose one that can be read and written (LATCHKEY_STATE)", err)
	}
	for _, e := range entries {
		switch e.Name() {
		case pgDataName, pgNewDataName, pgPasswordName, pgLogName, pgLogName + ".1", pgLockName, pgServerLock, "lost+found":
		default:
			return pgFolder{}, fmt.Errorf("embedded: %s must be PostgreSQL's own folder, but it holds %q; choose an empty folder", dir, e.Name())
		}
	}
	if err := a.own(dir); err != nil {
		return pgFolder{}, err
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return pgFolder{}, fmt.Errorf("embedded: PostgreSQL's folder: %w", err)
	}
	return pgFolder{dir: dir, user: a}, nil
}

// makeFolder creates dir and what is missing above it: private, except that
// root's are passable, whatever the umask, for the user who gets dir.
func makeFolder(dir string, a account) error {
	if fi, err := os.Stat(dir); err == nil {
		if !fi.IsDir() {
			return fmt.Errorf("%s is not a folder", dir)
		}
		return nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeFolder(filepath.Dir(dir), a); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if a.switched {
		return os.Chmod(dir, 0o711)
	}
	return nil
}

// major is the version that made the data; 0 when there is none yet.
func (f pgFolder) major() (int, error) {
	b, err := os.ReadFile(filepath.Join(f.path(pgDataName), "PG_VERSION"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("embedded: %w", err)
	}
	v, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0, fmt.Errorf("embedded: %s/PG_VERSION: %q is not a version: the folder holds a damaged database, or none", f.path(pgDataName), b)
	}
	return v, nil
}

// initialise makes the database cluster unless there is one. It is complete or
// absent: initdb fills another folder, and a rename puts it in place. Encoding UTF8
// and locale C are the same on every machine and survive library upgrades.
func (f pgFolder) initialise(ctx context.Context, bin pgBinaries, lock *dirLock, log *os.File, ephemeral bool) error {
	if have, err := f.major(); err != nil || have != 0 {
		return err
	}
	if err := os.RemoveAll(f.path(pgNewDataName)); err != nil { // of an interrupted start
		return fmt.Errorf("embedded: %w", err)
	}
	if err := f.newPassword(); err != nil {
		return err
	}
	args := []string{
		"--pgdata=" + f.path(pgNewDataName), "--username=" + pgUser, "--pwfile=" + f.path(pgPasswordName),
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions",
	}
	s := spec{path: bin.initdb, dir: f.dir, user: f.user, log: log, lock: lock}
	if ephemeral {
		s.scrap = f.dir
		args = append(args, "--no-sync", "--wal-segsize=1")
	} else {
		args = append(args, "--data-checksums")
	}
	s.args = args
	if err := run(ctx, s); err != nil {
		return fmt.Errorf("embedded: %s failed: %w", bin.initdb, err)
	}
	if err := os.Rename(f.path(pgNewDataName), f.path(pgDataName)); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	if ephemeral {
		return nil
	}
	d, err := os.Open(f.dir) // the rename itself must survive a power cut
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	return nil
}

// newPassword replaces the password file; only for a cluster yet to be made.
func (f pgFolder) newPassword() error {
	path := f.path(pgPasswordName)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("embedded: %w", err)
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("embedded: %w", err)
	}
	_, err = w.WriteString(rand.Text() + "\n")
	err = errors.Join(err, w.Sync(), w.Close())
	if err != nil {
		return fmt.Errorf("embedded: write the database password: %w", err)
	}
	return f.user.own(path)
}

func (f pgFolder) password() (string, error) {
	b, err := os.ReadFile(f.path(pgPasswordName))
	if err != nil {
		return "", fmt.Errorf("embedded: the database's password, which only that file holds: %w; restore it from a backup, or set a new one for the role %q (the data is intact) and write it there", err, pgUser)
	}
	return strings.TrimSpace(string(b)), nil
}

// openLog opens the server's log for appending; beyond 10 MiB it starts a new
// one and keeps the last. The offset is where this run's lines begin.
func (f pgFolder) openLog() (log *os.File, offset int64, err error) {
	path := f.path(pgLogName)
	if fi, err := os.Lstat(path); err == nil && fi.Size() > 10<<20 {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, 0, fmt.Errorf("embedded: %w", err)
		}
	}
	// O_NOFOLLOW: the folder may belong to a less trusted user than we are.
	log, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("embedded: PostgreSQL's log: %w", err)
	}
	if fi, err := log.Stat(); err == nil {
		offset = fi.Size()
	}
	return log, offset, nil
}
