package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// checkDueHosts takes hosts that are new or whose settings changed: it reads and
// predicts, and lists their upcoming meetings, so that meetings no event ever
// mentioned are found too.
func (w *Worker) checkDueHosts(ctx, hard context.Context) (bool, error) {
	return work.Claim(ctx, w.hostPool, func(ctx context.Context, limit int) ([]store.HostClaim, error) {
		return w.o.Store.ClaimHosts(ctx, w.o.Name, limit, w.o.Lease)
	}, func(c store.HostClaim) {
		log := w.o.Logger.With("host_id", c.Host.ID, "account_id", c.Host.AccountID, "attempt", c.Attempt)
		w.underLease(hard, c.Lease, c.Host.AccountID, log, func(ctx context.Context) error {
			ctx, span := w.o.Tracer.Start(tracing.Under(ctx, c.Host.DueTrace), "check host", trace.WithAttributes(attribute.String("latchkey.host_id", c.Host.ID),
				attribute.String("latchkey.account_id", c.Host.AccountID), attribute.String("latchkey.due_why", c.Host.DueWhy), attribute.Int("latchkey.attempt", c.Attempt)))
			err := w.checkHost(ctx, c, log)
			tracing.End(span, err)
			return err
		})
		w.hosts.Wake() // a place is free
	})
}

func (w *Worker) checkHost(ctx context.Context, c store.HostClaim, log *slog.Logger) error {
	account := c.Host.AccountID
	guarded, ok := w.o.Zoom(account)
	if !ok {
		_, _, err := w.o.Store.CompleteHost(ctx, c, store.HostDone{})
		return err
	}
	api := &calls{api: guarded}
	// Predict, and align where the policy asks for it. A host whose settings this
	// app may not read, or who left, still has meetings to list.
	f, err := w.hostFacts(ctx, api, account, c.Host.ID)
	if err == nil && w.o.Rule(WhoIs(f.host)).AlignHosts {
		var changed bool
		if changed, err = w.align(ctx, api, f.host, f.known, log); changed && err == nil {
			f, err = w.hostFacts(ctx, api, account, c.Host.ID)
		}
	}
	d := store.HostDone{Policy: w.o.Rule(WhoIs(f.host)).Policy.Fingerprint}
	switch a := w.judge(ctx, account, err); a.fault {
	case faultNone:
	case faultSetup:
		d.WaitingFor, d.Why, d.Next = callOf(err), err.Error(), setupAgain
		if err := w.setupFailed(ctx, account, err); err != nil {
			return err
		}
	case faultSubject:
		log.Warn("a host's settings cannot be read", "error", err)
		d.Why = err.Error()
	default:
		return err
	}
	var rows []zoom.ListedMeeting
	if d.Unlisted = !c.Host.ListDue; c.Host.ListDue {
		if rows, err = api.ListUpcomingMeetings(ctx, c.Host.ID); err != nil {
			if !answerOf(err).missing {
				return err
			}
			rows = nil // the host left; what becomes of their meetings is asked of each
		}
	}
	for _, r := range rows {
		if r.ID != 0 {
			d.Listed = append(d.Listed, store.Listed{ID: int64(r.ID), UUID: zoom.Clean(r.UUID), Topic: zoom.Clean(r.Topic), Type: zoom.MeetingType(r.Type),
				Starts: r.StartTime.Time, Ends: endsOf(r)})
		}
	}
	d.Worked = api.that()
	found, back, err := w.o.Store.CompleteHost(ctx, c, d)
	if err != nil {
		return err
	}
	level := log.Debug
	if found+back > 0 {
		level = log.Info
	}
	level("listed a host's upcoming meetings", "listed", len(d.Listed), "new", found, "back_or_moved", back)
	return nil
}

// endsOf leaves a series open-ended: a list row shows one of its dates only.
func endsOf(r zoom.ListedMeeting) (ends time.Time) {
	if t := passcode.MeetingType(r.Type); t == passcode.TypeRecurring || t == passcode.TypeRecurringNoTime {
		return ends
	}
	return zoom.Ends(r.StartTime, r.Duration, nil)
}

// hostFacts is what holds for a host.
type hostFacts struct {
	host  store.Host
	known passcode.Host
	// setupCall is the call that our set-up does not allow, so that some locks are
	// not known.
	setupCall string
}

// hostFacts returns the settings that hold for a host, read at most SettingsTTL
// ago and not reported to have changed since. What they mean for the host's next
// meetings is recorded.
func (w *Worker) hostFacts(ctx context.Context, api Zoom, accountID, hostID string) (f hostFacts, err error) {
	if f.host, err = w.hostRow(ctx, api, accountID, hostID); err != nil {
		return f, err
	}
	account, setup, err := w.accountLevel(ctx, api, accountID)
	if err != nil {
		return f, err
	}
	f.setupCall = setup
	var groups []passcode.Locks
	for _, id := range f.host.GroupIDs {
		g, setup, err := w.groupLevel(ctx, api, accountID, id)
		if err != nil {
			return f, err
		}
		if f.setupCall == "" {
			f.setupCall = setup
		}
		groups = append(groups, LocksOf(g))
	}
	f.known = LevelsOf(f.host, account, groups).Host()
	return f, w.predict(ctx, f.host, f.known)
}

// LevelsOf puts together what is known of a host and of the levels above them.
func LevelsOf(h store.Host, account store.Level, groups []passcode.Locks) passcode.Levels {
	return passcode.Levels{Plan: account.Plan, Documents: account.Documents, Account: LocksOf(account), Groups: groups,
		User: passcode.User{Values: h.Settings, Requirement: h.Requirement, Waits: h.Waits, Seen: h.ReadAt}}
}

// hostRow reads a host's groups and settings and keeps them, unless they are
// fresh. A reading is shared only among those who know of the same changes: one
// that was begun before a change does not answer a check claimed after it.
func (w *Worker) hostRow(ctx context.Context, api Zoom, accountID, hostID string) (store.Host, error) {
	h, err := w.o.Store.HostOrNew(ctx, accountID, hostID)
	if err != nil || h.Fresh(w.o.SettingsTTL) {
		return h, err
	}
	known := func(ctx context.Context) (store.Host, bool, error) {
		h, err := w.o.Store.HostOrNew(ctx, accountID, hostID)
		return h, h.Fresh(w.o.SettingsTTL), err
	}
	key := fmt.Sprintf("host %s/%s@%d", accountID, hostID, h.Generation)
	return once(w, ctx, key, alone(w, key, known, func(ctx context.Context) (store.Host, error) {
		began, seen := time.Now(), h.Generation
		missing := func(err error) error {
			if answerOf(err).missing {
				// What they were is kept, and that they host no more is said.
				h.CanHost = false
				err = errors.Join(err, w.cannotHost(ctx, h))
			}
			return err
		}
		if h.ProfileReadAt.IsZero() || time.Since(h.ProfileReadAt) > w.o.SettingsTTL || !h.CanHost {
			u, err := api.GetUser(ctx, h.ID)
			if err != nil {
				return h, missing(err)
			}
			h.Email, h.GroupIDs, h.PMI, h.CanHost, h.ProfileReadAt = zoom.Clean(u.Email), nil, int64(u.PMI), u.CanHost(), began
			for _, g := range u.GroupIDs {
				h.GroupIDs = append(h.GroupIDs, zoom.Clean(g))
			}
		}
		s, err := readSettings(ctx, api, h)
		if err != nil {
			return h, missing(err)
		}
		h.Settings, h.Waits = s.Values, s.Waits
		if s.Requirement != nil {
			h.Requirement = *s.Requirement
		}
		return w.o.Store.SaveHost(ctx, h, seen, time.Since(began))
	}))
}

// readSettings reads a host's settings, or that part of them alone that may be another.
func readSettings(ctx context.Context, api Zoom, h store.Host) (zoom.Settings, error) {
	if !h.SecurityAlone {
		return api.GetUserSettings(ctx, h.ID)
	}
	s, err := api.GetUserSecurity(ctx, h.ID)
	for _, info := range passcode.AllSettings() {
		if !zoom.InSecurity(info.Key) || s.Values[info.Key] == passcode.Unknown {
			s.Values[info.Key] = h.Settings[info.Key]
		}
	}
	if s.Waits == passcode.WaitsUnknown {
		s.Waits = h.Waits
	}
	return s, err
}

// cannotHost records that Zoom does not know the user any more.
func (w *Worker) cannotHost(ctx context.Context, h store.Host) error {
	if err := w.o.Store.HostGone(ctx, h.AccountID, h.ID); err != nil {
		return err
	}
	if h.Email == "" {
		return nil // never shown to this account: no host of it
	}
	return w.predict(ctx, h, passcode.Host{})
}

// predict records what a host's settings mean for their next meetings, and
// alerts when that changed. The first forecast is no change.
func (w *Worker) predict(ctx context.Context, h store.Host, known passcode.Host) error {
	f := passcode.ForecastFor(known)
	f.CannotHost = !h.CanHost
	if f.Signature() == h.ForecastSignature {
		return nil
	}
	var a *store.Alert
	if h.ForecastSignature != "" {
		told := alert.HostForecast(h, f)
		a = &told
	}
	changed, err := w.o.Store.SaveForecast(ctx, h.AccountID, h.ID, f, a)
	if changed {
		level := w.o.Logger.Info
		if a == nil { // the first
			level = w.o.Logger.Debug
		}
		level("a host's forecast changed", "host_id", h.ID, "account_id", h.AccountID, "why", f.Sentence())
		w.outbox.Wake()
	}
	return err
}

// once lets the first of several callers do the reading and returns its result
// to all of them. The reading outlives an impatient first caller, and ends with
// the worker.
func once[T any](w *Worker, ctx context.Context, key string, read func(context.Context) (T, error)) (T, error) {
	type result struct {
		v   T
		err error
	}
	ch := make(chan result, 1)
	w.readings.Go(func() {
		v, err, _ := w.flight.Do(key, func() (v any, err error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkWithin)
			defer cancel()
			defer context.AfterFunc(w.working, cancel)()
			err = work.Guard(func() (err error) { v, err = read(ctx); return err })
			return v, err
		})
		r := result{err: err}
		r.v, _ = v.(T)
		ch <- r
	})
	select {
	case r := <-ch:
		return r.v, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
