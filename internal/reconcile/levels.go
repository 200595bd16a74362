package reconcile

import (
	"context"
	"fmt"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// LocksOf is a level's locks as the rule sees them.
func LocksOf(l store.Level) passcode.Locks {
	return passcode.Locks{ID: l.ID, Name: l.Name, Values: l.Locks, Fixed: l.Fixed, Known: !l.ReadAt.IsZero()}
}

// accountLevel returns an account's locks; see level.
func (w *Worker) accountLevel(ctx context.Context, api Zoom, id string) (store.Level, string, error) {
	return w.level(ctx, id, id, w.o.Store.Account, func(ctx context.Context, l store.Level) error { return w.readAccount(ctx, api, l) })
}

// groupLevel returns a group's locks; see level.
func (w *Worker) groupLevel(ctx context.Context, api Zoom, accountID, id string) (store.Level, string, error) {
	return w.level(ctx, accountID, id, func(ctx context.Context, id string) (store.Level, error) { return w.o.Store.Group(ctx, accountID, id) }, func(ctx context.Context, l store.Level) error { return w.readGroup(ctx, api, accountID, l) })
}

// level returns an account's or group's locks, from the database while fresh. A
// level whose locks cannot be had is not known, which is not an error: setup is
// then the call that latchkey's set-up does not allow, "" for another reason.
func (w *Worker) level(ctx context.Context, accountID, id string, stored func(context.Context, string) (store.Level, error), read func(context.Context, store.Level) error) (known store.Level, setup string, err error) {
	l, err := stored(ctx, id)
	if err != nil || l.Fresh(min(w.o.SettingsTTL, w.o.Sweep)) {
		return l, "", err
	}
	// Not into l: the reading may go on after this caller lost its patience.
	fresh := func(ctx context.Context) (store.Level, bool, error) {
		l, err := stored(ctx, id)
		return l, l.Fresh(min(w.o.SettingsTTL, w.o.Sweep)), err
	}
	key := fmt.Sprintf("level %s/%s@%d", accountID, id, l.Generation)
	known, err = once(w, ctx, key, alone(w, key, fresh, func(ctx context.Context) (store.Level, error) {
		if err := read(ctx, l); err != nil {
			return l, err
		}
		return stored(ctx, id)
	}))
	unknown := store.Level{ID: id}
	switch a := w.judge(ctx, accountID, err); a.fault {
	case faultNone:
		return known, "", nil
	case faultSetup:
		return unknown, callOf(err), w.setupFailed(ctx, accountID, err)
	case faultSubject:
		w.o.Logger.Warn("lock settings unreadable; treating them as unknown", "level_id", id, "error", err)
		return unknown, "", nil
	}
	return unknown, "", err
}

func (w *Worker) readAccount(ctx context.Context, api Zoom, l store.Level) error {
	began, seen := time.Now(), l.Generation
	l = store.Level{ID: l.ID, Plan: passcode.PlanPaid}
	s, err := api.GetAccountLocks(ctx, l.ID)
	if answerOf(err).kind == zoom.KindPaidOnly {
		// Only a free account has no lock settings (Z-ERR-4).
		l.Plan = passcode.PlanFree
		return w.o.Store.SaveAccount(ctx, l, seen, time.Since(began))
	}
	if err != nil {
		return err
	}
	l.Locks = s.Values
	if l.Fixed, err = w.fixed(ctx, l, api.GetAccountSettings); err != nil {
		return err
	}
	if w.o.LargePlan != nil && w.o.LargePlan(l.ID) {
		// What the operator says beats any guess.
		return w.o.Store.SaveAccount(ctx, l, seen, time.Since(began))
	}
	// Business and larger plans have ten licences at least: one licensed user
	// means a Pro account with one host, which always has passcodes on (Z-LOCK-6;
	// that one licence means Pro is an inference).
	n, err := api.CountLicensed(ctx)
	switch a := answerOf(err); {
	case err == nil && n == 1:
		l.Plan = passcode.PlanProSingleHost
	case err != nil && a.fault != faultSetup && a.fault != faultSubject:
		return err
	}
	return w.o.Store.SaveAccount(ctx, l, seen, time.Since(began))
}

func (w *Worker) readGroup(ctx context.Context, api Zoom, accountID string, l store.Level) error {
	began, seen := time.Now(), l.Generation
	s, err := api.GetGroupLocks(ctx, l.ID)
	if err != nil {
		return err
	}
	l.Locks = s.Values
	if l.Fixed, err = w.fixed(ctx, l, api.GetGroupSettings); err != nil {
		return err
	}
	if l.Name == "" && locksAny(l.Locks) {
		// Only a group that locks something is ever named to people. Doing without
		// its name is better than doing without its locks.
		g, err := api.GetGroup(ctx, l.ID)
		if a := answerOf(err); err != nil && a.fault != faultSetup && a.fault != faultSubject {
			return err
		}
		l.Name = zoom.Clean(g.Name)
	}
	return w.o.Store.SaveGroup(ctx, accountID, l, seen, time.Since(began))
}

// fixed reads the values that a level's locks fix, if it locks anything. Not
// being allowed to is not an error: contradictions are then not seen.
func (w *Worker) fixed(ctx context.Context, l store.Level, read func(context.Context, string) (zoom.Settings, error)) (passcode.Values, error) {
	if !locksAny(l.Locks) {
		return passcode.Values{}, nil
	}
	s, err := read(ctx, l.ID)
	if a := answerOf(err); err != nil && (a.fault == faultSetup || a.fault == faultSubject) {
		return passcode.Values{}, nil
	}
	return s.Values, err
}

func locksAny(v passcode.Values) bool {
	for _, locked := range v {
		if locked == passcode.On {
			return true
		}
	}
	return false
}
