package reconcile

import "context"

// sweepAtOnce is how many hosts one sweep marks, once a minute. It bounds the
// calls a sweep makes: reading a host is about five, a meeting one.
const sweepAtOnce = 10

// sweep marks hosts that no event asked about for long, with their upcoming
// meetings, as to be read anew: what Zoom dropped is found again.
func (w *Worker) sweep(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	n, err := w.o.Store.SweepHosts(ctx, w.o.Accounts, w.o.Sweep, sweepAtOnce)
	if n > 0 {
		w.o.Logger.Info("swept", "hosts", n)
	}
	return false, err
}
