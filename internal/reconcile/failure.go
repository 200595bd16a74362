package reconcile

import (
	"errors"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// action is what to do about an error. One table decides it for everything.
type action int

const (
	actRetry  action = iota // again, with backoff: it goes away by itself
	actDefer                // again when Zoom said: a rate limit
	actGone                 // what it was about does not exist any more
	actPerson               // a person must act first; again, but rarely
	actDead                 // never: keep it as a dead letter
	actLost                 // another worker has it: forget it
)

func (a action) String() string {
	return [...]string{"retry", "defer", "gone", "person", "dead", "lost"}[a]
}

// errUnusable marks an event that no retry will make readable.
type errUnusable struct{ err error }

func (e errUnusable) Error() string { return e.err.Error() }
func (e errUnusable) Unwrap() error { return e.err }

// classify maps every error this package meets to what is to be done.
func classify(err error) action {
	var unusable errUnusable
	switch {
	case errors.As(err, &unusable):
		return actDead
	case errors.Is(err, store.ErrLeaseLost):
		return actLost
	}
	switch zoom.KindOf(err) {
	case zoom.KindRateSecond, zoom.KindRateDay, zoom.KindHostDay:
		return actDefer
	case zoom.KindNotFound:
		return actGone
	case zoom.KindForbidden, zoom.KindInvalid, zoom.KindPaidOnly, zoom.KindUnauthorized:
		return actPerson
	case zoom.KindBusy, zoom.KindServer, zoom.KindTransport, zoom.KindBadAnswer:
		return actRetry
	}
	if store.Unavailable(err) {
		return actRetry
	}
	return actDead
}

// retryAt says when work that met the error is tried again.
func retryAt(err error, attempts int, now time.Time) time.Time {
	switch classify(err) {
	case actDefer:
		var e *zoom.Error
		if errors.As(err, &e) && e.RetryAt.After(now) {
			return e.RetryAt
		}
	case actPerson, actDead:
		return now.Add(min(time.Minute<<min(attempts, 6), time.Hour))
	}
	return now.Add(min(time.Second<<min(attempts, 8), 5*time.Minute))
}
