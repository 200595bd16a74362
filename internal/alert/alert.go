// Package alert makes latchkey's alerts: one constructor for each type is the
// only way in which one comes to be. docs/alerts.md describes them, and a test
// holds that page to Types.
//
// An alert holds no passcode and no topic. It is written to the outbox in the
// transaction that caused it.
package alert

import (
	"encoding/json"
	"strconv"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// The types, a closed set.
const (
	Demands         = "meeting.demands_passcode"
	Repaired        = "meeting.repaired"
	Unfixable       = "meeting.unfixable"
	Contested       = "meeting.contested"
	Deferred        = "meeting.deferred"
	Open            = "meeting.open"
	PasscodeChanged = "meeting.passcode_changed"
	Forecast        = "host.forecast_changed"
	AccountTrouble  = "account.trouble"
	EventDead       = "event.dead"
	Budget          = "budget.low"
	Silent          = "webhooks.silent"
)

// Types is the closed set, for tests that hold other places to it.
func Types() []string {
	return []string{Demands, Repaired, Unfixable, Contested, Deferred, Open, PasscodeChanged, Forecast, AccountTrouble, EventDead, Budget, Silent}
}

// meetingData is the JSON of an alert about a meeting.
type meetingData struct {
	AccountID string            `json:"account_id"`
	MeetingID string            `json:"meeting_id"`
	HostID    string            `json:"host_id"`
	StartTime *time.Time        `json:"start_time,omitempty"`
	Outcome   passcode.Outcome  `json:"outcome"`
	Remedy    passcode.Remedy   `json:"remedy"`
	Why       string            `json:"why"`
	Reasons   []passcode.Reason `json:"reasons"`
	// PasscodeKnown: `latchkey passcode` returns it, to whoever may read it.
	PasscodeKnown bool `json:"passcode_known"`
	// Secured goes with meeting.open: latchkey has put security back already.
	Secured *bool `json:"secured,omitempty"`
}

// Meeting makes an alert of a type about what a check found or did. remedy,
// reasons and why are the verdict's, or the repair's for what was repaired.
func Meeting(kind string, m store.Meeting, outcome passcode.Outcome, remedy passcode.Remedy, reasons []passcode.Reason, why string) store.Alert {
	return about(kind, m, dataOf(m, outcome, remedy, reasons, why))
}

// MeetingOpen makes the alert about a meeting that was open to anybody although
// latchkey once removed its passcode; secured says whether it still is.
func MeetingOpen(m store.Meeting, secured bool, remedy passcode.Remedy, reasons []passcode.Reason, why string) store.Alert {
	d := dataOf(m, passcode.OutcomeUnsecured, remedy, reasons, why)
	d.Secured = &secured
	return about(Open, m, d)
}

func dataOf(m store.Meeting, outcome passcode.Outcome, remedy passcode.Remedy, reasons []passcode.Reason, why string) meetingData {
	d := meetingData{AccountID: m.AccountID, MeetingID: subject(m), HostID: m.HostID, Outcome: outcome, Remedy: remedy,
		Why: why, Reasons: reasons, PasscodeKnown: m.PasscodeReadable}
	if d.Reasons == nil {
		d.Reasons = []passcode.Reason{}
	}
	if !m.Starts.IsZero() {
		d.StartTime = &m.Starts
	}
	return d
}

// passcodeData is the JSON of meeting.passcode_changed.
type passcodeData struct {
	AccountID string     `json:"account_id"`
	MeetingID string     `json:"meeting_id"`
	HostID    string     `json:"host_id"`
	StartTime *time.Time `json:"start_time,omitempty"`
	ChangedBy string     `json:"changed_by"` // zoom or latchkey
	Operator  string     `json:"operator,omitempty"`
	Why       string     `json:"why"`
}

// MeetingPasscodeChanged makes the alert for whoever stored a passcode, or a
// link that carries it: it is another one now. It holds neither.
func MeetingPasscodeChanged(m store.Meeting, p store.PasscodeSeen) store.Alert {
	d := passcodeData{AccountID: m.AccountID, MeetingID: subject(m), HostID: m.HostID, ChangedBy: p.Source, Operator: p.Operator,
		Why: "The meeting's passcode is another one now: stored copies and invitation links that carry the old one do not work any more. `latchkey passcode` returns the new one."}
	if d.ChangedBy == "" {
		d.ChangedBy = store.PasscodeOfZoom
	}
	if !m.Starts.IsZero() {
		d.StartTime = &m.Starts
	}
	return about(PasscodeChanged, m, d)
}

// forecastData is the JSON of host.forecast_changed.
type forecastData struct {
	AccountID string            `json:"account_id"`
	HostID    string            `json:"host_id"`
	Forecast  passcode.Forecast `json:"forecast"`
	Why       string            `json:"why"`
	Before    string            `json:"before"`
}

// HostForecast makes the alert for a host whose next meetings are predicted
// otherwise now.
func HostForecast(h store.Host, now passcode.Forecast) store.Alert {
	return store.Alert{AccountID: h.AccountID, Type: Forecast, Subject: h.ID,
		Data: encode(forecastData{AccountID: h.AccountID, HostID: h.ID, Forecast: now, Why: now.Sentence(), Before: h.ForecastWhy})}
}

// troubleData is the JSON of account.trouble.
type troubleData struct {
	AccountID string `json:"account_id"`
	Call      string `json:"call"`
	Kind      string `json:"kind"`
	Detail    string `json:"detail"`
	Why       string `json:"why"`
}

// Trouble makes the one alert for an account whose set-up stands in the way of
// a call, however many meetings wait for it.
func Trouble(t store.Trouble) store.Alert {
	return store.Alert{AccountID: t.AccountID, Type: AccountTrouble, Subject: t.AccountID,
		Data: encode(troubleData{AccountID: t.AccountID, Call: t.Call, Kind: t.Kind, Detail: t.Detail, Why: TroubleSentence(t)})}
}

// TroubleSentence says in plain English what is wrong with our set-up and what
// to do about it.
func TroubleSentence(t store.Trouble) string {
	switch t.Kind {
	case "not_guarded":
		return "Events of account " + t.AccountID + " arrive, and latchkey does not guard it: " + t.Detail + "."
	case "signed_for_another":
		return "The app of account " + t.AccountID + " signed an event of another account (" + t.Detail + "). It is not believed: either a webhook_secret in LATCHKEY_CONFIG belongs to another account's app, or somebody forges events."
	case "secrets_unknown":
		return "Events arrive from an ingest that does not know whose webhook secret is whose (" + t.Detail + "), so that none of them is believed. Give ingest the worker's LATCHKEY_CONFIG, with a webhook_secret for each account."
	case "unauthorized":
		return "Zoom does not accept latchkey's credentials for account " + t.AccountID + " (" + t.Detail + "). Nothing can be read or repaired until they are right; latchkey keeps trying."
	case "missing_scope":
		return "The Zoom app of account " + t.AccountID + " lacks a scope for " + t.Call + " (" + t.Detail + "). Add it to the app (docs/zoom-setup.md lists the scopes); latchkey keeps trying."
	case "foreign":
		return "What answers for " + t.Call + " is not Zoom (" + t.Detail + "): a proxy or a wrong ZOOM_API_URL. latchkey keeps trying."
	}
	return "Zoom does not permit latchkey " + t.Call + " for account " + t.AccountID + " (" + t.Detail + "). Check the app's scopes and the role of whoever made it; latchkey keeps trying."
}

func about(kind string, m store.Meeting, data any) store.Alert {
	return store.Alert{AccountID: m.AccountID, Type: kind, Subject: subject(m), Data: encode(data)}
}

func subject(m store.Meeting) string { return strconv.FormatInt(m.ID, 10) }

func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic("alert: " + err.Error()) // structs of plain values always encode
	}
	return b
}
