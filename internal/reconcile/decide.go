package reconcile

import (
	"context"
	"slices"
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// decide evaluates, and learns what is missing, until nothing more can be
// learned: what is at hand first, and Zoom is asked only for the facts that the
// verdict says are missing.
func (k *checking) decide(ctx context.Context) (passcode.Verdict, error) {
	k.rule = k.w.o.Rule(Who{AccountID: k.m.AccountID, HostID: k.m.HostID})
	if k.repair.ID != 0 {
		k.m.MustRead = true
	}
	if k.m.MustRead && k.m.Type.IsWebinar() {
		// The rule asks for nothing about a webinar; whether it still is one, Zoom says.
		if err := k.readMeeting(ctx); err != nil {
			return passcode.Verdict{}, err
		}
	}
	if err := k.holdAgainstSettings(ctx); err != nil {
		return passcode.Verdict{}, err
	}
	var asked passcode.FactSet
	for {
		v := k.evaluate()
		missing := v.Missing &^ asked
		if (v.Outcome == passcode.OutcomeDemands || v.Outcome == passcode.OutcomeUnsecured) && !v.Has(passcode.BlockOver) && !k.hostAsked && k.m.HostID != "" {
			// What may be done, and under which policy, depends on the host.
			missing |= passcode.FactHost
		}
		if missing == 0 {
			return k.consider(ctx, v)
		}
		asked |= missing
		if missing.Has(passcode.FactMeeting) || k.m.HostID == "" || missing.Has(passcode.FactDates) && k.value == nil {
			if err := k.readMeeting(ctx); err != nil {
				return v, err
			}
		}
		if missing.Has(passcode.FactHost) {
			if err := k.learnHost(ctx); err != nil {
				return v, err
			}
		}
		if missing.Has(passcode.FactDates) && !k.m.MustRead {
			if err := k.lookAtDates(ctx); err != nil {
				return v, err
			}
		}
	}
}

// holdAgainstSettings has the meeting read, where settings changed since it was decided
// and what is known of it is not as those leave meetings. Thousands may have moved with
// one change; those that it did not touch cost nothing.
func (k *checking) holdAgainstSettings(ctx context.Context) error {
	if k.m.Moved == 0 || k.m.MustRead || k.m.Type.IsWebinar() || k.evaluate().Has(passcode.BlockOver) {
		return nil
	}
	if err := k.learnHost(ctx); err != nil {
		return err
	}
	k.m.MustRead = !k.host.Leaves(k.m.Meeting)
	return nil
}

// consider adds what latchkey itself knows, where it has a part in the verdict:
// the passcode, and who turned settings on.
func (k *checking) consider(ctx context.Context, v passcode.Verdict) (passcode.Verdict, error) {
	switch {
	case v.Outcome == passcode.OutcomeDemands && !v.Has(passcode.BlockOver):
		if err := k.lookForEvidence(ctx); err != nil {
			return v, err
		}
		if k.rule.Policy.Mode != passcode.ModeKnownPasscode && k.m.Source != passcode.SourceOpenAPI && k.m.SeenWithout.IsZero() {
			break
		}
		fallthrough
	case k.m.Stripped:
		if _, err := k.lookUp(ctx); err != nil {
			return v, err
		}
	}
	return k.evaluate(), nil
}

func (k *checking) evaluate() passcode.Verdict {
	p := k.rule.Policy
	if !k.leftOpen() {
		p.Hold = k.past.Hold.Rule()
	}
	return passcode.Evaluate(k.facts(), p, k.now())
}

// leftOpen says whether the meeting is open and a change of ours had left it so: to
// put that right is part of that change, whoever finishes it, and no hold keeps it
// from being finished (ARCHITECTURE.md, rule 1).
func (k *checking) leftOpen() bool {
	opened := func(r store.Repair) bool { return r.Result == store.RepairOpened }
	return k.open() && (slices.ContainsFunc(k.failed, opened) || slices.ContainsFunc(k.past.Failed, opened))
}

func (k *checking) facts() passcode.Facts {
	f := passcode.Facts{Host: k.host, Meeting: k.m.Meeting}
	m := &f.Meeting
	m.Probe = k.isProbe()
	if k.m.MustRead {
		// Out of date: the rule asks for it, unless the meeting is over anyway.
		m.Passcode, m.PasscodeReadable, m.WaitingRoom, m.Authentication = passcode.Unknown, false, passcode.Unknown, passcode.Unknown
		m.Dates, m.DateOpen = passcode.Unknown, ""
	}
	m.Ours, m.OursProblem = k.ours()
	if k.hostAsked && m.Passcode == passcode.On && m.PasscodeReadable && k.remembered != nil && *k.remembered != "" {
		m.Generated = k.host.Requirement.LooksGenerated(k.remembered.Reveal())
	}
	f.History = passcode.History{
		Stripped:   k.m.Stripped,
		CanRestore: k.remembered != nil && *k.remembered != "" && passcode.Settable(k.remembered.Reveal()),
		Attempts:   k.attempts(),
		Undone:     k.past.Held,
		UndoneWeek: k.past.HeldWeek, UndoneMonth: k.past.HeldMonth,
		UndoneBy:  k.past.UndoneBy,
		HeldUntil: k.heldUntil,
		Reserved:  k.reserved,
		Changes:   k.evidence,
	}
	if old := k.claim.Meeting; old.Outcome == passcode.OutcomeDemands && len(old.Reasons) > 0 {
		f.History.Earlier = old.Reasons[0]
	}
	return f
}

// isProbe says whether latchkey made the meeting itself, to find out what Zoom does.
func (k *checking) isProbe() bool { return strings.HasPrefix(k.m.Topic, zoom.ProbeTopic) }

// When a change that failed may be tried again although nothing changed.
const (
	busyFirst, busyLongest = 10 * time.Minute, 6 * time.Hour
	// An open meeting is worse than a request spent.
	secureAgain = time.Hour
)

// attempts is the one memory of failure: what was asked, what it rested on, how
// it failed, this check's own failures included.
func (k *checking) attempts() []passcode.Attempt {
	if len(k.failed)+len(k.past.Failed) == 0 {
		return nil
	}
	var all []passcode.Attempt
	busy := map[string]int{}
	for _, r := range append(append([]store.Repair(nil), k.failed...), k.past.Failed...) {
		a := passcode.Attempt{Under: r.Under, Detail: r.Detail, AskedRoom: r.AskedWaitingRoom}
		switch r.Result {
		case store.RepairOverwritten:
			a.Result = passcode.AttemptOverwritten
		case store.RepairRefused:
			a.Result = passcode.AttemptRefused
		case store.RepairOpened:
			a.Result = passcode.AttemptOpened
		case store.RepairBusy:
			a.Result = passcode.AttemptBusy
			busy[r.Under]++
		default:
			continue
		}
		if r.Remedy == passcode.RemedySecure {
			a.Again = r.EndedAt.Add(secureAgain)
		}
		if a.Result == passcode.AttemptBusy {
			a.Again = r.EndedAt
		}
		all = append(all, a)
	}
	for i := range all {
		if a := &all[i]; a.Result == passcode.AttemptBusy {
			a.Again = a.Again.Add(work.Backoff(busy[a.Under], busyFirst, busyLongest))
		}
	}
	return all
}

// ours says whether the meeting's passcode is the one that the policy sets, and
// why that one cannot be used, if so.
func (k *checking) ours() (passcode.Toggle, string) {
	if !k.hostAsked {
		return passcode.Unknown, "" // another policy, or the requirement is not known
	}
	var current secret.String
	if k.remembered != nil && !k.m.MustRead && k.m.Passcode == passcode.On && k.m.PasscodeReadable {
		current = *k.remembered
	}
	return k.rule.Ours(k.m.ID, k.host, current)
}

// oursValue makes the passcode that the policy sets; the error says which
// requirement of the host's it cannot meet, and holds no passcode.
func (k *checking) oursValue() (secret.String, error) { return k.rule.value(k.m.ID, k.host) }

// Ours says whether the passcode that a meeting has, "" where that is not known,
// is the one that policy known-passcode sets; Unknown under other policies. It
// also says why that one cannot be used, if so.
func (r Rule) Ours(meetingID int64, h passcode.Host, current secret.String) (ours passcode.Toggle, problem string) {
	if r.Policy.Mode != passcode.ModeKnownPasscode || r.Policy.Source == passcode.SourceZoom || h.Settings[passcode.KeyPasscode].Value == passcode.Unknown {
		return passcode.Unknown, ""
	}
	value, err := r.value(meetingID, h)
	switch {
	case err != nil:
		return passcode.Off, err.Error()
	case current == "":
		return passcode.Unknown, ""
	}
	return passcode.ToggleOf(current == value), ""
}

func (r Rule) value(meetingID int64, h passcode.Host) (secret.String, error) {
	if r.Policy.Source == passcode.SourceFixed {
		return r.Passcode, h.Requirement.Check(r.Passcode.Reveal())
	}
	p, err := passcode.Derive(r.Secret.Reveal(), meetingID, h.Requirement)
	return secret.String(p), err
}
