package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"latchkey/internal/bus"
	"latchkey/internal/config"
	"latchkey/internal/intake"
	"latchkey/internal/store"
)

// ReplayOptions say which events are taken in again.
type ReplayOptions struct {
	Since   time.Time
	Account string // "": all
	Event   string // its name; "": all
	DryRun  bool   // only counted
}

// Replayed counts what became of events, by name.
type Replayed struct {
	InStream map[string]int `json:"in_stream"`
	// New are those that the database did not have: taken in, or with DryRun to be.
	New  map[string]int `json:"new"`
	Dead int            `json:"dead"` // could not be used: dead letters
}

// Replay takes events in again from the stream, oldest first. Those that the
// database has change nothing: it is for a database that was restored from a backup,
// or lost rows otherwise.
func Replay(ctx context.Context, c config.Config, log *slog.Logger, o ReplayOptions) (r Replayed, err error) {
	r = Replayed{InStream: map[string]int{}, New: map[string]int{}}
	s, err := store.Open(store.InSchema(c.DatabaseURL, c.Schema))
	if err != nil {
		return r, err
	}
	defer s.Close()
	b, err := bus.Connect(busOptions(c, log))
	if err != nil {
		return r, err
	}
	defer b.Close()
	setUp, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := b.Ensure(setUp); err != nil {
		return r, err
	}
	result := ""
	var guarded []string
	for _, a := range c.AllAccounts() {
		guarded = append(guarded, a.ID)
	}
	in := intake.New(intake.Options{Store: s, Guarded: guarded, Logger: log, Dead: workerBus{b}.publishDead, Erase: b.Erase,
		Governed: func(account string) bool { return slices.Contains(guarded, account) },
		Counted:  func(how string) { result = how }})
	stopped, stop := context.WithCancel(ctx)
	stop() // the database is not waited for: whoever runs this sees it
	take := in.Handle(stopped)
	err = b.Replay(ctx, o.Since, o.Account, func(ctx context.Context, f bus.Frame) error {
		for _, e := range f.Parts {
			if o.Event != "" && e.Name != o.Event {
				continue
			}
			r.InStream[e.Name]++
			if o.DryRun {
				known, err := s.Recorded(ctx, e.ID)
				if err != nil {
					return err
				}
				if !known[e.ID] {
					r.New[e.Name]++
				}
				continue
			}
			if err := take(ctx, intake.Frame{Events: []intake.Event{intakeEvent(e, f.Problem)}}); err != nil {
				return fmt.Errorf("event %s: %w", e.ID, err)
			}
			switch result {
			case "recorded":
				r.New[e.Name]++
			case "dead":
				r.Dead++
			}
		}
		return nil
	})
	return r, err
}

// lostLookedFor is how often a worker looks whether the database lost events: it may
// be restored while workers wait for it.
const lostLookedFor = 10 * time.Minute

// takeEventsIn consumes events. Before that, and now and then, it sees whether the
// database has what workers acknowledged: one that was restored from a backup does
// not, and then what happened since is taken in again from the stream.
func (a *App) takeEventsIn(ctx context.Context) {
	since, lost := a.lookForLost(ctx) // before what waits is recorded
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { workerBus{a.bus}.consume(ctx, a.o.Config.Parallel, a.redeliveries.Inc, a.intake.Handle(ctx)) })
	for ctx.Err() == nil {
		if lost {
			a.restoreEvents(ctx, since)
		}
		sleep(ctx, lostLookedFor)
		since, lost = a.lookForLost(ctx)
	}
}

// lookForLost says since when events are missing from the database.
func (a *App) lookForLost(ctx context.Context) (since time.Time, lost bool) {
	if a.o.Config.StreamsExist {
		return since, false // the rights to look are not asked for
	}
	select {
	case <-a.bus.SetUp():
	case <-ctx.Done():
		return since, false
	}
	since, lost, err := a.lostEvents(ctx)
	if err != nil && ctx.Err() == nil {
		a.log.Warn("could not see whether the database has all events that were recorded; `latchkey replay` takes them in again if need be", "error", err)
	}
	return since, lost && err == nil
}

// lostChunk is how many messages of the stream are looked at in one place.
const lostChunk = 20

// lostEvents compares the newest acknowledged messages with the database, then some
// of every older stretch, each twice as long as the one before. Of the newest, one
// event that is missing is enough; of older ones most must be, since dead letters
// are acknowledged and not recorded. What is missing begins after the newest place
// before it where it is not.
func (a *App) lostEvents(ctx context.Context) (since time.Time, lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	first, last, err := a.bus.Acknowledged(ctx)
	if err != nil || last < first {
		return since, false, err
	}
	for back, seq := uint64(lostChunk), last; ; back *= 2 {
		events, err := a.bus.EventsBefore(ctx, seq, lostChunk)
		if err != nil {
			return since, false, err
		}
		// Of the newest it is remembered that they were looked for.
		ids, oldest := make([]string, len(events)), time.Time{}
		for i, e := range events {
			if ids[i] = e.ID; oldest.IsZero() || e.ReceivedAt.Before(oldest) {
				oldest = e.ReceivedAt
			}
		}
		known, err := a.store.Recorded(ctx, ids...)
		if err != nil {
			return since, false, err
		}
		missing := 0
		for _, id := range ids {
			if !known[id] && !a.looked[id] {
				missing++
			}
		}
		if seq == last {
			a.newest = ids
		}
		switch gap := seq == last && missing > 0 || 2*missing > len(ids); {
		case gap:
			lost = true
		case lost && len(ids) > 0:
			return oldest, true, nil
		}
		if seq == first || seq < first+lostChunk {
			return time.Unix(0, 0), lost, nil
		}
		if seq = first; last > first+back {
			seq = last - back
		}
	}
}

// restoreEvents takes events in again. Those that cannot be used are dead letters
// already.
func (a *App) restoreEvents(ctx context.Context, since time.Time) {
	a.log.Info("events that were acknowledged are not in the database; taking in from the stream what is missing", "since", since)
	taken := 0
	take := a.newIntake(func(context.Context, string, intake.Event) error { return nil }, nil, func(result string) {
		if result == "recorded" {
			taken++
		}
	}).Handle(ctx)
	err := a.bus.Replay(ctx, since, "", func(ctx context.Context, f bus.Frame) error {
		frame := intake.Frame{}
		for _, e := range f.Parts {
			frame.Events = append(frame.Events, intakeEvent(e, f.Problem))
		}
		return take(ctx, frame)
	})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		a.log.Error("not all events were taken in again; run `latchkey replay --since "+since.UTC().Format(time.RFC3339)+"`", "error", err)
	default:
		// What is missing still cannot be recorded: it became dead letters.
		a.looked = map[string]bool{}
		for _, id := range a.newest {
			a.looked[id] = true
		}
		if taken > 0 {
			a.log.Warn("the database did not have events that were recorded, since it was restored from a backup, or is new: they were taken in again from the stream", "since", since, "events", taken)
		}
	}
}
