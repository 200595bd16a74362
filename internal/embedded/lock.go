package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// ErrInUse: another process (or another part of this one) is using the folder.
var ErrInUse = errors.New("folder is in use")

// leftoverWait is how long to wait for the PostgreSQL of a killed process.
const leftoverWait = 30 * time.Second

// dirLock is an advisory lock (flock) on a file in a folder. The kernel drops
// it when the last descriptor is closed, so nothing is ever stale: not after
// SIGKILL, not after a power cut. The lock file itself stays.
//
// PostgreSQL's folder has two. The first is this process's and says who may
// use the folder. The second is inherited by every server process, so it is
// free once the last of them is gone, however they and their parent ended.
type dirLock struct {
	file *os.File
	ours bool // this process's alone: no child inherits it
}

// lockDir takes this process's lock, called name, on dir. When it is held, the
// error wraps ErrInUse and says by whom and what to do.
func lockDir(dir, name string) (*dirLock, error) {
	l, err := openLock(dir, name)
	if err != nil {
		return nil, err
	}
	held, err := l.try()
	if held {
		err = fmt.Errorf("embedded: %s: %w by %s; stop that process, or give this one a folder of its own (LATCHKEY_STATE)", dir, ErrInUse, l.holder())
	}
	if err != nil {
		l.release()
		return nil, err
	}
	l.ours = true
	// Who we are, for the message of whoever comes second. Losing it loses
	// only that message, so a full disk does not matter here.
	_ = l.file.Truncate(0)
	_, _ = l.file.WriteAt(fmt.Appendf(nil, "process %d (%s, since %s)\n", os.Getpid(), filepath.Base(os.Args[0]), time.Now().UTC().Format(time.RFC3339)), 0)
	return l, nil
}

// lockForChildren takes the lock that children inherit. The caller holds the
// folder's first lock, so who has this one is left over from an owner that is
// dead, and is going down: that is waited for, 30 s at most.
func lockForChildren(ctx context.Context, dir, name string) (*dirLock, error) {
	l, err := openLock(dir, name)
	if err != nil {
		return nil, err
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) {
		held, err := l.try()
		if held {
			return struct{}{}, fmt.Errorf("embedded: %s: %w by the PostgreSQL of a process that was killed, which is still shutting down; wait for it, or end it (its id is in %s)", dir, ErrInUse, filepath.Join(dir, pgDataName, "postmaster.pid"))
		}
		if err != nil {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(10*time.Millisecond)), backoff.WithMaxElapsedTime(leftoverWait))
	if err != nil {
		l.release()
		return nil, err
	}
	return l, nil
}

func openLock(dir, name string) (*dirLock, error) {
	// O_NOFOLLOW: the folder may belong to a less trusted user than we are.
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded: open the folder's lock: %w", err)
	}
	return &dirLock{file: f}, nil
}

// try takes the lock, or reports that it is held.
func (l *dirLock) try() (held bool, err error) {
	err = syscall.Flock(int(l.file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("embedded: lock %s: %w", l.file.Name(), err)
	}
	return false, nil
}

// release drops the lock, unless a child still has the descriptor that it is to
// inherit. Closing is not enough for a lock of our own: whatever this process
// forks at the same moment has the descriptor until it executes. (And LOCK_UN
// would take an inherited lock from the child as well.)
func (l *dirLock) release() {
	if l == nil {
		return
	}
	if l.ours {
		_ = syscall.Flock(int(l.file.Fd()), syscall.LOCK_UN)
	}
	_ = l.file.Close()
}

// holder reads who wrote the lock file last.
func (l *dirLock) holder() string {
	b := make([]byte, 256)
	n, err := l.file.ReadAt(b, 0)
	if who := strings.TrimSpace(string(b[:n])); (err == nil || errors.Is(err, io.EOF)) && who != "" {
		return who
	}
	return "another process"
}
