package embedded

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// write makes a file with its folders, all readable by everybody.
func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresFolderOutOfReach(t *testing.T) {
	t.Parallel()
	closed := filepath.Join(reachableDir(t), "closed")
	mode := os.FileMode(0o700) // root's: another user may not enter
	if os.Geteuid() != 0 {
		mode = 0
	}
	if err := os.Mkdir(closed, mode); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(closed, "state", "pg")
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir})
	wantError(t, err, fs.ErrPermission, closed, "LATCHKEY_STATE")
	if _, err := os.Stat(filepath.Join(closed, "state")); err == nil {
		t.Error("something was created")
	}
}

func TestPostgresRefusesSomebodysFolder(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	write(t, filepath.Join(dir, "thesis.txt"), "precious", 0o644)
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir, Ephemeral: true})
	wantError(t, err, nil, dir, "thesis.txt", "empty folder")
	if _, err := os.Stat(filepath.Join(dir, "thesis.txt")); err != nil {
		t.Error(err)
	}
	_, err = StartPostgres(t.Context(), PostgresOptions{})
	wantError(t, err, nil, "Dir is required")
}

func TestPostgresOfAnotherVersion(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	version := filepath.Join(dir, pgDataName, "PG_VERSION")
	write(t, version, "9\n", 0o644)
	_, err := StartPostgres(t.Context(), PostgresOptions{Dir: dir})
	wantError(t, err, nil, filepath.Join(dir, pgDataName), "made by PostgreSQL 9", "Nothing was changed", "Install PostgreSQL 9", "pg_upgrade", "/usr/lib/postgresql/*/bin")
	if b, err := os.ReadFile(version); err != nil || string(b) != "9\n" {
		t.Errorf("changed: %q %v", b, err)
	}
}

func TestPostgresFailureCarriesItsLog(t *testing.T) {
	t.Parallel()
	dir := reachableDir(t)
	p := startPG(t, PostgresOptions{Dir: dir, Ephemeral: true, Keep: true})
	stopPG(t, p)
	conf := filepath.Join(dir, pgDataName, "postgresql.conf")
	b, err := os.ReadFile(conf)
	if err != nil {
		t.Fatal(err)
	}
	write(t, conf, string(b)+"\nno_such_setting = 1\n", 0o600)
	began := time.Now()
	wantError(t, p.Start(t.Context()), nil, "did not start", `"no_such_setting"`)
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("noticed only after %v", took)
	}
	write(t, conf, string(b), 0o600)
	if err := os.Remove(filepath.Join(dir, pgPasswordName)); err != nil {
		t.Fatal(err)
	}
	wantError(t, p.Start(t.Context()), fs.ErrNotExist, "password", "data is intact")
	write(t, filepath.Join(dir, pgPasswordName), "wrong", 0o600)
	wantError(t, p.Start(t.Context()), nil, "is not the database's")
}

func TestPostgresHonoursTheDeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // initdb takes longer
	defer cancel()
	dir := reachableDir(t)
	_, err := StartPostgres(ctx, PostgresOptions{Dir: dir})
	wantError(t, err, context.DeadlineExceeded)
	startPG(t, PostgresOptions{Dir: dir}) // and what it left is no obstacle
}

func TestFindPostgres(t *testing.T) {
	t.Parallel()
	root := reachableDir(t)
	install := func(dir, version string, initdb bool) {
		write(t, filepath.Join(root, dir, "postgres"), "#!/bin/sh\necho 'postgres (PostgreSQL) "+version+"'\n", 0o755)
		if initdb {
			write(t, filepath.Join(root, dir, "initdb"), "#!/bin/sh\n", 0o755)
		}
	}
	install("old", "9.6.24", true)
	install("half", "16.1", false)
	install("lib/9/bin", "9.6.2", true)
	install("lib/15/bin", "15.4 (Debian 15.4-1)", true)
	install("lib/16/bin", "16.9", true)
	install("brew/postgresql@17/bin", "17.0", true)
	install("fetched", "18.3", true)
	path := filepath.Join(root, "none") + ":" + filepath.Join(root, "old") + ":" + filepath.Join(root, "half")
	globs := []string{filepath.Join(root, "lib/*/bin"), filepath.Join(root, "brew/postgresql@*/bin")}
	fetch := func(context.Context, int) (string, error) { return filepath.Join(root, "fetched"), nil }
	a, err := chooseAccount(root + "/none")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		search pgSearch
		data   int
		want   string // folder, or
		says   []string
	}{
		{name: "newest of a glob", search: pgSearch{path: path, globs: globs}, want: "lib/16/bin"},
		{name: "the data's version", search: pgSearch{path: path, globs: globs}, data: 15, want: "lib/15/bin"},
		{name: "a later glob has it", search: pgSearch{path: path, globs: globs}, data: 17, want: "brew/postgresql@17/bin"},
		{name: "PATH comes first", search: pgSearch{path: filepath.Join(root, "lib/15/bin"), globs: globs}, want: "lib/15/bin"},
		{name: "download comes last", search: pgSearch{path: path, download: fetch}, want: "fetched"},
		{name: "nothing", search: pgSearch{path: path, globs: []string{"/no/such/*"}},
			says: []string{"no PostgreSQL >= 14", "apt install postgresql", "brew install", "DATABASE_URL", "/no/such/*", "old: PostgreSQL 9, too old", "half: no initdb", "download: not allowed"}},
		{name: "only others", search: pgSearch{globs: globs}, data: 14, says: []string{"made by PostgreSQL 14", "16/bin: PostgreSQL 16"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.search.as = a
			c.search.log = testLogger(t)
			got, err := c.search.find(t.Context(), "/data", c.data)
			if c.want == "" {
				wantError(t, err, nil, c.says...)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if dir := strings.TrimPrefix(filepath.Dir(got.postgres), root+"/"); dir != c.want {
				t.Errorf("found %s, want %s", dir, c.want)
			}
		})
	}
}

func TestDefaultStateDir(t *testing.T) {
	t.Setenv("XDG_STATE_HOME", "/xdg")
	dir, err := DefaultStateDir()
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		fi, err := os.Stat(rootStateDir)
		if dir != rootStateDir || err != nil || fi.Mode().Perm() != 0o711 {
			t.Errorf("%s %v %v", dir, fi, err)
		}
		return
	}
	if dir != "/xdg/latchkey" {
		t.Error(dir)
	}
	t.Setenv("XDG_STATE_HOME", "")
	t.Setenv("HOME", "/home/ada")
	if dir, err := DefaultStateDir(); err != nil || dir != "/home/ada/.local/state/latchkey" {
		t.Error(dir, err)
	}
}
