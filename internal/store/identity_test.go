package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// TestAnAccountThatBecomesKnown: an event that names no account does not orphan
// its meeting. Whoever turns out to have it takes it over, and believes nothing
// that was said of it.
func TestAnAccountThatBecomesKnown(t *testing.T) {
	t.Parallel()
	for name, learn := range map[string]func(*testing.T, *Store){
		"by an event": func(t *testing.T, s *Store) {
			inEvent(t, s, func(tx *IntakeTx) error {
				m, err := tx.meeting(t.Context(), 1)
				if err == nil {
					err = tx.saveMeeting(t.Context(), m, nil, nil)
				}
				return err
			})
		},
		"by a listing": func(t *testing.T, s *Store) {
			addHost(t, s, "host", "acc")
			exec(t, s, `UPDATE hosts SET due_at = now()`)
			_, _, err := s.CompleteHost(t.Context(), claimHost(t, s), HostDone{Listed: []Listed{{ID: 1, Type: passcode.TypeScheduled}}})
			noError(t, err)
		},
	} {
		for _, both := range []bool{false, true} { // the account's own row is there as well
			t.Run(fmt.Sprint(name, ", known too: ", both), func(t *testing.T) {
				t.Parallel()
				s := openStore(t)
				exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, passcode, passcode_readable, must_read, outcome, remedy) VALUES (1, '', 'somebody', 'on', true, false, 'demands_passcode', 'keep')`)
				exec(t, s, `INSERT INTO passcodes (meeting_id, account_id, passcode, source, seen_at) VALUES (1, '', 'false', 'zoom', now())`)
				exec(t, s, `INSERT INTO verdicts (meeting_id, account_id, outcome, remedy, decided_at) VALUES (1, '', 'demands_passcode', 'keep', now())`)
				if both {
					exec(t, s, `INSERT INTO meetings (meeting_id, account_id, passcode, must_read) VALUES (1, 'acc', 'off', true)`)
				}
				learn(t, s)
				all, err := s.MeetingsNumbered(t.Context(), 1)
				noError(t, err)
				if len(all) != 1 || all[0].AccountID != "acc" || !all[0].MustRead || all[0].Passcode == passcode.On || all[0].HostID == "somebody" {
					t.Errorf("the meetings are %+v", all)
				}
				st, err := s.Story(t.Context(), "acc", 1)
				noError(t, err)
				if !both && len(st.History) != 1 {
					t.Errorf("its history holds %d verdicts, want the one that was recorded", len(st.History))
				}
				if p, err := s.RememberedPasscode(t.Context(), "acc", 1); !errors.Is(err, ErrNotFound) {
					t.Errorf("its passcode is %q, %v", p.Value.Reveal(), err)
				}
			})
		}
	}
}

// TestWhoeverLearnsAHostRecordsThem: a check that reads a meeting and learns whose
// it is sees to it that the host is read, and swept.
func TestWhoeverLearnsAHostRecordsThem(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "", time.Hour)
	c := claim(t, s, "w")
	m := c.Meeting
	m.HostID = "learned"
	noError(t, s.Complete(t.Context(), c, Check{Meeting: m}))
	if h := claimHost(t, s); h.Host.ID != "learned" || h.Host.AccountID != "acc" || h.Host.DueWhy != "first seen" {
		t.Errorf("the due host is %+v", h.Host)
	}
}

// TestPMIPasscode: a changed passcode of a host's personal meeting id is known at
// once for whatever runs under it and was not seen since, and whoever stored the
// old one hears.
func TestPMIPasscode(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Now().Add(-time.Minute)
	for id, set := range map[int64]string{
		1: `uses_pmi = true`, 2: `type = 4`, 3: `type = 2`, 4: `uses_pmi = true, observed_at = now()`,
		5: `uses_pmi = true, host_id = 'other'`, 6: `uses_pmi = true, status = 'deleted'`,
	} {
		addMeeting(t, s, id, "host", time.Hour)
		exec(t, s, `UPDATE meetings SET `+set+` WHERE meeting_id = $1`, id)
		exec(t, s, `INSERT INTO passcodes (account_id, meeting_id, passcode, source, seen_at) VALUES ('acc', $1, 'old', 'zoom', now())`, id)
	}
	inEvent(t, s, func(tx *IntakeTx) error {
		return tx.PMIPasscode(t.Context(), "host", at, PasscodeSeen{Value: "new", Operator: "eve@example.com"},
			func(m Meeting, _ PasscodeSeen) Alert {
				return Alert{AccountID: "acc", Type: "rotated", Subject: fmt.Sprint(m.ID), Data: []byte("{}")}
			})
	})
	for id, want := range map[int64]string{1: "new", 2: "new", 3: "old", 4: "old", 5: "old", 6: "old"} {
		if p, err := s.Passcode(t.Context(), "acc", id); err != nil || p.Value.Reveal() != want {
			t.Errorf("the passcode of %d is %q, %v; want %q", id, p.Value.Reveal(), err, want)
		}
	}
	if told := rowsOf(t, s, `SELECT subject FROM alerts ORDER BY subject`); fmt.Sprint(told) != "[1 2]" {
		t.Errorf("told of %v", told)
	}
}

// TestMarkUnderPMI: an event under a personal meeting id may mean whatever runs
// under it.
func TestMarkUnderPMI(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for id, set := range map[int64]string{
		1: `pmi = 5551112222`, 2: `pmi = 5551112222, status = 'deleted'`, 3: `pmi = 5553334444`, 4: `pmi = 0`,
		5: `pmi = 5551112222, expires_at = now() - interval '1 day'`, 6: `pmi = 5551112222, account_id = 'other'`,
	} {
		addMeeting(t, s, id, "host", time.Hour)
		exec(t, s, `UPDATE meetings SET must_read = false, due_at = NULL, `+set+` WHERE meeting_id = $1`, id)
	}
	inEvent(t, s, func(tx *IntakeTx) error {
		return tx.MarkUnderPMI(t.Context(), map[int64]string{5551112222: "meeting.started"})
	})
	inEvent(t, s, func(tx *IntakeTx) error { return tx.MarkUnderPMI(t.Context(), map[int64]string{0: "meeting.started"}) })
	if got := rowsOf(t, s, `SELECT meeting_id::text FROM meetings WHERE must_read AND due_at <= now() AND due_why = 'meeting.started' ORDER BY 1`); fmt.Sprint(got) != "[1]" {
		t.Errorf("marked %v, want 1", got)
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE must_read`); n != 1 {
		t.Errorf("%d are to be read", n)
	}
}

// TestThePastComesLast: those whose planned end has passed are taken after all
// that are to come, the latest of them first.
func TestThePastComesLast(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for id, startsIn := range map[int64]time.Duration{1: 5 * time.Hour, 2: -30 * time.Hour, 3: time.Hour, 4: -5 * time.Hour, 5: -30 * time.Minute} {
		addMeeting(t, s, id, "host", startsIn)
	}
	// The fourth place is for what is due longest (TestNoFloodKeepsAMeetingWaiting).
	exec(t, s, `UPDATE meetings SET due_at = due_at - interval '1 second' WHERE meeting_id = 4`)
	var order []int64
	for range 6 {
		claims, err := s.ClaimMeetings(t.Context(), "w", 1, time.Hour)
		noError(t, err)
		for _, c := range claims {
			order = append(order, c.Meeting.ID)
		}
	}
	if fmt.Sprint(order) != "[5 3 1 4 2]" {
		t.Errorf("taken in the order %v", order)
	}
}

// TestMeetingsNumbered: a meeting answers to its own number and to the personal
// one that it runs under.
func TestMeetingsNumbered(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const pmi = 5551112222
	for id, set := range map[int64]string{
		1: `pmi = 5551112222`, 2: `pmi = 5551112222, start_time = now() + interval '10 minutes'`,
		3: `pmi = 5551112222, ends_at = now() - interval '1 hour', start_time = now() - interval '2 hours'`,
		4: `pmi = 5551112222, status = 'deleted'`, 5: `pmi = 0`, pmi: `type = 4, start_time = NULL, ends_at = NULL`,
	} {
		addMeeting(t, s, id, "host", time.Hour)
		exec(t, s, `UPDATE meetings SET `+set+` WHERE meeting_id = $1`, id)
	}
	for number, want := range map[int64]string{pmi: "[5551112222 2 1 3 4]", 1: "[1]", 5: "[5]", 0: "[]", 9: "[]"} {
		all, err := s.MeetingsNumbered(t.Context(), number)
		noError(t, err)
		ids := []int64{}
		for _, m := range all {
			ids = append(ids, m.ID)
		}
		if fmt.Sprint(ids) != want {
			t.Errorf("%d answers to %v, want %s", number, ids, want)
		}
	}
}

// TestASweepLeavesThePast: a lost event is looked for among what is to come, and
// for a day after.
func TestASweepLeavesThePast(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	for id, startsIn := range map[int64]time.Duration{1: time.Hour, 2: -20 * time.Hour, 3: -30 * time.Hour} {
		addMeeting(t, s, id, "host", startsIn)
	}
	exec(t, s, `UPDATE meetings SET must_read = false, due_at = NULL, expires_at = now() + interval '20 days'`)
	if n, _, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: time.Hour, Limit: 10}); err != nil || n != 1 {
		t.Fatalf("swept %d, %v", n, err)
	}
	if got := rowsOf(t, s, `SELECT meeting_id::text FROM meetings WHERE must_read ORDER BY 1`); fmt.Sprint(got) != "[1 2]" {
		t.Errorf("marked %v, want 1 and 2", got)
	}
}

// TestWhenALockWentAgain: of a lock that came and went, and came again, both times
// are known.
func TestWhenALockWentAgain(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	now := time.Now().Truncate(time.Second)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	for i, c := range []SettingChange{{New: passcode.On, ChangedAt: at(-30)}, {New: passcode.Off, ChangedAt: at(-20)}, {New: passcode.On, ChangedAt: at(-10)}, {New: passcode.Off, LevelID: "other", ChangedAt: at(-5)}, {New: passcode.Off, What: ChangedValue, ChangedAt: at(-5)}} {
		if c.What == "" {
			c.What = ChangedLock
		}
		if c.LevelID == "" {
			c.LevelID = "g"
		}
		c.EventID, c.Level, c.Setting = fmt.Sprint(i), passcode.LevelGroup, "s"
		_, err := s.intakeOne(t.Context(), Event{ID: fmt.Sprint(i), AccountID: "acc", Name: "x", ReceivedAt: time.Now()}, func(tx *IntakeTx) error {
			return tx.SaveChanges(t.Context(), []SettingChange{c})
		})
		noError(t, err)
	}
	got, err := s.TurnedOn(t.Context(), "acc", []string{"g"}, time.Hour)
	noError(t, err)
	if len(got) != 2 || !got[0].ChangedAt.Equal(at(-10)) || !got[0].Until.IsZero() || !got[1].ChangedAt.Equal(at(-30)) || !got[1].Until.Equal(at(-20)) {
		t.Errorf("the evidence is %+v", got)
	}
}

// TestEvidenceIsTheAccountsOwn: who turned a setting on is taken from events of
// the account alone, whatever ids another account's events name.
func TestEvidenceIsTheAccountsOwn(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for account, who := range map[string]string{"acc": "anna@example.com", "evil": "eve@example.com"} {
		_, err := s.intakeOne(t.Context(), Event{ID: account, AccountID: account, Name: "x", ReceivedAt: time.Now()}, func(tx *IntakeTx) error {
			return tx.SaveChanges(t.Context(), []SettingChange{{EventID: account, What: ChangedValue, Level: passcode.LevelGroup, LevelID: "g", Setting: "s", New: passcode.On, ChangedBy: who}})
		})
		noError(t, err)
	}
	changes, err := s.TurnedOn(t.Context(), "acc", []string{"g"}, time.Hour)
	if err != nil || len(changes) != 1 || changes[0].ChangedBy != "anna@example.com" {
		t.Errorf("the evidence is %+v, %v", changes, err)
	}
}
