package embedded

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/ulikunitz/xz"
)

// jarOf packs files as the repository has them: a .txz in a jar.
func jarOf(t *testing.T, files ...tar.Header) []byte {
	t.Helper()
	var packed bytes.Buffer
	x, err := xz.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(x)
	for _, h := range files {
		content := h.PAXRecords["LATCHKEY.content"]
		h.PAXRecords, h.Size = nil, int64(len(content))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	var jar bytes.Buffer
	z := zip.NewWriter(&jar)
	entry, err := z.Create("postgres-linux-x86_64.txz")
	if err == nil {
		if err = w.Close(); err == nil {
			if err = x.Close(); err == nil {
				_, err = entry.Write(packed.Bytes())
			}
		}
	}
	if err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	return jar.Bytes()
}

func file(name, content string, mode int64) tar.Header {
	return tar.Header{Name: name, Mode: mode, Typeflag: tar.TypeReg, PAXRecords: map[string]string{"LATCHKEY.content": content}}
}

// fakeRepository serves a jar under every path, and a pgDownload from it.
type fakeRepository struct {
	pgDownload
	requests atomic.Int32
	path     atomic.Value
	cacheDir string
	said     *strings.Builder
}

func newFakeRepository(t *testing.T, jar []byte, sha string) *fakeRepository {
	t.Helper()
	r := &fakeRepository{said: &strings.Builder{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.requests.Add(1)
		r.path.Store(q.URL.Path)
		_, _ = w.Write(jar)
	}))
	t.Cleanup(s.Close)
	a, err := chooseAccount("/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	r.cacheDir = filepath.Join(reachableDir(t), "cache")
	r.pgDownload = pgDownload{repository: s.URL + "/maven2/", cache: r.cacheDir, platform: "test/cpu", pins: map[string]pin{"test/cpu": {"artifact", sha}},
		as: a, log: slog.New(slog.NewTextHandler(r.said, nil))}
	return r
}

func sha(b []byte) string { return fmt.Sprintf("%x", sha256.Sum256(b)) }

// find looks for PostgreSQL where there is none but the repository's.
func (r *fakeRepository) find(ctx context.Context, major int) (pgBinaries, error) {
	return pgSearch{globs: []string{"/no/such/*"}, download: r.get, as: r.as, log: r.log}.find(ctx, "/data", major)
}

// left lists what is in the cache.
func (r *fakeRepository) left(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(r.cacheDir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// fakePostgres is a PostgreSQL that notes in a folder which user ran it.
func fakePostgres(t *testing.T) (jar []byte, ranAs string) {
	t.Helper()
	dir := reachableDir(t)
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	ranAs = filepath.Join(dir, "uid")
	return jarOf(t, tar.Header{Name: "./", Typeflag: tar.TypeDir, Mode: 0o700},
		file("bin/postgres", "#!/bin/sh\nid -u >>"+ranAs+"\necho 'postgres (PostgreSQL) 17.5'\n", 0o4755),
		file("bin/initdb", "#!/bin/sh\n", 0o755), file("lib/libpq.so.5.17", "x", 0o600),
		tar.Header{Name: "lib/libpq.so.5", Typeflag: tar.TypeSymlink, Linkname: "libpq.so.5.17"}), ranAs
}

func TestTheDownloadThatIsPinnedRuns(t *testing.T) {
	t.Parallel()
	jar, ranAs := fakePostgres(t)
	r := newFakeRepository(t, jar, sha(jar))
	for range 2 { // the second time from the cache
		b, err := r.find(t.Context(), 0)
		if err != nil || b.major != 17 || !strings.HasPrefix(b.postgres, r.cacheDir) {
			t.Fatalf("%+v, %v", b, err)
		}
		fi, err := os.Stat(b.postgres)
		if err != nil || fi.Mode() != 0o755 { // setuid is not taken over
			t.Errorf("%v, %v", fi.Mode(), err)
		}
	}
	if got := r.path.Load(); r.requests.Load() != 1 || got != "/maven2/io/zonky/test/postgres/artifact/17.5.0/artifact-17.5.0.jar" {
		t.Errorf("%d requests, of %v", r.requests.Load(), got)
	}
	if uids, err := os.ReadFile(ranAs); err != nil || strings.Contains("\n"+string(uids), "\n0\n") {
		t.Errorf("it ran as users %q, %v: never as root", uids, err)
	}
	if log := r.said.String(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "/artifact-17.5.0.jar") || !strings.Contains(log, "MB") || !strings.Contains(log, sha(jar)) || !strings.Contains(log, "LATCHKEY_POSTGRES_DOWNLOAD=off") {
		t.Errorf("announced: %s", log)
	}
	if names := r.left(t); len(names) != 1 {
		t.Errorf("in the cache: %v", names)
	}
}

func TestADownloadThatIsNotPinnedIsRefused(t *testing.T) {
	t.Parallel()
	jar, ranAs := fakePostgres(t)
	other := sha([]byte("what it should be"))
	r := newFakeRepository(t, jar, other)
	_, err := r.find(t.Context(), 0)
	wantError(t, err, nil, "refused", sha(jar), other, "nothing of it was unpacked or run")
	if names := r.left(t); len(names) != 0 {
		t.Errorf("left in the cache: %v", names)
	}
	if _, err := os.Stat(ranAs); err == nil {
		t.Error("it ran")
	}
	// A copy that an earlier version of latchkey put there unchecked is not taken either.
	write(t, filepath.Join(r.cacheDir, "postgresql-17.5.0-linux-amd64", "bin", "postgres"), "#!/bin/sh\n", 0o755)
	_, err = r.find(t.Context(), 0)
	wantError(t, err, nil, "refused")
}

func TestDownloadsThatAreNotMade(t *testing.T) {
	t.Parallel()
	jar, _ := fakePostgres(t)
	for name, c := range map[string]struct {
		change func(*fakeRepository)
		major  int
		says   []string
	}{
		"another platform":      {func(r *fakeRepository) { r.platform = "plan9/mips" }, 0, []string{"no checksum of a PostgreSQL for plan9/mips"}},
		"data of another major": {func(*fakeRepository) {}, 16, []string{"PostgreSQL 16 is not pinned", "17.5.0 alone", "Nothing was changed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFakeRepository(t, jar, sha(jar))
			c.change(r)
			_, err := r.find(t.Context(), c.major)
			wantError(t, err, nil, c.says...)
			if n := r.requests.Load(); n != 0 {
				t.Errorf("%d requests", n)
			}
		})
	}
	t.Run("switched off", func(t *testing.T) {
		t.Parallel()
		if s := defaultPGSearch(PostgresOptions{}, account{}); s.download != nil {
			t.Error("without a repository there is a download")
		}
	})
}

// TestAnArchiveThatMeansHarm has the right hash all the same.
func TestAnArchiveThatMeansHarm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		jar  []byte
		says string
	}{
		"a file above":        {jarOf(t, file("../evil", "x", 0o644)), "leads out"},
		"an absolute file":    {jarOf(t, file("/tmp/evil", "x", 0o644)), "leads out"},
		"a link out":          {jarOf(t, tar.Header{Name: "lib", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), "out of the archive"},
		"a link above":        {jarOf(t, tar.Header{Name: "lib/x", Typeflag: tar.TypeSymlink, Linkname: "../../x"}), "out of the archive"},
		"a device":            {jarOf(t, tar.Header{Name: "null", Typeflag: tar.TypeChar}), "neither a file"},
		"the same file twice": {jarOf(t, file("a", "1", 0o644), file("a", "2", 0o644)), "exists"},
		"no archive":          {[]byte("<html>"), "zip"},
		"no .txz":             {emptyZip(t), "no .txz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newFakeRepository(t, c.jar, sha(c.jar))
			_, err := r.find(t.Context(), 0)
			wantError(t, err, nil, c.says)
			if names := r.left(t); len(names) != 0 {
				t.Errorf("left in the cache: %v", names)
			}
		})
	}
}

func emptyZip(t *testing.T) []byte {
	var b bytes.Buffer
	if err := zip.NewWriter(&b).Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestPinsAreHashes(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for platform, p := range pinned {
		if !regexp.MustCompile(`^[0-9a-f]{64}$`).MatchString(p.sha256) || seen[p.sha256] || !strings.HasPrefix(p.artifact, "embedded-postgres-binaries-") {
			t.Errorf("%s: %+v", platform, p)
		}
		seen[p.sha256] = true
	}
	if !strings.HasPrefix(pinnedRelease, fmt.Sprint(pinnedMajor)+".") {
		t.Errorf("release %s, major %d", pinnedRelease, pinnedMajor)
	}
}
