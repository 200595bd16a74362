package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minPostgres is the oldest major version latchkey's SQL runs on.
const minPostgres = 14

// pgBinaries is one PostgreSQL installation.
type pgBinaries struct {
	postgres, initdb string
	major            int
}

// pgSearch says where to look, in this order.
type pgSearch struct {
	path     string   // as $PATH
	globs    []string // of bin folders; within a glob the newest is preferred
	download func(ctx context.Context, major int) (binDir string, err error)
	as       account // who must be able to run them
	log      *slog.Logger
}

func defaultPGSearch(o PostgresOptions, a account) pgSearch {
	s := pgSearch{
		path: os.Getenv("PATH"),
		globs: []string{
			"/usr/lib/postgresql/*/bin",          // Debian, Ubuntu
			"/usr/pgsql-*/bin",                   // Red Hat, from postgresql.org
			"/usr/libexec/postgresql*",           // Alpine
			"/opt/homebrew/opt/postgresql@*/bin", // Homebrew, Apple silicon
			"/usr/local/opt/postgresql@*/bin",    // Homebrew, Intel
			"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
		},
		as:  a,
		log: o.Logger,
	}
	if o.Download != "" {
		s.download = defaultDownload(o, a).get
	}
	return s
}

// find returns the first installation of at least PostgreSQL 14; of exactly
// the major version that made the data, when there is data (major > 0). The
// error says what was looked for, what was found, and what to do.
func (s pgSearch) find(ctx context.Context, dataDir string, major int) (pgBinaries, error) {
	var looked []string
	for _, dir := range s.candidates() {
		b, err := s.inspect(ctx, dir)
		if ctx.Err() != nil { // then err says nothing about that installation
			return pgBinaries{}, fmt.Errorf("embedded: look for PostgreSQL: %w", context.Cause(ctx))
		}
		switch {
		case err != nil:
			looked = append(looked, fmt.Sprintf("%s: %v", dir, err))
		case b.major < minPostgres:
			looked = append(looked, fmt.Sprintf("%s: PostgreSQL %d, too old", dir, b.major))
		case major != 0 && b.major != major:
			looked = append(looked, fmt.Sprintf("%s: PostgreSQL %d", dir, b.major))
		default:
			return b, nil
		}
	}
	if s.download == nil {
		looked = append(looked, "download: not allowed (LATCHKEY_POSTGRES_DOWNLOAD)")
	} else {
		dir, err := s.download(ctx, major)
		if err == nil {
			var b pgBinaries
			if b, err = s.inspect(ctx, dir); err == nil {
				return b, nil
			}
		}
		looked = append(looked, fmt.Sprintf("download: %v", err))
	}
	where := fmt.Sprintf("Looked for postgres and initdb on PATH and in %s:\n  %s", strings.Join(s.globs, ", "), strings.Join(looked, "\n  "))
	if major != 0 {
		return pgBinaries{}, fmt.Errorf("embedded: the data in %s was made by PostgreSQL %d, which is not on this machine. Nothing was changed. Install PostgreSQL %d; or upgrade the data to another version with pg_upgrade; or move that folder elsewhere to start empty. %s", dataDir, major, major, where)
	}
	return pgBinaries{}, fmt.Errorf("embedded: no PostgreSQL >= %d found. Install one (Debian, Ubuntu: apt install postgresql; macOS: brew install postgresql@17), or set DATABASE_URL to a server that is running already. %s", minPostgres, where)
}

// candidates are the bin folders that have a postgres, best first.
func (s pgSearch) candidates() []string {
	var dirs []string
	add := func(dir string) {
		if _, err := os.Stat(filepath.Join(dir, "postgres")); err == nil && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range filepath.SplitList(s.path) {
		if filepath.IsAbs(dir) {
			// initdb insists on a postgres in its own folder, so follow a link to
			// the installation's own folder.
			if p, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres")); err == nil {
				add(filepath.Dir(p))
			}
		}
	}
	for _, glob := range s.globs {
		found, err := filepath.Glob(glob)
		if err != nil {
			continue
		}
		slices.SortFunc(found, func(a, b string) int { return lastNumber(b) - lastNumber(a) })
		for _, dir := range found {
			add(dir)
		}
	}
	return dirs
}

var number = regexp.MustCompile(`[0-9]+`)

// lastNumber is the version in a folder's name.
func lastNumber(s string) int {
	all := number.FindAllString(s, -1)
	if len(all) == 0 {
		return 0
	}
	n, _ := strconv.Atoi(all[len(all)-1])
	return n
}

var pgVersion = regexp.MustCompile(`^postgres \(PostgreSQL\) ([0-9]+)`)

// inspect asks the binaries in dir for their version, as who will run them.
func (s pgSearch) inspect(ctx context.Context, dir string) (pgBinaries, error) {
	b := pgBinaries{postgres: filepath.Join(dir, "postgres"), initdb: filepath.Join(dir, "initdb")}
	if _, err := os.Stat(b.initdb); err != nil {
		return pgBinaries{}, fmt.Errorf("no initdb there")
	}
	cmd := exec.CommandContext(ctx, b.postgres, "--version")
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", childEnv("/"), s.as.sysProcAttr()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return pgBinaries{}, fmt.Errorf("postgres --version: %w: %s", err, strings.TrimSpace(string(out)))
	}
	m := pgVersion.FindSubmatch(out)
	if m == nil {
		return pgBinaries{}, fmt.Errorf("postgres --version said %q", strings.TrimSpace(string(out)))
	}
	b.major, err = strconv.Atoi(string(m[1]))
	return b, err
}
