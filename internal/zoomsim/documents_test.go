package zoomsim

import (
	"slices"
	"strings"
	"testing"
)

var bothDocuments = []Documents{Documents2020, Documents2025}

// overridden are the creates of the matrix that the document of 2025 decides
// otherwise (Z-RULE-9): the passcode setting may be on there without a lock,
// and the row makes none of it.
var overridden = map[int]string{
	2:  "generated also where authentication is asked for",
	3:  "generated, so that the waiting room need not come on",
	8:  "generated beside the waiting room that is locked on",
	10: "generated beside the authentication that is locked on",
	12: "generated beside both",
	16: "generated beside the waiting room that is locked on",
	17: "generated beside the authentication that is locked on",
	23: "generated, so that the waiting room need not come on",
}

// TestMatrixIn2025 holds the same 46 scenarios against the document of 2025:
// what it overrides, and that it overrides nothing else.
func TestMatrixIn2025(t *testing.T) {
	t.Parallel()
	for _, row := range matrix {
		differs := false
		row.each(func(s EffectiveSettings, prev State, w Wish) {
			for _, w.DefaultPassword = range asks {
				want := row.expect(prev, w)
				if row.op == Create && s.Passcode == On && w.Passcode == AskAbsent && w.DefaultPassword != AskNo {
					// The generated one counts as one that was given.
					asked := w
					asked.Passcode = AskYes
					want = row.expect(prev, asked)
					want.Passcode = PasscodeGenerated
				}
				got := Documents2025.Decide(row.op, s, prev, w)
				if got != want {
					t.Errorf("%d %d: settings %+v previous %+v wish %+v\n got %+v\nwant %+v", row.op, row.n, s, prev, w, got, want)
				}
				differs = differs || got != row.expect(prev, w)
			}
		})
		why, listed := overridden[row.n]
		if listed = listed && row.op == Create; listed != differs {
			t.Errorf("%d %d differs: %v, listed: %v (%s)", row.op, row.n, differs, listed, why)
		}
	}
}

// TestCreateFollowsHost: what the host's settings add to a create that brings
// no passcode, by either document.
func TestCreateFollowsHost(t *testing.T) {
	t.Parallel()
	made, room, nothing := Decision{Passcode: PasscodeGenerated}, Decision{WaitingRoom: true}, Decision{}
	both := Decision{Passcode: PasscodeGenerated, WaitingRoom: true}
	on := EffectiveSettings{Passcode: On}
	for _, c := range []struct {
		name           string
		s              EffectiveSettings
		w              Wish
		in2020, in2025 Decision
	}{
		{"neither named, setting on", on, Wish{}, made, made},
		{"neither named, both settings on", EffectiveSettings{WaitingRoom: On, Passcode: On, AutoSecurity: true}, Wish{}, both, both},
		{"neither named, waiting room alone on", EffectiveSettings{WaitingRoom: On, AutoSecurity: true}, Wish{}, room, room},
		{"neither named, default_password false", EffectiveSettings{WaitingRoom: On, Passcode: On}, Wish{DefaultPassword: AskNo}, both, room},
		{"all off, auto security", EffectiveSettings{AutoSecurity: true}, Wish{}, room, room},
		{"all off, no auto security", EffectiveSettings{}, Wish{}, nothing, nothing},
		{"the call of the problem", on, Wish{WaitingRoom: AskYes}, room, both},
		{"the call of the problem, default_password true", on, Wish{WaitingRoom: AskYes, DefaultPassword: AskYes}, both, both},
		{"the call of the problem, default_password false", on, Wish{WaitingRoom: AskYes, DefaultPassword: AskNo}, room, room},
		{"waiting room refused", on, Wish{WaitingRoom: AskNo}, nothing, made},
		{"waiting room refused, auto security", EffectiveSettings{Passcode: On, AutoSecurity: true}, Wish{WaitingRoom: AskNo}, room, made},
		{"passcode refused", EffectiveSettings{WaitingRoom: On, Passcode: On}, Wish{Passcode: AskNo}, nothing, nothing},
		{"passcode refused, default_password true", on, Wish{Passcode: AskNo, DefaultPassword: AskYes}, nothing, nothing},
		{"passcode given, setting off", EffectiveSettings{WaitingRoom: On}, Wish{Passcode: AskYes}, Decision{Passcode: PasscodeGiven}, Decision{Passcode: PasscodeGiven}},
		{"passcode given, default_password false", on, Wish{Passcode: AskYes, DefaultPassword: AskNo}, Decision{Passcode: PasscodeGiven}, Decision{Passcode: PasscodeGiven}},
		{"passcode given, default_password true", on, Wish{Passcode: AskYes, DefaultPassword: AskYes}, Decision{Passcode: PasscodeGiven}, Decision{Passcode: PasscodeGiven}},
		{"setting off, default_password true", EffectiveSettings{}, Wish{WaitingRoom: AskNo, DefaultPassword: AskYes}, nothing, nothing},
		{"locked off, default_password true", EffectiveSettings{Passcode: LockedOff}, Wish{DefaultPassword: AskYes}, nothing, nothing},
		{"locked on, default_password false", EffectiveSettings{Passcode: LockedOn}, Wish{WaitingRoom: AskYes, DefaultPassword: AskNo}, both, both},
		{"locked on, passcode refused", EffectiveSettings{Passcode: LockedOn}, Wish{Passcode: AskNo}, made, made},
		{"authentication does not follow", EffectiveSettings{Authentication: On}, Wish{}, nothing, nothing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for docs, want := range map[Documents]Decision{Documents2020: c.in2020, Documents2025: c.in2025, "": c.in2025} {
				if got := docs.Decide(Create, c.s, State{true, true, true}, c.w); got != want {
					t.Errorf("%s: got %+v, want %+v", docs, got, want)
				}
			}
			if got := Decide(Create, c.s, State{}, c.w); got != c.in2025 {
				t.Errorf("without documents: got %+v, want %+v", got, c.in2025)
			}
		})
	}
}

// TestDocumentsAgreeOnUpdates: nothing of the dispute concerns a meeting that
// is there.
func TestDocumentsAgreeOnUpdates(t *testing.T) {
	t.Parallel()
	for _, row := range matrix {
		if row.op == Create {
			continue
		}
		row.each(func(s EffectiveSettings, prev State, w Wish) {
			for _, w.DefaultPassword = range asks {
				if a, b := Documents2020.Decide(Update, s, prev, w), Documents2025.Decide(Update, s, prev, w); a != b {
					t.Errorf("%+v %+v %+v: %+v and %+v", s, prev, w, a, b)
				}
			}
		})
	}
}

// TestDocumentsSwitch: the same call in both worlds, over HTTP.
func TestDocumentsSwitch(t *testing.T) {
	t.Parallel()
	const call, byHand = `{"settings":{"waiting_room":true}}`, `{"default_password":false,"settings":{"waiting_room":true}}`
	for _, c := range []struct {
		name, key string
		option    Documents
		want      Documents
		generated bool
	}{
		{"default", "", "", Documents2025, true},
		{"scenario", "documents: 2020", "", Documents2020, false},
		{"scenario, as text", `documents: "2025"`, "", Documents2025, true},
		{"option wins", "documents: 2020", Documents2025, Documents2025, true},
		{"option", "", Documents2020, Documents2020, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, c.key+oneHost, func(o *Options) { o.Documents = c.option })
			if got := s.want(200, "GET", "/_sim/documents", nil).body["documents"]; got != string(c.want) {
				t.Errorf("documents %v, want %s", got, c.want)
			}
			_, a := s.create("host", call)
			if _, has := a.body["password"]; has != c.generated {
				t.Errorf("%v", a.body)
			}
			if _, a := s.create("host", byHand); a.body["password"] != nil {
				t.Errorf("default_password false: %v", a.body)
			}
		})
	}
}

func TestDocumentsChange(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	before, _ := s.create("host", `{"settings":{"waiting_room":true}}`)
	s.want(204, "PUT", "/_sim/documents", `{"documents":"2020"}`)
	if _, a := s.create("host", `{"settings":{"waiting_room":true}}`); a.body["password"] != nil {
		t.Errorf("%v", a.body)
	}
	if a := s.get(path(before)); a.body["password"] == nil {
		t.Error("a meeting that was there lost its passcode")
	}
	for _, body := range []string{`{"documents":"2024"}`, `{}`, `{"document":"2020"}`} {
		s.want(400, "PUT", "/_sim/documents", body)
	}
	if err := s.SetDocuments(Documents2025); err != nil || s.Documents() != Documents2025 {
		t.Error(err, s.Documents())
	}
}

// TestUnknownDocuments names the two that there are.
func TestUnknownDocuments(t *testing.T) {
	t.Parallel()
	_, inScenario := LoadScenario(strings.NewReader("documents: 2021" + oneHost))
	_, inOptions := Start(t.Context(), Options{Documents: "next"})
	for i, err := range []error{inScenario, inOptions} {
		if err == nil || !slices.ContainsFunc([]string{`"2021"`, `"next"`}, func(w string) bool { return strings.Contains(err.Error(), w) }) ||
			!strings.Contains(err.Error(), "want 2025 or 2020") {
			t.Errorf("%d: %v", i, err)
		}
	}
}
