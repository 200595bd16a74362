// Package webhook takes Zoom's webhook deliveries in: it proves that they are
// Zoom's, answers Zoom's URL validation, and says 204 only when the event is
// safe on the bus's disk.
//
// Zoom retries 5xx answers and nothing else (FACTS section 1), so whatever is
// truly Zoom's gets 2xx or 503 and never a 4xx.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"golang.org/x/time/rate"
)

// Path is where deliveries arrive.
const Path = "/webhooks/zoom"

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 1 << 20

// Zoom gives up after 3 seconds: acceptWithin bounds the wait for the bus,
// readWithin that for a body, however slowly it trickles in.
const (
	acceptWithin = 2 * time.Second
	readWithin   = 3 * time.Second
)

// readersPerPlace is how many requests may be read and checked for one that is
// in hand: strangers, who get no further than that, can be slow.
const readersPerPlace = 4

// Delivery is one delivery whose signature holds.
type Delivery struct {
	ID          string // made from the body: the same event again has the same
	AccountID   string // "" when the body does not say
	Event       string // "" when the body does not say
	Body        []byte
	ReceivedAt  time.Time
	RequestID   string
	TraceParent string
}

// Bus is where deliveries go. Both calls return when the delivery is on disk.
type Bus interface {
	PublishEvent(context.Context, Delivery) error
	// PublishDead keeps a delivery that nobody can use, with the reason.
	PublishDead(ctx context.Context, reason string, d Delivery) error
}

// Envelope is what ingest needs to know of a body.
type Envelope struct {
	Event     string
	AccountID string
	HasTime   bool // it says when it happened, so no two events have one body
	// PlainToken is set for Zoom's URL validation.
	PlainToken string
}

// Options configure a Handler; all are required but Now.
type Options struct {
	// Secrets are the app's secret tokens, several while rotating.
	Secrets []string
	Bus     Bus
	// Decode reads a body; its error must not quote it.
	Decode func(body []byte) (Envelope, error)
	// Wanted says whether there is a use for events of that name.
	Wanted  func(event string) bool
	Metrics *Metrics
	Logger  *slog.Logger
	// MostAtOnce bounds the deliveries in hand, whose signatures hold; more get
	// 503. Default 256. Four times as many may be read at once, and what is held
	// of those bodies is bounded to MostAtOnce of the largest.
	MostAtOnce int
	Now        func() time.Time
}

// Handler is the endpoint.
type Handler struct {
	o Options
	// readers bounds the requests of which nobody knows yet who sent them;
	// whoever takes a place gets what checks signatures with it.
	readers chan *verifier
	unread  atomic.Int64 // bytes of their bodies that are held
	// inHand bounds the deliveries whose signatures hold.
	inHand chan struct{}
	// warnings bounds what strangers can write into the log.
	warnings *rate.Limiter
}

// New makes a Handler. No secret, or an empty one, is an error: everything
// would be Zoom's then.
func New(o Options) (*Handler, error) {
	if err := checkSecrets(o.Secrets); err != nil {
		return nil, err
	}
	if o.MostAtOnce <= 0 {
		o.MostAtOnce = 256
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	h := &Handler{o: o, warnings: rate.NewLimiter(strangersLogged, 4*strangersLogged), readers: make(chan *verifier, readersPerPlace*o.MostAtOnce), inHand: make(chan struct{}, o.MostAtOnce)}
	for range cap(h.readers) {
		h.readers <- newVerifier(o.Secrets)
	}
	return h, nil
}

// strangersLogged is how many lines a second may tell of requests that anybody
// can send; the counter counts all of them.
const strangersLogged = 5

// stranger logs what was wrong with a request that is not proven to be Zoom's,
// or leaves it out when there is too much of it.
func (h *Handler) stranger(msg string, args ...any) {
	if h.warnings.Allow() {
		h.o.Logger.Warn(msg, args...)
	}
}

// Register puts the endpoint into a router.
func (h *Handler) Register(r gin.IRoutes) { r.POST(Path, h.receive) }

// receive is the whole path of a delivery, in order.
func (h *Handler) receive(c *gin.Context) {
	arrived := h.o.Now()
	body, secret, ok := h.admit(c)
	if !ok {
		return
	}
	select {
	case h.inHand <- struct{}{}:
		defer func() { <-h.inHand }()
	default:
		h.overload(c)
		return
	}

	header := c.Request.Header
	d := Delivery{Body: body, ReceivedAt: arrived, ID: bodyID(body),
		RequestID: headerValue(header, headerRequestID), TraceParent: headerValue(header, headerTraceParent)}
	log := h.o.Logger.With("event_id", d.ID, "request_id", d.RequestID)
	ctx, cancel := context.WithTimeout(c.Request.Context(), acceptWithin)
	defer cancel()

	env, err := h.o.Decode(body)
	d.Event, d.AccountID = env.Event, env.AccountID
	if err != nil {
		// It is Zoom's, and a retry would not read better: keep it for a person.
		log.Warn("a delivery cannot be used and is kept as a dead letter", "reason", err, "event", d.Event)
		h.finish(c, log, h.o.Bus.PublishDead(ctx, err.Error(), d), resultDead)
		return
	}
	if env.PlainToken != "" {
		h.validate(c, env.PlainToken, h.o.Secrets[secret])
		return
	}
	if !h.o.Wanted(d.Event) {
		h.answer(c, http.StatusNoContent, resultUnwanted, "")
		return
	}
	if !env.HasTime {
		// Without a time of its own, two different events could have one body.
		d.ID = bodyID(append([]byte(header.Get(headerTimestamp)+"\n"), body...))
	}
	h.finish(c, log, h.o.Bus.PublishEvent(ctx, d), resultAccepted)
}

// admit reads a request and proves that it is Zoom's: it gives the body, and
// which secret signed it.
func (h *Handler) admit(c *gin.Context) (body []byte, secret int, ok bool) {
	var check *verifier
	select {
	case check = <-h.readers:
		defer func() { h.readers <- check }()
	default:
		h.overload(c)
		return nil, 0, false
	}
	if body, ok = h.read(c); !ok {
		return nil, 0, false
	}
	header := c.Request.Header
	if secret = check.verify(header.Get(headerTimestamp), header.Get(headerSignature), body); secret < 0 {
		// Nothing of the body is trusted or parsed.
		h.stranger("a request was refused: its signature does not hold", "problem", signatureProblem(header), "remote", c.ClientIP())
		h.answer(c, http.StatusUnauthorized, resultUnauthorized, "the signature does not hold")
		return nil, 0, false
	}
	return body, secret, true
}

func (h *Handler) overload(c *gin.Context) {
	h.answer(c, http.StatusServiceUnavailable, resultOverload, "overloaded, try again")
}

// finish says 204 when the bus has the delivery, and else 503: Zoom retries.
func (h *Handler) finish(c *gin.Context, log *slog.Logger, err error, result string) {
	if err != nil {
		log.Error("a delivery could not be stored; Zoom is asked to retry", "error", err)
		h.answer(c, http.StatusServiceUnavailable, resultUnavailable, "not stored, try again")
		return
	}
	h.answer(c, http.StatusNoContent, result, "")
}

func (h *Handler) answer(c *gin.Context, status int, result, text string) {
	h.o.Metrics.count(result)
	if text == "" {
		c.Status(status)
		c.Writer.WriteHeaderNow()
		return
	}
	c.String(status, text+"\n")
}
