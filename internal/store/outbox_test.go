package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
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

// While one publishes, another gets nothing, and the order is one.
func TestPublishAlertsByTwoAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ids := addAlerts(t, s, 40)
	var mu sync.Mutex
	var got []string
	var seqs []int64
	inHand := make(chan struct{})
	goOn := make(chan struct{})
	var once sync.Once
	publish := func(ctx context.Context, a Alert) error {
		once.Do(func() { close(inHand); <-goOn })
		mu.Lock()
		defer mu.Unlock()
		got, seqs = append(got, a.ID), append(seqs, a.Seq)
		return nil
	}
	first := make(chan error, 1)
	go func() { _, err := s.PublishAlerts(t.Context(), 5, publish); first <- err }()
	<-inHand
	if n, err := s.PublishAlerts(t.Context(), 5, publish); n != 0 || err != nil {
		t.Errorf("the second publisher took %d, %v, while the first publishes", n, err)
	}
	close(goOn)
	noError(t, <-first)
	for _, err := range atOnce(3, func(int) error {
		for {
			mu.Lock()
			all := len(got) == len(ids)
			mu.Unlock()
			if all {
				return nil
			}
			if _, err := s.PublishAlerts(t.Context(), 5, publish); err != nil {
				return err
			}
		}
	}) {
		noError(t, err)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("published %v, want each once and in order: %v", got, ids)
	}
	if !slices.IsSorted(seqs) || len(slices.Compact(seqs)) != len(ids) {
		t.Errorf("their sequences are %v, want each another and in order", seqs)
	}
}

// NATS may take its time: nothing in the database waits for it.
func TestNoTransactionIsOpenWhilePublishing(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	id := addAlerts(t, s, 1)[0]
	_, err := s.PublishAlerts(t.Context(), 10, func(context.Context, Alert) error {
		if n := value[int](t, s, `SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND backend_type = 'client backend'`); n != 0 {
			t.Errorf("%d transactions are open", n)
		}
		exec(t, s, `SET lock_timeout = '1s'; UPDATE alerts SET subject = subject WHERE id = '`+id+`'`)
		return nil
	})
	noError(t, err)
}

// A transaction that began first and ends last: what it recorded comes after what
// was there before it, and its sequence says so.
func TestAlertsOfATransactionThatEndsLate(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	var got []string
	var seqs []int64
	publish := func(_ context.Context, a Alert) error {
		got, seqs = append(got, a.Subject), append(seqs, a.Seq)
		return nil
	}
	noError(t, s.inTx(t.Context(), func(tx pgx.Tx) error {
		if err := saveAlerts(t.Context(), tx, Alert{AccountID: "acc", Type: "meeting.repaired", Subject: "late", Data: []byte("{}")},
			Alert{AccountID: "acc", Type: "meeting.repaired", Subject: "last", Data: []byte("{}")}); err != nil {
			return err
		}
		addAlerts(t, s, 1)
		_, err := s.PublishAlerts(t.Context(), 10, publish)
		return err
	}))
	_, err := s.PublishAlerts(t.Context(), 10, publish)
	noError(t, err)
	if want := []string{"0", "late", "last"}; !slices.Equal(got, want) || !slices.IsSorted(seqs) || seqs[0] == 0 {
		t.Errorf("published %v with sequences %v; want %v", got, seqs, want)
	}
}

// One that NATS will not have holds up nobody, is tried again, and says why.
func TestAPoisonAlert(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ids := addAlerts(t, s, 5)
	refuse := true
	var got []string
	publish := func(_ context.Context, a Alert) error {
		if refuse && a.ID == ids[1] {
			return fmt.Errorf("message size exceeds maximum allowed: %w", ErrRefused)
		}
		got = append(got, a.ID)
		return nil
	}
	if n, err := s.PublishAlerts(t.Context(), 3, publish); n != 3 || err != nil {
		t.Errorf("of three, one of them refused: %d, %v; want three in hand, no error", n, err)
	}
	for range 3 { // not before its time
		_, err := s.PublishAlerts(t.Context(), 10, publish)
		noError(t, err)
	}
	if want := []string{ids[0], ids[2], ids[3], ids[4]}; !slices.Equal(got, want) {
		t.Errorf("published %v, want all but the second: %v", got, want)
	}
	if why := value[string](t, s, `SELECT attempts || ' ' || last_error FROM alerts WHERE id = '`+ids[1]+`'`); why != "1 message size exceeds maximum allowed: the alert is refused" {
		t.Errorf("it says %q", why)
	}
	refuse = false
	exec(t, s, `UPDATE alerts SET retry_at = now() WHERE id = '`+ids[1]+`'`)
	if n, err := s.PublishAlerts(t.Context(), 10, publish); n != 1 || err != nil || got[len(got)-1] != ids[1] {
		t.Errorf("when it is tried again: %d, %v, last is %s", n, err, got[len(got)-1])
	}
}

// A publisher that died, or that was stopped for longer than its lease: others go
// on, the alerts keep their sequences, and it marks only what it published.
func TestAPublisherThatHangs(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	ids := addAlerts(t, s, 2)
	seqs := map[string][]int64{}
	publish := func(_ context.Context, a Alert) error {
		seqs[a.ID] = append(seqs[a.ID], a.Seq)
		return nil
	}
	n, err := s.PublishAlerts(t.Context(), 10, func(ctx context.Context, a Alert) error {
		_ = publish(ctx, a)
		if a.ID == ids[0] {
			exec(t, s, `UPDATE outbox SET lease_until = now() - interval '1 second'`)
			if n, err := s.PublishAlerts(t.Context(), 1, publish); n != 1 || err != nil {
				t.Errorf("the lease has ended: %d, %v; want 1", n, err)
			}
			exec(t, s, `UPDATE outbox SET lease_owner = 'another', lease_until = now() + interval '1 minute'`)
		}
		return nil
	})
	if n != 2 || err != nil || unpublished(t, s) != 0 {
		t.Errorf("%d, %v, %d left", n, err, unpublished(t, s))
	}
	if owner := value[string](t, s, `SELECT lease_owner FROM outbox`); owner != "another" {
		t.Errorf("it gave back the outbox of another: %q", owner)
	}
	if len(seqs[ids[0]]) != 2 || seqs[ids[0]][0] != seqs[ids[0]][1] || seqs[ids[1]][0] <= seqs[ids[0]][0] {
		t.Errorf("the sequences are %v", seqs)
	}
}

// Every connection breaks while NATS is waited for: what it took is marked all the
// same, at once, and the outbox is given back.
func TestMarksOverBrokenConnections(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addAlerts(t, s, 2)
	n, err := s.PublishAlerts(t.Context(), 10, func(context.Context, Alert) error {
		for range 4 {
			_ = s.Ping(t.Context())
		}
		exec(t, s, `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`)
		return nil
	})
	if n != 2 || err != nil || unpublished(t, s) != 0 {
		t.Errorf("%d, %v, %d left", n, err, unpublished(t, s))
	}
	if held := value[bool](t, s, `SELECT lease_owner IS NOT NULL FROM outbox`); held {
		t.Error("the outbox was not given back")
	}
}

// A restored backup knows less than was given out.
func TestSequencesAfterABackup(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	var seqs []int64
	publish := func(_ context.Context, a Alert) error { seqs = append(seqs, a.Seq); return nil }
	for range 2 {
		addAlerts(t, s, 3)
		_, err := s.PublishAlerts(t.Context(), 10, publish)
		noError(t, err)
		exec(t, s, `UPDATE outbox SET last_seq = 0`)
		exec(t, s, `DELETE FROM alerts`)
	}
	// And a clock that goes back.
	exec(t, s, `UPDATE outbox SET last_seq = $1`, seqs[5]+1e12)
	addAlerts(t, s, 3)
	_, err := s.PublishAlerts(t.Context(), 10, publish)
	noError(t, err)
	if seqs[6] <= seqs[5]+1e12 {
		t.Errorf("the clock went back, and the sequence with it: %v", seqs)
	}
	if !slices.IsSorted(seqs) || len(slices.Compact(seqs)) != 9 {
		t.Errorf("sequences %v, want 9 that grow", seqs)
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
		// The database goes before the mark; the lease ends by itself.
		exec(t, s, `ALTER TABLE alerts RENAME TO away`)
		return nil
	})
	if err == nil || !Unavailable(err) {
		t.Errorf("the mark was lost, and the error is %v", err)
	}
	exec(t, s, `ALTER TABLE away RENAME TO alerts`)
	exec(t, s, `UPDATE outbox SET lease_until = now() - interval '1 second'`)
	if n, err := s.PublishAlerts(t.Context(), 10, func(_ context.Context, a Alert) error { got = append(got, a.ID); return nil }); n != 1 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	if !slices.Equal(got, []string{want, want}) {
		t.Errorf("published %v, want %s twice", got, want)
	}
}
