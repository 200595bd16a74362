package intake

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/store"
)

// eraseWithin bounds one try to delete all that is kept of an account.
const eraseWithin = 5 * time.Minute

// erasingError: the bus could not be rid of an account's messages yet. It is tried
// until it is.
type erasingError struct{ err error }

func (e erasingError) Error() string { return e.err.Error() }
func (e erasingError) Unwrap() error { return e.err }

// appRemoved: the account removed the app, and all that is kept of it must go
// (Z-EVENT-16): first from the database, with a tombstone that keeps what was under
// way from bringing anything back, then from the bus. In that order, since the bus
// holds this very event: whoever dies in between finds it there again, and the
// tombstone says how far they came.
func (in *Intake) appRemoved(ctx context.Context, c change) (bool, error) {
	row, at := c.row, c.happened
	erased, purged, err := in.o.Store.Erased(ctx, row.AccountID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	begun := err == nil && !erased.Before(at)
	if begun && purged {
		return false, nil // the same word again, perhaps after the app was installed anew
	}
	// An account may have much: it has longer than other events.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseWithin)
	defer cancel()
	in.o.Logger.Warn("the account removed the app; deleting all that is kept of it", "account_id", row.AccountID)
	if !begun {
		why := "the account removed the app (" + row.Name + ", " + at.UTC().Format(time.RFC3339) + ")"
		if err := in.o.Store.Erase(ctx, row.AccountID, why, at); err != nil {
			return false, err
		}
	}
	accounts := []string{row.AccountID}
	if len(in.o.Guarded) == 1 {
		accounts = append(accounts, "") // an event that named no account was this one's
	}
	for _, account := range accounts {
		if in.o.Erase == nil {
			break
		}
		if err := in.o.Erase(ctx, account); err != nil {
			return false, erasingError{err}
		}
	}
	err = in.o.Store.Purged(ctx, row.AccountID)
	return err == nil, err
}
