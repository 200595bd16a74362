package alert

import (
	"fmt"
	"time"

	"latchkey/internal/store"
)

// budgetData is the JSON of budget.low.
type budgetData struct {
	AccountID string    `json:"account_id"`
	HostID    string    `json:"host_id"`
	Ours      int       `json:"ours"`
	Theirs    int       `json:"theirs"`
	Until     time.Time `json:"until"`
	Why       string    `json:"why"`
}

// BudgetLow makes the alert about a host whose creates and changes of the UTC day are so
// far spent that latchkey's repairs wait for the next.
func BudgetLow(accountID string, d store.HostDay) store.Alert {
	return store.Alert{AccountID: accountID, Type: Budget, Subject: d.HostID, Data: encode(budgetData{AccountID: accountID, HostID: d.HostID, Ours: d.Ours, Theirs: d.Theirs, Until: d.Until.UTC(),
		Why: fmt.Sprintf("Of the 100 creates and changes of meetings that Zoom allows a host and UTC day, %d are spent (%d by latchkey). Repairs of meetings that begin after midnight UTC wait for it; the rest is the host's own.", d.Spent(), d.Ours)})}
}
