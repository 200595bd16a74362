package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/passcode"
)

// TestSchemaHoldsTheClosedSets: the schema names every word of the rule's closed
// sets and every setting, and no other.
func TestSchemaHoldsTheClosedSets(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal([]byte(decideSchema), &schema); err != nil {
		t.Fatal(err)
	}
	at := func(path string) map[string]any {
		v := schema
		for _, name := range strings.Fields(path) {
			v, _ = v[name].(map[string]any)
		}
		return v
	}
	for path, want := range map[string][]string{
		"properties meeting properties status": words(passcode.Statuses()),
		"properties policy properties mode":    words(passcode.Modes()),
		"properties policy properties source":  words(passcode.Sources()),
		"properties host properties plan":      words([]passcode.Plan{passcode.PlanUnknown, passcode.PlanFree, passcode.PlanProSingleHost, passcode.PlanPaid}),
		"properties host properties documents": words(passcode.AllDocuments()),
		"properties meeting properties waits":  words(passcode.AllWaits()), "properties host properties waits": words(passcode.AllWaits()),
		"$defs toggle": {passcode.On.String(), passcode.Off.String(), passcode.Unknown.String()},
		"$defs ask":    {passcode.AskNothing.String(), passcode.AskOff.String(), passcode.AskOn.String()},
	} {
		var got []string
		enum, _ := at(path)["enum"].([]any)
		for _, v := range enum {
			s, _ := v.(string)
			got = append(got, s)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %q, the code %q", path, got, want)
		}
	}
	settings := at("properties host properties")
	for _, s := range passcode.AllSettings() {
		if settings[s.Name] == nil {
			t.Errorf("the schema has no setting %s", s.Name)
		}
	}
	if want := len(passcode.AllSettings()) + 5; len(settings) != want {
		t.Errorf("the schema has %d members of host, want %d", len(settings), want)
	}
	// What the facts hold as JSON is what the schema knows, and the other way round.
	whole, err := json.Marshal(passcode.Meeting{})
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(whole, &fields); err != nil {
		t.Fatal(err)
	}
	for name := range fields {
		if at("properties meeting properties")[name] == nil {
			t.Errorf("the schema has no meeting.%s", name)
		}
	}
}

func words[T ~string](all []T) []string {
	var w []string
	for _, v := range all {
		w = append(w, string(v))
	}
	return w
}

// TestATimeNobodyCanHold: a leap second is valid RFC 3339 and no time of ours; it
// is refused with its path.
func TestATimeNobodyCanHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ facts, path string }{
		{`{"meeting": {"type": 2, "status": "scheduled", "passcode": "on"}, "now": "2026-06-30T23:59:60Z"}`, "$.now: "},
		{`{"meeting": {"type": 2, "status": "scheduled", "passcode": "on", "ends": "2026-06-30T23:59:60Z"}}`, "$.meeting.ends: "},
	} {
		if err := check([]byte(c.facts)); err == nil || !strings.Contains(err.Error(), c.path) {
			t.Errorf("%s: %v, want it refused at %s", c.facts, err, c.path)
		}
	}
}
