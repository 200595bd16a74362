package reconcile

import (
	"strings"
	"testing"
)

// Twelve repairs of three weeks ago held and were undone; since then there was peace.
// Somebody opens the meeting today: it is secured, as it was before `contested` was counted
// for longer (README: "a meeting that somebody opens after it is secured again"). At least,
// the sentence does not say that it was undone three times within a day.
func TestAMeetingThatIsOpenedTodayIsSecuredWhateverHappenedWeeksAgo(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	checkNow(t, w, url) // removes the passcode, and it holds
	run(t, url, `UPDATE repairs SET ended_at = now() - interval '20 days', started_at = now() - interval '20 days'`)
	for range 11 {
		run(t, url, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, started_at, ended_at)
			SELECT account_id, meeting_id, host_id, 'clear', 'held', now() - interval '20 days', now() - interval '20 days' FROM meetings`)
	}
	off := false
	s.m.Settings.WaitingRoom = &off
	run(t, url, `UPDATE meetings SET must_read = true, due_at = now(), generation = generation + 1`)
	checkNow(t, w, url)
	m, _ := meetingOf(t, w)
	if isOpen(s.m) {
		t.Errorf("the meeting stays open to anybody: %s", m.Why)
	}
	if strings.Contains(m.Why, "3 times within a day") {
		t.Errorf("not so: %s", m.Why)
	}
}
