package reconcile

import (
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// TestAHoldLeavesNothingHalfDone: a hold arrives while a removal is on its way, and
// the removal leaves the meeting open. To put that right is part of it, also for
// whoever finishes it after a worker's death.
func TestAHoldLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	for name, die := range map[string]bool{"in the same check": false, "by another worker": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{}
			w, url := patient(t, s)
			opens := reply{name: "opens, and meanwhile somebody holds everything", die: die, do: func(m *zoom.Meeting, _ zoom.MeetingPatch) {
				off := false
				m.Password, m.EncryptedPassword, m.Settings.WaitingRoom = "", "", &off
				run(t, url, `INSERT INTO holds (kind, reason, held_by) VALUES ('all', 'why', 'ada')`)
			}}
			s.patches = []reply{opens}
			checkNow(t, w, url)
			if die {
				checkNow(t, w, url)
			}
			m, repairs := meetingOf(t, w)
			if m.Outcome == passcode.OutcomeUnsecured || m.Passcode != passcode.On && m.WaitingRoom != passcode.On {
				t.Errorf("left open: %s %q, %+v", m.Outcome, m.Why, repairs)
			}
			// What is not half done is left as it is.
			before := len(repairs)
			s.m.Password = "again-1"
			run(t, url, `UPDATE meetings SET must_read = true`)
			checkNow(t, w, url)
			if m, repairs := meetingOf(t, w); len(repairs) != before || !hasBlock(m, passcode.BlockHeld) {
				t.Errorf("held, and %d repairs, %q", len(repairs)-before, m.Why)
			}
		})
	}
}

func hasBlock(m store.Meeting, code passcode.Code) bool {
	return passcode.Verdict{Reasons: m.Reasons}.Has(code)
}
