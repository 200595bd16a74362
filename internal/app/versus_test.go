package app_test

import (
	"strings"
	"testing"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/zoomsim"
)

// TestTwoMeetingsMadeAlike: the very question that started it. Two meetings made by
// the same call: why does one ask for a passcode and the other not?
func TestTwoMeetingsMadeAlike(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	yes := true
	alike := zoomsim.MeetingSettings{WaitingRoom: &yes}
	locked, free, set := r.createWith(t, hostLocked, alike), r.createWith(t, hostOff, alike), r.createWith(t, hostOn, alike)
	r.settled(t, locked.ID, passcode.OutcomeDemands)
	r.settled(t, free.ID, passcode.OutcomeJoinable)
	r.settled(t, set.ID, passcode.OutcomeJoinable)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := r.app.Store()
	side := func(m zoomsim.Meeting) passcode.Side { return must(admin.MeetingSide(t.Context(), s, "", m.ID)) }
	host := func(name string) passcode.Side { return must(admin.HostSide(t.Context(), s, "", name)) }
	for name, c := range map[string]struct {
		a, b passcode.Side
		says []string
	}{
		"locked on and off":   {side(locked), side(free), []string{`is locked on by group "strict"; meeting `, `is off and not on, locked by group "strict".`}},
		"off and repaired":    {side(free), side(set), []string{"asked for a passcode until latchkey removed it, because", "is off and not on."}},
		"locked and repaired": {side(locked), side(set), []string{`asks for a passcode because`, `got one because`, "is on for the host"}},
		"the hosts":           {host(hostOff), host(hostLocked), []string{"The next meeting of " + hostLocked + " will ask for a passcode because", " will not: there, ", "is off and not on, locked by"}},
	} {
		c := struct {
			passcode.Comparison
			says []string
		}{passcode.Versus(c.a, c.b), c.says}
		for _, s := range c.says {
			if !strings.Contains(c.Sentence, s) {
				t.Errorf("%s: %q does not hold %q", name, c.Sentence, s)
			}
		}
	}
}
