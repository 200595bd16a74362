package store

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// What is known of a meeting's passcode, whichever way it was seen.
func TestPasscodesSeen(t *testing.T) {
	t.Parallel()
	type step struct {
		saw     *PasscodeSeen
		want    secret.String // remembered
		removed bool
		source  string
		rotated bool
	}
	zoom := func(v secret.String) *PasscodeSeen { return &PasscodeSeen{Value: v, Operator: "eve@example.com"} }
	ours := func(v secret.String) *PasscodeSeen { return &PasscodeSeen{Value: v, Source: PasscodeOfOurs} }
	cases := map[string][]step{
		"seen again": {
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{nil, "s3cret", false, PasscodeOfZoom, false},
		},
		"another one": {
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{zoom("0ther"), "0ther", false, PasscodeOfZoom, true},
			{zoom("0ther"), "0ther", false, PasscodeOfZoom, false},
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, true},
		},
		"removed and put back": {
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{zoom(""), "s3cret", true, PasscodeOfZoom, false},
			{nil, "s3cret", true, PasscodeOfZoom, false},
			{zoom(""), "s3cret", true, PasscodeOfZoom, false},
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
		},
		"removed and another one set": {
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{zoom(""), "s3cret", true, PasscodeOfZoom, false},
			{zoom("0ther"), "0ther", false, PasscodeOfZoom, false}, // copies of the removed one were of no use before
		},
		"ours, seen at Zoom afterwards": {
			{zoom("s3cret"), "s3cret", false, PasscodeOfZoom, false},
			{ours("0urs"), "0urs", false, PasscodeOfOurs, true},
			{zoom("0urs"), "0urs", false, PasscodeOfOurs, false},
			{zoom("th3irs"), "th3irs", false, PasscodeOfZoom, true},
		},
		"Zoom's is ours too": {
			{zoom("0urs"), "0urs", false, PasscodeOfZoom, false},
			{ours("0urs"), "0urs", false, PasscodeOfOurs, false},
		},
	}
	alert := func(m Meeting, p PasscodeSeen) Alert {
		return Alert{AccountID: m.AccountID, Type: "passcode.rotated", Subject: fmt.Sprint(m.ID), Data: fmt.Appendf(nil, `{"topic": %q, "operator": %q}`, m.Topic, p.Operator)}
	}
	ways := map[string]func(*testing.T, *Store, *PasscodeSeen){
		"by a check": func(t *testing.T, s *Store, p *PasscodeSeen) {
			exec(t, s, `UPDATE meetings SET due_at = now()`)
			c := claim(t, s, "w")
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Passcode: p, Rotated: alert}))
		},
		"by an event": func(t *testing.T, s *Store, p *PasscodeSeen) {
			inEvent(t, s, func(tx *IntakeTx) error {
				m, err := tx.meeting(t.Context(), 1)
				if err != nil {
					return err
				}
				return tx.saveMeeting(t.Context(), m, p, alert)
			})
		},
	}
	for name, steps := range cases {
		for way, see := range ways {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				s := openStore(t)
				addMeeting(t, s, 1, "host", time.Hour)
				exec(t, s, `UPDATE meetings SET topic = 'Jour fixe'`)
				rotations := 0
				for i, st := range steps {
					exec(t, s, `UPDATE passcodes SET seen_at = seen_at - interval '1 hour'`)
					see(t, s, st.saw)
					p, err := s.RememberedPasscode(t.Context(), "acc", 1)
					if err != nil || p.Value != st.want || p.Removed != st.removed || p.Source != st.source || p.MeetingID != 1 {
						t.Errorf("step %d: remembered %q of %s, removed %v, %v; want %q of %s, removed %v", i, p.Value.Reveal(), p.Source, p.Removed, err, st.want.Reveal(), st.source, st.removed)
					}
					if fresh := nearly(t, s, p.SeenAt, 0); fresh != (st.saw != nil && st.saw.Value != "") {
						t.Errorf("step %d: seen at %v", i, p.SeenAt)
					}
					current, err := s.Passcode(t.Context(), "acc", 1)
					if st.removed && (!errors.Is(err, ErrNotFound) || current.Value != "") || !st.removed && (err != nil || current.Value != st.want) {
						t.Errorf("step %d: it has %q, %v", i, current.Value.Reveal(), err)
					}
					inEvent(t, s, func(tx *IntakeTx) error {
						known, err := tx.passcode(t.Context(), 1)
						if err == nil && known != current.Value {
							t.Errorf("step %d: an event finds %q", i, known.Reveal())
						}
						return err
					})
					if st.rotated {
						rotations++
						if row := value[string](t, s, `SELECT concat_ws('|', c.changed_by, c.operator, a.account_id, a.type, a.subject, a.data ->> 'topic', a.data ->> 'operator', c.xmin::text = a.xmin::text, c.xmin::text = p.xmin::text OR p.seen_at < now() - interval '30 minutes')
							FROM (SELECT xmin, * FROM passcode_changes ORDER BY id DESC LIMIT 1) c, (SELECT xmin, * FROM alerts ORDER BY created_at DESC LIMIT 1) a, passcodes p`); row !=
							strings.Join([]string{st.source, st.saw.Operator, "acc", "passcode.rotated", "1", "Jour fixe", st.saw.Operator, "t", "t"}, "|") {
							t.Errorf("step %d: recorded is %s", i, row)
						}
					}
					if row := value[string](t, s, `SELECT concat_ws('|', (SELECT count(*) FROM passcode_changes), (SELECT count(*) FROM alerts))`); row != fmt.Sprintf("%d|%d", rotations, rotations) {
						t.Errorf("step %d: changes and alerts are %s, want %d each", i, row, rotations)
					}
				}
				story, err := s.Story(t.Context(), "", 1)
				if err != nil || len(story.Rotated) != rotations {
					t.Errorf("the story has %d rotations, %v; want %d", len(story.Rotated), err, rotations)
				}
				if n := value[int](t, s, `SELECT count(*) FROM passcode_changes c, alerts a WHERE c::text || a::text ~ 's3cret|0ther|0urs|th3irs'`); n != 0 {
					t.Error("a change or an alert holds a passcode")
				}
			})
		}
	}
}

// A rotation is recorded where nobody wants an alert, too.
func TestRotatedWithoutAnAlert(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	for _, v := range []secret.String{"s3cret", "0ther"} {
		exec(t, s, `UPDATE meetings SET due_at = now()`)
		c := claim(t, s, "w")
		noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Passcode: seen(v)}))
	}
	inEvent(t, s, func(tx *IntakeTx) error {
		m, err := tx.meeting(t.Context(), 1)
		if err != nil {
			return err
		}
		return tx.saveMeeting(t.Context(), m, seen("th1rd"), nil)
	})
	if row := value[string](t, s, `SELECT concat_ws('|', (SELECT count(*) FROM passcode_changes), (SELECT count(*) FROM alerts))`); row != "2|0" {
		t.Errorf("changes and alerts are %s, want 2|0", row)
	}
}

// Before a passcode is removed it is kept, whoever made it.
func TestBeginRepairKeepsThePasscode(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		known  *PasscodeSeen
		before secret.String
		want   secret.String
		source string
	}{
		"not known before":     {nil, "s3cret", "s3cret", PasscodeOfZoom},
		"known":                {seen("s3cret"), "s3cret", "s3cret", PasscodeOfZoom},
		"known as ours":        {&PasscodeSeen{Value: "0urs", Source: PasscodeOfOurs}, "0urs", "0urs", PasscodeOfOurs},
		"another one was ours": {&PasscodeSeen{Value: "0urs", Source: PasscodeOfOurs}, "s3cret", "s3cret", PasscodeOfZoom},
		"nothing to keep":      {seen("s3cret"), "", "s3cret", PasscodeOfZoom},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			if c.known != nil {
				first := claim(t, s, "w")
				noError(t, s.Complete(t.Context(), first, Check{Meeting: first.Meeting, Passcode: c.known}))
				mark(t, s, 1)
			}
			_, err := s.BeginRepair(t.Context(), claim(t, s, "w"), clearing(), c.before, nil)
			noError(t, err)
			p, err := s.Passcode(t.Context(), "acc", 1)
			if err != nil || p.Value != c.want || p.Source != c.source {
				t.Errorf("known is %q of %s, %v; want %q of %s", p.Value.Reveal(), p.Source, err, c.want.Reveal(), c.source)
			}
		})
	}
}

// An event knows that a repair is under way until it is read back.
func TestRepairUnderWay(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	under := func(when string, want bool) {
		t.Helper()
		inEvent(t, s, func(tx *IntakeTx) error {
			yes, err := tx.repairUnderWay(t.Context(), 1)
			if err == nil && yes != want {
				t.Errorf("%s: %v, want %v", when, yes, want)
			}
			return err
		})
	}
	c := claim(t, s, "w")
	under("before", false)
	r, err := s.BeginRepair(t.Context(), c, clearing(), "", nil)
	noError(t, err)
	under("begun", true)
	r.Result, r.Detail, r.ZoomCalls = RepairOpened, "open", 2
	noError(t, s.EndRepair(t.Context(), c, r))
	under("ended", false)
	second := clearing()
	second.Remedy, second.AskedPasscode = passcode.RemedySecure, passcode.AskOn.String()
	r, err = s.BeginRepair(t.Context(), c, second, "", nil)
	noError(t, err)
	under("another one", true)
	r.Result = RepairHeld
	noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting, Repair: r}))
	under("completed", false)
	if got := value[string](t, s, `SELECT string_agg(concat_ws('|', remedy, result, detail, zoom_calls, asked_passcode, asked_waiting_room), ' ' ORDER BY id) FROM repairs`); got != "clear|opened|open|2|off|t secure|held||0|on|t" {
		t.Errorf("the repairs are %s", got)
	}
}
