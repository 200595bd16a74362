package reconcile

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// check brings one meeting and the policy together. Its steps are methods of
// checking, one file each: observe.go, decide.go, act.go, record.go.
func (w *Worker) check(ctx context.Context, c store.MeetingClaim, log *slog.Logger) error {
	api, guarded := w.o.Zoom(c.Meeting.AccountID)
	if !guarded {
		// It was guarded once. Its row stays as it is.
		return w.o.Store.Complete(ctx, c, store.Check{Meeting: c.Meeting})
	}
	past, err := w.o.Store.Remember(ctx, c.Meeting.AccountID, c.Meeting.ID)
	if err != nil {
		return err
	}
	k := &checking{w: w, api: &calls{api: api}, claim: c, log: log, past: past, m: c.Meeting, repair: past.Unfinished}
	v, err := k.work(ctx)
	if err == nil {
		return k.record(ctx, v)
	}
	if k.sawOpen && k.open() && answerOf(err).fault != faultLost {
		return k.recordOpen(ctx, err)
	}
	return err
}

// work observes, decides, acts and verifies.
func (k *checking) work(ctx context.Context) (passcode.Verdict, error) {
	v, err := k.decide(ctx)
	if err != nil {
		return v, err
	}
	if k.repair.ID != 0 {
		// A worker died between asking Zoom and reading back. It is read back now.
		if v, err = k.resume(ctx); err != nil {
			return v, err
		}
	}
	for step := 0; ; step++ {
		if v, err = k.doubt(ctx, v); err != nil {
			return v, err
		}
		if !v.Remedy.Changes() || step == mostSteps {
			return v, nil
		}
		if v, err = k.carryOut(ctx, v); err != nil {
			return v, err
		}
	}
}

// recordOpen records a check that ended in an error and had last seen the
// meeting open to anybody: that is said at once and looked at again soon,
// whatever stood in the way of putting it right.
func (k *checking) recordOpen(ctx context.Context, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	k.log.Error("a meeting is open to anybody and could not be secured; will retry", "error", cause, "again_in", openAgain)
	if k.w.judge(ctx, k.m.AccountID, cause).fault == faultSetup {
		if err := k.w.setupFailed(ctx, k.m.AccountID, cause); err != nil {
			k.log.Warn("could not note a set-up trouble", "error", err)
		}
	}
	if err := k.record(ctx, k.evaluate()); err != nil {
		return errors.Join(cause, err)
	}
	return nil
}

// mostSteps bounds the changes of one check: a removal, and what puts security
// back when it left the meeting open, by the waiting room and by the passcode.
const mostSteps = 3

// checking is one check under way.
type checking struct {
	w     *Worker
	api   *calls
	claim store.MeetingClaim
	log   *slog.Logger
	past  store.Remembered
	m     store.Meeting // what is known, as it becomes known

	host      passcode.Host
	levels    []string  // ids of the host, the groups and the account that hold for the meeting
	heldUntil time.Time // the host's requests of the day are used up
	reserved  int       // all but so many, which are the host's own
	rule      Rule
	hostAsked bool // the host's settings were asked for

	// value is the passcode that was read: nil not read, "" there is none.
	value *secret.String
	dates []zoom.Occurrence // of a series, as it was read
	// remembered is the passcode that the meeting has or last had: nil not looked
	// up, "" none is known.
	remembered *secret.String
	evidence   []passcode.PastChange // who turned settings on; nil not looked up

	repair    store.Repair // the one that is under way or was finished last
	failed    []store.Repair
	doubtful  bool          // Zoom did otherwise than the settings that are known allow
	sawOpen   bool          // the meeting was seen without any security option, through latchkey
	blindFor  time.Duration // when to look for a fact again that could not be had
	setupCall string        // the call that our set-up does not allow
}

// now is the database's clock: workers' own may differ.
func (k *checking) now() time.Time { return k.claim.Now.Add(time.Since(k.claim.Since)) }
