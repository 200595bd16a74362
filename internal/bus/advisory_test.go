package bus

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

// during runs f until the test ends or stop, which waits for it.
func during(t testing.TB, f func(context.Context)) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f(ctx) }()
	stop = func() { cancel(); next(t, done, "it returns") }
	t.Cleanup(stop)
	return stop
}

func advisories(b *Bus) uint64 {
	s, err := b.js.Stream(context.Background(), "LATCHKEY_DEAD_ADVISORIES")
	if err != nil {
		return 0
	}
	return s.CachedInfo().State.Msgs
}

// failing is a Bus whose consumer of frames gives up at the second delivery, as an
// operator may set it.
func failing(t *testing.T) *Bus {
	t.Helper()
	b := ready(t, Streams{ackWait: 100 * time.Millisecond})
	c, err := b.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
	noError(t, err)
	cfg := c.CachedInfo().Config
	cfg.MaxDeliver = 2
	_, err = b.js.UpdateConsumer(t.Context(), "LATCHKEY_EVENTS", cfg)
	noError(t, err)
	return b
}

// frameOfTwo publishes two events in one frame.
func frameOfTwo(t *testing.T, b *Bus) {
	t.Helper()
	m, _ := frame([]Event{event(1), event(2)})
	noError(t, b.publish(t.Context(), m))
}

// TestWhatJetStreamGivesUpOnIsADeadLetter: each event of the frame, once, also
// when it was given up on while no worker listened, and when it is said twice.
func TestWhatJetStreamGivesUpOnIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := failing(t)
	watched := during(t, b.WatchAdvisories)
	testenv.Until(t, "a stream listens", func() bool { _, err := b.js.Stream(t.Context(), "LATCHKEY_DEAD_ADVISORIES"); return err == nil })
	watched()
	frameOfTwo(t, b)
	stop := consuming(t, b, 1, func(context.Context, Frame) error { return errors.New("no") })
	testenv.Until(t, "JetStream gave up", func() bool { return advisories(b) == 1 })
	stop()
	said := stored(t, b, "LATCHKEY_DEAD_ADVISORIES", 1)
	_, err := b.js.Publish(t.Context(), said.Subject, said.Data)
	noError(t, err)

	during(t, b.WatchAdvisories)
	testenv.Until(t, "both were looked at", func() bool {
		c, err := b.js.Consumer(t.Context(), "LATCHKEY_DEAD_ADVISORIES", advisoryDurable)
		return err == nil && c.CachedInfo().AckFloor.Stream == 2
	})
	all := dead(t, b, DeadFilter{})
	if len(all) != 2 {
		t.Fatalf("%d dead letters, want one for each event", len(all))
	}
	for i, d := range all {
		if want := event(i + 1); d.Stage != "delivery" || d.Reason != "delivered 2 times without success (max deliver of consumer frames)" || d.Event.ID != want.ID || string(d.Event.Body) != string(want.Body) || d.Event.AccountID != "acc" {
			t.Errorf("%+v", d)
		}
	}
}

// TestWhatSomebodyTerminatesIsADeadLetter, as `nats consumer` commands can.
func TestWhatSomebodyTerminatesIsADeadLetter(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	during(t, b.WatchAdvisories)
	testenv.Until(t, "a stream listens", func() bool { _, err := b.js.Stream(t.Context(), "LATCHKEY_DEAD_ADVISORIES"); return err == nil })
	noError(t, b.PublishEvent(t.Context(), event(1)))
	terminate(t, b, "LATCHKEY_EVENTS", framesDurable)
	testenv.Until(t, "a dead letter", func() bool { return len(dead(t, b, DeadFilter{Stage: "delivery"})) == 1 })
	if d := dead(t, b, DeadFilter{})[0]; d.Reason != "terminated by a client of consumer frames after 1 deliveries" || d.Event.ID != "id-1" {
		t.Errorf("%+v", d)
	}
}

func terminate(t testing.TB, b *Bus, stream, durable string) {
	t.Helper()
	c, err := b.js.Consumer(t.Context(), stream, durable)
	noError(t, err)
	m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
	noError(t, err)
	noError(t, m.TermWithReason("of our own"))
}

// Other services' consumers are no matter of ours, and neither is what is gone; an
// operator's own stream of advisories is used.
func TestAdvisoriesOfOthers(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	_, err := b.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "OPS", Subjects: []string{"$JS.EVENT.ADVISORY.>"}})
	noError(t, err)
	_, err = b.js.CreateConsumer(t.Context(), "LATCHKEY_EVENTS", jetstream.ConsumerConfig{Durable: "theirs", AckPolicy: jetstream.AckExplicitPolicy})
	noError(t, err)
	for n := range 3 {
		noError(t, b.PublishEvent(t.Context(), event(n)))
	}
	for range 3 {
		terminate(t, b, "LATCHKEY_EVENTS", "theirs")
	}
	for range 2 {
		terminate(t, b, "LATCHKEY_EVENTS", framesDurable)
	}
	s, err := b.js.Stream(t.Context(), "LATCHKEY_EVENTS")
	noError(t, err)
	noError(t, s.DeleteMsg(t.Context(), 1))
	during(t, b.WatchAdvisories)
	testenv.Until(t, "all five were looked at", func() bool {
		c, err := b.js.Consumer(t.Context(), "OPS", advisoryDurable)
		return err == nil && c.CachedInfo().Delivered.Consumer == 5 && c.CachedInfo().AckFloor.Consumer == 5
	})
	if all := dead(t, b, DeadFilter{}); len(all) != 1 || all[0].Event.ID != "id-1" {
		t.Errorf("%+v, want the one that is there", all)
	}
	if _, err := b.js.Stream(t.Context(), "LATCHKEY_DEAD_ADVISORIES"); !errors.Is(err, jetstream.ErrStreamNotFound) {
		t.Errorf("a second stream of advisories: %v", err)
	}
}

// TestWatchDead: everything is seen, what was refused too, also what came before
// anybody watched; and another worker does not see it again.
func TestWatchDead(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{ackWait: 100 * time.Millisecond})
	noError(t, b.PublishDead(t.Context(), "ingest", "why", event(1)))
	saw := make(chan DeadLetter, 10)
	tries := 0
	stop := during(t, func(ctx context.Context) {
		b.WatchDead(ctx, func(_ context.Context, d DeadLetter) error {
			if tries++; tries == 1 {
				return errors.New("not now")
			}
			saw <- d
			return nil
		})
	})
	if d := next(t, saw, "the first"); d.Event.ID != "id-1" || d.Stage != "ingest" || d.Reason != "why" {
		t.Errorf("%+v", d)
	}
	noError(t, b.PublishDead(t.Context(), "intake", "why", event(2)))
	next(t, saw, "the second")
	testenv.Until(t, "both acknowledged", func() bool {
		c, err := b.js.Consumer(t.Context(), "LATCHKEY_DEAD", deadDurable)
		return err == nil && c.CachedInfo().AckFloor.Stream == 2
	})
	// Without its consumer it makes another, and tells nobody that latchkey is not ready.
	noError(t, b.js.DeleteConsumer(t.Context(), "LATCHKEY_DEAD", deadDurable))
	next(t, saw, "the first, again")
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	stop()
}
