package reconcile

import (
	"context"
	"errors"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// repairNow asks Zoom for the change that the remedy names and reads back what
// became of it. It gives the verdict on what was read back; only that counts as
// done.
func (k *checking) repairNow(ctx context.Context, v passcode.Verdict) (passcode.Verdict, error) {
	before := k.plainPasscode(ctx)
	patch, err := k.patchFor(v)
	if err != nil {
		return v, err
	}
	repair := store.Repair{Remedy: v.Remedy, Result: store.RepairUnfinished, Reasons: v.Reasons, Why: v.Sentence(), StartedAt: k.w.o.Now()}
	id, err := k.w.o.Store.BeginRepair(ctx, k.claim, repair, before)
	if err != nil {
		return v, err
	}
	repair.ID = id
	k.repair = repair

	k.calls++
	patchErr := k.api.PatchMeeting(ctx, zoom.MeetingID(k.m.ID), patch)
	if saidNo(patchErr) {
		return k.refused(ctx, v, patchErr)
	}
	// Zoom took it, or it cannot be told (no answer, half of one, 5xx). Either
	// way the meeting itself says what is true now.
	if err := k.readMeeting(ctx); err != nil {
		return v, err
	}
	if patchErr != nil && k.m.Passcode == passcode.On && !k.held() {
		return v, patchErr // it was not done: put off, with backoff
	}
	if err := k.restoreIfOpen(ctx, before); err != nil {
		return v, err
	}
	k.finishRepair()
	return k.evaluate(), nil
}

// patchFor is the request that a remedy stands for.
func (k *checking) patchFor(v passcode.Verdict) (zoom.MeetingPatch, error) {
	if v.Remedy == passcode.RemedySet {
		ours, err := k.oursValue()
		return zoom.MeetingPatch{Password: &ours}, err
	}
	none := zoom.Secret("")
	patch := zoom.MeetingPatch{Password: &none}
	if v.AskWaitingRoom {
		on := true
		patch.WaitingRoom = &on
	}
	return patch, nil
}

// held says whether what was read back is what the repair asked for.
func (k *checking) held() bool {
	if k.repair.Remedy == passcode.RemedySet {
		ours, _ := k.ours()
		return ours == passcode.On
	}
	return k.m.Passcode == passcode.Off
}

// ours says whether the meeting's passcode is the one that the policy sets, and
// why that one cannot be used, if so.
func (k *checking) ours() (passcode.Toggle, string) {
	if k.rule.Policy.Mode != passcode.ModeKnownPasscode || k.rule.Policy.Source == passcode.SourceZoom || k.host.Passcode.Value == passcode.Unknown {
		return passcode.Unknown, "" // another policy, or the requirement is not known
	}
	value, err := k.oursValue()
	switch {
	case err != nil:
		return passcode.Off, err.Error()
	case k.passcode == nil || k.m.MustRead:
		return passcode.Unknown, ""
	}
	return passcode.ToggleOf(*k.passcode == value.Reveal()), ""
}

// oursValue makes the passcode that the policy sets; the error says which
// requirement of the host's it cannot meet, and holds no passcode.
func (k *checking) oursValue() (zoom.Secret, error) {
	if k.rule.Policy.Source == passcode.SourceFixed {
		return k.rule.Passcode, k.host.Requirement.Check(k.rule.Passcode.Reveal())
	}
	p, err := passcode.Derive(k.rule.Secret.Reveal(), k.m.ID, k.host.Requirement)
	return zoom.Secret(p), err
}

// saidNo reports whether the answer to a PATCH means that nothing was changed.
func saidNo(err error) bool {
	switch zoom.KindOf(err) {
	case "", zoom.KindServer, zoom.KindTransport, zoom.KindBadAnswer:
		return false
	}
	return true
}

// refused handles a PATCH that Zoom did not do.
func (k *checking) refused(ctx context.Context, v passcode.Verdict, err error) (passcode.Verdict, error) {
	k.log.Warn("Zoom did not take the change", "error", err)
	var e *zoom.Error
	if !errors.As(err, &e) {
		return v, err
	}
	switch e.Kind {
	case zoom.KindHostDay: // FACTS section 6
		// The host's 100 of the day are used up: all of this host waits, and the
		// verdict says until when.
		if err := k.w.o.Store.HoldHost(ctx, k.m.AccountID, k.m.HostID, e.RetryAt); err != nil {
			return v, err
		}
		k.heldUntil = e.RetryAt
	case zoom.KindNotFound:
		k.gone()
	case zoom.KindBusy, zoom.KindInvalid, zoom.KindForbidden:
		// Zoom looked at it and said no. Asking again would only spend the host's
		// requests; what the meeting is like now says the rest.
		if err := k.readMeeting(ctx); err != nil {
			return v, err
		}
		if e.Kind != zoom.KindBusy {
			k.failed, k.m.OverwrittenUnder = store.RepairRefused, k.host.Fingerprint()
		}
	default:
		// Not looked at (a rate limit, a token). The repair stays unfinished; the
		// next check reads the meeting first and goes on from there.
		return v, err
	}
	k.endRepair(store.RepairRefused, e.Message)
	return k.evaluate(), nil
}

// finishRepair says what became of a repair, from what was read back.
func (k *checking) finishRepair() {
	switch {
	case k.m.Status == passcode.StatusDeleted || k.m.MustRead:
		k.endRepair(store.RepairAbandoned, "")
	case k.held():
		k.m.OverwrittenUnder = ""
		k.endRepair(store.RepairHeld, "")
	default:
		// Zoom answered 204 and a passcode is there (FACTS section 4): not tried
		// again until a fact changes.
		k.failed, k.m.OverwrittenUnder = store.RepairOverwritten, k.host.Fingerprint()
		k.endRepair(store.RepairOverwritten, k.repair.Detail)
	}
}

func (k *checking) endRepair(result, detail string) {
	r := &k.repair
	r.Result, r.Detail, r.ZoomCalls, r.EndedAt = result, detail, k.calls, k.w.o.Now()
}

// restoreIfOpen puts the passcode back when the clear left the meeting without
// any security option: the locks were not what we believed (DESIGN section 4,
// rule 1).
func (k *checking) restoreIfOpen(ctx context.Context, before string) error {
	if !k.open() {
		return nil
	}
	if before == "" {
		k.log.Error("the meeting is open to anyone and its passcode was never readable; a person must look")
		return nil
	}
	k.log.Error("Zoom did not keep the waiting room on; the passcode is put back")
	secret := zoom.Secret(before)
	k.calls++
	if err := k.api.PatchMeeting(ctx, zoom.MeetingID(k.m.ID), zoom.MeetingPatch{Password: &secret}); err != nil {
		return err
	}
	k.repair.Detail = "Zoom did not keep the waiting room on; the passcode was put back"
	return k.readMeeting(ctx)
}

// takeBack puts the passcode back if an unfinished repair left the meeting open,
// and says whether it did.
func (k *checking) takeBack(ctx context.Context) (bool, error) {
	if !k.open() {
		return false, nil
	}
	p, err := k.w.o.Store.Passcode(ctx, k.m.ID) // BeginRepair kept it
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return false, err
	}
	if err := k.restoreIfOpen(ctx, p.Value); err != nil {
		return false, err
	}
	// What failed is remembered together with the host's settings.
	return true, k.learnHost(ctx)
}

// open says whether the meeting was read and has no security option left.
func (k *checking) open() bool {
	return k.m.Status != passcode.StatusDeleted && !k.m.MustRead && k.m.Passcode == passcode.Off &&
		k.m.WaitingRoom == passcode.Off && k.m.Authentication != passcode.On
}

// plainPasscode is the passcode as it is now, if it is known.
func (k *checking) plainPasscode(ctx context.Context) string {
	if k.passcode != nil {
		return *k.passcode
	}
	p, err := k.w.o.Store.Passcode(ctx, k.m.ID)
	if err != nil {
		return ""
	}
	return p.Value
}
