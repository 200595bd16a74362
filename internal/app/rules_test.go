package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"latchkey/internal/admin"
	"latchkey/internal/alert"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// group and account of the demo scenario.
const (
	groupStrict = "strict"
	accountDemo = "demo-account"
)

// TestLocksFromAboveChangeTheAnswer: whatever event says that a level above
// changed, the meetings below are judged anew.
func TestLocksFromAboveChangeTheAnswer(t *testing.T) {
	t.Parallel()
	unlock := func(t *testing.T, r *rig) {
		if err := r.sim.ChangeGroupLocks(t.Context(), groupStrict, zoomsim.Set(passcode.KeyPasscode.Path(), false)); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name, host  string
		before      passcode.Outcome
		change      func(*testing.T, *rig)
		after       passcode.Outcome
		code        passcode.Code
		level       passcode.Level
		theNextToo  bool // a meeting made after the change demands too
		joinableNow bool
	}{
		{name: "a group unlocks the passcode", host: hostLocked, before: passcode.OutcomeDemands, change: unlock, after: passcode.OutcomeJoinable, joinableNow: true},
		{name: "the host leaves the group", host: hostLocked, before: passcode.OutcomeDemands, after: passcode.OutcomeJoinable, joinableNow: true,
			change: func(t *testing.T, r *rig) {
				if err := r.sim.RemoveGroupMember(t.Context(), groupStrict, hostLocked); err != nil {
					t.Fatal(err)
				}
			}},
		{name: "the account locks the passcode on", host: hostLocked, before: passcode.OutcomeDemands, after: passcode.OutcomeDemands, code: passcode.CauseLockedOn, level: passcode.LevelAccount,
			change: func(t *testing.T, r *rig) {
				if err := r.sim.ChangeAccountSettings(t.Context(), accountDemo, zoomsim.Set(passcode.KeyPasscode.Path(), true)); err != nil {
					t.Fatal(err)
				}
				if err := r.sim.ChangeAccountLocks(t.Context(), accountDemo, zoomsim.Set(passcode.KeyPasscode.Path(), true)); err != nil {
					t.Fatal(err)
				}
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t)
			m := r.create(t, c.host)
			r.settled(t, m.ID, c.before)
			c.change(t, r)
			testenv.Until(t, "it is judged anew", func() bool {
				row, err := r.app.Store().Meeting(t.Context(), m.ID)
				return err == nil && row.DueAt.IsZero() && row.Outcome == c.after &&
					(c.code == "" || row.Reasons[0].Code == c.code && row.Reasons[0].Level == c.level)
			})
			if got := r.sim.Join(m.ID, "").Outcome == zoomsim.OutcomeJoinable; got != c.joinableNow {
				t.Errorf("joinable %t, want %t", got, c.joinableNow)
			}
			story, err := r.app.Store().Story(t.Context(), "", m.ID)
			if err != nil {
				t.Fatal(err)
			}
			if c.name != "the host leaves the group" && len(story.Changes) == 0 {
				t.Error("nobody wrote down who changed what")
			}
		})
	}
}

func TestHostJoinsAGroupThatLocks(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.create(t, hostOff)
	forecast := func(want string) {
		t.Helper()
		testenv.Until(t, "the forecast is: "+want, func() bool {
			h, err := r.app.Store().HostNamed(t.Context(), "", hostOff)
			return err == nil && strings.Contains(h.ForecastWhy, want)
		})
	}
	forecast("will not demand a passcode")
	if err := r.sim.AddGroupMember(t.Context(), groupStrict, hostOff); err != nil {
		t.Fatal(err)
	}
	forecast(`will demand a passcode, because "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is locked on by group`)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := r.jetStream(t).Stream(t.Context(), "LATCHKEY_ALERTS")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := s.GetLastMsgForSubject(t.Context(), "latchkey.alert."+accountDemo+"."+alert.Forecast)
	if err != nil || !strings.Contains(string(msg.Data), `"before": "The next scheduled or instant meeting will not demand`) {
		t.Errorf("forecast alert: %v %s", err, msg.Data)
	}
}

func TestMeetingLife(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	status := func(want passcode.Status) store.Meeting {
		t.Helper()
		var row store.Meeting
		testenv.Until(t, fmt.Sprintf("the meeting is %s", want), func() bool {
			var err error
			row, err = r.app.Store().Meeting(t.Context(), m.ID)
			return err == nil && row.Status == want && row.DueAt.IsZero()
		})
		return row
	}
	if err := r.sim.StartMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	row := status(passcode.StatusStarted)
	if !strings.Contains(row.Why, "a meeting in progress is left alone") {
		t.Errorf("why: %s", row.Why)
	}
	// What would otherwise be repaired is left alone while it runs.
	if err := r.sim.ChangeGroupLocks(t.Context(), groupStrict, zoomsim.Set(passcode.KeyPasscode.Path(), false)); err != nil {
		t.Fatal(err)
	}
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := r.calls("PATCH", m.ID); n != 0 {
		t.Errorf("%d PATCH of a running meeting", n)
	}
	if err := r.sim.EndMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is repaired once it is not running any more, or is over", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.DueAt.IsZero() && row.Status != passcode.StatusStarted
	})
	if err := r.sim.DeleteMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	status(passcode.StatusDeleted)
	if err := r.sim.RecoverMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	status(passcode.StatusScheduled)
}

func TestKnownPasscode(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret, fixed, file := filepath.Join(dir, "secret"), filepath.Join(dir, "fixed"), filepath.Join(dir, "latchkey.yaml")
	for path, content := range map[string]string{
		secret: "correct horse battery staple", fixed: "Fixed-7xQ",
		file: `policies:
  - {host: "` + hostLocked + `", policy: known-passcode, source: derived, secret: {file: ` + secret + `}}
  - {host: "` + hostOn + `", policy: known-passcode, source: fixed, passcode: {file: ` + fixed + `}}
`} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := newRunningRig(t, "LATCHKEY_CONFIG="+file)
	locked, on := r.create(t, hostLocked), r.create(t, hostOn)
	derived, err := passcode.Derive("correct horse battery staple", locked.ID, passcode.Requirement{})
	if err != nil {
		t.Fatal(err)
	}
	for m, want := range map[zoomsim.Meeting]string{locked: derived, on: "Fixed-7xQ"} {
		testenv.Until(t, "the passcode is set", func() bool { return r.sim.Join(m.ID, want).Result == "waiting_room" })
		row := r.settled(t, m.ID, passcode.OutcomeDemands)
		if row.Remedy != passcode.RemedyNone || !strings.Contains(row.Why, "it is the passcode that the policy sets") {
			t.Errorf("%s: %s", row.Remedy, row.Why)
		}
		p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID)
		if err != nil || p.Value.Reveal() != want || p.Source != store.PasscodeOfOurs {
			t.Errorf("the passcode is recorded as %s's (%v)", p.Source, err)
		}
		repairs := r.repairs(t, m.ID)
		if len(repairs) != 1 || repairs[0].Remedy != passcode.RemedySet || repairs[0].Result != store.RepairHeld {
			t.Errorf("repairs %+v", repairs)
		}
		r.touch(t, m.ID)
		if n := r.calls("PATCH", m.ID); n != 1 {
			t.Errorf("%d PATCH, want 1", n)
		}
		if strings.Contains(r.log.String(), want) {
			t.Error("the log holds the passcode")
		}
	}
}

func TestAlignHostsOnceAndUndo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "latchkey.yaml")
	if err := os.WriteFile(file, []byte("policies:\n  - {policy: waiting-room, align_hosts: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := newRunningRig(t, "LATCHKEY_CONFIG="+file)
	first := r.create(t, hostOn)
	r.settled(t, first.ID, passcode.OutcomeJoinable)
	var h store.Host
	testenv.Until(t, "the host's setting is turned off at the source", func() bool {
		var err error
		h, err = r.app.Store().HostNamed(t.Context(), "", hostOn)
		return err == nil && strings.Contains(h.ForecastWhy, "will not demand a passcode")
	})
	if next := r.create(t, hostOn); next.Passcode != "" {
		t.Error("the next meeting has a passcode all the same")
	}
	aligned := func() []store.Alignment {
		t.Helper()
		a, err := r.app.Store().Alignments(t.Context(), r.sim.Credentials("").AccountID, h.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	if a := aligned(); len(a) != 1 || a[0].Result != store.AlignmentHeld || a[0].Before != passcode.On || a[0].Setting != passcode.KeyPasscode.Path() {
		t.Errorf("alignments %+v", a)
	}

	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	api, _ := app.ZoomFor(cfg, accountDemo)
	defer api.Close()
	undone, err := admin.UndoAlignments(t.Context(), r.app.Store(), api, h.AccountID, h.ID)
	if err != nil || len(undone) != 1 {
		t.Fatalf("undone %+v, %v", undone, err)
	}
	// The host wants it on: it is not turned off a second time.
	testenv.Until(t, "the forecast follows", func() bool {
		h, err := r.app.Store().HostNamed(t.Context(), "", hostOn)
		return err == nil && strings.Contains(h.ForecastWhy, "will demand a passcode, because \"Require a passcode")
	})
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a := aligned(); len(a) != 1 || a[0].Result != store.AlignmentUndone {
		t.Errorf("alignments %+v", a)
	}
	// A group's lock is not the host's own setting: never aligned.
	locked := r.create(t, hostLocked)
	r.settled(t, locked.ID, passcode.OutcomeDemands)
	if h, err := r.app.Store().HostNamed(t.Context(), "", hostLocked); err == nil {
		if a, _ := r.app.Store().Alignments(t.Context(), r.sim.Credentials("").AccountID, h.ID); len(a) != 0 {
			t.Errorf("alignments of a locked setting: %+v", a)
		}
	}
}
