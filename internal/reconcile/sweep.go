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
	n, calls, err := w.o.Store.SweepHosts(ctx, account, store.Sweep{Age: w.o.Sweep, Limit: sweepAtOnce, CallsPerDay: w.o.SweepCalls})
	if n > 0 {
		w.o.Logger.Info("sweep marked hosts for re-reading", "account_id", account, "hosts", n, "calls", calls)
	}
	// The rest is for the next look: what was marked is to be read first.
	return false, err
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
	listed, pages, err := api.ListUsers(ctx)
	if err != nil {
		w.o.Logger.Debug("could not list the account's users", "account_id", account, "error", err)
		again, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
		defer cancel()
		return w.o.Store.UsersAgain(again, account, w.o.Sweep, min(usersAgain, w.o.Sweep))
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
