package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"
)

// endWithin is what a service has to end after SIGTERM: its own bound is 25 s.
const endWithin = 30 * time.Second

// attack carries the plan out and keeps count.
type attack struct {
	rig   *rig
	out   io.Writer
	began time.Time

	mu       sync.Mutex
	counts   map[string]int
	problems []string
	wg       sync.WaitGroup // ends that outlast their round
}

// note prints one line of the timeline.
func (a *attack) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	fmt.Fprintf(a.out, "%7.2fs  %s\n", time.Since(a.began).Seconds(), fmt.Sprintf(format, args...))
}

func (a *attack) problem(err error) {
	if err == nil {
		return
	}
	a.note("PROBLEM: %v", err)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.problems = append(a.problems, err.Error())
}

func (a *attack) count(f fault) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.counts[f.String()]++
}

// round carries out the faults of one round, side by side, and returns when all are
// over, except for what they leave to recover.
func (a *attack) round(ctx context.Context, n int, faults []fault) {
	var wg sync.WaitGroup
	for _, f := range faults {
		wg.Go(func() {
			if !wait(ctx, f.after) {
				return
			}
			a.one(ctx, n, f)
		})
	}
	wg.Wait()
}

func (a *attack) one(ctx context.Context, n int, f fault) {
	r := a.rig
	service := func(all []*service) *service { return all[f.which%len(all)] }
	said := func(who string, pid int) {
		if pid == 0 && f.harm == unharmed {
			return // it was not running
		}
		a.count(f)
		what := fmt.Sprintf("round %d: %s: %s", n, f, who)
		if pid > 0 {
			what += fmt.Sprintf(" (process %d)", pid)
		}
		a.note("%s, for %v", what, f.lasts.Round(time.Millisecond))
	}
	killed := func(ps ...*process) {
		for _, p := range ps {
			said(p.name, p.kill())
		}
		wait(ctx, f.lasts)
		for _, p := range ps {
			a.problem(p.start())
		}
	}
	switch f.kind {
	case killIngest:
		killed(service(r.ingests).process)
	case killWorker:
		killed(service(r.workers).process)
	case killNode:
		killed(r.nodes[f.which%nodes].process)
	case killCluster:
		killed(r.nodes[0].process, r.nodes[1].process, r.nodes[2].process)
	case killPostgres, quitPostgres:
		r.db.fault.Lock()
		defer r.db.fault.Unlock()
		s := syscall.SIGKILL
		if f.kind == quitPostgres {
			s = syscall.SIGQUIT
		}
		pid, err := r.db.die(ctx, s)
		a.problem(err)
		said("postgres", pid)
		wait(ctx, f.lasts)
		a.problem(r.db.again(ctx))
	case stopPostgres:
		r.db.fault.Lock()
		defer r.db.fault.Unlock()
		said("postgres", r.db.postmaster())
		a.problem(r.db.Stop(ctx))
		wait(ctx, f.lasts)
		a.problem(r.db.again(ctx))
	case killBackend:
		r.db.fault.Lock()
		defer r.db.fault.Unlock()
		if pids := r.db.backends(); len(pids) > 0 {
			pid := pids[f.which%len(pids)]
			_ = syscall.Kill(pid, syscall.SIGKILL)
			said("a backend of postgres", pid)
		}
	case termIngest, termWorker:
		all := r.ingests
		if f.kind == termWorker {
			all = r.workers
		}
		p := service(all).process
		pid, _ := p.alive()
		said(p.name, pid)
		a.wg.Go(func() {
			// In the middle of an outage it may say that not all could be ended in
			// order, by its status; it must end all the same.
			if err := p.stop(ctx, endWithin); errors.Is(err, errDidNotEnd) {
				a.problem(err)
			} else if err != nil {
				a.note("%v", err)
			}
			if wait(ctx, f.lasts) {
				a.problem(p.start())
			}
		})
	case freezeOne:
		all := r.nodes[f.which%nodes].process
		if services := r.services(); f.which%8 > 2 {
			all = services[f.which%len(services)].process
		}
		said(all.name, all.signal(syscall.SIGSTOP))
		wait(ctx, f.lasts)
		all.signal(syscall.SIGCONT)
	default:
		a.harm(ctx, f, said)
	}
}

// harm harms a link for a while.
func (a *attack) harm(ctx context.Context, f fault, said func(string, int)) {
	r, worker := a.rig, a.rig.workers[f.which%workers]
	var links []*link
	switch f.kind {
	case harmHook:
		links = []*link{r.ingests[f.which%ingests].hook}
	case harmDatabase:
		links = []*link{worker.database}
	case harmZoom:
		links = []*link{worker.zoom}
	case harmNATS: // all of one service: else it goes on with another node
		all := r.services()
		links = all[f.which%len(all)].nats
	case harmRoute:
		links = []*link{r.nodes[f.which%nodes].route}
	}
	said(links[0].name, 0)
	for _, l := range links {
		a.problem(l.set(f.harm))
	}
	wait(ctx, f.lasts)
	for _, l := range links {
		a.problem(l.set(unharmed))
	}
}
