package bus

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

// TestStreamsOfOthersAreLeftAlone: what stands where latchkey needs a stream, and is
// not latchkey's, is never changed, and what stands there is said.
func TestStreamsOfOthersAreLeftAlone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		theirs jetstream.StreamConfig
		said   Streams
		says   []string // nil: no error
	}{
		"another's of latchkey's default name":   {jetstream.StreamConfig{Name: "LATCHKEY_EVENTS", Subjects: []string{"orders.>"}, Description: "Orders"}, Streams{}, []string{"LATCHKEY_EVENTS", "orders.>", `"Orders"`, "LATCHKEY_STREAM_EVENTS"}},
		"another's of an earlier version's name": {jetstream.StreamConfig{Name: "EVENTS", Subjects: []string{"orders.>"}}, Streams{}, nil},
		"another's of the name that is said":     {jetstream.StreamConfig{Name: "X", Subjects: []string{"orders.>"}}, Streams{Alerts: Stream{Name: "X"}}, []string{"stream X is there", "LATCHKEY_STREAM_ALERTS"}},
		"latchkey's subjects, made by hand":      {jetstream.StreamConfig{Name: "LATCHKEY_DEAD", Subjects: []string{"latchkey.dead.>"}, Description: "by ops"}, Streams{}, []string{"LATCHKEY_DEAD", "by ops", "LATCHKEY_STREAMS=existing"}},
		"another's that takes the subjects":      {jetstream.StreamConfig{Name: "ALL", Subjects: []string{"zoom.>"}}, Streams{}, []string{"stream ALL takes zoom.events.>"}},
		"marked as another kind of latchkey's":   {jetstream.StreamConfig{Name: "LATCHKEY_ALERTS", Subjects: []string{"latchkey.alert.>"}, Metadata: map[string]string{ownerKey: kindDead}}, Streams{}, []string{"LATCHKEY_ALERTS is there"}},
		"more subjects than latchkey's":          {jetstream.StreamConfig{Name: "LATCHKEY_EVENTS", Subjects: []string{"zoom.events.>", "orders.>"}, Metadata: map[string]string{ownerKey: kindEvents}}, Streams{}, []string{"zoom.events.> and orders.>"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := connect(t, testenv.NATS(t).URL(), c.said)
			_, err := b.js.CreateStream(t.Context(), c.theirs)
			noError(t, err)
			before := info(t, b, c.theirs.Name).Config
			for range 2 {
				err = b.Ensure(t.Context())
				var foreign *ForeignError
				if (c.says == nil) != (err == nil) || err != nil && !errors.As(err, &foreign) {
					t.Fatalf("%v", err)
				}
				for _, s := range c.says {
					if !strings.Contains(err.Error(), s) {
						t.Errorf("%q does not say %q", err, s)
					}
				}
			}
			if after := info(t, b, c.theirs.Name).Config; !reflect.DeepEqual(after, before) {
				t.Errorf("it was changed: %+v, before %+v", after, before)
			}
			if b.Ready() != (c.says == nil) {
				t.Errorf("ready %v", b.Ready())
			}
		})
	}
}

// TestAnExistingInstallationKeepsItsNames, what it holds, and what was set by hand.
func TestAnExistingInstallationKeepsItsNames(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	b := connect(t, url, Streams{})
	for _, k := range b.o.Streams.kinds() {
		old := b.o.Streams.config(k, k.old)
		old.Metadata, old.MaxBytes, old.MaxAge = nil, 64<<20, 24*time.Hour
		old.Duplicates = time.Hour
		if k.oldSubject != "" {
			old.Subjects = []string{k.oldSubject}
		}
		_, err := b.js.CreateStream(t.Context(), old)
		noError(t, err)
	}
	p := newTap(t, url)
	ingest, err := Connect(Options{URL: url, CreateOnly: true, Logger: b.o.Logger})
	noError(t, err)
	t.Cleanup(ingest.Close)
	if err := ingest.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "a worker of this one has to extend it") {
		t.Errorf("ingest of the new version before its worker: %v", err)
	}
	noError(t, b.Ensure(t.Context()))
	noError(t, ingest.Ensure(t.Context()))
	for _, name := range []string{"EVENTS", "ALERTS", "DEAD"} {
		if c := info(t, b, name).Config; c.Metadata[ownerKey] == "" || c.MaxBytes != 64<<20 || c.MaxAge != 24*time.Hour || c.Duplicates != time.Hour {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if n := p.count(b, "STREAM.CREATE."); n != 0 {
		t.Errorf("%d streams were made beside", n)
	}
	noError(t, b.PublishEvent(t.Context(), event(1)))
	noError(t, b.PublishDead(t.Context(), "intake", "no use", event(2)))
	if a, d := info(t, b, "EVENTS").State.Msgs, info(t, b, "DEAD").State.Msgs; a != 1 || d != 1 {
		t.Errorf("%d and %d messages", a, d)
	}
}

// TestWhatIsNotSaidStays: settings that were made by hand outlive every start, and
// what is said wins once for each start.
func TestWhatIsNotSaidStays(t *testing.T) {
	t.Parallel()
	url := testenv.NATS(t).URL()
	first := connect(t, url, Streams{})
	noError(t, first.Ensure(t.Context()))
	c := info(t, first, "LATCHKEY_EVENTS").Config
	c.MaxBytes, c.MaxAge = 1<<30, 12*time.Hour
	c.Duplicates = time.Minute
	_, err := first.js.UpdateStream(t.Context(), c)
	noError(t, err)
	consumer, err := first.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
	noError(t, err)
	cc := consumer.CachedInfo().Config
	cc.AckWait, cc.MaxAckPending = time.Minute, 7
	_, err = first.js.UpdateConsumer(t.Context(), "LATCHKEY_EVENTS", cc)
	noError(t, err)

	noError(t, connect(t, url, Streams{}).Ensure(t.Context()))
	noError(t, connect(t, url, Streams{Alerts: Stream{MaxBytes: 1 << 24}}).Ensure(t.Context()))
	got := info(t, first, "LATCHKEY_EVENTS").Config
	if got.MaxBytes != 1<<30 || got.MaxAge != 12*time.Hour || got.Duplicates != time.Minute {
		t.Errorf("%+v", got)
	}
	consumer, err = first.js.Consumer(t.Context(), "LATCHKEY_EVENTS", framesDurable)
	noError(t, err)
	if c := consumer.CachedInfo().Config; c.AckWait != time.Minute || c.MaxAckPending != 7 {
		t.Errorf("the consumer: %+v", c)
	}
	if n := info(t, first, "LATCHKEY_ALERTS").Config.MaxBytes; n != 1<<24 {
		t.Errorf("what is said: %d", n)
	}
}

// permitted is a server whose user "latchkey" may do so much and no more; "ops" may
// do everything.
func permitted(t *testing.T, publish []string) (latchkey, ops string) {
	t.Helper()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), MaxPayload: 2 << 20, NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "ops", Password: "ops"}, {Username: "latchkey", Password: "pw", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Allow: publish}, Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}}}}}})
	noError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server did not start")
	}
	at := strings.TrimPrefix(srv.ClientURL(), "nats://")
	return "nats://latchkey:pw@" + at, "nats://ops:ops@" + at
}

// TestExistingStreams: with the rights to publish and to consume, and no others,
// latchkey says what is missing and, once that is there, works.
func TestExistingStreams(t *testing.T) {
	t.Parallel()
	rights := []string{"zoom.events.>", "latchkey.alert.>", "latchkey.dead.>", "$JS.API.CONSUMER.INFO.MINE.frames", "$JS.API.CONSUMER.MSG.NEXT.MINE.frames", "$JS.ACK.MINE.frames.>"}
	url, opsURL := permitted(t, rights)
	nc, err := nats.Connect(opsURL)
	noError(t, err)
	t.Cleanup(nc.Close)
	ops, err := jetstream.New(nc)
	noError(t, err)
	worker := connect(t, url, Streams{Existing: true, Replicas: 3})
	ingest, err := Connect(Options{URL: url, CreateOnly: true, Streams: Streams{Existing: true}, Logger: worker.o.Logger})
	noError(t, err)
	t.Cleanup(ingest.Close)

	missing := func(b *Bus, says ...string) {
		t.Helper()
		err := b.Ensure(t.Context())
		var m *MissingError
		if !errors.As(err, &m) || b.Ready() {
			t.Fatalf("%v, ready %v", err, b.Ready())
		}
		for _, s := range says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%q does not say %q", err, s)
			}
		}
	}
	missing(ingest, "no stream takes zoom.events.>", "nats stream add LATCHKEY_EVENTS --subjects 'zoom.events.>' --storage file")
	_, err = ops.CreateStream(t.Context(), jetstream.StreamConfig{Name: "MINE", Subjects: []string{"zoom.events.>"}, MaxAge: time.Hour})
	noError(t, err)
	missing(ingest, "no stream takes latchkey.dead.>", "nats stream add LATCHKEY_DEAD --subjects 'latchkey.dead.>'")
	_, err = ops.CreateStream(t.Context(), jetstream.StreamConfig{Name: "THEIRS", Subjects: []string{"latchkey.dead.>"}, MaxAge: time.Hour})
	noError(t, err)
	missing(worker, "no stream takes latchkey.alert.>", "nats stream add LATCHKEY_ALERTS")
	_, err = ops.UpdateStream(t.Context(), jetstream.StreamConfig{Name: "THEIRS", Subjects: []string{"latchkey.>"}, MaxAge: time.Hour})
	noError(t, err)
	noError(t, ingest.Ensure(t.Context()))
	if !ingest.Ready() {
		t.Errorf("ingest: %v", ingest.Check())
	}
	before := info(t, &Bus{js: ops}, "MINE").State.Msgs
	noError(t, ingest.Ensure(t.Context()))
	if n := info(t, &Bus{js: ops}, "MINE").State.Msgs; n != before {
		t.Errorf("each look leaves a message: %d, before %d", n, before)
	}
	if n := info(t, &Bus{js: ops}, "THEIRS").State.Msgs; n != 0 {
		t.Errorf("looking left %d messages", n)
	}
	missing(worker, "stream MINE has no consumer frames", "nats consumer add MINE frames --pull")
	_, err = ops.CreateConsumer(t.Context(), "MINE", jetstream.ConsumerConfig{Durable: "frames", AckPolicy: jetstream.AckNonePolicy})
	noError(t, err)
	if err := worker.Ensure(t.Context()); err == nil || !strings.Contains(err.Error(), "want explicit") {
		t.Errorf("a consumer that acknowledges nothing: %v", err)
	}
	noError(t, ops.DeleteConsumer(t.Context(), "MINE", "frames"))
	_, err = ops.CreateConsumer(t.Context(), "MINE", jetstream.ConsumerConfig{Durable: "frames", AckPolicy: jetstream.AckExplicitPolicy})
	noError(t, err)
	noError(t, worker.Ensure(t.Context()))

	noError(t, ingest.PublishEvent(t.Context(), event(1)))
	noError(t, worker.PublishDead(t.Context(), "intake", "no use", event(2)))
	got := make(chan string, 10)
	consuming(t, worker, 2, func(_ context.Context, f Frame) error { got <- f.Parts[0].ID; return nil })
	if id := next(t, got, "the event"); id != "id-1" {
		t.Error(id)
	}
	names := ops.StreamNames(t.Context())
	var all []string
	for n := range names.Name() {
		all = append(all, n)
	}
	slices.Sort(all)
	if !slices.Equal(all, []string{"MINE", "THEIRS"}) {
		t.Errorf("streams: %v", all)
	}
}
