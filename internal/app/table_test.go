package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestEveryKindOfHost sets up a host for each of the 64 combinations of the
// three options' settings and locks that Zoom's table is made of, makes a
// meeting with a passcode for each, and holds what latchkey made of it against
// the table's words: cleared where nothing forces the passcode and another
// option can stay on, else kept, with the setting that is in the way named.
func TestEveryKindOfHost(t *testing.T) {
	t.Parallel()
	type kind struct{ wr, pass, auth string }
	states := []string{"off", "on", "off!", "on!"}
	account := zoomsim.ScenarioAccount{ID: "table-account", Name: "Table", Plan: zoomsim.PlanEnterprise, Licences: 500}
	// auto_security is presumed by Zoom's table.
	account.Settings = zoomsim.Set(passcode.KeyAutoSecurity.Path(), true).And("schedule_meeting.meeting_authentication", false)
	hosts := map[string]kind{}
	for _, wr := range states {
		for _, pass := range states {
			for _, auth := range states {
				name := strings.NewReplacer("!", "l").Replace(fmt.Sprintf("wr-%s-pass-%s-auth-%s", wr, pass, auth))
				host := zoomsim.ScenarioHost{Email: name + "@table.example", Groups: []string{name}}
				group := zoomsim.ScenarioGroup{Name: name, Settings: zoomsim.SettingsPatch{}, Locks: zoomsim.SettingsPatch{}}
				values, locks := zoomsim.Set(passcode.KeyPMI.Path(), false), zoomsim.Set(passcode.KeyPMI.Path(), false)
				for path, state := range map[string]string{passcode.KeyWaitingRoom.Path(): wr, passcode.KeyPasscode.Path(): pass, "schedule_meeting.meeting_authentication": auth} {
					values = values.And(path, strings.HasPrefix(state, "on"))
					locks = locks.And(path, strings.HasSuffix(state, "!"))
				}
				group.Settings, group.Locks, host.Settings = values, locks, values
				account.Groups = append(account.Groups, group)
				account.Hosts = append(account.Hosts, host)
				hosts[host.Email] = kind{wr, pass, auth}
			}
		}
	}
	r := newScenarioRig(t, zoomsim.Options{Seed: 3, Scenario: zoomsim.Scenario{Accounts: []zoomsim.ScenarioAccount{account}}},
		"DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	for email, k := range hosts {
		t.Run(fmt.Sprintf("waiting room %s, passcode %s, authentication %s", k.wr, k.pass, k.auth), func(t *testing.T) {
			t.Parallel()
			m, err := r.sim.CreateMeeting(t.Context(), email, zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
				CreationSource: "open_api", Password: zoomsim.WithPasscode("Abc123")})
			if err != nil {
				t.Fatal(err)
			}
			if got := r.sim.Join(m.ID, "").Outcome; (got == zoomsim.OutcomeDemandsPasscode) == (k.pass == "off!") {
				t.Fatalf("before: %s", got) // a given passcode holds unless it is locked off
			}
			// Zoom's table: forced where locked on; otherwise removable when the
			// waiting room can stay on, or authentication is locked on.
			removable := k.pass != "on!" && (k.wr != "off!" || k.auth == "on!")
			want := passcode.OutcomeDemands
			if removable || k.pass == "off!" {
				want = passcode.OutcomeJoinable
			}
			row := r.settled(t, m.ID, want)
			after := r.sim.Join(m.ID, "")
			if after.Outcome != string(want) || after.Unsecured {
				t.Errorf("a joiner meets %+v, want %s", after, want)
			}
			if want == passcode.OutcomeJoinable {
				return
			}
			setting, level := row.Reasons[0].Path, row.Reasons[0].Level
			if k.pass != "on!" {
				// The waiting room, which cannot be on, is what is in the way.
				last := row.Reasons[len(row.Reasons)-1]
				setting, level = last.Path, last.Level
			}
			wantSetting := passcode.KeyPasscode.Path()
			if k.pass != "on!" {
				wantSetting = passcode.KeyWaitingRoom.Path()
			}
			if row.Remedy != passcode.RemedyKeep || setting != wantSetting || level != passcode.LevelGroup || !strings.Contains(row.Why, "an admin who manages group") {
				t.Errorf("remedy %s, %s at %s: %s", row.Remedy, setting, level, row.Why)
			}
		})
	}
}
