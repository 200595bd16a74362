package agreement

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/internal/passcode"
	"latchkey/internal/zoomsim"
)

// TestTheEventsAreZooms holds the settings and people events that the simulator
// sends against Zoom's documents of its webhooks.
func TestTheEventsAreZooms(t *testing.T) {
	t.Parallel()
	schemas := map[string]*openapi3.Schema{}
	for _, name := range []string{"users-events.json", "accounts-events.json"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "zoom", "openapi", name))
		if err != nil {
			t.Skipf("Zoom's documents are not here: %v", err)
		}
		var doc struct {
			Paths map[string]struct {
				Post struct {
					RequestBody struct {
						Content map[string]struct {
							Schema json.RawMessage `json:"schema"`
						} `json:"content"`
					} `json:"requestBody"`
				} `json:"post"`
			} `json:"paths"`
		}
		if err := json.Unmarshal(raw, &doc); err != nil {
			t.Fatal(err)
		}
		for event, p := range doc.Paths {
			s := &openapi3.Schema{}
			if err := json.Unmarshal(readable(t, raw, p.Post.RequestBody.Content["application/json"].Schema), s); err != nil {
				t.Fatalf("%s: %v", event, err)
			}
			schemas[event] = s
		}
	}

	var mu sync.Mutex
	bodies := map[string][]byte{}
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var e struct{ Event string }
		_ = json.Unmarshal(body, &e)
		mu.Lock()
		bodies[e.Event] = body
		mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(receiver.Close)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sim, err := zoomsim.Start(ctx, zoomsim.Options{Seed: 1, WebhookURL: receiver.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()) })
	const host, group, account = "off@demo.example", "strict", "demo-account"
	for name, err := range map[string]error{
		"user":     sim.ChangeUserSettings(ctx, host, zoomsim.Set(passcode.KeyScheduled.Path(), true)),
		"group":    sim.ChangeGroupSettings(ctx, group, zoomsim.Set(passcode.KeyScheduled.Path(), true)),
		"locks":    sim.ChangeGroupLocks(ctx, group, zoomsim.Set(passcode.KeyWaitingRoom.Path(), true)),
		"account":  sim.ChangeAccountSettings(ctx, account, zoomsim.Set(passcode.KeyPasscode.Path(), true)),
		"its lock": sim.ChangeAccountLocks(ctx, account, zoomsim.Set(passcode.KeyPasscode.Path(), true)),
		"joins":    sim.AddGroupMember(ctx, group, host),
		"leaves":   sim.RemoveGroupMember(ctx, group, host),
		"gone":     sim.DeactivateUser(ctx, host),
	} {
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := sim.WaitDeliveries(ctx); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for _, event := range []string{"user.settings_updated", "group.settings_updated", "group.lock_settings_updated", "account.settings_updated",
		"account.lock_settings_updated", "group.member_added", "group.member_deleted", "user.deactivated"} {
		schema := schemas[event]
		// Zoom's own sample calls the event group.members_deleted (Z-EVENT-12).
		body := bodies[event]
		if event == "group.member_deleted" && body == nil {
			body = bodies["group.members_deleted"]
		}
		if schema == nil || body == nil {
			t.Errorf("%s: schema %t, event %t", event, schema != nil, body != nil)
			continue
		}
		var v any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("%s: %v", event, err)
			continue
		}
		if err := schema.VisitJSON(v, openapi3.MultiErrors()); err != nil {
			t.Errorf("%s: %v\n%s", event, err, body)
		}
	}
}

// readable returns a schema of a document without what is not JSON Schema in
// Zoom's documents (bounds written as text, texts where a schema belongs), and
// with its references into the document followed.
func readable(t *testing.T, document, schema []byte) []byte {
	t.Helper()
	var root, doc any
	for raw, into := range map[*[]byte]*any{&document: &root, &schema: &doc} {
		if err := json.Unmarshal(*raw, into); err != nil {
			t.Fatal(err)
		}
	}
	out, err := json.Marshal(usable(root, doc, 0))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func usable(root, v any, depth int) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = usable(root, v[i], depth)
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok && depth < 8 {
			return usable(root, follow(root, ref), depth+1)
		}
		for _, bound := range []string{"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"} {
			if _, text := v[bound].(string); text {
				delete(v, bound)
			}
		}
		if properties, ok := v["properties"].(map[string]any); ok {
			for name, schema := range properties {
				if _, ok := schema.(map[string]any); !ok {
					delete(properties, name)
				}
			}
		}
		for key := range v {
			v[key] = usable(root, v[key], depth)
		}
	}
	return v
}

// follow returns what a reference such as #/paths/a~1b points to, {} for nothing.
func follow(root any, ref string) any {
	at := root
	for _, step := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return map[string]any{}
		}
		at = m[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	if at == nil {
		return map[string]any{}
	}
	return at
}
