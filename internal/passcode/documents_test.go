package passcode

import (
	"strings"
	"testing"
)

// TestDisputed is the table of creates that Zoom's documents in force agree and
// disagree about.
func TestDisputed(t *testing.T) {
	t.Parallel()
	seed := Request{WaitingRoom: AskOn} // the call this project exists for
	with := func(r Request, d Ask) Request { r.DefaultPassword = d; return r }
	empty := Request{WaitingRoom: AskOn, Passcode: AskOff}
	for _, c := range []struct {
		name    string
		pass    Setting
		request Request
		sure    Sureness
		says    Toggle // what is followed
		older   Toggle // where disputed
		tried   [2]Toggle
	}{
		{"the seed's own call, the setting on", on(), seed, SureDisputed, On, Off, [2]Toggle{Off, On}},
		{"default_password true", on(), with(seed, AskOn), SureDocumented, On, 0, [2]Toggle{On, On}},
		{"default_password false", on(), with(seed, AskOff), SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"the setting off", off(), seed, SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"the setting off, default_password true", off(), with(seed, AskOn), SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"locked on", onLocked(LevelGroup, "G"), seed, SureDocumented, On, 0, [2]Toggle{On, On}},
		{"locked on, default_password false", onLocked(LevelGroup, "G"), with(seed, AskOff), SureDocumented, On, 0, [2]Toggle{On, On}},
		{"locked off, default_password true", offLocked(LevelGroup, "G"), with(seed, AskOn), SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"neither named", on(), Request{}, SureDocumented, On, 0, [2]Toggle{On, On}},
		{"neither named, default_password false", on(), with(Request{}, AskOff), SureDisputed, Off, On, [2]Toggle{On, Off}},
		{"a passcode is given", on(), Request{WaitingRoom: AskOn, Passcode: AskOn}, SureDocumented, On, 0, [2]Toggle{On, On}},
		{"an empty one", on(), empty, SureUnknown, Unknown, 0, [2]Toggle{Off, Unknown}},
		{"an empty one, default_password false", on(), with(empty, AskOff), SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"an empty one, the setting off", off(), empty, SureDocumented, Off, 0, [2]Toggle{Off, Off}},
		{"whether it is locked is not known", Setting{Value: On}, seed, SureUnknown, Unknown, 0, [2]Toggle{Unknown, On}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := demanding(nil).Host
			h.Settings[KeyPasscode] = c.pass
			p := Predict(h, c.request, Options{})
			if p.Sure != c.sure || p.Passcode != c.says || p.Older.Passcode != c.older {
				t.Errorf("predicted %+v; want %s, passcode %s, the older document %s", p, c.sure, c.says, c.older)
			}
			if want := map[Toggle]Source{On: SourceGenerated, Off: SourceNone, Unknown: SourceUnknown}[c.says]; c.request.Passcode != AskOn && p.Source != want {
				t.Errorf("source %s, want %s", p.Source, want)
			}
			for i, docs := range []Documents{Documents2020, Documents2025} {
				h.Documents = docs
				p := Predict(h, c.request, Options{})
				if p.Passcode != c.tried[i] || p.Sure == SureDisputed || p.Older != (Said{}) {
					t.Errorf("where documents of %s were seen to hold: %+v, want passcode %s and no dispute", docs, p, c.tried[i])
				}
				if c.sure == SureDisputed && p.Sure != SureMeasured {
					t.Errorf("where documents of %s were seen to hold it is %s", docs, p.Sure)
				}
			}
		})
	}
}

// TestEmptyPasscodeTried: what was seen to come of a create with an empty passcode
// stands in the place of what no document says, and nowhere else.
func TestEmptyPasscodeTried(t *testing.T) {
	t.Parallel()
	empty := Request{WaitingRoom: AskOn, Passcode: AskOff}
	for _, c := range []struct {
		name    string
		pass    Setting
		request Request
		docs    Documents
		sure    [2]Sureness // seen to get none, one
		says    [2]Toggle
	}{
		{"open", on(), empty, DocumentsOpen, [2]Sureness{SureMeasured, SureMeasured}, [2]Toggle{Off, On}},
		{"the older document holds for creates without", on(), empty, Documents2020, [2]Sureness{SureMeasured, SureMeasured}, [2]Toggle{Off, On}},
		{"the setting off", off(), empty, DocumentsOpen, [2]Sureness{SureDocumented, SureDocumented}, [2]Toggle{Off, Off}},
		{"locked on", onLocked(LevelGroup, "G"), empty, DocumentsOpen, [2]Sureness{SureDocumented, SureDocumented}, [2]Toggle{On, On}},
		{"none is named", on(), Request{WaitingRoom: AskOn}, DocumentsOpen, [2]Sureness{SureDisputed, SureDisputed}, [2]Toggle{On, On}},
		{"default_password false", on(), Request{WaitingRoom: AskOn, Passcode: AskOff, DefaultPassword: AskOff}, DocumentsOpen, [2]Sureness{SureDocumented, SureDocumented}, [2]Toggle{Off, Off}},
	} {
		for i, tried := range []Toggle{Off, On} {
			h := demanding(nil).Host
			h.Settings[KeyPasscode], h.Documents, h.EmptyPasscode = c.pass, c.docs, tried
			if p := Predict(h, c.request, Options{}); p.Sure != c.sure[i] || p.Passcode != c.says[i] {
				t.Errorf("%s, an empty one seen to come to %s: %+v; want %s, %s", c.name, tried, p, c.sure[i], c.says[i])
			}
		}
	}
}

// TestForecastSaysTheDispute: in words, with both documents, and not at all where
// there is nothing to it.
func TestForecastSaysTheDispute(t *testing.T) {
	t.Parallel()
	h := demanding(nil).Host
	for _, c := range []struct {
		name      string
		pass      Setting
		docs      Documents
		says      string
		differing bool
	}{
		{"open", on(), DocumentsOpen, `a scheduled one made by API with the waiting room on and no passcode is disputed: Zoom's newer reference says that a passcode is generated, because "Require a passcode when scheduling new meetings" (meeting_security.meeting_password) is on for the host; the older security page says none`, true},
		{"tried: the older holds", on(), Documents2020, "a scheduled one made by API with the waiting room on and no passcode demands none, as was tried on this account", true},
		{"tried: the newer holds", on(), Documents2025, "demands one, because \"Require a passcode when scheduling new meetings\" (meeting_security.meeting_password) is on for the host, as was tried on this account", true},
		{"off", off(), DocumentsOpen, "", false},
		{"locked on", onLocked(LevelGroup, "G"), DocumentsOpen, "", false},
	} {
		h.Settings[KeyPasscode], h.Documents = c.pass, c.docs
		f := ForecastFor(h)
		if s := f.Sentence(); strings.Contains(s, "made by API") != c.differing || !strings.Contains(s, c.says) {
			t.Errorf("%s: %q, want %q", c.name, s, c.says)
		}
		other := h
		other.Documents = Documents2020
		if c.docs == Documents2025 && ForecastFor(other).Signature() == f.Signature() {
			t.Errorf("%s: what was tried makes no difference to the signature", c.name)
		}
	}
}
