package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"

	"latchkey/internal/alert"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// setupFailed notes that our own set-up stood in the way of a call. The first
// time an alert says so, once for the account and call; whatever waits for it
// does not alert by itself.
func (w *Worker) setupFailed(ctx context.Context, accountID string, err error) error {
	var e *zoom.Error
	if !errors.As(err, &e) {
		return nil
	}
	t := store.Trouble{AccountID: accountID, Call: e.Op, Kind: string(e.Kind), Detail: e.Message}
	if t.Detail == "" {
		t.Detail = "no further words"
	}
	opened, err := w.o.Store.SetupFailed(ctx, t, alert.Trouble(t))
	if opened {
		w.o.Logger.Error(alert.TroubleSentence(t), "account_id", accountID, "call", t.Call)
		w.outbox.Wake()
	}
	return err
}

// lookAtSetup looks whether set-up stands in the way. At the start that is
// looked at for every account, policies that changed make due what they would
// decide otherwise, and whatever waits for our set-up is tried again; later only
// what is in trouble is looked at again when its time has come.
func (w *Worker) lookAtSetup(ctx context.Context, start bool) error {
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	var errs []error
	if start || w.policiesLate.Load() {
		errs = append(errs, w.PoliciesChanged(ctx))
	}
	for _, id := range w.o.Accounts {
		troubles, err := w.o.Store.Troubles(ctx, id)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if start || slices.ContainsFunc(troubles, func(t store.Trouble) bool { return t.Due && t.Call != store.CallSignature }) {
			errs = append(errs, w.lookAtAccount(ctx, id, troubles, start))
		}
	}
	tried, err := w.o.Store.RetryTroubles(ctx, w.o.Accounts, start)
	if tried > 0 {
		w.meetings.Wake()
		w.hosts.Wake()
	}
	return errors.Join(append(errs, err)...)
}

// lookAtAccount asks for a new token and compares what it may do with what
// latchkey needs. A problem is noted and alerted, never an error: it may be
// mended at any time.
func (w *Worker) lookAtAccount(ctx context.Context, id string, troubles []store.Trouble, start bool) error {
	api, guarded := w.o.Zoom(id)
	if !guarded {
		return nil
	}
	granted, err := api.Scopes(ctx)
	switch a := answerOf(err); {
	case a.fault == faultSetup:
		return w.setupFailed(ctx, id, err)
	case err != nil:
		w.o.Logger.Warn("Zoom could not be asked whether latchkey's set-up works; trying again", "account_id", id, "error", err)
		return nil
	}
	works := []string{zoom.CallToken, store.CallNotGuarded}
	if start {
		works = append(works, store.CallSignature) // the secrets may be right now; it is said again if not
	}
	for _, need := range needs {
		if len(granted) == 0 {
			break // the token does not say
		}
		if !need.in(granted) {
			if !need.optional {
				err := &zoom.Error{Kind: zoom.KindScope, Op: need.call, Message: "scope " + need.scope}
				if err := w.setupFailed(ctx, id, err); err != nil {
					return err
				}
			}
			continue
		}
		// Granted now: what was missing works again.
		if slices.ContainsFunc(troubles, func(t store.Trouble) bool {
			return t.Call == need.call && t.Kind == string(zoom.KindScope)
		}) {
			works = append(works, need.call)
		}
	}
	return w.o.Store.CallsWorked(ctx, id, works)
}

// need is a scope that a call needs. Older apps have one broad scope for many
// calls instead.
type need struct {
	call, scope string
	classic     []string
	// optional: latchkey does without, and the meetings it matters to say so.
	optional bool
}

var needs = []need{
	{zoom.CallGetMeeting, "meeting:read:meeting:admin", []string{"meeting:read:admin", "meeting:write:admin"}, false},
	{zoom.CallPatchMeeting, "meeting:update:meeting:admin", []string{"meeting:write:admin"}, true},
	{zoom.CallListMeetings, "meeting:read:list_meetings:admin", []string{"meeting:read:admin", "meeting:write:admin"}, false},
	{zoom.CallGetUser, "user:read:user:admin", []string{"user:read:admin", "user:write:admin"}, false},
	{zoom.CallGetUserSettings, "user:read:settings:admin", []string{"user:read:admin", "user:write:admin"}, false},
	{zoom.CallGetAccountLocks, "account:read:lock_settings:admin", []string{"account:read:admin", "account:write:admin", "account:master"}, false},
	{zoom.CallGetGroupLocks, "group:read:lock_settings:admin", []string{"group:read:admin", "group:write:admin"}, false},
}

// in reports whether one of the granted scopes will do. Zoom shows some scopes
// with another last part (:admin, :master).
func (n need) in(granted []string) bool {
	base := n.scope[:strings.LastIndexByte(n.scope, ':')]
	return slices.ContainsFunc(granted, func(g string) bool {
		return g == base || strings.HasPrefix(g, base+":") || slices.Contains(n.classic, g)
	})
}

// CredentialsChanged looks at the accounts anew, and tries again what waits for
// credentials that work.
func (w *Worker) CredentialsChanged(ctx context.Context) error { return w.lookAtSetup(ctx, true) }

// PoliciesChanged makes due what the policies, which are others now, would decide
// otherwise. What it could not make due, lookAtSetup does when the database is back.
func (w *Worker) PoliciesChanged(ctx context.Context) error {
	var errs []error
	for _, id := range w.o.Accounts {
		errs = append(errs, w.policyChanged(ctx, id))
	}
	err := errors.Join(errs...)
	w.policiesLate.Store(err != nil)
	return err
}

// policyChanged makes due what the policies of now would decide otherwise.
func (w *Worker) policyChanged(ctx context.Context, accountID string) error {
	n, err := w.o.Store.PolicyChanged(ctx, accountID, w.o.Policies(), func(h store.Host) string {
		return w.o.Rule(WhoIs(h)).Policy.Fingerprint
	})
	if n > 0 {
		w.o.Logger.Info("policy changed: known meetings are decided again", "account_id", accountID, "meetings", n)
		w.meetings.Wake()
		w.hosts.Wake()
	}
	return err
}
