package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"latchkey/internal/embedded"
)

// database is the Postgres of the rig and the ways to hurt it.
type database struct {
	*embedded.Postgres
	dir   string
	fault sync.Mutex // held while one fault is done to it
}

// postmaster is the id of the server's first process; 0 when there is none.
func (d *database) postmaster() int {
	b, err := os.ReadFile(filepath.Join(d.dir, "data", "postmaster.pid"))
	first, _, _ := strings.Cut(string(b), "\n")
	pid, perr := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || perr != nil || pid <= 1 {
		return 0
	}
	return pid
}

// backends are the processes that serve connections, by what they call themselves:
// "postgres: user database address state".
func (d *database) backends() []int {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", d.postmaster()))
	if err != nil {
		return nil
	}
	var pids []int
	for _, f := range strings.Fields(string(children)) {
		title, err := os.ReadFile("/proc/" + f + "/cmdline")
		if pid, perr := strconv.Atoi(f); err == nil && perr == nil && bytes.HasPrefix(title, []byte("postgres: latchkey ")) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids
}

// die ends the postmaster by the signal and waits until it is gone.
func (d *database) die(ctx context.Context, s syscall.Signal) (pid int, err error) {
	if pid = d.postmaster(); pid == 0 {
		return 0, nil
	}
	gone := d.Done()
	if err := syscall.Kill(pid, s); err != nil {
		return pid, fmt.Errorf("chaos: kill Postgres: %w", err)
	}
	select {
	case <-gone:
		return pid, nil
	case <-ctx.Done():
		return pid, fmt.Errorf("chaos: Postgres did not end by %v: %w", s, ctx.Err())
	}
}

// again starts the server, if it does not run. It waits for what is left of the one
// before: backends notice only after a while that their postmaster is gone.
func (d *database) again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := d.Start(ctx); err != nil {
		return fmt.Errorf("chaos: start Postgres again: %w", err)
	}
	return nil
}
