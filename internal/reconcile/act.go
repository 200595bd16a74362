package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// carryOut asks Zoom for the change that the remedy stands for, reads back what
// became of it, and returns the verdict on what was read. Only what was read
// back counts as done (ARCHITECTURE.md, rule 3). Whatever happens, the repair's
// row says how far it came.
func (k *checking) carryOut(ctx context.Context, v passcode.Verdict) (passcode.Verdict, error) {
	patch, before, err := k.patchFor(ctx, v)
	if err != nil {
		return v, err
	}
	if before == "" && v.Remedy == passcode.RemedyClear {
		// It was said to be known and is not: what could not be taken back is not
		// begun (ARCHITECTURE.md, rule 1).
		k.m.PasscodeReadable = false
		return k.evaluate(), nil
	}
	repair := store.Repair{Remedy: v.Remedy, Reasons: v.Reasons, Why: v.Sentence(), AskedPasscode: v.Ask.Passcode.String(),
		AskedWaitingRoom: v.Ask.WaitingRoom == passcode.AskOn, DespiteHold: k.leftOpen(), Under: passcode.AttemptKey(k.facts(), k.rule.Policy, v.Remedy, v.Ask)}
	if err := k.endBefore(ctx); err != nil {
		return v, err
	}
	claim := k.claim
	claim.Meeting.HostID = k.m.HostID // perhaps learned just now
	repair.Budget = k.budget(v.Remedy)
	begun, err := k.w.o.Store.BeginRepair(ctx, claim, repair, before, alert.MeetingPasscodeChanged)
	var held *store.HeldError
	var spent *store.BudgetError
	switch {
	case errors.As(err, &held): // since this check began
		k.past.Hold = held.Hold
		return k.evaluate(), nil
	case errors.As(err, &spent):
		k.heldUntil, k.reserved = spent.Day.Until, k.w.o.Reserve
		return k.evaluate(), k.w.o.Store.BudgetLow(ctx, k.m.AccountID, spent.Day, repair.Budget)
	case err != nil:
		return v, err
	}
	k.repair = begun

	left := -1
	patch.Before, patch.HostLeft = before, &left
	patchErr := k.api.PatchMeeting(ctx, zoom.MeetingID(k.m.ID), patch)
	if err := k.spent(ctx, patchErr, left); err != nil {
		// What became of the meeting matters more: it may be open.
		k.log.Warn("could not note what is left of the host's day", "error", err)
	}
	switch a := k.w.judge(ctx, k.m.AccountID, patchErr); {
	case a.kind == zoom.KindHostDay:
		// Z-LIMIT-5: the host's 100 of the day are used up. All of this host waits,
		// and the verdict says until when.
		if k.heldUntil, err = k.w.o.Store.HoldHost(ctx, k.m.AccountID, k.m.HostID, k.ahead()); err != nil {
			return v, err
		}
		k.end(store.RepairAbandoned, "Zoom's 100 changes of this host and day are used up")
		return k.evaluate(), nil
	case a.did == notLooked, a.did == notDone && a.fault == faultSetup:
		// Nothing was changed.
		k.end(store.RepairAbandoned, "Zoom did not look at it")
		return v, errors.Join(patchErr, k.endBefore(ctx))
	case a.did == notDone:
		return k.refused(ctx, a, patchErr)
	}
	// Zoom took it, or nobody can say. Either way the meeting itself says what is
	// true now.
	if err := k.readMeeting(ctx); err != nil {
		return v, err
	}
	if k.m.MustRead {
		return k.evaluate(), nil // not found just now: the repair stays unfinished
	}
	if patchErr != nil && !k.held() && (!k.open() || k.repair.Remedy == passcode.RemedySecure) {
		// It was not done, and Zoom said nothing about it.
		k.end(store.RepairAbandoned, "no answer, and on reading back it had not happened")
		if k.open() {
			return k.evaluate(), nil // at once again: an open meeting does not wait
		}
		return v, errors.Join(patchErr, k.endBefore(ctx))
	}
	k.verify()
	return k.evaluate(), nil
}

// doubtAfter is how old settings may be for what Zoom did to be believed against them.
const doubtAfter = 5 * time.Minute

// doubt has settings read again, where Zoom did not make or not keep a change that they
// allow: an event about them may have been lost. The verdict is then another one, perhaps.
func (k *checking) doubt(ctx context.Context, v passcode.Verdict) (passcode.Verdict, error) {
	if !k.doubtful || k.open() || k.m.HostID == "" {
		return v, nil // what is open is put right first
	}
	k.doubtful = false
	doubted, err := k.w.o.Store.Doubt(ctx, k.m.AccountID, k.m.HostID, doubtAfter)
	if err == nil && doubted {
		err = k.learnHost(ctx)
	}
	if err != nil {
		return v, errors.Join(err, k.endBefore(ctx))
	}
	if !doubted {
		return v, nil
	}
	return k.consider(ctx, k.evaluate())
}

// patchFor is the request that a remedy stands for, and the passcode that the
// meeting has before, as far as it is known.
func (k *checking) patchFor(ctx context.Context, v passcode.Verdict) (p zoom.MeetingPatch, before secret.String, err error) {
	remembered, err := k.lookUp(ctx)
	if err != nil {
		return p, "", err
	}
	if k.m.Passcode == passcode.On && k.m.PasscodeReadable {
		before = remembered
	}
	if v.Ask.WaitingRoom == passcode.AskOn {
		on := true
		p.WaitingRoom, p.EveryoneWaits = &on, v.Ask.HoldsEveryone
	}
	switch v.Remedy {
	case passcode.RemedyClear:
		var none secret.String
		p.Password = &none
	case passcode.RemedySet:
		ours, err := k.oursValue()
		if err != nil {
			return p, "", err
		}
		p.Password = &ours
	case passcode.RemedySecure:
		if v.Ask.Passcode == passcode.AskOn {
			p.Password = &remembered
		}
	default:
		return p, "", fmt.Errorf("remedy %q changes nothing at Zoom: a defect of latchkey", v.Remedy)
	}
	if v.Ask.Authentication != passcode.AskNothing {
		return p, "", fmt.Errorf("remedy %q asks for sign-in, which no request carries: a defect of latchkey", v.Remedy)
	}
	if p.Password == nil && p.WaitingRoom == nil {
		return p, "", fmt.Errorf("remedy %q asks for nothing: a defect of latchkey", v.Remedy)
	}
	return p, before, nil
}

// refused handles a change that Zoom looked at and did not make.
func (k *checking) refused(ctx context.Context, a answer, patchErr error) (passcode.Verdict, error) {
	k.log.Warn("Zoom rejected the change", "error", patchErr)
	var e *zoom.Error
	words := ""
	if errors.As(patchErr, &e) {
		words = e.Message
	}
	switch {
	case (a.missing || a.kind == zoom.KindWebinar) && k.open():
		// What was last seen is what counts: it is open.
		k.end(store.RepairAbandoned, words)
		return passcode.Verdict{}, errors.Join(patchErr, k.endBefore(ctx))
	case a.missing:
		k.missed()
		k.end(store.RepairAbandoned, words)
		return k.evaluate(), nil
	case a.kind == zoom.KindWebinar:
		k.becameWebinar()
		k.end(store.RepairAbandoned, words)
		return k.evaluate(), nil
	}
	// What the meeting is like now says the rest: in progress, for instance.
	if err := k.readMeeting(ctx); err != nil {
		return passcode.Verdict{}, err
	}
	result := store.RepairRefused
	if a.kind == zoom.KindBusy {
		result = store.RepairBusy
	}
	k.end(result, words)
	return k.evaluate(), nil
}

// resume finishes a repair that another check began: what was read back since
// says what became of it.
func (k *checking) resume(ctx context.Context) (passcode.Verdict, error) {
	if k.m.MustRead {
		return k.evaluate(), nil // it could not be read: still unfinished
	}
	if !k.held() && (!k.open() || k.repair.Remedy == passcode.RemedySecure) {
		// It never reached Zoom, or was undone since: it may be begun again.
		k.end(store.RepairAbandoned, "")
	} else {
		k.verify()
	}
	return k.consider(ctx, k.evaluate())
}

// verify says what became of the repair, from what was read back. Nothing that
// is open is called held.
func (k *checking) verify() {
	switch {
	case k.m.Status == passcode.StatusDeleted || k.m.MustRead || k.m.Type.IsWebinar():
		k.end(store.RepairAbandoned, "the meeting went away")
	case k.open() && k.repair.Remedy != passcode.RemedySecure:
		k.log.Error("the change left the meeting without a security option; putting security back")
		k.end(store.RepairOpened, "Zoom did not keep another security option on")
	case k.held():
		k.end(store.RepairHeld, "")
	default:
		k.end(store.RepairOverwritten, k.repair.Detail)
	}
}

// held says whether what was read back is what the repair asked for.
func (k *checking) held() bool {
	if k.open() {
		return false
	}
	switch k.repair.Remedy {
	case passcode.RemedyClear:
		return k.m.Passcode == passcode.Off
	case passcode.RemedySet:
		ours, _ := k.ours()
		return ours == passcode.On
	case passcode.RemedySecure:
		return true // not open any more, by whatever means
	}
	return false
}

// end notes how the repair ended. It is written with the verdict, or before the
// next repair begins.
func (k *checking) end(result store.RepairResult, detail string) {
	r := &k.repair
	r.Result, r.Detail, r.ZoomCalls, r.EndedAt = result, detail, k.api.count(), k.now()
	switch result {
	case store.RepairOverwritten, store.RepairOpened, store.RepairRefused:
		k.doubtful = true
	}
	switch result {
	case store.RepairOverwritten, store.RepairRefused, store.RepairBusy, store.RepairOpened:
		k.failed = append(k.failed, *r)
	case store.RepairHeld:
		k.past.Held, k.past.HeldWeek, k.past.HeldMonth = k.past.Held+1, k.past.HeldWeek+1, k.past.HeldMonth+1
	}
}

// endBefore writes down how the last repair of this check ended, before another
// one begins or the check is put off.
func (k *checking) endBefore(ctx context.Context) error {
	if k.repair.ID == 0 || k.repair.Result == store.RepairUnfinished {
		return nil
	}
	err := k.w.o.Store.EndRepair(ctx, k.claim, k.repair)
	if err == nil {
		k.repair = store.Repair{Remedy: k.repair.Remedy, Result: k.repair.Result, Reasons: k.repair.Reasons, Why: k.repair.Why}
	}
	return err
}
