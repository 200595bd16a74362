package admin

import (
	"encoding/json"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

func TestRiskWords(t *testing.T) {
	t.Parallel()
	locked := passcode.Reason{Code: passcode.CauseLockedOn, Path: "meeting_security.meeting_password", Level: passcode.LevelGroup, By: "g", ByName: "strict", Locked: true, Value: passcode.On}
	soon := time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		risk store.AtRisk
		want string
	}{
		{"locked", store.AtRisk{Outcome: passcode.OutcomeDemands, Remedy: passcode.RemedyKeep, Meetings: 3, Hosts: 2, Soonest: soon, Reason: locked},
			"3 meetings of 2 hosts demand a passcode; remedy: keep it and make it known; the soonest starts 2 Dec 09:00 UTC\nbecause \"Require a passcode when scheduling new meetings\" (meeting_security.meeting_password) is locked on by group \"strict\"; an admin who manages group \"strict\" can unlock that setting, and latchkey then checks again"},
		{"observed", store.AtRisk{Outcome: passcode.OutcomeDemands, Remedy: passcode.RemedyClear, Observed: true, Meetings: 1, Hosts: 1},
			"1 meeting of 1 host demand a passcode; policy observe changes nothing, policy waiting-room would remove it"},
		{"not known", store.AtRisk{Outcome: passcode.OutcomeUnknown, Remedy: passcode.RemedyNone, Meetings: 5, Hosts: 1}, "5 meetings of 1 host are not known yet"},
		{"open", store.AtRisk{Outcome: passcode.OutcomeUnsecured, Remedy: passcode.RemedySecure, Meetings: 2, Hosts: 1}, "2 meetings of 1 host are open to anybody; remedy: secure them"},
	} {
		if got := RiskWords(tt.risk); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
	if b, err := json.Marshal(RisksJSON(nil)); err != nil || string(b) != "[]" {
		t.Errorf("none: %s %v", b, err)
	}
}
