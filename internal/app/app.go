// Package app wires latchkey together: what runs in one process, in which
// order it starts and stops. Tests run the real thing through it.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/intake"
	"latchkey/internal/quota"
	"latchkey/internal/reconcile"
	"latchkey/internal/store"
	"latchkey/internal/webhook"
	"latchkey/internal/zoom"
)

// Options say what one process does.
type Options struct {
	Config config.Config
	Ingest bool
	Worker bool
	Logger *slog.Logger
	// Environ is what Config was loaded from: with it policies and secrets are read
	// again when their files change, and when Reload receives.
	Environ []string
	Reload  <-chan os.Signal
}

// App is the parts of latchkey that run in one process.
type App struct {
	o        Options
	current  atomic.Pointer[config.Config] // Options.Config, or what was taken over since
	log      *slog.Logger
	registry *prometheus.Registry

	embedded *servers // nil when both servers are elsewhere
	bus      *bus.Bus
	store    *store.Store            // nil without the worker
	zoom     map[string]*zoom.Client // by account
	limiters []*quota.Limiter
	worker   *reconcile.Worker
	intake   *intake.Intake
	webhook  *webhook.Handler
	ingest   *httpServer
	admin    *httpServer

	certificate  *certificate // nil where ingest speaks plain HTTP
	tracer       trace.Tracer
	traces       *sdk.TracerProvider // nil where none are sent
	deliveries   *webhook.Metrics    // nil without ingest
	heard        heard
	redeliveries prometheus.Counter
	recovered    prometheus.Counter // events of Zoom's log of deliveries
	others       atomic.Int64       // events that were duplicates or became dead letters

	looked map[string]bool // events that lostEvents need not look for again; takeEventsIn's alone
	newest []string        // those that it looked for last

	migrated    flag
	notMigrated atomic.Pointer[error] // why not, while that is so
	cancel      context.CancelFunc
	wg          sync.WaitGroup
}

// New makes an App; nothing runs or listens yet.
func New(o Options) (*App, error) {
	if !o.Ingest && !o.Worker {
		return nil, errors.New("neither ingest nor worker is asked for")
	}
	if o.Worker && o.Config.DatabaseURL != "" {
		// Said now rather than when servers have been started.
		s, err := store.Open(store.InSchema(o.Config.DatabaseURL, o.Config.Schema))
		if err != nil {
			return nil, err
		}
		s.Close()
	}
	a := &App{o: o, log: o.Logger, registry: prometheus.NewRegistry()}
	a.current.Store(&o.Config)
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	return a, nil
}

// Start starts everything and returns when it listens. A database or a NATS
// server that is elsewhere and away is no error: it is waited for, and until
// then ingest answers 503. ctx only bounds the start.
func (a *App) Start(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
			defer cancel()
			_ = a.Stop(stop)
		}
	}()
	c := a.o.Config
	run, cancel := context.WithCancel(context.Background())
	a.cancel = cancel

	if c.NATSURL == "" || (c.DatabaseURL == "" && a.o.Worker) {
		if a.embedded, err = startServers(ctx, c, a.o.Worker, a.log); err != nil {
			return err
		}
	}
	if a.tracer, err = a.startTraces(ctx); err != nil {
		return err
	}
	if err := a.connect(); err != nil {
		return err
	}
	a.registry.MustRegister(&waiting{a: a})
	if err := a.firstLook(ctx); err != nil {
		return err
	}
	a.wg.Go(func() { a.keepStreams(run) })
	if a.embedded != nil {
		a.wg.Go(func() { a.embedded.keep(run) })
	}
	if a.o.Worker {
		a.newWorker()
		a.wg.Go(func() { a.work(run) })
	}
	if a.o.Ingest {
		if err := a.listenIngest(mostConnections); err != nil {
			return err
		}
	}
	if a.o.Environ != nil {
		a.wg.Go(func() { a.reload(run) })
	}
	return a.listenAdmin()
}

// connect opens the bus and the database, which need not be there yet.
func (a *App) connect() (err error) {
	c := a.o.Config
	o := busOptions(c, a.log)
	o.CreateOnly = !a.o.Worker
	if a.embedded != nil && a.embedded.nats != nil {
		o.URL, o.Connect = "", append(o.Connect, a.embedded.nats.InProcess())
	}
	if a.bus, err = bus.Connect(o); err != nil {
		return err
	}
	if !a.o.Worker {
		return nil
	}
	a.store, err = store.OpenFor(a.databaseURL(), c.Parallel)
	return err
}

// busOptions says which streams are used. Of several processes with several
// environments one kind alone, the workers, sets how long streams keep what they
// hold.
func busOptions(c config.Config, log *slog.Logger) bus.Options {
	inbox := []nats.Option{nats.CustomInboxPrefix(cmp.Or(c.Inbox, "_INBOX"))}
	return bus.Options{URL: c.NATSURL, Connect: inbox, Logger: log.With("part", "bus"), Streams: bus.Streams{
		Events:   bus.Stream{Name: c.EventsStream, MaxAge: c.EventsAge, MaxBytes: c.EventsBytes},
		Alerts:   bus.Stream{Name: c.AlertsStream, MaxAge: c.AlertsAge, MaxBytes: c.AlertsBytes},
		Dead:     bus.Stream{Name: c.DeadStream, MaxAge: c.DeadAge, MaxBytes: c.DeadBytes},
		Dedup:    c.Dedup,
		Replicas: c.Replicas,
		Existing: c.StreamsExist,
	}}
}

// SetUpStreams sets the streams up, as a worker's start does, and returns their
// names.
func SetUpStreams(ctx context.Context, c config.Config, log *slog.Logger) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	b, err := bus.Connect(busOptions(c, log))
	if err != nil {
		return nil, err
	}
	defer b.Close()
	if err := b.Ensure(ctx); err != nil {
		return nil, err
	}
	return b.Names(), nil
}

func (a *App) databaseURL() string {
	url := a.o.Config.DatabaseURL
	if a.embedded != nil && a.embedded.postgres != nil {
		url = a.embedded.postgres.URL()
	}
	return store.InSchema(url, a.o.Config.Schema)
}

func (a *App) newWorker() {
	c := a.o.Config
	onCall := callMetrics(a.registry)
	a.zoom = map[string]*zoom.Client{}
	for _, account := range c.AllAccounts() {
		limiter := quota.New(quota.Options{Ledger: a.store, AccountID: account.ID, Plan: account.Plan, Share: float64(c.ZoomShare) / 100, Logger: a.log.With("part", "quota", "account_id", account.ID)})
		a.limiters = append(a.limiters, limiter)
		a.zoom[account.ID] = zoomClient(c, account, limiter, onCall)
	}
	guarded := slices.Sorted(maps.Keys(a.zoom))
	bus, log, metrics := workerBus{a.bus}, a.log.With("part", "worker"), reconcile.NewMetrics(a.registry)
	a.redeliveries = prometheus.NewCounter(prometheus.CounterOpts{Name: "latchkey_redeliveries_total", Help: "Messages of events that came again: a worker died over them, or they took too long."})
	a.recovered = prometheus.NewCounter(prometheus.CounterOpts{Name: "latchkey_webhooks_recovered_total", Help: "Events that Zoom could not deliver and that were taken in from its log."})
	a.registry.MustRegister(a.redeliveries, a.recovered)
	a.intake = a.newIntake(bus.publishDead, func(happened, received time.Time) {
		if !happened.IsZero() {
			metrics.Age(reconcile.StageHappened, time.Since(happened))
		}
		metrics.Age(reconcile.StageRecorded, time.Since(received))
	}, func(result string) {
		metrics.Event(result)
		if result != "recorded" {
			a.others.Add(1)
		}
	})
	host, _ := os.Hostname()
	a.worker = reconcile.New(reconcile.Options{
		Name: fmt.Sprintf("%s/%d", host, os.Getpid()), Store: a.store, Publish: bus.publishAlert, LastSequence: bus.lastSequence(c.StreamsExist),
		Zoom: func(accountID string) (reconcile.Zoom, bool) {
			client, guarded := a.zoom[accountID]
			return client, guarded
		},
		Reserve: c.HostReserve, SweepCalls: c.SweepCalls,
		Ahead: func(accountID string) time.Duration {
			if client := a.zoom[accountID]; client != nil {
				return client.Ahead()
			}
			return 0
		},
		LargePlan: func(accountID string) bool {
			return slices.ContainsFunc(c.AllAccounts(), func(a config.Account) bool { return a.ID == accountID && a.Plan == "business" })
		},
		Rule:     func(w reconcile.Who) reconcile.Rule { return rule(*a.current.Load(), w) },
		Policies: func() string { return policies(*a.current.Load()) }, Logger: log, Metrics: metrics, Tracer: a.tracer,
		Parallel: c.Parallel, Lease: c.Lease, SettingsTTL: c.SettingsTTL, Sweep: c.Sweep, Accounts: guarded,
		Keep: store.Keep{Events: c.KeepEvents, History: c.KeepHistory, Alerts: c.KeepAlerts, Meetings: c.KeepMeetings, Passcodes: c.KeepPasscodes},
	})
}

// firstLook sets the streams up if NATS is there already, and ends the start where
// something of somebody else's stands in the way. Whatever else is wrong is tried
// again, by keepStreams.
func (a *App) firstLook(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var foreign *bus.ForeignError
	if err := a.bus.Ensure(ctx); errors.As(err, &foreign) {
		return err
	}
	return nil
}

// newIntake makes an intake with that end for what cannot be used.
func (a *App) newIntake(dead func(context.Context, string, intake.Event) error, aged func(happened, received time.Time), counted func(string)) *intake.Intake {
	var hears func(string, time.Time)
	if aged != nil { // what arrives; not what is taken in again, or from Zoom's log
		hears = a.heard.add
	}
	return intake.New(intake.Options{
		Store: a.store, Governed: func(accountID string) bool { return a.zoom[accountID] != nil }, Guarded: slices.Sorted(maps.Keys(a.zoom)),
		Dead: dead, Erase: a.bus.Erase, Logger: a.log.With("part", "worker"), Tracer: a.tracer, Aged: aged, Heard: hears, Counted: counted,
	})
}

// keepStreams owns the setup of the bus: it sets the streams up as soon as the
// bus is there, and sees to it that they still stand and store. A broker may
// come back with an empty disk, and one whose disk was full does not store again
// by itself. It looks every ten seconds, and at once when the bus is not ready.
func (a *App) keepStreams(ctx context.Context) {
	failing := 0
	for ctx.Err() == nil {
		try, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := a.bus.Ensure(try)
		if err == nil && a.bus.Failing() {
			// A server whose disk was full takes what is published and never answers.
			probe, done := context.WithTimeout(try, 3*time.Second)
			err = a.bus.Probe(probe)
			done()
		}
		cancel()
		switch {
		case err == nil:
			if failing > 0 {
				a.log.Info("NATS JetStream is ready")
			}
			failing = 0
			a.untilNeeded(ctx, 10*time.Second)
		case ctx.Err() == nil:
			if failing++; failing == 1 {
				a.log.Warn("NATS JetStream is not ready; trying again", "error", err)
			}
			if a.bus.Failing() && failing%3 == 0 && a.embedded != nil {
				a.embedded.restartNATS(ctx)
			}
			a.untilNeeded(ctx, time.Second)
		}
	}
}

// untilNeeded waits d, or less when the bus needs setup; a moment at least, for
// a stream that is full may take the probe and refuse every event.
func (a *App) untilNeeded(ctx context.Context, d time.Duration) {
	sleep(ctx, 200*time.Millisecond)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-a.bus.NeedsSetup():
	case <-t.C:
	case <-ctx.Done():
	}
}

// work migrates the database as soon as it is there, and then runs the worker.
func (a *App) work(ctx context.Context) {
	for failures := 0; ; failures++ {
		try, cancel := context.WithTimeout(ctx, 2*time.Minute)
		applied, err := store.Migrate(try, a.databaseURL())
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			a.log.Info("the database is ready", "migrations_applied", len(applied))
			break
		}
		a.notMigrated.Store(&err)
		if failures == 0 {
			a.log.Error("the database cannot be migrated; trying again", "error", err)
		}
		sleep(ctx, min(time.Duration(failures+1)*500*time.Millisecond, 10*time.Second))
	}
	a.migrated.set()
	var wg sync.WaitGroup
	wg.Go(func() { a.takeEventsIn(ctx) })
	wg.Go(func() { a.takeMissedIn(ctx) })
	wg.Go(func() { a.watchSilence(ctx) })
	wg.Go(func() { a.worker.Run(ctx) })
	wg.Go(func() { a.bus.WatchAdvisories(ctx) })
	wg.Go(func() { a.watchDead(ctx) })
	wg.Wait()
}

// Stop ends everything in order: first no new deliveries, then what was
// accepted and begun is finished, then the servers of our own. It returns when
// nothing runs any more, or with ctx's error.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	if a.ingest != nil {
		errs = append(errs, a.ingest.stop(ctx))
	}
	if a.cancel != nil {
		a.cancel()
	}
	done := make(chan struct{})
	go func() { a.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		errs = append(errs, fmt.Errorf("work in progress did not end: %w", ctx.Err()))
	}
	if a.admin != nil {
		errs = append(errs, a.admin.stop(ctx))
	}
	if a.bus != nil {
		a.bus.Close()
	}
	for _, client := range a.zoom {
		client.Close()
	}
	for _, limiter := range a.limiters {
		limiter.Close()
	}
	if a.store != nil {
		// It waits for connections to say good-bye, on a silent link for ever.
		closed := make(chan struct{})
		go func() { a.store.Close(); close(closed) }()
		select {
		case <-closed:
		case <-ctx.Done():
			errs = append(errs, fmt.Errorf("the connections to the database did not close: %w", ctx.Err()))
		}
	}
	if a.traces != nil {
		flush, cancel := context.WithTimeout(ctx, 3*time.Second)
		if err := a.traces.Shutdown(flush); err != nil {
			a.log.Warn("the last traces could not be sent", "error", err)
		}
		cancel()
	}
	if a.embedded != nil {
		errs = append(errs, a.embedded.stop(ctx))
	}
	return errors.Join(errs...)
}

// Counters are what a person or a test wants to know of a running App.
func (a *App) Counters(ctx context.Context) (store.Counts, error) {
	if a.store == nil {
		return store.Counts{}, errors.New("this process runs no worker")
	}
	return a.store.Counts(ctx)
}

// Store is the worker's database; nil without a worker.
func (a *App) Store() *store.Store { return a.store }

func (a *App) newWebhook() (*webhook.Handler, error) {
	a.deliveries = webhook.NewMetrics(a.registry)
	h, err := webhook.New(webhook.Options{
		Secrets: webhookSecrets(a.o.Config), Bus: ingestBus{a.bus}, Wanted: intake.Wanted,
		Decode: decodeEnvelope, Metrics: a.deliveries, Tracer: a.tracer, Logger: a.log.With("part", "ingest"),
	})
	a.webhook = h
	return h, err
}
