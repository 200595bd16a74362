package reconcile

import (
	"context"
	"time"
)

// dropPastWithin bounds one look; the next goes on where it ended.
const dropPastWithin = 10 * time.Minute

// dropPast drops what is past its time, once an hour, and makes the database's
// partitions for the months to come. What fails is tried again within the hour, not at
// once: it is locked by somebody, and each try makes those wait who write.
func (w *Worker) dropPast(hard context.Context) {
	ctx, cancel := context.WithTimeout(hard, dropPastWithin)
	defer cancel()
	r, err := w.o.Store.Retain(ctx, time.Time{}, w.o.Keep)
	for table, n := range r.Rows {
		w.o.Metrics.dropped(table, n)
	}
	if len(r.Rows)+len(r.Made)+len(r.Dropped) > 0 {
		w.o.Logger.Info("dropped what is past its time", "rows", r.Rows, "partitions_made", r.Made, "partitions_dropped", r.Dropped)
	}
	if err != nil && hard.Err() == nil {
		w.o.Logger.Warn("not all that is past its time was dropped; again within the hour", "error", err)
	}
}
