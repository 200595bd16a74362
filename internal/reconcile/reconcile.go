// Package reconcile takes what is due and brings the world and the policy
// together: observe, decide, act, verify, record.
//
// It is level-triggered: an event only said "look here". Duplicate, late and
// reordered events therefore need no special case, and any step may be repeated
// by another worker when this one dies.
//
// Postgres is used as it is (*store.Store), not behind an interface: its
// transactions are what this package's promises rest on, and tests use the real
// one. Zoom and the bus are interfaces, since an account decides which client
// is used and Zoom is simulated.
package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/tracing"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// Meetings are the calls about one meeting.
type Meetings interface {
	GetMeeting(context.Context, zoom.MeetingID) (zoom.Meeting, error)
	GetOccurrence(ctx context.Context, id zoom.MeetingID, occurrenceID string) (zoom.Meeting, error)
	PatchMeeting(context.Context, zoom.MeetingID, zoom.MeetingPatch) error
}

// Hosts are the calls about one host.
type Hosts interface {
	GetUser(ctx context.Context, userID string) (zoom.User, error)
	GetUserSettings(ctx context.Context, userID string) (zoom.Settings, error)
	GetUserSecurity(ctx context.Context, userID string) (zoom.Settings, error)
	ListUpcomingMeetings(ctx context.Context, userID string) ([]zoom.ListedMeeting, error)
	PatchUserSettings(ctx context.Context, userID string, v passcode.Values) error
}

// Groups are the calls about one group.
type Groups interface {
	GetGroup(ctx context.Context, groupID string) (zoom.Group, error)
	GetGroupLocks(ctx context.Context, groupID string) (zoom.Settings, error)
	GetGroupSettings(ctx context.Context, groupID string) (zoom.Settings, error)
}

// Accounts are the calls about the account.
type Accounts interface {
	GetAccountLocks(ctx context.Context, accountID string) (zoom.Settings, error)
	GetAccountSettings(ctx context.Context, accountID string) (zoom.Settings, error)
	CountLicensed(context.Context) (int, error)
	ListUsers(context.Context) (users []zoom.User, pages int, err error)
	Scopes(context.Context) ([]string, error)
}

// Zoom is one account's API.
type Zoom interface {
	Meetings
	Hosts
	Groups
	Accounts
}

// Who is a host as far as policies tell hosts apart. Email and Groups are empty
// while the host has not been read.
type Who struct {
	AccountID, HostID, Email string
	Groups                   []string
}

// WhoIs is the host as policies see it.
func WhoIs(h store.Host) Who {
	return Who{AccountID: h.AccountID, HostID: h.ID, Email: h.Email, Groups: h.GroupIDs}
}

// Rule is what is to be done about a host's meetings.
type Rule struct {
	Policy passcode.Policy
	// Secret and Passcode go with the sources derived and fixed.
	Secret, Passcode secret.String
	// AlignHosts: the host's own unlocked settings that would put passcodes on
	// future meetings are turned off, once.
	AlignHosts bool
}

// Options configure a Worker. Store, Zoom, Rule, Publish and Logger are required.
type Options struct {
	Name  string // names this worker in leases and logs
	Store *store.Store
	Zoom  func(accountID string) (Zoom, bool) // false: not an account we guard
	Rule  func(Who) Rule
	// Policies is a fingerprint of all rules together, as they are now.
	Policies func() string
	Publish  func(context.Context, store.Alert) error
	// LastSequence is the greatest sequence of an alert that was published; nil: it may
	// not be asked for.
	LastSequence func(context.Context) (int64, error)
	Logger       *slog.Logger
	Metrics      *Metrics
	// Listen calls wake when something became due, until ctx ends; nil: Store.WaitDue.
	Listen func(ctx context.Context, wake func()) error
	// Tracer records checks under the delivery that made them due; nil: nobody does.
	Tracer trace.Tracer

	Parallel    int           // checks at once; default 8
	Lease       time.Duration // default 30 s, renewed every third of it
	Poll        time.Duration // looks for due work without being told; default 2 s
	SettingsTTL time.Duration // for how long read settings are believed that no event says changed, locks for Sweep at most; default 24 h
	Sweep       time.Duration // each host is read again this often, in case an event was lost; default 6 h
	SweepCalls  int           // a day and account that this may cost; 0: nothing bounds it
	Accounts    []string      // whose hosts are swept and whose set-up is looked at
	Keep        store.Keep    // for how long what is past is kept; zero: for ever
	Grace       time.Duration // what is in progress may take this long after the stop; default 10 s
	// Reserve is how many of the 100 changes of a host and UTC day are left to the host.
	Reserve int
	// Ahead is by how much Zoom's clock is ahead of this process's; nil: not at all.
	Ahead func(accountID string) time.Duration
	// LargePlan says that the operator named a plan larger than Pro for the account,
	// so that nothing is guessed from its licences; nil: for none.
	LargePlan func(accountID string) bool
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Lease, 30*time.Second)
	def(&o.Poll, 2*time.Second)
	def(&o.SettingsTTL, 24*time.Hour)
	def(&o.Grace, 10*time.Second)
	def(&o.Sweep, 6*time.Hour)
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Name == "" {
		o.Name = "worker"
	}
	if o.Tracer == nil {
		o.Tracer = tracing.Off()
	}
	if o.Listen == nil {
		o.Listen = o.Store.WaitDue
	}
	return o
}

// Worker reconciles. Any number of them may run side by side.
type Worker struct {
	o        Options
	meetings *work.Loop
	hosts    *work.Loop
	outbox   *work.Loop
	sweeps   *work.Loop
	rounds   *work.Loop // sweeps that were asked for
	setup    *work.Loop
	fanouts  *work.Loop
	past     *work.Loop
	// sequenced is when it is next seen to that the sequence of alerts goes on from what
	// was published.
	sequenced time.Time
	// policiesLate: PoliciesChanged failed, and is to be tried again.
	policiesLate atomic.Bool
	// Hosts get fewer places: a change of an account makes thousands of them due,
	// and meetings must not wait behind them for their turn at Zoom.
	meetingPool, hostPool *work.Pool
	flight                singleflight.Group // one read of a host, group or account at a time
	// Readings outlive the check that began them, but not the worker.
	readings    sync.WaitGroup
	working     context.Context
	endReadings context.CancelFunc
}

// setupPoll is how often it is looked for set-up trouble whose time has come.
const setupPoll = 15 * time.Second

// New makes a Worker.
func New(o Options) *Worker {
	o = o.withDefaults()
	w := &Worker{o: o}
	w.working, w.endReadings = context.WithCancel(context.Background())
	w.meetings, w.hosts, w.outbox = work.NewLoop(o.Poll), work.NewLoop(o.Poll), work.NewLoop(o.Poll)
	w.meetingPool, w.hostPool = work.NewPool(o.Parallel), work.NewPool(max(1, o.Parallel/4))
	w.past, w.fanouts, w.rounds = work.NewLoop(time.Hour), work.NewLoop(o.Poll), work.NewLoop(o.Poll)
	w.sweeps, w.setup = work.NewLoop(min(time.Minute, o.Sweep/10)), work.NewLoop(min(setupPoll, o.Sweep/10))
	return w
}

// Run works until ctx ends, then finishes what it has in progress, within Grace,
// and returns when nothing of it runs any more. The database and the bus may be
// unavailable at any time: it waits for them. A Worker runs once.
func (w *Worker) Run(ctx context.Context) {
	// Work in progress goes on after the stop, for Grace at most.
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stopTimer := context.AfterFunc(ctx, func() { time.AfterFunc(w.o.Grace, cancel) })
	defer stopTimer()

	var wg sync.WaitGroup
	log, first := w.o.Logger, true
	wg.Go(func() { w.meetings.Run(ctx, log, func() (bool, error) { return w.checkDueMeetings(ctx, hard) }) })
	wg.Go(func() { w.hosts.Run(ctx, log, func() (bool, error) { return w.checkDueHosts(ctx, hard) }) })
	wg.Go(func() { w.outbox.Run(ctx, log, func() (bool, error) { return w.publishAlerts(hard) }) })
	wg.Go(func() { w.sweeps.Run(ctx, log, func() (bool, error) { return w.sweep(hard) }) })
	wg.Go(func() { w.rounds.Run(ctx, log, func() (bool, error) { return w.sweepAsAsked(hard) }) })
	wg.Go(func() {
		w.setup.Run(ctx, log, func() (bool, error) {
			err := w.lookAtSetup(ctx, first)
			first = first && err != nil
			return false, err
		})
	})
	wg.Go(func() { w.fanouts.Run(ctx, log, func() (bool, error) { return w.fanOut(ctx) }) })
	if w.o.Keep != (store.Keep{}) {
		wg.Go(func() { w.past.Run(ctx, log, func() (bool, error) { w.dropPast(hard); return false, nil }) })
	}
	wg.Go(func() { w.listen(ctx) })
	wg.Wait()
	w.finish()
}

// finish waits for the checks in progress, ends the readings that nobody waits
// for any more, and waits for those too.
func (w *Worker) finish() {
	w.meetingPool.Wait()
	w.hostPool.Wait()
	w.endReadings()
	w.readings.Wait()
}

// Check says why some of the work is stalled; nil when all of it goes on.
func (w *Worker) Check() error {
	for _, l := range []*work.Loop{w.meetings, w.hosts, w.outbox, w.sweeps, w.rounds, w.setup, w.fanouts} { // not w.past: what is kept too long stops nothing
		if err := l.Err(); err != nil {
			return err
		}
	}
	return nil
}

// listen wakes the loops when any worker's transaction made something due.
// Without it they only poll, so its errors are not worth a word: the loops say
// when the database is unavailable.
func (w *Worker) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = work.Guard(func() error {
			return w.o.Listen(ctx, func() {
				w.meetings.Wake()
				w.hosts.Wake()
				w.outbox.Wake()
				w.fanouts.Wake()
			})
		})
		work.Pause(ctx, time.Second)
	}
}

// storeWithin bounds one transaction outside a check.
const storeWithin = 20 * time.Second

// publishAlerts moves alerts from the outbox to the bus.
func (w *Worker) publishAlerts(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	if err := w.continueSequence(ctx); err != nil {
		return false, err
	}
	const batch = 100
	n, err := w.o.Store.PublishAlerts(ctx, batch, func(ctx context.Context, a store.Alert) error {
		err := w.o.Publish(ctx, a)
		switch {
		case err == nil:
			w.o.Metrics.published()
			w.o.Metrics.Age(stagePublished, time.Since(a.CreatedAt))
		case errors.Is(err, store.ErrRefused):
			w.o.Metrics.refused()
			w.o.Logger.Error("an alert is refused; it stays in table alerts and is tried again, others go on", "alert", a.ID, "account", a.AccountID, "type", a.Type, "error", err)
		}
		return err
	})
	return n == batch, err
}

// sequencedFor is how often it is looked where the sequence is: the database may be
// restored from a backup at any time.
const sequencedFor = 10 * time.Minute

// continueSequence has alerts follow those that were published, also where the database
// is older than they are and the clock was ahead when they were.
func (w *Worker) continueSequence(ctx context.Context) error {
	if w.o.LastSequence == nil || time.Now().Before(w.sequenced) {
		return nil
	}
	asked, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	last, err := w.o.LastSequence(asked)
	if err != nil { // NATS is away, or a right is missing: nothing to wait for
		w.o.Logger.Debug("could not read the sequence of the last alerts", "error", err)
		w.sequenced = time.Now().Add(sequencedFor / 10)
		return nil
	}
	w.sequenced = time.Now().Add(sequencedFor)
	return w.o.Store.SequencesAfter(ctx, last)
}

// fanOut marks some more of what a change of a group or an account reaches.
func (w *Worker) fanOut(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	return w.o.Store.FanOut(ctx)
}
