package passcode

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The vectors of docs/known-passcode.md; they must never change, since other
// programs derive the same.
func TestDeriveVectors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret  string
		meeting int64
		r       Requirement
		want    string
	}{
		{"correct horse battery staple", 85746065432, Requirement{}, "z4TbXfwH"},
		{"correct horse battery staple", 85746065433, Requirement{}, "Dt3qeLGq"},
		{"correct horse battery staple", 85746065432, Requirement{OnlyNumeric: true}, "42235736"},
		{"correct horse battery staple", 85746065432, Requirement{Length: 10, HaveLetter: true, HaveNumber: true, HaveSpecial: true, HaveUpperAndLower: true, ConsecutiveLength: 4, WeakEnhancedDetection: true}, "dHx@j84gP4"},
	} {
		got, err := Derive(c.secret, c.meeting, c.r)
		if err != nil || got != c.want {
			t.Errorf("Derive(%q, %d, %+v) = %q, %v, want %q", c.secret, c.meeting, c.r, got, err, c.want)
		}
	}
}

func requirements() *rapid.Generator[Requirement] {
	return rapid.Custom(func(t *rapid.T) Requirement {
		return Requirement{
			Length:     rapid.IntRange(0, 12).Draw(t, "length"),
			HaveLetter: rapid.Bool().Draw(t, "letter"), HaveNumber: rapid.Bool().Draw(t, "number"), HaveSpecial: rapid.Bool().Draw(t, "special"),
			OnlyNumeric: rapid.Bool().Draw(t, "numeric"), HaveUpperAndLower: rapid.Bool().Draw(t, "upper and lower"),
			ConsecutiveLength:     rapid.SampledFrom([]int{0, 4, 5, 6, 7, 8}).Draw(t, "consecutive"),
			WeakEnhancedDetection: rapid.Bool().Draw(t, "weak"),
		}
	})
}

// TestDerivedPasscodesConform: for every requirement that any passcode can
// meet, one is found that meets it, is the same again, and is safe to read out.
func TestDerivedPasscodesConform(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := requirements().Draw(t, "requirement")
		id := rapid.Int64Range(100000000, 99999999999).Draw(t, "meeting")
		secret := rapid.StringN(1, 64, -1).Draw(t, "secret")
		p, err := Derive(secret, id, r)
		if impossible := r.Possible(); (impossible != nil) != (err != nil) {
			t.Fatalf("possible: %v, derive: %v", impossible, err)
		}
		if err != nil {
			return
		}
		again, _ := Derive(secret, id, r)
		switch {
		case r.Check(p) != nil:
			t.Fatalf("does not conform: %v", r.Check(p))
		case len(p) > MaxLength || len(p) < r.Length:
			t.Fatalf("%d characters", len(p))
		case again != p:
			t.Fatal("not the same again")
		case strings.ContainsAny(p, "0O1Iilo?#({-_*!"):
			t.Fatalf("%q holds a look-alike or what Zoom Rooms refuses", p)
		}
	})
}

func TestRequirementCheck(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, passcode string
		r              Requirement
		problem        string // "" means it conforms
	}{
		{"nothing required", "abc", Requirement{}, ""},
		{"empty", "", Requirement{}, "empty"},
		{"ten characters", "abcdefghjk", Requirement{}, ""},
		{"eleven characters", "abcdefghjkm", Requirement{}, "at most 10"},
		{"too short", "abc", Requirement{Length: 6}, "at least 6"},
		{"other characters", "abc!", Requirement{}, "may not take"},
		{"not ASCII", "äbc", Requirement{}, "may not take"},
		{"letter missing", "1234", Requirement{HaveLetter: true}, "letter"},
		{"digit missing", "abcd", Requirement{HaveNumber: true}, "digit"},
		{"special missing", "abc1", Requirement{HaveSpecial: true}, "special"},
		{"special there", "abc-1", Requirement{HaveSpecial: true}, ""},
		{"upper missing", "abc1", Requirement{HaveUpperAndLower: true}, "upper and lower"},
		{"only digits", "12a4", Requirement{OnlyNumeric: true}, "only digits"},
		{"run of equal", "a1111b", Requirement{ConsecutiveLength: 4}, "runs of 4"},
		{"run of three is allowed", "a111b", Requirement{ConsecutiveLength: 4}, ""},
		{"ascending", "x1234", Requirement{ConsecutiveLength: 4}, "runs"},
		{"descending", "x4321", Requirement{ConsecutiveLength: 4}, "runs"},
		{"letters ascending, mixed case", "aBcD9", Requirement{ConsecutiveLength: 4}, "runs"},
		{"keyboard row", "9qwer", Requirement{ConsecutiveLength: 4}, "runs"},
		{"keyboard row backwards", "9rewq", Requirement{ConsecutiveLength: 4}, "runs"},
		{"a run of five where five are forbidden", "12345", Requirement{ConsecutiveLength: 5}, "runs"},
		{"a run of four where five are forbidden", "x1234", Requirement{ConsecutiveLength: 5}, ""},
		{"weak", "aaaabbbb", Requirement{WeakEnhancedDetection: true}, "guessed"},
		{"not weak", "k7Rw-2mX", Requirement{WeakEnhancedDetection: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.r.Check(c.passcode)
			if (err == nil) != (c.problem == "") || err != nil && !strings.Contains(err.Error(), c.problem) {
				t.Errorf("got %v, want %q", err, c.problem)
			}
			if err != nil && c.passcode != "" && strings.Contains(err.Error(), c.passcode) {
				t.Error("the error holds the passcode")
			}
		})
	}
}

func TestChannels(t *testing.T) {
	t.Parallel()
	asked, open, unknown := Channel{Passcode: On, SignIn: Off}, Channel{Passcode: Off, SignIn: Off}, Channel{Passcode: Unknown, SignIn: Off}
	signIn := Channel{Passcode: Off, SignIn: On}
	for _, c := range []struct {
		name   string
		change func(*Facts)
		want   Channels
	}{
		{"no passcode", func(f *Facts) { f.Meeting.Passcode = Off }, Channels{open, open, open}},
		{"passcode in the link, none by phone", func(f *Facts) { f.Meeting.LinkHasPasscode = On; f.Meeting.PhonePasscode = Off }, Channels{asked, open, open}},
		{"passcode not in the link, one by phone", func(f *Facts) { f.Meeting.LinkHasPasscode = Off; f.Meeting.PhonePasscode = On }, Channels{asked, asked, asked}},
		{"link not seen, phone by the host's setting", func(f *Facts) { f.Host.Settings[KeyPhone].Value = On }, Channels{asked, unknown, asked}},
		{"authentication: phones cannot sign in", func(f *Facts) { f.Meeting.Passcode = Off; f.Meeting.Authentication = On }, Channels{signIn, signIn, open}},
		{"web client must sign in, the app not", func(f *Facts) { f.Meeting.Passcode = Off; f.Host.Settings[KeyWebClient].Value = On }, Channels{signIn, open, open}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := Evaluate(demanding(c.change), Policy{Mode: ModeObserve}, now)
			if v.Channels != c.want {
				t.Errorf("got %+v, want %+v (%s)", v.Channels, c.want, v.Channels.Sentence())
			}
		})
	}
}

func TestForecast(t *testing.T) {
	t.Parallel()
	base := demanding(nil).Host
	base.Settings[KeyPMI] = off()
	for _, c := range []struct {
		name                    string
		change                  func(*Host)
		scheduled, pmi, already Toggle
		code                    Code
		sentence                string
	}{
		{"everything off", func(*Host) {}, Off, Off, Off, "", "will not demand a passcode"},
		{"setting on", func(h *Host) { h.Settings[KeyPasscode] = on() }, On, Off, Off, CauseSettingOn, `will demand a passcode, because "Require a passcode when scheduling new meetings"`},
		{"locked on", func(h *Host) { h.Settings[KeyPasscode] = onLocked(LevelGroup, "G1") }, On, Off, Off, CauseLockedOn, "meetings already scheduled are left as they are until they are next changed, which gives them one, because \"Require a passcode when scheduling new meetings\" (meeting_security.meeting_password) is locked on by group G1"},
		{"free plan", func(h *Host) {
			h.Plan, h.Settings[KeyPasscode], h.Settings[KeyPMI] = PlanFree, Setting{Value: On}, Setting{Value: On}
		}, On, On, Off, CausePlan, "a meeting under the personal meeting id demands a passcode, because Zoom's free plan always has passcodes on; meetings already scheduled are left as they are until they are next changed, which gives them one, because"},
		{"free plan, and everything reads off", func(h *Host) { h.Plan = PlanFree }, Off, Off, Off, "", "will not demand a passcode"},
		{"single-host Pro, and the PMI setting reads off", func(h *Host) {
			h.Plan, h.Settings[KeyPasscode] = PlanProSingleHost, Setting{Value: On, Lock: On}
		}, On, Off, Off, CausePlan, "demands none"},
		{"PMI: only where people may join before the host", func(h *Host) { h.Settings[KeyPMI], h.Settings[KeyPMIJoin] = on(), on() }, Off, Unknown, Off, "",
			"demands a passcode where people may join before the host, and none elsewhere"},
		{"contradicting locks on the waiting room", func(h *Host) {
			h.Settings[KeyAutoSecurity] = on()
			h.Settings[KeyWaitingRoom] = Setting{Value: Off, Lock: On, LockLevel: LevelGroup, LockedBy: "G1", Contradiction: true, Against: "G2"}
		}, Unknown, Off, Off, BlockContradict, `cannot be predicted, because group G1 and "G2" lock "Waiting Room"`},
		{"auto_security with the waiting room locked off", func(h *Host) {
			h.Settings[KeyAutoSecurity] = on()
			h.Settings[KeyWaitingRoom] = offLocked(LevelAccount, "A")
		}, On, Off, Off, CauseAutoSecurity, "security option"},
		{"auto_security with the waiting room off but free", func(h *Host) { h.Settings[KeyAutoSecurity] = on() }, Off, Off, Off, "", "will not demand"},
		{"retroactive", func(h *Host) { h.Settings[KeyScheduled] = on() }, Off, Off, On, "", "get passcodes too"},
		{"personal meeting id", func(h *Host) { h.Settings[KeyPMI] = onLocked(LevelAccount, "A") }, Off, On, Off, "", "locked on by the account"},
		{"nothing known", func(h *Host) { *h = Host{} }, Unknown, Unknown, Unknown, "", "cannot be predicted, because some"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := base
			c.change(&h)
			f := ForecastFor(h)
			if f.Scheduled.Passcode != c.scheduled || f.Instant.Passcode != c.scheduled || f.PMI.Passcode != c.pmi || f.Already.Passcode != c.already || f.Scheduled.Reason.Code != c.code {
				t.Errorf("got %+v", f)
			}
			if s := f.Sentence(); !strings.Contains(s, c.sentence) {
				t.Errorf("%q does not hold %q", s, c.sentence)
			}
		})
	}
}

// TestLooksGenerated: what Zoom makes up for a host, and what somebody else did.
func TestLooksGenerated(t *testing.T) {
	t.Parallel()
	special, ten, numeric := Requirement{HaveSpecial: true}, Requirement{Length: 10}, Requirement{OnlyNumeric: true}
	for _, c := range []struct {
		passcode string
		r        Requirement
		want     Toggle
	}{
		{"8pEkRJ", Requirement{}, On}, {"123456", Requirement{}, On}, {"1234567", Requirement{}, Off}, {"12345", Requirement{}, Off}, {"abc-12", Requirement{}, Off},
		{"abc-12", special, On}, {"abcd12", special, Off}, {"8pEkRJ", ten, Off}, {"8pEkRJ3dFg", ten, On}, {"123456", numeric, On}, {"12345a", numeric, Off},
	} {
		if got := c.r.LooksGenerated(c.passcode); got != c.want {
			t.Errorf("%q under %+v: %s, want %s", c.passcode, c.r, got, c.want)
		}
	}
}
