package app_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestSoak runs everything against a Zoom with every malice on, in both worlds that
// Zoom's documents leave open, then lets peace
// return and holds the end state to the guarantees. SOAK_SEED repeats a run, as
// far as concurrency allows.
func TestSoak(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("SOAK_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("SOAK_SEED=%d", seed)
	for _, docs := range []zoomsim.Documents{zoomsim.Documents2025, zoomsim.Documents2020} {
		t.Run(fmt.Sprint("documents ", docs), func(t *testing.T) {
			t.Parallel()
			soak(t, seed, docs)
		})
	}
}

func soak(t *testing.T, seed uint64, docs zoomsim.Documents) {
	r := newScenarioRig(t, zoomsim.Options{Seed: seed, Documents: docs}, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_LEASE=2s", "LATCHKEY_SETTINGS_TTL=1s", "LATCHKEY_SWEEP=2s")
	stop := r.startReady(t)
	if err := r.sim.SetMalice(zoomsim.Malice{
		OverwritePatch: .03, NoEffect: .03, StaleRead: .05, SettingsFlip: .01, RatePerSecond: .03, RateDaily: .001, RateHost: .005,
		ServerError: .05, Slow: .05, Torn: .03, Dropped: .03, RevokeToken: .01, StringIDs: .2, UnknownFields: .3,
		WebhookDuplicate: .2, WebhookLate: .1, WebhookReorder: .1, WebhookLost: .1, WebhookOdd: .3,
		SlowFor: 50 * time.Millisecond, LateFor: 200 * time.Millisecond,
	}); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(seed, 1))
	hosts := []string{hostOff, hostOn, hostLocked}
	var made []zoomsim.Meeting
	yes := true
	for range 60 {
		switch rnd.IntN(6) {
		case 0:
			_ = r.sim.ChangeUserSettings(t.Context(), hosts[rnd.IntN(2)], zoomsim.Set(passcode.KeyScheduled.Path(), rnd.IntN(2) == 0))
		case 1:
			_ = r.sim.ChangeGroupLocks(t.Context(), groupStrict, zoomsim.Set(passcode.KeyPasscode.Path(), rnd.IntN(2) == 0))
		case 2:
			if len(made) > 0 {
				m := made[rnd.IntN(len(made))]
				_ = r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Topic: fmt.Sprint("topic ", rnd.IntN(100))})
			}
		default:
			// By turns the call that Zoom's documents disagree about, and one that names nothing.
			made = append(made, r.createWith(t, hosts[rnd.IntN(3)], zoomsim.MeetingSettings{WaitingRoom: []*bool{nil, &yes}[rnd.IntN(2)]}))
		}
		if err := r.sim.WaitDeliveries(t.Context()); err != nil {
			t.Fatal(err)
		}
		if rnd.IntN(20) == 0 {
			stop() // whatever it is doing
			stop = r.startReady(t)
		}
	}
	// It is left alone with the malice for a while; whether it gets quiet or not.
	alone, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	_ = r.app.WaitQuiet(alone)
	cancel()
	stop()

	// Peace, and the next UTC day: what was put off until midnight is due.
	if err := r.sim.SetMalice(zoomsim.Malice{}); err != nil {
		t.Fatal(err)
	}
	midnight(t, r)
	// Not swept all the time, and with leases that a machine under load can keep.
	r.environ = append(r.environ, "LATCHKEY_LEASE=15s", "LATCHKEY_SWEEP=10s")
	r.app = r.start(t, true, true)
	r.sim.RetryNow()
	var problems []string
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("left: %v", problems)
		}
	})
	testenv.Until(t, "the end state satisfies the guarantees", func() bool {
		problems = r.endState(t)
		return len(problems) == 0
	})
	t.Logf("%d meetings, %d calls", len(r.sim.Meetings()), len(r.sim.Requests()))
}

// startReady starts latchkey and waits until it is ready.
func (r *rig) startReady(t *testing.T) (stop func()) {
	t.Helper()
	r.app, stop = r.startForAWhile(t, true, true)
	if err := r.app.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	return stop
}

// midnight makes due what waits for it.
func midnight(t *testing.T, r *rig) {
	t.Helper()
	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	testenv.Exec(t, cfg.DatabaseURL, `UPDATE hosts SET held_until = now(), due_at = least(due_at, now())`)
	testenv.Exec(t, cfg.DatabaseURL, `UPDATE meetings SET due_at = least(due_at, now())`)
	testenv.Exec(t, cfg.DatabaseURL, `UPDATE call_limits SET held_until = NULL, held_for = '', used = 0`)
	testenv.Exec(t, cfg.DatabaseURL, `DELETE FROM host_days`)
}

// endState lists what of the guarantees does not hold.
func (r *rig) endState(t *testing.T) []string {
	var problems []string
	note := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	for _, m := range r.sim.Meetings() {
		if m.Deleted {
			continue
		}
		join := r.sim.Join(m.ID, "")
		if join.Unsecured {
			note("meeting %d is open to anyone", m.ID)
		}
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		if err != nil {
			note("meeting %d: %v", m.ID, err)
			continue
		}
		if (m.Passcode != "") != (row.Passcode == passcode.On) || row.WaitingRoom != passcode.Unknown && m.WaitingRoom != (row.WaitingRoom == passcode.On) {
			note("meeting %d: the record says passcode %s, waiting room %s; Zoom %t, %t", m.ID, row.Passcode, row.WaitingRoom, m.Passcode != "", m.WaitingRoom)
		}
		if join.Outcome != string(row.Outcome) {
			note("meeting %d: the verdict is %q, a joiner meets %s", m.ID, row.Outcome, join.Outcome)
		}
		if p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); m.Passcode != "" && (err != nil || p.Value.Reveal() != m.Passcode) {
			note("meeting %d: the passcode that is known is not Zoom's", m.ID)
		}
		if row.Outcome == passcode.OutcomeDemands && !explained(row) {
			note("meeting %d (%s) demands a passcode and could be repaired: %s %s", m.ID, m.HostEmail, row.Remedy, row.Why)
		}
	}
	return problems
}

// explained says whether a rule forbids to repair the meeting.
func explained(row store.Meeting) bool {
	return slices.ContainsFunc(row.Reasons, func(r passcode.Reason) bool {
		switch r.Code {
		case passcode.CauseLockedOn, passcode.BlockContested, passcode.BlockOverwritten, passcode.BlockRefused, passcode.BlockDailyLimit, passcode.BlockContradict:
			return true
		}
		return false
	})
}
