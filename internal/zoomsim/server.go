package zoomsim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Credentials are what a customer copies out of Zoom's Marketplace.
type Credentials struct {
	AccountID    string `json:"account_id"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	SecretToken  string `json:"secret_token"`
}

// Server is a running simulator. All methods are safe for concurrent use.
type Server struct {
	log     *slog.Logger
	now     func() time.Time
	seed    uint64
	handler http.Handler
	http    *http.Server // nil in process
	base    string
	history int // how many requests are kept
	calls   gate
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	out     *outbox

	tracked atomic.Uint64 // answers and deliveries, for tracking ids

	mu             sync.Mutex // guards everything below
	world          *world
	tokens         map[string]token
	requests       []Request
	tally          tally
	faults         []*Fault
	faultsHit      int
	malice         Malice
	badValidations int
}

// Start listens and serves until Stop. ctx bounds the start alone.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	src := newSource(o.Seed)
	w, err := buildWorld(o.Scenario, src, o.Now())
	if err != nil {
		return nil, fmt.Errorf("zoomsim: %w", err)
	}
	run, cancel := context.WithCancel(context.Background())
	s := &Server{
		log: o.Logger, now: o.Now, seed: o.Seed, base: inProcessURL, history: o.History, cancel: cancel,
		world: w, tokens: map[string]token{}, tally: newTally(), malice: o.Scenario.Malice.merge(o.Malice),
	}
	s.out = newOutbox(run, s, o, src)
	s.out.start()
	s.handler = s.routes()
	if err := s.open(ctx, o); err != nil {
		cancel()
		s.wg.Wait()
		return nil, fmt.Errorf("zoomsim: %w", err)
	}
	s.log.Info("zoom simulator listening", "url", s.URL(), "seed", o.Seed)
	return s, nil
}

// open checks what was asked for and listens, unless calls come in process.
func (s *Server) open(ctx context.Context, o Options) error {
	if err := s.malice.check(); err != nil {
		return err
	}
	for _, f := range o.Scenario.Faults {
		if err := s.AddFault(f); err != nil {
			return err
		}
	}
	if o.InProcess {
		return nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return err
	}
	s.base = "http://" + ln.Addr().String()
	s.http = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serve", "error", err)
		}
	})
	return nil
}

// Stop closes the listener, waits for requests in progress until ctx ends, then
// stops deliveries and waits for every goroutine.
func (s *Server) Stop(ctx context.Context) error {
	err := s.calls.close(ctx)
	if s.http != nil {
		if down := s.http.Shutdown(ctx); down != nil {
			err = errors.Join(err, down, s.http.Close())
		}
	}
	s.cancel()
	s.wg.Wait()
	s.out.client.CloseIdleConnections()
	return err
}

// URL is the root, http://127.0.0.1:port, in process http://zoom.invalid;
// control calls live under /_sim/.
func (s *Server) URL() string { return s.base }

// APIURL is the base of Zoom's API, ending in /v2.
func (s *Server) APIURL() string { return s.URL() + "/v2" }

// OAuthURL is the token endpoint.
func (s *Server) OAuthURL() string { return s.URL() + "/oauth/token" }

// Seed is the seed in use, to repeat a run.
func (s *Server) Seed() uint64 { return s.seed }

// Credentials of an account; "" means the first. Unknown accounts have none.
func (s *Server) Credentials(accountID string) Credentials {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.world.account(accountID); a != nil {
		return a.cred
	}
	return Credentials{}
}

// Host is what holds for one host right now.
type Host struct {
	ID         string            `json:"id"`
	Email      string            `json:"email"`
	Groups     []string          `json:"group_ids"`
	Meetings   EffectiveSettings `json:"meetings"`     // new instant and scheduled meetings
	PMI        EffectiveSettings `json:"pmi_meetings"` // without join before host
	SpentToday int               `json:"spent_today"`  // of the 100 creates and updates
}

// Host returns a host's effective settings, by id or email.
func (s *Server) Host(id string) (Host, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.world.user(id)
	if u == nil {
		return Host{}, false
	}
	r := u.acct.resolve(u)
	return Host{
		ID: u.ID, Email: u.Email, Groups: append([]string{}, u.Groups...),
		Meetings: r.effective(keyMeetingPassword), PMI: r.effective(keyPMIPassword),
		SpentToday: u.spentToday(s.now()),
	}, true
}

// SetWebhookURL points every account's webhooks at url; "" unsubscribes. With
// Options.Deliver it changes nothing but what ValidateWebhook asks.
func (s *Server) SetWebhookURL(url string) {
	s.mu.Lock()
	s.badValidations = 0
	s.mu.Unlock()
	s.out.setURL(url)
}

// WaitDeliveries blocks until no webhook is queued or in flight. Retries that
// wait for their time are not waited for; RetryNow makes them due.
func (s *Server) WaitDeliveries(ctx context.Context) error { return s.out.wait(ctx) }

// RetryNow makes every waiting webhook retry due at once.
func (s *Server) RetryNow() { s.out.retryNow() }

// Deliveries lists every webhook and its attempts, oldest first.
func (s *Server) Deliveries() []Delivery { return s.out.list() }

// emit queues webhooks. The caller holds the lock, so their order is the
// order of the changes.
func (s *Server) emit(events ...event) {
	for _, ev := range events {
		s.out.add(ev)
	}
}
