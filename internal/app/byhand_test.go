package app_test

import (
	"context"
	"errors"
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
	const sets = " put one on the meeting after "
	type step func(context.Context, *rig, int64) error
	put := func(who, value string) step {
		return func(ctx context.Context, r *rig, id int64) error {
			return r.sim.UpdateMeeting(zoomsim.As(ctx, who), id, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode(value)})
		}
	}
	edit := func(ctx context.Context, r *rig, id int64) error {
		return r.sim.UpdateMeeting(zoomsim.As(ctx, "carol@demo.example"), id, zoomsim.MeetingRequest{Topic: "Another"})
	}
	unheard := func(ctx context.Context, r *rig, id int64) error {
		r.sim.SetWebhookURL("")
		if err := put(bob, "byHand-1")(ctx, r, id); err != nil {
			return err
		}
		testenv.Exec(t, must(config.Load(r.environ, config.Both)).DatabaseURL, `UPDATE meetings SET must_read = true, due_at = now()`) // as the sweep does
		return nil
	}
	lock := func(on bool) step {
		return func(ctx context.Context, r *rig, _ int64) error {
			return r.sim.ChangeGroupLocks(zoomsim.As(ctx, "amy@demo.example"), groupStrict, zoomsim.Set(passcode.KeyPasscode.Path(), on))
		}
	}
	noRoom := func(ctx context.Context, r *rig, _ int64) error {
		return errors.Join(r.sim.ChangeAccountSettings(ctx, accountDemo, zoomsim.Set(passcode.KeyWaitingRoom.Path(), false)),
			r.sim.ChangeAccountLocks(ctx, accountDemo, zoomsim.Set(passcode.KeyWaitingRoom.Path(), true)))
	}
	for name, c := range map[string]struct {
		host   string
		policy string
		before step
		steps  []step
		says   string // of the repair under policy waiting-room, else of the meeting
	}{
		"the setting on":                          {host: hostOn, steps: []step{put(bob, "byHand-1")}, says: "because " + bob + sets},
		"the setting off":                         {host: hostOff, steps: []step{put(bob, "byHand-1")}, says: "because " + bob + sets},
		"the setting on, and nobody heard":        {host: hostOn, steps: []step{unheard}, says: "because somebody" + sets},
		"a lock that came and went":               {host: hostLocked, policy: "observe", before: lock(false), steps: []step{lock(true), edit, lock(false)}, says: `was locked on for group "strict" (amy@demo.example, `},
		"Zoom made it for want of another option": {host: hostOn, policy: "observe", steps: []step{noRoom, edit}, says: `"Waiting Room" is locked off, so Zoom made a passcode`},
		"it became another one since":             {host: hostOn, policy: "observe", steps: []step{put(bob, "byHand-1"), put("amy@demo.example", "byHand-2")}, says: "because " + bob + sets},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy := c.policy
			if policy == "" {
				policy = "waiting-room"
			}
			r := newRunningRig(t, "LATCHKEY_POLICY="+policy)
			if c.before != nil {
				if err := c.before(t.Context(), r, 0); err != nil {
					t.Fatal(err)
				}
				if err := r.app.WaitQuiet(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			no, yes := false, true
			m, err := r.sim.CreateMeeting(t.Context(), c.host, zoomsim.MeetingRequest{Topic: "Consultation", Type: 2, StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30,
				CreationSource: "open_api", DefaultPassword: &no, Settings: zoomsim.MeetingSettings{WaitingRoom: &yes}})
			if err != nil {
				t.Fatal(err)
			}
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			for _, do := range c.steps {
				if err := do(t.Context(), r, m.ID); err != nil {
					t.Fatal(err)
				}
				if err := r.app.WaitQuiet(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			last := ""
			says := func() bool {
				if c.policy != "" {
					last = must(r.app.Store().Meeting(t.Context(), m.ID)).Why
				} else if all := r.repairs(t, m.ID); len(all) == 1 && all[0].Result == store.RepairHeld {
					last = all[0].Why
				}
				return strings.Contains(last, c.says)
			}
			testenv.Until(t, "it is said why", func() bool { return says() || t.Context().Err() != nil })
		})
	}
}
