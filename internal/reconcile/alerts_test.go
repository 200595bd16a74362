package reconcile

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

func TestAlertFor(t *testing.T) {
	t.Parallel()
	cause := passcode.Reason{Code: passcode.CauseSettingOn, Path: passcode.PathPasscode, Level: passcode.LevelHost, Value: passcode.On}
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
		return known(func(m *store.Meeting) {
			m.Outcome, m.Remedy, m.Reasons, m.Why = v.Outcome, v.Remedy, v.Reasons, v.Sentence()
		})
	}
	joinable := passcode.Verdict{Outcome: passcode.OutcomeJoinable, Remedy: passcode.RemedyNone}
	unknown := passcode.Verdict{Outcome: passcode.OutcomeUnknown, Remedy: passcode.RemedyNone, Reasons: []passcode.Reason{{Code: passcode.BlockFactMissing, Level: passcode.LevelMeeting}}}
	held := store.Repair{Result: store.RepairHeld, Remedy: passcode.RemedyClear, Reasons: []passcode.Reason{cause}, Why: "why it was there"}
	overwritten := store.Repair{Result: store.RepairOverwritten, Remedy: passcode.RemedyClear}
	var none store.Repair
	var first store.Meeting // nothing was decided before
	otherSetting := demands(passcode.RemedyKeep)
	otherSetting.Reasons = []passcode.Reason{{Code: passcode.CauseLockedOn, Path: passcode.PathPasscode, Level: passcode.LevelGroup, By: "g", Value: passcode.On, Locked: true}}

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

		"repaired":                            {first, joinable, held, AlertRepaired},
		"repaired again":                      {row(joinable), joinable, held, AlertRepaired},
		"repaired, and demands something new": {first, demands(passcode.RemedyKeep), held, AlertRepaired},

		"demands, observed only":         {first, demands(passcode.RemedyNone, passcode.BlockPolicy), none, AlertDemands},
		"still demands, observed only":   {row(demands(passcode.RemedyNone, passcode.BlockPolicy)), demands(passcode.RemedyNone, passcode.BlockPolicy), none, ""},
		"demands again":                  {row(joinable), demands(passcode.RemedyNone, passcode.BlockPolicy), none, AlertDemands},
		"cannot be cleared now":          {first, demands(passcode.RemedyClear), none, AlertDemands},
		"still cannot be cleared now":    {row(demands(passcode.RemedyClear)), demands(passcode.RemedyClear), none, ""},
		"deferred was, clear is to be":   {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyClear), none, ""},
		"demanded, and is over":          {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyNone, passcode.BlockOver), none, ""},
		"demands, and was over at first": {first, demands(passcode.RemedyNone, passcode.BlockOver), none, ""},

		"kept":                            {first, demands(passcode.RemedyKeep), none, AlertUnfixable},
		"kept after Zoom overwrote":       {row(joinable), demands(passcode.RemedyKeep, passcode.BlockOverwritten), overwritten, AlertUnfixable},
		"still kept":                      {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyKeep), none, ""},
		"kept, for another reason":        {row(demands(passcode.RemedyKeep)), otherSetting, none, AlertUnfixable},
		"impossible":                      {first, demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, AlertUnfixable},
		"kept, and now not even readable": {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, AlertUnfixable},
		"still impossible":                {row(demands(passcode.RemedyImpossible, passcode.BlockUnreadable)), demands(passcode.RemedyImpossible, passcode.BlockUnreadable), none, ""},
		"observed was, kept is":           {row(demands(passcode.RemedyNone, passcode.BlockPolicy)), demands(passcode.RemedyKeep), none, AlertUnfixable},

		"contested":                           {row(joinable), demands(passcode.RemedyKeep, passcode.BlockContested), none, AlertContested},
		"still contested":                     {row(demands(passcode.RemedyKeep, passcode.BlockContested)), demands(passcode.RemedyKeep, passcode.BlockContested), none, ""},
		"still contested, no longer readable": {row(demands(passcode.RemedyKeep, passcode.BlockContested)), demands(passcode.RemedyImpossible, passcode.BlockContested), none, ""},

		"deferred":              {row(demands(passcode.RemedyKeep)), demands(passcode.RemedyDefer, passcode.BlockDailyLimit), none, AlertDeferred},
		"still deferred":        {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyDefer, passcode.BlockDailyLimit), none, ""},
		"deferred was, kept is": {row(demands(passcode.RemedyDefer, passcode.BlockDailyLimit)), demands(passcode.RemedyKeep), none, AlertUnfixable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := row(c.now)
			now.Topic = "Secret Project hunter2"
			a, ok := alertFor(c.old, now, c.now, c.r)
			if ok != (c.want != "") || a.Type != c.want {
				t.Fatalf("alert %v %q, want %q", ok, a.Type, c.want)
			}
			if !ok {
				return
			}
			if a.AccountID != "acc" || a.Subject != "85746065432" || strings.Contains(string(a.Data), "hunter2") {
				t.Errorf("account %q, subject %q, data %s: it holds no topic", a.AccountID, a.Subject, a.Data)
			}
			var d map[string]any
			if err := json.Unmarshal(a.Data, &d); err != nil {
				t.Fatal(err)
			}
			wantWhy, wantRemedy := c.now.Sentence(), string(c.now.Remedy)
			if c.want == AlertRepaired {
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
	m.Start = time.Time{}
	if a, _ := alertFor(first, m, demands(passcode.RemedyKeep), none); a.Data == nil || strings.Contains(string(a.Data), "start_time") {
		t.Errorf("data %s", a.Data)
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	on, off := true, false
	row := store.Event{HostID: "h", Operator: "eve@example.com", At: noon}
	for name, c := range map[string]struct {
		now, old zoom.Security
		want     []store.SettingChange
	}{
		"nothing that decides": {zoom.Security{}, zoom.Security{Passcode: &on}, nil},
		"one, told from what":  {zoom.Security{Passcode: &on}, zoom.Security{Passcode: &off}, []store.SettingChange{{Setting: passcode.PathPasscode, Old: passcode.Off, New: passcode.On}}},
		"one, not told":        {zoom.Security{WaitingRoom: &off}, zoom.Security{}, []store.SettingChange{{Setting: passcode.PathWaitingRoom, Old: passcode.Unknown, New: passcode.Off}}},
		"all": {zoom.Security{Passcode: &on, Scheduled: &on, WaitingRoom: &off, AutoSecurity: &on, Authentication: &off}, zoom.Security{}, []store.SettingChange{
			{Setting: passcode.PathPasscode, New: passcode.On}, {Setting: passcode.PathScheduled, New: passcode.On}, {Setting: passcode.PathWaitingRoom, New: passcode.Off},
			{Setting: passcode.PathAuthentication, New: passcode.Off}, {Setting: passcode.PathAutoSecurity, New: passcode.On}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := changes(row, passcode.LevelHost, row.HostID, store.ChangedValue, c.now, c.old)
			if len(got) != len(c.want) {
				t.Fatalf("%d changes, want %d: %+v", len(got), len(c.want), got)
			}
			for i, w := range c.want {
				w.What, w.Level, w.LevelID, w.ChangedBy, w.ChangedAt = store.ChangedValue, passcode.LevelHost, "h", "eve@example.com", noon
				if got[i] != w {
					t.Errorf("%+v, want %+v", got[i], w)
				}
			}
		})
	}
}
