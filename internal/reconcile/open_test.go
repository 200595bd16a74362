package reconcile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// TestThePasscodeThatGoesBackIsTheOldOne: not another, and not one that was
// guessed.
func TestThePasscodeThatGoesBackIsTheOldOne(t *testing.T) {
	t.Parallel()
	s := &scripted{patches: []reply{yesButOpen}}
	w, url := patient(t, s)
	checkNow(t, w, url)
	if len(s.asked) != 2 || s.asked[1].Password == nil || s.asked[1].Password.Reveal() != "old-1" || s.m.Password.Reveal() != "old-1" {
		t.Errorf("asked for %d changes, and the meeting has another passcode than before", len(s.asked))
	}
	if p, err := w.o.Store.Passcode(t.Context(), "acc", meetingID); err != nil || p.Value.Reveal() != "old-1" {
		t.Errorf("the known passcode: %v", err)
	}
}

// TestWhatIsNotKnownIsNotTakenForNone: when the database cannot say what the
// passcode was, nothing is removed.
func TestWhatIsNotKnownIsNotTakenForNone(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	// Read before, so that this check need not read the meeting.
	run(t, url, `UPDATE meetings SET must_read = false, passcode = 'on', passcode_readable = true, waiting_room = 'on', authentication = 'off'`)
	run(t, url, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) SELECT account_id, meeting_id, 'old-1', 'zoom', now() FROM meetings`)
	run(t, url, `ALTER TABLE passcodes RENAME TO passcodes_elsewhere`)
	checkNow(t, w, url)
	m, repairs := meetingOf(t, w)
	if len(s.asked) != 0 || len(repairs) != 0 || m.LastError == "" || m.DueAt.IsZero() {
		t.Errorf("%d changes, %d repairs, error %q, due %v: want it put off with the error", len(s.asked), len(repairs), m.LastError, m.DueAt)
	}
	run(t, url, `ALTER TABLE passcodes_elsewhere RENAME TO passcodes`)
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); m.Outcome != passcode.OutcomeJoinable || m.LastError != "" {
		t.Errorf("%s: %s", m.Outcome, m.LastError)
	}
}

// TestAPasscodeThatIsNotAtHandIsNotRemoved: the row says that it is known, and
// it is not.
func TestAPasscodeThatIsNotAtHandIsNotRemoved(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	run(t, url, `UPDATE meetings SET must_read = false, passcode = 'on', passcode_readable = true, waiting_room = 'on', authentication = 'off'`)
	checkNow(t, w, url)
	if m, repairs := meetingOf(t, w); len(s.asked) != 0 || len(repairs) != 0 || m.Outcome != passcode.OutcomeDemands {
		t.Errorf("%d changes, %d repairs; %s: %s", len(s.asked), len(repairs), m.Outcome, m.Why)
	}
}

// TestSomebodyOpensWhatWeStripped: the promise does not end at the read-back.
func TestSomebodyOpensWhatWeStripped(t *testing.T) {
	t.Parallel()
	off := false
	for name, c := range map[string]struct {
		patches []reply
		by      string // waiting room or passcode
	}{
		"the waiting room goes on again":                       {nil, "waiting room"},
		"that is answered yes and not done: the passcode back": {[]reply{yesAndNothing}, "passcode"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{}
			w, url := patient(t, s)
			checkNow(t, w, url)
			if got := alertsOf(t, w); !slices.Equal(got, []string{alert.Repaired}) {
				t.Fatalf("alerts %v", got)
			}
			s.m.Settings.WaitingRoom = &off // a plugin, a person
			s.patches = c.patches
			run(t, url, `UPDATE meetings SET must_read = true`)
			checkNow(t, w, url)
			m, repairs := meetingOf(t, w)
			if isOpen(s.m) || repairs[len(repairs)-1].Remedy != passcode.RemedySecure || repairs[len(repairs)-1].Result != store.RepairHeld {
				t.Errorf("the meeting is open: %t; %s; repairs %+v", isOpen(s.m), m.Why, repairs)
			}
			if secured := map[bool]string{true: "waiting room", false: "passcode"}[isTrue(s.m.Settings.WaitingRoom)]; secured != c.by {
				t.Errorf("secured by the %s, want the %s", secured, c.by)
			}
			if got := alertsOf(t, w); len(got) == 0 || got[0] != alert.Open {
				t.Errorf("alerts %v", got)
			}
		})
	}
	t.Run("a meeting that latchkey never changed is shown and left", func(t *testing.T) {
		t.Parallel()
		s := &scripted{}
		w, url := patient(t, s)
		s.m.Password, s.m.EncryptedPassword, s.m.Settings.WaitingRoom = "", "", &off
		checkNow(t, w, url)
		m, _ := meetingOf(t, w)
		if m.Outcome != passcode.OutcomeUnsecured || len(s.asked) != 0 || len(alertsOf(t, w)) != 0 || !m.DueAt.IsZero() {
			t.Errorf("%s: %s, %d changes, due %v", m.Outcome, m.Why, len(s.asked), m.DueAt)
		}
	})
	t.Run("contested after three times", func(t *testing.T) {
		t.Parallel()
		s := &scripted{}
		w, url := patient(t, s)
		for range 5 {
			checkNow(t, w, url)
			s.m.Settings.WaitingRoom = &off
			run(t, url, `UPDATE meetings SET must_read = true`)
		}
		m, _ := meetingOf(t, w)
		if len(s.asked) != passcode.ContestedAfter || m.Outcome != passcode.OutcomeUnsecured || m.DueAt.IsZero() {
			t.Errorf("%d changes; %s, due %v: want that it stops after %d and says that the meeting is open", len(s.asked), m.Why, m.DueAt, passcode.ContestedAfter)
		}
	})
}

// TestNothingOpenIsCalledRepaired holds the promise whatever Zoom answers and
// wherever a worker dies: if the last state read has no security option, no
// repair of it held, nothing says repaired, the meeting is due soon, an alert of
// its own went out and explain says so first. And once Zoom answers truly, the
// meeting is not open because of us.
func TestNothingOpenIsCalledRepaired(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	fresh := s.m
	off := false
	patches := []reply{{}, {}, yesAndNothing, yesButOpen, yesButOpen, yesButAnother, lostAnswer,
		does("opens it, whatever was asked", func(m *zoom.Meeting, _ zoom.MeetingPatch) {
			m.Password, m.EncryptedPassword, m.Settings.WaitingRoom = "", "", &off
		}),
		says(zoom.KindServer, ""), says(zoom.KindTransport, ""), says(zoom.KindNotFound, "gone"), says(zoom.KindForbidden, "no"), says(zoom.KindScope, "scopes"),
		says(zoom.KindWebinar, "webinar"), says(zoom.KindBusy, "busy"), says(zoom.KindRefused, "no"), says(zoom.KindInvalid, "no"), says(zoom.KindHostDay, "100"),
		says(zoom.KindRateSecond, "slow"), says(zoom.KindUnauthorized, "token"), says(zoom.KindForeign, "html"),
		{name: "dies before Zoom hears of it", die: true}, {name: "dies after Zoom did it", do: obey, die: true}}
	gets := []reply{{}, {}, {}, {}, hidden, saysOnRead(zoom.KindServer), saysOnRead(zoom.KindNotFound), saysOnRead(zoom.KindTransport), saysOnRead(zoom.KindScope),
		saysOnRead(zoom.KindBadAnswer), saysOnRead(zoom.KindForeign), {name: "dies before it is read", die: true}}
	pick := func(t *rapid.T, label string, from []reply) (all []reply) {
		for range rapid.IntRange(0, 5).Draw(t, label+"s") {
			i := rapid.IntRange(0, len(from)-1).Draw(t, label)
			all = append(all, from[i])
		}
		return all
	}
	opened, checks := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		s.m, s.seen, s.asked = fresh, nil, nil
		run(t, url, `DELETE FROM repairs; DELETE FROM verdicts; DELETE FROM alerts; DELETE FROM passcodes; DELETE FROM account_calls`)
		run(t, url, `UPDATE meetings SET status = 'scheduled', type = 2, not_found = false, misses = 0, missing_since = NULL, must_read = true, passcode = 'unknown', stripped = false, alerted = '',
			outcome = NULL, remedy = NULL, signature = '', why = '', waiting_for = '', attempts = 0, last_error = ''`)
		run(t, url, `UPDATE hosts SET held_until = NULL`)
		for round := range rapid.IntRange(1, 4).Draw(rt, "rounds") {
			s.gets, s.patches, s.seen = pick(rt, "get", gets), pick(rt, "patch", patches), nil
			if rapid.Bool().Draw(rt, "the removal opens it") {
				s.patches = append([]reply{yesButOpen}, s.patches...)
			}
			if rapid.IntRange(0, 4).Draw(rt, "somebody opens it") == 0 && s.m.Password == "" {
				s.m.Settings.WaitingRoom = &off
			}
			run(t, url, `UPDATE meetings SET must_read = true`)
			checkNow(t, w, url)
			checks++
			m, repairs := meetingOf(t, w)
			if s.seen == nil || !isOpen(*s.seen) || m.Type.IsWebinar() || strings.HasPrefix(m.LastError, "panic") {
				continue // not read, not open, or the worker died: the next check is told
			}
			opened++
			if n := len(repairs); n > 0 && repairs[n-1].Result == store.RepairHeld && m.Stripped && repairs[n-1].EndedAt.After(m.ObservedAt) {
				rt.Fatalf("round %d: open, and the last repair is %s", round, repairs[n-1].Result)
			}
			if m.Stripped && (m.Outcome != passcode.OutcomeUnsecured || !strings.HasPrefix(m.Why, "The meeting is open to anybody")) {
				rt.Fatalf("round %d: open, and explain says %s: %s", round, m.Outcome, m.Why)
			}
			if m.Stripped && (m.DueAt.IsZero() || time.Until(m.DueAt) > 5*time.Minute && m.Remedy != passcode.RemedyDefer) {
				rt.Fatalf("round %d: open, and due %v (%s)", round, m.DueAt, m.DueWhy)
			}
			if m.Stripped && !strings.HasPrefix(m.Alerted, alert.Open+"|") {
				rt.Fatalf("round %d: open, and told %q", round, m.Alerted)
			}
		}
		// From here Zoom answers truly, the day is a new one, and nobody interferes.
		run(t, url, `UPDATE hosts SET held_until = NULL`)
		run(t, url, `UPDATE meetings SET must_read = true, type = 2 WHERE status = 'scheduled'`)
		run(t, url, `UPDATE repairs SET ended_at = ended_at - interval '2 days'`)
		s.gets, s.patches = nil, nil
		for range 4 {
			checkNow(t, w, url)
			checks++
		}
		m, _ := meetingOf(t, w)
		if m.Stripped && isOpen(s.m) && m.Status == passcode.StatusScheduled {
			rt.Fatalf("open in the end: %s (%s)", m.Why, m.LastError)
		}
	})
	t.Logf("%d checks, %d of them saw the meeting open", checks, opened)
	if opened == 0 {
		t.Error("no meeting was ever seen open: this test shows nothing")
	}
}
