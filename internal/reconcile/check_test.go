package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// TestCheck: one check each, from what Zoom has and answers to what is done,
// recorded and told.
func TestCheck(t *testing.T) {
	t.Parallel()
	const (
		soon  = 5 * time.Minute // due again within
		never = 0
	)
	lockedOff := func(k passcode.Key) func(*scripted) {
		return func(s *scripted) { s.settings.Values[k] = passcode.Off }
	}
	for _, c := range []struct {
		name    string
		set     func(*scripted)
		locks   passcode.Values
		policy  Rule
		gets    []reply
		patches []reply

		outcome passcode.Outcome
		remedy  passcode.Remedy
		results []store.RepairResult
		alerts  []string
		changes int           // PATCHes
		due     time.Duration // again within that; 0: not by itself
		why     string        // part of what explain says first
	}{
		{name: "cleared", outcome: passcode.OutcomeJoinable, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairHeld}, alerts: []string{alert.Repaired}, changes: 1},
		{name: "cleared, the answer lost", patches: []reply{lostAnswer},
			outcome: passcode.OutcomeJoinable, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairHeld}, alerts: []string{alert.Repaired}, changes: 1},
		{name: "Zoom answers yes and does nothing", patches: []reply{yesAndNothing},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, results: []store.RepairResult{store.RepairOverwritten}, alerts: []string{alert.Unfixable}, changes: 1},
		{name: "Zoom makes another passcode", patches: []reply{yesButAnother},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, results: []store.RepairResult{store.RepairOverwritten}, alerts: []string{alert.PasscodeChanged, alert.Unfixable}, changes: 1},
		{name: "the waiting room does not hold: the passcode goes back", patches: []reply{yesButOpen},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, results: []store.RepairResult{store.RepairOpened, store.RepairHeld}, alerts: []string{alert.Open}, changes: 2,
			why: "without the passcode Zoom left the meeting open to anybody, so latchkey put security back"},
		{name: "and putting it back is answered yes and not done: the waiting room once more", patches: []reply{yesButOpen, yesAndNothing},
			outcome: passcode.OutcomeJoinable, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairOpened, store.RepairOverwritten, store.RepairHeld}, alerts: []string{alert.Open}, changes: 3},
		{name: "and putting it back is refused: the waiting room once more", patches: []reply{yesButOpen, says(zoom.KindInvalid, "no")},
			outcome: passcode.OutcomeJoinable, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairOpened, store.RepairRefused, store.RepairHeld}, alerts: []string{alert.Open}, changes: 3},
		{name: "and nothing helps", patches: []reply{yesButOpen, yesAndNothing, yesAndNothing},
			outcome: passcode.OutcomeUnsecured, remedy: passcode.RemedyImpossible, results: []store.RepairResult{store.RepairOpened, store.RepairOverwritten, store.RepairOverwritten}, alerts: []string{alert.Open}, changes: 3, due: soon,
			why: "The meeting is open to anybody"},
		{name: "and putting it back is not answered, once", patches: []reply{yesButOpen, says(zoom.KindServer, "")},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, results: []store.RepairResult{store.RepairOpened, store.RepairAbandoned, store.RepairHeld}, alerts: []string{alert.Open}, changes: 3},
		{name: "and then a scope is missing", patches: []reply{yesButOpen, says(zoom.KindScope, "scopes")},
			outcome: passcode.OutcomeUnsecured, remedy: passcode.RemedySecure, results: []store.RepairResult{store.RepairOpened, store.RepairAbandoned}, alerts: []string{alert.AccountTrouble, alert.Open}, changes: 2, due: soon,
			why: "The meeting is open to anybody"},
		{name: "and then it cannot be read any more", patches: []reply{yesButOpen, yesAndNothing}, gets: []reply{{}, {}, saysOnRead(zoom.KindServer)},
			outcome: passcode.OutcomeUnsecured, remedy: passcode.RemedySecure, results: []store.RepairResult{store.RepairOpened, store.RepairUnfinished}, alerts: []string{alert.Open}, changes: 2, due: soon,
			why: "The meeting is open to anybody"},
		{name: "its passcode was never readable: not begun", gets: []reply{hidden, hidden},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyImpossible, alerts: []string{alert.Unfixable}, due: 2 * time.Hour, why: "a removal could not be taken back"},
		{name: "its passcode could not be put back: not begun", set: func(s *scripted) { s.m.Password = "a!b#c" },
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.Unfixable}, why: "characters that Zoom's API does not take"},

		{name: "in progress, says Zoom: tried again later, not at once", patches: []reply{says(zoom.KindBusy, "in progress")},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyDefer, results: []store.RepairResult{store.RepairBusy}, alerts: []string{alert.Deferred}, changes: 1, due: 11 * time.Minute},
		{name: "refused: not tried again", patches: []reply{says(zoom.KindRefused, "You cannot schedule a meeting for x")},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, results: []store.RepairResult{store.RepairRefused}, alerts: []string{alert.Unfixable}, changes: 1, why: `Zoom refused to remove the passcode ("You cannot schedule`},
		{name: "a webinar now: left alone", gets: []reply{saysOnRead(zoom.KindWebinar)},
			outcome: passcode.OutcomeUnknown, remedy: passcode.RemedyNone, why: "it is a webinar"},
		{name: "a webinar when it is changed", patches: []reply{says(zoom.KindWebinar, "Cannot access webinar info.")},
			outcome: passcode.OutcomeUnknown, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairAbandoned}, changes: 1},
		{name: "not found when it is read: asked again, nothing forgotten", gets: []reply{saysOnRead(zoom.KindNotFound)},
			outcome: passcode.OutcomeUnknown, remedy: passcode.RemedyNone, due: 3 * time.Minute, why: "Zoom does not know this meeting"},
		{name: "not found, and an event said that it was deleted", set: func(s *scripted) { s.saidGone = true }, gets: []reply{saysOnRead(zoom.KindNotFound)},
			outcome: passcode.OutcomeGone, remedy: passcode.RemedyNone, why: "Zoom does not know this meeting"},
		{name: "not found when it is read back: still unfinished", gets: []reply{{}, saysOnRead(zoom.KindNotFound)},
			outcome: passcode.OutcomeUnknown, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairUnfinished}, changes: 1, due: 3 * time.Minute},
		{name: "the host's hundred are used up", patches: []reply{says(zoom.KindHostDay, "exceeded")},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyDefer, results: []store.RepairResult{store.RepairAbandoned}, alerts: []string{alert.Deferred}, changes: 1, due: 25 * time.Hour},

		{name: "the host's settings need a scope: nothing is changed, and it is told as ours to mend", set: func(s *scripted) {
			s.userErr = &zoom.Error{Kind: zoom.KindScope, Op: zoom.CallGetUser, Message: "scopes"}
		}, outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.AccountTrouble, alert.Unfixable}, due: 6*time.Hour + time.Minute},
		{name: "Zoom does not know the host: nothing is changed, asked again in an hour", set: func(s *scripted) {
			s.userErr = &zoom.Error{Kind: zoom.KindNotFound, Op: zoom.CallGetUser, Message: "User does not exist"}
		}, outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.Unfixable}, due: time.Hour + time.Minute},

		{name: "policy known-passcode: set", policy: known7, outcome: passcode.OutcomeDemands, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairHeld},
			alerts: []string{alert.PasscodeChanged, alert.Repaired}, changes: 1, why: "it is the passcode that the policy sets"},
		{name: "policy known-passcode, and Zoom keeps its own", policy: known7, patches: []reply{yesAndNothing}, outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep,
			results: []store.RepairResult{store.RepairOverwritten}, alerts: []string{alert.Unfixable}, changes: 1, why: "Zoom answered yes to latchkey's passcode and kept another one"},
		{name: "policy known-passcode where passcodes are locked off: not removed", policy: known7, set: lockedOff(passcode.KeyPasscode), locks: passcode.Values{passcode.KeyPasscode: passcode.On},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.Unfixable}},
		{name: "policy known-passcode from Zoom where passcodes are locked off: kept", policy: Rule{Policy: passcode.Policy{Mode: passcode.ModeKnownPasscode, Source: passcode.SourceZoom}},
			set: lockedOff(passcode.KeyPasscode), locks: passcode.Values{passcode.KeyPasscode: passcode.On},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.Unfixable}},
		{name: "observed: what would be done is recorded", policy: Rule{Policy: passcode.Policy{Mode: passcode.ModeObserve}},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyNone, alerts: []string{alert.Demands}, why: "policy waiting-room would remove it"},
		{name: "locked on: nothing is tried", locks: passcode.Values{passcode.KeyPasscode: passcode.On},
			outcome: passcode.OutcomeDemands, remedy: passcode.RemedyKeep, alerts: []string{alert.Unfixable}},
		{name: "waiting room locked off, sign-in secures it", set: func(s *scripted) {
			s.settings.Values[passcode.KeyWaitingRoom] = passcode.Off
			on, off := true, false
			s.m.Settings.MeetingAuthentication, s.m.Settings.WaitingRoom = &on, &off
		}, locks: passcode.Values{passcode.KeyWaitingRoom: passcode.On},
			outcome: passcode.OutcomeJoinable, remedy: passcode.RemedyNone, results: []store.RepairResult{store.RepairHeld}, alerts: []string{alert.Repaired}, changes: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{gets: c.gets, patches: c.patches}
			w, url := patient(t, s)
			if c.set != nil {
				c.set(s)
			}
			if s.saidGone {
				run(t, url, `UPDATE meetings SET said_gone = true`)
			}
			if c.locks != (passcode.Values{}) {
				s.accountLocks = &zoom.Settings{Values: c.locks}
			}
			if c.policy.Policy.Mode != "" {
				w.o.Rule = func(Who) Rule { return c.policy }
			}
			checkNow(t, w, url)
			m, repairs := meetingOf(t, w)
			if m.Outcome != c.outcome || m.Remedy != c.remedy || !strings.Contains(m.Why, c.why) {
				t.Errorf("%s, %s: %s (error %q)\nwant %s, %s: %s", m.Outcome, m.Remedy, m.Why, m.LastError, c.outcome, c.remedy, c.why)
			}
			var results []store.RepairResult
			for _, r := range repairs {
				results = append(results, r.Result)
			}
			if !slices.Equal(results, c.results) {
				t.Errorf("repairs %v, want %v", results, c.results)
			}
			if got := alertsOf(t, w); !slices.Equal(got, c.alerts) {
				t.Errorf("alerts %v, want %v", got, c.alerts)
			}
			if len(s.asked) != c.changes {
				t.Errorf("%d changes were asked for, want %d", len(s.asked), c.changes)
			}
			if in := time.Until(m.DueAt); m.DueAt.IsZero() != (c.due == never) || in > c.due {
				t.Errorf("due in %v (%s), want within %v", in, m.DueWhy, c.due)
			}

			// A second check asks for nothing that was answered already.
			asked := len(s.asked)
			checkNow(t, w, url)
			settled := m.Remedy != passcode.RemedySecure && !slices.Contains(results, store.RepairUnfinished) && m.Outcome != passcode.OutcomeUnknown &&
				!slices.Contains(results, store.RepairAbandoned)
			if settled && len(s.asked) != asked {
				t.Errorf("checked again, and asked for %+v", s.asked[asked:])
			}
			if again := alertsOf(t, w); settled && len(again) != 0 {
				t.Errorf("checked again, and told %v", again)
			}
		})
	}
}

// known7 is a policy that sets a passcode.
var known7 = Rule{Policy: passcode.Policy{Mode: passcode.ModeKnownPasscode, Source: passcode.SourceFixed}, Passcode: "Fixed-7xQ"}

// TestTheNextCheckFinishesIt: a worker dies between asking Zoom and reading
// back. The next check reads back first; what was done is not asked for twice.
func TestTheNextCheckFinishesIt(t *testing.T) {
	t.Parallel()
	dies := func(do func(*zoom.Meeting, zoom.MeetingPatch)) []reply {
		return []reply{{name: "dies", do: do, die: true}}
	}
	for name, c := range map[string]struct {
		patches, gets []reply
		changes       int
		results       []store.RepairResult
		alerts        []string
	}{
		"after Zoom did it": {patches: dies(obey), changes: 1, results: []store.RepairResult{store.RepairHeld}, alerts: []string{alert.Repaired}},
		"before it read back": {gets: []reply{{}, {name: "dies", die: true}}, changes: 1,
			results: []store.RepairResult{store.RepairHeld}, alerts: []string{alert.Repaired}},
		"before Zoom heard of it": {patches: dies(func(*zoom.Meeting, zoom.MeetingPatch) {}), changes: 2,
			results: []store.RepairResult{store.RepairAbandoned, store.RepairHeld}, alerts: []string{alert.Repaired}},
		"after Zoom opened the meeting": {patches: dies(yesButOpen.do), changes: 2,
			results: []store.RepairResult{store.RepairOpened, store.RepairHeld}, alerts: []string{alert.Open}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &scripted{patches: c.patches, gets: c.gets}
			w, url := patient(t, s)
			checkNow(t, w, url)
			if _, repairs := meetingOf(t, w); len(repairs) != 1 || repairs[0].Result != store.RepairUnfinished {
				t.Fatalf("the worker died and left %d repairs, the first %s", len(repairs), repairs[0].Result)
			}
			// The row is as it was before, and says that it need not be read.
			run(t, url, `UPDATE meetings SET must_read = false, passcode = 'on', passcode_readable = true, waiting_room = 'on', authentication = 'off'`)
			checkNow(t, w, url)
			_, repairs := meetingOf(t, w)
			var results []store.RepairResult
			for _, r := range repairs {
				results = append(results, r.Result)
			}
			if got := alertsOf(t, w); len(s.asked) != c.changes || !slices.Equal(results, c.results) || !slices.Equal(got, c.alerts) || isOpen(s.m) {
				t.Errorf("%d changes, %v, alerts %v, open %t", len(s.asked), results, got, isOpen(s.m))
			}
		})
	}
}

// TestNotFoundIsBelievedLate: asked three times, ten minutes apart at least, and
// any sight of the meeting begins anew.
func TestNotFoundIsBelievedLate(t *testing.T) {
	t.Parallel()
	missing := saysOnRead(zoom.KindNotFound)
	s := &scripted{}
	w, url := patient(t, s)
	step := func(name string, gets []reply, wait string, status passcode.Status, misses int) {
		t.Helper()
		run(t, url, fmt.Sprintf(`UPDATE meetings SET must_read = true, missing_since = missing_since - interval '%s'`, wait))
		s.gets = gets
		checkNow(t, w, url)
		m, _ := meetingOf(t, w)
		_, err := w.o.Store.Passcode(t.Context(), "acc", meetingID)
		if m.Status != status || m.Misses != misses || (status == passcode.StatusDeleted) != errors.Is(err, store.ErrNotFound) {
			t.Errorf("%s: %s after %d misses, passcode %v; want %s after %d", name, m.Status, m.Misses, err, status, misses)
		}
	}
	w.o.Rule = func(Who) Rule { return Rule{Policy: passcode.Policy{Mode: passcode.ModeObserve}} }
	step("seen", nil, "0", passcode.StatusScheduled, 0)
	step("once", []reply{missing}, "0", passcode.StatusScheduled, 1)
	step("twice", []reply{missing}, "1 minute", passcode.StatusScheduled, 2)
	step("three times, within a minute", []reply{missing}, "0", passcode.StatusScheduled, 3)
	step("seen again", nil, "1 hour", passcode.StatusScheduled, 0)
	step("once", []reply{missing}, "0", passcode.StatusScheduled, 1)
	step("twice, an hour apart", []reply{missing}, "1 hour", passcode.StatusScheduled, 2)
	step("seen again", nil, "1 hour", passcode.StatusScheduled, 0)
	step("once", []reply{missing}, "0", passcode.StatusScheduled, 1)
	step("twice", []reply{missing}, "5 minutes", passcode.StatusScheduled, 2)
	step("a proxy's page is not Zoom's word", []reply{saysOnRead(zoom.KindForeign)}, "20 minutes", passcode.StatusScheduled, 2)
	step("three times", []reply{missing}, "0", passcode.StatusDeleted, 3)
	if p, err := w.o.Store.RememberedPasscode(t.Context(), "acc", meetingID); err != nil || p.Value.Reveal() != "old-1" {
		t.Errorf("the passcode is forgotten: %v", err)
	}
	m, _ := meetingOf(t, w)
	if m.Outcome != passcode.OutcomeGone || !strings.HasPrefix(m.Why, "Zoom does not know this meeting") {
		t.Errorf("%s: %s", m.Outcome, m.Why)
	}
}

// TestSetupIsOursToMend: what our set-up does not allow is said once, waits, and
// goes on as soon as one of those that wait gets through.
func TestSetupIsOursToMend(t *testing.T) {
	t.Parallel()
	for _, kind := range []zoom.Kind{zoom.KindScope, zoom.KindForbidden, zoom.KindUnauthorized, zoom.KindForeign} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			s := &scripted{}
			w, url := patient(t, s)
			refuse := says(kind, "does not contain scopes")
			for i := range 4 {
				s.patches = []reply{refuse}
				checkNow(t, w, url)
				m, repairs := meetingOf(t, w)
				if m.WaitingFor != zoom.CallPatchMeeting || m.DueAt.Before(time.Now().Add(time.Hour)) || repairs[len(repairs)-1].Result != store.RepairAbandoned {
					t.Fatalf("check %d: waiting for %q, due %v, repairs %+v", i, m.WaitingFor, m.DueAt, repairs)
				}
			}
			if got := alertsOf(t, w); !slices.Equal(got, []string{alert.AccountTrouble}) {
				t.Errorf("alerts %v, want one for the account", got)
			}
			troubles, err := w.o.Store.Troubles(t.Context(), "acc")
			if err != nil || len(troubles) != 1 || troubles[0].Kind != string(kind) {
				t.Errorf("troubles %+v, %v", troubles, err)
			}
			// At a start what waits is tried again, and mended it goes on.
			if err := w.lookAtSetup(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			m, _ := meetingOf(t, w)
			if m.DueAt.After(time.Now()) {
				t.Errorf("due %v after a start", m.DueAt)
			}
			checkNow(t, w, url)
			m, _ = meetingOf(t, w)
			troubles, _ = w.o.Store.Troubles(t.Context(), "acc")
			if m.Outcome != passcode.OutcomeJoinable || m.WaitingFor != "" || len(troubles) != 0 {
				t.Errorf("mended: %s, waiting for %q, troubles %+v", m.Outcome, m.WaitingFor, troubles)
			}
		})
	}
}

// TestAPoisonMeeting: a panic is put off with its reason, and the worker lives.
func TestAPoisonMeeting(t *testing.T) {
	t.Parallel()
	s := &scripted{patches: []reply{does("a defect", func(*zoom.Meeting, zoom.MeetingPatch) { panic("a defect of ours") })}}
	w, url := patient(t, s)
	checkNow(t, w, url)
	m, _ := meetingOf(t, w)
	if m.LastError != "panic: a value of type string, not shown; the log has the stack" || m.DueAt.Before(time.Now().Add(30*time.Second)) || m.Attempts != 1 {
		t.Errorf("error %q, due %v, attempts %d", m.LastError, m.DueAt, m.Attempts)
	}
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); m.Outcome != passcode.OutcomeJoinable {
		t.Errorf("%s: %s", m.Outcome, m.Why)
	}
}

// TestTheCauseSurvivesTheSettingGoingBack: locked, the meeting gets its
// passcode, unlocked: the repair names the change that put it there.
func TestTheCauseSurvivesTheSettingGoingBack(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	s.settings.Values[passcode.KeyPasscode] = passcode.Off
	run(t, url, `INSERT INTO events (event_id, account_id, event, received_at) VALUES ('e1', 'acc', 'account.lock_settings_updated', now()), ('e2', 'acc', 'account.lock_settings_updated', now())`)
	run(t, url, `INSERT INTO setting_changes (event_id, account_id, level, level_id, setting, old_value, new_value, changed_by, changed_at, what) VALUES
		('e1', 'acc', 'account', 'acc', 'meeting_security.meeting_password', 'off', 'on', 'admin@acme.example', now() - interval '2 hours', 'lock'),
		('e2', 'acc', 'account', 'acc', 'meeting_security.meeting_password', 'on', 'off', 'admin@acme.example', now() - interval '1 hour', 'lock')`)
	checkNow(t, w, url)
	_, repairs := meetingOf(t, w)
	if len(repairs) != 1 || repairs[0].Reasons[0].Code != passcode.CauseWasOn || !strings.Contains(repairs[0].Why, "was locked on for the account (admin@acme.example") {
		t.Errorf("repairs %+v", repairs)
	}
}

// TestWhatCameAfterIsNotTheCause: a setting that was turned on after the passcode
// was first seen did not put it there.
func TestWhatCameAfterIsNotTheCause(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	s.settings.Values[passcode.KeyPasscode] = passcode.Off
	run(t, url, `UPDATE meetings SET passcode = 'on', demanding_since = now() - interval '3 hours'`)
	run(t, url, `INSERT INTO events (event_id, account_id, event, received_at) VALUES ('e1', 'acc', 'account.lock_settings_updated', now())`)
	run(t, url, `INSERT INTO setting_changes (event_id, account_id, level, level_id, setting, old_value, new_value, changed_by, changed_at, what) VALUES
		('e1', 'acc', 'account', 'acc', 'meeting_security.meeting_password', 'off', 'on', 'admin@acme.example', now() - interval '2 hours', 'lock')`)
	checkNow(t, w, url)
	if _, repairs := meetingOf(t, w); len(repairs) != 1 || repairs[0].Reasons[0].Code != passcode.CauseRequest {
		t.Errorf("repairs %+v", repairs)
	}
}

// TestOneMemoryOfFailure: a failure blocks the same change under the same facts,
// and nothing else.
func TestOneMemoryOfFailure(t *testing.T) {
	t.Parallel()
	s := &scripted{patches: []reply{yesAndNothing}}
	w, url := patient(t, s)
	checkNow(t, w, url)
	checkNow(t, w, url)
	if len(s.asked) != 1 {
		t.Fatalf("%d changes after an overwritten one", len(s.asked))
	}
	// Another policy asks for something else.
	w.o.Rule = func(Who) Rule { return known7 }
	checkNow(t, w, url)
	if len(s.asked) != 2 || s.m.Password.Reveal() != "Fixed-7xQ" {
		t.Errorf("after the policy changed: %d changes", len(s.asked))
	}
	// And another passcode of the policy's is another attempt.
	s.patches = []reply{yesButAnother}
	w.o.Rule = func(Who) Rule { r := known7; r.Passcode, r.Policy.Fingerprint = "Fixed-8xQ", "two"; return r }
	checkNow(t, w, url)
	checkNow(t, w, url)
	w.o.Rule = func(Who) Rule { r := known7; r.Passcode, r.Policy.Fingerprint = "Fixed-9xQ", "three"; return r }
	checkNow(t, w, url)
	if len(s.asked) != 4 || s.m.Password.Reveal() != "Fixed-9xQ" {
		t.Errorf("%d changes", len(s.asked))
	}
}

// TestBusyBacksOff: ten minutes, twenty, forty: never the host's hundred a day.
func TestBusyBacksOff(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	for i, want := range []time.Duration{10 * time.Minute, 20 * time.Minute, 40 * time.Minute, 80 * time.Minute} {
		s.patches = []reply{says(zoom.KindBusy, "in progress")}
		checkNow(t, w, url)
		m, _ := meetingOf(t, w)
		if in := time.Until(m.DueAt); len(s.asked) != i+1 || in < want-time.Minute || in > want+time.Minute {
			t.Fatalf("after %d times: again in %v, want %v", len(s.asked), in, want)
		}
		checkNow(t, w, url) // too early: nothing is asked
		if len(s.asked) != i+1 {
			t.Fatalf("asked again at once")
		}
		run(t, url, `UPDATE repairs SET ended_at = ended_at - interval '5 hours'`)
	}
}
