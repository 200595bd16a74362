package reconcile

import (
	"context"
	"encoding/json"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// AlertForecast tells that a host's next meetings are foretold otherwise now.
const AlertForecast = "host.forecast_changed"

// forecastData is the JSON of a forecast alert.
type forecastData struct {
	AccountID string            `json:"account_id"`
	HostID    string            `json:"host_id"`
	Forecast  passcode.Forecast `json:"forecast"`
	Why       string            `json:"why"`
	Before    string            `json:"before"`
}

// foretell records what a host's settings mean for their next meetings, and
// alerts when that changed. The first forecast is no change.
func (w *Worker) foretell(ctx context.Context, h store.Host, known passcode.Host) error {
	f := passcode.ForecastFor(known)
	why := f.Sentence()
	if why == h.ForecastWhy {
		return nil
	}
	var alert *store.Alert
	if h.ForecastWhy != "" {
		data, err := json.Marshal(forecastData{AccountID: h.AccountID, HostID: h.ID, Forecast: f, Why: why, Before: h.ForecastWhy})
		if err != nil {
			return err
		}
		alert = &store.Alert{AccountID: h.AccountID, Type: AlertForecast, Subject: h.ID, Data: data}
	}
	changed, err := w.o.Store.SaveForecast(ctx, h.ID, f, why, w.o.Now(), alert)
	if changed {
		w.o.Logger.Info("a host's forecast changed", "host_id", h.ID, "account_id", h.AccountID, "why", why)
		w.outbox.wake()
	}
	return err
}
