package zoomsim

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// maxHistory caps the request and delivery lists, unless Options.History does; the older
// half goes first.
const maxHistory = 50_000

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
	deliver  Deliver // nil: by HTTP
	kept     int

	mu            sync.Mutex
	malice        Malice
	url           string
	queue         []*delivery
	history       []*delivery
	queued, ended map[string]int // by event, by state
	pending       int            // queued or in flight, retries that wait not counted
	idle          chan struct{}  // closed while pending is 0
	wake          chan struct{}
	nudge         chan struct{} // closed and replaced by RetryNow
	// overtaken is closed and replaced when a delivery was queued, to let go
	// of one that was held back.
	overtaken chan struct{}
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
	o.history = trim(append(o.history, d), o.kept)
	o.queued[name]++
	if o.url == "" && o.deliver == nil || a.inactive {
		d.State = DeliveryLost // nobody subscribed, or the app is deactivated
		o.ended[d.State]++
	}
	return d
}

// trim drops the older half of what is more than is kept.
func trim[T any](s []T, kept int) []T {
	switch {
	case kept < 0:
		return nil
	case len(s) > kept:
		return slices.Clone(s[len(s)/2:])
	}
	return s
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
		d.State = DeliveryDelivered
	case a.Status >= 0 && a.Status < 500:
		d.State = DeliveryRefused
	case again:
		d.State = DeliveryRetrying
		o.later(d, o.delays[len(d.Attempts)-1], nil)
	default:
		d.State = DeliveryGone
	}
	if d.State != DeliveryRetrying {
		o.ended[d.State]++
	}
	o.log.Debug("webhook", "event", d.Event, "request_id", d.RequestID, "attempt", len(d.Attempts),
		"status", a.Status, "state", d.State)
	o.done()
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

// send makes one attempt and returns the status, -1 for none.
func (o *outbox) send(d *delivery, url string, at time.Time) (int, string) {
	ctx, cancel := context.WithTimeout(o.ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cmp.Or(url, inProcessURL), bytes.NewReader(d.body))
	if err != nil {
		return -1, "bad url"
	}
	o.sign(req, d, at)
	if o.deliver != nil {
		status := o.deliver(ctx, req.Header, d.body)
		if ctx.Err() != nil {
			return -1, reasonTimeout
		}
		if status < 0 {
			return -1, reasonConnection
		}
		return status, ""
	}
	resp, err := o.client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return -1, reasonTimeout
		}
		return -1, reasonConnection
	}
	defer func() { _ = resp.Body.Close() }()
	// The answer counts once its body was read in time too.
	if _, err := io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return -1, reasonTimeout
	}
	return resp.StatusCode, ""
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
