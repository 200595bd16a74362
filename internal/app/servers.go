package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/embedded"
)

// servers are the servers of our own, for what is not configured elsewhere.
type servers struct {
	nats     *embedded.NATS
	postgres *embedded.Postgres
	log      *slog.Logger
	files    []string // that tell others where the servers are
}

// The files in the state folder that tell other commands and services where
// the running servers are. They hold passwords: mode 0600.
const (
	databaseURLFile = "database-url"
	natsURLFile     = "nats-url"
)

// StateDir is the configured state folder or the default one.
func StateDir(c config.Config) (string, error) {
	if c.StateDir != "" {
		return filepath.Abs(c.StateDir)
	}
	return embedded.DefaultStateDir()
}

// makeStateDir makes the state folder. As root, Postgres runs as another user,
// who must be able to get there; what is in it is closed to others by itself.
func makeStateDir(dir string) error {
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711
	}
	return os.MkdirAll(dir, mode)
}

func startServers(ctx context.Context, c config.Config, worker bool, log *slog.Logger) (_ *servers, err error) {
	dir, err := StateDir(c)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_STATE: %w", err)
	}
	if err := makeStateDir(dir); err != nil {
		return nil, fmt.Errorf("LATCHKEY_STATE: %w", err)
	}
	s := &servers{log: log}
	defer func() {
		if err != nil {
			_ = s.stop(context.WithoutCancel(ctx))
		}
	}()
	if c.NATSURL == "" {
		// The stream of events is secret material, and every user of this machine
		// can reach loopback: a new token each start.
		s.nats, err = embedded.StartNATS(ctx, embedded.NATSOptions{Dir: filepath.Join(dir, "nats"), SyncAlways: true, Token: rand.Text(), Logger: log.With("part", "nats")})
		if err != nil {
			return nil, fmt.Errorf("embedded NATS: %w", err)
		}
		if err = s.tell(filepath.Join(dir, natsURLFile), s.nats.URL()); err != nil {
			return nil, fmt.Errorf("embedded NATS: %w", err)
		}
		log.Info("embedded NATS runs", "folder", filepath.Join(dir, "nats"), "url_in", filepath.Join(dir, natsURLFile))
	}
	if worker && c.DatabaseURL == "" {
		s.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: filepath.Join(dir, "postgres"), Download: c.PostgresDownload, Logger: log.With("part", "postgres")})
		if err != nil {
			return nil, fmt.Errorf("embedded Postgres: %w", err)
		}
		if err = s.tell(filepath.Join(dir, databaseURLFile), s.postgres.URL()); err != nil {
			return nil, fmt.Errorf("embedded Postgres: %w", err)
		}
		log.Info("embedded Postgres runs", "folder", filepath.Join(dir, "postgres"), "url_in", filepath.Join(dir, databaseURLFile))
	}
	return s, nil
}

func (s *servers) tell(file, url string) error {
	// Removed first: an old file with looser permissions must not keep them.
	_ = os.Remove(file)
	if err := os.WriteFile(file, []byte(url+"\n"), 0o600); err != nil {
		return err
	}
	s.files = append(s.files, file)
	return nil
}

// RunningDatabase returns the URL of the embedded database of a running `latchkey
// serve` or `demo` with that state folder.
func RunningDatabase(stateDir string) (string, error) {
	b, err := os.ReadFile(filepath.Join(stateDir, databaseURLFile))
	if errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("DATABASE_URL is not set, and no latchkey with an embedded database runs on %s: set DATABASE_URL, or LATCHKEY_STATE to the folder of the running one", stateDir)
	}
	if err != nil {
		return "", fmt.Errorf("the running database's address cannot be read: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// keep starts the embedded Postgres again when it dies.
func (s *servers) keep(ctx context.Context) {
	if s.postgres == nil {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.postgres.Done():
		}
		s.log.Error("embedded Postgres died; starting it again", "error", s.postgres.Err())
		for ctx.Err() == nil {
			try, cancel := context.WithTimeout(ctx, time.Minute)
			err := s.postgres.Start(try)
			cancel()
			if err == nil {
				s.log.Info("embedded Postgres is back")
				break
			}
			s.log.Error("embedded Postgres does not start; trying again", "error", err)
			sleep(ctx, 5*time.Second)
		}
	}
}

// restartNATS restarts the embedded NATS server.
func (s *servers) restartNATS(ctx context.Context) {
	if s.nats == nil {
		return
	}
	s.log.Warn("embedded NATS cannot persist messages; restarting it")
	try, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := s.nats.Restart(try); err != nil {
		s.log.Error("embedded NATS does not start; trying again", "error", err)
	}
}

func (s *servers) stop(ctx context.Context) error {
	var errs []error
	for _, f := range s.files {
		_ = os.Remove(f)
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	if s.nats != nil {
		errs = append(errs, s.nats.Stop(ctx))
	}
	return errors.Join(errs...)
}
