package zoomsim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// document loads one of Zoom's own OpenAPI documents, where they are available.
// They are read as plain JSON: they are 3.1, write some bounds as text, and
// hold webhooks, none of which the usual Go tool takes.
func document(t *testing.T, name string) obj {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "zoom", "openapi", name))
	if err != nil {
		t.Skipf("the shared facts are not here: %v", err)
	}
	var doc obj
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func dig(node obj, path ...string) obj {
	for _, k := range path {
		node, _ = node[k].(obj)
	}
	return node
}

const contractWorld = `
accounts:
  - id: acct
    plan: business
    groups: [{id: grp, settings: {meeting_security: {meeting_password: true}}}]
    hosts: [{id: host, email: host@example.com, groups: [grp]}]
`

// TestAnswersMatchOpenAPI holds answers against Zoom's schemas: types, enums,
// and no member that Zoom does not document.
func TestAnswersMatchOpenAPI(t *testing.T) {
	t.Parallel()
	users, accounts, market := document(t, "users.json"), document(t, "accounts.json"), document(t, "marketplace.json")
	h := newHook(t, nil)
	s := start(t, contractWorld, to(h))
	s.create("host", `{}`)
	h.drain(s)
	for _, c := range []struct {
		doc       obj
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
			schema := dig(c.doc, "paths", c.path, "get", "responses", "200", "content", "application/json", "schema")
			for _, why := range misfits(schema, s.want(200, "GET", c.get, nil).body, "body") {
				t.Error(why)
			}
		})
	}
}

// TestEventsMatchOpenAPI does the same for the settings webhooks.
func TestEventsMatchOpenAPI(t *testing.T) {
	t.Parallel()
	schemas := obj{}
	for _, name := range []string{"users-events.json", "accounts-events.json"} {
		doc := document(t, name)
		maps.Copy(schemas, dig(doc, "webhooks"))
		maps.Copy(schemas, dig(doc, "paths"))
	}
	h := newHook(t, nil)
	s := start(t, contractWorld, to(h))
	ctx := t.Context()
	on := Set("meeting_security.phone_password", false).And("meeting_security.waiting_room_settings", WaitingRoomSettings{Place: 2, Domains: "partner.example"})
	lock := Set("meeting_security.waiting_room", true)
	for _, err := range []error{
		s.ChangeUserSettings(ctx, "host", Set("schedule_meeting.join_before_host", true).And("meeting_security.waiting_room_settings", WaitingRoomSettings{Place: 1, Admit: 1})),
		s.ChangeGroupSettings(ctx, "grp", on), s.ChangeGroupLocks(ctx, "grp", lock),
		s.ChangeAccountSettings(ctx, "", on), s.ChangeAccountLocks(ctx, "", lock),
		s.RemoveGroupMember(ctx, "grp", "host"), s.AddGroupMember(ctx, "grp", "host"), s.DeactivateUser(ctx, "host"),
		s.UpdateUser(ctx, "host", UserPatch{Type: UserBasic, PMI: 5556667778}),
		s.DeleteUser(ctx, "host"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	events := h.drain(s)
	if len(events) != 12 {
		t.Fatalf("%d events", len(events))
	}
	for _, ev := range events {
		schema := dig(schemas, ev.event, "post", "requestBody", "content", "application/json", "schema")
		if schema == nil {
			t.Errorf("Zoom documents no event %s", ev.event)
			continue
		}
		for _, why := range misfits(schema, ev.body, ev.event) {
			t.Error(why)
		}
	}
}

// misfits says where a value departs from a schema; of alternatives the one
// that fits best counts.
func misfits(s obj, v any, name string) []string {
	if parts, ok := s["allOf"].([]any); ok {
		joined := obj{}
		for _, p := range parts {
			maps.Copy(joined, dig(p.(obj), "properties"))
		}
		return misfits(obj{"type": "object", "properties": joined}, v, name)
	}
	for _, kind := range []string{"oneOf", "anyOf"} {
		parts, ok := s[kind].([]any)
		if !ok {
			continue
		}
		var best []string
		for i, p := range parts {
			if why := misfits(p.(obj), v, name); i == 0 || len(why) < len(best) {
				best = why
			}
		}
		return best
	}
	if enum, ok := s["enum"].([]any); ok && s["type"] != "array" && !slices.Contains(enum, v) {
		return []string{fmt.Sprintf("%s: %v is not one of %v", name, v, enum)}
	}
	switch v := v.(type) {
	case obj:
		return objectMisfits(s, v, name)
	case []any:
		var why []string
		for _, inner := range v {
			why = append(why, misfits(dig(s, "items"), inner, name+"[]")...)
		}
		return append(why, wrongType(s, "array", name)...)
	case string:
		return append(wrongType(s, "string", name), wrongLength(s, v, name)...)
	case bool:
		return wrongType(s, "boolean", name)
	case float64:
		if v == math.Trunc(v) && s["type"] == "integer" {
			return nil
		}
		return wrongType(s, "number", name)
	}
	return []string{name + " is null"}
}

func objectMisfits(s obj, v obj, name string) []string {
	why := wrongType(s, "object", name)
	properties := dig(s, "properties")
	if properties == nil {
		return why // a free object
	}
	for k, inner := range v {
		p, ok := properties[k].(obj)
		if !ok {
			why = append(why, name+"."+k+" is not documented")
			continue
		}
		why = append(why, misfits(p, inner, name+"."+k)...)
	}
	required, _ := s["required"].([]any)
	for _, k := range required {
		if _, ok := v[k.(string)]; !ok {
			why = append(why, name+"."+k.(string)+" is missing")
		}
	}
	return why
}

// wrongLength reads bounds that are numbers or text. The least length stands
// as minimum in some places.
func wrongLength(s obj, v, name string) []string {
	bound := func(key string) (int, bool) {
		n, err := strconv.Atoi(fmt.Sprint(s[key]))
		return n, err == nil
	}
	n := utf8.RuneCountInString(v)
	if most, ok := bound("maxLength"); ok && n > most {
		return []string{fmt.Sprintf("%s: is longer than %d", name, most)}
	}
	for _, key := range []string{"minLength", "minimum"} {
		if least, ok := bound(key); ok && n < least {
			return []string{fmt.Sprintf("%s: is shorter than %d", name, least)}
		}
	}
	return nil
}

func wrongType(s obj, is, name string) []string {
	if want, _ := s["type"].(string); want != "" && !strings.EqualFold(want, is) {
		return []string{fmt.Sprintf("%s: is of type %s, documented as %s", name, is, want)}
	}
	return nil
}
