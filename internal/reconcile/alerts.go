package reconcile

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// The types of alerts about meetings; docs/alerts.md describes their data.
const (
	AlertDemands   = "meeting.demands_passcode"
	AlertRepaired  = "meeting.repaired"
	AlertUnfixable = "meeting.unfixable"
	AlertContested = "meeting.contested"
	AlertDeferred  = "meeting.deferred"
)

// alertData is the JSON of an alert. It holds no passcode and no topic.
type alertData struct {
	AccountID string            `json:"account_id"`
	MeetingID string            `json:"meeting_id"`
	HostID    string            `json:"host_id"`
	StartTime *time.Time        `json:"start_time,omitempty"`
	Outcome   passcode.Outcome  `json:"outcome"`
	Remedy    passcode.Remedy   `json:"remedy"`
	Why       string            `json:"why"`
	Reasons   []passcode.Reason `json:"reasons"`
	// PasscodeKnown: `latchkey passcode` gives it, to whoever may read it.
	PasscodeKnown bool `json:"passcode_known"`
}

// alertFor gives the one alert that a check's change is worth, if any. A
// re-check that changes nothing alerts nobody.
func alertFor(old, m store.Meeting, v passcode.Verdict, r store.Repair) (store.Alert, bool) {
	remedy, reasons, why := v.Remedy, v.Reasons, v.Sentence()
	var kind string
	switch {
	case r.Result == store.RepairHeld:
		// What the passcode was there for is told, not that it is gone.
		kind, remedy, reasons, why = AlertRepaired, r.Remedy, r.Reasons, r.Why
	case v.Outcome != passcode.OutcomeDemands || over(v):
		return store.Alert{}, false
	case hasReason(v.Reasons, passcode.BlockContested):
		kind = AlertContested
		if hasReason(old.Reasons, passcode.BlockContested) {
			return store.Alert{}, false
		}
	case v.Remedy == passcode.RemedyDefer:
		kind = AlertDeferred
		if old.Remedy == passcode.RemedyDefer {
			return store.Alert{}, false
		}
	case v.Remedy == passcode.RemedyKeep || v.Remedy == passcode.RemedyImpossible:
		kind = AlertUnfixable
		if old.Outcome == v.Outcome && old.Remedy == v.Remedy && old.Why == why {
			return store.Alert{}, false
		}
	default:
		kind = AlertDemands
		if old.Outcome == passcode.OutcomeDemands {
			return store.Alert{}, false
		}
	}
	d := alertData{AccountID: m.AccountID, MeetingID: strconv.FormatInt(m.ID, 10), HostID: m.HostID,
		Outcome: v.Outcome, Remedy: remedy, Why: why, Reasons: reasons, PasscodeKnown: m.PasscodeReadable}
	if !m.Start.IsZero() {
		d.StartTime = &m.Start
	}
	b, err := json.Marshal(d)
	if err != nil {
		return store.Alert{}, false // a struct of plain values always marshals
	}
	return store.Alert{AccountID: m.AccountID, Type: kind, Subject: d.MeetingID, Data: b}, true
}

func over(v passcode.Verdict) bool { return hasReason(v.Reasons, passcode.BlockOver) }

func hasReason(reasons []passcode.Reason, c passcode.Code) bool {
	for _, r := range reasons {
		if r.Code == c {
			return true
		}
	}
	return false
}

// publishAlerts moves alerts from the outbox to the bus.
func (w *Worker) publishAlerts(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	const batch = 100
	n, err := w.o.Store.PublishAlerts(ctx, batch, w.o.Bus.PublishAlert)
	w.o.Metrics.published(n)
	return n == batch, err
}
