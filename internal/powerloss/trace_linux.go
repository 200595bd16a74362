package powerloss

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Recorder runs one program and knows what of its files is on disk.
type Recorder struct {
	disk    *disk
	process *os.Process
	done    chan struct{}
	err     error // of the tracing; to be read after done

	calls map[int]*call // of threads that are in a system call
}

// call is a system call that was begun.
type call struct {
	sync  *synced // of fsync and fdatasync
	open  string  // of a synced write: the file, as /proc names it
	path  string
	tid   int
	fd    uint64
	at    int64 // where it writes; -1: where the file stands
	wrote bool
}

// Start starts the program and records what it syncs below root, an absolute path. The
// command's output must be files or nothing. Stop ends it.
func Start(cmd *exec.Cmd, root string, names Names) (*Recorder, error) {
	root, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, fmt.Errorf("powerloss: %w", err)
	}
	r := &Recorder{disk: newDisk(root, names), done: make(chan struct{}), calls: map[int]*call{}}
	started := make(chan error)
	go func() {
		// All of ptrace is one thread's matter, which ends with this goroutine.
		runtime.LockOSThread()
		defer close(r.done)
		if cmd.SysProcAttr == nil {
			cmd.SysProcAttr = &syscall.SysProcAttr{}
		}
		cmd.SysProcAttr.Ptrace, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
		if err := cmd.Start(); err != nil {
			started <- fmt.Errorf("powerloss: start %s under ptrace: %w", cmd.Path, err)
			return
		}
		r.process = cmd.Process
		if err := r.attach(); err != nil {
			_ = unix.Kill(cmd.Process.Pid, unix.SIGKILL)
			started <- err
			return
		}
		started <- nil
		r.err = r.trace()
	}()
	return r, <-started
}

// Snapshot makes a folder that holds what is on disk now.
func (r *Recorder) Snapshot(to string) error { return r.disk.write(to) }

// Syncs counts the syncs that returned.
func (r *Recorder) Syncs() int {
	r.disk.mu.Lock()
	defer r.disk.mu.Unlock()
	return r.disk.syncs
}

// Stop kills the program, as a power cut does, and returns what went wrong with the
// recording, if anything did.
func (r *Recorder) Stop() error {
	select {
	case <-r.done:
	default:
		_ = unix.Kill(r.process.Pid, unix.SIGKILL)
		<-r.done
	}
	_ = r.process.Release()
	return r.err
}

// attach waits for the program's first stop, before it has run a single instruction.
func (r *Recorder) attach() error {
	var ws unix.WaitStatus
	if _, err := unix.Wait4(r.process.Pid, &ws, unix.WALL, nil); err != nil {
		return fmt.Errorf("powerloss: wait: %w", err)
	}
	if !ws.Stopped() {
		return errors.New("powerloss: the program ended before it began")
	}
	if err := unix.PtraceSetOptions(r.process.Pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return fmt.Errorf("powerloss: ptrace: %w", err)
	}
	return r.resume(r.process.Pid, 0)
}

// trace follows all threads until the program has ended.
func (r *Recorder) trace() error {
	fresh := map[int]bool{r.process.Pid: true} // threads that had their first stop
	for {
		var ws unix.WaitStatus
		// __WNOTHREAD: other children of this process belong to others.
		tid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ECHILD):
			return nil
		case err != nil:
			return fmt.Errorf("powerloss: wait: %w", err)
		}
		if !ws.Stopped() {
			delete(r.calls, tid)
			delete(fresh, tid) // its number is used again
			continue
		}
		sig := ws.StopSignal()
		switch {
		case sig == unix.SIGTRAP|0x80:
			if err := r.systemCall(tid); err != nil {
				_ = unix.Kill(r.process.Pid, unix.SIGKILL)
				return err
			}
			sig = 0
		case sig == unix.SIGTRAP: // an event, such as a new thread
			sig = 0
		case sig == unix.SIGSTOP && !fresh[tid]: // a new thread's first
			fresh[tid], sig = true, 0
		}
		if err := r.resume(tid, int(sig)); err != nil {
			return err
		}
	}
}

// resume lets a thread run to its next system call. One that was killed meanwhile is
// no error.
func (r *Recorder) resume(tid, sig int) error {
	if err := unix.PtraceSyscall(tid, sig); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("powerloss: ptrace: %w", err)
	}
	return nil
}

// syscallInfo is struct ptrace_syscall_info.
type syscallInfo struct {
	op   uint8
	_    [3]uint8
	arch uint32
	ip   uint64
	sp   uint64
	// At the entry the number and the arguments; at the exit the result and whether it
	// is an error.
	v [8]uint64
}

const (
	opEntry = 1
	opExit  = 2
)

// systemCall handles the entry or the exit of one.
func (r *Recorder) systemCall(tid int) error {
	var info syscallInfo
	_, _, errno := unix.RawSyscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno == unix.ESRCH {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("powerloss: PTRACE_GET_SYSCALL_INFO (Linux 5.3 or newer is needed): %w", errno)
	}
	switch info.op {
	case opEntry:
		c, err := r.entry(tid, info.v[0], info.v[1:7])
		if c != nil {
			r.calls[tid] = c
		}
		return err
	case opExit:
		c := r.calls[tid]
		delete(r.calls, tid)
		if c != nil && uint8(info.v[1]) == 0 {
			return r.exit(c, int64(info.v[0]))
		}
	}
	return nil
}

// entry looks at a system call that begins; nil: it is none of ours.
func (r *Recorder) entry(tid int, number uint64, args []uint64) (*call, error) {
	var c call
	switch number {
	case unix.SYS_FSYNC, unix.SYS_FDATASYNC:
	case unix.SYS_WRITE, unix.SYS_WRITEV:
		c.wrote, c.at = true, -1
	case unix.SYS_PWRITE64, unix.SYS_PWRITEV:
		c.wrote, c.at = true, int64(args[3])
	default:
		return nil, nil
	}
	c.tid, c.fd = tid, args[0]
	c.open = fmt.Sprintf("/proc/%d/fd/%d", tid, c.fd)
	path, err := os.Readlink(c.open)
	if err != nil || !r.disk.holds(path) {
		return nil, nil // a socket, say
	}
	if strings.HasSuffix(path, " (deleted)") {
		return nil, nil
	}
	c.path = path
	if c.wrote {
		flags, _, err := fdInfo(tid, c.fd)
		if err != nil || flags&unix.O_DSYNC == 0 { // O_SYNC includes it
			return nil, err
		}
		return &c, nil
	}
	if c.sync, err = r.disk.before(c.open, path); err != nil {
		return nil, fmt.Errorf("powerloss: %s: %w", path, err)
	}
	return &c, nil
}

// exit notes what a system call that succeeded has put on disk.
func (r *Recorder) exit(c *call, result int64) error {
	if !c.wrote {
		r.disk.commit(c.sync)
		return nil
	}
	if result <= 0 {
		return nil
	}
	at := c.at
	if at < 0 {
		_, pos, err := fdInfo(c.tid, c.fd)
		if err != nil {
			return fmt.Errorf("powerloss: %s: %w", c.path, err)
		}
		at = pos - result
	}
	id, _, err := identify(c.open)
	if err != nil {
		return fmt.Errorf("powerloss: %s: %w", c.path, err)
	}
	f, err := os.Open(c.open)
	if err != nil {
		return fmt.Errorf("powerloss: %s: %w", c.path, err)
	}
	defer f.Close()
	data := make([]byte, result)
	if _, err := f.ReadAt(data, at); err != nil {
		return fmt.Errorf("powerloss: %s: %w", c.path, err)
	}
	r.disk.commit(&synced{path: c.path, id: id, data: data, at: at})
	return nil
}

// fdInfo reads how a file was opened, and where it stands.
func fdInfo(tid int, fd uint64) (flags, pos int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tid, fd))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch key {
		case "flags":
			flags, err = strconv.ParseInt(value, 8, 64)
		case "pos":
			pos, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return 0, 0, err
		}
	}
	return flags, pos, nil
}
