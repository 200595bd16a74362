package alert

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// TestTheDocsListEveryType holds docs/alerts.md to the types that there are.
func TestTheDocsListEveryType(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z_]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		listed = append(listed, m[1])
	}
	want := Types()
	slices.Sort(listed)
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("docs/alerts.md lists %v, the code has %v", listed, want)
	}
}

// TestNoAlertHoldsWhatItMustNot: neither topic nor passcode, whatever the type.
// Each type of Types is made here once.
func TestNoAlertHoldsWhatItMustNot(t *testing.T) {
	t.Parallel()
	m := store.Meeting{ID: 85746065432, AccountID: "acc", HostID: "h", Topic: "hunter2"}
	made := map[string]store.Alert{
		Open:            MeetingOpen(m, true, passcode.RemedySecure, nil, "why"),
		PasscodeChanged: MeetingPasscodeChanged(m, store.PasscodeSeen{Value: "hunter2", Operator: "eve@example.com"}),
		Forecast:        HostForecast(store.Host{ID: "h", AccountID: "acc"}, passcode.Forecast{}),
		AccountTrouble:  Trouble(store.Trouble{AccountID: "acc", Call: "PATCH /meetings/{meetingId}", Kind: "missing_scope", Detail: "scope x"}),
		Silent:          WebhooksSilent("acc", store.Silence{Hours: 3, Weeks: 2, Usual: 40}, false),
		Budget:          BudgetLow("acc", store.HostDay{HostID: "h", Ours: 12, Theirs: 38}),
		EventDead:       Dead(store.DeadCause{AccountID: "acc", Stage: "intake", Cause: CauseOf("panic: hunter2")}, 7),
	}
	for _, kind := range []string{Demands, Repaired, Unfixable, Contested, Deferred} {
		made[kind] = Meeting(kind, m, passcode.OutcomeDemands, passcode.RemedyKeep, nil, "why")
	}
	for _, kind := range Types() {
		a, ok := made[kind]
		if !ok || a.Type != kind {
			t.Errorf("%s: made as %q", kind, a.Type)
			continue
		}
		var data map[string]any
		if err := json.Unmarshal(a.Data, &data); err != nil || data["account_id"] != "acc" || a.AccountID != "acc" || a.Subject == "" || data["why"] == "" {
			t.Errorf("%s: %s, subject %q, %v", a.Type, a.Data, a.Subject, err)
		}
		if strings.Contains(string(a.Data), "hunter2") {
			t.Errorf("%s holds a topic or a passcode: %s", a.Type, a.Data)
		}
	}
	if len(made) != len(Types()) {
		t.Errorf("%d types made, %d in Types", len(made), len(Types()))
	}
}

// TestTroubleSaysWhatToDo: each kind names the account and what to look at.
func TestTroubleSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for kind, says := range map[string]string{"not_guarded": "does not guard it", "unauthorized": "credentials", "missing_scope": "lacks a scope for PATCH /x",
		"foreign": "not Zoom", "forbidden": "does not permit"} {
		got := TroubleSentence(store.Trouble{AccountID: "acc", Call: "PATCH /x", Kind: kind, Detail: "words of Zoom"})
		if !strings.Contains(got, says) || !strings.Contains(got, "words of Zoom") {
			t.Errorf("%s: %s", kind, got)
		}
	}
}
