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
	security := []string{"meeting_security.meeting_password", "meeting_security.waiting_room", "meeting_security.auto_security"}
	values := append(security, "meeting_security.require_password_for_scheduled_meeting")
	for _, c := range []struct {
		name  string
		doc   map[string]any
		call  func(context.Context, *zoom.Client) error
		reads [][]string // of each call in turn, dotted
	}{
		{"GetUser", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetUser(ctx, "ID"); return err },
			[][]string{{"id", "email", "type", "status", "group_ids"}}},
		{"GetUserSettings", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetUserSettings(ctx, "ID"); return err },
			[][]string{values, {"meeting_authentication"}}},
		{"GetGroupSettings", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetGroupSettings(ctx, "ID"); return err },
			[][]string{values}},
		{"GetGroupLocks", users, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetGroupLocks(ctx, "ID"); return err },
			[][]string{security, {"schedule_meeting.meeting_authentication"}}},
		{"GetAccountSettings", accounts, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetAccountSettings(ctx, "ID"); return err },
			[][]string{values}},
		{"GetAccountLocks", accounts, func(ctx context.Context, c *zoom.Client) error { _, err := c.GetAccountLocks(ctx, "ID"); return err },
			[][]string{security, {"schedule_meeting.meeting_authentication"}}},
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
