package app_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestPasscodePutOnByHand: a meeting that was made without a passcode, and later
// somebody put one on. The host's setting, which is on, does nothing to a meeting
// that is there (Z-RULE-5), and neither did whoever made it.
func TestPasscodePutOnByHand(t *testing.T) {
	t.Parallel()
	const bob = "bob@demo.example"
	for name, c := range map[string]struct {
		host  string
		heard bool // the webhook of it arrives
		says  string
	}{
		"the setting on":                   {host: hostOn, heard: true, says: "because " + bob + " put one on the meeting after "},
		"the setting off":                  {host: hostOff, heard: true, says: "because " + bob + " put one on the meeting after "},
		"the setting on, and nobody heard": {host: hostOn, says: "because somebody put one on the meeting after "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t)
			no, yes := false, true
			m, err := r.sim.CreateMeeting(t.Context(), c.host, zoomsim.MeetingRequest{Topic: "Consultation", Type: 2, StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30,
				CreationSource: "open_api", DefaultPassword: &no, Settings: zoomsim.MeetingSettings{WaitingRoom: &yes}})
			if err != nil {
				t.Fatal(err)
			}
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			if !c.heard {
				r.sim.SetWebhookURL("")
			}
			if err := r.sim.UpdateMeeting(zoomsim.As(t.Context(), bob), m.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode("byHand-1")}); err != nil {
				t.Fatal(err)
			}
			if !c.heard { // as the sweep does
				cfg := must(config.Load(r.environ, config.Both))
				testenv.Exec(t, cfg.DatabaseURL, `UPDATE meetings SET must_read = true, due_at = now()`)
			}
			testenv.Until(t, "the passcode is removed", func() bool {
				all := r.repairs(t, m.ID)
				return len(all) == 1 && all[0].Result == store.RepairHeld
			})
			if why := r.repairs(t, m.ID)[0].Why; !strings.Contains(why, c.says) {
				t.Errorf("says %q; want %q in it", why, c.says)
			}
		})
	}
}
