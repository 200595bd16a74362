package reconcile

import (
	"context"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/tracing"
)

// openAgain is how soon an open meeting that could not be secured is looked at
// again.
const openAgain = time.Minute

// stepsAgain is how soon a check is repeated that made all its changes and
// still wants another.
const stepsAgain = 10 * time.Minute

// record writes everything down in one transaction.
func (k *checking) record(ctx context.Context, v passcode.Verdict) error {
	old := k.claim.Meeting
	m := k.m
	m.Outcome, m.Remedy, m.Would, m.Reasons, m.Why = v.Outcome, v.Remedy, v.Would, v.Reasons, v.Sentence()
	m.Signature, m.Policy = v.Signature(), k.rule.Policy.Fingerprint
	check := store.Check{Meeting: m, Rotated: alert.MeetingPasscodeChanged, Worked: k.api.that()}
	check.Next, check.NextWhy = k.next(v)
	if k.setupCall != "" && v.Missing.Has(passcode.FactHost) {
		check.WaitingFor = k.setupCall
	}
	check.InTheWay, _ = v.InTheWay()
	if k.value != nil {
		check.Passcode = &store.PasscodeSeen{Value: *k.value}
		if ours, _ := k.ours(); ours == passcode.On || k.repair.Result == store.RepairHeld && k.repair.AskedPasscode == passcode.AskOn.String() {
			check.Passcode.Source = store.PasscodeOfOurs
		} else {
			check.Passcode.Operator = k.past.UndoneBy
		}
	}
	repair := k.repair
	if k.repair.ID != 0 && k.repair.Result != store.RepairUnfinished {
		check.Repair = k.repair
	}
	a, told, alerted := alertFor(old, m, v, repair, k.sawOpen)
	check.Meeting.Alerted = alerted
	if told {
		check.Alerts = append(check.Alerts, a)
	}
	for i := range check.Alerts {
		check.Alerts[i].Trace = tracing.Parent(ctx)
	}
	trace.SpanFromContext(ctx).SetAttributes(attribute.String("latchkey.outcome", string(v.Outcome)), attribute.String("latchkey.remedy", string(v.Remedy)), attribute.String("latchkey.repair", string(repair.Result)))
	if err := k.w.o.Store.Complete(ctx, k.claim, check); err != nil {
		return err
	}
	level := k.log.Debug
	// A line for each meeting that is as it should be would hide the others.
	if repair.Result != "" || old.Signature != m.Signature && (old.Outcome != "" || v.Outcome != passcode.OutcomeJoinable) {
		level = k.log.Info
	}
	level("checked", "outcome", v.Outcome, "remedy", v.Remedy, "repair", repair.Result, "zoom_calls", k.api.count(), "why", m.Why)
	k.w.o.Metrics.checked(v, repair)
	k.w.outbox.Wake()
	return nil
}

// next says when the meeting is looked at again by itself, and why.
func (k *checking) next(v passcode.Verdict) (time.Time, string) {
	now := k.now()
	switch {
	case v.Has(passcode.BlockHeld) && !v.DeferUntil.IsZero():
		return v.DeferUntil, string(passcode.BlockHeld)
	case v.Outcome == passcode.OutcomeUnsecured && k.m.Stripped && !v.Has(passcode.BlockOver) && v.Remedy != passcode.RemedyDefer:
		return now.Add(openAgain), "open"
	case v.Remedy == passcode.RemedyDefer:
		block := passcode.BlockDailyLimit
		if v.Has(passcode.BlockBusy) {
			block = passcode.BlockBusy
		}
		return v.DeferUntil, string(block)
	case v.Remedy.Changes():
		return now.Add(stepsAgain), "changed again"
	case k.setupCall != "" && v.Missing.Has(passcode.FactHost):
		return now.Add(setupAgain), string(faultSetup)
	case v.Missing != 0:
		return now.Add(max(k.blindFor, blindShort)), string(passcode.BlockFactMissing)
	}
	return time.Time{}, ""
}

// alertFor returns the one alert that a check is worth, if any, and what is then
// told about the meeting, as data. A re-check that changes nothing alerts nobody,
// and neither does a better sentence.
func alertFor(old, m store.Meeting, v passcode.Verdict, r store.Repair, sawOpen bool) (a store.Alert, tell bool, told string) {
	lasting := "|" + v.LastingSignature()
	was, _, _ := strings.Cut(old.Alerted, "|") // the type that was told last
	repaired := func() (store.Alert, bool, string) {
		// What the passcode was there for is told, not that it is gone.
		return alert.Meeting(alert.Repaired, m, v.Outcome, r.Remedy, r.Reasons, r.Why), true, alert.Repaired + lasting
	}
	held := r.Result == store.RepairHeld
	switch {
	case v.Outcome == passcode.OutcomeUnsecured && m.Stripped && !v.Has(passcode.BlockOver):
		// ARCHITECTURE.md, rule 1: whoever opened it.
		return alert.MeetingOpen(m, false, v.Remedy, v.Reasons, m.Why), was != alert.Open, alert.Open + lasting
	case held && was == alert.Open:
		return repaired() // what was told is over
	case held && sawOpen:
		// It was open for a moment and latchkey has put it right.
		return alert.MeetingOpen(m, true, r.Remedy, v.Reasons, m.Why), true, kindOf(v) + lasting
	case held:
		return repaired()
	case v.Outcome == passcode.OutcomeUnknown:
		return store.Alert{}, false, old.Alerted // nothing is known to have changed
	case v.Outcome != passcode.OutcomeDemands:
		return store.Alert{}, false, ""
	case v.Has(passcode.BlockOver), v.Has(passcode.BlockKnown):
		return store.Alert{}, false, old.Alerted // nobody need do anything
	}
	kind := kindOf(v)
	told = kind + lasting
	switch {
	case v.Has(passcode.BlockInProgress), v.Has(passcode.BlockHeld):
		// It passes: whoever was told of the meeting is not told again.
		if old.Alerted != "" {
			return store.Alert{}, false, old.Alerted
		}
		kind, told, tell = alert.Demands, alert.Demands+lasting, true
	case kind == alert.Unfixable:
		tell = told != old.Alerted // another setting is in the way
	case kind == alert.Demands:
		tell = was == "" || was == alert.Repaired
	default:
		tell = kind != was
	}
	return alert.Meeting(kind, m, v.Outcome, v.Remedy, v.Reasons, m.Why), tell, told
}

// standing is the type of alert that a demanded passcode is worth, by what is
// done about it. A remedy that is not in it is a defect, which a test finds.
var standing = map[passcode.Remedy]string{
	passcode.RemedyNone:       alert.Demands,
	passcode.RemedyClear:      alert.Demands,
	passcode.RemedySet:        alert.Demands,
	passcode.RemedySecure:     alert.Demands,
	passcode.RemedyDefer:      alert.Deferred,
	passcode.RemedyKeep:       alert.Unfixable,
	passcode.RemedyImpossible: alert.Unfixable,
}

// kindOf is the type of alert that a standing verdict is worth.
func kindOf(v passcode.Verdict) string {
	if v.Has(passcode.BlockContested) {
		return alert.Contested
	}
	return standing[v.Remedy]
}
