package store

import (
	"context"
	"errors"
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
	for _, err := range atOnce(workers, func(int) error {
		for {
			claims, err := s.ClaimMeetings(t.Context(), "w", 7, time.Hour)
			if err != nil || len(claims) == 0 {
				return err
			}
			mu.Lock()
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
	if len(owners) != meetings {
		t.Errorf("%d owners for %d claims: one that lost a lease could mistake the next for its own", len(owners), meetings)
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

// Whoever lost his lease writes nothing, whichever way he reports.
func TestNothingIsWrittenWithoutTheLease(t *testing.T) {
	t.Parallel()
	secret := "stolen"
	reports := map[string]func(context.Context, *Store, MeetingClaim) error{
		"Heartbeat": func(ctx context.Context, s *Store, c MeetingClaim) error { return s.Heartbeat(ctx, c.Lease, time.Hour) },
		"PutOff": func(ctx context.Context, s *Store, c MeetingClaim) error {
			return s.PutOff(ctx, c.Lease, time.Now(), "x")
		},
		"BeginRepair": func(ctx context.Context, s *Store, c MeetingClaim) error {
			_, err := s.BeginRepair(ctx, c, Repair{Remedy: passcode.RemedyClear, StartedAt: time.Now()}, "")
			return err
		},
		"AbandonRepair": func(ctx context.Context, s *Store, c MeetingClaim) error {
			return s.AbandonRepair(ctx, c, value[int64](t, s, `SELECT id FROM repairs`), time.Now())
		},
		"Complete": func(ctx context.Context, s *Store, c MeetingClaim) error {
			m := decided(c, passcode.OutcomeDemands, passcode.RemedyKeep)
			m.Topic, m.ObservedAt = "stolen", time.Now().Add(time.Hour)
			return s.Complete(ctx, c, Check{Meeting: m, Passcode: &secret, Repair: Repair{ID: value[int64](t, s, `SELECT id FROM repairs`), Result: RepairHeld, EndedAt: time.Now()},
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
		"the same worker claimed it anew": func(t *testing.T, s *Store) {
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
				_, err := s.BeginRepair(t.Context(), c, Repair{Remedy: passcode.RemedyClear, StartedAt: time.Now()}, "")
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
		(SELECT string_agg(r::text, ' ') FROM repairs r), (SELECT string_agg(v::text, ' ') FROM verdicts v), (SELECT string_agg(a::text, ' ') FROM alerts a))`)
}

func TestPutOff(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)

	later := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	noError(t, s.PutOff(t.Context(), claim(t, s, "w").Lease, later, "Zoom is away"))
	if m := meeting(t, s, 1); !m.DueAt.Equal(later) || m.Attempts != 1 || m.LastError != "Zoom is away" {
		t.Errorf("put off: due %v, attempts %d, error %q", m.DueAt, m.Attempts, m.LastError)
	}
	claimNone(t, s, "before its time")

	// An event that comes during the claim makes it due at once, as if new.
	mark(t, s, 1)
	c := claim(t, s, "w")
	if c.Meeting.Attempts != 0 {
		t.Errorf("attempts %d after an event, want 0", c.Meeting.Attempts)
	}
	mark(t, s, 1)
	noError(t, s.PutOff(t.Context(), c.Lease, later, "again"))
	if again := claim(t, s, "w"); again.Meeting.Attempts != 0 || again.Meeting.DueWhy != "marked" {
		t.Errorf("claimed again: %+v", again.Meeting)
	}
}
