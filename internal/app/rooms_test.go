package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// roomsConfig is a configuration file with one policy for everybody.
func roomsConfig(t *testing.T, holds string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte("policies:\n  - {policy: waiting-room, waiting_room_holds: "+holds+"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return "LATCHKEY_CONFIG=" + file
}

// TestWhoWaits: a host lets people of their account pass the waiting room. By
// default that is kept and said; a policy can want everybody to wait, and then a
// colleague waits, too.
func TestWhoWaits(t *testing.T) {
	t.Parallel()
	yes := true
	for holds, want := range map[string]struct {
		colleague string
		waits     passcode.Waits
	}{
		"as-set":   {"joined", passcode.WaitsOutsiders},
		"everyone": {"waiting_room", passcode.WaitsEveryone},
	} {
		t.Run(holds, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t, roomsConfig(t, holds))
			m := r.createWith(t, hostOn, zoomsim.MeetingSettings{WaitingRoom: &yes,
				WaitingRoomOptions: &zoomsim.WaitingRoomOptions{Mode: zoomsim.Custom, Who: zoomsim.HoldsOutsideAccount}})
			if m.Passcode == "" {
				t.Fatal("Zoom made no passcode: there is nothing to remove")
			}
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			for who, result := range map[zoomsim.Joiner]string{zoomsim.JoinerOutsider: "waiting_room", zoomsim.JoinerAccount: want.colleague} {
				if j, err := r.sim.JoinAs(m.ID, zoomsim.Joining{Who: who}); err != nil || j.Result != result {
					t.Errorf("%v meets %+v, %v; want %s", who, j, err, result)
				}
			}
			e, err := admin.Explain(t.Context(), r.app.Store(), "", m.ID, time.Now())
			if err != nil || e.WhoWaits != want.waits || e.Source != passcode.SourceOpenAPI || e.LastRepair() == nil || e.LastRepair().Result != store.RepairHeld {
				t.Errorf("explained as %+v, %v; want %s waiting", e, err, want.waits)
			}
		})
	}
}

// TestWhoWaitsIsPutBack: under a policy that wants everybody to wait, a meeting that
// latchkey stripped is put right when somebody lets people pass.
func TestWhoWaitsIsPutBack(t *testing.T) {
	t.Parallel()
	yes := true
	r := newRunningRig(t, roomsConfig(t, "everyone"))
	m := r.createWith(t, hostOn, zoomsim.MeetingSettings{WaitingRoom: &yes, WaitingRoomOptions: &zoomsim.WaitingRoomOptions{Mode: zoomsim.Custom, Who: zoomsim.HoldsOutsideAccount}})
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Settings: zoomsim.MeetingSettings{WaitingRoomOptions: &zoomsim.WaitingRoomOptions{Mode: zoomsim.Custom, Who: zoomsim.HoldsOutsideAccount}}}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "everybody waits again", func() bool {
		j, err := r.sim.JoinAs(m.ID, zoomsim.Joining{Who: zoomsim.JoinerAccount})
		return err == nil && j.Result == "waiting_room"
	})
}

// TestADateThatDiffers: of a series one date has its waiting room off. The passcode
// stays while that is so, with the date named, and goes once the host turns it on.
func TestADateThatDiffers(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	yes := true
	r.sim.SetWebhookURL("") // it is heard of once the date differs
	m, err := r.sim.CreateMeeting(t.Context(), hostOn, zoomsim.MeetingRequest{Topic: "Weekly", Type: 8, StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30,
		CreationSource: "open_api", Recurrence: &zoomsim.Recurrence{Type: 2, RepeatInterval: 1, EndTimes: 4}, Settings: zoomsim.MeetingSettings{WaitingRoom: &yes}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sim.SetDateWaitingRoom(t.Context(), m.ID, 3, false); err != nil {
		t.Fatal(err)
	}
	r.sim.SetWebhookURL("http://" + r.app.IngestAddr() + "/webhooks/zoom")
	if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Topic: "Weekly round"}); err != nil {
		t.Fatal(err)
	}
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	date := r.sim.Occurrences(m.ID)[2].StartTime.UTC().Format("2 Jan 2006 15:04 UTC")
	if row.Remedy != passcode.RemedyKeep || !strings.Contains(row.Why, "one of its dates, "+date+", since the waiting room is off then") || r.calls("PATCH", m.ID) != 0 {
		t.Errorf("remedy %s, %d PATCH, %q; want it kept, with %s named", row.Remedy, r.calls("PATCH", m.ID), row.Why, date)
	}
	if err := r.sim.SetDateWaitingRoom(t.Context(), m.ID, 3, true); err != nil {
		t.Fatal(err)
	}
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	for _, o := range r.sim.Occurrences(m.ID) {
		if j, err := r.sim.JoinAs(m.ID, zoomsim.Joining{OccurrenceID: o.ID}); err != nil || j.Result != "waiting_room" {
			t.Errorf("on %v a joiner meets %+v, %v", o.StartTime, j, err)
		}
	}
}
