package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"latchkey/internal/store"
	"latchkey/internal/tracing"
	"latchkey/internal/work"
)

// checkWithin bounds one check of one meeting or host, all calls included.
const checkWithin = 90 * time.Second

// checkDueMeetings takes what is due, as much as may run at once, and checks it.
func (w *Worker) checkDueMeetings(ctx, hard context.Context) (bool, error) {
	return work.Claim(ctx, w.meetingPool, func(ctx context.Context, limit int) ([]store.MeetingClaim, error) {
		return w.o.Store.ClaimMeetings(ctx, w.o.Name, limit, w.o.Lease)
	}, func(c store.MeetingClaim) {
		w.o.Metrics.Age(stageClaimed, c.Now.Sub(c.Meeting.DueAt))
		log := w.o.Logger.With("meeting_id", c.Meeting.ID, "account_id", c.Meeting.AccountID, "attempt", c.Attempt)
		w.underLease(hard, c.Lease, c.Meeting.AccountID, log, func(ctx context.Context) error {
			ctx, span := w.o.Tracer.Start(tracing.Under(ctx, c.Meeting.DueTrace), "check meeting", trace.WithAttributes(attribute.Int64("latchkey.meeting_id", c.Meeting.ID),
				attribute.String("latchkey.account_id", c.Meeting.AccountID), attribute.String("latchkey.due_why", c.Meeting.DueWhy), attribute.Int("latchkey.attempt", c.Attempt)))
			err := w.check(ctx, c, log)
			tracing.End(span, err)
			return err
		})
		w.meetings.Wake() // a place is free
	})
}

// underLease does the work under a lease and puts it off when it fails.
func (w *Worker) underLease(ctx context.Context, l store.Lease, accountID string, log *slog.Logger, do func(context.Context) error) {
	err := work.UnderLease(ctx, work.Hold{
		Lease: w.o.Lease, Since: l.Since, Within: checkWithin,
		Beat: func(ctx context.Context) error { return w.o.Store.Heartbeat(ctx, l, w.o.Lease) },
		Lost: func(err error) bool { return errors.Is(err, store.ErrLeaseLost) },
	}, do)
	if err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	a := w.judge(ctx, accountID, err)
	after, waitingFor := a.again(err, l.Attempt), ""
	w.o.Metrics.failed(a)
	var panicked *work.PanicError
	switch a.fault {
	case faultLost:
		log.Warn("lease lost to another worker")
		return
	case faultSetup:
		waitingFor = callOf(err)
		log.Debug("check waits for latchkey's set-up", "error", err)
		if err := w.setupFailed(ctx, accountID, err); err != nil {
			log.Warn("could not note a set-up trouble", "error", err)
		}
	case faultDefect:
		log.Error("check failed; needs an operator", "error", err, "again_in", after)
		if errors.As(err, &panicked) {
			log.Error("stack of the panic", "stack", string(panicked.Stack))
		}
	default:
		log.Warn("check failed; will retry", "error", err, "again_in", after)
	}
	if err := w.o.Store.PutOff(ctx, l, after, err.Error(), waitingFor); err != nil && !errors.Is(err, store.ErrLeaseLost) {
		// The lease runs out by itself and the work is due again then.
		log.Warn("could not reschedule", "error", err)
	}
}
