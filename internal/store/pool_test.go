package store

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// TestPoolParametersInTheURL: the URL of a pool is also the migrations'.
func TestPoolParametersInTheURL(t *testing.T) {
	t.Parallel()
	url := testenv.PostgresURL(t)
	sep := "?"
	if strings.Contains(url, "?") {
		sep = "&"
	}
	url += sep + "pool_max_conns=3&pool_min_conns=1&pool_max_conn_lifetime=1h"
	if _, err := Migrate(t.Context(), url); err != nil {
		t.Fatalf("migrate: %v", err)
	}
	for work, want := range map[int]int32{0: 3, 8: 3} {
		s, err := OpenFor(url, work)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.pool.Config().MaxConns; got != want {
			t.Errorf("for %d at once the pool has %d connections, want what the URL says: %d", work, got, want)
		}
		s.Close()
	}
}

// TestAPoolThatCannotWork is refused at once, with the parameter named and without
// the password.
func TestAPoolThatCannotWork(t *testing.T) {
	t.Parallel()
	for params, says := range map[string]string{"pool_max_conns=1": "pool_max_conns is 1", "pool_health_check_period=0s": "pool_health_check_period", "pool_max_conns=0": "pool's parameters", "pool_max_conns=abc": "pool's parameters", "pool_max_con=5": "pool_max_con is no parameter of the pool"} {
		_, err := Open("postgres://u:s3cret@h/d?" + params)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", params, err)
		}
	}
}

// TestThePoolIsSizedForItsWork.
func TestThePoolIsSizedForItsWork(t *testing.T) {
	t.Parallel()
	for work, want := range map[int]int32{8: 16, 1: 9, 256: mostConnections} {
		s, err := OpenFor("postgres://h/d", work)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.pool.Config().MaxConns; got != want {
			t.Errorf("for %d at once the pool has %d connections, want %d", work, got, want)
		}
		s.Close()
	}
}

// TestAVanishedWorkerLocksNoRowForLongerThanItsLease: nobody tells Postgres that the
// machine is gone.
func TestAVanishedWorkerLocksNoRowForLongerThanItsLease(t *testing.T) {
	t.Parallel()
	const lease = 30 * time.Second // LATCHKEY_LEASE's default
	s, err := Open(testenv.PostgresURL(t))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var text string
	if err := s.pool.QueryRow(t.Context(), `SHOW idle_in_transaction_session_timeout`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	if d, err := time.ParseDuration(text); err != nil || d <= 0 || d > lease {
		t.Errorf("a transaction may be idle for %s (%v), want at most %v", text, err, lease)
	}
}
