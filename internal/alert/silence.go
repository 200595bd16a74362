package alert

import (
	"fmt"
	"time"

	"latchkey/internal/store"
)

// What webhooks.silent is about, a closed set.
const (
	NoEvents     = "no_events"
	NotValidated = "not_validated"
)

// silentData is the JSON of webhooks.silent.
type silentData struct {
	AccountID string    `json:"account_id"`
	Kind      string    `json:"kind"`
	Since     time.Time `json:"since"`
	// Usual is how many events came in the same hours of the weeks before, on average.
	Usual float64 `json:"usual,omitempty"`
	Why   string  `json:"why"`
}

// WebhooksSilent makes the alert that an account's webhooks stay away or, late, that Zoom
// does not validate the webhook URL any more.
func WebhooksSilent(accountID string, k store.Silence, late bool) store.Alert {
	d := silentData{AccountID: accountID, Kind: NoEvents, Since: k.Since.UTC(), Usual: k.Usual,
		Why: fmt.Sprintf("No webhook of this account has come since %s (%d hours), and in the same hours of the %s there were %.0f on average. Is the app's event subscription enabled, and does its URL lead here? Zoom disables it after six failed validations in a row. Until webhooks come again, meetings are found by the sweep alone.",
			k.Since.UTC().Format("2 Jan 15:04 UTC"), k.Hours, weeksBefore(k.Weeks), k.Usual)}
	if late {
		d.Kind, d.Since, d.Usual = NotValidated, k.ValidatedAt.UTC(), 0
		d.Why = fmt.Sprintf("Zoom last validated the webhook URL at %s, and does so every 72 hours. Is the app's event subscription still there, enabled, and does its URL lead here?", k.ValidatedAt.UTC().Format("2 Jan 15:04 UTC"))
	}
	return store.Alert{AccountID: accountID, Type: Silent, Subject: accountID, Data: encode(d)}
}

func weeksBefore(n int) string {
	if n == 1 {
		return "week before"
	}
	return fmt.Sprintf("%d weeks before", n)
}
