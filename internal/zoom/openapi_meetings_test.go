package zoom_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// meetingCalls are the calls about meetings, as the client makes them. Zoom's
// document of them states no rate-limit label: it is that of the fact.
var meetingCalls = map[string]struct {
	path  string
	label zoom.Label
	call  func(context.Context, *zoom.Client) error
}{
	"GET, Z-CALL-1": {"/meetings/{meetingId}", zoom.Light, get},
	"GET of one date, Z-MEET-7": {"/meetings/{meetingId}", zoom.Light, func(ctx context.Context, c *zoom.Client) error {
		_, err := c.GetOccurrence(ctx, meeting, "1648194360000")
		return err
	}},
	"PATCH, Z-CALL-3": {"/meetings/{meetingId}", zoom.Light, patch},
	"list, Z-CALL-4": {"/users/{userId}/meetings", zoom.Medium, func(ctx context.Context, c *zoom.Client) error {
		_, err := c.ListUpcomingMeetings(ctx, "ID")
		return err
	}},
}

// TestMeetingCallsAreZooms holds path, query options, the status of a success and
// the label of every call about meetings against Zoom's document.
func TestMeetingCallsAreZooms(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	for name, c := range meetingCalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []*http.Request
			cl := overNetwork(t, &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r)
				operation := dig(doc, "paths", c.path, strings.ToLower(r.Method))
				if dig(operation, "responses", "204") != nil {
					w.WriteHeader(204)
					return
				}
				answer(w, 200, meetingSample(dig(operation, "responses", "200", "content", "application/json", "schema")))
			}}, nil)
			if err := c.call(t.Context(), cl); err != nil {
				t.Fatal(err)
			}
			if len(asked) == 0 {
				t.Fatal("nothing was asked")
			}
			for _, r := range asked {
				if path := strings.NewReplacer(meeting.String(), "{meetingId}", "/ID/", "/{userId}/").Replace(strings.TrimPrefix(r.URL.Path, "/v2")); path != c.path {
					t.Errorf("%s, want %s", path, c.path)
				}
				operation := dig(doc, "paths", c.path, strings.ToLower(r.Method))
				if operation == nil {
					t.Fatalf("Zoom documents no %s %s", r.Method, c.path)
				}
				for option, given := range r.URL.Query() {
					checkOption(t, operation, option, given[0])
					checkMaximum(t, operation, option, given[0])
				}
			}
			checkLabel(t, c.call, 0, c.label)
		})
	}
}

// checkMaximum: a number that is asked for is not over the document's bound.
func checkMaximum(t *testing.T, operation any, option, given string) {
	t.Helper()
	all, _ := dig(operation, "parameters").([]any)
	for _, p := range all {
		most, bounded := dig(p, "schema", "maximum").(float64)
		var n float64
		if _, err := fmt.Sscan(given, &n); dig(p, "name") == option && bounded && (err != nil || n > most) {
			t.Errorf("%s=%s, at most %v", option, given, most)
		}
	}
}

// What the document gets wrong, or is too old for, by call and member: a value
// that it excludes, which is read all the same, and why. That it does exclude it
// is tested, so that the list stays true.
var wrongOfMeetings = []struct {
	member, keyword string
	value           any
	why             string
}{
	{"password", "minimum", "abc123", "shorter than the 8 that it states, and they exist (Z-CODE-4)"},
	{"creation_source", "enum", "zoom_scheduler", "younger than the document (Z-EVENT-4)"},
	{"type", "enum", 7.0, "Zoom's SDK types have it (Z-MEET-1)"},
}

// TestMeetingAnswersAreZooms: an answer that has every member of Zoom's document,
// each with the document's own example, fills every field of what the client
// reads. A member that is read under a name, in a place or of a type that Zoom does
// not have leaves a field empty.
func TestMeetingAnswersAreZooms(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	schema := dig(doc, "paths", "/meetings/{meetingId}", "get", "responses", "200", "content", "application/json", "schema")
	read := func(t *testing.T, with map[string]any) zoom.Meeting {
		t.Helper()
		whole := meetingSample(schema).(map[string]any)
		for k, v := range with {
			whole[k] = v
		}
		m, err := overNetwork(t, &fakeZoom{api: func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, whole) }}, nil).GetMeeting(t.Context(), meeting)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	whole := read(t, nil)
	if empty := emptyFields(reflect.ValueOf(whole), "Meeting"); len(empty) > 0 {
		t.Errorf("Zoom's own answer leaves empty: %q", empty)
	}

	list := dig(doc, "paths", "/users/{userId}/meetings", "get", "responses", "200", "content", "application/json", "schema")
	page := meetingSample(list).(map[string]any)
	if _, ok := page["next_page_token"].(string); !ok {
		t.Error("the list is documented without next_page_token")
	}
	page["next_page_token"] = ""
	rows, err := overNetwork(t, &fakeZoom{api: func(w http.ResponseWriter, _ *http.Request) { answer(w, 200, page) }}, nil).ListUpcomingMeetings(t.Context(), "ID")
	if err != nil || len(rows) != 1 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if empty := emptyFields(reflect.ValueOf(rows[0]), "ListedMeeting"); len(empty) > 0 {
		t.Errorf("Zoom's own list leaves empty: %q", empty)
	}

	// Every word for who waits is one that is known, and none is made up.
	var words []string
	options := dig(schema, "properties", "settings", "properties", "waiting_room_options", "properties")
	for _, word := range dig(options, "who_goes_to_waiting_room", "enum").([]any) {
		words = append(words, word.(string))
		m := read(t, map[string]any{"settings": map[string]any{"waiting_room_options": map[string]any{"mode": "custom", "who_goes_to_waiting_room": word}}})
		if string(m.Waits()) != word {
			t.Errorf("%s is read as %q", word, m.Waits())
		}
	}
	if m := read(t, map[string]any{"settings": map[string]any{"waiting_room_options": map[string]any{"mode": "follow_setting"}}}); m.Waits() != passcode.WaitsFollow {
		t.Errorf("follow_setting is read as %q", m.Waits())
	}
	for _, w := range passcode.AllWaits() {
		if w != passcode.WaitsUnknown && w != passcode.WaitsFollow && !slices.Contains(words, string(w)) {
			t.Errorf("no meeting of Zoom's document says %s", w)
		}
	}
	for _, status := range []string{"waiting", "started"} {
		if enum, _ := dig(schema, "properties", "status", "enum").([]any); len(enum) != 2 || !slices.Contains(enum, any(status)) {
			t.Errorf("status is documented as %v", enum)
		}
	}

	for _, w := range wrongOfMeetings {
		t.Run(w.member, func(t *testing.T) {
			if !excludes(property(schema, w.member), w.keyword, w.value) {
				t.Errorf("the document does not exclude %v: %s", w.value, w.why)
			}
			read(t, map[string]any{w.member: w.value})
		})
	}
}

// excludes says whether the schema's keyword is there and shuts the value out.
// The document bounds the length of text by a keyword for numbers.
func excludes(schema any, keyword string, value any) bool {
	switch states := dig(schema, keyword).(type) {
	case float64:
		text, _ := value.(string)
		return float64(len(text)) < states
	case []any:
		return !slices.Contains(states, value)
	}
	return false
}

// property is the schema of a member, in whichever alternative of its owner.
func property(schema any, name string) any {
	if p := dig(schema, "properties", name); p != nil {
		return p
	}
	for _, kind := range []string{"allOf", "oneOf", "anyOf"} {
		parts, _ := dig(schema, kind).([]any)
		for _, part := range parts {
			if p := property(part, name); p != nil {
				return p
			}
		}
	}
	return nil
}

// meetingSample is a value with every member of the schema: its example, else the
// last of its words, else one of its type. The meeting's number is the one that is
// asked for.
func meetingSample(schema any) any {
	out := map[string]any{}
	var fill func(any)
	fill = func(s any) {
		all, _ := dig(s, "properties").(map[string]any)
		for name, p := range all {
			out[name] = meetingSample(p)
		}
		for _, kind := range []string{"allOf", "oneOf", "anyOf"} {
			parts, _ := dig(s, kind).([]any)
			for _, part := range parts {
				fill(part)
			}
		}
	}
	if fill(schema); len(out) > 0 {
		if _, has := out["host_id"]; has {
			out["id"] = int64(meeting)
		}
		return out
	}
	enum, _ := dig(schema, "enum").([]any)
	switch kind := dig(schema, "type"); {
	case kind == "array":
		return []any{meetingSample(dig(schema, "items"))}
	case kind == "boolean":
		return true // an example of false would pass for an empty field
	case len(enum) > 0:
		return enum[len(enum)-1]
	case dig(schema, "example") != nil:
		return dig(schema, "example")
	case kind == "number" || kind == "integer":
		return 1
	case dig(schema, "format") == "date-time":
		return "2026-11-25T09:55:00Z"
	}
	return "1"
}

// emptyFields names the fields, at any depth, that nothing was read into.
func emptyFields(v reflect.Value, name string) (empty []string) {
	switch {
	case v.Kind() == reflect.Pointer && !v.IsNil() && v.Elem().Kind() == reflect.Struct:
		return emptyFields(v.Elem(), name)
	case v.IsZero():
		return []string{name}
	case v.Kind() == reflect.Slice && v.Len() > 0:
		return emptyFields(v.Index(0), name+"[0]")
	case v.Kind() != reflect.Struct || v.Type() == reflect.TypeFor[zoom.Time]():
		return nil
	case strings.HasPrefix(v.Type().Name(), "loose["):
		return emptyFields(v.FieldByName("value"), name)
	}
	for i := range v.NumField() {
		empty = append(empty, emptyFields(v.Field(i), name+"."+v.Type().Field(i).Name)...)
	}
	return empty
}

// TestPatchBodiesAreZooms: every member that a change sends is one of Zoom's
// document, of its type, among its words and within its length.
func TestPatchBodiesAreZooms(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	schema := dig(doc, "paths", "/meetings/{meetingId}", "patch", "requestBody", "content", "application/json", "schema")
	text := func(s string) *secret.String { p := secret.String(s); return &p }
	for name, c := range map[string]struct {
		patch zoom.MeetingPatch
		want  string
	}{
		"remove":             {zoom.MeetingPatch{Password: text(""), WaitingRoom: new(true)}, `{"password":"","settings":{"waiting_room":true}}`},
		"set":                {zoom.MeetingPatch{Password: text("a1@-_*b2c3")}, `{"password":"a1@-_*b2c3"}`},
		"secure":             {zoom.MeetingPatch{WaitingRoom: new(true), EveryoneWaits: true}, `{"settings":{"waiting_room":true,"waiting_room_options":{"mode":"custom","who_goes_to_waiting_room":"everyone"}}}`},
		"off, for the tests": {zoom.MeetingPatch{WaitingRoom: new(false)}, `{"settings":{"waiting_room":false}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var raw []byte
			cl := overNetwork(t, &fakeZoom{api: func(w http.ResponseWriter, r *http.Request) {
				raw, _ = io.ReadAll(r.Body)
				w.WriteHeader(204)
			}}, nil)
			if err := cl.PatchMeeting(t.Context(), meeting, c.patch); err != nil {
				t.Fatal(err)
			}
			var body any
			if err := json.Unmarshal(raw, &body); err != nil || strings.TrimSpace(string(raw)) != c.want {
				t.Fatalf("sends %s, want %s", raw, c.want)
			}
			for _, m := range misfits(schema, body, "body") {
				t.Error(m)
			}
		})
	}
	// What is held against the document here is held: each of these is no fit.
	for wrong, says := range map[string]string{
		`{"waiting_room":true}`:                                "body.waiting_room is not documented", // Z-RULE-16
		`{"password":1}`:                                       "body.password is a number",
		`{"password":"12345678901"}`:                           "body.password has 11 characters",
		`{"settings":{"waiting_room":"true"}}`:                 "body.settings.waiting_room is a string",
		`{"settings":{"waiting_room_options":{"mode":"all"}}}`: "body.settings.waiting_room_options.mode: all is not one of",
		`{"settings":{"waiting_room_options":{"who_goes_to_waiting_room":"everyone"}}}`: "body.settings.waiting_room_options has no mode",
	} {
		var body any
		if err := json.Unmarshal([]byte(wrong), &body); err != nil {
			t.Fatal(err)
		}
		if got := misfits(schema, body, "body"); len(got) != 1 || !strings.HasPrefix(got[0], says) {
			t.Errorf("%s: %q, want %q", wrong, got, says)
		}
	}
}

// misfits says what of a request the schema does not have.
func misfits(schema, value any, at string) (all []string) {
	want := cmp.Or(dig(schema, "type"), any("object"))
	is := "null"
	switch v := value.(type) {
	case map[string]any:
		if want != "object" {
			return []string{at + " is an object"}
		}
		required, _ := dig(schema, "required").([]any)
		for _, name := range required {
			if _, has := v[name.(string)]; !has {
				all = append(all, fmt.Sprintf("%s has no %s", at, name))
			}
		}
		for name, member := range v {
			p := property(schema, name)
			if p == nil {
				all = append(all, at+"."+name+" is not documented")
				continue
			}
			all = append(all, misfits(p, member, at+"."+name)...)
		}
		return all
	case string:
		is = "string"
		if most, bounded := dig(schema, "maxLength").(float64); bounded && float64(len(v)) > most {
			all = append(all, fmt.Sprintf("%s has %d characters, at most %v", at, len(v), most))
		}
	case bool:
		is = "boolean"
	case float64:
		is = "number"
	}
	if want != is {
		return append(all, fmt.Sprintf("%s is a %s, want %v", at, is, want))
	}
	if enum, ok := dig(schema, "enum").([]any); ok && !slices.Contains(enum, value) {
		all = append(all, fmt.Sprintf("%s: %v is not one of %v", at, value, enum))
	}
	return all
}
