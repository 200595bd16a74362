package zoomsim

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// outbox sends webhooks: one lane in order, so that what arrives out of order
// did so because a knob or a retry made it.
type outbox struct {
	ctx     context.Context
	wg      *sync.WaitGroup
	client  *http.Client
	log     *slog.Logger
	src     *source
	now     func() time.Time
	timer   func(time.Duration) (<-chan time.Time, func())
	delays  []time.Duration
	timeout time.Duration
	// tracking makes a new tracking id.
	tracking func() string
	// hand, if set, takes the webhooks instead of the url.
	hand func(context.Context, http.Header, []byte) int

	mu      sync.Mutex
	malice  Malice
	url     string
	queue   []*delivery
	history []*delivery
	most    int                       // of history
	ended   map[string]map[string]int // by event and final state
	pending int                       // queued or in flight, retries that wait not counted
	idle    chan struct{}             // closed while pending is 0
	wake    chan struct{}
	nudge   chan struct{} // closed and replaced by RetryNow
	// overtaken is closed and replaced when a delivery was queued, to let go
	// of one that was held back.
	overtaken chan struct{}
}

func newOutbox(run context.Context, s *Server, o Options, src *source) *outbox {
	return &outbox{
		ctx: run, wg: &s.wg, log: o.Logger, src: src, now: o.Now, timer: o.NewTimer,
		delays: o.RetryDelays, timeout: o.WebhookTimeout, url: o.WebhookURL, malice: s.malice,
		tracking: s.trackingID, hand: o.Deliver, most: o.History, ended: map[string]map[string]int{},
		client: &http.Client{
			Transport: &http.Transport{MaxIdleConnsPerHost: 4},
			// A redirect is an answer, and never followed (Z-HOOK-7).
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (o *outbox) start() {
	o.idle = make(chan struct{})
	close(o.idle)
	o.wake = make(chan struct{}, 1)
	o.nudge = make(chan struct{})
	o.overtaken = make(chan struct{})
	o.wg.Go(o.run)
}

// add takes an event. Its body is fixed here: retries send the same bytes
// under the same request id (openapi/marketplace.json, webhook_logs).
func (o *outbox) add(ev event) {
	o.mu.Lock()
	defer o.mu.Unlock()
	body, err := encode(o.bend(ev.body))
	if err != nil {
		o.log.Error("webhook not encodable", "event", ev.name, "error", err)
		return
	}
	if d := o.file(ev.acct, ev.name, body); d.State == DeliveryPending {
		o.fate(d)
	}
}

// addRaw takes a body as it stands, past every knob.
func (o *outbox) addRaw(a *account, name string, body []byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if d := o.file(a, name, body); d.State == DeliveryPending {
		o.push(d)
	}
}

// file makes a delivery of a body; the lock is held.
func (o *outbox) file(a *account, name string, body []byte) *delivery {
	d := &delivery{acct: a, body: body, trace: "00-" + o.src.hex(16) + "-" + o.src.hex(8) + "-01"}
	d.RequestID, d.Event, d.AccountID, d.State = o.src.requestID(), name, a.ID, DeliveryPending
	o.history = keep(o.history, d, o.most)
	if o.url == "" && o.hand == nil || a.inactive {
		o.end(d, DeliveryLost) // nobody subscribed, or the app is deactivated
	}
	return d
}

// push queues a delivery; the lock is held.
func (o *outbox) push(d *delivery) {
	if o.pending == 0 {
		o.idle = make(chan struct{})
	}
	o.pending++
	d.State = DeliveryPending
	o.queue = append(o.queue, d)
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) run() {
	for {
		o.mu.Lock()
		var d *delivery
		if len(o.queue) > 0 {
			d, o.queue = o.queue[0], o.queue[1:]
		}
		url := o.url
		o.mu.Unlock()
		if d == nil {
			select {
			case <-o.ctx.Done():
				return
			case <-o.wake:
				continue
			}
		}
		at := o.now()
		status, reason := o.send(d, url, at)
		o.settle(d, Attempt{at, status, reason})
		if o.ctx.Err() != nil {
			return
		}
	}
}

// settle applies Zoom's retry rule (Z-HOOK-6, Z-HOOK-7): the first attempt counts with
// 200 or 204, a retry with any 2xx; only 5xx and transport failures are tried
// again; 3xx and 4xx, 429 included, never are.
func (o *outbox) settle(d *delivery, a Attempt) {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := len(d.Attempts) == 0
	d.Attempts = append(d.Attempts, a)
	again := len(d.Attempts) <= len(o.delays)
	switch {
	case a.Status == 200 || a.Status == 204 || !first && a.Status/100 == 2:
		o.end(d, DeliveryDelivered)
	case a.Status >= 0 && a.Status < 500:
		o.end(d, DeliveryRefused)
	case again:
		d.State = DeliveryRetrying
		o.later(d, o.delays[len(d.Attempts)-1], nil)
	default:
		o.end(d, DeliveryGone)
	}
	o.log.Debug("webhook", "event", d.Event, "request_id", d.RequestID, "attempt", len(d.Attempts),
		"status", a.Status, "state", d.State)
	o.done()
}

// end gives a delivery its final state; the lock is held.
func (o *outbox) end(d *delivery, state string) {
	d.State = state
	count(o.ended, d.Event, state)
}

// done counts one delivery off; the lock is held.
func (o *outbox) done() {
	if o.pending--; o.pending == 0 {
		close(o.idle)
	}
}

// later queues a delivery after the delay, on RetryNow, when release closes
// (nil: never does), or not at all when the server stops; the lock is held.
func (o *outbox) later(d *delivery, delay time.Duration, release <-chan struct{}) {
	if o.ctx.Err() != nil {
		return
	}
	fire, stop := o.timer(delay)
	nudge := o.nudge
	o.wg.Go(func() {
		defer stop()
		select {
		case <-o.ctx.Done():
			return
		case <-nudge:
		case <-release:
		case <-fire:
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		o.push(d)
	})
}

// retryNow fires every waiting retry.
func (o *outbox) retryNow() {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.nudge)
	o.nudge = make(chan struct{})
}

// wait blocks until nothing is queued or in flight.
func (o *outbox) wait(ctx context.Context) error {
	for {
		o.mu.Lock()
		idle, n := o.idle, o.pending
		o.mu.Unlock()
		if n == 0 {
			return nil
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return ctx.Err()
		case <-o.ctx.Done():
			return o.ctx.Err()
		}
	}
}

// list copies the history, oldest first.
func (o *outbox) list() []Delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	out := make([]Delivery, len(o.history))
	for i, d := range o.history {
		out[i] = d.Delivery
		out[i].Attempts = slices.Clone(d.Attempts)
	}
	return out
}
