package zoom

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"latchkey/internal/secret"
)

// ProbeTopic begins the topic of meetings that latchkey makes itself, to find out
// what Zoom does (latchkey doctor --probe). A worker leaves them alone.
const ProbeTopic = "latchkey probe"

// CallCreateMeeting and CallDeleteMeeting are the probe's alone: a worker makes no
// meeting and deletes none.
const (
	CallCreateMeeting = "POST " + pathMeetings
	CallDeleteMeeting = "DELETE " + pathMeeting
)

// Budget is what an answer's headers say of the host's 100 creates and updates of
// the UTC day (Z-LIMIT-9).
type Budget struct {
	Shown     bool // the headers are about that limit
	Remaining int
}

func budget(h http.Header) Budget {
	n, err := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	return Budget{Shown: err == nil && h.Get("X-RateLimit-Limit") == "100", Remaining: n}
}

// CreateMeeting makes a meeting by that very request. LIGHT, and one of the host's
// 100 creates and updates of the UTC day. It is not repeated where it is not sure
// that Zoom did not look at it.
func (c *Client) CreateMeeting(ctx context.Context, userID string, body map[string]any) (m Meeting, b Budget, err error) {
	var h http.Header
	err = c.do(ctx, call{method: http.MethodPost, path: pathMeetings, args: []string{userID}, label: Light, body: body, into: &m, header: &h, hidden: passcodeIn(body)})
	return m, budget(h), err
}

func passcodeIn(body map[string]any) []secret.String {
	given, _ := body["password"].(string)
	return []secret.String{secret.String(given)}
}

// PatchMeetingBody changes a meeting, or one date of a series, by that very
// request. It spends as PatchMeeting does.
func (c *Client) PatchMeetingBody(ctx context.Context, id MeetingID, occurrenceID string, body map[string]any) error {
	k := call{method: http.MethodPatch, path: pathMeeting, args: []string{id.String()}, label: Light, body: body, hidden: passcodeIn(body)}
	if occurrenceID != "" {
		k.query = url.Values{"occurrence_id": {occurrenceID}}
	}
	return c.do(ctx, k)
}

// DeleteMeeting deletes a meeting, without a mail to anybody. LIGHT.
func (c *Client) DeleteMeeting(ctx context.Context, id MeetingID) error {
	return c.do(ctx, call{method: http.MethodDelete, path: pathMeeting, args: []string{id.String()},
		query: url.Values{"schedule_for_reminder": {"false"}}, label: Light})
}
