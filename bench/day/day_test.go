package day

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/zoomsim"
)

// latency is what one call to Zoom takes.
const latency = 150 * time.Millisecond

// TestDay is a day of an account: no limit of Zoom's is broken, no meeting begins with a
// passcode that could have been removed, and the day costs what its parts cost.
func TestDay(t *testing.T) {
	url := virtualDatabase(t)
	real := time.Now()
	synctest.Test(t, func(t *testing.T) { liveThrough(t, url, *size, real) })
}

// TestIdleDay is a day on which nobody does anything: the sweep alone, within its calls.
func TestIdleDay(t *testing.T) {
	url := virtualDatabase(t)
	real := time.Now()
	synctest.Test(t, func(t *testing.T) { liveThrough(t, url, 0, real) })
}

func liveThrough(t *testing.T, url string, times float64, real time.Time) {
	idle := times == 0
	if idle {
		times = *size
	}
	a := account{hosts: int(10_000 * times), hours: *hours, begin: real.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)}
	time.Sleep(time.Until(a.begin.Add(-6 * time.Hour))) // a bubble begins in 2000
	l := startLatchkey(t, url)
	defer l.close()
	sim, err := zoomsim.Start(t.Context(), zoomsim.Options{Scenario: a.scenario(), InProcess: true, History: -1, Deliver: l.deliver})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Stop(t.Context()) }()
	l.connect(sim)
	l.learn(t, a, sim)
	if err := sim.SetLimits(accountID, zoomsim.Limits{PerSecond: true, Daily: true, HostRemaining: true}); err != nil {
		t.Fatal(err)
	}
	if err := sim.AddFault(zoomsim.Fault{Delay: latency}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(a.begin))
	sim.ResetTally()
	stop := sync.OnceFunc(l.run(a))
	defer stop() // before the simulator and the database go, whatever ends the test
	day, watch := &load{made: map[int64]time.Time{}}, &watcher{sim: sim, a: a}
	if !idle {
		day = a.load()
	}
	peak := uint64(0)
	next := a.begin.Add(time.Minute)
	tick := func(until time.Time) {
		for ; !next.After(until); next = next.Add(time.Minute) {
			time.Sleep(time.Until(next))
			watch.look(next, day.made)
			if next.Minute() == 0 {
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
				if testing.Verbose() {
					fmt.Println(next.Format("15:04"), total(sim.Tally()), "calls,", len(watch.out), "locked out")
				}
			}
		}
	}
	for _, act := range day.acts {
		tick(act.at)
		time.Sleep(time.Until(act.at))
		act.do(t, sim)
	}
	tick(a.end().Add(-time.Minute))
	spent := ask[int](t, l.pool, `SELECT spent::int FROM sweeps`) // before the next day begins
	tick(a.end())
	tally := sim.Tally()
	r := report{a: a, day: day, tally: tally, watch: watch, idle: idle}
	r.sweep = spent
	r.sweepHosts = ask[int](t, l.pool, `SELECT count(*) FROM hosts WHERE swept_at >= $1`, a.begin)
	if !l.quiet(3 * time.Hour) {
		t.Error("what the day made due is not done three hours later")
	}
	stop()
	r.peak = peak
	r.ask(t, l)
	r.print(t)
	r.judge(t)
}

// watcher looks, as joiners would, at each meeting in the minute in which it begins.
type watcher struct {
	sim    *zoomsim.Server
	a      account
	byMin  map[int64][]int64 // of the meetings that were there before
	joined int
	// locked out although nothing stood in the way; and those whose passcode is locked on.
	out  []string
	kept int
}

func (w *watcher) look(at time.Time, made map[int64]time.Time) {
	if w.byMin == nil {
		w.byMin = map[int64][]int64{}
		for i := range w.a.hosts {
			for j := range meetingsEach {
				w.byMin[w.a.starts(i, j).Unix()/60] = append(w.byMin[w.a.starts(i, j).Unix()/60], meetingID(i, j))
			}
		}
	}
	begin := w.byMin[at.Unix()/60]
	delete(w.byMin, at.Unix()/60)
	for id, starts := range made {
		if starts.Unix()/60 == at.Unix()/60 {
			begin = append(begin, id)
		}
	}
	for _, id := range begin {
		m, ok := w.sim.Meeting(id)
		if !ok || m.Deleted {
			continue
		}
		w.joined++
		if m.Passcode == "" {
			continue
		}
		h, _ := w.sim.Host(m.HostID)
		if h.Meetings.Passcode == zoomsim.LockedOn || h.SpentToday >= 100 {
			w.kept++
			continue
		}
		w.out = append(w.out, fmt.Sprintf("%d of %s at %s", id, m.HostID, at.Format("15:04")))
	}
}

// report is what the day was like.
type report struct {
	a                 account
	day               *load
	tally             zoomsim.Tally
	watch             *watcher
	idle              bool
	peak              uint64
	repairs, deferred int
	p50, p99          float64 // seconds from what put a passcode there to its being gone
	sweep, sweepHosts int
	known             int
}

func (r *report) ask(t *testing.T, l *latchkey) {
	t.Helper()
	r.repairs = ask[int](t, l.pool, `SELECT count(*) FROM repairs WHERE result = 'held' AND started_at >= $1 AND started_at < $2`, r.a.begin, r.a.end())
	r.deferred = ask[int](t, l.pool, `SELECT count(*) FROM alerts WHERE type = 'meeting.deferred'`)
	const took = `SELECT coalesce(percentile_cont($1) WITHIN GROUP (ORDER BY extract(epoch FROM r.ended_at - e.recorded_at)), 0)::float8 FROM repairs r
		JOIN LATERAL (SELECT recorded_at FROM events e WHERE e.meeting_id = r.meeting_id AND e.event = 'meeting.created' LIMIT 1) e ON true
		JOIN meetings m USING (account_id, meeting_id)
		WHERE r.result = 'held' AND m.host_id ~ '1$' AND m.host_id <> 'h000001' AND m.created_at >= $2 AND r.id = (SELECT min(id) FROM repairs f WHERE f.meeting_id = r.meeting_id)
		AND NOT EXISTS (SELECT FROM verdicts v WHERE v.meeting_id = r.meeting_id AND v.remedy IN ('defer', 'keep'))`
	r.p50, r.p99 = ask[float64](t, l.pool, took, 0.5, r.a.begin), ask[float64](t, l.pool, took, 0.99, r.a.begin)
	r.known = ask[int](t, l.pool, `SELECT count(*) FROM meetings`)
}

// expected is what the parts of the day cost: two calls for each repair; of a host whose
// passcode setting is on, when it is first heard of on that day, its settings in three parts
// and the user; of each group that such a host is in its locks, each round of the sweep, and
// the account's; one call for each change of a host's settings, and for each host of a group
// that changed. Where passcodes are put on what is scheduled, or the passcode is locked on,
// each of the meetings is read. And the sweep's calls.
func (r *report) expected() int {
	inGroups := r.a.groupSize()
	hosts := (r.day.flips + r.day.values) * inGroups
	read := meetingsEach * (r.day.scheduled + inGroups*(r.day.flips/2+r.day.values)) * 5 / 4 // those made meanwhile too
	perGroup := 4 * 3 * r.a.groups()
	return 2*r.repairs + 4*min(r.a.hosts/10, r.day.creates/10) + perGroup + 4*6 + r.day.settings + hosts + read + r.a.sweepCalls()*r.a.hours/24*11/10 + 300
}

// answers is how many calls of a route were answered, total of all.
func answers(t zoomsim.Tally, route string) (n int) {
	for _, c := range t.Calls[route] {
		n += c
	}
	return n
}

func total(t zoomsim.Tally) (n int) {
	for route := range t.Calls {
		n += answers(t, route)
	}
	return n
}

func (r *report) print(t *testing.T) {
	t.Helper()
	var b []byte
	say := func(format string, args ...any) { b = fmt.Appendf(b, format+"\n", args...) }
	say("%d hosts, %d upcoming meetings; %d creates, %d changes of hosts' settings (%d put passcodes on what is scheduled), %d of groups' locks, %d of groups' settings", r.a.hosts, r.a.meetings(), r.day.creates, r.day.settings, r.day.scheduled, r.day.flips, r.day.values)
	say("calls: %d (the parts: %d), by label %v, at most in a second %v, 429: %v", total(r.tally), r.expected(), r.tally.Labels, r.tally.Peak, r.tally.Refused)
	for _, route := range slices.SortedFunc(maps.Keys(r.tally.Calls), func(x, y string) int { return answers(r.tally, y) - answers(r.tally, x) }) {
		say("  %7d %s", answers(r.tally, route), route)
	}
	say("%d repairs; from the event of a create to the repair read back: p50 %.1f s, p99 %.1f s; %d deferred to the next day", r.repairs, r.p50, r.p99, r.deferred)
	say("%d meetings began: %d with a passcode that is locked on or whose host's 100 were spent, %d locked out", r.watch.joined, r.watch.kept, len(r.watch.out))
	say("the sweep: %d hosts, %d calls; memory at most %d MB with the simulator", r.sweepHosts, r.sweep, r.peak>>20)
	t.Logf("\n%s", b)
}

func (r *report) judge(t *testing.T) {
	t.Helper()
	if len(r.tally.Refused) > 0 {
		t.Errorf("calls were refused with 429: %v", r.tally.Refused)
	}
	if len(r.watch.out) > 0 {
		t.Errorf("%d meetings began with a passcode that could have been removed: %v", len(r.watch.out), r.watch.out[:min(len(r.watch.out), 10)])
	}
	if total(r.tally) > r.expected() {
		t.Errorf("%d calls, more than %d", total(r.tally), r.expected())
	}
	if most := r.a.sweepCalls()*r.a.hours/24 + r.a.sweepCalls()/96 + 100; r.idle && total(r.tally) > most {
		t.Errorf("nobody did anything, and %d calls are more than the sweep's %d", total(r.tally), most)
	}
	if !r.idle && (r.repairs == 0 || r.watch.joined == 0) {
		t.Error("nothing happened")
	}
}
