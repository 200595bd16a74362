package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
)

// downloadable are the versions the embedded-postgres project offers, by major.
var downloadable = map[int]embeddedpostgres.PostgresVersion{
	14: embeddedpostgres.V14,
	15: embeddedpostgres.V15,
	16: embeddedpostgres.V16,
	17: embeddedpostgres.V17,
	18: embeddedpostgres.V18,
}

// defaultDownload is the major version for a new database.
const defaultDownload = 17

// downloadPostgres returns the bin folder of a PostgreSQL in the cache, after
// downloading it there (some 10 MB, from Maven Central) the first time. The
// library cannot be interrupted: when ctx ends it goes on in the background,
// to no effect.
func downloadPostgres(ctx context.Context, cache string, major int, a account) (string, error) {
	if major == 0 {
		major = defaultDownload
	}
	version, ok := downloadable[major]
	if !ok {
		return "", fmt.Errorf("there is no PostgreSQL %d to download", major)
	}
	if cache == "" {
		var err error
		if cache, err = defaultCacheDir(a); err != nil {
			return "", err
		}
	}
	if err := a.canReach(ctx, cache); err != nil {
		return "", err
	}
	final := filepath.Join(cache, fmt.Sprintf("postgresql-%s-%s-%s", version, runtime.GOOS, runtime.GOARCH))
	bin := filepath.Join(final, "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	if err := makeFolder(cache, a); err != nil {
		return "", err
	}
	fetched := make(chan error, 1)
	go func() { fetched <- fetchPostgres(cache, final, version) }()
	select {
	case err := <-fetched:
		return bin, err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// fetchPostgres unpacks version into final, which is complete or absent.
func fetchPostgres(cache, final string, version embeddedpostgres.PostgresVersion) (err error) {
	tmp, err := os.MkdirTemp(cache, ".download-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	port, err := FreePort()
	if err != nil {
		return err
	}
	unpacked := filepath.Join(tmp, "unpacked")
	ep := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().
		Version(version).Port(uint32(port)).Logger(io.Discard).
		CachePath(filepath.Join(tmp, "archive")).
		RuntimePath(filepath.Join(tmp, "runtime")).
		BinariesPath(unpacked))
	// The library has no way to only download. That its server does not start
	// (it cannot, as root) does not matter; that the binaries are there does.
	startErr := ep.Start()
	if startErr == nil {
		if err := ep.Stop(); err != nil {
			return err
		}
	}
	if _, err := os.Stat(filepath.Join(unpacked, "bin", "initdb")); err != nil {
		return errors.Join(startErr, err)
	}
	if err := os.Chmod(unpacked, 0o755); err != nil {
		return err
	}
	if err := os.Rename(unpacked, final); err != nil {
		if _, there := os.Stat(filepath.Join(final, "bin", "initdb")); there == nil {
			return nil // another process was faster
		}
		return err
	}
	return nil
}

// defaultCacheDir is the user's cache; for root one that others can read.
func defaultCacheDir(a account) (string, error) {
	if a.switched {
		return "/var/cache/latchkey", nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder for the download: %w", err)
	}
	return filepath.Join(d, "latchkey"), nil
}
