package reconcile

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// sweepAtOnce bounds how many hosts one transaction marks.
const sweepAtOnce = 100

// listTries is how often a sweep that was asked for tries to list the account's users.
const listTries = 5

// usersAgain is how soon the users of an account are listed again that could not be.
const usersAgain = 10 * time.Minute

// sweep marks hosts that nothing was read of for long, with their upcoming meetings, as
// needing a read: what Zoom dropped is found again. It lists the accounts' users too, so
// that those are swept whom no event ever mentioned.
func (w *Worker) sweep(ctx context.Context) (more bool, err error) {
	for _, account := range w.o.Accounts {
		again, serr := w.sweepAccount(ctx, account)
		more, err = more || again, errors.Join(err, serr)
	}
	return more, err
}

func (w *Worker) sweepAccount(ctx context.Context, account string) (more bool, err error) {
	if err := w.findUsers(ctx, account); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	n, calls, err := w.o.Store.SweepHosts(ctx, account, w.howToSweep())
	if n > 0 {
		w.o.Logger.Info("sweep marked hosts for re-reading", "account_id", account, "hosts", n, "calls", calls)
	}
	// The rest is for the next look: what was marked is to be read first.
	return false, err
}

func (w *Worker) howToSweep() store.Sweep {
	return store.Sweep{Age: w.o.Sweep, Limit: sweepAtOnce, CallsPerDay: w.o.SweepCalls}
}

// sweepAsAsked goes on with sweeps that somebody asked for.
func (w *Worker) sweepAsAsked(ctx context.Context) (more bool, err error) {
	for _, account := range w.o.Accounts {
		again, serr := w.sweepRound(ctx, account)
		more, err = more || again, errors.Join(err, serr)
	}
	return more, err
}

func (w *Worker) sweepRound(ctx context.Context, account string) (more bool, err error) {
	if err := w.listForRound(ctx, account); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, storeWithin)
	defer cancel()
	n, calls, more, err := w.o.Store.SweepRounds(ctx, account, w.howToSweep())
	if n > 0 {
		w.o.Logger.Info("sweep marked hosts for re-reading, as asked for", "account_id", account, "hosts", n, "calls", calls)
	}
	return more, err
}

// listForRound lists the account's users for a sweep of the whole account that somebody
// asked for. Where our set-up does not allow it that is noted, and the hosts that are
// known are swept all the same.
func (w *Worker) listForRound(ctx context.Context, account string) error {
	api, guarded := w.o.Zoom(account)
	if !guarded {
		return nil
	}
	id, nth, err := w.o.Store.RoundToList(ctx, account)
	if err != nil || id == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	why := ""
	if err := w.listUsers(ctx, api, account); err != nil {
		a := w.judge(ctx, account, err)
		if nth < listTries && a.fault != faultSetup && a.fault != faultSubject {
			w.o.Logger.Debug("could not list the account's users", "account_id", account, "error", err)
			return nil // a while later
		}
		why = err.Error()
	}
	note, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	return w.o.Store.RoundListed(note, id, why)
}

// findUsers lists the account's users, as often as each is swept, and makes hosts of
// those who can host and are not known. Where our set-up does not allow it, or Zoom does
// not answer, it is tried again later: the hosts that are known are swept all the same.
func (w *Worker) findUsers(ctx context.Context, account string) error {
	api, guarded := w.o.Zoom(account)
	if !guarded {
		return nil
	}
	due, err := w.o.Store.UsersDue(ctx, account, w.o.Sweep)
	if err != nil || !due {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, checkWithin)
	defer cancel()
	if err := w.listUsers(ctx, api, account); err != nil {
		w.o.Logger.Debug("could not list the account's users", "account_id", account, "error", err)
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
		defer cancel()
		return w.o.Store.UsersAgain(again, account, w.o.Sweep, min(usersAgain, w.o.Sweep))
	}
	return nil
}

func (w *Worker) listUsers(ctx context.Context, api Zoom, account string) error {
	listed, pages, err := api.ListUsers(ctx)
	if err != nil {
		return err
	}
	var users []store.User
	for _, u := range listed {
		if u.CanHost() {
			users = append(users, store.User{ID: zoom.Clean(u.ID), Email: zoom.Clean(u.Email)})
		}
	}
	found, err := w.o.Store.SaveUsers(ctx, account, users, pages)
	if found > 0 {
		w.o.Logger.Info("found users whom no event mentioned", "account_id", account, "users", found)
	}
	return err
}
