//go:build linux

package powerloss

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Names says when a file's name is on disk.
type Names int

const (
	// NamesWithFile: with the first sync of the file itself, as ext4, xfs and btrfs do.
	NamesWithFile Names = iota
	// NamesWithFolder: only with a sync of the folder, which is all that POSIX promises.
	NamesWithFolder
)

// fileID is one file whatever its name. A number is used again when a file is gone, so
// that the time of its making belongs to it.
type fileID struct {
	ino  uint64
	born unix.StatxTimestamp
}

// disk is what was synced of everything below root.
type disk struct {
	root  string
	names Names

	mu      sync.Mutex
	content map[fileID][]byte
	folders map[string]map[string]fileID // by path; a folder in a folder has no fileID
	syncs   int
}

func newDisk(root string, names Names) *disk {
	return &disk{root: root, names: names, content: map[fileID][]byte{}, folders: map[string]map[string]fileID{root: {}}}
}

func (d *disk) holds(path string) bool {
	return path == d.root || strings.HasPrefix(path, d.root+string(filepath.Separator))
}

// identify asks whose path it is; the zero fileID is a folder's.
func identify(path string) (id fileID, folder bool, err error) {
	var st unix.Statx_t
	if err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO|unix.STATX_TYPE|unix.STATX_BTIME, &st); err != nil {
		return fileID{}, false, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return fileID{}, true, nil
	}
	return fileID{ino: st.Ino, born: st.Btime}, false, nil
}

// synced is what a sync will have put on disk when it returns.
type synced struct {
	path    string
	id      fileID
	data    []byte
	listing map[string]fileID // of a folder
	at      int64             // where data begins
	all     bool              // data is all of the file
}

// before reads what a sync of the open file is about: called when the program is about
// to sync it. Everything that is in it now was written before.
func (d *disk) before(open, path string) (*synced, error) {
	id, folder, err := identify(open)
	if err != nil {
		return nil, err
	}
	s := &synced{path: path, id: id, all: true}
	if !folder {
		s.data, err = os.ReadFile(open)
		return s, err
	}
	entries, err := os.ReadDir(open)
	if err != nil {
		return nil, err
	}
	s.listing = map[string]fileID{}
	for _, e := range entries {
		id, _, err := identify(filepath.Join(open, e.Name()))
		if err != nil {
			continue // it went meanwhile
		}
		s.listing[e.Name()] = id
	}
	return s, nil
}

// commit notes that the sync returned.
func (d *disk) commit(s *synced) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.syncs++
	if s.listing != nil {
		d.folders[s.path] = s.listing
		if d.names == NamesWithFile {
			d.named(s.path, fileID{})
		}
		return
	}
	if s.all {
		d.content[s.id] = s.data
	} else {
		old := d.content[s.id]
		if grow := int(s.at) + len(s.data) - len(old); grow > 0 {
			old = append(old, make([]byte, grow)...)
		}
		copy(old[s.at:], s.data)
		d.content[s.id] = old
	}
	if d.names == NamesWithFile {
		d.named(s.path, s.id)
	}
}

// named puts a name and those of the folders above it on disk; mu is held.
func (d *disk) named(path string, id fileID) {
	for ; path != d.root && d.holds(path); path, id = filepath.Dir(path), (fileID{}) {
		dir := filepath.Dir(path)
		if d.folders[dir] == nil {
			d.folders[dir] = map[string]fileID{}
		}
		d.folders[dir][filepath.Base(path)] = id
	}
}

// write makes a folder as it would be found after a power cut now.
func (d *disk) write(to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.writeFolder(d.root, to)
}

func (d *disk) writeFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return fmt.Errorf("powerloss: %w", err)
	}
	for name, id := range d.folders[from] {
		var err error
		if id == (fileID{}) {
			err = d.writeFolder(filepath.Join(from, name), filepath.Join(to, name))
		} else {
			err = os.WriteFile(filepath.Join(to, name), d.content[id], 0o600) // none: an empty file
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("powerloss: %w", err)
		}
	}
	return nil
}
