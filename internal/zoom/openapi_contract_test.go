package zoom_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/zoom"
)

// document loads one of Zoom's own OpenAPI documents, where they are at hand.
// They are read as plain JSON: what is asked of them here is small.
func document(t *testing.T, name string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "zoom", "openapi", name))
	if os.IsNotExist(err) {
		t.Skipf("the shared facts are not here: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func dig(node any, path ...string) any {
	for _, k := range path {
		m, _ := node.(map[string]any)
		node = m[k]
	}
	return node
}

// TestCallsAreZooms holds every call about users and settings against Zoom's
// documents: the path, the query options, the rate-limit label, and that the
// members which are read are documented where they are read.
func TestCallsAreZooms(t *testing.T) {
	t.Parallel()
	users, accounts := document(t, "users.json"), document(t, "accounts.json")
	security := []string{"meeting_security.meeting_password", "meeting_security.waiting_room", "meeting_security.auto_security", "meeting_security.pmi_password",
		"meeting_security.phone_password", "meeting_security.embed_password_in_join_link", "meeting_security.only_authenticated_can_join_from_webclient"}
	values := append(slices.Clone(security), "meeting_security.require_password_for_scheduled_meeting", "meeting_security.meeting_password_requirement.length")
	locks := []string{"schedule_meeting.meeting_authentication", "schedule_meeting.require_password_for_scheduling_new_meetings", "schedule_meeting.require_password_for_pmi_meetings"}
	for _, c := range []struct {
		name  string
		doc   map[string]any
		call  func(context.Context, *zoom.Client) error
		reads [][]string // of each call in turn, dotted
	}{
		{"GetUser", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetUser(ctx, "ID"); return err },
			[][]string{{"id", "email", "type", "status", "group_ids"}}},
		{"CountLicensed", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.CountLicensed(ctx); return err },
			[][]string{{"users.type", "next_page_token"}}},
		{"ListUsers", users, func(ctx context.Context, c *zoom.Client) error { _, _, err := c.ListUsers(ctx); return err },
			[][]string{{"users.id", "users.email", "users.type", "users.status", "next_page_token"}}},
		{"GetUserSecurity", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetUserSecurity(ctx, "ID"); return err },
			[][]string{values}},
		{"GetUserSettings", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetUserSettings(ctx, "ID"); return err },
			[][]string{values, {"meeting_authentication"}, {"schedule_meeting.require_password_for_scheduling_new_meetings", "in_meeting.waiting_room"}}},
		{"GetGroupSettings", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetGroupSettings(ctx, "ID"); return err },
			[][]string{values, {"meeting_authentication"}, {"schedule_meeting.require_password_for_instant_meetings"}}},
		{"GetGroupLocks", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetGroupLocks(ctx, "ID"); return err },
			[][]string{security, locks}},
		{"GetAccountSettings", accounts, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetAccountSettings(ctx, "ID"); return err },
			[][]string{values, {"meeting_authentication"}, {"schedule_meeting.require_password_for_instant_meetings"}}},
		{"GetAccountLocks", accounts, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetAccountLocks(ctx, "ID"); return err },
			[][]string{security, locks}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var asked []*http.Request
			f := &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r)
				answer(w, 200, `{}`)
			}}
			cl := overNetwork(t, f, nil)
			if err := c.call(t.Context(), cl); err != nil {
				t.Fatal(err)
			}
			if len(asked) != len(c.reads) {
				t.Fatalf("%d calls, want %d", len(asked), len(c.reads))
			}
			for i, r := range asked {
				path := strings.Replace(strings.TrimPrefix(r.URL.Path, "/v2"), "/ID", "/"+parameter(r.URL.Path), 1)
				operation := dig(c.doc, "paths", path, strings.ToLower(r.Method))
				if operation == nil {
					t.Errorf("Zoom documents no %s %s", r.Method, path)
					continue
				}
				for name, given := range r.URL.Query() {
					checkOption(t, operation, name, given[0])
				}
				for _, member := range c.reads[i] {
					if !documented(dig(operation, "responses", "200", "content", "application/json", "schema"), strings.Split(member, ".")) {
						t.Errorf("%s %s?%s answers no %s", r.Method, path, r.URL.RawQuery, member)
					}
				}
				checkLabel(t, c.call, i, label(t, operation))
			}
		})
	}
}

// TestSettingsAreZooms holds every member that is read, under either name,
// against every answer and event that may carry it. What is not documented
// there is listed: everything else is, and each is somewhere.
func TestSettingsAreZooms(t *testing.T) {
	t.Parallel()
	const (
		requirement    = "meeting_password_requirement"
		security       = "meeting_security."
		schedule       = "schedule_meeting."
		authentication = "meeting_authentication"
		scheduled      = schedule + "require_password_for_scheduled_meetings"
		phone, embed   = schedule + "pstn_password_protected", schedule + "embed_password_in_join_link"
		waiting        = "in_meeting.waiting_room"
	)
	groupLocks := []string{security + "require_password_for_scheduled_meeting", security + requirement, authentication, scheduled, schedule + requirement}
	accountLocks := []string{security + "require_password_for_scheduled_meeting", security + requirement, authentication, scheduled,
		schedule + "force_pmi_jbh_password", phone, schedule + requirement, waiting}
	users, accounts := document(t, "users.json"), document(t, "accounts.json")
	userEvents, accountEvents := document(t, "users-events.json"), document(t, "accounts-events.json")
	somewhere := map[string]bool{}
	for _, c := range []struct {
		where  string // a path of the API, or the name of an event
		doc    map[string]any
		absent []string // a section stands for all in it
	}{
		{"/users/{userId}/settings", users, []string{schedule + authentication}},
		{"/groups/{groupId}/settings", users, []string{schedule + authentication, schedule + requirement}},
		{"/groups/{groupId}/lock_settings", users, groupLocks},
		{"/accounts/{accountId}/settings", accounts, []string{phone, embed, schedule + authentication, waiting}},
		{"/accounts/{accountId}/lock_settings", accounts, accountLocks},
		{zoom.EventUserSettings, userEvents, []string{authentication, embed, schedule + authentication, schedule + requirement}},
		{zoom.EventGroupSettings, userEvents, []string{authentication, schedule + authentication, schedule + requirement}},
		{zoom.EventGroupLocks, userEvents, groupLocks},
		{zoom.EventAccountSettings, accountEvents, []string{authentication, scheduled, embed, schedule + authentication, schedule + requirement, waiting}},
		{zoom.EventAccountLocks, accountEvents, accountLocks},
	} {
		answer := dig(c.doc, "paths", c.where, "get", "responses", "200", "content", "application/json", "schema")
		sections := []string{""}
		if !strings.HasPrefix(c.where, "/") {
			answer = dig(c.doc, "paths", c.where, "post", "requestBody", "content", "application/json", "schema")
			sections = []string{"payload.object.settings.", "payload.old_object.settings."}
			if c.where == zoom.EventAccountLocks {
				sections = sections[:1] // its old_object is documented with other members alone
			}
		}
		for _, section := range sections {
			var absent []string
			for _, p := range zoom.SettingsPaths() {
				if documented(answer, strings.Split(section+p, ".")) {
					somewhere[p] = true
					continue
				}
				if before, _, ok := strings.Cut(p, requirement+"."); ok {
					p = before + requirement
				}
				absent = append(absent, p)
			}
			slices.Sort(absent)
			slices.Sort(c.absent)
			if absent = slices.Compact(absent); !slices.Equal(absent, c.absent) {
				t.Errorf("%s: %snot documented: %q\nwant %q", c.where, section, absent, c.absent)
			}
		}
	}
	for _, p := range zoom.SettingsPaths() {
		if !somewhere[p] {
			t.Errorf("%s is documented nowhere", p)
		}
	}
	// The documents at hand hold no PATCH; it takes what GET answers.
	for _, name := range patched {
		if !documented(dig(users, "paths", "/users/{userId}/settings", "get", "responses", "200", "content", "application/json", "schema"), []string{"meeting_security", name}) {
			t.Errorf("PatchUserSettings writes %s, which no user has", name)
		}
	}
}

// TestPeopleEventsAreZooms holds the events of members and users against
// Zoom's documents.
func TestPeopleEventsAreZooms(t *testing.T) {
	t.Parallel()
	doc := document(t, "users-events.json")
	for event, reads := range map[string][]string{
		zoom.EventMemberAdded:     {"payload.object.id", "payload.object.members.id"},
		zoom.EventMemberDeleted:   {"payload.object.id", "payload.object.members.id"},
		zoom.EventUserDeactivated: {"payload.object.id"},
		zoom.EventUserDeleted:     {"payload.object.id"},
		zoom.EventUserSettings:    {"payload.object.id", "payload.account_id"},
		zoom.EventGroupSettings:   {"payload.object.id", "payload.account_id"},
		zoom.EventGroupLocks:      {"payload.object.id", "payload.account_id"},
	} {
		for _, p := range reads {
			if !documented(dig(doc, "paths", event, "post", "requestBody", "content", "application/json", "schema"), strings.Split(p, ".")) {
				t.Errorf("%s holds no %s", event, p)
			}
		}
	}
}

func parameter(path string) string {
	return map[string]string{"users": "{userId}", "groups": "{groupId}", "accounts": "{accountId}"}[strings.Split(path, "/")[2]]
}

func checkOption(t *testing.T, operation any, name, value string) {
	t.Helper()
	all, _ := dig(operation, "parameters").([]any)
	for _, p := range all {
		if dig(p, "in") != "query" || dig(p, "name") != name {
			continue
		}
		if enum, ok := dig(p, "schema", "enum").([]any); ok && !slices.Contains(enum, any(value)) {
			t.Errorf("%s=%s is not one of %v", name, value, enum)
		}
		return
	}
	t.Errorf("Zoom documents no query parameter %s", name)
}

// documented reports whether the schema, or one of its alternatives, has the
// member at the path.
func documented(schema any, path []string) bool {
	for _, kind := range []string{"oneOf", "anyOf", "allOf"} {
		parts, _ := dig(schema, kind).([]any)
		for _, p := range parts {
			if documented(p, path) {
				return true
			}
		}
	}
	if len(path) == 0 {
		return schema != nil
	}
	if items := dig(schema, "items"); items != nil && documented(items, path) {
		return true
	}
	next := dig(schema, "properties", path[0])
	return next != nil && documented(next, path[1:])
}

var labelled = regexp.MustCompile("Rate Limit Label\\S*:\\*\\* `([A-Z]+)`")

func label(t *testing.T, operation any) zoom.Label {
	t.Helper()
	text, _ := dig(operation, "description").(string)
	m := labelled.FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("Zoom gives no label: %s", text)
	}
	return zoom.Label(strings.ToLower(m[1]))
}

// checkLabel has Zoom refuse the nth call for the day, and sees which label is
// held back from then on.
func checkLabel(t *testing.T, call func(context.Context, *zoom.Client) error, n int, want zoom.Label) {
	t.Helper()
	answers := slices.Repeat([]http.HandlerFunc{always(200, `{}`)}, n)
	c := overNetwork(t, &fakeZoom{api: inTurn(append(answers, limited(429, perDay), goodMeeting)...)}, nil)
	wantKind(t, call(t.Context(), c), zoom.KindRateDay)
	got := zoom.Medium
	if zoom.KindOf(get(t.Context(), c)) == zoom.KindRateDay { // GET /meetings/{meetingId} is LIGHT
		got = zoom.Light
	}
	if got != want {
		t.Errorf("call %d is paced as %s, and is %s", n+1, got, want)
	}
}
