package store

import (
	"context"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// What a change of an account reaches is marked in steps, of which each may be the last
// of a worker that dies: another goes on, and all is marked once.
func TestFanOutInSteps(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	exec(t, s, `INSERT INTO hosts (account_id, host_id, email, read_at) SELECT 'acc', 'h' || i, 'x', now() FROM generate_series(1, 1200) i`)
	exec(t, s, `INSERT INTO meetings (account_id, meeting_id, host_id, start_time, must_read) SELECT 'acc', 1000 + i, 'h' || i % 1200 + 1, now() + interval '1 day', false FROM generate_series(1, 2300) i`)
	change := func(m Move) {
		t.Helper()
		inEvent(t, s, func(tx *IntakeTx) error {
			return tx.LevelMoved(t.Context(), passcode.LevelAccount, "acc", time.Now(), "account.lock_settings_updated", m)
		})
	}
	change(Move{Meetings: MovedPerhaps})
	if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE read_at IS NULL`); n != fanoutStep {
		t.Errorf("with the event itself %d hosts were marked, want one step", n)
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE due_at IS NOT NULL`); n != 0 {
		t.Errorf("%d meetings were marked before all their hosts", n)
	}
	for range 3 { // those that come meanwhile are one more
		change(Move{Meetings: MovedNot, TakesBack: true})
	}
	if n := value[int](t, s, `SELECT count(*) FROM fanouts`); n != 2 {
		t.Errorf("%d of them for four changes", n)
	}
	steps := 0
	for more := true; more; steps++ {
		ctx, cancel := context.WithCancel(t.Context())
		if steps%3 == 1 { // a step that is undone
			cancel()
		}
		var err error
		if more, err = s.FanOut(ctx); err != nil && steps%3 == 1 {
			more = true
		} else {
			noError(t, err)
		}
		cancel()
	}
	if steps < 9 {
		t.Errorf("%d steps", steps)
	}
	if row := value[string](t, s, `SELECT concat_ws('|', count(*), max(generation) <= 2) FROM hosts WHERE read_at IS NULL AND due_at <= now()`); row != "1200|t" {
		t.Errorf("hosts marked: %s", row)
	}
	// Two changes, of which one may have changed meetings: each is read.
	if row := value[string](t, s, `SELECT concat_ws('|', count(*), max(generation) <= 2) FROM meetings WHERE must_read AND due_at <= now()`); row != "2300|t" {
		t.Errorf("meetings marked: %s", row)
	}
	if n := value[int](t, s, `SELECT count(*) FROM fanouts`); n != 0 {
		t.Errorf("%d are left", n)
	}
}

// Many workers at once mark all of several changes, and none fails.
func TestFanOutByMany(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for _, g := range []string{"a", "b", "c"} {
		exec(t, s, `INSERT INTO hosts (account_id, host_id, email, group_ids, read_at) SELECT 'acc', $1 || i, 'x', ARRAY[$1], now() FROM generate_series(1, 700) i`, g)
		exec(t, s, `INSERT INTO meetings (account_id, meeting_id, host_id, start_time, must_read) SELECT 'acc', 1000 * (ascii($1) - 90) + i, $1 || i, now() + interval '1 day', false FROM generate_series(1, 700) i`, g)
		inEvent(t, s, func(tx *IntakeTx) error {
			return tx.LevelMoved(t.Context(), passcode.LevelGroup, g, time.Now(), "x", Move{Meetings: MovedNot})
		})
	}
	for _, err := range atOnce(5, func(int) error {
		for {
			more, err := s.FanOut(t.Context())
			if err != nil {
				return err
			}
			if !more && value[int](t, s, `SELECT count(*) FROM fanouts`) == 0 {
				return nil
			}
		}
	}) {
		noError(t, err)
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE moved = 1 AND due_at <= now() AND NOT must_read`); n != 2100 {
		t.Errorf("%d of 2100 meetings were marked", n)
	}
}

// What settings moved is read where another change comes before it was looked at that
// may have hidden what the first did.
func TestMovedTwice(t *testing.T) {
	t.Parallel()
	on, off := Move{Meetings: MovedPerhaps}, Move{Meetings: MovedNot, TakesBack: true}
	for name, c := range map[string]struct {
		moves []Move
		want  string
	}{
		"nothing it could have changed":            {[]Move{off}, "f|1"},
		"that twice":                               {[]Move{off, off}, "f|1"},
		"perhaps":                                  {[]Move{on}, "f|2"},
		"first nothing, then perhaps":              {[]Move{off, on}, "f|2"},
		"perhaps, and back":                        {[]Move{on, off}, "t|2"},
		"perhaps, twice":                           {[]Move{on, on}, "f|2"}, // turned on and locked
		"perhaps, then on and off at once":         {[]Move{on, {Meetings: MovedPerhaps, TakesBack: true}}, "t|2"},
		"a change that only reading it would show": {[]Move{{Meetings: MovedRead}}, "t|2"},
		"nothing, then that":                       {[]Move{off, {Meetings: MovedRead}}, "t|2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			exec(t, s, `UPDATE meetings SET must_read = false, due_at = NULL`)
			for _, m := range c.moves {
				inEvent(t, s, func(tx *IntakeTx) error {
					return tx.HostsMoved(t.Context(), []string{"host"}, time.Now(), "x", m)
				})
			}
			if got := value[string](t, s, `SELECT concat_ws('|', must_read, moved) FROM meetings`); got != c.want {
				t.Errorf("left as %s, want %s", got, c.want)
			}
			k := claim(t, s, "w")
			if k.Meeting.Moved == 0 {
				t.Error("the check is not told")
			}
			noError(t, s.Complete(t.Context(), k, Check{Meeting: k.Meeting}))
			if got := value[int](t, s, `SELECT moved FROM meetings`); got != 0 {
				t.Errorf("after the check it has moved still: %d", got)
			}
		})
	}
}
