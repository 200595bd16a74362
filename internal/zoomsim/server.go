package zoomsim

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Options configure a simulator; the zero value is a working one.
type Options struct {
	Scenario       Scenario         // no accounts: DefaultScenario
	Listen         string           // default 127.0.0.1:0
	InProcess      bool             // does not listen: RoundTripper alone reaches it
	Deliver        Deliver          // takes webhooks instead of WebhookURL
	History        int              // requests and deliveries that are kept; default 50 000, negative: none
	WebhookURL     string           // "" = none yet, webhooks are lost
	Now            func() time.Time // default time.Now
	RetryDelays    []time.Duration  // between attempts; default 5m, 20m, 60m (Z-HOOK-8)
	WebhookTimeout time.Duration    // default 3s
	Seed           uint64           // ids, passcodes, malice; 0: the scenario's, else random
	Documents      Documents        // "": the scenario's, else Documents2025
	Logger         *slog.Logger     // default: discards
	Malice         Malice           // added to the scenario's where a knob is not 0
	// NewTimer replaces time.NewTimer for webhook retries; the func stops it.
	NewTimer func(time.Duration) (<-chan time.Time, func())
}

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
	http    *http.Server // nil in process
	handler http.Handler
	kept    int
	addr    string
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	out     *outbox

	tracked atomic.Uint64 // answers and deliveries, for tracking ids

	mu             sync.Mutex // guards everything below
	world          *world
	tokens         map[string]token
	requests       []Request
	faults         []*Fault
	faultsHit      int
	malice         Malice
	badValidations int
	tally          Tally
	second         secondCalls
}

// Start listens and serves until Stop. ctx bounds the start alone.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	src := newSource(o.Seed)
	w, err := buildWorld(o.Scenario, src, o.Now())
	if err != nil {
		return nil, fmt.Errorf("zoomsim: %w", err)
	}
	var ln net.Listener
	closeListener := func() error { return nil }
	if !o.InProcess {
		if ln, err = new(net.ListenConfig).Listen(ctx, "tcp", o.Listen); err != nil {
			return nil, fmt.Errorf("zoomsim: %w", err)
		}
		closeListener = ln.Close
	}
	run, cancel := context.WithCancel(context.Background())
	s := &Server{
		log: o.Logger, now: o.Now, seed: o.Seed, cancel: cancel, kept: o.History, tally: newTally(),
		world: w, tokens: map[string]token{},
	}
	s.malice = o.Scenario.Malice.merge(o.Malice)
	if err := s.malice.check(); err != nil {
		cancel()
		return nil, errors.Join(fmt.Errorf("zoomsim: %w", err), closeListener())
	}
	for _, f := range o.Scenario.Faults {
		if err := s.AddFault(f); err != nil {
			cancel()
			return nil, errors.Join(fmt.Errorf("zoomsim: %w", err), closeListener())
		}
	}
	s.out = &outbox{
		ctx: run, wg: &s.wg, log: o.Logger, src: src, now: o.Now, timer: o.NewTimer,
		delays: o.RetryDelays, timeout: o.WebhookTimeout, url: o.WebhookURL, malice: s.malice,
		tracking: s.trackingID, deliver: o.Deliver, kept: o.History, queued: map[string]int{}, ended: map[string]int{},
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: 4},
			// A redirect is an answer, and never followed (Z-HOOK-7).
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	s.out.start()
	if s.handler = s.routes(); ln == nil {
		return s, nil
	}
	s.addr = ln.Addr().String()
	s.http = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second}
	s.wg.Go(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("serve", "error", err)
		}
	})
	s.log.Info("zoom simulator listening", "url", s.URL(), "seed", o.Seed)
	return s, nil
}

func (o Options) withDefaults() Options {
	if len(o.Scenario.Accounts) == 0 {
		d := DefaultScenario()
		o.Scenario.Accounts = d.Accounts
	}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.History == 0 {
		o.History = maxHistory
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.RetryDelays == nil {
		o.RetryDelays = []time.Duration{5 * time.Minute, 20 * time.Minute, 60 * time.Minute}
	}
	if o.WebhookTimeout == 0 {
		o.WebhookTimeout = 3 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.NewTimer == nil {
		o.NewTimer = func(d time.Duration) (<-chan time.Time, func()) {
			t := time.NewTimer(d)
			return t.C, func() { t.Stop() }
		}
	}
	if o.Documents != "" {
		o.Scenario.Documents = o.Documents
	}
	if o.Seed == 0 {
		o.Seed = o.Scenario.Seed
	}
	for o.Seed == 0 {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails, see crypto/rand
		o.Seed = binary.LittleEndian.Uint64(b[:])
	}
	return o
}

// Stop closes the listener, waits for requests in progress until ctx ends, then
// stops deliveries and waits for every goroutine.
func (s *Server) Stop(ctx context.Context) error {
	var err error
	if s.http != nil {
		if err = s.http.Shutdown(ctx); err != nil {
			err = errors.Join(err, s.http.Close())
		}
	}
	s.cancel()
	s.wg.Wait()
	s.out.client.CloseIdleConnections()
	return err
}

// URL is the root, http://127.0.0.1:port; control calls live under /_sim/.
func (s *Server) URL() string {
	if s.http == nil {
		return inProcessURL
	}
	return "http://" + s.addr
}

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
		SpentToday: u.acct.budget[dayKey{u.ID, utcDay(s.now())}],
	}, true
}

// SetWebhookURL points every account's webhooks at url; "" unsubscribes.
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
