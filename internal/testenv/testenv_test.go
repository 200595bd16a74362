package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestMain(m *testing.M) { os.Exit(Main(m, CheckLeaks())) }

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func value[T any](t *testing.T, conn *pgx.Conn, sql string) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

func TestPostgresURLIsFreshAndDropped(t *testing.T) {
	t.Parallel()
	var first string
	t.Run("A long Name, with / odd \"things\" in it that goes on and on and on", func(t *testing.T) {
		first = PostgresURL(t)
		if first == PostgresURL(t) {
			t.Error("the same database twice")
		}
		// Its connection outlives the cleanup: dropped all the same.
		conn, err := pgx.Connect(t.Context(), first)
		if err != nil {
			t.Fatal(err)
		}
		if n := value[int](t, conn, "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"); n != 0 {
			t.Errorf("%d relations in an empty database", n)
		}
	})
	_, err := pgx.Connect(t.Context(), first)
	if err == nil {
		t.Error("still there after its test")
	}
}

var runs atomic.Int32

func TestPostgresURLFromPreparesOnce(t *testing.T) {
	t.Parallel()
	var prepared atomic.Int32
	prepare := func(ctx context.Context, url string) error {
		prepared.Add(1)
		conn, err := pgx.Connect(ctx, url) // left open on purpose
		if err != nil {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE TABLE made (n int)")
		return err
	}
	name := fmt.Sprintf("made once %d", runs.Add(1)) // -count runs this again
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			conn := connect(t, PostgresURLFrom(t, name, prepare))
			if n := value[int](t, conn, "SELECT count(*) FROM made"); n != 0 {
				t.Errorf("%d rows: not a copy of its own", n)
			}
			if _, err := conn.Exec(t.Context(), "INSERT INTO made VALUES (1)"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := prepared.Load(); n != 1 {
		t.Errorf("prepared %d times", n)
	}
}

func TestPostgresComesBack(t *testing.T) {
	t.Parallel()
	p := Postgres(t)
	url := p.URL()
	if _, err := connect(t, url).Exec(t.Context(), "CREATE TABLE kept AS SELECT 3 AS n"); err != nil {
		t.Fatal(err)
	}
	if err := p.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := pgx.Connect(t.Context(), url); err == nil {
		t.Error("still available")
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := value[int](t, connect(t, url), "SELECT n FROM kept"); n != 3 {
		t.Error(n)
	}
}

func TestRestartableNATS(t *testing.T) {
	t.Parallel()
	r := NewRestartableNATS(t)
	connected := make(chan struct{}, 10)
	nc, err := nats.Connect(r.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(1),
		nats.ReconnectHandler(func(*nats.Conn) { connected <- struct{}{} }))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	r.Stop()
	if c, err := nats.Connect(r.URL()); err == nil {
		c.Close()
		t.Error("still available")
	}
	r.Start()
	<-connected
	s, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	if n := s.CachedInfo().State.Msgs; n != 1 {
		t.Errorf("%d messages kept", n)
	}
}

func TestNATSEachTestItsOwn(t *testing.T) {
	t.Parallel()
	a, b := NATS(t), NATSSynced(t)
	if a.URL() == b.URL() {
		t.Error("the same server")
	}
	nc, err := nats.Connect(a.URL())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestProxy(t *testing.T) {
	t.Parallel()
	p, through := ProxyURL(t, PostgresURL(t))
	if u, err := url.Parse(through); err != nil || u.Host != p.Addr() {
		t.Fatalf("%v %v", u.Host, err)
	}
	conn := connect(t, through)
	if value[int](t, conn, "SELECT 1") != 1 {
		t.Error("not passed on")
	}
	p.Cut()
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the old connection lives")
	}
	var refused *net.OpError
	if _, err := pgx.Connect(t.Context(), through); !errors.As(err, &refused) {
		t.Errorf("a new connection: %v", err)
	}
	p.Cut()
	p.Restore()
	p.Restore()
	if value[int](t, connect(t, through), "SELECT 1") != 1 {
		t.Error("not restored")
	}
}

func TestUntil(t *testing.T) {
	t.Parallel()
	n := 0
	Until(t, "three looks", func() bool { n++; return n == 3 })
	if n != 3 {
		t.Error(n)
	}
}

func BenchmarkPostgresURL(b *testing.B) {
	for b.Loop() {
		if PostgresURL(b) == "" {
			b.Fatal(fmt.Errorf("no URL"))
		}
	}
}
