package reconcile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

var (
	noon     = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	tomorrow = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
)

// TestEveryRemedyIsWorthAnAlert: a remedy is never met without somebody having
// said what people hear of it.
func TestEveryRemedyIsWorthAnAlert(t *testing.T) {
	t.Parallel()
	for _, r := range passcode.Remedies() {
		if !slices.Contains(alert.Types(), standing[r]) {
			t.Errorf("remedy %s: no type of alert", r)
		}
	}
}

func TestAlertFor(t *testing.T) {
	t.Parallel()
	cause := passcode.Reason{Code: passcode.CauseSettingOn, Path: passcode.KeyPasscode.Path(), Level: passcode.LevelHost, Value: passcode.On}
	block := func(c passcode.Code) []passcode.Reason {
		return []passcode.Reason{cause, {Code: c, Level: passcode.LevelMeeting}}
	}
	demands := func(r passcode.Remedy, codes ...passcode.Code) passcode.Verdict {
		v := passcode.Verdict{Outcome: passcode.OutcomeDemands, Remedy: r, Reasons: []passcode.Reason{cause}}
		for _, c := range codes {
			v.Reasons = block(c)
		}
		if r == passcode.RemedyDefer {
			v.DeferUntil = noon.Add(12 * time.Hour)
		}
		return v
	}
	// row is the meeting after a check that gave that verdict.
	row := func(v passcode.Verdict) store.Meeting {
		m := store.Meeting{ID: 85746065432, AccountID: "acc", HostID: "h", Topic: "T",
			Meeting: passcode.Meeting{Starts: tomorrow, PasscodeReadable: true},
			Outcome: v.Outcome, Remedy: v.Remedy, Reasons: v.Reasons, Why: v.Sentence(), Signature: v.Signature()}
		_, _, m.Alerted = alertFor(store.Meeting{}, m, v, store.Repair{}, false)
		return m
	}
	joinable := passcode.Verdict{Outcome: passcode.OutcomeJoinable, Remedy: passcode.RemedyNone}
	unknown := passcode.Verdict{Outcome: passcode.OutcomeUnknown, Remedy: passcode.RemedyNone, Reasons: []passcode.Reason{{Code: passcode.BlockFactMissing, Level: passcode.LevelMeeting}}}
	held := store.Repair{Result: store.RepairHeld, Remedy: passcode.RemedyClear, Reasons: []passcode.Reason{cause}, Why: "why it was there"}
	overwritten := store.Repair{Result: store.RepairOverwritten, Remedy: passcode.RemedyClear}
	var none store.Repair
	var first store.Meeting // nothing was decided before
	otherSetting := demands(passcode.RemedyKeep)
	otherSetting.Reasons = []passcode.Reason{{Code: passcode.CauseLockedOn, Path: passcode.KeyPasscode.Path(), Level: passcode.LevelGroup, By: "g", Value: passcode.On, Locked: true}}

	for name, c := range map[string]struct {
		old  store.Meeting
		now  passcode.Verdict
		r    store.Repair
		want string // the type; "" for no alert
	}{
		"joinable from the start":        {first, joinable, none, ""},
		"not known":                      {first, unknown, none, ""},
		"no longer known":                {row(demands(passcode.RemedyKeep)), unknown, none, ""},
		"the passcode is gone by itself": {row(demands(passcode.RemedyKeep)), joinable, none, ""},

		"repaired":                            {first, joinable, held, alert.Repaired},
		"repaired again":                      {row(joinable), joinable, held, alert.Repaired},
		"repaired, and demands something new": {first, demands(passcode.RemedyKeep), held, alert.Repaired},

		"demands, observed only":         {first, demands(passcode.RemedyNone, passcode.BlockPolicy), none, alert.Demands},
		"still demands, observed only":   {row(demands(passcode.RemedyNone, passcode.BlockPolicy)), demands(passcode.RemedyNone, passcode.BlockPolicy), none, ""},
		"demands again":                  {row(joinable), demands(passcode.RemedyNone, passcode.BlockPolicy), none, alert.Demands},
		"cannot be cleared now":          {first, demands(passcode.RemedyClear), none, alert.Demands},
		"still cannot be cleared now":    {row(demands(passcode.RemedyClear)), demands(passcode.RemedyClear), none, ""},
		"deferred was, clear is to be":   {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyClear), none, ""},
		"demanded, and is over":          {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyNone, passcode.BlockOver), none, ""},
		"demands, and was over at first": {first, demands(passcode.RemedyNone, passcode.BlockOver), none, ""},

		"kept":                            {first, demands(passcode.RemedyKeep), none, alert.Unfixable},
		"kept after Zoom overwrote":       {row(joinable), demands(passcode.RemedyKeep, passcode.BlockOverwritten), overwritten, alert.Unfixable},
		"still kept":                      {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyKeep), none, ""},
		"kept, for another reason":        {row(demands(passcode.RemedyKeep)), otherSetting, none, alert.Unfixable},
		"impossible":                      {first, demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, alert.Unfixable},
		"kept, and now not even readable": {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, alert.Unfixable},
		"still impossible":                {row(demands(passcode.RemedyImpossible, passcode.BlockUnreadable)), demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, ""},
		"observed was, kept is":           {row(demands(passcode.RemedyNone, passcode.BlockPolicy)), demands(passcode.RemedyKeep), none, alert.Unfixable},

		"contested":                           {row(joinable), demands(passcode.RemedyKeep, passcode.BlockContested), none, alert.Contested},
		"still contested":                     {row(demands(passcode.RemedyKeep, passcode.BlockContested)), demands(passcode.RemedyKeep, passcode.BlockContested), none, ""},
		"still contested, no longer readable": {row(demands(passcode.RemedyKeep, passcode.BlockContested)), demands(passcode.RemedyImpossible, passcode.BlockContested), none, ""},

		"deferred":              {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyDefer, passcode.BlockDailyLimit), none, alert.Deferred},
		"still deferred":        {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyDefer, passcode.BlockDailyLimit), none, ""},
		"deferred was, kept is": {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyKeep), none, alert.Unfixable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := row(c.now)
			now.Topic = "Secret Project hunter2"
			a, ok, told := alertFor(c.old, now, c.now, c.r, false)
			if ok != (c.want != "") || ok && a.Type != c.want {
				t.Fatalf("alert %v %q, want %q", ok, a.Type, c.want)
			}
			if !ok {
				return
			}
			// The same again, however worded, is not told again.
			again := now
			again.Alerted, again.Why = told, "in other words"
			if c.r.Result != store.RepairHeld {
				if _, ok, _ := alertFor(again, now, c.now, none, false); ok {
					t.Error("a re-check that changes nothing alerts again")
				}
			}
			if a.AccountID != "acc" || a.Subject != "85746065432" || strings.Contains(string(a.Data), "hunter2") {
				t.Errorf("account %q, subject %q, data %s: it holds no topic", a.AccountID, a.Subject, a.Data)
			}
			var d map[string]any
			if err := json.Unmarshal(a.Data, &d); err != nil {
				t.Fatal(err)
			}
			wantWhy, wantRemedy := c.now.Sentence(), string(c.now.Remedy)
			if c.want == alert.Repaired {
				wantWhy, wantRemedy = c.r.Why, string(c.r.Remedy)
			}
			if d["why"] != wantWhy || d["remedy"] != wantRemedy || d["outcome"] != string(c.now.Outcome) || d["meeting_id"] != "85746065432" || d["host_id"] != "h" ||
				d["account_id"] != "acc" || d["start_time"] != "2026-11-24T10:00:00Z" || d["passcode_known"] != true || d["reasons"] == nil {
				t.Errorf("data %s", a.Data)
			}
			if len(d) != 9 {
				t.Errorf("data has %d fields, want those 9: %s", len(d), a.Data)
			}
		})
	}
	// Without a start there is no time at all, rather than year 1.
	m := row(demands(passcode.RemedyKeep))
	m.Starts = time.Time{}
	if a, _, _ := alertFor(first, m, demands(passcode.RemedyKeep), none, false); a.Data == nil || strings.Contains(string(a.Data), "start_time") {
		t.Errorf("data %s", a.Data)
	}
}

// TestAlertsOfALife follows one meeting and says what is told at each turn.
func TestAlertsOfALife(t *testing.T) {
	t.Parallel()
	locked := passcode.Setting{Value: passcode.On, Lock: passcode.On, LockLevel: passcode.LevelGroup, LockedBy: "g"}
	off := passcode.Setting{Value: passcode.Off, Lock: passcode.Off}
	facts := passcode.Facts{Meeting: passcode.Meeting{Type: passcode.TypeScheduled, Status: passcode.StatusScheduled, Starts: tomorrow,
		Passcode: passcode.On, PasscodeReadable: true, WaitingRoom: passcode.On, Authentication: passcode.Off},
		Host: passcode.Host{Plan: passcode.PlanPaid, Settings: passcode.Settings{passcode.KeyPasscode: locked, passcode.KeyWaitingRoom: off, passcode.KeyAuthentication: off, passcode.KeyAutoSecurity: off}}}
	m := store.Meeting{ID: 85746065432, AccountID: "acc", HostID: "h"}
	turn := func(name, want string, change func(*passcode.Facts), r store.Repair, sawOpen bool) {
		t.Helper()
		if change != nil {
			change(&facts)
		}
		v := passcode.Evaluate(facts, passcode.Policy{Mode: passcode.ModeWaitingRoom}, noon)
		now := m
		now.Meeting, now.Stripped, now.Why = facts.Meeting, facts.History.Stripped, v.Sentence()
		a, tell, told := alertFor(m, now, v, r, sawOpen)
		if got := map[bool]string{true: a.Type}[tell]; got != want {
			t.Errorf("%s: %q is told, want %q (%s)", name, got, want, v.Sentence())
		}
		now.Alerted = told
		m = now
	}
	none := store.Repair{}
	held := func(r passcode.Remedy) store.Repair {
		return store.Repair{Result: store.RepairHeld, Remedy: r, Why: "w"}
	}
	turn("locked by a group", alert.Unfixable, nil, none, false)
	turn("checked again", "", nil, none, false)
	turn("the group gets a name", "", func(f *passcode.Facts) { f.Host.Settings[passcode.KeyPasscode].LockedByName = "Sales" }, none, false)
	turn("it starts", "", func(f *passcode.Facts) { f.Meeting.Status = passcode.StatusStarted }, none, false)
	turn("it ends", "", func(f *passcode.Facts) { f.Meeting.Status = passcode.StatusScheduled }, none, false)
	turn("the account locks it too", alert.Unfixable, func(f *passcode.Facts) {
		f.Host.Settings[passcode.KeyPasscode].LockLevel, f.Host.Settings[passcode.KeyPasscode].LockedBy = passcode.LevelAccount, "acc"
	}, none, false)
	turn("nobody knows for a while", "", func(f *passcode.Facts) { f.Meeting.Passcode = passcode.Unknown }, none, false)
	turn("and it is as it was", "", func(f *passcode.Facts) { f.Meeting.Passcode = passcode.On }, none, false)
	turn("unlocked and removed", alert.Repaired, func(f *passcode.Facts) {
		f.Host.Settings[passcode.KeyPasscode] = off
		f.Meeting.Passcode, f.Meeting.PasscodeReadable, f.History.Stripped, f.History.CanRestore = passcode.Off, false, true, true
	}, held(passcode.RemedyClear), false)
	turn("checked again", "", nil, none, false)
	turn("somebody unticks the waiting room, and it goes on again", alert.Open, nil, held(passcode.RemedySecure), true)
	turn("somebody unticks it once more, and Zoom does not help", alert.Open, func(f *passcode.Facts) { f.Meeting.WaitingRoom = passcode.Off }, none, true)
	turn("still open", "", nil, none, true)
	turn("secured at last", alert.Repaired, func(f *passcode.Facts) { f.Meeting.WaitingRoom = passcode.On }, held(passcode.RemedySecure), true)
	turn("deleted", "", func(f *passcode.Facts) { f.Meeting.Status = passcode.StatusDeleted }, none, false)
}
