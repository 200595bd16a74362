package app_test

import (
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// TestPeopleAndGroupsThatGo: a user who is switched off and on again, and a group
// that is deleted with its lock.
func TestPeopleAndGroupsThatGo(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	locked := r.create(t, hostLocked)
	r.create(t, hostOn)
	r.settled(t, locked.ID, passcode.OutcomeDemands)
	forecast := func(host, want string) {
		t.Helper()
		testenv.Until(t, host+": "+want, func() bool {
			h, err := r.app.Store().HostNamed(t.Context(), "", host)
			return err == nil && strings.Contains(h.ForecastWhy, want)
		})
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	forecast(hostOn, "will demand a passcode")
	do(r.sim.DeactivateUser(t.Context(), hostOn))
	forecast(hostOn, "cannot host meetings any more")
	do(r.sim.ActivateUser(t.Context(), hostOn))
	forecast(hostOn, "will demand a passcode")

	do(r.sim.DeleteGroup(t.Context(), groupStrict))
	r.settled(t, locked.ID, passcode.OutcomeJoinable)
	forecast(hostLocked, "will not demand a passcode")
	do(r.sim.DisassociateUser(t.Context(), hostLocked))
	forecast(hostLocked, "cannot host meetings any more")
}

// TestConversions: a meeting that became a webinar is left alone, and is guarded
// again once it is a meeting.
func TestConversions(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if err := r.sim.ConvertToWebinar(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	row := r.settled(t, m.ID, passcode.OutcomeUnknown)
	if !row.Type.IsWebinar() || !strings.Contains(row.Why, "it is a webinar, which latchkey leaves alone") {
		t.Errorf("type %d: %s", row.Type, row.Why)
	}
	if err := r.sim.ConvertToMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	r.settled(t, m.ID, passcode.OutcomeDemands)
}
