package app

import (
	"context"
	"errors"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"latchkey/internal/bus"
	"latchkey/internal/store"
)

// version is what was built: the module's version, or the commit.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (info.Main.Version == "" || info.Main.Version == "(devel)") {
			return s.Value
		}
	}
	return info.Main.Version
}

func buildInfo() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: "latchkey_build_info", Help: "1; what runs, in the labels.",
		ConstLabels: prometheus.Labels{"version": version(), "goversion": runtime.Version()}})
	g.Set(1)
	return g
}

// waiting tells a scraper what waits, in the database and in the streams, and whether
// each part is ready. It asks at most every few seconds however many scrape, and for
// two seconds at most; what does not answer is left out.
type waiting struct {
	a *App

	mu   sync.Mutex
	at   time.Time
	last []prometheus.Metric
}

const (
	waitingAge    = 5 * time.Second
	waitingWithin = 2 * time.Second
)

type gauge struct {
	desc *prometheus.Desc
	get  func(store.Gauges, bus.Depths) float64
}

func newGauge(name, help string, labels prometheus.Labels, get func(store.Gauges, bus.Depths) float64) gauge {
	return gauge{prometheus.NewDesc(name, help, nil, labels), get}
}

func of(what string) prometheus.Labels { return prometheus.Labels{"what": what} }

const (
	dueHelp        = "Rows that are due, meetings and hosts. Every worker says the same: take the maximum."
	dueSecondsHelp = "Since when the oldest of them is due; 0 for none. meetings_starting are the meetings among them that are on or start within a quarter of an hour."
)

var inDatabase = []gauge{
	newGauge("latchkey_due", dueHelp, of("meetings"), func(g store.Gauges, _ bus.Depths) float64 { return float64(g.MeetingsDue) }),
	newGauge("latchkey_due", dueHelp, of("hosts"), func(g store.Gauges, _ bus.Depths) float64 { return float64(g.HostsDue) }),
	newGauge("latchkey_due_oldest_seconds", dueSecondsHelp, of("meetings"), func(g store.Gauges, _ bus.Depths) float64 { return g.MeetingsDueSeconds }),
	newGauge("latchkey_due_oldest_seconds", dueSecondsHelp, of("meetings_starting"), func(g store.Gauges, _ bus.Depths) float64 { return g.StartingDueSeconds }),
	newGauge("latchkey_due_oldest_seconds", dueSecondsHelp, of("hosts"), func(g store.Gauges, _ bus.Depths) float64 { return g.HostsDueSeconds }),
	newGauge("latchkey_outbox", "Alerts that are recorded and not published yet.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.AlertsUnpublished) }),
	newGauge("latchkey_outbox_refused", "Alerts of these that NATS refused.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.AlertsRefused) }),
	newGauge("latchkey_outbox_oldest_seconds", "Since when the oldest of them that was not refused is recorded; 0 for none.", nil, func(g store.Gauges, _ bus.Depths) float64 { return g.AlertsUnpublishedSeconds }),
	newGauge("latchkey_repairs_unfinished", "Repairs asked of Zoom and not read back yet.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.RepairsUnfinished) }),
	newGauge("latchkey_repairs_unfinished_oldest_seconds", "Since when the oldest of them was begun; 0 for none.", nil, func(g store.Gauges, _ bus.Depths) float64 { return g.RepairsUnfinishedSeconds }),
	newGauge("latchkey_meetings_demanding_passcode", "Meetings whose joiners are asked for a passcode.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.Demanding) }),
	newGauge("latchkey_meetings_open", "Meetings that nothing secures.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.Open) }),
	newGauge("latchkey_webhooks_silent", "Accounts whose webhooks stay away against their own rhythm, or whose webhook URL Zoom validates no more.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.AccountsSilent) }),
	newGauge("latchkey_hosts_without_budget", "Hosts whose 100 changes of this UTC day are used up at Zoom.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.HostsHeld) }),
	newGauge("latchkey_calls_failing", "Calls to Zoom that latchkey's own set-up stands in the way of (view account_troubles).", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.CallsFailing) }),
	newGauge("latchkey_holds", "What latchkey was told to leave as it is (latchkey holds).", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.Holds) }),
	newGauge("latchkey_fanouts", "Changes of groups and accounts whose hosts and meetings are not all marked yet.", nil, func(g store.Gauges, _ bus.Depths) float64 { return float64(g.FanOuts) }),
	newGauge("latchkey_retention_age_seconds", "Since when all that was past its time was last dropped without an error (table retention says of which).", nil, func(g store.Gauges, _ bus.Depths) float64 { return g.RetentionSeconds }),
}

var inStreams = []gauge{
	newGauge("latchkey_events_pending", "Messages of events that no worker was given yet.", nil, func(_ store.Gauges, d bus.Depths) float64 { return float64(d.Pending) }),
	newGauge("latchkey_events_in_progress", "Messages of events that a worker was given and has not acknowledged.", nil, func(_ store.Gauges, d bus.Depths) float64 { return float64(d.InProgress) }),
	newGauge("latchkey_events_redelivered", "Messages of these that were given out before.", nil, func(_ store.Gauges, d bus.Depths) float64 { return float64(d.Redelivered) }),
	newGauge("latchkey_dead_letters", "Dead letters in the stream (latchkey dead list).", nil, func(_ store.Gauges, d bus.Depths) float64 { return float64(d.Dead) }),
}

var partReady = prometheus.NewDesc("latchkey_ready", "Whether a part of this process can do its work now; /readyz says why not.", []string{"part"}, nil)

// Describe describes the metrics.
func (w *waiting) Describe(c chan<- *prometheus.Desc) {
	for _, g := range append(inDatabase, inStreams...) {
		c <- g.desc
	}
	c <- partReady
}

// Collect tells what waits.
func (w *waiting) Collect(c chan<- prometheus.Metric) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.at) > waitingAge {
		w.last, w.at = w.read(), time.Now()
	}
	for _, m := range w.last {
		c <- m
	}
}

// read asks each at the same time, and each for itself: one that hangs takes nothing
// from the others, nor makes them look as if they hung.
func (w *waiting) read() (all []prometheus.Metric) {
	var g store.Gauges
	var d bus.Depths
	var fromDatabase, fromStreams error
	var report map[string]any
	var asking sync.WaitGroup
	ask := func(f func(context.Context)) {
		asking.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), waitingWithin)
			defer cancel()
			f(ctx)
		})
	}
	ask(func(ctx context.Context) {
		if fromDatabase = errNotAsked; w.a.o.Worker && w.a.migrated.on() {
			g, fromDatabase = w.a.store.Gauges(ctx)
		}
	})
	ask(func(ctx context.Context) {
		if fromStreams = w.a.bus.Check(); fromStreams == nil {
			d, fromStreams = w.a.bus.Depths(ctx)
		}
	})
	ask(func(ctx context.Context) { _, report = w.a.ready(ctx) })
	asking.Wait()
	add := func(gauges []gauge, err error) {
		for _, one := range gauges {
			if err == nil {
				all = append(all, prometheus.MustNewConstMetric(one.desc, prometheus.GaugeValue, one.get(g, d)))
			}
		}
	}
	add(inDatabase, fromDatabase)
	add(inStreams, fromStreams)
	for part, says := range report {
		ready := 0.0
		if says == "ok" {
			ready = 1
		}
		all = append(all, prometheus.MustNewConstMetric(partReady, prometheus.GaugeValue, ready, part))
	}
	return all
}

var errNotAsked = errors.New("there is no database to ask yet")
