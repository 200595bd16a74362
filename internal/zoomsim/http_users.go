package zoomsim

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// user finds the user of the path by id or email; "me" is the account's first.
func (c *call) user() (*user, error) {
	id := c.PathValue("userId")
	u := c.s.world.userOf(c.acct, id)
	if id == "me" && len(c.acct.users) > 0 {
		u = c.acct.users[0]
	}
	switch {
	case u == nil && c.s.world.hasLeft(id):
		return nil, notHere(id)
	case u == nil:
		return nil, noUser(id)
	}
	c.rec.HostID = u.ID
	return u, nil
}

func getUser(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	o := u.body()
	o["account_id"], o["use_pmi"], o["language"], o["role_name"] = u.acct.ID, false, "en-US", "Member"
	o["user_created_at"] = o["created_at"]
	return http.StatusOK, o, nil
}

func (u *user) body() obj {
	return obj{
		"id": u.ID, "email": u.Email, "first_name": u.First, "last_name": u.Last,
		"display_name": u.First + " " + u.Last, "type": u.Type, "status": u.Status, "pmi": u.PMI,
		"timezone": u.Timezone, "verified": 1, "group_ids": append([]string{}, u.Groups...),
		"created_at": u.created.Format(time.RFC3339),
	}
}

func listUsers(c *call) (int, any, error) {
	status := cmp.Or(c.URL.Query().Get("status"), "active")
	var all []*user
	if l := c.acct.status[status]; l != nil {
		all = *l
	}
	page, body, err := paginate(c, all)
	if err != nil {
		return 0, nil, err
	}
	rows := make([]obj, len(page))
	for i, u := range page {
		rows[i] = u.body()
	}
	body["users"] = rows
	return http.StatusOK, body, nil
}

// maxPage is Zoom's largest page_size.
const maxPage = 300

// paginate cuts one page and returns it with the paging members. Its token is opaque to
// clients; a wrong one is code 300.
func paginate[T any](c *call, all []T) ([]T, obj, error) {
	q := c.URL.Query()
	size, from := 30, 0
	if raw := q.Get("page_size"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > maxPage {
			return nil, nil, invalid("page_size", "Invalid field.")
		}
		size = n
	}
	if raw := q.Get("next_page_token"); raw != "" {
		b, err := base64.RawURLEncoding.DecodeString(raw)
		n, err2 := strconv.Atoi(string(b))
		if err != nil || err2 != nil || n < 0 || n > len(all) {
			return nil, nil, failure(http.StatusBadRequest, 300, "The next page token is invalid or expired.")
		}
		from = n
	}
	to := min(from+size, len(all))
	next := ""
	if to < len(all) {
		next = base64.RawURLEncoding.EncodeToString([]byte(strconv.Itoa(to)))
	}
	return all[from:to], obj{
		"page_size": size, "page_number": from/size + 1, "page_count": (len(all) + size - 1) / size,
		"total_records": len(all), "next_page_token": next,
	}, nil
}

func getUserSettings(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	r := u.acct.resolve(u)
	body, err := settingsBody(c, &r.layer, inUser)
	return http.StatusOK, body, err
}

// settingsBody shows one level's settings as the option asks (openapi
// users.json, accounts.json: oneOf).
func settingsBody(c *call, l *layer, in where) (obj, error) {
	switch option := c.URL.Query().Get("option"); option {
	case "":
		return render(l, in, ""), nil
	case "meeting_security":
		return render(l, in, option), nil
	case "meeting_authentication":
		return obj{
			"meeting_authentication": l.on.has(keyAuthentication),
			"authentication_options": []obj{{
				"id": authenticationOption(c.acct), "name": "Sign in to Zoom",
				"type": "enforce_login", "default_option": true, "visible": true,
			}},
		}, nil
	default:
		return nil, invalid("option", "Invalid field.")
	}
}

func authenticationOption(a *account) string { return derivedID("authentication", a.ID) }

// patchUserSettings changes a host's own settings. Members that are not
// modelled are accepted and ignored; locked ones stay (Z-CALL-11).
func patchUserSettings(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	var raw map[string]json.RawMessage
	var patch SettingsPatch
	if err := c.decode(&raw); err != nil {
		return 0, nil, err
	}
	if err := c.decode(&patch); err != nil {
		return 0, nil, err
	}
	if c.URL.Query().Get("option") == "meeting_authentication" {
		// This option's body has the switch at the top.
		on, ok := patch["meeting_authentication"].(bool)
		patch = SettingsPatch{}
		if ok {
			patch = Set("schedule_meeting.meeting_authentication", on)
		}
	}
	if c.fault.NoEffect {
		return http.StatusNoContent, nil, nil
	}
	events, err := c.s.world.changeUser(u, maps.Clone(patch), false, c.s.now())
	if err != nil {
		return 0, nil, err
	}
	c.s.emit(events...)
	return http.StatusNoContent, nil, nil
}
