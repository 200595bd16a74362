package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// The whole of a check, with a repair that held, an alert and a next time.
func TestCompleteRecordsEverythingAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	now := time.Now().Truncate(time.Millisecond)
	c := claim(t, s, "w")
	reasons := []passcode.Reason{{Code: passcode.CauseSettingOn, Path: passcode.KeyPasscode.Path(), Level: passcode.LevelHost, Value: passcode.On}}
	asked := clearing()
	asked.Reasons, asked.Why, asked.Under = reasons, "because", "all this"
	begun, err := s.BeginRepair(t.Context(), c, asked, "", nil)
	noError(t, err)
	if begun.ID == 0 || begun.Result != RepairUnfinished || !nearly(t, s, begun.StartedAt, 0) {
		t.Errorf("begun is %+v", begun)
	}
	if m := meeting(t, s, 1); !m.MustRead {
		t.Error("after BeginRepair the meeting need not be read: a worker that dies now would be believed")
	}
	r, err := s.Remember(t.Context(), "acc", 1)
	if u := r.Unfinished; err != nil || u.ID != begun.ID || u.Remedy != passcode.RemedyClear || u.Why != "because" || u.Under != "all this" || len(u.Reasons) != 1 || u.Reasons[0] != reasons[0] || r.Held != 0 || len(r.Failed) != 0 {
		t.Errorf("remembered %+v, %v", r, err)
	}
	if want := (passcode.Request{Update: true, Passcode: passcode.AskOff, WaitingRoom: passcode.AskOn}); r.Unfinished.Ask() != want {
		t.Errorf("asked for %+v, want %+v", r.Unfinished.Ask(), want)
	}

	m := decided(c, passcode.OutcomeJoinable, passcode.RemedyNone)
	m.Passcode, m.WaitingRoom, m.ObservedAt, m.MustRead = passcode.Off, passcode.On, now, false
	next := now.Add(time.Hour)
	noError(t, s.Complete(t.Context(), c, Check{Meeting: m, Passcode: seen(""), Next: next, NextWhy: "later",
		Repair: Repair{ID: begun.ID, Result: RepairHeld, ZoomCalls: 3, Detail: "d"},
		Alerts: []Alert{{AccountID: "acc", Type: "meeting.repaired", Subject: "1", Data: []byte(`{"a":1}`)}}}))

	got := meeting(t, s, 1)
	if got.Passcode != passcode.Off || got.WaitingRoom != passcode.On || got.MustRead || got.Outcome != passcode.OutcomeJoinable || !got.DueAt.Equal(next) || got.DueWhy != "later" || !got.DemandingSince.IsZero() {
		t.Errorf("the meeting is %+v", got)
	}
	story, err := s.Story(t.Context(), "", 1)
	noError(t, err)
	if len(story.Repairs) != 1 || story.Repairs[0].Result != RepairHeld || story.Repairs[0].ZoomCalls != 3 || story.Repairs[0].Detail != "d" || !nearly(t, s, story.Repairs[0].EndedAt, 0) {
		t.Errorf("repairs: %+v", story.Repairs)
	}
	if len(story.History) != 1 || story.History[0].Outcome != passcode.OutcomeJoinable {
		t.Errorf("history: %+v", story.History)
	}
	r, err = s.Remember(t.Context(), "acc", 1)
	if err != nil || r.Unfinished.ID != 0 || r.Held != 1 || len(r.Failed) != 0 {
		t.Errorf("remembered %+v, %v", r, err)
	}
	exec(t, s, `UPDATE repairs SET ended_at = now() - interval '25 hours'`)
	if r, err = s.Remember(t.Context(), "acc", 1); err != nil || r.Held != 0 {
		t.Errorf("a day later %d held clears are counted (%v)", r.Held, err)
	}
	if leased, _ := s.Leased(t.Context(), 1); leased {
		t.Error("still leased")
	}
	counts, err := s.Counts(t.Context())
	if err != nil || counts.Alerts != 1 || counts.AlertsUnpublished != 1 || counts.MeetingsDue != 0 {
		t.Errorf("counts %+v, %v", counts, err)
	}
}

// What arrives during a check is not swallowed by it.
func TestCompleteAfterSomethingArrived(t *testing.T) {
	t.Parallel()
	sightedAt := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for name, c := range map[string]struct {
		arrives                         func(*testing.T, *Store) // during the claim; its sighting is of time sightedAt
		observed                        time.Time                // when the check looked
		due, mustRead, checksViewStands bool
	}{
		"nothing arrived": {func(*testing.T, *Store) {}, sightedAt.Add(time.Second), false, false, true},
		"a mark alone": {func(t *testing.T, s *Store) { mark(t, s, 1) },
			sightedAt.Add(time.Second), true, true, true},
		"a sighting older than the check's": {func(t *testing.T, s *Store) { sighted(t, s, sightedAt, false) },
			sightedAt.Add(time.Second), true, true, true},
		"a sighting newer than the check's": {func(t *testing.T, s *Store) { sighted(t, s, sightedAt, false) },
			sightedAt.Add(-time.Second), true, false, false},
		"a newer sighting that must be read": {func(t *testing.T, s *Store) { sighted(t, s, sightedAt, true) },
			sightedAt.Add(-time.Second), true, true, false},
		"the host changed": {func(t *testing.T, s *Store) {
			inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"host"}, sightedAt, "x") })
		}, sightedAt.Add(time.Second), true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			claimed := claim(t, s, "w")
			c.arrives(t, s)

			m := decided(claimed, passcode.OutcomeDemands, passcode.RemedyKeep)
			m.Topic, m.ObservedAt, m.MustRead, m.Passcode, m.PasscodeReadable = "checked", c.observed, false, passcode.On, true
			const value = "ch3cked"
			next := time.Now().Add(time.Hour).Truncate(time.Millisecond)
			noError(t, s.Complete(t.Context(), claimed, Check{Meeting: m, Passcode: seen(value), Next: next, NextWhy: "later"}))

			got := meeting(t, s, 1)
			if due := got.DueAt.Before(time.Now()); due != c.due || !due && !got.DueAt.Equal(next) {
				t.Errorf("due at %v, want due now: %v", got.DueAt, c.due)
			}
			if got.MustRead != c.mustRead {
				t.Errorf("must read %v, want %v", got.MustRead, c.mustRead)
			}
			wantTopic, wantPasscode := "checked", secret.String(value)
			if !c.checksViewStands {
				wantTopic, wantPasscode = "sighted", "s1ghted"
			}
			p, err := s.Passcode(t.Context(), "acc", 1)
			if got.Topic != wantTopic || err != nil || p.Value != wantPasscode {
				t.Errorf("topic %q, passcode %q (%v); want %q, %q", got.Topic, p.Value.Reveal(), err, wantTopic, wantPasscode.Reveal())
			}
			if got.Outcome != passcode.OutcomeDemands {
				t.Errorf("outcome %q: what was decided is recorded either way", got.Outcome)
			}
			if c.due {
				if again := claim(t, s, "w"); again.Meeting.ID != 1 {
					t.Errorf("claimed %d", again.Meeting.ID)
				}
			}
		})
	}
}

// sighted is an event that saw the meeting at a time.
func sighted(t *testing.T, s *Store, at time.Time, mustRead bool) {
	t.Helper()
	inEvent(t, s, func(tx *IntakeTx) error {
		m, err := tx.meeting(t.Context(), 1)
		if err != nil {
			return err
		}
		m.Topic, m.ObservedAt, m.MustRead = "sighted", at, mustRead
		if err := tx.saveMeeting(t.Context(), m, seen("s1ghted"), nil); err != nil {
			return err
		}
		return tx.markMeeting(t.Context(), 1, "sighted")
	})
}

// History gets a row for each change, and since when it demands stays.
func TestVerdictHistory(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	steps := []struct {
		outcome passcode.Outcome
		remedy  passcode.Remedy
		rows    int
		since   int // the step at which it began to demand; -1: it does not
	}{
		{passcode.OutcomeUnknown, passcode.RemedyNone, 1, -1},
		{passcode.OutcomeDemands, passcode.RemedyDefer, 2, 1},
		{passcode.OutcomeDemands, passcode.RemedyDefer, 2, 1}, // a re-check
		{passcode.OutcomeDemands, passcode.RemedyKeep, 3, 1},
		{passcode.OutcomeUnknown, passcode.RemedyNone, 4, 1}, // not known to be gone
		{passcode.OutcomeDemands, passcode.RemedyKeep, 5, 1},
		{passcode.OutcomeJoinable, passcode.RemedyNone, 6, -1},
		{passcode.OutcomeDemands, passcode.RemedyKeep, 7, 7},
		{"", "", 7, 7}, // nothing was decided: not ours to govern
	}
	began := map[int]time.Time{-1: {}}
	for i, step := range steps {
		mark(t, s, 1)
		c := claim(t, s, "w")
		m := decided(c, step.outcome, step.remedy)
		m.Why = fmt.Sprint("worded in another way, ", i) // no change of the verdict
		noError(t, s.Complete(t.Context(), c, Check{Meeting: m}))
		got := meeting(t, s, 1)
		if step.since == i {
			began[i] = got.DecidedAt
		}
		if want := began[step.since]; !got.DemandingSince.Equal(want) {
			t.Errorf("step %d: demanding since %v, want %v", i, got.DemandingSince, want)
		}
		if n := value[int](t, s, `SELECT count(*) FROM verdicts`); n != step.rows {
			t.Errorf("step %d: %d rows of history, want %d", i, n, step.rows)
		}
	}
}

func TestEndRepairLeavesFinishedOnesAlone(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	c := claim(t, s, "w")
	r, err := s.BeginRepair(t.Context(), c, clearing(), "", nil)
	noError(t, err)
	noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Repair: Repair{ID: r.ID, Result: RepairHeld}}))
	mark(t, s, 1)
	c = claim(t, s, "w")
	r.Result = RepairAbandoned
	noError(t, s.EndRepair(t.Context(), c, r))
	if got := value[RepairResult](t, s, `SELECT result FROM repairs`); got != RepairHeld {
		t.Errorf("a finished repair became %s", got)
	}
}

func TestStoryOfNothing(t *testing.T) {
	t.Parallel()
	if _, err := openStore(t).Story(t.Context(), "", 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("%v, want ErrNotFound", err)
	}
}
