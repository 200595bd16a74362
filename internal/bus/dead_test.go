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
)

// dead gives the dead letters that the filter lets through.
func dead(t testing.TB, b *Bus, f DeadFilter) (all []DeadLetter) {
	t.Helper()
	for d, err := range b.DeadLetters(t.Context(), f) {
		noError(t, err)
		all = append(all, d)
	}
	return all
}

func ids(all []DeadLetter) (ids []uint64) {
	for _, d := range all {
		ids = append(ids, d.ID)
	}
	return ids
}

// TestDeadLettersComeBackAsTheyWent: whatever account and name; each once; and by
// stage and account.
func TestDeadLettersComeBackAsTheyWent(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	signed, bare, other, odd := event(1), Event{Body: []byte("\x00 no JSON")}, Event{Body: []byte("x")}, event(3)
	signed.SignedFor = "signer"
	odd.AccountID, odd.Name = strings.Repeat("a.%", 100), "> *"
	for _, e := range []Event{signed, bare, other, odd} {
		for range 2 {
			noError(t, b.PublishDead(t.Context(), "intake", "why", e))
		}
	}
	noError(t, b.PublishDead(t.Context(), "ingest", "why", signed))
	all := dead(t, b, DeadFilter{})
	if len(all) != 5 {
		t.Fatalf("%d dead letters, want each stage's event once", len(all))
	}
	for i, want := range []Event{signed, bare, other, odd, signed} {
		want.Attempts = 1
		d := all[i]
		if bareTime := want.ReceivedAt.IsZero(); bareTime {
			want.ReceivedAt = d.Event.ReceivedAt
		}
		if !reflect.DeepEqual(d.Event, want) || d.Reason != "why" || d.ID != uint64(i+1) || time.Since(d.At) > time.Minute {
			t.Errorf("%+v, want %+v", d, want)
		}
		one, err := b.DeadLetter(t.Context(), d.ID)
		if err != nil || !reflect.DeepEqual(one, d) {
			t.Errorf("by itself: %+v, %v", one, err)
		}
	}
	for f, want := range map[DeadFilter][]uint64{{Stage: "intake"}: {1, 2, 3, 4}, {AccountID: "acc"}: {1, 5}, {Stage: "ingest", AccountID: "acc"}: {5}, {AccountID: odd.AccountID}: {4}, {AccountID: "*"}: nil} {
		if got := ids(dead(t, b, f)); !slices.Equal(got, want) {
			t.Errorf("%+v: %v, want %v", f, got, want)
		}
	}
	if _, err := b.DeadLetter(t.Context(), 99); !errors.Is(err, ErrNotDead) {
		t.Error(err)
	}
}

// Those of an earlier version say less, and are read all the same.
func TestDeadLettersOfAnEarlierVersion(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	m := event(1).message("latchkey.dead.intake.a%2Eb")
	m.Header.Set(headerReason, "why")
	m.Header.Set(headerSubject, "zoom.event.a%2Eb.meeting.created")
	noError(t, b.publish(t.Context(), m))
	d, err := b.DeadLetter(t.Context(), 1)
	noError(t, err)
	want := event(1)
	want.AccountID, want.Attempts = "a.b", 1
	if !reflect.DeepEqual(d.Event, want) || d.Stage != "intake" {
		t.Errorf("%+v, want %+v", d.Event, want)
	}
	noError(t, b.Redrive(t.Context(), d))
}

// TestRedrive: the event travels again and its dead letter is gone; when it dies
// again, at once, that is a new one which says so. Again is no error.
func TestRedrive(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishDead(t.Context(), "intake", "why", event(1)))
	for attempts := 1; attempts <= 3; attempts++ {
		all := dead(t, b, DeadFilter{})
		if len(all) != 1 || all[0].Event.Attempts != attempts {
			t.Fatalf("%+v, want one of attempt %d", all, attempts)
		}
		noError(t, b.Redrive(t.Context(), all[0]))
		noError(t, b.Redrive(t.Context(), all[0])) // as after a crash between publishing and deleting
		if n := info(t, b, "LATCHKEY_DEAD").State.Msgs; n != 0 {
			t.Fatalf("%d dead letters are left", n)
		}
		m := stored(t, b, "LATCHKEY_EVENTS", info(t, b, "LATCHKEY_EVENTS").State.LastSeq)
		got, err := parts(m.Header, m.Data)
		noError(t, err)
		want := event(1)
		want.Attempts = attempts
		if !reflect.DeepEqual(got, []Event{want}) {
			t.Fatalf("%+v, want %+v", got, want)
		}
		noError(t, b.PublishDead(t.Context(), "intake", "why", got[0]))
	}
}

// What cannot be published again stays, and so does what is no event.
func TestWhatCannotBeRedrivenStays(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishDead(t.Context(), "intake", "why", event(1)))
	noError(t, b.PublishDead(t.Context(), "intake", "why", Event{Body: []byte("x")}))
	all := dead(t, b, DeadFilter{})
	noError(t, b.js.DeleteStream(t.Context(), "LATCHKEY_EVENTS"))
	if err := b.Redrive(t.Context(), all[0]); err == nil || !strings.Contains(err.Error(), "is kept") {
		t.Error(err)
	}
	if err := b.Redrive(t.Context(), all[1]); err == nil || !strings.Contains(err.Error(), "no event that latchkey wrote") {
		t.Error(err)
	}
	if n := info(t, b, "LATCHKEY_DEAD").State.Msgs; n != 2 {
		t.Errorf("%d are left, want both", n)
	}
}

func TestDropDead(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishDead(t.Context(), "intake", "why", event(1)))
	noError(t, b.DropDead(t.Context(), 1))
	for _, id := range []uint64{0, 1, 99} {
		if err := b.DropDead(t.Context(), id); !errors.Is(err, ErrNotDead) {
			t.Errorf("%d: %v", id, err)
		}
	}
	noError(t, b.js.DeleteStream(t.Context(), "LATCHKEY_DEAD"))
	if err := b.DropDead(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "no stream LATCHKEY_DEAD") {
		t.Error(err)
	}
}

// A NATS user who may not delete is told which right is missing, and the event
// that was published again is not lost from sight.
func TestWithoutTheRightToDelete(t *testing.T) {
	t.Parallel()
	srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, MaxPayload: 2 << 20, Users: []*server.User{
		{Username: "all", Password: "x"},
		{Username: "some", Password: "x", Permissions: &server.Permissions{Publish: &server.SubjectPermission{Deny: []string{"$JS.API.STREAM.MSG.DELETE.>"}}}},
	}})
	noError(t, err)
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	all := connect(t, strings.Replace(srv.ClientURL(), "nats://", "nats://all:x@", 1), Streams{})
	noError(t, all.Ensure(t.Context()))
	noError(t, all.PublishDead(t.Context(), "intake", "why", event(1)))
	some := connect(t, strings.Replace(srv.ClientURL(), "nats://", "nats://some:x@", 1), Streams{})
	d, err := some.DeadLetter(t.Context(), 1)
	noError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err = some.Redrive(ctx, d)
	if err == nil || !strings.Contains(err.Error(), "published again, but the dead letter is still there") || !strings.Contains(err.Error(), "$JS.API.STREAM.MSG.DELETE.LATCHKEY_DEAD") {
		t.Error(err)
	}
	if n := info(t, all, "LATCHKEY_EVENTS").State.Msgs; n != 1 {
		t.Errorf("%d events", n)
	}
}

// What dies while they are listed is not listed, so that redriving all of them ends.
func TestDeadLettersEnd(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishDead(t.Context(), "intake", "why", event(0)))
	noError(t, b.PublishDead(t.Context(), "ingest", "why", event(0)))
	n := 0
	for _, err := range b.DeadLetters(t.Context(), DeadFilter{Stage: "intake"}) {
		noError(t, err)
		if n++; n > 1 {
			t.Fatal("it goes on")
		}
		noError(t, b.PublishDead(t.Context(), "intake", "why", event(n)))
	}
}
