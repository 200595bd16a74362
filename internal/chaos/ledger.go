package chaos

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// ledger is what was sent to ingest and what it answered, kept outside of latchkey.
type ledger struct {
	mu         sync.Mutex
	deliveries int
	answers    map[int]int // by status; -1: none
	entries    map[string]*entry
}

// entry is one body with one timestamp.
type entry struct {
	// plain and timed are the two ids that latchkey may give it: of the body, or of the
	// body and Zoom's timestamp, where the body has no time of its own.
	plain, timed string
	event        string
	sound        bool // its payload is an object; what is not sound may become a dead letter
	accepted     int  // answers 2xx
}

func newLedger() *ledger { return &ledger{answers: map[int]int{}, entries: map[string]*entry{}} }

// sent notes a delivery before ingest sees it.
func (l *ledger) sent(body []byte, timestamp string) *entry {
	plain := fmt.Sprintf("%x", sha256.Sum256(body))
	var shape struct {
		Event   string         `json:"event"`
		Payload map[string]any `json:"payload"`
	}
	sound := json.Unmarshal(body, &shape) == nil && shape.Payload != nil
	e := &entry{plain: plain, timed: fmt.Sprintf("%x", sha256.Sum256([]byte(plain+"\n"+timestamp+"\n"))), event: shape.Event, sound: sound}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deliveries++
	if old := l.entries[e.timed]; old != nil {
		return old
	}
	l.entries[e.timed] = e
	return e
}

// answered notes what ingest said; the sender may never hear of it.
func (l *ledger) answered(e *entry, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[status]++
	if status/100 == 2 {
		e.accepted++
	}
}

// accepted lists what ingest accepted, and all lists what was sent.
func (l *ledger) list() (accepted, all []entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		all = append(all, *e)
		if e.accepted > 0 {
			accepted = append(accepted, *e)
		}
	}
	return accepted, all
}

func (l *ledger) totals() (deliveries, accepted int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for status, n := range l.answers {
		if status/100 == 2 {
			accepted += n
		}
	}
	return l.deliveries, accepted
}

// balancer stands where Zoom's requests arrive, in front of the ingests, and keeps the
// ledger. An ingest that failed is left alone for a moment.
type balancer struct {
	ledger *ledger
	server *http.Server
	url    string
	served chan error

	mu    sync.Mutex
	next  int
	backs []*backend
}

type backend struct {
	url    string
	client *http.Client
	until  time.Time // left alone until then
}

const (
	// forwardWithin is a little more than Zoom's own patience.
	forwardWithin = 3500 * time.Millisecond
	leftAlone     = 500 * time.Millisecond
	bodyMost      = 2 << 20
)

func newBalancer(l *ledger, targets ...string) (*balancer, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("chaos: balancer: %w", err)
	}
	b := &balancer{ledger: l, url: "http://" + ln.Addr().String() + "/webhooks/zoom", served: make(chan error, 1)}
	for _, t := range targets {
		b.backs = append(b.backs, &backend{url: "http://" + t + "/webhooks/zoom", client: &http.Client{
			Timeout: forwardWithin, Transport: &http.Transport{MaxIdleConnsPerHost: 16, ResponseHeaderTimeout: forwardWithin}}})
	}
	b.server = &http.Server{Handler: b, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 15 * time.Second}
	go func() { b.served <- b.server.Serve(ln) }()
	return b, nil
}

func (b *balancer) close() {
	_ = b.server.Close()
	<-b.served
	for _, back := range b.backs {
		back.client.CloseIdleConnections()
	}
}

func (b *balancer) pick() *backend {
	b.mu.Lock()
	defer b.mu.Unlock()
	for range b.backs {
		b.next = (b.next + 1) % len(b.backs)
		if time.Now().After(b.backs[b.next].until) {
			break
		}
	}
	return b.backs[b.next]
}

func (b *balancer) failed(back *backend) {
	b.mu.Lock()
	defer b.mu.Unlock()
	back.until = time.Now().Add(leftAlone)
}

func (b *balancer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, bodyMost))
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	e := b.ledger.sent(body, r.Header.Get("x-zm-request-timestamp"))
	back := b.pick()
	// Not the sender's context: who hangs up does not make an answer unsaid.
	req, err := http.NewRequest(r.Method, back.url, bytes.NewReader(body)) // the client has a timeout
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := back.client.Do(req)
	if err != nil {
		b.failed(back)
		b.ledger.answered(e, -1)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	b.ledger.answered(e, resp.StatusCode)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, io.LimitReader(resp.Body, bodyMost))
}
