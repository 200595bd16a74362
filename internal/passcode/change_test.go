package passcode

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseChange(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in   string
		want Change
		bad  string // part of the error; "" for none
	}{
		{in: "passcode=on", want: Change{Key: KeyPasscode, Value: On}},
		{in: "passcode=off", want: Change{Key: KeyPasscode, Value: Off}},
		{in: "passcode=on,locked", want: Change{Key: KeyPasscode, Value: On, Lock: On}},
		{in: "passcode=locked,on", want: Change{Key: KeyPasscode, Value: On, Lock: On}},
		{in: "scheduled=off,unlocked", want: Change{Key: KeyScheduled, Value: Off, Lock: Off}},
		{in: "pmi=locked", want: Change{Key: KeyPMI, Lock: On}},
		{in: "waiting-room=unlocked", want: Change{Key: KeyWaitingRoom, Lock: Off}},
		{in: "authentication=on", want: Change{Key: KeyAuthentication, Value: On}},
		{in: "auto-security=on", want: Change{Key: KeyAutoSecurity, Value: On}},
		{in: KeyWaitingRoom.Path() + "=on", want: Change{Key: KeyWaitingRoom, Value: On}},
		{in: KeyAuthentication.Path() + "=off,locked", want: Change{Key: KeyAuthentication, Value: Off, Lock: On}},

		{in: "", bad: "want SETTING="},
		{in: "=", bad: "want SETTING="},
		{in: "=on", bad: "want SETTING="},
		{in: "passcode", bad: "want SETTING="},
		{in: "passcode on", bad: "want SETTING="},
		{in: "password=on", bad: "want SETTING="},
		{in: "Passcode=on", bad: "want SETTING="},
		{in: " passcode=on", bad: "want SETTING="},
		{in: KeyPhone.Path() + "=on", bad: "want SETTING="}, // decides what is typed where, not whether
		{in: "passcode=", bad: `"" in "passcode="`},
		{in: "passcode=yes", bad: `"yes"`},
		{in: "passcode=ON", bad: `"ON"`},
		{in: "passcode=on,", bad: `""`},
		{in: "passcode=on, locked", bad: `" locked"`},
		{in: "passcode=on=off", bad: `"on=off"`},
		{in: "passcode=on,lock", bad: `"lock"`},
		{in: "passcode=unknown", bad: `"unknown"`},
		{in: "passcode=on,off", bad: "twice"},
		{in: "passcode=locked,on,unlocked", bad: "twice"},
		{in: "passcode=on,on", bad: "twice"},
	} {
		t.Run(c.in, func(t *testing.T) {
			t.Parallel()
			got, err := ParseChange(c.in)
			switch {
			case c.bad == "" && (err != nil || got != c.want):
				t.Errorf("got %+v, %v; want %+v", got, err, c.want)
			case c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad)):
				t.Errorf("got %+v, error %v; want one with %s", got, err, c.bad)
			}
		})
	}
}

func TestChangeApply(t *testing.T) {
	t.Parallel()
	at := func(l Level, id string, value, lock Toggle) Change {
		return Change{Key: KeyPasscode, Level: l, ID: id, Value: value, Lock: lock}
	}
	torn := offLocked(LevelGroup, "G2")
	torn.Contradiction, torn.Against = true, "G1"
	for _, c := range []struct {
		name   string
		before Setting
		change Change
		after  Setting
		reach  Reach
	}{
		{"the host turns it on", off(), at(LevelHost, "h", On, Unknown), on(), ReachesSurely},
		{"the host turns it off", on(), at(LevelHost, "h", Off, Unknown), off(), ReachesSurely},
		{"the host, under a group's lock", onLocked(LevelGroup, "G"), at(LevelHost, "h", Off, Unknown), onLocked(LevelGroup, "G"), ReachesNot},
		{"the host, under the account's lock", offLocked(LevelAccount, "A"), at(LevelHost, "h", On, Unknown), offLocked(LevelAccount, "A"), ReachesNot},
		{"the host has no lock to give", off(), at(LevelHost, "h", Unknown, On), off(), ReachesNot},
		{"the host cannot unlock", onLocked(LevelGroup, "G"), at(LevelHost, "h", Off, Off), onLocked(LevelGroup, "G"), ReachesNot},

		{"a group locks it on", off(), at(LevelGroup, "G", On, On), onLocked(LevelGroup, "G"), ReachesSurely},
		{"a group locks it off", on(), at(LevelGroup, "G", Off, On), offLocked(LevelGroup, "G"), ReachesSurely},
		{"a group locks what is there", on(), at(LevelGroup, "G", Unknown, On), onLocked(LevelGroup, "G"), ReachesSurely},
		{"a group changes what it has locked", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, Unknown), offLocked(LevelGroup, "G"), ReachesSurely},
		{"a group locks again what it has locked", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, On), offLocked(LevelGroup, "G"), ReachesSurely},
		{"a group unlocks, without a value", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Unknown, Off), on(), ReachesSurely},
		{"a group unlocks, with a value", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, Off), off(), ReachesSurely},

		{"another group that locks to the same", onLocked(LevelGroup, "G1"), at(LevelGroup, "G2", On, On), onLocked(LevelGroup, "G1"), ReachesSurely},
		{"another group that locks to the opposite: nobody can say", onLocked(LevelGroup, "G1"), at(LevelGroup, "G2", Off, On), torn, ReachesSurely},
		{"another group's lock is not ours to undo", onLocked(LevelGroup, "G1"), at(LevelGroup, "G2", Off, Off), onLocked(LevelGroup, "G1"), ReachesNot},
		{"one of two groups that lock lets go", onLocked(LevelGroup, "G1+G2"), at(LevelGroup, "G1", Off, Off), onLocked(LevelGroup, "G2"), ReachesSurely},
		{"one of two groups that lock changes its value", onLocked(LevelGroup, "G1+G2"), at(LevelGroup, "G2", Off, On), torn, ReachesSurely},
		{"a group that the host is not in", off(), at(LevelGroup, "elsewhere", On, On), off(), ReachesNot},
		{"a group under the account's lock", onLocked(LevelAccount, "A"), at(LevelGroup, "G", Off, On), onLocked(LevelAccount, "A"), ReachesNot},
		{"an account of the group's id", onLocked(LevelAccount, "G"), at(LevelGroup, "G", Off, Off), onLocked(LevelAccount, "G"), ReachesNot},

		{"a group's value is a default", off(), at(LevelGroup, "G", On, Unknown), on(), ReachesPerhaps},
		{"a group's unlocked value is a default", off(), at(LevelGroup, "G", On, Off), on(), ReachesPerhaps},
		{"the account's value is a default", off(), at(LevelAccount, "A", On, Unknown), on(), ReachesPerhaps},
		{"a default that is so already", on(), at(LevelAccount, "A", On, Unknown), on(), ReachesNot},

		{"the account locks over nobody", off(), at(LevelAccount, "A", On, On), onLocked(LevelAccount, "A"), ReachesSurely},
		{"the account locks over a group", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, On), offLocked(LevelAccount, "A"), ReachesSurely},
		{"the account's value, under a group's lock", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, Unknown), onLocked(LevelGroup, "G"), ReachesNot},
		{"the account cannot undo a group's lock", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, Off), onLocked(LevelGroup, "G"), ReachesNot},
		{"the account unlocks, without a value", onLocked(LevelAccount, "A"), at(LevelAccount, "A", Unknown, Off), on(), ReachesSurely},
		{"another account's lock", onLocked(LevelAccount, "A"), at(LevelAccount, "B", Off, On), onLocked(LevelAccount, "A"), ReachesNot},
		{"whether it is locked is not known: a group's lock", Setting{Value: Off}, at(LevelGroup, "G", On, On), onLocked(LevelGroup, "G"), ReachesSurely},
		{"nobody's level", off(), at(LevelPlan, "", On, On), off(), ReachesNot},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// The other settings tell when one is taken for another.
			before := levelsOf(c.before, c.change)
			want := before.Host()
			want.Settings[KeyPasscode] = c.after
			after, reach := c.change.Apply(before)
			got := after.Host()
			if got != want || reach != c.reach {
				t.Errorf("after it %+v (reaches: %v), want %+v (%v)", got.Settings[KeyPasscode], reach, want.Settings[KeyPasscode], c.reach)
				if got.Settings[KeyPasscode] = want.Settings[KeyPasscode]; got != want {
					t.Error("another setting changed too")
				}
			}
		})
	}
}

// levelsOf makes levels of which the host's passcode setting is s: in account A
// and groups G, G1 and G2, those of s.LockedBy locking it.
func levelsOf(s Setting, c Change) Levels {
	var unlocked Values
	for _, info := range settingTable {
		unlocked[info.Key] = Off
	}
	l := Levels{Plan: PlanPaid, Account: Locks{ID: "A", Values: unlocked, Known: true}}
	l.User.Values = Values{KeyPasscode: s.Value, KeyScheduled: On, KeyPMI: Off, KeyWaitingRoom: Off, KeyAutoSecurity: On}
	l.Account.Values[KeyWaitingRoom], l.Account.Fixed[KeyWaitingRoom] = On, Off
	for _, id := range []string{"G", "G1", "G2"} {
		l.Groups = append(l.Groups, Locks{ID: id, Values: unlocked, Known: true})
	}
	switch s.Lock {
	case On:
		if s.LockLevel == LevelAccount {
			l.Account.ID = s.LockedBy
			l.Account.Values[KeyPasscode], l.Account.Fixed[KeyPasscode] = On, s.Value
			break
		}
		for i := range l.Groups {
			if slices.Contains(strings.Split(s.LockedBy, "+"), l.Groups[i].ID) {
				l.Groups[i].Values[KeyPasscode], l.Groups[i].Fixed[KeyPasscode] = On, s.Value
			}
		}
	case Unknown:
		l.Account.Values[KeyPasscode] = Unknown
	}
	return l
}

// Each setting that a change may name is the one that it changes.
func TestChangeOfEverySetting(t *testing.T) {
	t.Parallel()
	for _, word := range words() {
		c, err := ParseChange(word + "=on,locked")
		if err != nil {
			t.Fatal(err)
		}
		c.Level, c.ID = LevelAccount, "A"
		before := Levels{Account: Locks{ID: "A", Known: true}}
		after, reach := c.Apply(before)
		h := after.Host()
		if s := h.Settings[c.Key]; reach != ReachesSurely || s.Value != On || s.Lock != On || s.LockedBy != "A" {
			t.Errorf("%s: %+v (reaches: %v)", word, s, reach)
		}
		h.Settings[c.Key] = before.Host().Settings[c.Key]
		if c.Key.Info().Word != word || h != before.Host() {
			t.Errorf("%s changed another setting", word)
		}
	}
	c := Change{Key: KeyPhone, Level: LevelAccount, ID: "A", Value: On, Lock: On}
	if _, reach := c.Apply(Levels{Account: Locks{ID: "A", Known: true}}); reach != ReachesNot {
		t.Errorf("a setting that does not decide: reaches %v", reach)
	}
}

// TestChangeApplyHolds: a change touches no setting but its own; one that does
// not reach the host leaves what holds for them as it is; none changes what the
// account locks but the account's; and a second time it changes nothing more.
func TestChangeApplyHolds(t *testing.T) {
	t.Parallel()
	toggle := rapid.SampledFrom([]Toggle{Unknown, Off, On})
	values := rapid.Custom(func(t *rapid.T) (v Values) {
		for _, info := range settingTable {
			v[info.Key] = toggle.Draw(t, info.Name)
		}
		return v
	})
	locks := func(id string) *rapid.Generator[Locks] {
		return rapid.Custom(func(t *rapid.T) Locks {
			return Locks{ID: id, Values: values.Draw(t, "locks"), Fixed: values.Draw(t, "fixed"), Known: rapid.Bool().Draw(t, "known")}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		l := Levels{Plan: PlanPaid, User: User{Values: values.Draw(t, "user")}, Account: locks("x").Draw(t, "account"), Groups: []Locks{locks("x").Draw(t, "x"), locks("y").Draw(t, "y")}}
		c := Change{
			Key:   Key(rapid.IntRange(0, int(numKeys)).Draw(t, "key")),
			Level: rapid.SampledFrom([]Level{LevelHost, LevelGroup, LevelAccount, LevelPlan, ""}).Draw(t, "level"),
			ID:    rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "id"), Value: toggle.Draw(t, "value"), Lock: toggle.Draw(t, "lock"),
		}
		before := l.Host()
		changed, reach := c.Apply(l)
		after := changed.Host()
		if l.Host() != before {
			t.Fatal("it changed what it was given")
		}
		for _, info := range settingTable {
			is, old := after.Settings[info.Key], before.Settings[info.Key]
			switch {
			case c.Key == KeyPasscode && info.Key == KeyInstant:
				continue // goes with it
			case info.Key != c.Key && is.Value != old.Value, info.Key != c.Key && old.Lock == On && is.Lock != On:
				t.Fatalf("%s became %+v", info.Path, is)
			case reach == ReachesNot && info.Key == c.Key && is != old:
				t.Fatalf("it does not reach the host, and made %+v of %+v", is, old)
			case old.Lock == On && old.LockLevel == LevelAccount && c.Level != LevelAccount && is != old && info.Key == c.Key:
				t.Fatalf("it changed what the account locks: %+v", is)
			case reach == ReachesSurely && info.Key == c.Key && c.Value != Unknown && is.Value != c.Value && !is.Contradiction && is.Lock != On:
				t.Fatalf("it reaches the host, and %s is %v", info.Path, is.Value)
			}
		}
		again, _ := c.Apply(changed)
		if again.Host() != after {
			t.Fatalf("a second time it makes %+v of %+v", again.Host(), after)
		}
	})
}

// TestAChangeOfThePasscodeSettingCoversInstantMeetings: it does at Zoom (Z-SET-1),
// and a forecast after it must not say otherwise.
func TestAChangeOfThePasscodeSettingCoversInstantMeetings(t *testing.T) {
	t.Parallel()
	var values, locks Values
	for _, k := range []Key{KeyPasscode, KeyInstant, KeyScheduled, KeyPMI, KeyWaitingRoom, KeyAuthentication, KeyAutoSecurity} {
		values[k], locks[k] = Off, Off
	}
	known := Levels{Plan: PlanPaid, User: User{Values: values}, Account: Locks{ID: "A", Values: locks, Known: true}}
	for name, c := range map[string]Change{
		"by the host":      {Key: KeyPasscode, Level: LevelHost, Value: On},
		"by a lock":        {Key: KeyPasscode, Level: LevelAccount, ID: "A", Value: On, Lock: On},
		"as a default":     {Key: KeyPasscode, Level: LevelAccount, ID: "A", Value: On},
		"their own switch": {Key: KeyInstant, Level: LevelHost, Value: On},
	} {
		after, reach := c.Apply(known)
		f := ForecastFor(after.Host())
		if reach == ReachesNot || f.Instant.Passcode != On || (f.Scheduled.Passcode == On) != (c.Key == KeyPasscode) {
			t.Errorf("%s: reach %d, scheduled %s, instant %s", name, reach, f.Scheduled.Passcode, f.Instant.Passcode)
		}
	}
	known.User.Values[KeyInstant] = Unknown // where Zoom does not show it
	after, _ := Change{Key: KeyPasscode, Level: LevelHost, Value: On}.Apply(known)
	if f := ForecastFor(after.Host()); f.Instant.Passcode != On {
		t.Errorf("where Zoom does not show it: instant %s", f.Instant.Passcode)
	}
}

// TestPredictMeeting: the prediction beside a forecast says the same.
func TestPredictMeeting(t *testing.T) {
	t.Parallel()
	h := demanding(nil).Host
	h.Settings[KeyPMI] = off()
	for _, c := range []struct {
		name    string
		change  func(*Host)
		meeting Meeting
		want    Toggle
	}{
		{"instant, its own setting off", func(h *Host) {
			h.Settings[KeyPasscode], h.Settings[KeyInstant] = onLocked(LevelAccount, "A"), offLocked(LevelAccount, "A")
		}, Meeting{Type: TypeInstant}, Off},
		{"instant, its own setting on", func(h *Host) { h.Settings[KeyInstant] = on() }, Meeting{Type: TypeInstant}, On},
		{"under the PMI, which has none", func(h *Host) { h.Settings[KeyPasscode] = on() }, Meeting{Type: TypeScheduled, UsesPMI: true}, Off},
		{"under the PMI, which has one", func(h *Host) { h.Settings[KeyPMI] = on() }, Meeting{Type: TypeScheduled, UsesPMI: true}, On},
		{"the room itself", func(h *Host) { h.Settings[KeyPMI] = on() }, Meeting{Type: TypePMI}, On},
	} {
		h := h
		c.change(&h)
		f, p := ForecastFor(h), PredictMeeting(h, c.meeting, Request{})
		expected := f.Instant
		if c.meeting.isPMI() {
			expected = f.PMI
		}
		if p.Passcode != c.want || expected.Passcode != c.want {
			t.Errorf("%s: predicted %s, forecast %s, want %s", c.name, p.Passcode, expected.Passcode, c.want)
		}
	}
}
