package reconcile

import (
	"strings"
	"testing"
)

// TestWhoPutItOnOutlastsARepair: latchkey removed a passcode that bob had put on, the
// waiting room went off, and latchkey put that passcode back: bob had set it, and
// no setting.
func TestWhoPutItOnOutlastsARepair(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	s.m.Password, s.m.EncryptedPassword, s.m.Source = "", "", "open_api"
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); m.SeenWithout.IsZero() {
		t.Fatal("not noted when it was seen without a passcode")
	}
	s.m.Password = "old-1"
	run(t, url, `UPDATE meetings SET must_read = true, set_by = 'bob@x', set_at = now()`)
	checkNow(t, w, url)
	const bob = "because bob@x put one on the meeting after "
	if _, repairs := meetingOf(t, w); len(repairs) != 1 || !strings.Contains(repairs[0].Why, bob) {
		t.Fatalf("removed: %+v", repairs)
	}
	off := false
	s.m.Settings.WaitingRoom = &off
	s.patches = []reply{yesAndNothing} // the waiting room stays off, so that the passcode goes back on
	run(t, url, `UPDATE meetings SET must_read = true`)
	checkNow(t, w, url)
	m, repairs := meetingOf(t, w)
	if last := repairs[len(repairs)-1]; last.AskedPasscode != "on" || !strings.Contains(m.Why, bob) || m.SetBy != "bob@x" {
		t.Errorf("after %s %s, asked %s: %q, set by %q", last.Remedy, last.Result, last.AskedPasscode, m.Why, m.SetBy)
	}
	// Somebody else puts one on after a removal: no longer bob.
	on := true
	s.m.Settings.WaitingRoom = &on
	run(t, url, `DELETE FROM repairs`)
	run(t, url, `UPDATE meetings SET must_read = true`)
	checkNow(t, w, url)
	s.m.Password = "other-2"
	run(t, url, `UPDATE meetings SET must_read = true`)
	checkNow(t, w, url)
	if _, repairs := meetingOf(t, w); !strings.Contains(repairs[len(repairs)-1].Why, "because somebody put one on the meeting after ") {
		t.Errorf("after another one: %q", repairs[len(repairs)-1].Why)
	}
}
