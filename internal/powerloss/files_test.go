//go:build linux

package powerloss_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"latchkey/internal/powerloss"
	"latchkey/internal/testenv"
)

// files makes this test binary a program that writes files, synced and not.
const files = "files"

func writeFiles() error {
	dir := os.Getenv("TEST_POWERLOSS_DIR")
	at := func(name string) string { return filepath.Join(dir, name) }
	var errs []error
	note := func(err error) { errs = append(errs, err) }
	write := func(f *os.File, text string) {
		_, err := f.WriteString(text)
		note(err)
	}
	open := func(name string, flags int) *os.File {
		f, err := os.OpenFile(at(name), os.O_CREATE|os.O_RDWR|flags, 0o600)
		note(err)
		return f
	}
	note(os.Mkdir(at("sub"), 0o700))
	f := open("sub/synced then more", 0)
	write(f, "synced")
	note(f.Sync())
	write(f, " and more")
	write(open("never synced", 0), "x")
	f = open("each write synced", syscall.O_SYNC)
	write(f, "one ")
	write(f, "two ")
	_, err := f.WriteAt([]byte("ONE"), 0)
	note(err)
	f = open("data synced", 0)
	write(f, "data")
	note(syscall.Fdatasync(int(f.Fd())))
	f = open("overwritten", 0)
	write(f, "old")
	note(f.Sync())
	note(os.WriteFile(at("overwritten"), []byte("new and longer"), 0o600))
	f = open("old name", 0)
	write(f, "renamed")
	note(f.Sync())
	note(os.Rename(at("old name"), at("new name")))
	note(os.WriteFile(at("done"), nil, 0o600))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	select {} // until the power is cut
}

// TestRecorder holds the recorder to what a file system does.
func TestRecorder(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names powerloss.Names
		want  string
	}{
		"names are kept with their files": {powerloss.NamesWithFile, `data synced: data
each write synced: ONE two 
old name: renamed
overwritten: old
sub/synced then more: synced
`},
		"names are kept with their folders": {powerloss.NamesWithFolder, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exe, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			dir, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
			cmd := exec.Command(exe)
			cmd.Env = []string{role + "=" + files, "TEST_POWERLOSS_DIR=" + dir}
			rec, err := powerloss.Start(cmd, dir, c.names)
			if err != nil {
				t.Fatal(err)
			}
			testenv.Until(t, "all is written", func() bool {
				_, err := os.Stat(filepath.Join(dir, "done"))
				return err == nil
			})
			if err := errors.Join(rec.Snapshot(image), rec.Stop()); err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			err = filepath.WalkDir(image, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				b, err := os.ReadFile(path)
				name, _ := filepath.Rel(image, path)
				got.WriteString(name + ": " + string(b) + "\n")
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want {
				t.Errorf("after the power cut:\n%s\nwant:\n%s", &got, c.want)
			}
		})
	}
}
