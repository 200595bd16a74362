package day

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"latchkey/internal/intake"
	"latchkey/internal/passcode"
	"latchkey/internal/quota"
	"latchkey/internal/reconcile"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/webhook"
	"latchkey/internal/zoom"
	"latchkey/internal/zoomsim"
)

// latchkey is what runs in a worker, but for NATS: events are handed to intake, and what
// is due is heard of in process.
type latchkey struct {
	t      *testing.T
	store  *store.Store
	pool   *pgxpool.Pool // for the test's own questions
	client *zoom.Client
	limit  *quota.Limiter
	take   func(context.Context, intake.Frame) error

	mu     sync.Mutex
	wake   func()
	alerts map[string]int
	dead   int
}

// what a day may cost the sweep, by the account's size: the default is for 10 000 hosts.
func (a account) sweepCalls() int { return a.hosts * 2 }

func startLatchkey(t *testing.T, url string) *latchkey {
	t.Helper()
	s, err := store.OpenFor(url, 16, toldTheTime)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	toldTheTime(cfg)
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	l := &latchkey{t: t, store: s, pool: pool, alerts: map[string]int{}}
	quiet := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	l.limit = quota.New(quota.Options{Ledger: s, AccountID: accountID, Plan: "business", Share: 0.5, Logger: quiet})
	l.take = intake.New(intake.Options{Store: s, Governed: func(string) bool { return true }, Guarded: []string{accountID}, Logger: quiet,
		Dead: func(_ context.Context, reason string, _ intake.Event) error {
			l.dead++
			t.Errorf("dead letter: %s", reason)
			return nil
		}}).Handle(t.Context())
	return l
}

// connect makes the client of the simulated Zoom.
func (l *latchkey) connect(sim *zoomsim.Server) {
	c := sim.Credentials(accountID)
	l.client = zoom.New(zoom.Options{Credentials: zoom.Credentials{AccountID: accountID, ClientID: c.ClientID, ClientSecret: secret.String(c.ClientSecret)},
		APIURL: sim.APIURL(), OAuthURL: sim.OAuthURL(), Limiter: l.limit, Transport: sim.RoundTripper()})
}

// run starts workers; the func stops them.
func (l *latchkey) run(a account) (stop func()) {
	ctx, cancel := context.WithCancel(l.t.Context())
	var wg sync.WaitGroup
	var wakes []func()
	var mu sync.Mutex
	l.mu.Lock()
	l.wake = func() {
		mu.Lock()
		defer mu.Unlock()
		for _, f := range wakes {
			f()
		}
	}
	l.mu.Unlock()
	for n := range 2 {
		w := reconcile.New(reconcile.Options{
			Name: "worker" + string(rune('0'+n)), Store: l.store, Accounts: []string{accountID}, Parallel: 16, Poll: time.Minute, Reserve: 50,
			Zoom: func(string) (reconcile.Zoom, bool) { return l.client, true },
			Rule: func(reconcile.Who) reconcile.Rule {
				return reconcile.Rule{Policy: passcode.Policy{Mode: passcode.ModeWaitingRoom, Fingerprint: "p"}}
			},
			Policies: func() string { return "p" }, Logger: slog.New(slog.NewTextHandler(l.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
			Publish:    l.publish,
			Ahead:      func(string) time.Duration { return l.client.Ahead() },
			LargePlan:  func(string) bool { return true },
			SweepCalls: a.sweepCalls(),
			Listen: func(ctx context.Context, wake func()) error {
				mu.Lock()
				wakes = append(wakes, wake)
				mu.Unlock()
				<-ctx.Done()
				return ctx.Err()
			},
		})
		wg.Go(func() { w.Run(ctx) })
	}
	return func() { cancel(); wg.Wait() }
}

func (l *latchkey) publish(_ context.Context, a store.Alert) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.alerts[a.Type]++
	return nil
}

// deliver is what ingest, NATS and the worker's consumer do with a webhook.
func (l *latchkey) deliver(ctx context.Context, h http.Header, body []byte) int {
	env, err := zoom.DecodeEnvelope(body)
	if err != nil {
		l.t.Errorf("webhook: %v", err)
		return http.StatusNoContent
	}
	e := intake.Event{ID: webhook.EventID(body, !env.At.IsZero(), h.Get("x-zm-request-timestamp")), Body: body, ReceivedAt: time.Now(), RequestID: h.Get("x-zm-request-id")}
	if err := l.take(ctx, intake.Frame{Events: []intake.Event{e}}); err != nil {
		l.t.Errorf("take in: %v", err)
	}
	l.mu.Lock()
	wake := l.wake
	l.mu.Unlock()
	if wake != nil {
		wake()
	}
	return http.StatusNoContent
}

// quiet waits, in virtual time, until nothing is due; false when it takes longer.
func (l *latchkey) quiet(within time.Duration) bool {
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(20 * time.Second) {
		c, err := l.store.Counts(l.t.Context())
		if err != nil {
			l.t.Fatal(err)
		}
		if c.MeetingsDue+c.HostsDue+c.FanOuts+c.AlertsUnpublished == 0 {
			return true
		}
	}
	return false
}

func (l *latchkey) close() {
	l.client.Close()
	l.limit.Close()
	l.pool.Close()
	l.store.Close()
}
