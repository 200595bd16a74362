package reconcile

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// align turns off, at the source, those settings of a host that would put
// passcodes on future meetings and that no level above locks: one call instead
// of one for every meeting after it, and none of the host's 100 a day (FACTS
// section 3). Each setting is turned off once: a host who turns it on again
// wants it on. It reports whether anything was changed.
func (w *Worker) align(ctx context.Context, api Zoom, h store.Host, known passcode.Host, log *slog.Logger) (bool, error) {
	done, err := w.o.Store.Alignments(ctx, h.ID)
	if err != nil {
		return false, err
	}
	may := !known.Plan.ForcesPasscode() && staysSecure(known)
	changed := false
	for _, s := range []struct {
		path    string
		setting passcode.Setting
		patch   func(*zoom.Security, *bool)
	}{
		{passcode.PathPasscode, known.Passcode, func(z *zoom.Security, v *bool) { z.Passcode = v }},
		{passcode.PathScheduled, known.Scheduled, func(z *zoom.Security, v *bool) { z.Scheduled = v }},
	} {
		tried, unfinished := before(done, s.path)
		if tried {
			continue
		}
		if unfinished.ID != 0 && s.setting.Value == passcode.Off && s.setting.Lock == passcode.Off && s.setting.Seen.After(unfinished.StartedAt) {
			// Zoom did it and its answer was lost: what was read since says so. Were it
			// left unfinished, it could not be undone.
			if err := w.o.Store.EndAlignment(ctx, unfinished.ID, store.AlignmentHeld, "", w.o.Now()); err != nil {
				return changed, err
			}
			changed = true
			continue
		}
		if !may || s.setting.Value != passcode.On || s.setting.Lock != passcode.Off || s.setting.Contradiction {
			continue
		}
		a := store.Alignment{ID: unfinished.ID, HostID: h.ID, AccountID: h.AccountID, Setting: s.path, Before: passcode.On, After: passcode.Off, StartedAt: w.o.Now()}
		if a.ID == 0 {
			// Written down first: should this worker die, the next one reads back.
			if a.ID, err = w.o.Store.BeginAlignment(ctx, a); err != nil {
				return changed, err
			}
		}
		var patch zoom.Security
		off := false
		s.patch(&patch, &off)
		err := api.PatchUserSettings(ctx, h.ID, patch)
		if saidNo(err) && classify(err) == actPerson {
			if err := w.o.Store.EndAlignment(ctx, a.ID, store.AlignmentRefused, err.Error(), w.o.Now()); err != nil {
				return changed, err
			}
			continue
		}
		if err != nil {
			return changed, err
		}
		read, err := api.GetUserSettings(ctx, h.ID)
		if err != nil {
			return changed, err
		}
		result := store.AlignmentOverwritten
		if values(read).Of(s.path) == passcode.Off {
			result, changed = store.AlignmentHeld, true
		}
		if err := w.o.Store.EndAlignment(ctx, a.ID, result, "", w.o.Now()); err != nil {
			return changed, err
		}
		log.Info("aligned a host's setting", "setting", s.path, "result", result)
	}
	return changed, nil
}

// staysSecure says whether the host's next meetings keep a security option
// without a passcode (DESIGN section 4, rule 1).
func staysSecure(h passcode.Host) bool {
	return h.WaitingRoom.Value == passcode.On || h.AutoSecurity.Value == passcode.On || h.Authentication.Value == passcode.On && h.Authentication.Lock == passcode.On
}

// before says whether the setting was aligned before, and which alignment was
// begun and not read back.
func before(done []store.Alignment, path string) (tried bool, unfinished store.Alignment) {
	for _, a := range done {
		switch {
		case a.Setting != path:
		case a.Result == store.AlignmentUnfinished:
			unfinished = a
		default:
			tried = true
		}
	}
	return tried, unfinished
}

// UndoAlignments puts the settings of a host back that were aligned, and gives
// what it put back.
func UndoAlignments(ctx context.Context, s *store.Store, api Hosts, hostID string, now func() time.Time) ([]store.Alignment, error) {
	done, err := s.Alignments(ctx, hostID)
	if err != nil {
		return nil, err
	}
	var undone []store.Alignment
	for _, a := range done {
		if a.Result != store.AlignmentHeld {
			continue
		}
		back := a.Before == passcode.On
		var patch zoom.Security
		switch a.Setting {
		case passcode.PathPasscode:
			patch.Passcode = &back
		case passcode.PathScheduled:
			patch.Scheduled = &back
		}
		if err := api.PatchUserSettings(ctx, hostID, patch); err != nil {
			return undone, err
		}
		// 204 is not success (DESIGN section 4, rule 3).
		read, err := api.GetUserSettings(ctx, hostID)
		if err != nil {
			return undone, err
		}
		if got := values(read).Of(a.Setting); got != a.Before {
			return undone, fmt.Errorf("setting not put back: Zoom accepted that %s is turned %s, but it is %s: a level above the host locks it", a.Setting, a.Before, got)
		}
		if err := s.UndoAlignment(ctx, a.ID, now()); err != nil {
			return undone, err
		}
		undone = append(undone, a)
	}
	return undone, nil
}
