package zoomsim

import (
	"fmt"
	"strings"
	"testing"
)

var settingWords = map[string]Setting{"on": On, "off": Off, "on!": LockedOn, "off!": LockedOff}

func alternatives(s string) []Setting {
	var out []Setting
	for a := range strings.SplitSeq(s, "/") {
		out = append(out, settingWords[a])
	}
	return out
}

var (
	asks   = []Ask{AskAbsent, AskNo, AskYes}
	truths = []bool{false, true}
)

func states(op Op) []State {
	if op == Create {
		return []State{{}}
	}
	var out []State
	for _, r := range truths {
		for _, p := range truths {
			for _, a := range truths {
				out = append(out, State{r, p, a})
			}
		}
	}
	return out
}

// TestMatrix runs every one of Zoom's 46 scenarios of 2020 over every alternative
// of its settings, every previous state and every request that the row speaks of.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, row := range matrix {
		name := fmt.Sprintf("create %d", row.n)
		if row.op == Update {
			name = fmt.Sprintf("update %d", row.n)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cases := 0
			row.each(func(s EffectiveSettings, prev State, w Wish) {
				cases++
				got := Documents2020.Decide(row.op, s, prev, w)
				if want := row.expect(prev, w); got != want {
					t.Errorf("settings %+v previous %+v wish %+v\n got %+v\nwant %+v", s, prev, w, got, want)
				}
			})
			if cases == 0 {
				t.Error("no case was run")
			}
		})
	}
}

// each visits the cases of a row. A create that names neither passcode nor
// waiting room is younger than the matrix (TestCreateFollowsHost); an update
// that removes the passcode is not in it (TestUpdateClears).
func (row matrixRow) each(f func(EffectiveSettings, State, Wish)) {
	for _, r := range alternatives(row.room) {
		for _, c := range alternatives(row.code) {
			for _, a := range alternatives(row.auth) {
				for _, prev := range states(row.op) {
					for _, wr := range asks {
						for _, wc := range asks {
							for _, wa := range asks {
								if row.op == Create && wr == AskAbsent && wc == AskAbsent || row.op == Update && wc == AskNo {
									continue
								}
								f(EffectiveSettings{r, c, a, true}, prev, Wish{WaitingRoom: wr, Passcode: wc, Authentication: wa})
							}
						}
					}
				}
			}
		}
	}
}

// expect reads the row's words for one case, without the rule's code.
func (row matrixRow) expect(prev State, w Wish) Decision {
	asked := func(a Ask, before bool) bool { return a == AskYes || a == AskAbsent && before }
	room, auth := asked(w.WaitingRoom, prev.WaitingRoom), asked(w.Authentication, prev.Authentication)
	code := w.Passcode == AskYes || w.Passcode == AskAbsent && prev.Passcode
	var d Decision

	switch row.authResult {
	case on:
		d.Authentication = true
	case request:
		d.Authentication = auth
	case requestUnlessAll:
		d.Authentication = auth || prev.Authentication && !room && !code
	}
	switch row.roomResult {
	case on:
		d.WaitingRoom = true
	case request:
		d.WaitingRoom = room
	case onIfNoPasscode, onIfNeitherPasscode:
		d.WaitingRoom = room || !code
	case onIfNeitherAuth:
		d.WaitingRoom = room || !auth
	case onIfNothing:
		d.WaitingRoom = room || !code && !auth
	case stays:
		d.WaitingRoom = room || !code && !auth && (prev.WaitingRoom || !prev.any())
	}
	result := row.absent
	if w.Passcode == AskYes {
		result = row.given
	}
	kept := func(otherwise PasscodeSource) PasscodeSource {
		if prev.Passcode {
			return PasscodeKept
		}
		return otherwise
	}
	switch result {
	case given:
		d.Passcode = PasscodeGiven
	case generated:
		d.Passcode = PasscodeGenerated
	case unchanged:
		d.Passcode = kept(PasscodeNone)
	case keptElseGenerated:
		d.Passcode = kept(PasscodeGenerated)
	case genUnlessAuth, keptOrGenUnlessAuth:
		d.Passcode = kept(PasscodeGenerated)
		if auth && d.Passcode == PasscodeGenerated {
			d.Passcode = PasscodeNone
		}
	}
	return d
}

// TestUpdateClears: a passcode goes only if it is not forced and another
// option stays, unless auto_security is off (Z-RULE-18).
func TestUpdateClears(t *testing.T) {
	t.Parallel()
	code, both := State{Passcode: true}, State{WaitingRoom: true, Passcode: true}
	clearIt := Wish{Passcode: AskNo}
	for _, c := range []struct {
		name string
		s    EffectiveSettings
		prev State
		w    Wish
		want Decision
	}{
		{"waiting room stays", EffectiveSettings{AutoSecurity: true}, both, clearIt, Decision{WaitingRoom: true}},
		{"waiting room in the same request", EffectiveSettings{AutoSecurity: true}, code,
			Wish{Passcode: AskNo, WaitingRoom: AskYes}, Decision{WaitingRoom: true}},
		{"it was the last option", EffectiveSettings{AutoSecurity: true}, code, clearIt, Decision{Passcode: PasscodeKept}},
		{"the last, auto security off", EffectiveSettings{}, code, clearIt, Decision{}},
		{"the last, waiting room locked off", EffectiveSettings{WaitingRoom: LockedOff, AutoSecurity: true}, code, clearIt,
			Decision{Passcode: PasscodeKept}},
		{"the last, authentication locked off", EffectiveSettings{Authentication: LockedOff, AutoSecurity: true}, code, clearIt,
			Decision{WaitingRoom: true}},
		{"forced by a lock", EffectiveSettings{Passcode: LockedOn}, both, clearIt, Decision{WaitingRoom: true, Passcode: PasscodeKept}},
		{"setting on, not locked", EffectiveSettings{Passcode: On, AutoSecurity: true}, both, clearIt, Decision{WaitingRoom: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := Decide(Update, c.s, c.prev, c.w); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

// TestDecideAlways: whatever is asked, locks hold and auto_security leaves
// something on.
func TestDecideAlways(t *testing.T) {
	t.Parallel()
	all := []Setting{Off, On, LockedOff, LockedOn}
	for _, docs := range bothDocuments {
		for _, op := range []Op{Create, Update} {
			for _, r := range all {
				for _, c := range all {
					for _, a := range all {
						for _, auto := range truths {
							s := EffectiveSettings{r, c, a, auto}
							for _, prev := range states(op) {
								for i := range 81 {
									w := Wish{WaitingRoom: asks[i%3], Passcode: asks[i/3%3], Authentication: asks[i/9%3], DefaultPassword: asks[i/27]}
									d := docs.Decide(op, s, prev, w)
									bad := r == LockedOn && !d.WaitingRoom || r == LockedOff && d.WaitingRoom ||
										c == LockedOn && d.Passcode == PasscodeNone || c == LockedOff && d.Passcode != PasscodeNone ||
										a == LockedOn && !d.Authentication ||
										d.Passcode == PasscodeKept && !prev.Passcode ||
										auto && !d.WaitingRoom && !d.Authentication && d.Passcode == PasscodeNone
									if bad {
										t.Fatalf("%s %v %+v %+v %+v: %+v", docs, op, s, prev, w, d)
									}
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestDecideDoesNotAllocate(t *testing.T) {
	s := EffectiveSettings{On, LockedOn, Off, true}
	if n := testing.AllocsPerRun(100, func() { Decide(Create, s, State{}, Wish{}) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
