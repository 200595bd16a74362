package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

func TestRemember(t *testing.T) {
	t.Parallel()
	type repair struct {
		result RepairResult
		ended  time.Duration // ago; 0: never
		detail string
	}
	type event struct {
		name, operator string
		ago            time.Duration
	}
	for name, c := range map[string]struct {
		repairs    []repair
		events     []event
		held       int
		undoneBy   string
		unfinished string   // its detail
		failed     []string // the details, newest first
	}{
		"nothing": {},
		"held in the last day": {
			repairs: []repair{{RepairHeld, 25 * time.Hour, "a"}, {RepairHeld, 23 * time.Hour, "b"}, {RepairHeld, time.Minute, "c"}, {RepairAbandoned, time.Minute, "d"}},
			held:    2,
		},
		"failures, newest first": {
			repairs: []repair{{RepairOverwritten, 99 * time.Hour, "a"}, {RepairRefused, 4 * time.Hour, "b"}, {RepairHeld, 3 * time.Hour, "c"}, {RepairBusy, 2 * time.Hour, "d"}, {RepairAbandoned, time.Hour, "e"}, {RepairOpened, time.Hour, "f"}},
			held:    1, failed: []string{"f", "d", "b", "a"},
		},
		"unfinished is no failure": {
			repairs:    []repair{{RepairBusy, time.Hour, "a"}, {RepairUnfinished, 0, "b"}},
			unfinished: "b", failed: []string{"a"},
		},
		"unfinished, and one that ended since": {
			repairs:    []repair{{RepairUnfinished, 0, "b"}, {RepairHeld, time.Minute, "c"}},
			unfinished: "b", held: 1,
		},
		"the last operator": {
			events:   []event{{"meeting.updated", "adam@example.com", 3 * time.Hour}, {"meeting.updated", "eve@example.com", time.Hour}, {"meeting.updated", "abel@example.com", 2 * time.Hour}},
			undoneBy: "eve@example.com",
		},
		"the last that was named": {
			events:   []event{{"meeting.updated", "eve@example.com", 3 * time.Hour}, {"meeting.started", "", time.Hour}},
			undoneBy: "eve@example.com",
		},
		"whoever made it undid nothing": {
			events:   []event{{"meeting.updated", "eve@example.com", 3 * time.Hour}, {"meeting.created", "adam@example.com", time.Hour}},
			undoneBy: "eve@example.com",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			addMeeting(t, s, 2, "host", time.Hour)
			for _, r := range c.repairs {
				for meeting, detail := range map[int]string{1: r.detail, 2: "another meeting's"} {
					exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, detail, started_at, ended_at, under) VALUES ('acc', $1, 'host', 'clear', $2, $3, now() - interval '100 hours',
						CASE WHEN $4 > 0 THEN now() - $4::float8 * interval '1 second' END, 'under ' || $3)`, meeting, string(r.result), detail, r.ended.Seconds())
				}
			}
			for i, e := range c.events {
				for meeting, operator := range map[int]string{1: e.operator, 2: "another@example.com"} {
					exec(t, s, `INSERT INTO events (event_id, account_id, event, received_at, recorded_at, meeting_id, operator) VALUES ($1, 'acc', $2, now(), now() - $3 * interval '1 second', $4, $5)`,
						fmt.Sprint(meeting, i), e.name, e.ago.Seconds(), meeting, operator)
				}
			}
			r, err := s.Remember(t.Context(), "acc", 1)
			noError(t, err)
			if r.Held != c.held || r.UndoneBy != c.undoneBy || r.Unfinished.Detail != c.unfinished || (r.Unfinished.ID != 0) != (c.unfinished != "") {
				t.Errorf("held %d, undone by %q, unfinished %+v; want %d, %q, %q", r.Held, r.UndoneBy, r.Unfinished, c.held, c.undoneBy, c.unfinished)
			}
			var failed []string
			for _, f := range r.Failed {
				failed = append(failed, f.Detail)
				if f.Under != "under "+f.Detail || f.Remedy != passcode.RemedyClear || f.EndedAt.IsZero() {
					t.Errorf("a failure is %+v", f)
				}
			}
			if !slices.Equal(failed, c.failed) {
				t.Errorf("failures are %v, want %v", failed, c.failed)
			}
		})
	}
}

// A meeting that fails for ever does not make its checks heavier and heavier.
func TestRememberIsBounded(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, detail, started_at, ended_at) SELECT 'acc', 1, 'host', 'clear', 'busy', i::text, now(), now() FROM generate_series(1, 50) i`)
	r, err := s.Remember(t.Context(), "acc", 1)
	if err != nil || len(r.Failed) != failuresKept || r.Failed[0].Detail != "50" {
		t.Errorf("%d failures from %q on, %v; want the newest %d", len(r.Failed), r.Failed[0].Detail, err, failuresKept)
	}
}

// What was asked is read back as it was written, and a word of another version
// asks for nothing.
func TestRepairAsks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		passcode string
		room     bool
		want     passcode.Request
	}{
		{"absent", false, passcode.Request{Update: true}},
		{"off", true, passcode.Request{Update: true, Passcode: passcode.AskOff, WaitingRoom: passcode.AskOn}},
		{"on", false, passcode.Request{Update: true, Passcode: passcode.AskOn}},
		{"absent", true, passcode.Request{Update: true, WaitingRoom: passcode.AskOn}},
		{"perhaps", true, passcode.Request{Update: true, WaitingRoom: passcode.AskOn}},
	} {
		t.Run(fmt.Sprint(c.passcode, " and the waiting room ", c.room), func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			anythingGoes(t, s)
			addMeeting(t, s, 1, "host", time.Hour)
			_, err := s.BeginRepair(t.Context(), claim(t, s, "w"), Repair{Remedy: passcode.RemedyClear, AskedPasscode: c.passcode, AskedWaitingRoom: c.room}, "", nil)
			noError(t, err)
			r, err := s.Remember(t.Context(), "acc", 1)
			if err != nil || r.Unfinished.Ask() != c.want {
				t.Errorf("asked for %+v, %v; want %+v", r.Unfinished.Ask(), err, c.want)
			}
		})
	}
}
