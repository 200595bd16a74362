package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

var errBus = errors.New("the bus is away")

// addAlerts puts alerts into the outbox, oldest first, and returns their ids.
func addAlerts(t *testing.T, s *Store, n int) []string {
	t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = value[string](t, s, `INSERT INTO alerts (account_id, type, subject, data, created_at)
			VALUES ('acc', 'meeting.repaired', $1, '{"n": 1}', now() - interval '1 hour' + $2 * interval '1 second') RETURNING id::text`, fmt.Sprint(i), i)
	}
	return ids
}

func unpublished(t *testing.T, s *Store) int {
	t.Helper()
	return value[int](t, s, `SELECT count(*) FROM alerts WHERE published_at IS NULL`)
}

func TestPublishAlertsOldestFirst(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ids := addAlerts(t, s, 5)
	var got []string
	publish := func(_ context.Context, a Alert) error {
		if a.AccountID != "acc" || a.Type != "meeting.repaired" || string(a.Data) != `{"n": 1}` || a.CreatedAt.IsZero() {
			t.Errorf("published %+v", a)
		}
		got = append(got, a.ID)
		return nil
	}
	for _, want := range []int{3, 2, 0} {
		if n, err := s.PublishAlerts(t.Context(), 3, publish); n != want || err != nil {
			t.Errorf("published %d, %v; want %d", n, err, want)
		}
	}
	if !slices.Equal(got, ids) {
		t.Errorf("published %v, want each once and oldest first: %v", got, ids)
	}
}

func TestPublishAlertsThatFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ failAt, published int }{
		"at the first":   {0, 0},
		"in the middle":  {2, 2},
		"at the last":    {4, 4},
		"not before end": {5, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			ids := addAlerts(t, s, 5)
			var got []string
			n, err := s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error {
				if len(got) == c.failAt {
					return errBus
				}
				got = append(got, a.ID)
				return nil
			})
			if n != c.published || (c.published == 0) != errors.Is(err, errBus) {
				t.Errorf("published %d, %v", n, err)
			}
			if left := unpublished(t, s); left != 5-c.published {
				t.Errorf("%d are left, want %d", left, 5-c.published)
			}
			// Later the others come, and only they.
			_, err = s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error { got = append(got, a.ID); return nil })
			if err != nil || !slices.Equal(got, ids) {
				t.Errorf("in the end %v, %v; want each once: %v", got, err, ids)
			}
		})
	}
}

// The caller's time ends while a publish hangs: what went out before stays
// marked, or a slow bus would be given the same first alerts for ever.
func TestPublishAlertsWhenTimeIsUp(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addAlerts(t, s, 3)
	ctx, cancel := context.WithCancel(t.Context())
	sent := 0
	n, err := s.PublishAlerts(ctx, 10, func(ctx context.Context, _ Alert) error {
		if sent++; sent == 3 {
			cancel()
			return ctx.Err()
		}
		return nil
	})
	if n != 2 || err != nil || unpublished(t, s) != 1 {
		t.Errorf("%d published, %v, %d left; want 2 published and 1 left", n, err, unpublished(t, s))
	}
	if n, err := s.PublishAlerts(ctx, 10, func(context.Context, Alert) error { t.Error("published after its time"); return nil }); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %d, %v", n, err)
	}
}

// Two publishers at once: while one has alerts in hand, the other takes others.
func TestPublishAlertsByTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ids := addAlerts(t, s, 40)
	var mu sync.Mutex
	times := map[string]int{}
	both := make(chan struct{}) // closed when both have an alert in hand
	var arrived sync.WaitGroup
	arrived.Add(2)
	go func() { arrived.Wait(); close(both) }()
	for _, err := range atOnce(2, func(int) error {
		first := true
		for {
			n, err := s.PublishAlerts(t.Context(), 5, func(ctx context.Context, a Alert) error {
				if first {
					first = false
					arrived.Done()
					select {
					case <-both:
					case <-time.After(30 * time.Second):
						return errors.New("the second publisher waits for the first one's rows")
					}
				}
				mu.Lock()
				defer mu.Unlock()
				times[a.ID]++
				return nil
			})
			if err != nil || n == 0 {
				return err
			}
		}
	}) {
		noError(t, err)
	}
	for _, id := range ids {
		if times[id] != 1 {
			t.Errorf("alert %s was published %d times", id, times[id])
		}
	}
}

// The process dies between the bus's acceptance and the commit: the alert comes
// again, under the same id, so the bus can drop it.
func TestPublishAlertsAgainAfterACrash(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	want := addAlerts(t, s, 1)[0]
	var got []string
	_, err := s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error {
		got = append(got, a.ID)
		// The connection goes, as it would with the process.
		exec(t, s, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`)
		return nil
	})
	if err == nil || !Unavailable(err) {
		t.Errorf("the commit was lost, and the error is %v", err)
	}
	if n, err := s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error { got = append(got, a.ID); return nil }); n != 1 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if !slices.Equal(got, []string{want, want}) {
		t.Errorf("published %v, want %s twice", got, want)
	}
}
