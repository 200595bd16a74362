package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// starter starts processes from one thread that lives as long as it does: Linux ends a
// child whose parent died when the *thread* that started it ends, and Go ends threads
// as it likes.
type starter struct {
	work chan func()
	done chan struct{}
}

func newStarter() *starter {
	s := &starter{work: make(chan func()), done: make(chan struct{})}
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		defer close(s.done)
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *starter) start(cmd *exec.Cmd) (err error) {
	started := make(chan struct{})
	s.work <- func() { err = cmd.Start(); close(started) }
	<-started
	return err
}

// close ends the thread; every child is gone by then.
func (s *starter) close() { close(s.work); <-s.done }

// process is one program that is started, killed and started again. Its output goes to
// one file over all its lives.
type process struct {
	name    string
	path    string
	args    []string
	env     []string
	dir     string // of its log and its temporary files
	starter *starter

	mu     sync.Mutex
	cmd    *exec.Cmd // nil before the first start
	exited chan struct{}
}

// tmp is the process's own TMPDIR, which must be empty at the end.
func (p *process) tmp() string { return filepath.Join(p.dir, "tmp", p.name) }

func (p *process) logFile() string { return filepath.Join(p.dir, p.name+".log") }

// start starts the process unless it runs.
func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running() {
		return nil
	}
	if err := os.MkdirAll(p.tmp(), 0o700); err != nil {
		return fmt.Errorf("chaos: %s: %w", p.name, err)
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("chaos: %s: %w", p.name, err)
	}
	defer log.Close() // the process has its own
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + p.dir, "TMPDIR=" + p.tmp(), "TZ=UTC"}, p.env...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttr()
	if err := p.starter.start(cmd); err != nil {
		return fmt.Errorf("chaos: start %s: %w", p.name, err)
	}
	exited := make(chan struct{})
	p.cmd, p.exited = cmd, exited
	go func() {
		_ = cmd.Wait()
		close(exited)
	}()
	return nil
}

// running is for holders of mu.
func (p *process) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// alive reports whether the process runs, and its id.
func (p *process) alive() (pid int, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0, false
	}
	return p.cmd.Process.Pid, true
}

// kill is kill -9; it returns when the process is gone, with the id that it had.
func (p *process) kill() (pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	_ = p.cmd.Process.Kill()
	<-p.exited
	return p.cmd.Process.Pid
}

// signal sends a signal, if the process runs.
func (p *process) signal(s syscall.Signal) (pid int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return 0
	}
	_ = p.cmd.Process.Signal(s)
	return p.cmd.Process.Pid
}

var errDidNotEnd = errors.New("did not end")

// stop asks the process to end and returns how it ended; one that does not end in
// time is killed, and that is the error.
func (p *process) stop(ctx context.Context, within time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.running() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	began := time.Now()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s %w within %v of SIGTERM", p.name, errDidNotEnd, time.Since(began).Round(time.Second))
	}
	if state := p.cmd.ProcessState; !state.Success() {
		return fmt.Errorf("%s ended with %s after SIGTERM, want exit status 0", p.name, state)
	}
	return nil
}
