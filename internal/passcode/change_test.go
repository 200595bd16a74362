package passcode

import (
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
	torn := onLocked(LevelGroup, "G")
	torn.Contradiction = true
	for _, c := range []struct {
		name   string
		before Setting
		change Change
		after  Setting
		holds  bool // the change reaches the host
	}{
		{"the host turns it on", off(), at(LevelHost, "h", On, Unknown), on(), true},
		{"the host turns it off", on(), at(LevelHost, "h", Off, Unknown), off(), true},
		{"the host, under a group's lock", onLocked(LevelGroup, "G"), at(LevelHost, "h", Off, Unknown), onLocked(LevelGroup, "G"), false},
		{"the host, under the account's lock", offLocked(LevelAccount, "A"), at(LevelHost, "h", On, Unknown), offLocked(LevelAccount, "A"), false},
		{"the host has no lock to give", off(), at(LevelHost, "h", Unknown, On), off(), false},
		{"the host cannot unlock", onLocked(LevelGroup, "G"), at(LevelHost, "h", Off, Off), onLocked(LevelGroup, "G"), false},

		{"a group locks it on", off(), at(LevelGroup, "G", On, On), onLocked(LevelGroup, "G"), true},
		{"a group locks it off", on(), at(LevelGroup, "G", Off, On), offLocked(LevelGroup, "G"), true},
		{"a group locks what is there", on(), at(LevelGroup, "G", Unknown, On), onLocked(LevelGroup, "G"), true},
		{"a group changes what it has locked", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, Unknown), offLocked(LevelGroup, "G"), true},
		{"a group locks again what it has locked", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, On), offLocked(LevelGroup, "G"), true},
		{"a group unlocks, without a value", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Unknown, Off), on(), true},
		{"a group unlocks, with a value", onLocked(LevelGroup, "G"), at(LevelGroup, "G", Off, Off), off(), true},
		{"a group that locks settles a contradiction", torn, at(LevelGroup, "G", On, On), onLocked(LevelGroup, "G"), true},

		{"another group's lock", onLocked(LevelGroup, "G1"), at(LevelGroup, "G2", Off, On), onLocked(LevelGroup, "G1"), false},
		{"another group's lock is not ours to undo", onLocked(LevelGroup, "G1"), at(LevelGroup, "G2", Off, Off), onLocked(LevelGroup, "G1"), false},
		{"a group under the account's lock", onLocked(LevelAccount, "A"), at(LevelGroup, "G", Off, On), onLocked(LevelAccount, "A"), false},
		{"an account of the group's id", onLocked(LevelAccount, "G"), at(LevelGroup, "G", Off, Off), onLocked(LevelAccount, "G"), false},

		{"a group's value is only a default", off(), at(LevelGroup, "G", On, Unknown), off(), false},
		{"a group's unlocked value is only a default", off(), at(LevelGroup, "G", On, Off), off(), false},
		{"the account's value is only a default", off(), at(LevelAccount, "A", On, Unknown), off(), false},

		{"the account locks over nobody", off(), at(LevelAccount, "A", On, On), onLocked(LevelAccount, "A"), true},
		{"the account locks over a group", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, On), offLocked(LevelAccount, "A"), true},
		{"the account's value, under a group's lock", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, Unknown), onLocked(LevelGroup, "G"), false},
		{"the account cannot undo a group's lock", onLocked(LevelGroup, "G"), at(LevelAccount, "A", Off, Off), onLocked(LevelGroup, "G"), false},
		{"the account unlocks, without a value", onLocked(LevelAccount, "A"), at(LevelAccount, "A", Unknown, Off), on(), true},
		{"another account's lock", onLocked(LevelAccount, "A"), at(LevelAccount, "B", Off, On), onLocked(LevelAccount, "A"), false},
		{"whether it is locked is not known: a group's lock", Setting{Value: Off}, at(LevelGroup, "G", On, On), onLocked(LevelGroup, "G"), true},
		{"nobody's level", off(), at(LevelPlan, "", On, On), off(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// The other settings tell when one is taken for another.
			others := Host{Plan: PlanPaid, Settings: Settings{KeyScheduled: on(), KeyPMI: off(), KeyWaitingRoom: offLocked(LevelAccount, "A"), KeyAutoSecurity: on()}}
			before, want := others, others
			before.Settings[KeyPasscode], want.Settings[KeyPasscode] = c.before, c.after
			got, holds := c.change.Apply(before)
			if got != want || holds != c.holds {
				t.Errorf("after it %+v (reaches: %v), want %+v (%v)", got.Settings[KeyPasscode], holds, want.Settings[KeyPasscode], c.holds)
				if got.Settings[KeyPasscode] = want.Settings[KeyPasscode]; got != want {
					t.Error("another setting changed too")
				}
			}
		})
	}
}

// Each setting that a change may name is the one that it changes.
func TestChangeOfEverySetting(t *testing.T) {
	t.Parallel()
	of := map[string]func(*Host) *Setting{
		"passcode":       func(h *Host) *Setting { return &h.Settings[KeyPasscode] },
		"scheduled":      func(h *Host) *Setting { return &h.Settings[KeyScheduled] },
		"pmi":            func(h *Host) *Setting { return &h.Settings[KeyPMI] },
		"waiting-room":   func(h *Host) *Setting { return &h.Settings[KeyWaitingRoom] },
		"authentication": func(h *Host) *Setting { return &h.Settings[KeyAuthentication] },
		"auto-security":  func(h *Host) *Setting { return &h.Settings[KeyAutoSecurity] },
	}
	for _, word := range words() {
		if of[word] == nil {
			t.Fatalf("this test does not know %q", word)
		}
	}
	for word, setting := range of {
		c, err := ParseChange(word + "=on,locked")
		if err != nil {
			t.Fatal(err)
		}
		c.Level, c.ID = LevelAccount, "A"
		var want Host
		*setting(&want) = onLocked(LevelAccount, "A")
		if got, reaches := c.Apply(Host{}); !reaches || got != want {
			t.Errorf("%s: %+v (reaches: %v), want %+v", word, got, reaches, want)
		}
	}
	c := Change{Key: KeyPhone, Level: LevelAccount, ID: "A", Value: On, Lock: On}
	if got, reaches := c.Apply(Host{}); reaches || got != (Host{}) {
		t.Errorf("a setting it does not know: %+v, %v", got, reaches)
	}
}

// TestChangeApplyHolds: no change makes a contradiction, touches any setting but
// its own or, at a host, one that is locked; one that does not reach the host
// leaves all as it is; and a second time it changes nothing more.
func TestChangeApplyHolds(t *testing.T) {
	t.Parallel()
	toggle := rapid.SampledFrom([]Toggle{Unknown, Off, On})
	ids := rapid.SampledFrom([]string{"x", "y"})
	setting := rapid.Custom(func(t *rapid.T) Setting {
		s := Setting{Value: toggle.Draw(t, "value"), Lock: toggle.Draw(t, "lock")}
		if s.Lock == On {
			s.LockLevel, s.LockedBy = rapid.SampledFrom([]Level{LevelGroup, LevelAccount}).Draw(t, "level"), ids.Draw(t, "by")
			s.Contradiction = rapid.Bool().Draw(t, "contradiction")
		}
		return s
	})
	rapid.Check(t, func(t *rapid.T) {
		before := Host{Plan: PlanPaid}
		for _, info := range AllSettings() {
			before.Settings[info.Key] = setting.Draw(t, info.Name)
		}
		c := Change{
			Key:   Key(rapid.IntRange(0, int(numKeys)).Draw(t, "key")),
			Level: rapid.SampledFrom([]Level{LevelHost, LevelGroup, LevelAccount, LevelPlan, ""}).Draw(t, "level"),
			ID:    ids.Draw(t, "id"), Value: toggle.Draw(t, "value"), Lock: toggle.Draw(t, "lock"),
		}
		after, reaches := c.Apply(before)
		if !reaches && after != before {
			t.Fatalf("it does not reach the host, and changed it: %+v", after)
		}
		for _, info := range AllSettings() {
			path, is, old := info.Path, &after.Settings[info.Key], &before.Settings[info.Key]
			switch {
			case info.Key != c.Key && *is != *old:
				t.Fatalf("%s became %+v", path, *is)
			case is.Contradiction && !old.Contradiction:
				t.Fatalf("%s is a contradiction now", path)
			case c.Level == LevelHost && old.Lock == On && *is != *old:
				t.Fatalf("the host changed the locked %s to %+v", path, *is)
			case c.Level == LevelHost && (is.Lock != old.Lock || is.LockLevel != old.LockLevel || is.LockedBy != old.LockedBy):
				t.Fatalf("the host changed the lock of %s: %+v", path, *is)
			case old.Lock == On && old.LockLevel == LevelAccount && c.Level == LevelGroup && *is != *old:
				t.Fatalf("a group changed what the account locks: %+v", *is)
			case is.Lock == On && (is.LockLevel == "" || is.LockedBy == ""), is.Lock == Off && old.Lock == On && (is.LockLevel != "" || is.LockedBy != ""):
				t.Fatalf("%s is locked by nobody, or unlocked by somebody: %+v", path, *is)
			case reaches && info.Key == c.Key && c.Value != Unknown && is.Value != c.Value:
				t.Fatalf("it reaches the host, and %s is %v", path, is.Value)
			}
		}
		if again, _ := c.Apply(after); again != after {
			t.Fatalf("a second time it makes %+v of %+v", again, after)
		}
	})
}
