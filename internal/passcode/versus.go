package passcode

import (
	"fmt"
	"slices"
	"strings"
)

// Difference is one thing in which two meetings, or two hosts, differ.
type Difference struct {
	What string `json:"what"` // by the portal's name, with Zoom's path
	Path string `json:"path,omitempty"`
	A    string `json:"a"`
	B    string `json:"b"`
	// Decides: it can be why one asks for a passcode and the other does not.
	Decides bool `json:"decides"`
}

// Side is one of two meetings or hosts that are compared.
type Side struct {
	Name  string // "meeting 85746065432", "host a@example.com"
	Facts Facts
	// Asks is whether it asks for a passcode, and Why the reasons: of a meeting those
	// of its verdict, of a host those of the forecast.
	Asks Toggle
	Why  []Reason
	// Removed: latchkey removed its passcode; Why is then why it was there.
	Removed bool
}

// Comparison says why one of two asks for a passcode and the other does not.
type Comparison struct {
	Sentence string `json:"sentence"`
	// Decisive are the differences that can decide, the likeliest first; Others counts
	// those that do not.
	Decisive []Difference `json:"decisive"`
	Others   int          `json:"others"`
}

// Versus compares two meetings, or two hosts whose sides hold no meeting.
func Versus(a, b Side) Comparison {
	all := differences(a, b)
	c := Comparison{Decisive: []Difference{}}
	for _, d := range all {
		if d.Decides {
			c.Decisive = append(c.Decisive, d)
		} else {
			c.Others++
		}
	}
	c.Sentence = versus(a, b, c.Decisive)
	return c
}

// had says whether the side has a passcode, or had one until latchkey removed it.
func (s Side) had() bool { return s.Asks == On || s.Removed }

// host says whether the side is a host, whose next meeting is not made yet.
func (s Side) host() bool { return s.Facts.Meeting == Meeting{} }

// byHand says whether somebody put the passcode on a meeting that had none, for
// certain.
func (s Side) byHand() bool { return s.had() && len(s.Why) > 0 && s.Why[0].Code == CauseSetLater }

func (s Side) cause() string { return Verdict{Reasons: s.Why}.Causes() }

func versus(a, b Side, decisive []Difference) string {
	if b.had() && !a.had() {
		// The one that asks comes first.
		for i := range decisive {
			decisive[i].A, decisive[i].B = decisive[i].B, decisive[i].A
		}
		s := versus(b, a, decisive)
		for i := range decisive {
			decisive[i].A, decisive[i].B = decisive[i].B, decisive[i].A
		}
		return s
	}
	asks, got, not := "asks for a passcode", "got", "does not"
	if a.host() {
		asks = "will ask for a passcode" // it is not made yet
	}
	if b.host() {
		got, not = "will get", "will not"
	}
	if a.Removed {
		asks = "asked for a passcode until latchkey removed it,"
	}
	switch {
	case a.Asks == Unknown || b.Asks == Unknown:
		unknown := a.Name
		if a.Asks != Unknown {
			unknown = b.Name
		}
		return fmt.Sprintf("Whether %s asks for a passcode is not known.", unknown)
	case !a.had() && !b.had():
		return fmt.Sprintf("Neither %s nor %s %s.", a.Name, b.Name, asks)
	case a.had() && b.had() && a.cause() == b.cause():
		s := fmt.Sprintf("Both for the same reason: %s and %s %s a passcode because %s", a.Name, b.Name, got, a.cause())
		if a.Removed != b.Removed {
			removed, kept := a.Name, b.Name
			if b.Removed {
				removed, kept = b.Name, a.Name
			}
			s += fmt.Sprintf("; latchkey removed that of %s, and %s has it still", removed, kept)
		}
		return s + "."
	case a.had() && b.had():
		return fmt.Sprintf("%s %s because %s; %s %s one because %s.", capital(a.Name), asks, a.cause(), b.Name, got, b.cause())
	}
	s := fmt.Sprintf("%s %s because %s; %s %s", capital(a.Name), asks, a.cause(), b.Name, not)
	if a.byHand() {
		return s + ": nobody put one on there, and the settings do not decide between the two."
	}
	if len(decisive) == 0 {
		return s + ", and nothing that is known of the two decides differently: it was asked for, or a setting was another when it was made."
	}
	d := decisive[0]
	return s + fmt.Sprintf(": there, %s is %s and not %s.", d.What, d.B, d.A)
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// differences lists in what two sides differ, what the reasons name first.
func differences(a, b Side) []Difference {
	var all []Difference
	// Somebody did it to one of them, and to the other nobody or somebody too.
	hand := (a.byHand() || b.byHand()) && (a.byHand() || !a.had()) && (b.byHand() || !b.had())
	add := func(what, path, x, y string, decides bool) {
		decides = decides && !hand
		if x != y {
			all = append(all, Difference{What: what, Path: path, A: x, B: y, Decides: decides})
		}
	}
	fa, fb := a.Facts, b.Facts
	instant := fa.Meeting.Type == TypeInstant || fb.Meeting.Type == TypeInstant
	pmi := fa.Meeting.isPMI() || fb.Meeting.isPMI()
	hosts := a.host() && b.host()
	causes := map[Code]bool{}
	for _, r := range append(slices.Clone(a.Why), b.Why...) {
		causes[r.Code] = true
	}
	for _, info := range settingTable {
		x, y := fa.Host.Settings[info.Key], fb.Host.Settings[info.Key]
		decides := info.Key.Decides()
		switch info.Key {
		case KeyInstant:
			decides = instant || hosts
		case KeyPMI, KeyPMIJoin:
			decides = pmi || hosts
		case KeyWaitingRoom, KeyAuthentication, KeyAutoSecurity:
			decides = causes[CauseAutoSecurity] // by themselves they put no passcode on
		}
		decides = decides && x.Value != Unknown && y.Value != Unknown
		add(portalOf(info.Path), info.Path, x.words(), y.words(), decides)
	}
	add("the plan", "", string(fa.Host.Plan), string(fb.Host.Plan), causes[CausePlan])
	add("the kind of meeting", "type", fa.Meeting.kindWords(), fb.Meeting.kindWords(), fa.Meeting.Type != 0 && fb.Meeting.Type != 0)
	add("what it was made through", "creation_source", fa.Meeting.Source, fb.Meeting.Source, causes[CauseCaller])
	add("its own waiting room", "settings.waiting_room", fa.Meeting.WaitingRoom.String(), fb.Meeting.WaitingRoom.String(), false)
	add("its own sign-in", "settings.meeting_authentication", fa.Meeting.Authentication.String(), fb.Meeting.Authentication.String(), false)
	add("who waits", pathWaits, string(fa.WhoWaits()), string(fb.WhoWaits()), false)
	if !fa.Meeting.Created.IsZero() && !fb.Meeting.Created.IsZero() {
		add("when it was made", "created_at", moment(fa.Meeting.Created), moment(fb.Meeting.Created), false)
	}
	named := map[string]bool{}
	for _, r := range append(slices.Clone(a.Why), b.Why...) {
		named[r.Path] = true
	}
	slices.SortStableFunc(all, func(x, y Difference) int {
		rank := func(d Difference) int {
			switch {
			case d.Decides && named[d.Path]:
				return 0
			case d.Decides:
				return 1
			}
			return 2
		}
		return rank(x) - rank(y)
	})
	return all
}

// words says a setting's value with its lock.
func (s Setting) words() string {
	switch {
	case s.Value == Unknown:
		return "not known"
	case s.Lock == On:
		return fmt.Sprintf("%s, locked by %s", s.Value, Reason{Level: s.LockLevel, By: s.LockedBy, ByName: s.LockedByName}.holder())
	case s.Lock == Unknown:
		return s.Value.String() + ", perhaps locked"
	}
	return s.Value.String()
}

func (m *Meeting) kindWords() string {
	switch {
	case m.Type == 0:
		return ""
	case m.isPMI():
		return "under the host's Personal Meeting ID"
	case m.Type == TypeInstant:
		return "instant"
	case m.Type == TypeRecurring, m.Type == TypeRecurringNoTime:
		return "recurring"
	case m.Type.IsWebinar():
		return "a webinar"
	}
	return "scheduled"
}
