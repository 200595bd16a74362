package app

import (
	"context"
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
	url      string // file that tells other commands where the database is
}

// databaseURLFile is where `latchkey explain` finds a running embedded
// database. It holds a password: mode 0600.
const databaseURLFile = "database-url"

// StateDir is the configured state folder or the default one.
func StateDir(c config.Config) (string, error) {
	if c.StateDir != "" {
		return filepath.Abs(c.StateDir)
	}
	return embedded.DefaultStateDir()
}

func startServers(ctx context.Context, c config.Config, worker bool, log *slog.Logger) (_ *servers, err error) {
	dir, err := StateDir(c)
	if err != nil {
		return nil, fmt.Errorf("LATCHKEY_STATE: %w", err)
	}
	s := &servers{log: log}
	defer func() {
		if err != nil {
			_ = s.stop(context.WithoutCancel(ctx))
		}
	}()
	if c.NATSURL == "" {
		s.nats, err = embedded.StartNATS(ctx, embedded.NATSOptions{Dir: filepath.Join(dir, "nats"), SyncAlways: true, Logger: log.With("part", "nats")})
		if err != nil {
			return nil, fmt.Errorf("embedded NATS: %w", err)
		}
		log.Info("embedded NATS runs", "url", s.nats.URL(), "folder", filepath.Join(dir, "nats"))
	}
	if worker && c.DatabaseURL == "" {
		s.postgres, err = embedded.StartPostgres(ctx, embedded.PostgresOptions{Dir: filepath.Join(dir, "postgres"), AllowDownload: true, Logger: log.With("part", "postgres")})
		if err != nil {
			return nil, fmt.Errorf("embedded Postgres: %w", err)
		}
		s.url = filepath.Join(dir, databaseURLFile)
		if err = os.WriteFile(s.url, []byte(s.postgres.URL()+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("embedded Postgres: %w", err)
		}
		log.Info("embedded Postgres runs", "folder", filepath.Join(dir, "postgres"))
	}
	return s, nil
}

// RunningDatabase gives the URL of the embedded database of a running `latchkey
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

func (s *servers) stop(ctx context.Context) error {
	var errs []error
	if s.url != "" {
		_ = os.Remove(s.url)
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Stop(ctx))
	}
	if s.nats != nil {
		errs = append(errs, s.nats.Stop(ctx))
	}
	return errors.Join(errs...)
}
