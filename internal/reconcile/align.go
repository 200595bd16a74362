package reconcile

import (
	"context"
	"log/slog"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// align turns off, at the source, those settings of a host that would put
// passcodes on future meetings and that no level above locks: one call instead
// of one for every meeting after it, and none of the host's 100 a day (Z-CALL-11). Each setting is turned off once: a host who turns it on again
// wants it on. It reports whether anything was changed.
func (w *Worker) align(ctx context.Context, api Zoom, h store.Host, known passcode.Host, log *slog.Logger) (bool, error) {
	if hold, err := w.o.Store.HeldHost(ctx, h.AccountID, h.ID); err != nil || hold.Kind != "" {
		return false, err
	}
	done, err := w.o.Store.Alignments(ctx, h.AccountID, h.ID)
	if err != nil {
		return false, err
	}
	may := !known.PlanForces(passcode.KeyPasscode) && staysSecure(known)
	changed := false
	for _, key := range []passcode.Key{passcode.KeyPasscode, passcode.KeyScheduled} {
		setting := known.Settings[key]
		tried, unfinished := before(done, key.Path())
		if tried {
			continue
		}
		if unfinished.ID != 0 && setting.Value == passcode.Off && setting.Lock == passcode.Off && setting.Seen.After(unfinished.StartedAt) {
			// Zoom did it and its answer was lost: what was read since says so. Were it
			// left unfinished, it could not be undone.
			if err := w.o.Store.EndAlignment(ctx, unfinished.ID, store.AlignmentHeld, ""); err != nil {
				return changed, err
			}
			changed = true
			continue
		}
		if !may || setting.Value != passcode.On || setting.Lock != passcode.Off || setting.Contradiction {
			continue
		}
		a := store.Alignment{ID: unfinished.ID, HostID: h.ID, AccountID: h.AccountID, Setting: key.Path(), Before: passcode.On, After: passcode.Off}
		if a.ID == 0 {
			// Written down first: should this worker die, the next one reads back.
			if a.ID, err = w.o.Store.BeginAlignment(ctx, a); err != nil {
				return changed, err
			}
		}
		err := api.PatchUserSettings(ctx, h.ID, only(key, passcode.Off))
		if got := w.judge(ctx, h.AccountID, err); got.did == notDone && got.fault == faultSubject {
			if err := w.o.Store.EndAlignment(ctx, a.ID, store.AlignmentRefused, err.Error()); err != nil {
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
		if read.Values[key] == passcode.Off {
			result, changed = store.AlignmentHeld, true
		}
		if err := w.o.Store.EndAlignment(ctx, a.ID, result, ""); err != nil {
			return changed, err
		}
		log.Info("aligned a host's setting", "setting", key.Path(), "result", result)
	}
	return changed, nil
}

// staysSecure says whether the host's next meetings keep a security option
// without a passcode (ARCHITECTURE.md, rule 1).
func staysSecure(h passcode.Host) bool {
	auth := h.Settings[passcode.KeyAuthentication]
	return h.Settings[passcode.KeyWaitingRoom].Value == passcode.On || h.Settings[passcode.KeyAutoSecurity].Value == passcode.On ||
		auth.Value == passcode.On && auth.Lock == passcode.On
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

// only is a request that changes one setting.
func only(k passcode.Key, to passcode.Toggle) (v passcode.Values) {
	v[k] = to
	return v
}
