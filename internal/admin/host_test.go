package admin

import (
	"errors"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/probe"
	"latchkey/internal/store"
)

// TestHostSettings: a host's own values with the locks of their groups above.
func TestHostSettings(t *testing.T) {
	t.Parallel()
	s := office(t)
	for _, c := range []struct {
		name, account string
		lock          passcode.Toggle // on the waiting room, which is on
		by            string
	}{
		{name: "ben", lock: passcode.On, by: "k"},
		{name: "Anna@example.com", account: "acc", lock: passcode.Off},
	} {
		h, settings, err := HostSettings(t.Context(), s, c.account, c.name)
		if err != nil {
			t.Fatal(err)
		}
		room := settings.Settings[passcode.KeyWaitingRoom]
		if h.AccountID != "acc" || settings.Plan != passcode.PlanPaid || room.Value != passcode.On || room.Lock != c.lock || room.LockedBy != c.by {
			t.Errorf("%s: plan %q, waiting room %+v; want it on, lock %s by %q", c.name, settings.Plan, room, c.lock, c.by)
		}
	}
	if err := s.SaveProbes(t.Context(), "acc", []store.Probe{{Question: probe.EmptyPasscode, Answer: probe.Yes}}, passcode.DocumentsOpen); err != nil {
		t.Fatal(err)
	}
	if _, settings, err := HostSettings(t.Context(), s, "", "ben"); err != nil || settings.EmptyPasscode != passcode.On {
		t.Errorf("an empty passcode, seen to get one: %v, %v", settings.EmptyPasscode, err)
	}
	for _, c := range [][2]string{{"", "nobody"}, {"other", "ben"}, {"", ""}} {
		var unknown *UnknownHostError
		if _, _, err := HostSettings(t.Context(), s, c[0], c[1]); !errors.As(err, &unknown) {
			t.Errorf("host %q of account %q: %v, want an UnknownHostError", c[1], c[0], err)
		}
	}
}
