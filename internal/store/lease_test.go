package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// Many workers, many meetings: each meeting is taken by one, and none is left.
func TestClaimsNeverOverlap(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const meetings, workers = 120, 8
	for id := range int64(meetings) {
		addMeeting(t, s, id+1, "host", time.Duration(id)*time.Minute)
	}
	var mu sync.Mutex
	taken := map[int64]int{}
	owners := map[string]bool{}
	calls := 0
	for _, err := range atOnce(workers, func(int) error {
		for {
			claims, err := s.ClaimMeetings(t.Context(), "w", 7, time.Hour)
			if err != nil || len(claims) == 0 {
				return err
			}
			mu.Lock()
			calls++
			for _, c := range claims {
				taken[c.Meeting.ID]++
				owners[c.owner] = true
			}
			mu.Unlock()
		}
	}) {
		noError(t, err)
	}
	if len(taken) != meetings {
		t.Errorf("%d of %d meetings were taken", len(taken), meetings)
	}
	for id, n := range taken {
		if n != 1 {
			t.Errorf("meeting %d was taken %d times", id, n)
		}
	}
	if len(owners) != calls {
		t.Errorf("%d owners for %d calls: one that lost a lease could mistake the next for its own", len(owners), calls)
	}
}

// The row that another transaction holds is skipped, not waited for.
func TestClaimSkipsWhatIsLocked(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Minute)
	addMeeting(t, s, 2, "host", time.Hour)
	tx, err := s.pool.Begin(t.Context())
	noError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), `SELECT FROM meetings WHERE meeting_id = 1 FOR UPDATE`); err != nil {
		t.Fatal(err)
	}
	if c := claim(t, s, "w"); c.Meeting.ID != 2 {
		t.Errorf("took meeting %d, want 2: 1 is locked", c.Meeting.ID)
	}
}

func TestClaimOrderAndLimit(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for id, in := range map[int64]time.Duration{1: 4 * time.Hour, 2: time.Hour, 3: 3 * time.Hour, 4: 2 * time.Hour} {
		addMeeting(t, s, id, "host", in)
	}
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, due_at) VALUES (5, 'acc', now() - interval '1 second')`)                  // no start: may begin at any moment
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, start_time, due_at) VALUES (6, 'acc', now(), null)`)                      // not due
	exec(t, s, `INSERT INTO meetings (meeting_id, account_id, start_time, due_at) VALUES (7, 'acc', now(), now() + interval '1 hour')`) // not yet
	var got []int64
	for _, want := range []int{3, 2, 0} {
		claims, err := s.ClaimMeetings(t.Context(), "w", 3, time.Hour)
		noError(t, err)
		if len(claims) != want {
			t.Errorf("%d claims, want %d", len(claims), want)
		}
		for _, c := range claims {
			got = append(got, c.Meeting.ID)
		}
	}
	if want := []int64{5, 2, 4, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("claimed in order %v, want %v", got, want)
	}
	for _, h := range []string{"a", "b", "c", "d"} {
		exec(t, s, `INSERT INTO hosts (host_id, account_id, due_at) VALUES ($1, 'acc', now() - interval '1 second')`, h)
	}
	if hosts, err := s.ClaimHosts(t.Context(), "w", 2, time.Hour); err != nil || len(hosts) != 2 {
		t.Errorf("%d hosts claimed, %v; want 2", len(hosts), err)
	}
}

func TestLeaseRunsOutUnlessHeartbeat(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	c := claim(t, s, "first")
	claimNone(t, s, "while leased")
	if leased, err := s.Leased(t.Context(), 1); err != nil || !leased {
		t.Errorf("Leased: %v, %v", leased, err)
	}

	// Nearly out, and kept by a heartbeat.
	exec(t, s, `UPDATE meetings SET lease_until = now() + interval '30 seconds' WHERE meeting_id = 1`)
	noError(t, s.Heartbeat(t.Context(), c.Lease, time.Hour))
	if left := value[float64](t, s, `SELECT extract(epoch FROM lease_until - now())::float8 FROM meetings`); left < 3500 || left > 3600 {
		t.Errorf("%v s left after a heartbeat for an hour", left)
	}

	expire(t, s, 1)
	if leased, err := s.Leased(t.Context(), 1); err != nil || leased {
		t.Errorf("Leased after its end: %v, %v", leased, err)
	}
	if err := s.Heartbeat(t.Context(), c.Lease, time.Hour); !errors.Is(err, ErrLeaseLost) {
		t.Errorf("a heartbeat after the lease's end: %v, want ErrLeaseLost", err)
	}
	if c2 := claim(t, s, "second"); c2.Meeting.ID != 1 || c2.owner == c.owner {
		t.Errorf("the second claim is %+v", c2)
	}
}

// Whoever lost the lease writes nothing, whichever way it reports.
func TestNothingIsWrittenWithoutTheLease(t *testing.T) {
	t.Parallel()
	reports := map[string]func(context.Context, *Store, MeetingClaim) error{
		"Heartbeat": func(ctx context.Context, s *Store, c MeetingClaim) error { return s.Heartbeat(ctx, c.Lease, time.Hour) },
		"PutOff": func(ctx context.Context, s *Store, c MeetingClaim) error {
			return s.PutOff(ctx, c.Lease, 0, "x", "")
		},
		"BeginRepair": func(ctx context.Context, s *Store, c MeetingClaim) error {
			_, err := s.BeginRepair(ctx, c, clearing(), "stolen", nil)
			return err
		},
		"EndRepair": func(ctx context.Context, s *Store, c MeetingClaim) error {
			return s.EndRepair(ctx, c, Repair{ID: value[int64](t, s, `SELECT id FROM repairs`), Result: RepairAbandoned})
		},
		"Complete": func(ctx context.Context, s *Store, c MeetingClaim) error {
			m := decided(c, passcode.OutcomeDemands, passcode.RemedyKeep)
			m.Topic, m.ObservedAt = "stolen", time.Now().Add(time.Hour)
			return s.Complete(ctx, c, Check{Meeting: m, Passcode: seen("stolen"), Worked: []string{"GET /meetings/{meetingId}"}, Repair: Repair{ID: value[int64](t, s, `SELECT id FROM repairs`), Result: RepairHeld},
				Alerts: []Alert{{AccountID: "acc", Type: "x", Subject: "1", Data: []byte(`{}`)}}})
		},
	}
	after := map[string]func(*testing.T, *Store){
		"another worker took over": func(t *testing.T, s *Store) {
			expire(t, s, 1)
			claim(t, s, "thief")
		},
		"another worker took over and finished": func(t *testing.T, s *Store) {
			expire(t, s, 1)
			c := claim(t, s, "thief")
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
		},
		"the same worker claimed it again": func(t *testing.T, s *Store) {
			expire(t, s, 1)
			claim(t, s, "loser")
		},
	}
	for what, report := range reports {
		for when, lose := range after {
			t.Run(what+" after "+when, func(t *testing.T) {
				t.Parallel()
				s := openStore(t)
				addMeeting(t, s, 1, "host", time.Hour)
				c := claim(t, s, "loser")
				_, err := s.BeginRepair(t.Context(), c, clearing(), "", nil)
				noError(t, err)
				lose(t, s)
				before := everything(t, s)
				if err := report(t.Context(), s, c); !errors.Is(err, ErrLeaseLost) {
					t.Errorf("got %v, want ErrLeaseLost", err)
				}
				if now := everything(t, s); now != before {
					t.Errorf("something was written:\n%s\nbefore:\n%s", now, before)
				}
			})
		}
	}
}

// everything is all that a check may write, as text.
func everything(t *testing.T, s *Store) string {
	t.Helper()
	return value[string](t, s, `SELECT concat_ws(E'\n', (SELECT string_agg(m::text, ' ') FROM meetings m), (SELECT string_agg(p::text, ' ') FROM passcodes p),
		(SELECT string_agg(r::text, ' ') FROM repairs r), (SELECT string_agg(v::text, ' ') FROM verdicts v), (SELECT string_agg(a::text, ' ') FROM alerts a),
		(SELECT string_agg(c::text, ' ') FROM passcode_changes c), (SELECT string_agg(c::text, ' ') FROM account_calls c))`)
}

func TestPutOff(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)

	const call = "GET /meetings/{meetingId}"
	noError(t, s.PutOff(t.Context(), claim(t, s, "w").Lease, time.Hour, "Zoom is away", call))
	if m := meeting(t, s, 1); !nearly(t, s, m.DueAt, time.Hour) || m.Attempts != 1 || m.LastError != "Zoom is away" || m.WaitingFor != call {
		t.Errorf("put off: due %v, attempts %d, error %q, waiting for %q", m.DueAt, m.Attempts, m.LastError, m.WaitingFor)
	}
	claimNone(t, s, "before its time")

	// An event that comes during the claim makes it due at once, as if new.
	mark(t, s, 1)
	c := claim(t, s, "w")
	if c.Attempt != 1 || c.Meeting.Attempts != 1 {
		t.Errorf("attempt %d after an event, want the first", c.Attempt)
	}
	mark(t, s, 1)
	noError(t, s.PutOff(t.Context(), c.Lease, time.Hour, "again", ""))
	if again := claim(t, s, "w"); again.Attempt != 1 || again.Meeting.WaitingFor != "" || again.Meeting.DueWhy != "marked" {
		t.Errorf("claimed again: %+v", again.Meeting)
	}
}

// Attempts count when a row is claimed, so that work which kills its worker
// counts too, and such a row says what became of it.
func TestAttemptsCountAtTheClaim(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	addHost(t, s, "host", "acc")
	exec(t, s, `UPDATE hosts SET due_at = now() - interval '1 second'`)
	for attempt := 1; attempt <= 3; attempt++ {
		want := ""
		if attempt > 1 {
			want = fmt.Sprintf("the worker died or hung while working on it (attempt %d)", attempt-1)
		}
		m, h := claim(t, s, "w"), claimHost(t, s)
		if m.Attempt != attempt || m.Meeting.Attempts != attempt || m.Meeting.LastError != want {
			t.Errorf("the meeting's attempt %d, error %q; want %d, %q", m.Attempt, m.Meeting.LastError, attempt, want)
		}
		if h.Attempt != attempt || h.Host.Attempts != attempt || h.Host.LastError != want {
			t.Errorf("the host's attempt %d, error %q; want %d, %q", h.Attempt, h.Host.LastError, attempt, want)
		}
		expire(t, s, 1)
		exec(t, s, `UPDATE hosts SET lease_until = now() - interval '1 second'`)
	}
	claimNone(t, s, "after three deaths, at once")

	// A check that ends forgets them; so does an event.
	exec(t, s, `UPDATE meetings SET lease_until = now() - interval '61 seconds'`)
	c := claim(t, s, "w")
	noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
	if m := meeting(t, s, 1); m.Attempts != 0 || m.LastError != "" {
		t.Errorf("after a check that ended: attempts %d, error %q", m.Attempts, m.LastError)
	}
	exec(t, s, `UPDATE meetings SET attempts = 7`)
	mark(t, s, 1)
	if c := claim(t, s, "w"); c.Attempt != 1 {
		t.Errorf("attempt %d after an event, want the first", c.Attempt)
	}
}

// A row over which many workers died waits longer and longer, and keeps nothing
// else waiting, however many they were.
func TestRowsThatKillWorkersWait(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for _, c := range []struct {
		attempts int
		wait     time.Duration
	}{
		{1, 0}, {2, 0}, {3, time.Minute}, {4, 2 * time.Minute}, {5, 4 * time.Minute}, {8, 32 * time.Minute},
		{9, time.Hour}, {10, time.Hour}, {1100, time.Hour}, {2_000_000_000, time.Hour},
	} {
		for _, late := range []time.Duration{-5 * time.Second, 5 * time.Second} {
			for table, add := range map[string]string{
				"meetings": `INSERT INTO meetings (meeting_id, account_id, due_at, attempts) VALUES (1, 'acc', now(), $1), (2, 'acc', now(), 0)`,
				"hosts":    `INSERT INTO hosts (host_id, account_id, due_at, attempts) VALUES ('1', 'acc', now(), $1), ('2', 'acc', now(), 0)`,
			} {
				exec(t, s, `DELETE FROM `+table)
				exec(t, s, add, c.attempts)
				exec(t, s, `UPDATE `+table+` SET lease_owner = 'dead', lease_until = now() - $1 * interval '1 second' WHERE attempts > 0`, (c.wait + late).Seconds())
				var ids []string
				meetings, err := s.ClaimMeetings(t.Context(), "w", 10, time.Hour)
				noError(t, err)
				for _, m := range meetings {
					ids = append(ids, fmt.Sprint(m.Meeting.ID))
				}
				hosts, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
				noError(t, err)
				for _, h := range hosts {
					ids = append(ids, h.Host.ID)
				}
				slices.Sort(ids)
				want := []string{"1", "2"}
				if late < 0 {
					want = []string{"2"}
				}
				if !slices.Equal(ids, want) {
					t.Errorf("%s, %d attempts, %v after the lease's end: claimed %v, want %v", table, c.attempts, c.wait+late, ids, want)
				}
			}
		}
	}
}
