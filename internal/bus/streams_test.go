package bus

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

func TestEnsureMakesTheStreamsAsAsked(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{
		Events: Stream{Name: "E", MaxAge: 48 * time.Hour, MaxBytes: 64 << 20},
		Alerts: Stream{MaxAge: time.Hour},
		Dedup:  3 * time.Hour,
	})
	for name, want := range map[string]struct {
		subject    string
		age, dedup time.Duration
		bytes      int64
	}{
		"E":               {"zoom.events.>", 48 * time.Hour, 3 * time.Hour, 64 << 20},
		"LATCHKEY_ALERTS": {"latchkey.alert.>", time.Hour, time.Hour, -1}, // the window cannot be longer than the age
		"LATCHKEY_DEAD":   {"latchkey.dead.>", DefaultDeadAge, 3 * time.Hour, -1},
	} {
		c := info(t, b, name).Config
		if len(c.Subjects) != 1 || c.Subjects[0] != want.subject || c.MaxAge != want.age || c.Duplicates != want.dedup || c.MaxBytes != want.bytes || c.MaxMsgs != -1 {
			t.Errorf("%s: %+v, want %+v", name, c, want)
		}
		// Full means refused, never silently dropped; and it survives the process.
		if c.Retention != jetstream.LimitsPolicy || c.Discard != jetstream.DiscardNew || c.Storage != jetstream.FileStorage || c.Replicas != 1 || c.Description == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
	con, err := b.js.Consumer(t.Context(), "E", framesDurable)
	noError(t, err)
	if c := con.CachedInfo().Config; c.AckPolicy != jetstream.AckExplicitPolicy || c.MaxDeliver != -1 || c.MaxAckPending != maxAckPending || c.AckWait != defaultAckWait || c.DeliverPolicy != jetstream.DeliverAllPolicy {
		t.Errorf("the consumer: %+v", c)
	}
}

func TestDefaultsHoldTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		give  Streams
		dedup time.Duration
	}{
		"nothing said":            {Streams{}, DefaultDedup},
		"events kept for an hour": {Streams{Events: Stream{MaxAge: time.Hour}}, time.Hour},
		"said":                    {Streams{Dedup: time.Minute}, time.Minute},
	} {
		if got := c.give.config(c.give.kinds()[0], "E"); got.Duplicates != c.dedup || got.Replicas != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// A new version, or a new setting, changes the streams that are there and
// keeps what they hold.
func TestEnsureUpdatesAStreamThatIsThere(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	before := connect(t, url, Streams{Events: Stream{MaxAge: time.Hour}})
	noError(t, before.Ensure(t.Context()))
	noError(t, before.PublishEvent(t.Context(), event(1)))

	after := connect(t, url, Streams{Events: Stream{MaxAge: 2 * time.Hour, MaxBytes: 1 << 20}})
	for range 2 { // again at any time
		noError(t, after.Ensure(t.Context()))
	}
	i := info(t, after, "LATCHKEY_EVENTS")
	if i.Config.MaxAge != 2*time.Hour || i.Config.MaxBytes != 1<<20 || i.State.Msgs != 1 {
		t.Errorf("%+v, %d messages", i.Config, i.State.Msgs)
	}
}

func TestAFullStreamRefuses(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{Events: Stream{MaxBytes: 4 << 10}})
	var err error
	n := 0
	for ; err == nil && n < 100; n++ {
		e := event(n)
		e.Body = make([]byte, 512)
		err = b.PublishEvent(t.Context(), e)
	}
	if err == nil {
		t.Fatal("nothing was refused")
	}
	if m := stored(t, b, "LATCHKEY_EVENTS", 1); m.Sequence != 1 {
		t.Error("the oldest was dropped")
	}
	if got := info(t, b, "LATCHKEY_EVENTS").State.Msgs; int(got) != n-1 {
		t.Errorf("%d stored, %d were accepted", got, n-1)
	}
}

func TestEnsureSaysWhatToDoAboutMaxPayload(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 1 << 20, NoSigs: true, NoLog: true})
	noError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server did not start")
	}
	b := connect(t, srv.ClientURL(), Streams{})
	if err := b.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "1048576") || !strings.Contains(err.Error(), "set max_payload to 2MB") {
		t.Errorf("%v, want the size it has and what to set", err)
	}
	if b.Ready() {
		t.Error("ready")
	}
}

func TestEnsureOfWhatCannotBe(t *testing.T) {
	t.Parallel()
	b := connect(t, testenv.NATS(t).URL(), Streams{Replicas: 3}) // no cluster
	if err := b.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "stream LATCHKEY_EVENTS") {
		t.Errorf("%v, want the stream named", err)
	}
	if b.Ready() || b.Check() == nil {
		t.Error("ready")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := b.Ensure(ended); err == nil {
		t.Error("it succeeded although its time was up")
	}
}
