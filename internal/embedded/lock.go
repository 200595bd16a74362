package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// ErrInUse: another process (or another part of this one) is using the folder.
var ErrInUse = errors.New("folder is in use")

// orphanWait is how long to wait for a folder whose holder is dead but whose
// PostgreSQL is still being shut down by its supervisor.
const orphanWait = 30 * time.Second

// dirLock is an advisory lock (flock) on a file in a folder. The kernel drops
// it when the last descriptor is closed, so nothing is ever stale: not after
// SIGKILL, not after a power cut. The lock file itself stays.
type dirLock struct{ file *os.File }

// lockDir takes the lock called name in dir. When a living process holds it,
// the error wraps ErrInUse and says who that is and what to do. When its holder
// is dead (its PostgreSQL is then just going down), it waits for up to 30 s.
func lockDir(ctx context.Context, dir, name string) (*dirLock, error) {
	path := filepath.Join(dir, name)
	// O_NOFOLLOW: the folder may belong to a less trusted user than we are.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded: open the lock: %w", err)
	}
	try := func() (struct{}, error) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return struct{}{}, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return struct{}{}, backoff.Permanent(fmt.Errorf("embedded: lock %s: %w", path, err))
		}
		pid, what := holder(f)
		inUse := fmt.Errorf("embedded: %s: %w by %s; stop that process, or give this one a folder of its own (LATCHKEY_STATE)", dir, ErrInUse, what)
		if pid > 0 && !alive(pid) {
			return struct{}{}, inUse // being shut down: worth waiting for
		}
		return struct{}{}, backoff.Permanent(inUse)
	}
	_, err = backoff.Retry(ctx, try, backoff.WithBackOff(backoff.NewConstantBackOff(20*time.Millisecond)), backoff.WithMaxElapsedTime(orphanWait))
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	// Who we are, for the message of whoever comes second. Losing it loses
	// only that message, so a full disk does not matter here.
	_ = f.Truncate(0)
	_, _ = f.WriteAt(fmt.Appendf(nil, "%d\n%s\n%s\n", os.Getpid(), filepath.Base(os.Args[0]), time.Now().UTC().Format(time.RFC3339)), 0)
	return &dirLock{file: f}, nil
}

// release gives the lock up, unless a child still has the descriptor. (No
// LOCK_UN: that would take it from the child as well.)
func (l *dirLock) release() { _ = l.file.Close() }

// holder reads who wrote the lock file last.
func holder(f *os.File) (pid int, what string) {
	b := make([]byte, 512)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, "another process"
	}
	lines := strings.Split(string(b[:n]), "\n")
	pid, err = strconv.Atoi(lines[0])
	if err != nil || len(lines) < 3 {
		return 0, "another process"
	}
	what = fmt.Sprintf("process %d (%s, since %s)", pid, lines[1], lines[2])
	switch {
	case pid == os.Getpid():
		what += ", which is this one"
	case !alive(pid):
		what = fmt.Sprintf("the PostgreSQL of process %d (%s), which is dead; it is still shutting down", pid, lines[1])
	}
	return pid, what
}

// alive reports whether there is a process with this id, ours or not.
func alive(pid int) bool {
	err := syscall.Kill(pid, 0)
	return err == nil || errors.Is(err, fs.ErrPermission)
}
