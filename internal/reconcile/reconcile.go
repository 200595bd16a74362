// Package reconcile is the worker. Intake turns events into rows and marks what
// they touch as due; reconciling takes what is due and brings the world and the
// policy together: observe, decide, act, verify, record.
//
// It is level-triggered: an event only says "look here". Duplicate, late and
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
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// Meetings are the calls about one meeting.
type Meetings interface {
	GetMeeting(context.Context, zoom.MeetingID) (zoom.Meeting, error)
	PatchMeeting(context.Context, zoom.MeetingID, zoom.MeetingPatch) error
}

// Hosts are the calls about one host.
type Hosts interface {
	GetUser(ctx context.Context, userID string) (zoom.User, error)
	GetUserSettings(ctx context.Context, userID string) (zoom.Security, error)
	ListUpcomingMeetings(ctx context.Context, userID string) ([]zoom.ListedMeeting, error)
	PatchUserSettings(ctx context.Context, userID string, s zoom.Security) error
}

// Groups are the calls about one group.
type Groups interface {
	GetGroupLocks(ctx context.Context, groupID string) (zoom.Security, error)
	GetGroupSettings(ctx context.Context, groupID string) (zoom.Security, error)
}

// Accounts are the calls about the account.
type Accounts interface {
	GetAccountLocks(ctx context.Context, accountID string) (zoom.Security, error)
	GetAccountSettings(ctx context.Context, accountID string) (zoom.Security, error)
	CountLicensed(context.Context) (int, error)
}

// Zoom is one account's API.
type Zoom interface {
	Meetings
	Hosts
	Groups
	Accounts
}

// Event is one delivery from the bus.
type Event struct {
	ID         string
	Body       []byte
	ReceivedAt time.Time
	RequestID  string
	InProgress func() // tells the bus that it is still being worked on
}

// Bus is where events come from and alerts go to.
type Bus interface {
	// Consume hands over events until ctx ends and what is in hand is done. An
	// error leaves the event to be delivered again.
	Consume(ctx context.Context, parallel int, handle func(context.Context, Event) error)
	PublishAlert(context.Context, store.Alert) error
	PublishDead(ctx context.Context, reason string, e Event) error
}

// Who is a host as far as policies tell hosts apart. Email and Groups are empty
// while the host has not been read.
type Who struct {
	AccountID, HostID, Email string
	Groups                   []string
}

// Rule is what is to be done about a host's meetings.
type Rule struct {
	Policy passcode.Policy
	// Secret and Passcode go with the sources derived and fixed.
	Secret, Passcode zoom.Secret
	// AlignHosts: the host's own unlocked settings that would put passcodes on
	// future meetings are turned off, once.
	AlignHosts bool
}

// Options configure a Worker. Store, Bus, Zoom, Rule and Logger are required.
type Options struct {
	Name  string // names this worker in leases and logs
	Store *store.Store
	Bus   Bus
	Zoom  func(accountID string) (Zoom, bool) // false: not an account we govern
	Rule  func(Who) Rule
	// Account is assumed for events that name none; "" when there are several.
	Account string
	Logger  *slog.Logger
	Metrics *Metrics

	Parallel    int           // checks at once; default 8
	Lease       time.Duration // default 30 s, renewed every third of it
	Poll        time.Duration // looks for due work without being told; default 2 s
	SettingsTTL time.Duration // for how long read settings and locks are believed; default 5 min
	Sweep       time.Duration // each host is read anew this often, in case an event was lost; default 6 h
	Accounts    []string      // whose hosts are swept
	Grace       time.Duration // what is in hand may take this long after the stop; default 10 s
	Now         func() time.Time
}

func (o Options) withDefaults() Options {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&o.Lease, 30*time.Second)
	def(&o.Poll, 2*time.Second)
	def(&o.SettingsTTL, 5*time.Minute)
	def(&o.Grace, 10*time.Second)
	def(&o.Sweep, 6*time.Hour)
	if o.Parallel <= 0 {
		o.Parallel = 8
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Name == "" {
		o.Name = "worker"
	}
	return o
}

// Worker does intake and reconciling. Any number of them may run side by side.
type Worker struct {
	o        Options
	meetings *loop
	hosts    *loop
	outbox   *loop
	sweeps   *loop
	// Hosts get fewer places: a change of an account makes thousands of them due,
	// and meetings must not wait behind them for their turn at Zoom.
	meetingPool, hostPool *pool
	flight                singleflight.Group // one read of a host, group or account at a time
}

// New makes a Worker.
func New(o Options) *Worker {
	o = o.withDefaults()
	w := &Worker{o: o}
	w.meetings, w.hosts, w.outbox = newLoop(o.Poll), newLoop(o.Poll), newLoop(o.Poll)
	w.meetingPool, w.hostPool = newPool(o.Parallel), newPool(max(1, o.Parallel/4))
	w.sweeps = newLoop(min(time.Minute, o.Sweep/10))
	return w
}

// Run works until ctx ends, then finishes what it has in hand, within Grace,
// and returns when nothing of it runs any more. The database and the bus may be
// away at any time: it waits for them.
func (w *Worker) Run(ctx context.Context) {
	// Work in hand goes on after the stop, for Grace at most.
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stopTimer := context.AfterFunc(ctx, func() { time.AfterFunc(w.o.Grace, cancel) })
	defer stopTimer()

	var wg sync.WaitGroup
	wg.Go(func() { w.o.Bus.Consume(ctx, w.o.Parallel, w.intake(ctx)) })
	wg.Go(func() { w.meetings.run(ctx, w.o.Logger, func() (bool, error) { return w.checkDueMeetings(ctx, hard) }) })
	wg.Go(func() { w.hosts.run(ctx, w.o.Logger, func() (bool, error) { return w.checkDueHosts(ctx, hard) }) })
	wg.Go(func() { w.outbox.run(ctx, w.o.Logger, func() (bool, error) { return w.publishAlerts(hard) }) })
	wg.Go(func() { w.sweeps.run(ctx, w.o.Logger, func() (bool, error) { return w.sweep(hard) }) })
	wg.Go(func() { w.listen(ctx) })
	wg.Wait()
	w.meetingPool.wg.Wait()
	w.hostPool.wg.Wait()
}

// Check says why some of the work stands still; nil when all of it goes on.
func (w *Worker) Check() error {
	for _, l := range []*loop{w.meetings, w.hosts, w.outbox, w.sweeps} {
		if err := l.standing.Load(); err != nil {
			return *err
		}
	}
	return nil
}

// listen wakes the loops when any worker's transaction made something due.
// Without it they only poll, so its errors are not worth a word: the loops tell
// when the database is away.
func (w *Worker) listen(ctx context.Context) {
	for ctx.Err() == nil {
		_ = w.o.Store.WaitDue(ctx, func() {
			w.meetings.wake()
			w.hosts.wake()
			w.outbox.wake()
		})
		pause(ctx, time.Second)
	}
}
