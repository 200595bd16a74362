package app_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoom"
	"latchkey/internal/zoomsim"
)

// alerts counts the alerts on the bus by type.
func (r *rig) alerts(t *testing.T) map[string]int {
	t.Helper()
	s, err := r.jetStream(t).Stream(t.Context(), "LATCHKEY_ALERTS")
	if err != nil {
		t.Fatal(err)
	}
	info, err := s.Info(t.Context(), jetstream.WithSubjectFilter("latchkey.alert.>"))
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for subject, count := range info.State.Subjects {
		_, kind, _ := strings.Cut(strings.TrimPrefix(subject, "latchkey.alert."), ".")
		n[kind] += int(count)
	}
	return n
}

// TestAScopeThatIsAddedLater: without it nothing is changed, one alert says so,
// and after it was added a start of latchkey repairs what waited.
func TestAScopeThatIsAddedLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	const scope = "meeting:update:meeting:admin"
	if err := r.sim.RevokeScopes("", scope); err != nil {
		t.Fatal(err)
	}
	var stop func()
	r.app, stop = r.startForAWhile(t, true, true)
	first, second := r.create(t, hostOn), r.create(t, hostOn)
	waits := func(id int64) bool {
		m, err := r.app.Store().Meeting(t.Context(), id)
		return err == nil && m.WaitingFor == zoom.CallPatchMeeting
	}
	testenv.Until(t, "both wait for the scope", func() bool { return waits(first.ID) && waits(second.ID) })
	testenv.Until(t, "it was said once", func() bool { return r.alerts(t)[alert.AccountTrouble] == 1 })
	if n := r.alerts(t)[alert.Unfixable]; n != 0 {
		t.Errorf("%d alerts say that a meeting is unfixable: it is our set-up", n)
	}
	story, err := r.app.Store().Story(t.Context(), "", first.ID)
	if err != nil || len(story.Troubles) != 1 || story.Troubles[0].Kind != string(zoom.KindScope) {
		t.Errorf("explain shows %+v, %v", story.Troubles, err)
	}
	if err := r.sim.GrantScopes("", scope); err != nil {
		t.Fatal(err)
	}
	stop()
	r.app = r.start(t, true, true)
	for _, id := range []int64{first.ID, second.ID} {
		r.settled(t, id, passcode.OutcomeJoinable)
	}
	if troubles, err := r.app.Store().Troubles(t.Context(), ""); err != nil || len(troubles) != 0 {
		t.Errorf("troubles %+v, %v", troubles, err)
	}
}

// TestAnotherPolicyAtTheNextStart: what was only observed is repaired.
func TestAnotherPolicyAtTheNextStart(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_POLICY=observe")
	var stop func()
	r.app, stop = r.startForAWhile(t, true, true)
	m := r.create(t, hostOn)
	if row := r.settled(t, m.ID, passcode.OutcomeDemands); row.Would != passcode.RemedyClear || !strings.Contains(row.Why, "policy waiting-room would remove it") {
		t.Errorf("would %s: %s", row.Would, row.Why)
	}
	stop()
	r.environ = slices.DeleteFunc(r.environ, func(e string) bool { return e == "LATCHKEY_POLICY=observe" })
	r.app = r.start(t, true, true)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
}

// TestATypoInTheAccount: events of an account that is not guarded are recorded
// and said, and so is that the credentials do not fit.
func TestATypoInTheAccount(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	account := r.sim.Credentials("").AccountID
	for i, e := range r.environ {
		if e == "ZOOM_ACCOUNT_ID="+account {
			r.environ[i] = "ZOOM_ACCOUNT_ID=typo"
		}
	}
	r.app = r.start(t, true, true)
	r.create(t, hostOn)
	r.create(t, hostOn)
	var troubles []store.Trouble
	testenv.Until(t, "both are said", func() (ok bool) {
		var err error
		troubles, err = r.app.Store().Troubles(t.Context(), "")
		return err == nil && len(troubles) == 2
	})
	said := map[string]string{}
	for _, x := range troubles {
		said[x.AccountID] = x.Kind
	}
	if said["typo"] != string(zoom.KindUnauthorized) || said[account] != "not_guarded" {
		t.Errorf("troubles %+v", troubles)
	}
	testenv.Until(t, "each in one alert", func() bool { return r.alerts(t)[alert.AccountTrouble] == 2 })
}

// TestWhoeverStoredThePasscodeHears: a passcode that becomes another one is told.
func TestWhoeverStoredThePasscodeHears(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	ctx := zoomsim.As(t.Context(), "eve@demo.example")
	if err := r.sim.UpdateMeeting(ctx, m.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode("Other-77")}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the new passcode is known", func() bool {
		p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID)
		return err == nil && p.Value.Reveal() == "Other-77"
	})
	testenv.Until(t, "it was told", func() bool { return r.alerts(t)[alert.PasscodeChanged] == 1 })
	story, err := r.app.Store().Story(t.Context(), "", m.ID)
	if err != nil || len(story.Rotated) != 1 || story.Rotated[0].Operator != "eve@demo.example" {
		t.Errorf("%+v, %v", story.Rotated, err)
	}
	if strings.Contains(r.log.String(), "Other-77") {
		t.Error("the log holds the passcode")
	}
}

// TestSomebodyUnticksTheWaitingRoom of a meeting that latchkey stripped: it goes
// on again, and an alert of its own says so.
func TestSomebodyUnticksTheWaitingRoom(t *testing.T) {
	t.Parallel()
	// So many licences that Zoom does not insist on a security option.
	account := zoomsim.ScenarioAccount{ID: "acc", Plan: zoomsim.PlanBusiness, Licences: 500, Hosts: []zoomsim.ScenarioHost{{Email: "one@big.example"}, {Email: "two@big.example"}}}
	r := newScenarioRig(t, zoomsim.Options{Seed: 5, Scenario: zoomsim.Scenario{Accounts: []zoomsim.ScenarioAccount{account}}},
		"DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	if err := r.sim.ChangeUserSettings(t.Context(), "one@big.example", zoomsim.Set(passcode.KeyAutoSecurity.Path(), false)); err != nil {
		t.Fatal(err)
	}
	m, err := r.sim.CreateMeeting(t.Context(), "one@big.example", zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
		Password: zoomsim.WithPasscode("Abc123"), CreationSource: "open_api"})
	if err != nil {
		t.Fatal(err)
	}
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	no := false
	if err := r.sim.UpdateMeeting(zoomsim.As(t.Context(), "plugin@demo.example"), m.ID, zoomsim.MeetingRequest{Settings: zoomsim.MeetingSettings{WaitingRoom: &no}}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it was told that it was open", func() bool { return r.alerts(t)[alert.Open] == 1 })
	testenv.Until(t, "it is secured again", func() bool { return !r.sim.Join(m.ID, "").Unsecured })
	if got := r.sim.Join(m.ID, ""); !got.WaitingRoom {
		t.Errorf("a joiner meets %+v", got)
	}
}

// TestAListingBringsMeetingsBack: deleted and recovered without an event; the sweep
// lists it.
func TestAListingBringsMeetingsBack(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t, "LATCHKEY_SWEEP=2s")
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if err := r.sim.DeleteMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is gone", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.Outcome == passcode.OutcomeGone && row.DueAt.IsZero()
	})
	r.sim.SetWebhookURL("") // Zoom drops the event
	if err := r.sim.RecoverMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	r.settled(t, m.ID, passcode.OutcomeDemands)
}
