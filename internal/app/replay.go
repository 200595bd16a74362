package app

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
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
				known, _, err := s.Recorded(ctx, e.ID)
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

// restoredMargin is how far before the newest event that the database has events are
// taken in again: they are not recorded in the order in which they were received.
const restoredMargin = 10 * time.Minute

// restoreEvents sees whether the database has the events that workers acknowledged
// last. One that was restored from a backup does not: then what happened since is
// taken in again from the stream.
func (a *App) restoreEvents(ctx context.Context) {
	if a.o.Config.StreamsExist {
		return // the rights to look are not asked for
	}
	for a.bus.Check() != nil {
		if sleep(ctx, time.Second); ctx.Err() != nil {
			return
		}
	}
	since, lost, err := a.lostEvents(ctx)
	if err != nil {
		a.log.Warn("could not see whether the database has all events that were recorded; `latchkey replay` takes them in again if need be", "error", err)
		return
	}
	if !lost {
		return
	}
	a.log.Warn("the database does not have events that were recorded: it was restored from a backup, or is new; taking them in again from the stream", "since", since)
	taken := 0
	take := a.intake.Handle(ctx)
	err = a.bus.Replay(ctx, since, "", func(ctx context.Context, f bus.Frame) error {
		frame := intake.Frame{}
		for _, e := range f.Parts {
			frame.Events = append(frame.Events, intakeEvent(e, f.Problem))
		}
		taken += len(frame.Events)
		return take(ctx, frame)
	})
	if err != nil {
		a.log.Error("not all events were taken in again; run `latchkey replay --since "+since.UTC().Format(time.RFC3339)+"`", "error", err)
		return
	}
	a.log.Info("the events since then were taken in again", "events", taken)
}

func (a *App) lostEvents(ctx context.Context) (since time.Time, lost bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	last, err := a.bus.LastTaken(ctx)
	if err != nil || len(last) == 0 {
		return since, false, err
	}
	ids := make([]string, len(last))
	for i, e := range last {
		ids[i] = e.ID
	}
	known, newest, err := a.store.Recorded(ctx, ids...)
	if err != nil || len(known) > 0 {
		return since, false, err
	}
	if newest.IsZero() {
		return time.Unix(0, 0), true, nil
	}
	return newest.Add(-restoredMargin), true, nil
}
