package app_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestPlansThatForcePasscodes: free accounts and Pro accounts with one host
// always have passcodes on; the verdict says what was read, and nothing is tried.
func TestPlansThatForcePasscodes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		plan     zoomsim.Plan
		licences int
		forced   bool
		code     passcode.Code
		sentence string
	}{
		{"free", zoomsim.PlanFree, 1, true, passcode.CausePlan, "a paid plan changes that"},
		{"Pro with one host", zoomsim.PlanPro, 1, true, passcode.CauseLockedOn, "locked on by the account; latchkey keeps it and `latchkey passcode` gives it; an admin of the account can unlock that setting, and latchkey then checks again, unless the plan holds it"},
		{"Pro with two hosts", zoomsim.PlanPro, 2, false, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			account := zoomsim.ScenarioAccount{ID: "acc", Plan: c.plan, Licences: c.licences, Hosts: []zoomsim.ScenarioHost{{Email: "one@plan.example"}}}
			if c.licences > 1 {
				account.Hosts = append(account.Hosts, zoomsim.ScenarioHost{Email: "two@plan.example"})
			}
			r := newScenarioRig(t, zoomsim.Options{Seed: 5, Scenario: zoomsim.Scenario{Accounts: []zoomsim.ScenarioAccount{account}}},
				"DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_ZOOM_PLAN=free")
			r.app = r.start(t, true, true)
			m, err := r.sim.CreateMeeting(t.Context(), "one@plan.example", zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
				Password: zoomsim.WithPasscode("Abc123"), CreationSource: "open_api"})
			if err != nil {
				t.Fatal(err)
			}
			if !c.forced {
				r.settled(t, m.ID, passcode.OutcomeJoinable)
				return
			}
			row := r.settled(t, m.ID, passcode.OutcomeDemands)
			if row.Remedy != passcode.RemedyKeep || row.Reasons[0].Code != c.code || !strings.Contains(row.Why, c.sentence) {
				t.Errorf("%s: %s", row.Remedy, row.Why)
			}
			if n := r.calls("PATCH", m.ID); n != 0 {
				t.Errorf("%d PATCH of a passcode that the plan forces", n)
			}
		})
	}
}

// TestPersonalMeetingID: its passcode belongs to the host's settings; it is
// kept, made known and never patched.
func TestPersonalMeetingID(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	if err := r.sim.ChangeUserSettings(t.Context(), hostOff, zoomsim.Set(passcode.KeyPMI.Path(), true)); err != nil {
		t.Fatal(err)
	}
	m, err := r.sim.CreateMeeting(t.Context(), hostOff, zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
		CreationSource: "open_api", Settings: zoomsim.MeetingSettings{UsePMI: new(true)}})
	if err != nil {
		t.Fatal(err)
	}
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if row.Remedy != passcode.RemedyKeep || row.Reasons[0].Code != passcode.CausePMI || r.calls("PATCH", m.ID) != 0 {
		t.Errorf("%s, %d PATCH: %s", row.Remedy, r.calls("PATCH", m.ID), row.Why)
	}
	if p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); err != nil || r.sim.Join(m.ID, p.Value.Reveal()).Result == "passcode_wrong" {
		t.Errorf("the passcode that is known does not open it (%v)", err)
	}
}

// TestStartedMeetingNeverHeardOf: instant meetings have been seen without
// meeting.created (Z-EVENT-17).
func TestStartedMeetingNeverHeardOf(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("")
	m, err := r.sim.CreateMeeting(t.Context(), hostLocked, zoomsim.MeetingRequest{Type: 1, CreationSource: "other"})
	if err != nil {
		t.Fatal(err)
	}
	r.sim.SetWebhookURL("http://" + r.app.IngestAddr() + "/webhooks/zoom")
	if err := r.sim.StartMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if row.Status != passcode.StatusStarted || row.Remedy != passcode.RemedyKeep || r.calls("PATCH", m.ID) != 0 {
		t.Errorf("%s, %s, %d PATCH: %s", row.Status, row.Remedy, r.calls("PATCH", m.ID), row.Why)
	}
	if p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); err != nil || p.Value.Reveal() != m.Passcode {
		t.Errorf("the passcode is not known: %v", err)
	}
}
