package app_test

import (
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

const neverHeardOf = 81000000003 // of on@demo.example, with a passcode

// A user whom no event mentioned, and their meetings, are found by the sweep.
func TestTheSweepFindsUsersNobodyMentioned(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t, "LATCHKEY_SWEEP=2s")
	r.settled(t, neverHeardOf, passcode.OutcomeJoinable)
	if n := r.calls("PATCH", neverHeardOf); n != 1 {
		t.Errorf("%d PATCH", n)
	}
}

// The first run on an account that has meetings: a sweep that is asked for finds them all,
// changes none while the policy is to observe, and what it found says whose setting it is.
// With another policy they are repaired without another sweep. One worker is stopped half
// way; another goes on.
func TestASweepThatIsAskedForFindsAnExistingAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_POLICY=observe")
	first, stop := r.startForAWhile(t, false, true)
	account := r.sim.Credentials("").AccountID
	round, _, err := first.Store().AskSweep(t.Context(), account, passcode.LevelAccount, account)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	second, stop := r.startForAWhile(t, false, true)
	r.app = second
	progress := func() store.Progress {
		t.Helper()
		p, err := second.Store().RoundProgress(t.Context(), round.ID)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	testenv.Until(t, "the sweep is done", func() bool { return !progress().EndedAt.IsZero() })
	if p := progress(); p.UsersAt.IsZero() || p.UsersWhy != "" || p.Hosts < 3 || p.Stopped {
		t.Errorf("%+v", p)
	}
	r.settled(t, neverHeardOf, passcode.OutcomeDemands)
	for _, q := range r.sim.Requests() {
		if q.Method == "PATCH" {
			t.Errorf("policy observe, and %s %s", q.Method, q.Path)
		}
	}
	risks, upcoming, err := second.Store().MeetingsAtRisk(t.Context(), account)
	if err != nil || upcoming < 3 || len(risks) == 0 {
		t.Fatalf("%d upcoming, %+v, %v", upcoming, risks, err)
	}
	for _, k := range risks {
		if k.Outcome != passcode.OutcomeDemands || !k.Observed || k.Reason.WhoCanChange() == "" {
			t.Errorf("%+v", k)
		}
	}
	stop()
	before := r.calls("GET", neverHeardOf)
	r.environ = append(r.environ, "LATCHKEY_POLICY=waiting-room")
	r.app = r.start(t, false, true)
	r.settled(t, neverHeardOf, passcode.OutcomeJoinable)
	if n := r.calls("GET", neverHeardOf) - before; n > 2 {
		t.Errorf("%d GET for the policy's change", n)
	}
}

// What cannot be listed is said, and the hosts that are known are swept all the same.
func TestASweepWithoutTheRightToListUsers(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	account := r.sim.Credentials("").AccountID
	if err := r.sim.RevokeScopes(account, "user:read:list_users:admin"); err != nil {
		t.Fatal(err)
	}
	r.app = r.start(t, true, true)
	r.settled(t, r.create(t, hostOff).ID, passcode.OutcomeJoinable)
	round, _, err := r.app.Store().AskSweep(t.Context(), account, passcode.LevelAccount, account)
	if err != nil {
		t.Fatal(err)
	}
	var p store.Progress
	testenv.Until(t, "the sweep is done", func() bool {
		p, err = r.app.Store().RoundProgress(t.Context(), round.ID)
		return err == nil && !p.EndedAt.IsZero()
	})
	if p.UsersWhy == "" || p.Hosts < 1 {
		t.Errorf("%+v", p)
	}
}
