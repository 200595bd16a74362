package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// checkWithin bounds one check of one meeting, all calls included.
const checkWithin = 90 * time.Second

// busyFor is how long a meeting is left alone that Zoom was busy with.
const busyFor = 10 * time.Minute

// checkDueMeetings takes what is due, as much as may run at once, and checks it.
func (w *Worker) checkDueMeetings(ctx, hard context.Context) (bool, error) {
	return claimed(ctx, w.meetingPool, func(ctx context.Context, limit int) ([]store.MeetingClaim, error) {
		return w.o.Store.ClaimMeetings(ctx, w.o.Name, limit, w.o.Lease)
	}, func(c store.MeetingClaim) {
		log := w.o.Logger.With("meeting_id", c.Meeting.ID, "account_id", c.Meeting.AccountID, "attempt", c.Meeting.Attempts+1)
		w.withLease(hard, c.Lease, log, c.Meeting.Attempts, func(ctx context.Context) error { return w.check(ctx, c, log) })
		w.meetings.wake() // a place is free
	})
}

// withLease does the work under a lease: it sends heartbeats, stops the work
// when the lease is lost, and puts it off when it fails.
func (w *Worker) withLease(ctx context.Context, l store.Lease, log *slog.Logger, attempts int, work func(context.Context) error) {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		last := time.Now()
		for {
			pause(ctx, w.o.Lease/3)
			if ctx.Err() != nil {
				return
			}
			err := w.o.Store.Heartbeat(ctx, l, w.o.Lease)
			if err == nil {
				last = time.Now()
			} else if errors.Is(err, store.ErrLeaseLost) || time.Since(last) >= w.o.Lease {
				// Somebody else has it, or may have: the database was away for as long
				// as the lease lasts. Not another call in its name.
				cancel()
				return
			}
		}
	}()
	err := work(ctx)
	cancel()
	<-beating
	if err == nil {
		return
	}
	at := retryAt(err, attempts, w.o.Now())
	switch classify(err) {
	case actLost:
		log.Warn("another worker took this over")
		return
	case actPerson, actDead:
		log.Error("it cannot be checked; a person must look", "error", err, "again_at", at)
	default:
		log.Warn("it could not be checked", "error", err, "again_at", at)
	}
	w.o.Metrics.failed(classify(err))
	putOff, cancelPutOff := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancelPutOff()
	if err := w.o.Store.PutOff(putOff, l, at, err.Error()); err != nil && !errors.Is(err, store.ErrLeaseLost) {
		// The lease runs out by itself and the work is due again then.
		log.Warn("it could not be put off", "error", err)
	}
}

// check brings one meeting and the policy together.
func (w *Worker) check(ctx context.Context, c store.MeetingClaim, log *slog.Logger) error {
	api, governed := w.o.Zoom(c.Meeting.AccountID)
	if !governed {
		return w.o.Store.Complete(ctx, c, store.Check{Meeting: c.Meeting})
	}
	past, err := w.o.Store.Remember(ctx, c.Meeting.ID, w.o.Now())
	if err != nil {
		return err
	}
	k := &checking{w: w, api: api, claim: c, log: log, past: past, m: c.Meeting, repair: past.Unfinished}

	// Observe and decide: what is at hand first, and Zoom is asked only for the
	// facts that the verdict says are missing.
	v, err := k.decide(ctx)
	if err != nil {
		return err
	}
	if k.repair.ID != 0 {
		// A worker died between asking Zoom and reading back, or before it had put
		// back the passcode of a meeting that was left open. It is read back now.
		tookBack, err := k.takeBack(ctx)
		if err != nil {
			return err
		}
		if !tookBack && changesZoom(v.Remedy) {
			// It never reached Zoom, or was undone since: start anew.
			if err := k.w.o.Store.AbandonRepair(ctx, c, k.repair.ID, k.w.o.Now()); err != nil {
				return err
			}
			k.repair = store.Repair{}
		} else {
			k.finishRepair()
			v = k.evaluate()
		}
	}
	if changesZoom(v.Remedy) {
		if v, err = k.repairNow(ctx, v); err != nil {
			return err
		}
	}
	next, why := time.Time{}, ""
	switch {
	case v.Remedy == passcode.RemedyDefer:
		next, why = v.DeferUntil, string(passcode.BlockDailyLimit)
	case changesZoom(v.Remedy):
		// It was tried and may be tried again: Zoom was busy with the meeting.
		next, why = w.o.Now().Add(busyFor), string(zoom.KindBusy)
	case v.Missing != 0:
		next, why = w.o.Now().Add(k.blindFor), string(passcode.BlockFactMissing)
	}
	return k.record(ctx, v, next, why)
}

// changesZoom reports whether a remedy asks Zoom for a change.
func changesZoom(r passcode.Remedy) bool { return r == passcode.RemedyClear || r == passcode.RemedySet }

// checking is one check under way.
type checking struct {
	w         *Worker
	api       Zoom
	claim     store.MeetingClaim
	log       *slog.Logger
	past      store.Remembered
	m         store.Meeting // what is known, as it becomes known
	host      passcode.Host
	heldUntil time.Time // the host's requests of the day are used up
	passcode  *string   // what was read or is known: nil not known, "" none
	rule      Rule
	asked     bool // the host's settings were asked for
	repair    store.Repair
	calls     int           // Zoom calls of this check
	blindFor  time.Duration // when to look for a fact again that could not be had
	// failed is how a repair failed under the present facts: one of the store's
	// repair results, "" when none did.
	failed string
}

func (k *checking) facts() passcode.Facts {
	f := factsOf(k.m, k.host)
	m := &f.Meeting
	if k.m.MustRead {
		// Out of date: the rule asks for it, unless the meeting is over anyway.
		m.Passcode, m.PasscodeReadable, m.WaitingRoom, m.Authentication = passcode.Unknown, false, passcode.Unknown, passcode.Unknown
	}
	m.Ours, m.OursProblem = k.ours()
	failed := k.failed
	if failed == "" && k.m.OverwrittenUnder != "" && k.m.OverwrittenUnder == k.host.Fingerprint() {
		failed = k.past.LastResult
	}
	f.History = passcode.History{
		Overwritten: failed == store.RepairOverwritten,
		Refused:     failed == store.RepairRefused,
		Undone:      k.past.HeldClears,
		HeldUntil:   k.heldUntil,
	}
	return f
}

// decide evaluates, and learns what is missing, until nothing more can be learned.
func (k *checking) decide(ctx context.Context) (passcode.Verdict, error) {
	k.rule = k.w.o.Rule(Who{AccountID: k.m.AccountID, HostID: k.m.HostID})
	var asked passcode.FactSet
	for {
		v := k.evaluate()
		missing := v.Missing &^ asked
		if v.Outcome == passcode.OutcomeDemands && !over(v) && !k.asked && k.m.HostID != "" {
			// What may be done, and under which policy, depends on the host.
			missing |= passcode.FactHost
		}
		if missing == 0 {
			return v, nil
		}
		asked |= missing
		if missing.Has(passcode.FactMeeting) || k.m.HostID == "" {
			if err := k.readMeeting(ctx); err != nil {
				return v, err
			}
		}
		if missing.Has(passcode.FactHost) {
			if err := k.learnHost(ctx); err != nil {
				return v, err
			}
		}
	}
}

func (k *checking) evaluate() passcode.Verdict {
	return passcode.Evaluate(k.facts(), k.rule.Policy, k.w.o.Now())
}

// record writes everything down in one transaction.
func (k *checking) record(ctx context.Context, v passcode.Verdict, next time.Time, why string) error {
	now := k.w.o.Now()
	old := k.claim.Meeting
	m := k.m
	m.Outcome, m.Remedy, m.Reasons, m.Why, m.DecidedAt = v.Outcome, v.Remedy, v.Reasons, v.Sentence(), now
	check := store.Check{Meeting: m, Passcode: k.passcode, Repair: k.repair, Next: next, NextWhy: why}
	if ours, _ := k.ours(); ours == passcode.On {
		check.PasscodeSource = store.PasscodeOfOurs
	}
	if a, ok := alertFor(old, m, v, k.repair); ok {
		check.Alerts = append(check.Alerts, a)
	}
	if err := k.w.o.Store.Complete(ctx, k.claim, check); err != nil {
		return err
	}
	k.log.Info("checked", "outcome", v.Outcome, "remedy", v.Remedy, "repair", k.repair.Result, "zoom_calls", k.calls, "why", m.Why)
	k.w.o.Metrics.checked(v, k.repair.Result)
	if len(check.Alerts) > 0 {
		k.w.outbox.wake()
	}
	return nil
}

// gone notes that Zoom does not know the meeting any more.
func (k *checking) gone() {
	none := ""
	k.m.Status, k.m.MustRead, k.passcode = passcode.StatusDeleted, false, &none
	k.m.ObservedAt = k.w.o.Now()
}

func isGone(err error) bool { return zoom.KindOf(err) == zoom.KindNotFound }
