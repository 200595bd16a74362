package zoomsim

import (
	"cmp"
	"net/http"
	"strconv"
	"time"
)

func listGroups(c *call) (int, any, error) {
	rows := make([]obj, 0, len(c.acct.order))
	for _, g := range c.acct.order {
		rows = append(rows, g.body())
	}
	return http.StatusOK, obj{"groups": rows, "total_records": len(rows), "next_page_token": ""}, nil
}

func getGroup(c *call) (int, any, error) {
	g, err := c.group()
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, g.body(), nil
}

func (g *group) body() obj {
	return obj{"id": g.ID, "name": g.Name, "total_members": len(g.members)}
}

func (c *call) group() (*group, error) {
	id := c.PathValue("groupId")
	g := c.acct.groups[id]
	if g == nil {
		return nil, noGroup(id)
	}
	return g, nil
}

func getGroupSettings(c *call) (int, any, error) {
	g, err := c.group()
	if err != nil {
		return 0, nil, err
	}
	v := c.acct.groupView(g)
	body, err := settingsBody(c, &v, inGroup)
	return http.StatusOK, body, err
}

func getGroupLocks(c *call) (int, any, error) {
	g, err := c.group()
	if err != nil {
		return 0, nil, err
	}
	if c.acct.Plan == PlanFree {
		return 0, nil, onlyPaid(http.StatusBadRequest, c.acct.ID)
	}
	v := c.acct.groupView(g)
	body, err := locksBody(c, &v, inGroupLocks)
	return http.StatusOK, body, err
}

// ownAccount checks the account of the path: "me" or the token's own.
func (c *call) ownAccount(notFound int) error {
	if id := c.PathValue("accountId"); id != "me" && id != c.acct.ID {
		return noAccount(notFound, id)
	}
	if c.acct.Plan == PlanFree {
		return onlyPaid(http.StatusOK, c.acct.ID)
	}
	return nil
}

func getAccountSettings(c *call) (int, any, error) {
	if err := c.ownAccount(http.StatusNotFound); err != nil {
		return 0, nil, err
	}
	r := c.acct.resolve(nil)
	body, err := settingsBody(c, &r.layer, inAccount)
	return http.StatusOK, body, err
}

func getAccountLocks(c *call) (int, any, error) {
	if err := c.ownAccount(http.StatusBadRequest); err != nil {
		return 0, nil, err
	}
	// With the plan's own locks: the console shows them as locked on (open cases).
	r := c.acct.resolve(nil)
	body, err := locksBody(c, &r.layer, inAccountLocks)
	return http.StatusOK, body, err
}

func locksBody(c *call, l *layer, in where) (obj, error) {
	switch option := c.URL.Query().Get("option"); option {
	case "", "meeting_security":
		return render(l, in, option), nil
	default:
		return nil, invalid("option", "Invalid field.")
	}
}

// webhookLogs lists deliveries as the Marketplace does: one row an attempt.
// type 1 is all, 2 (the default) failed, 3 successful ones.
func webhookLogs(c *call) (int, any, error) {
	q := c.URL.Query()
	kind, event := cmp.Or(q.Get("type"), "2"), q.Get("event")
	from, err := logTime(q.Get("from"), time.Time{})
	if err != nil {
		return 0, nil, invalid("from", "Invalid field.")
	}
	to, err := logTime(q.Get("to"), c.s.now())
	if err != nil {
		return 0, nil, invalid("to", "Invalid field.")
	}
	found := []logged{}
	for _, l := range c.s.out.attempts(c.acct) {
		ok := l.at.Status/100 == 2
		if event != "" && l.d.Event != event || kind == "2" && ok || kind == "3" && !ok {
			continue
		}
		if n := q.Get("retry_num"); n != "" && n != strconv.Itoa(l.retry) || l.at.At.Before(from) || l.at.At.After(to) {
			continue
		}
		found = append(found, l)
	}
	page, body, err := paginate(c, found)
	if err != nil {
		return 0, nil, err
	}
	rows := make([]obj, len(page))
	for i, l := range page {
		rows[i] = l.row()
	}
	return http.StatusOK, obj{
		"webhook_logs": rows, "page_size": body["page_size"], "next_page_token": body["next_page_token"],
	}, nil
}

func logTime(raw string, otherwise time.Time) (time.Time, error) {
	if raw == "" {
		return otherwise, nil
	}
	return time.Parse(time.RFC3339, raw)
}

// logged is one attempt of a delivery.
type logged struct {
	d     *delivery
	at    Attempt
	retry int
	url   string
}

// row is the Marketplace's shape. Zoom shows the body as it was sent, passcode
// and all; this is an answer to the app's owner, never a log line.
func (l logged) row() obj {
	row := obj{
		"event": l.d.Event, "status": l.at.Status, "endpoint": l.url, "subscription_id": derivedID("subscription", l.d.AccountID),
		"request_headers": "N/A", "request_body": string(l.d.body), "response_headers": "{}",
		"response_body": l.at.Reason, "date_time": l.at.At.UTC().Format("2006-01-02T15:04:05.000Z"),
		"trace_id": "WEB_" + l.d.trace[3:35], "request_id": l.d.RequestID, "retry_num": l.retry,
	}
	switch l.at.Reason {
	case reasonTimeout:
		row["failed_reason_type"] = 1
	case reasonConnection:
		row["failed_reason_type"] = 2
	}
	return row
}

// attempts lists an account's attempts, oldest first.
func (o *outbox) attempts(a *account) []logged {
	o.mu.Lock()
	defer o.mu.Unlock()
	var out []logged
	for _, d := range o.history {
		if d.acct != a {
			continue
		}
		for i, at := range d.Attempts {
			out = append(out, logged{d, at, min(i, 3), o.url})
		}
	}
	return out
}
