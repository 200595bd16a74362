package passcode

import (
	"strings"
	"testing"
	"time"
)

// TestVersus is the question that started it: two meetings made alike, why does
// one ask and the other not?
func TestVersus(t *testing.T) {
	t.Parallel()
	side := func(name string, asks Toggle, change func(*Facts)) Side {
		f := demanding(change)
		s := Side{Name: name, Facts: f, Asks: asks}
		if asks == On {
			s.Why = Evaluate(f, Policy{Mode: ModeObserve}, now).Reasons
		}
		return s
	}
	locked := func(f *Facts) { f.Host.Settings[KeyPasscode] = onLocked(LevelGroup, "Strict") }
	setOn := func(f *Facts) { f.Host.Settings[KeyPasscode] = on() }
	removed := side("meeting 2", On, setOn)
	removed.Asks, removed.Removed = Off, true
	byBob := func(f *Facts) {
		setOn(f)
		f.Meeting.SeenWithout, f.Meeting.SetBy = now.Add(-time.Hour), "bob@example.com"
	}
	host := func(change func(*Facts)) Facts {
		f := demanding(change)
		f.Meeting = Meeting{}
		return f
	}
	for _, c := range []struct {
		name     string
		a, b     Side
		sentence string
		decisive int
		others   int
	}{
		{"a lock on one host", side("meeting 1", On, locked), side("meeting 2", Off, nil),
			`Meeting 1 asks for a passcode because "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is locked on by group Strict; meeting 2 does not: there, "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is off and not on, locked by group Strict.`, 1, 0},
		{"the other way round", side("meeting 1", Off, nil), side("meeting 2", On, locked), "Meeting 2 asks for a passcode because", 1, 0},
		{"differences that do not decide are counted", side("meeting 1", On, setOn), side("meeting 2", Off, func(f *Facts) {
			f.Host.Settings[KeyPhone], f.Host.Settings[KeyEmbed], f.Meeting.WaitingRoom = on(), on(), Off
		}), "is off and not on.", 1, 3},
		{"the same host, one made otherwise", side("meeting 1", On, func(f *Facts) { f.Meeting.Source = SourceOpenAPI }), side("meeting 2", Off, func(f *Facts) { f.Meeting.Source = "web_portal" }),
			"sent a passcode; meeting 2 does not: there, what it was made through is web_portal and not open_api.", 1, 0},
		{"nothing that is known", side("meeting 1", On, nil), side("meeting 2", Off, nil), "nothing that is known of the two decides differently", 0, 0},
		{"both, for the same reason", side("meeting 1", On, setOn), side("meeting 2", On, setOn), "Both for the same reason: meeting 1 and meeting 2 got a passcode because", 0, 0},
		{"one was repaired", side("meeting 1", On, setOn), removed, "is on for the host; latchkey removed that of meeting 2, and meeting 1 has it still.", 0, 0},
		{"both, for different reasons", side("meeting 1", On, setOn), side("meeting 2", On, locked), "Meeting 1 asks for a passcode because", 1, 0},
		{"neither", side("meeting 1", Off, nil), side("meeting 2", Off, setOn), "Neither meeting 1 nor meeting 2 asks for a passcode.", 1, 0},
		{"one is not known", side("meeting 1", On, setOn), side("meeting 2", Unknown, nil), "Whether meeting 2 asks for a passcode is not known.", 1, 0},
		{"somebody put one on", side("meeting 1", On, byBob), side("meeting 2", Off, nil), "when it had none; meeting 2 does not: nobody put one on there, and the settings do not decide between the two.", 0, 1},
		{"somebody put one on each", side("meeting 1", On, byBob), side("meeting 2", On, func(f *Facts) { byBob(f); f.Meeting.Type = TypeRecurring }), "Both for the same reason", 0, 1},
		{"somebody put one on, and the other's is locked", side("meeting 1", On, byBob), side("meeting 2", On, locked), "meeting 2 got one because", 1, 0},
		{"hosts", Side{Name: "the next meeting of a", Facts: host(setOn), Asks: On, Why: []Reason{ForecastFor(host(setOn).Host).Scheduled.Reason}}, Side{Name: "the next meeting of b", Facts: host(nil), Asks: Off}, "The next meeting of a will ask for a passcode because \"Require a passcode when scheduling new meetings\" (meeting_security.meeting_password) is on for the host; the next meeting of b will not: there", 1, 0},
		{"hosts, neither", Side{Name: "the next meeting of a", Facts: host(nil), Asks: Off}, Side{Name: "the next meeting of b", Facts: host(nil), Asks: Off}, "Neither the next meeting of a nor the next meeting of b will ask for a passcode.", 0, 0},
		{"a meeting and a host", side("meeting 1", On, locked), Side{Name: "the next meeting of b", Facts: host(setOn), Asks: On, Why: []Reason{ForecastFor(host(setOn).Host).Scheduled.Reason}}, "; the next meeting of b will get one because", 1, 3},
	} {
		got := Versus(c.a, c.b)
		if !strings.Contains(got.Sentence, c.sentence) || len(got.Decisive) != c.decisive || got.Others != c.others {
			t.Errorf("%s: %+v\nwant %q, %d that decide, %d others", c.name, got, c.sentence, c.decisive, c.others)
		}
	}
	// What A and B are does not change with the order of the sentence.
	if d := Versus(side("meeting 1", Off, nil), side("meeting 2", On, locked)).Decisive[0]; d.A != "off" || !strings.HasPrefix(d.B, "on, locked") {
		t.Errorf("A and B are mixed up: %+v", d)
	}
}
