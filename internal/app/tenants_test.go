package app_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

const (
	good, evil         = "good-account", "evil-account"
	goodHost, evilHost = "host@good.example", "host@evil.example"
)

// newTenants is a rig of two accounts, each with an app and a secret of its own.
func newTenants(t *testing.T) *rig {
	t.Helper()
	account := func(id, host string) zoomsim.ScenarioAccount {
		return zoomsim.ScenarioAccount{ID: id, Hosts: []zoomsim.ScenarioHost{{Email: host, Settings: zoomsim.Set(passcode.KeyPasscode.Path(), true).And(passcode.KeyWaitingRoom.Path(), true)}}}
	}
	r := newScenarioRig(t, zoomsim.Options{Seed: 11, Scenario: zoomsim.Scenario{Accounts: []zoomsim.ScenarioAccount{account(good, goodHost), account(evil, evilHost)}}},
		"DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	g, e := r.sim.Credentials(good), r.sim.Credentials(evil)
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	text := fmt.Sprintf("accounts:\n  - {id: %s, client_id: %s, client_secret: {env: EVIL_SECRET}, webhook_secret: {env: EVIL_TOKEN}}\n", evil, e.ClientID)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r.environ = append(r.environ, "ZOOM_ACCOUNT_ID="+good, "ZOOM_CLIENT_ID="+g.ClientID, "ZOOM_CLIENT_SECRET="+g.ClientSecret, "ZOOM_WEBHOOK_SECRET_TOKEN="+g.SecretToken,
		"LATCHKEY_CONFIG="+file, "EVIL_SECRET="+e.ClientSecret, "EVIL_TOKEN="+e.SecretToken)
	r.app = r.start(t, true, true)
	if err := r.app.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// send sends an event that an account's app signed, whatever it says.
func (r *rig) send(t *testing.T, signs, names, event, object string) {
	t.Helper()
	body := fmt.Sprintf(`{"event":%q,"event_ts":%d,"payload":{"account_id":%q,"object":%s}}`, event, time.Now().UnixMilli(), names, object)
	if !json.Valid([]byte(body)) {
		t.Fatal(body)
	}
	if err := r.sim.SendEvent(signs, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := r.sim.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestAHostileTenant: with one tenant's secret nothing of another's is changed,
// written off or passed on, whether its events name the other's account or its
// own; and the other's own events go on to work.
func TestAHostileTenant(t *testing.T) {
	t.Parallel()
	r := newTenants(t)
	m, err := r.sim.CreateMeeting(t.Context(), goodHost, zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
		Password: zoomsim.WithPasscode("Right1"), CreationSource: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if row := r.settled(t, m.ID, passcode.OutcomeJoinable); row.AccountID != good {
		t.Fatalf("it is of account %s", row.AccountID)
	}
	before, err := r.app.Store().Meeting(t.Context(), m.ID)
	if err != nil {
		t.Fatal(err)
	}
	false1 := fmt.Sprintf(`{"id":%d,"uuid":"u","host_id":"evil","topic":"evil","type":2,"duration":30,"join_url":"https://zoom.us/j/1","password":"Evil1","settings":{}}`, m.ID)
	for _, names := range []string{good, evil} {
		r.send(t, evil, names, "meeting.created", false1)
		r.send(t, evil, names, "meeting.updated", fmt.Sprintf(`{"id":%d,"host_id":"evil","password":"Evil2"}`, m.ID))
		r.send(t, evil, names, "meeting.deleted", fmt.Sprintf(`{"id":%d}`, m.ID))
		r.send(t, evil, names, "user.deleted", fmt.Sprintf(`{"id":%q}`, m.HostID))
	}
	testenv.Until(t, "evil's own claim was looked at, and Zoom does not bear it out", func() bool {
		all, err := r.app.Store().MeetingsNumbered(t.Context(), m.ID)
		return err == nil && len(all) == 2 && all[1].AccountID == evil && all[1].Status == passcode.StatusDeleted
	})
	testenv.Until(t, "what names the other's account was refused", func() bool { return r.alerts(t)[alert.AccountTrouble] == 1 })
	after, err := r.app.Store().Meeting(t.Context(), m.ID)
	if err != nil || after.AccountID != good || after.HostID != before.HostID || after.Topic != before.Topic || after.Outcome != before.Outcome || after.Generation != before.Generation {
		t.Errorf("it became %+v, %v\nwas %+v", after, err, before)
	}
	if p, _, err := admin.Passcode(t.Context(), r.app.Store(), "", m.ID); err != nil || p != "" {
		t.Errorf("a joiner would be passed %q, %v", p.Reveal(), err)
	}
	troubles, err := r.app.Store().Troubles(t.Context(), evil)
	if err != nil || len(troubles) != 1 || troubles[0].Kind != "signed_for_another" || r.alerts(t)[alert.AccountTrouble] != 1 {
		t.Errorf("troubles %+v, %v, alerts %v", troubles, err, r.alerts(t))
	}
	// The other's own later change is not ignored.
	if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode("Right2"), CreationSource: "other"}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the new passcode was repaired too", func() bool {
		now, _ := r.sim.Meeting(m.ID)
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && now.Passcode == "" && row.Outcome == passcode.OutcomeJoinable && row.Generation > after.Generation
	})
	if log := r.log.String(); strings.Contains(log, "Evil1") || strings.Contains(log, "Evil2") {
		t.Error("a passcode is in the log")
	}
}

// TestAnEventWithoutAnAccount is of the account whose app signed it, though there
// are several.
func TestAnEventWithoutAnAccount(t *testing.T) {
	t.Parallel()
	r := newTenants(t)
	r.sim.SetWebhookURL("")
	m, err := r.sim.CreateMeeting(t.Context(), evilHost, zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30, CreationSource: "other",
		Password: zoomsim.WithPasscode("Right1")})
	if err != nil {
		t.Fatal(err)
	}
	r.sim.SetWebhookURL("http://" + r.app.IngestAddr() + "/webhooks/zoom")
	body := fmt.Sprintf(`{"event":"meeting.updated","event_ts":%d,"payload":{"object":{"id":%d}}}`, time.Now().UnixMilli(), m.ID)
	if err := r.sim.SendEvent(evil, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if row := r.settled(t, m.ID, passcode.OutcomeJoinable); row.AccountID != evil || row.HostID != m.HostID {
		t.Errorf("it is of account %q and host %q", row.AccountID, row.HostID)
	}
}

// TestAMeetingUnderThePMI: it answers to its own number and to the host's
// personal meeting id; what starts under that is heard of, a passcode that
// changes in the host's settings is known at once, and a PMI that changes too.
func TestAMeetingUnderThePMI(t *testing.T) {
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
	var room int64
	testenv.Until(t, "the personal meeting id is known", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		room = row.PMI
		return err == nil && room != 0
	})
	known := func(number int64, want string) func() bool {
		return func() bool {
			p, _, err := admin.Passcode(t.Context(), r.app.Store(), "", number)
			return err == nil && p.Reveal() == want
		}
	}
	explained := func(number int64) func() bool {
		return func() bool {
			e, err := admin.Explain(t.Context(), r.app.Store(), "", number, time.Now())
			return err == nil && e.MeetingID == fmt.Sprint(m.ID) && e.PMI == fmt.Sprint(number)
		}
	}
	testenv.Until(t, "it is found by the personal meeting id", explained(room))
	for _, next := range []string{"Room-1", "Room-2"} {
		if err := r.sim.ChangeUserSettings(t.Context(), hostOff, zoomsim.Set("schedule_meeting.pmi_password", next)); err != nil {
			t.Fatal(err)
		}
		testenv.Until(t, "the new passcode of the personal meeting id is known", known(room, next))
		testenv.Until(t, "by the meeting's own number too", known(m.ID, next))
	}
	if err := r.sim.StartMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "what started under the personal meeting id is heard of", func() bool {
		row, err := r.app.Store().MeetingsNumbered(t.Context(), room)
		return err == nil && len(row) > 0 && row[0].Status == passcode.StatusStarted
	})
	if n := r.calls("PATCH", m.ID); n != 0 {
		t.Errorf("%d PATCH of a meeting under the personal meeting id", n)
	}
	pmi := room + 1
	if err := r.sim.UpdateUser(t.Context(), hostOff, zoomsim.UserPatch{PMI: pmi}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is found by the new personal meeting id", explained(pmi))
}
