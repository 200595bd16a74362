package zoomsim

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// document loads one of Zoom's own OpenAPI documents, where they are at hand.
func document(t *testing.T, name string) *openapi3.T {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "zoom", "openapi", name))
	if err != nil {
		t.Skipf("the shared facts are not here: %v", err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

const contractWorld = `
accounts:
  - id: acct
    plan: business
    groups: [{id: grp, settings: {meeting_security: {meeting_password: true}}}]
    hosts: [{id: host, email: host@example.com, groups: [grp]}]
`

// TestAnswersMatchOpenAPI holds the answers of the settings calls against
// Zoom's schemas, and every member they carry against what Zoom documents.
func TestAnswersMatchOpenAPI(t *testing.T) {
	t.Parallel()
	users, accounts, market := document(t, "users.json"), document(t, "accounts.json"), document(t, "marketplace.json")
	h := newHook(t, nil)
	s := start(t, contractWorld, to(h))
	s.create("host", `{}`)
	h.drain(s)
	for _, c := range []struct {
		doc       *openapi3.T
		path, get string
	}{
		{users, "/users", "/users"},
		{users, "/users/{userId}", "/users/host"},
		{users, "/users/{userId}/settings", "/users/host/settings"},
		{users, "/users/{userId}/settings", "/users/host/settings?option=meeting_security"},
		{users, "/users/{userId}/settings", "/users/host/settings?option=meeting_authentication"},
		{users, "/groups/{groupId}/settings", "/groups/grp/settings"},
		{users, "/groups/{groupId}/settings", "/groups/grp/settings?option=meeting_security"},
		{users, "/groups/{groupId}/settings", "/groups/grp/settings?option=meeting_authentication"},
		{users, "/groups/{groupId}/lock_settings", "/groups/grp/lock_settings"},
		{users, "/groups/{groupId}/lock_settings", "/groups/grp/lock_settings?option=meeting_security"},
		{accounts, "/accounts/{accountId}/settings", "/accounts/me/settings"},
		{accounts, "/accounts/{accountId}/settings", "/accounts/me/settings?option=meeting_security"},
		{accounts, "/accounts/{accountId}/settings", "/accounts/me/settings?option=meeting_authentication"},
		{accounts, "/accounts/{accountId}/lock_settings", "/accounts/me/lock_settings"},
		{accounts, "/accounts/{accountId}/lock_settings", "/accounts/me/lock_settings?option=meeting_security"},
		{market, "/marketplace/apps/{appId}/webhook_logs", "/marketplace/apps/x/webhook_logs?type=1"},
	} {
		t.Run(c.get, func(t *testing.T) {
			schema := c.doc.Paths.Find(c.path).Get.Responses.Status(200).Value.Content.Get("application/json").Schema.Value
			fits(t, schema, s.want(200, "GET", c.get, nil).body, c.get)
		})
	}
}

// TestEventsMatchOpenAPI does the same for the settings webhooks.
func TestEventsMatchOpenAPI(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, contractWorld, to(h))
	ctx := t.Context()
	on, lock := Set("meeting_security.phone_password", false), Set("meeting_security.waiting_room", true)
	for _, err := range []error{
		s.ChangeUserSettings(ctx, "host", Set("schedule_meeting.join_before_host", true)),
		s.ChangeGroupSettings(ctx, "grp", on), s.ChangeGroupLocks(ctx, "grp", lock),
		s.ChangeAccountSettings(ctx, "", on), s.ChangeAccountLocks(ctx, "", lock),
		s.RemoveGroupMember(ctx, "grp", "host"), s.AddGroupMember(ctx, "grp", "host"), s.DeactivateUser(ctx, "host"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	hooks := eventDocs(t, "users-events.json", "accounts-events.json")
	events := h.drain(s)
	if len(events) != 8 {
		t.Fatalf("%d events", len(events))
	}
	for _, ev := range events {
		schema := webhookSchema(t, hooks, ev.event)
		fits(t, schema, ev.body, ev.event)
	}
}

// eventDocs reads the "webhooks" of Zoom's event documents, which OpenAPI 3.0
// tools do not know.
func eventDocs(t *testing.T, files ...string) obj {
	t.Helper()
	all := obj{}
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "zoom", "openapi", file))
		if err != nil {
			t.Skipf("the shared facts are not here: %v", err)
		}
		var doc obj
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		for _, member := range []string{"webhooks", "paths"} {
			if hooks, ok := doc[member].(obj); ok {
				maps.Copy(all, hooks)
			}
		}
	}
	return all
}

// webhookSchema digs one event's schema out.
func webhookSchema(t *testing.T, hooks obj, event string) *openapi3.Schema {
	t.Helper()
	node, _ := hooks[event].(obj)
	for _, k := range []string{"post", "requestBody", "content", "application/json", "schema"} {
		node, _ = node[k].(obj)
	}
	if node == nil {
		t.Fatalf("no schema for %s", event)
	}
	raw, err := json.Marshal(withoutBounds(node))
	if err != nil {
		t.Fatal(err)
	}
	var schema openapi3.Schema
	if err := json.Unmarshal(raw, &schema); err != nil {
		t.Fatal(err)
	}
	return &schema
}

// withoutBounds drops minimum and maximum, some of which Zoom writes as text.
func withoutBounds(v any) any {
	switch v := v.(type) {
	case obj:
		out := obj{}
		for k, inner := range v {
			if _, isText := inner.(string); isText && (k == "minimum" || k == "maximum") {
				continue
			}
			out[k] = withoutBounds(inner)
		}
		return out
	case []any:
		for i := range v {
			v[i] = withoutBounds(v[i])
		}
	}
	return v
}

// fits checks a body against a schema, of its alternatives one: types and
// enums as Zoom says, and no member that Zoom does not document.
func fits(t *testing.T, schema *openapi3.Schema, body any, name string) {
	t.Helper()
	var reasons []string
	for _, alt := range flatten(schema) {
		why := misfits(alt, body, name)
		if len(why) == 0 {
			return
		}
		reasons = append(reasons, strings.Join(why, "; "))
	}
	t.Errorf("%s fits no documented shape:\n%s", name, strings.Join(reasons, "\n"))
}

// flatten gives the alternatives of a schema, members of allOf joined.
func flatten(s *openapi3.Schema) []*openapi3.Schema {
	if len(s.AllOf) > 0 {
		joined := &openapi3.Schema{Properties: openapi3.Schemas{}}
		for _, part := range s.AllOf {
			for k, v := range part.Value.Properties {
				joined.Properties[k] = v
			}
		}
		return []*openapi3.Schema{joined}
	}
	var out []*openapi3.Schema
	for _, part := range append(append(openapi3.SchemaRefs{}, s.OneOf...), s.AnyOf...) {
		out = append(out, flatten(part.Value)...)
	}
	if len(out) == 0 {
		return []*openapi3.Schema{s}
	}
	return out
}

func misfits(s *openapi3.Schema, v any, name string) (why []string) {
	switch v := v.(type) {
	case map[string]any:
		if len(s.Properties) == 0 && len(flatten(s)) == 1 && s.Type != nil && s.Type.Is("object") {
			return nil // a free object
		}
		for k, inner := range v {
			p := s.Properties[k]
			if p == nil {
				why = append(why, name+"."+k+" is not documented")
				continue
			}
			best := []string{}
			for i, alt := range flatten(p.Value) {
				bad := misfits(alt, inner, name+"."+k)
				if i == 0 || len(bad) < len(best) {
					best = bad
				}
			}
			why = append(why, best...)
		}
		for _, k := range s.Required {
			if _, ok := v[k]; !ok {
				why = append(why, name+"."+k+" is required")
			}
		}
	case []any:
		if s.Items == nil {
			return []string{name + " is a list"}
		}
		for _, inner := range v {
			why = append(why, misfits(flatten(s.Items.Value)[0], inner, name+"[]")...)
		}
	default:
		if err := s.VisitJSON(v); err != nil {
			why = append(why, name+": "+strings.SplitN(err.Error(), "\n", 2)[0])
		}
	}
	return why
}
