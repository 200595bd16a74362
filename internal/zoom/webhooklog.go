package zoom

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// FailedDelivery is a webhook that Zoom could not deliver, by its log. The body may hold a
// passcode.
type FailedDelivery struct {
	RequestID string // the same for each try of one delivery
	Body      []byte
	At        time.Time // zero: the log does not say, or in no form that is known
}

const (
	pathWebhookLogs = "/marketplace/apps/{appId}/webhook_logs"
	// logPage bounds one answer, whose bodies may be large.
	logPage     = "100"
	mostLogPage = 1000
)

// CallWebhookLogs is the call's name.
const CallWebhookLogs = "GET " + pathWebhookLogs

// FailedDeliveries hands deliveries that failed between two moments, at most 7 days apart,
// to each; MEDIUM, a page of 100 a call. Of several tries of one delivery each may come.
// An error of each ends it. Entries that cannot be read are left out.
func (c *Client) FailedDeliveries(ctx context.Context, appID string, from, to time.Time, each func(FailedDelivery) error) error {
	next := ""
	for range mostLogPage {
		q := url.Values{"type": {"2"}, "page_size": {logPage}, "from": {from.UTC().Format(time.RFC3339)}, "to": {to.UTC().Format(time.RFC3339)}}
		if next != "" {
			q.Set("next_page_token", next)
		}
		var page struct {
			Logs []loose[struct {
				RequestID flexibleString        `json:"request_id"`
				Body      string                `json:"request_body"`
				At        loose[flexibleString] `json:"date_time"`
			}] `json:"webhook_logs"`
			Next string `json:"next_page_token"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: pathWebhookLogs, args: []string{appID}, query: q, label: Medium, into: &page}); err != nil {
			return err
		}
		for _, row := range page.Logs {
			if row.bad || row.value == nil || row.value.Body == "" {
				continue
			}
			at, _ := time.Parse(time.RFC3339, string(row.value.At.or("")))
			if err := each(FailedDelivery{RequestID: string(row.value.RequestID), Body: []byte(row.value.Body), At: at}); err != nil {
				return err
			}
		}
		if page.Next == "" || page.Next == next {
			return nil
		}
		next = page.Next
	}
	return &Error{Kind: KindBadAnswer, Op: CallWebhookLogs, Message: "the list does not end"}
}
