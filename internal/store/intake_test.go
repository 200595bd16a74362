package store

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// The same event, twenty times at once: it has its effect once.
func TestIntakeOfTheSameEventAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const event, id = "same", 85746065432
	var applied, recorded atomic.Int32
	for _, err := range atOnce(20, func(int) error {
		ok, err := s.intakeOne(t.Context(), Event{ID: event, AccountID: "acc", Name: "meeting.created", ReceivedAt: time.Now(), MeetingID: id}, func(tx *IntakeTx) error {
			applied.Add(1)
			if _, err := tx.meeting(t.Context(), id); err != nil {
				return err
			}
			return tx.markMeeting(t.Context(), id, "meeting.created")
		})
		if ok {
			recorded.Add(1)
		}
		return err
	}) {
		noError(t, err)
	}
	if applied.Load() != 1 || recorded.Load() != 1 {
		t.Errorf("applied %d times, recorded %d times, want once each", applied.Load(), recorded.Load())
	}
	if n := value[int](t, s, `SELECT count(*) FROM events`); n != 1 {
		t.Errorf("%d rows in events, want 1", n)
	}
	if m := meeting(t, s, id); m.Generation != 1 || m.DueAt.IsZero() || m.AccountID != "acc" {
		t.Errorf("the meeting is %+v, want generation 1 and due", m)
	}
}

// Different events about one meeting that nobody knew, at once: none is lost.
// What a version before recorded under another time than the event says (clamped to
// when it came, or none) is known all the same.
func TestIntakeOfAnEventRecordedUnderAnotherTime(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	now := time.Now()
	for name, at := range map[string]string{"clamped": `now()`, "no time, in a partition": `'2026-11-01'`, "none": `NULL`, "the word for none": `'epoch'`} {
		exec(t, s, `INSERT INTO events (event_id, account_id, event, event_at, received_at, recorded_at) VALUES ($1, 'acc', 'meeting.created', `+at+`, now(), now())`, name)
		for _, says := range []time.Time{{}, now.AddDate(3, 0, 0), now} {
			recorded, err := s.intakeOne(t.Context(), Event{ID: name, AccountID: "acc", Name: "meeting.created", At: says, ReceivedAt: now}, func(*IntakeTx) error { return nil })
			noError(t, err)
			if n := value[int](t, s, `SELECT count(*) FROM events WHERE event_id = $1`, name); recorded || n != 1 {
				t.Errorf("%s, and it comes again saying %v: recorded %v, %d rows", name, says, recorded, n)
			}
		}
	}
}

func TestIntakeOfDifferentEventsAboutOneMeetingAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const n, id = 12, 85746065432
	for _, err := range atOnce(n, func(i int) error {
		_, err := s.intakeOne(t.Context(), Event{ID: string(rune('a' + i)), AccountID: "acc", Name: "meeting.updated", ReceivedAt: time.Now()}, func(tx *IntakeTx) error {
			m, err := tx.meeting(t.Context(), id)
			if err != nil {
				return err
			}
			m.Type++ // a merge that would lose one when two ran at once
			if err := tx.saveMeeting(t.Context(), m, nil, nil); err != nil {
				return err
			}
			return tx.markMeeting(t.Context(), id, "meeting.updated")
		})
		return err
	}) {
		noError(t, err)
	}
	if m := meeting(t, s, id); m.Type != n || m.Generation != n {
		t.Errorf("type %d and generation %d after %d events", m.Type, m.Generation, n)
	}
}

func TestIntakeThatFailsLeavesNothing(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const id = 85746065432
	broken := errors.New("broken")
	e := Event{ID: "e", AccountID: "acc", Name: "meeting.created", ReceivedAt: time.Now()}
	recorded, err := s.intakeOne(t.Context(), e, func(tx *IntakeTx) error {
		if _, err := tx.meeting(t.Context(), id); err != nil {
			return err
		}
		if err := tx.markMeeting(t.Context(), id, "x"); err != nil {
			return err
		}
		if err := tx.HostsChanged(t.Context(), []string{"host"}, time.Now(), "x"); err != nil {
			return err
		}
		return broken
	})
	if recorded || !errors.Is(err, broken) {
		t.Errorf("recorded %v, %v; want false and the error", recorded, err)
	}
	for _, table := range []string{"events", "meetings", "hosts"} {
		if n := value[int](t, s, `SELECT count(*) FROM `+table); n != 0 {
			t.Errorf("%d rows in %s, want none", n, table)
		}
	}
	// And it can be taken in afterwards.
	if recorded, err := s.intakeOne(t.Context(), e, func(*IntakeTx) error { return nil }); !recorded || err != nil {
		t.Errorf("the second time: %v, %v", recorded, err)
	}
}

func TestSaveMeetingAndItsPasscode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		saw  []*PasscodeSeen
		want secret.String // "": none known
		was  secret.String // what is remembered
	}{
		"never said":                   {[]*PasscodeSeen{nil}, "", ""},
		"none":                         {[]*PasscodeSeen{seen("")}, "", ""},
		"one":                          {[]*PasscodeSeen{seen("s3cret")}, "s3cret", "s3cret"},
		"not said again keeps it":      {[]*PasscodeSeen{seen("s3cret"), nil}, "s3cret", "s3cret"},
		"a new one replaces it":        {[]*PasscodeSeen{seen("s3cret"), seen("0ther")}, "0ther", "0ther"},
		"cleared is remembered":        {[]*PasscodeSeen{seen("s3cret"), seen("")}, "", "s3cret"},
		"cleared and not said is none": {[]*PasscodeSeen{seen("s3cret"), seen(""), nil}, "", "s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			const id = 85746065432
			for _, p := range c.saw {
				inEvent(t, s, func(tx *IntakeTx) error {
					m, err := tx.meeting(t.Context(), id)
					if err != nil {
						return err
					}
					return tx.saveMeeting(t.Context(), m, p, nil)
				})
			}
			p, err := s.Passcode(t.Context(), "acc", id)
			switch {
			case c.want == "" && !errors.Is(err, ErrNotFound):
				t.Errorf("passcode %q, %v; want ErrNotFound", p.Value.Reveal(), err)
			case c.want != "" && (err != nil || p.Value != c.want || p.SeenAt.IsZero()):
				t.Errorf("passcode %q seen at %v, %v; want %q", p.Value.Reveal(), p.SeenAt, err, c.want.Reveal())
			}
			was, err := s.RememberedPasscode(t.Context(), "acc", id)
			if c.was == "" && !errors.Is(err, ErrNotFound) || c.was != "" && (err != nil || was.Removed != (c.want == "")) || was.Value != c.was {
				t.Errorf("remembered %q, removed %v, %v; want %q", was.Value.Reveal(), was.Removed, err, c.was.Reveal())
			}
		})
	}
}

// What is read back is what was written, every field of it.
func TestMeetingRoundTrip(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	at := time.Date(2026, 11, 23, 20, 0, 0, 123456000, time.UTC)
	want := Meeting{ID: 85746065432, AccountID: "acc", HostID: "host", UUID: "a/b==", Topic: "Besprechung 会議", Meeting: passcode.Meeting{Type: passcode.TypeRecurring,
		Starts: at.Add(time.Hour), Ends: at.Add(2 * time.Hour), UsesPMI: true, Status: passcode.StatusStarted, NotFound: true,
		Passcode: passcode.On, PasscodeReadable: true, Unrestorable: true, WaitingRoom: passcode.Off, Authentication: passcode.On,
		LinkHasPasscode: passcode.On, PhonePasscode: passcode.Off},
		ObservedAt: at, MustRead: true, MissingSince: at.Add(-time.Hour), Misses: 2, Stripped: true}
	inEvent(t, s, func(tx *IntakeTx) error {
		if _, err := tx.meeting(t.Context(), want.ID); err != nil {
			return err
		}
		return tx.saveMeeting(t.Context(), want, nil, nil)
	})
	got := meeting(t, s, want.ID)
	for _, p := range []struct {
		field     string
		got, want any
	}{
		{"account", got.AccountID, want.AccountID}, {"host", got.HostID, want.HostID}, {"uuid", got.UUID, want.UUID},
		{"topic", got.Topic, want.Topic}, {"type", got.Type, want.Type}, {"start", got.Starts.UTC(), want.Starts}, {"ends", got.Ends.UTC(), want.Ends},
		{"pmi", got.UsesPMI, want.UsesPMI}, {"status", got.Status, want.Status}, {"passcode", got.Passcode, want.Passcode},
		{"readable", got.PasscodeReadable, want.PasscodeReadable}, {"waiting room", got.WaitingRoom, want.WaitingRoom},
		{"authentication", got.Authentication, want.Authentication}, {"observed", got.ObservedAt.UTC(), want.ObservedAt}, {"must read", got.MustRead, want.MustRead},
		{"not found", got.NotFound, want.NotFound}, {"unrestorable", got.Unrestorable, want.Unrestorable}, {"link", got.LinkHasPasscode, want.LinkHasPasscode},
		{"phone", got.PhonePasscode, want.PhonePasscode}, {"missing since", got.MissingSince.UTC(), want.MissingSince}, {"misses", got.Misses, want.Misses}, {"stripped", got.Stripped, want.Stripped},
	} {
		if p.got != p.want {
			t.Errorf("%s: %v, want %v", p.field, p.got, p.want)
		}
	}
	if _, err := s.Meeting(t.Context(), 1); !errors.Is(err, ErrNotFound) {
		t.Errorf("an unknown meeting: %v, want ErrNotFound", err)
	}
}

// A change of a host's settings makes exactly that host's upcoming meetings
// due, in one statement.
func TestHostChangedMarksUpcomingMeetings(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	rows := []struct {
		name, host, status, ends string
		marked                   bool
	}{
		{"upcoming", "host", "scheduled", "now() + interval '1 hour'", true},
		{"no fixed end", "host", "scheduled", "null", true},
		{"running", "host", "started", "now() + interval '1 hour'", true},
		{"past its planned end", "host", "scheduled", "now() + interval '29 days'", true},
		{"expired", "host", "scheduled", "now() - interval '1 hour'", false},
		{"ended", "host", "ended", "now() + interval '1 hour'", false},
		{"deleted", "host", "deleted", "now() + interval '1 hour'", false},
		{"another host's", "other", "scheduled", "now() + interval '1 hour'", false},
		{"of nobody known", "", "scheduled", "now() + interval '1 hour'", false},
	}
	for i, r := range rows {
		exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, status, expires_at, must_read, generation, attempts) VALUES ($1, 'acc', $2, $3, `+r.ends+`, false, 7, 3)`, i+1, r.host, r.status)
	}
	// A trigger for each statement counts them, however many rows it changes.
	exec(t, s, `CREATE TABLE statements (n int)`)
	exec(t, s, `GRANT INSERT ON statements TO latchkey_worker`)
	exec(t, s, `CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO statements VALUES (1); RETURN NULL; END'`)
	exec(t, s, `CREATE TRIGGER counting AFTER UPDATE ON meetings FOR EACH STATEMENT EXECUTE FUNCTION count_it()`)

	at := time.Now().Truncate(time.Millisecond)
	exec(t, s, `INSERT INTO hosts (host_id, account_id, read_at, attempts, generation) VALUES ('host', 'acc', now(), 4, 2)`)
	inEvent(t, s, func(tx *IntakeTx) error {
		return tx.HostsChanged(t.Context(), []string{"host"}, at, "user.settings_updated")
	})

	if n := value[int](t, s, `SELECT count(*) FROM statements`); n != 1 {
		t.Errorf("%d statements changed meetings, want 1", n)
	}
	for i, r := range rows {
		m := meeting(t, s, int64(i+1))
		if marked := !m.DueAt.IsZero(); marked != r.marked || m.MustRead != r.marked || (m.Generation == 8) != r.marked || (m.Attempts == 0) != r.marked {
			t.Errorf("%s: due %v, must read %v, generation %d, attempts %d; want marked %v", r.name, marked, m.MustRead, m.Generation, m.Attempts, r.marked)
		}
	}
	h, err := s.Host(t.Context(), "acc", "host")
	if err != nil || !h.ReadAt.IsZero() || !h.ChangedAt.Equal(at) || h.Generation != 3 || h.Attempts != 0 {
		t.Errorf("the host is %+v, %v; want it unread, changed then, generation 3", h, err)
	}

	// An older event that comes late does not turn the clock back.
	inEvent(t, s, func(tx *IntakeTx) error {
		if err := tx.HostsChanged(t.Context(), []string{"host"}, at.Add(-time.Hour), "late"); err != nil {
			return err
		}
		h, err := tx.hostKnown(t.Context(), "host")
		if err == nil && !h.ChangedAt.Equal(at) {
			t.Errorf("changed at %v after a late event, want %v", h.ChangedAt, at)
		}
		return err
	})
	inEvent(t, s, func(tx *IntakeTx) error {
		if h, err := tx.hostKnown(t.Context(), "nobody"); h != (KnownHost{}) || err != nil {
			t.Errorf("of an unknown host: %+v, %v; want nothing", h, err)
		}
		return nil
	})
}

func TestIntakeWakesOtherWorkers(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	woken := make(chan struct{}, 10)
	ended := make(chan error, 1)
	go func() { ended <- s.WaitDue(ctx, func() { woken <- struct{}{} }) }()
	wait := func(why string) {
		select {
		case <-woken:
		case <-ctx.Done():
			t.Fatalf("not woken: %s", why)
		}
	}
	wait("for what was due before it listened")
	// One that marks nothing wakes nobody: the next wake is the mark's.
	inEvent(t, s, func(*IntakeTx) error { return nil })
	mark(t, s, 1)
	wait("by a mark")
	inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"host"}, time.Now(), "x") })
	wait("by a host's change")
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("WaitDue ended with %v", err)
	}
	if n := len(woken); n != 0 {
		t.Errorf("woken %d times too often", n)
	}
}

func TestSaveChangesAreInTheStory(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	received := time.Now().Truncate(time.Millisecond)
	at := received.Add(-time.Minute)
	_, err := s.intakeOne(t.Context(), Event{ID: "e", AccountID: "acc", Name: "user.settings_updated", ReceivedAt: received}, func(tx *IntakeTx) error {
		return tx.SaveChanges(t.Context(), []SettingChange{
			{EventID: "e", Level: passcode.LevelHost, LevelID: "host", Setting: passcode.KeyPasscode.Path(), Old: passcode.Off, New: passcode.On, ChangedBy: "eve@example.com", ChangedAt: at},
			{EventID: "e", Level: passcode.LevelHost, LevelID: "host", Setting: passcode.KeyWaitingRoom.Path(), New: passcode.Off, ToldAt: received},
			{EventID: "e", Level: passcode.LevelHost, LevelID: "other", Setting: passcode.KeyPasscode.Path(), New: passcode.On},
		})
	})
	noError(t, err)
	story, err := s.Story(t.Context(), "", 1)
	noError(t, err)
	if len(story.Changes) != 2 {
		t.Fatalf("%d changes, want the host's two: %+v", len(story.Changes), story.Changes)
	}
	if c := story.Changes[1]; c.Setting != passcode.KeyPasscode.Path() || c.Old != passcode.Off || c.New != passcode.On || c.ChangedBy != "eve@example.com" || !c.ChangedAt.Equal(at) {
		t.Errorf("the first change is %+v", c)
	}
	// The event did not say when: it counts from when it was received.
	if c := story.Changes[0]; c.Old != passcode.Unknown || c.New != passcode.Off || !c.ChangedAt.Equal(received) {
		t.Errorf("the second change is %+v, want it dated %v", c, received)
	}
}
