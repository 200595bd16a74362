package reconcile

import (
	"context"
	"crypto/rand"
	"time"

	"latchkey/internal/work"
)

// readingAgain is how often it is looked whether another worker's reading is done.
const readingAgain = 100 * time.Millisecond

// readingWithin is for how long a reading is one worker's. Should that worker have died,
// others wait no longer; should it be slow, they read as well, which costs calls alone.
func (w *Worker) readingWithin() time.Duration {
	return min(max(w.o.Lease/3, time.Second), 10*time.Second)
}

// alone is read, while no other worker does the same: of several one reads, and the others
// wait until known tells what it read. One that dies over it is waited for no longer than
// readingWithin.
func alone[T any](w *Worker, key string, known func(context.Context) (T, bool, error), read func(context.Context) (T, error)) func(context.Context) (T, error) {
	return func(ctx context.Context) (T, error) { return readAlone(w, ctx, key, known, read) }
}

func readAlone[T any](w *Worker, ctx context.Context, key string, known func(context.Context) (T, bool, error), read func(context.Context) (T, error)) (T, error) {
	owner, mine := rand.Text(), false
	for {
		var err error
		if mine, err = w.o.Store.BeginReading(ctx, key, owner, w.readingWithin()); err != nil {
			var none T
			return none, err
		}
		if mine {
			defer func() {
				end, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
				defer cancel()
				if err := w.o.Store.EndReading(end, key, owner); err != nil {
					w.o.Logger.Debug("could not end a reading; others wait for it in vain for a moment", "error", err)
				}
			}()
		} else {
			work.Pause(ctx, readingAgain)
		}
		// It may have been read meanwhile, also just before this one began.
		if v, ok, err := known(ctx); ok || err != nil {
			return v, err
		}
		if mine {
			return read(ctx)
		}
	}
}
