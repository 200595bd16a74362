package embedded

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// supervisorScript is run by /bin/sh between us and each child. We hold the
// write end of a pipe (the lifeline) that the kernel closes when we die, no
// matter how; the script then shuts the child down.
//
// Linux's Pdeathsig is deliberately not used: it fires when the OS *thread*
// that started the child ends, which the Go runtime may do at any time, and it
// is cleared when the child changes its user.
//
//go:embed supervise.sh
var supervisorScript string

// spec is one command to supervise.
type spec struct {
	path  string
	args  []string
	dir   string   // working directory
	scrap string   // folder to remove when we die, or ""
	user  account  // to run as
	log   *os.File // stdout and stderr
	lock  *dirLock // inherited: the folder stays locked while the child lives
}

// child is a supervised command, running or ended.
type child struct {
	cmd      *exec.Cmd
	lifeline *os.File
	exited   chan struct{} // closed once the command and its supervisor ended
	err      error         // how it ended; to be read after exited
}

// supervise starts a command in a process group of its own, so that Ctrl-C in
// the terminal reaches only us.
func supervise(s spec) (*child, error) {
	// Close-on-exec, as is every descriptor Go opens: no other child of this
	// process can inherit our end and so keep this one alive.
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("embedded: %w", err)
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervisorScript, "latchkey-supervisor", s.scrap, s.path}, s.args...)...)
	cmd.Dir = s.dir
	cmd.Env = childEnv(s.dir)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.ExtraFiles = []*os.File{r, s.lock.file} // fd 3, fd 4
	cmd.SysProcAttr = s.user.sysProcAttr()
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("embedded: start %s: %w", s.path, err)
	}
	c := &child{cmd: cmd, lifeline: w, exited: make(chan struct{})}
	go func() {
		defer close(c.exited)
		c.err = cmd.Wait()
		// Somebody killed the supervisor itself: its group must not stay.
		if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
			c.kill()
		}
	}()
	return c, nil
}

// stop asks the command to shut down in order and waits for it; when ctx ends
// first it is shut down at once (PostgreSQL then recovers from its log at the
// next start, and loses nothing). Calling it again is fine.
func (c *child) stop(ctx context.Context) error {
	_, _ = c.lifeline.WriteString("stop\n")
	_ = c.lifeline.Close()
	select {
	case <-c.exited:
		return nil
	case <-ctx.Done():
		c.kill()
		<-c.exited
		return fmt.Errorf("embedded: did not stop in time and was forced to: %w", context.Cause(ctx))
	}
}

// kill sends SIGQUIT to the group: PostgreSQL's immediate shutdown. The
// supervisor ignores it and lives on to see the end.
func (c *child) kill() { _ = syscall.Kill(-c.cmd.Process.Pid, syscall.SIGQUIT) }

// childEnv keeps our own environment, with its secrets and PG* variables, away
// from the servers.
func childEnv(home string) []string {
	env := []string{"PATH=" + strings.TrimPrefix(os.Getenv("PATH")+":/usr/bin:/bin", ":"), "HOME=" + home, "LC_ALL=C", "TZ=UTC"}
	for _, k := range []string{"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"} {
		if v, ok := os.LookupEnv(k); ok {
			env = append(env, k+"="+v)
		}
	}
	return env
}

// run supervises a command to its end. When ctx ends first it is stopped.
func run(ctx context.Context, s spec) error {
	c, err := supervise(s)
	if err != nil {
		return err
	}
	select {
	case <-c.exited:
		_ = c.lifeline.Close()
		return c.err
	case <-ctx.Done():
		return errors.Join(context.Cause(ctx), c.stop(context.WithoutCancel(ctx)))
	}
}
