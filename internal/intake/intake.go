// Package intake turns events into rows: what an event says is recorded and
// what it touches marked as due, in one transaction. It calls nobody at Zoom:
// events are hints, and reconciling looks.
package intake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/tracing"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// Event is one delivery from the bus.
type Event struct {
	ID         string
	Body       []byte
	SignedFor  string // the account whose app's secret signed it; "" where ingest was not told
	ReceivedAt time.Time
	RequestID  string
	// TraceParent is of what delivered it; "" for none.
	TraceParent string
	Attempts    int // how often it was given up on before, and redriven
	// Problem, if not nil, says why the bus could not read it.
	Problem error
}

// Frame is what the bus delivers at once, and acknowledges at once.
type Frame struct {
	Events     []Event
	InProgress func() // tells the bus that it is still being worked on
}

// Options configure an Intake. All but Tracer, Aged, Heard and Counted are required.
type Options struct {
	Store *store.Store
	// Governed says whether an account is one that latchkey guards, Guarded which
	// ones those are.
	Governed func(accountID string) bool
	Guarded  []string
	// Dead keeps an event that cannot be handled, with the reason.
	Dead func(ctx context.Context, reason string, e Event) error
	// Erase removes an account's messages from the bus; nil: there is none.
	Erase  func(ctx context.Context, accountID string) error
	Logger *slog.Logger
	// Tracer records what is taken in under the delivery's own trace; nil: nobody does.
	Tracer trace.Tracer
	// Aged is told, of each event recorded, when it happened (zero: not known) and when
	// it arrived.
	Aged func(happened, received time.Time)
	// Heard is told of each event recorded of an account that is guarded; nil: nobody is.
	Heard func(accountID string, received time.Time)
	// Counted is told what became of each event: recorded, duplicate or dead.
	Counted func(result string)
}

// Intake takes events in. It is safe for concurrent use.
type Intake struct{ o Options }

// New makes an Intake.
func New(o Options) *Intake {
	if o.Tracer == nil {
		o.Tracer = tracing.Off()
	}
	if o.Aged == nil {
		o.Aged = func(time.Time, time.Time) {}
	}
	if o.Heard == nil {
		o.Heard = func(string, time.Time) {}
	}
	if o.Counted == nil {
		o.Counted = func(string) {}
	}
	return &Intake{o: o}
}

// unusableError marks an event that no retry will make readable.
type unusableError struct{ err error }

func (e unusableError) Error() string { return e.err.Error() }
func (e unusableError) Unwrap() error { return e.err }

// hopeless reports whether an event that met the error would meet it again.
func hopeless(err error) bool {
	var unusable unusableError
	var panicked *work.PanicError
	var erasing erasingError
	return errors.As(err, &unusable) || errors.As(err, &panicked) || !errors.As(err, &erasing) && !store.Unavailable(err)
}

// Handle returns the function that takes a frame in. While the database is
// unavailable it holds what is left of it and waits; stop tells it to return the
// frame to the bus.
func (in *Intake) Handle(stop context.Context) func(context.Context, Frame) error {
	return func(ctx context.Context, f Frame) error {
		left := f.Events
		for attempt := 1; ; attempt++ {
			var err error
			if left, err = in.takeIn(ctx, left); len(left) == 0 {
				return nil
			}
			if attempt == 1 {
				in.logOf(left[0]).Warn("events not recorded yet; retrying", "events", len(left), "error", err)
			}
			if stop.Err() != nil {
				return err
			}
			if f.InProgress != nil {
				f.InProgress()
			}
			work.Pause(stop, work.Backoff(attempt, time.Second, 5*time.Second))
		}
	}
}

func (in *Intake) logOf(e Event) *slog.Logger {
	return in.o.Logger.With("event_id", e.ID, "request_id", e.RequestID)
}

// takeIn takes events in, all in one transaction; where one of them cannot be, it
// costs only itself. It returns those that must wait, with why.
func (in *Intake) takeIn(ctx context.Context, events []Event) (left []Event, err error) {
	err = work.Guard(func() error { return in.record(ctx, events) })
	switch {
	case err == nil:
		return nil, nil
	case !hopeless(err):
		return events, err
	case len(events) > 1:
		// Half by half, so that one of many costs few transactions more.
		first, err1 := in.takeIn(ctx, events[:len(events)/2])
		second, err2 := in.takeIn(ctx, events[len(events)/2:])
		return append(first, second...), cmp.Or(err1, err2)
	}
	e := events[0]
	log := in.logOf(e)
	log.Warn("event moved to the dead-letter stream", "reason", err)
	if panicked := (*work.PanicError)(nil); errors.As(err, &panicked) {
		log.Error("stack of the panic", "stack", string(panicked.Stack))
	}
	if err := in.o.Dead(ctx, err.Error(), e); err != nil {
		return events, err
	}
	in.o.Counted("dead")
	return nil, nil
}

// recordWithin bounds one attempt to take events in.
const recordWithin = 20 * time.Second

// record takes events in, in one transaction for each account, which is one: a
// frame is of one account. An error is about any of them.
func (in *Intake) record(ctx context.Context, events []Event) (err error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	byAccount := map[string][]change{}
	for _, e := range events {
		under, span := in.o.Tracer.Start(tracing.Under(ctx, e.TraceParent), "take in", trace.WithSpanKind(trace.SpanKindConsumer))
		defer func() { tracing.End(span, err) }()
		c, err := in.read(under, e)
		if err != nil {
			return err
		}
		c.trace = tracing.Parent(under)
		span.SetAttributes(attribute.String("latchkey.event", c.row.Name), attribute.String("latchkey.event_id", c.row.ID), attribute.String("latchkey.account_id", c.row.AccountID))
		if c.erases && in.o.Governed(c.row.AccountID) {
			if len(events) > 1 {
				return unusableError{errors.New("an account's data is to be deleted: each event by itself")}
			}
			recorded, err := in.appRemoved(ctx, c)
			in.count(err, recorded)
			return err
		}
		byAccount[c.row.AccountID] = append(byAccount[c.row.AccountID], c)
	}
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		all := byAccount[account]
		rows := make([]store.Event, len(all))
		for i := range all {
			rows[i] = all[i].row
		}
		fresh, err := in.o.Store.Intake(ctx, account, rows, func(tx *store.IntakeTx, fresh []bool) error {
			return in.apply(ctx, tx, account, slices.Collect(filter(all, fresh)))
		})
		if err != nil {
			return err
		}
		in.count(nil, fresh...)
		for c := range filter(all, fresh) {
			in.o.Aged(c.env.At, c.row.ReceivedAt)
			if in.o.Governed(account) && !c.validated {
				in.o.Heard(account, c.row.ReceivedAt)
			}
		}
	}
	return nil
}

func (in *Intake) count(err error, recorded ...bool) {
	if err != nil {
		return
	}
	for _, r := range recorded {
		in.o.Counted(map[bool]string{true: "recorded", false: "duplicate"}[r])
	}
}

func filter(all []change, keep []bool) iter.Seq[change] {
	return func(yield func(change) bool) {
		for i, c := range all {
			if keep[i] && !yield(c) {
				return
			}
		}
	}
}

// change is what follows from one event: its row, and what it touches.
type change struct {
	row store.Event
	env zoom.Envelope
	// When it happened, as far as that can be believed; else when it was received.
	happened time.Time
	trace    string // traceparent of what follows from it

	meeting *zoom.MeetingObject // the meeting that it is about

	// Whose settings changed, or may have: hosts, or those of a level and all below.
	hosts   []string
	level   passcode.Level
	levelID string
	move    store.Move            // what that makes of them
	changes []store.SettingChange // who changed which, for people
	pmi     *store.PasscodeSeen   // the passcode of the host's personal meeting id

	erases bool // the account removed the app
	// validated: Zoom validated the webhook URL.
	validated bool
}

// read decodes an event. It touches nothing of the database, but for the trouble
// of secrets that are confused.
func (in *Intake) read(ctx context.Context, e Event) (change, error) {
	if e.Problem != nil {
		return change{}, unusableError{e.Problem}
	}
	env, err := zoom.DecodeEnvelope(e.Body)
	if err != nil {
		return change{}, unusableError{err}
	}
	kind, wanted := kindOf(env.Event)
	if !wanted {
		return change{}, unusableError{fmt.Errorf("there is no use for event %s", env.Event)}
	}
	if err := in.attribute(ctx, &env, e.SignedFor); err != nil {
		return change{}, err
	}
	said := env.At
	if said.Year() < 1970 {
		said = time.Time{}
	}
	env.At = plausible(env.At, e.ReceivedAt)
	c := change{env: env, happened: happened(env.At, e.ReceivedAt), row: store.Event{ID: e.ID, AccountID: zoom.Clean(env.AccountID), Name: env.Event, At: said, ReceivedAt: e.ReceivedAt,
		RequestID: e.RequestID, Operator: zoom.Clean(env.Operator)}}
	if err := kind.read(&c); err != nil {
		return change{}, unusableError{err}
	}
	return c, nil
}

// attribute says which account an event speaks for: its own alone. That is the
// one whose app signed it (Z-AUTH-8), and an event that names another is a
// forgery, or the secrets are confused. With one account there is nothing to
// confuse: an event of another is then one that latchkey does not guard.
func (in *Intake) attribute(ctx context.Context, env *zoom.Envelope, signedFor string) error {
	if len(in.o.Guarded) <= 1 {
		if env.AccountID == "" && len(in.o.Guarded) == 1 {
			env.AccountID = in.o.Guarded[0]
		}
		return nil
	}
	switch {
	case signedFor == "":
		t := store.Trouble{AccountID: in.o.Guarded[0], Call: store.CallSignature, Kind: "secrets_unknown", Detail: fmt.Sprintf("it was %s", env.Event)}
		if _, err := in.o.Store.SetupFailed(ctx, t, alert.Trouble(t)); err != nil {
			return err
		}
		return unusableError{errors.New("several accounts are guarded, and ingest does not know whose secret signed the event: give ingest the same LATCHKEY_CONFIG, with a webhook_secret for each account")}
	case env.AccountID == "" || env.AccountID == signedFor:
		env.AccountID = signedFor
		return nil
	}
	t := store.Trouble{AccountID: signedFor, Call: store.CallSignature, Kind: "signed_for_another",
		Detail: fmt.Sprintf("it was %s of account %s", env.Event, zoom.Clean(env.AccountID))}
	opened, err := in.o.Store.SetupFailed(ctx, t, alert.Trouble(t))
	if err != nil {
		return err
	}
	if opened {
		in.o.Logger.Error(alert.TroubleSentence(t), "account_id", signedFor)
	}
	return unusableError{fmt.Errorf("it names account %s, and the app of account %s signed it", zoom.Clean(env.AccountID), signedFor)}
}

// skew is how far Zoom's clock and ours may be apart.
const skew = 10 * time.Second

// plausible returns the time an event says it happened at, or none when that
// cannot be. A time to come would make every later event look late, permanently:
// nothing happens after it was received.
func plausible(at, received time.Time) time.Time {
	switch {
	case at.After(received.Add(skew)):
		return received
	case at.Year() < 2011: // before Zoom
		return time.Time{}
	}
	return at
}

// happened is when an event happened, as far as is known.
func happened(at, received time.Time) time.Time {
	if at.IsZero() {
		return received
	}
	return at
}
