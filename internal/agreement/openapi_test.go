package agreement

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/zoom"
	"latchkey/internal/zoomsim"
)

// wire holds every exchange between our client and the simulator against
// Zoom's own OpenAPI documents, as far as these describe it.
type wire struct {
	t       *testing.T
	base    http.RoundTripper
	routers []routers.Router
	mu      sync.Mutex
	seen    map[string]int
	other   map[string]int // calls that the documents do not describe
}

func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.base.RoundTrip(r)
	if err != nil {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))

	asked := r.Clone(r.Context())
	asked.URL.Scheme, asked.URL.Host, asked.Host = "https", "api.zoom.us", "api.zoom.us"
	for _, router := range w.routers {
		route, params, err := router.FindRoute(asked)
		if err != nil {
			continue
		}
		in := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route,
			Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true}}
		if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil {
			w.t.Errorf("request %s %s: %v", r.Method, r.URL, err)
		}
		out := &openapi3filter.ResponseValidationInput{RequestValidationInput: in, Status: resp.StatusCode, Header: resp.Header, Options: in.Options}
		out.SetBodyBytes(body)
		if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
			w.t.Errorf("answer to %s %s: %v", r.Method, r.URL, err)
		}
		w.count(w.seen, route.Method+" "+route.Path)
		return resp, nil
	}
	w.count(w.other, r.Method+" "+r.URL.Path)
	return resp, nil
}

func (w *wire) count(m map[string]int, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	m[key]++
}

// sharpen closes the alternatives of Zoom's answers. A settings answer is one of
// several objects, one for each option, all of whose members are optional: as
// they stand in the documents every answer matches all of them, and a member of
// the wrong type matches those that do not name it.
func sharpen(t *testing.T, raw []byte) []byte {
	t.Helper()
	var doc any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			if alternatives, ok := v["oneOf"].([]any); ok {
				for _, a := range alternatives {
					if m, ok := a.(map[string]any); ok && m["properties"] != nil {
						m["additionalProperties"] = false
					}
				}
			}
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(doc)
	sharp, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return sharp
}

// TestTheWireIsZooms makes every settings call that our client has against the
// simulator.
func TestTheWireIsZooms(t *testing.T) {
	t.Parallel()
	w := &wire{t: t, base: http.DefaultTransport, seen: map[string]int{}, other: map[string]int{}}
	for _, name := range []string{"users.json", "accounts.json"} {
		file := filepath.Join("..", "..", "..", "shared", "zoom", "openapi", name)
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Skipf("Zoom's documents are not here: %v", err)
		}
		doc, err := openapi3.NewLoader().LoadFromData(sharpen(t, raw))
		if err != nil {
			t.Fatal(err)
		}
		router, err := legacy.NewRouter(doc, openapi3.DisableExamplesValidation(), openapi3.DisableSchemaDefaultsValidation(), openapi3.DisableSchemaPatternValidation())
		if err != nil {
			t.Fatal(err)
		}
		w.routers = append(w.routers, router)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	sim, err := zoomsim.Start(ctx, zoomsim.Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()) })
	c := sim.Credentials("")
	api := zoom.New(zoom.Options{Credentials: zoom.Credentials{AccountID: c.AccountID, ClientID: c.ClientID, ClientSecret: secret.String(c.ClientSecret)},
		APIURL: sim.APIURL(), OAuthURL: sim.OAuthURL(), Transport: w})
	user, err := api.GetUser(ctx, "locked@demo.example")
	if err != nil || len(user.GroupIDs) == 0 {
		t.Fatalf("%+v, %v", user, err)
	}
	for name, call := range map[string]func() (zoom.Settings, error){
		"user settings":    func() (zoom.Settings, error) { return api.GetUserSettings(ctx, user.ID) },
		"group settings":   func() (zoom.Settings, error) { return api.GetGroupSettings(ctx, user.GroupIDs[0]) },
		"group locks":      func() (zoom.Settings, error) { return api.GetGroupLocks(ctx, user.GroupIDs[0]) },
		"account settings": func() (zoom.Settings, error) { return api.GetAccountSettings(ctx, c.AccountID) },
		"account locks":    func() (zoom.Settings, error) { return api.GetAccountLocks(ctx, c.AccountID) },
	} {
		s, err := call()
		if err != nil || s.Values[passcode.KeyPasscode] == passcode.Unknown {
			t.Errorf("%s: %+v, %v", name, s, err)
		}
	}
	if _, err := api.CountLicensed(ctx); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"GET /users/{userId}", "GET /users", "GET /users/{userId}/settings", "GET /groups/{groupId}/settings",
		"GET /groups/{groupId}/lock_settings", "GET /accounts/{accountId}/settings", "GET /accounts/{accountId}/lock_settings"} {
		if w.seen[want] == 0 {
			t.Errorf("%s was not held against Zoom's documents", want)
		}
	}
	t.Logf("held against Zoom's documents: %v; not described there: %v", w.seen, w.other)
}
