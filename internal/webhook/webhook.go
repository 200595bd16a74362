// Package webhook takes Zoom's webhook deliveries in: it proves that they are
// Zoom's, answers Zoom's URL validation, and says 204 only when the event is
// safe on the bus's disk.
//
// Of all answers Zoom retries only 5xx (Z-HOOK-7), so whatever is truly Zoom's
// gets 2xx or 503. The exceptions are a body larger than MaxBody, 413, since a
// retry would be as large, and a URL validation of what is no token, 400.
//
// Everything is bounded, and nobody can use up what others need before they have
// proved to be Zoom: Limit bounds the connections, a room the bytes of bodies (the
// slowest lose theirs first), places what the bus is asked to keep at once, for
// which a valid delivery waits its turn.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"latchkey/internal/secret"
	"latchkey/internal/tracing"
)

// Path is where deliveries arrive.
const Path = "/webhooks/zoom"

// MaxBody is the largest body that is read, in bytes.
const MaxBody = 1 << 20

// Zoom gives up after 3 seconds (Z-HOOK-6): answerWithin bounds all that is done
// for a request. Within it, readWithin bounds the wait for the body, placeWithin
// that for its turn, acceptWithin that for the bus.
const (
	answerWithin = 2500 * time.Millisecond
	readWithin   = 1500 * time.Millisecond
	placeWithin  = 1500 * time.Millisecond
	acceptWithin = 2 * time.Second
)

// Delivery is one delivery whose signature is valid.
type Delivery struct {
	ID          string // made from the body: the same event again has the same
	AccountID   string // "" when the body does not say
	SignedFor   string // the account of the secret that signed it; "" when not known
	Event       string // "" when the body does not say
	Body        []byte
	ReceivedAt  time.Time
	RequestID   string
	TraceParent string
}

// Bus is where deliveries go. Both calls return when the delivery is on disk.
type Bus interface {
	PublishEvent(context.Context, Delivery) error
	// PublishDead keeps a delivery that cannot be used, with the reason.
	PublishDead(ctx context.Context, reason string, d Delivery) error
}

// Envelope is what ingest needs to know of a body.
type Envelope struct {
	Event     string
	AccountID string
	HasTime   bool // it says when it happened, so no two events have the same body
	// PlainToken is set for Zoom's URL validation.
	PlainToken string
}

// Secret is an app's secret token. AccountID is the account of the app, which
// its events speak for; "" when that is not known.
type Secret struct {
	Value     secret.String
	AccountID string
}

// Options configure a Handler; all are required but MostAtOnce and Now.
type Options struct {
	// Secrets are the apps' secret tokens, several of one app while rotating;
	// SetSecrets takes others later.
	Secrets []Secret
	Bus     Bus
	// Decode reads a body; its error must not quote it.
	Decode func(body []byte) (Envelope, error)
	// Wanted reports whether events of that name are used.
	Wanted  func(event string) bool
	Metrics *Metrics
	Logger  *slog.Logger
	// Tracer records deliveries that are proven to be Zoom's, under Zoom's own trace;
	// nil: nobody does.
	Tracer trace.Tracer
	// MostAtOnce bounds the deliveries that Bus is asked to keep at once. Default
	// 256. Eight times as many may wait their turn, for 1.5 seconds at most; the
	// others get 503. All bodies together hold no more than MostAtOnce of the
	// largest would.
	MostAtOnce int
	Now        func() time.Time
}

// Handler is the endpoint.
type Handler struct {
	o       Options
	signers atomic.Pointer[signers]
	room    *room
	places  *places
	// warnings bounds what strangers can write into the log.
	warnings *rate.Limiter
}

// New makes a Handler. No secret, or an empty one, is an error: without one,
// anybody could sign.
func New(o Options) (*Handler, error) {
	if o.MostAtOnce <= 0 {
		o.MostAtOnce = 256
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tracer == nil {
		o.Tracer = tracing.Off()
	}
	h := &Handler{
		o: o, warnings: rate.NewLimiter(strangersLogged, 4*strangersLogged),
		room:   newRoom(int64(o.MostAtOnce) * MaxBody),
		places: newPlaces(o.MostAtOnce),
	}
	if err := h.SetSecrets(o.Secrets); err != nil {
		return nil, err
	}
	return h, nil
}

// signers are those whose signatures are valid.
type signers struct {
	secrets   []Secret
	verifiers sync.Pool // of *verifier: a check never waits, so few are in use
}

// SetSecrets takes other secret tokens from now on, at any time. An error changes
// nothing.
func (h *Handler) SetSecrets(secrets []Secret) error {
	if err := checkSecrets(secrets); err != nil {
		return err
	}
	h.signers.Store(&signers{secrets: secrets, verifiers: sync.Pool{New: func() any { return newVerifier(secrets) }}})
	return nil
}

// strangersLogged bounds the log lines a second about requests that anybody can
// send; the counter counts all of them.
const strangersLogged = 5

// stranger logs what was wrong with a request that is not proven to be Zoom's,
// unless there are too many such lines.
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
	ctx, cancel := context.WithTimeout(c.Request.Context(), answerWithin)
	defer cancel()
	body, done, ok := h.read(c)
	if !ok {
		return
	}
	defer done()
	signer, ok := h.verify(c, body)
	if !ok {
		return
	}

	header := c.Request.Header
	ctx, span := h.o.Tracer.Start(tracing.Under(ctx, headerValue(header, headerTraceParent)), "POST "+Path, trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(arrived))
	defer func() {
		span.SetAttributes(attribute.Int("http.response.status_code", c.Writer.Status()))
		span.End()
	}()
	d := Delivery{Body: body, ReceivedAt: arrived, ID: bodyID(body),
		RequestID: headerValue(header, headerRequestID), TraceParent: tracing.Parent(ctx)}
	log := h.o.Logger.With("event_id", d.ID, "request_id", d.RequestID)
	env, err := h.o.Decode(body)
	d.Event, d.AccountID, d.SignedFor = env.Event, env.AccountID, signer.AccountID
	span.SetAttributes(attribute.String("latchkey.event_id", d.ID), attribute.String("latchkey.event", d.Event), attribute.String("latchkey.account_id", d.AccountID), attribute.String("latchkey.request_id", d.RequestID))
	if d.SignedFor != "" && env.AccountID != "" && env.AccountID != d.SignedFor {
		// What another account's app signed must not pass for the event itself, should
		// that come as well. Whose word it is, intake decides.
		d.ID = bodyID(append([]byte("signed for "+d.SignedFor+"\n"), body...))
	}
	if err != nil {
		// It is Zoom's, and a retry would be no more readable: keep it for an operator.
		log.Warn("delivery moved to the dead-letter stream: it cannot be used", "reason", err, "event", d.Event)
		h.keep(ctx, c, log, resultDead, func(ctx context.Context) error { return h.o.Bus.PublishDead(ctx, err.Error(), d) })
		return
	}
	if env.PlainToken != "" {
		if h.validate(c, env.PlainToken, signer.Value) {
			h.note(ctx, log, d)
		}
		return
	}
	if !h.o.Wanted(d.Event) {
		h.answer(c, http.StatusNoContent, resultUnwanted, "")
		return
	}
	if !env.HasTime {
		// Without a time of its own, two different events could have the same body.
		d.ID = bodyID([]byte(d.ID + "\n" + header.Get(headerTimestamp) + "\n"))
	}
	h.keep(ctx, c, log, resultAccepted, func(ctx context.Context) error { return h.o.Bus.PublishEvent(ctx, d) })
}

// verify proves that a request is Zoom's. It returns the secret that signed it.
func (h *Handler) verify(c *gin.Context, body []byte) (signer Secret, ok bool) {
	header := c.Request.Header
	all := h.signers.Load()
	check := all.verifiers.Get().(*verifier)
	defer all.verifiers.Put(check)
	which := check.verify(header.Get(headerTimestamp), header.Get(headerSignature), body)
	if which < 0 {
		// Nothing of the body is trusted or parsed.
		h.stranger("rejected request: invalid signature", "problem", signatureProblem(header), "remote", c.ClientIP())
		h.answer(c, http.StatusUnauthorized, resultUnauthorized, "invalid signature")
		return Secret{}, false
	}
	return all.secrets[which], true
}

// keep waits its turn and publishes. It answers 204 when the bus has the
// delivery, else 503: Zoom retries it.
func (h *Handler) keep(ctx context.Context, c *gin.Context, log *slog.Logger, result string, publish func(context.Context) error) {
	if !h.places.take(ctx) {
		h.answer(c, http.StatusServiceUnavailable, resultOverload, "overloaded, try again")
		return
	}
	defer h.places.leave()
	ctx, cancel := context.WithTimeout(ctx, acceptWithin)
	defer cancel()
	if err := publish(ctx); err != nil {
		log.Error("delivery not stored; answered 503 so that Zoom retries", "error", err)
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
