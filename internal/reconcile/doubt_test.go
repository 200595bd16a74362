package reconcile

import (
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// A change that Zoom did not keep has settings read again that were read long ago: the
// account locked the passcode meanwhile, and the event about it was lost. What was read a
// moment ago is not read again.
func TestSettingsAreDoubtedWhereZoomDoesOtherwise(t *testing.T) {
	t.Parallel()
	for name, minutes := range map[string]int{"read an hour ago": 60, "read a minute ago": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{}
			w, url := patient(t, s)
			checkNow(t, w, url)
			s.m.Password, s.m.EncryptedPassword = "again-1", "x" // somebody puts one on
			locked := unlocked()
			locked.Values[passcode.KeyPasscode] = passcode.On
			s.fakeZoom.mu.Lock()
			s.accountLocks = &zoom.Settings{Values: locked.Values}
			s.fakeZoom.mu.Unlock()
			s.patches = []reply{yesAndNothing}
			run(t, url, `UPDATE meetings SET must_read = true, due_at = now(), generation = generation + 1`)
			for _, table := range []string{"hosts", "accounts", "groups"} {
				if minutes > 5 {
					run(t, url, `UPDATE `+table+` SET read_at = read_at - interval '1 hour'`)
				}
			}
			before, users := s.times("GetUserSettings"), s.times("GetUser")
			checkNow(t, w, url)
			m, repairs := meetingOf(t, w)
			last := repairs[len(repairs)-1]
			if last.Result != store.RepairOverwritten || len(s.asked) != 2 {
				t.Fatalf("%+v, %d changes", last, len(s.asked))
			}
			doubted := minutes > 5
			if n := s.times("GetUserSettings") - before; n != map[bool]int{true: 1, false: 0}[doubted] {
				t.Errorf("settings were read %d times", n)
			}
			if n := s.times("GetUser") - users; n != map[bool]int{true: 1, false: 0}[doubted] {
				t.Errorf("which groups the host is in was read %d times", n)
			}
			if isLocked := m.Reasons[0].Code == passcode.CauseLockedOn; isLocked != doubted {
				t.Errorf("why: %s", m.Why)
			}
		})
	}
}
