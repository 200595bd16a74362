package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"latchkey/internal/zoomsim"
)

// Options say what a run does.
type Options struct {
	Seed   uint64
	Rounds int
	// Settle bounds the wait for the end state after everything is healed.
	Settle time.Duration
	// Out gets the timeline and the verdict.
	Out io.Writer
	// BuildFlags go to go build.
	BuildFlags []string
	// Keep leaves the run's folder, with the logs, also when nothing is wrong.
	Keep bool
}

// Report is what a run did and found.
type Report struct {
	Seed                 uint64
	Rounds               int
	Deliveries, Accepted int            // requests to ingest, and answers 2xx of it
	Distinct             int            // bodies accepted, each counted once
	Faults               map[string]int // by kind
	Recorded, Dead       int
	Alerts, AlertsTwice  int
	Meetings             int
	Settled, Took        time.Duration // after the heal; in all
	Problems             []string
}

// Killed counts what was ended by force.
func (r Report) Killed() (n int) {
	for _, kind := range []string{killIngest, killWorker, killNode, killPostgres, killBackend, quitPostgres} {
		n += r.Faults[kind]
	}
	return n + r.Faults[killCluster]
}

// Verdict is the run in one line.
func (r Report) Verdict() string {
	all := 0
	for _, n := range r.Faults {
		all += n
	}
	word := "OK"
	if len(r.Problems) > 0 {
		word = fmt.Sprintf("FAILED (%d problems)", len(r.Problems))
	}
	return fmt.Sprintf("seed %d: %d rounds, %d faults (%d kills), %d deliveries, %d accepted (%d bodies), %d recorded, %d dead letters, %d alerts (%d told twice), %d meetings, settled in %.1fs, %.0fs in all: %s",
		r.Seed, r.Rounds, all, r.Killed(), r.Deliveries, r.Accepted, r.Distinct, r.Recorded, r.Dead, r.Alerts, r.AlertsTwice, r.Meetings, r.Settled.Seconds(), r.Took.Seconds(), word)
}

// ByKind lists how often what was done.
func (r Report) ByKind() string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(r.Faults)) {
		all = append(all, fmt.Sprintf("%d %s", r.Faults[kind], kind))
	}
	return strings.Join(all, ", ")
}

// setUpWithin bounds the start: the first build of nats-server takes a minute or two.
const setUpWithin = 5 * time.Minute

// Run builds, starts, harms, heals and judges. An error says that the run itself
// failed, or was interrupted; what it found is in Report.Problems.
func Run(ctx context.Context, o Options) (rep Report, err error) {
	rep = Report{Seed: o.Seed, Rounds: o.Rounds}
	dir, err := os.MkdirTemp("", "latchkey-chaos-")
	if err != nil {
		return rep, fmt.Errorf("chaos: %w", err)
	}
	defer func() {
		if !o.Keep && err == nil && len(rep.Problems) == 0 || ctx.Err() != nil {
			err = errors.Join(err, os.RemoveAll(dir))
			return
		}
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, "bin")))
		fmt.Fprintf(o.Out, "logs: %s\n", dir)
	}()
	start, cancel := context.WithTimeout(ctx, setUpWithin)
	defer cancel()
	bin, err := build(start, filepath.Join(dir, "bin"), o.BuildFlags...)
	if err != nil {
		return rep, err
	}
	began := time.Now()
	r, err := newRig(start, o.Seed, bin, dir)
	if err != nil {
		return rep, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	before := map[string]load{}
	for _, s := range r.services() {
		before[s.name] = s.load(ctx)
	}
	a := &attack{rig: r, out: o.Out, began: began, counts: map[string]int{}}
	a.note("seed %d, %d rounds; all processes are ready", o.Seed, o.Rounds)
	if err := a.rounds(ctx, o); err != nil {
		return rep, err
	}
	healed := time.Now()
	j, err := newJudge(ctx, r)
	if err != nil {
		return rep, err
	}
	defer j.close()
	problems := j.await(ctx, a, o.Settle)
	rep.Settled = time.Since(healed)
	var f found
	problems = append(problems, j.leaks(ctx, before)...)
	problems = append(problems, j.ended(ctx)...)
	problems = append(problems, j.left(ctx)...)
	if err := clusterReady(ctx, r.js); err != nil {
		return rep, err
	}
	problems = append(problems, j.events(ctx, &f)...)
	problems = append(problems, j.alerts(ctx, &f)...)
	problems = append(a.problems, problems...)
	slices.Sort(problems)
	accepted, _ := r.ledger.list()
	bodies := map[string]bool{}
	for _, e := range accepted {
		bodies[e.plain] = true
	}
	rep.Deliveries, rep.Accepted = r.ledger.totals()
	rep.Distinct, rep.Faults, rep.Problems = len(bodies), a.counts, problems
	rep.Recorded, rep.Dead, rep.Alerts, rep.AlertsTwice = f.recorded, f.dead, f.alerts, f.twice
	rep.Meetings, rep.Took = len(r.sim.Meetings()), time.Since(began)
	return rep, ctx.Err()
}

// rounds harms and heals.
func (a *attack) rounds(ctx context.Context, o Options) error {
	r := a.rig
	w := newWorld(r.sim, o.Seed)
	b := newBurst(r.balancer.url, r.sim.Credentials(""))
	defer b.settle()
	for range 20 { // something to begin with
		w.act(ctx)
	}
	if err := r.sim.SetMalice(malice); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	for n, faults := range plan(o.Seed, o.Rounds) {
		done := make(chan struct{})
		go func() { defer close(done); a.round(ctx, n+1, faults) }()
		for range 3 {
			for range 4 {
				w.act(ctx)
			}
			b.send(ctx, 30, w.meetings[:min(len(w.meetings), 40)])
			wait(ctx, 300*time.Millisecond)
		}
		<-done
		if !wait(ctx, 300*time.Millisecond) {
			return ctx.Err()
		}
	}
	a.wg.Wait()
	if err := r.sim.SetMalice(zoomsim.Malice{}); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if err := r.heal(ctx); err != nil {
		return err
	}
	w.settle(ctx)
	r.sim.RetryNow()
	a.note("healed; waiting until it is quiet")
	return ctx.Err()
}

// await waits until everything is settled and returns what is not at the end.
func (j *judge) await(ctx context.Context, a *attack, within time.Duration) problems {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	shown := time.Now()
	for {
		ask, done := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		p := j.settled(ask)
		done()
		if len(p) == 0 || !wait(ctx, 200*time.Millisecond) {
			return p
		}
		if time.Since(shown) > 10*time.Second {
			shown = time.Now()
			a.note("not settled yet: %d problems, such as: %s", len(p), p[0])
		}
	}
}
