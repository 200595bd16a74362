package bus

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/testenv"
)

func TestPublishEvent(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	noError(t, b.PublishEvent(t.Context(), event(1)))
	bare := event(2)
	bare.RequestID, bare.TraceParent, bare.AccountID = "", "", ""
	noError(t, b.PublishEvent(t.Context(), bare))
	for i, want := range []struct {
		subject string
		event   Event
	}{{"zoom.events.acc", event(1)}, {"zoom.events._", bare}} {
		m := stored(t, b, "LATCHKEY_EVENTS", uint64(i+1))
		got, err := parts(m.Header, m.Data)
		if err != nil || m.Subject != want.subject || !reflect.DeepEqual(got, []Event{want.event}) {
			t.Errorf("%s: %+v, %v; want %+v", m.Subject, got, err, want.event)
		}
	}
}

// An account id of any length is published, and the connection stands.
func TestPublishEventOfAnEndlessAccount(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	e := event(1)
	e.AccountID = strings.Repeat("a", 100_000)
	noError(t, b.PublishEvent(t.Context(), e))
	if !strings.HasPrefix(stored(t, b, "LATCHKEY_EVENTS", 1).Subject, "zoom.events.%~") {
		t.Error("it was not stored under a short subject")
	}
	noError(t, b.PublishEvent(t.Context(), event(2)))
}

func TestPublishTheLargestBody(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	e := event(1)
	e.Body = make([]byte, MaxBody)
	e.RequestID, e.TraceParent = strings.Repeat("r", 256), strings.Repeat("t", 256)
	noError(t, b.PublishEvent(t.Context(), e))
	noError(t, b.PublishDead(t.Context(), "intake", strings.Repeat("why ", 1000), e))
}

func TestPublishDead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ reason, want string }{
		"a reason":      {"field payload.object.id is missing", "field payload.object.id is missing"},
		"on two lines":  {"one\r\nNats-Expected-Stream: X\ntwo", "one  Nats-Expected-Stream: X two"},
		"not ASCII":     {"größer", "größer"},
		"far too long":  {strings.Repeat("ü", 2000), strings.Repeat("ü", 500)},
		"cut in a rune": {"x" + strings.Repeat("ü", 2000), "x" + strings.Repeat("ü", 499)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := ready(t, Streams{})
			noError(t, b.PublishDead(t.Context(), "intake", c.reason, event(1)))
			m := stored(t, b, "LATCHKEY_DEAD", 1)
			if m.Subject != "latchkey.dead.intake.acc" || string(m.Data) != `{"n":1}` {
				t.Errorf("%s %s", m.Subject, m.Data)
			}
			headers(t, m, map[string]string{jetstream.MsgIDHeader: "intake.id-1.1", headerEventID: "id-1", headerAccount: "acc", headerEvent: "meeting.created", headerAttempts: "1", headerReceivedAt: "2026-11-23T20:00:00.000000123Z", headerRequestID: "req",
				headerTraceParent: "00-abc-def-01", headerReason: c.want, headerSubject: "zoom.event.acc.meeting.created"})
			if !utf8.ValidString(m.Header.Get(headerReason)) {
				t.Error("the reason is not UTF-8")
			}
		})
	}
}

// CloudEvents 1.0, NATS binding, binary mode.
func TestPublishAlert(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	a := Alert{ID: "a-1", Seq: 1795000000000001, AccountID: "a.b", Type: "meeting.repaired", Subject: "85746065432",
		Time: time.Date(2026, 11, 23, 21, 0, 0, 0, time.FixedZone("", 3600)), Data: []byte(`{"x":1}`)}
	for range 2 {
		noError(t, b.PublishAlert(t.Context(), a))
	}
	if n := info(t, b, "LATCHKEY_ALERTS").State.Msgs; n != 1 {
		t.Errorf("%d messages, want 1: the same id is stored once", n)
	}
	m := stored(t, b, "LATCHKEY_ALERTS", 1)
	if m.Subject != "latchkey.alert.a%2Eb.meeting.repaired" || string(m.Data) != `{"x":1}` {
		t.Errorf("%s %s", m.Subject, m.Data)
	}
	headers(t, m, map[string]string{jetstream.MsgIDHeader: "a-1", "ce-specversion": "1.0", "ce-id": "a-1", "ce-source": "/latchkey/accounts/a%2Eb",
		"ce-type": "latchkey.meeting.repaired", "ce-subject": "85746065432", "ce-time": "2026-11-23T20:00:00Z", "ce-sequence": "0001795000000000001", "content-type": "application/json"})
}

// What is wrong with one message is told from what is wrong with NATS.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	big := func(n int) error {
		return b.PublishAlert(t.Context(), Alert{ID: "a-1", Seq: 1, AccountID: "acc", Type: "meeting.repaired", Data: make([]byte, n)})
	}
	if err := big(9 << 20); !errors.Is(err, ErrRefused) {
		t.Errorf("larger than the server takes: %v", err)
	}
	s, err := b.js.Stream(t.Context(), "LATCHKEY_ALERTS")
	noError(t, err)
	c := s.CachedInfo().Config
	c.MaxMsgSize = 1000
	_, err = b.js.UpdateStream(t.Context(), c)
	noError(t, err)
	if err := big(2000); !errors.Is(err, ErrRefused) {
		t.Errorf("larger than the stream takes: %v", err)
	}
	if err := b.Check(); err != nil {
		t.Errorf("it is called unavailable for one message: %v", err)
	}
	noError(t, big(10))
	noError(t, b.js.DeleteStream(t.Context(), "LATCHKEY_ALERTS"))
	if err := big(10); err == nil || errors.Is(err, ErrRefused) {
		t.Errorf("without a stream: %v; want an error that is not the message's", err)
	}
}

func TestPublishWithoutAStreamFails(t *testing.T) {
	t.Parallel()
	b := connect(t, testenv.NATS(t).URL(), Streams{})
	if err := b.PublishEvent(t.Context(), event(1)); err == nil || !strings.Contains(err.Error(), "zoom.events.acc") {
		t.Errorf("%v, want an error that names the subject", err)
	}
}

// Publishing while the server is unavailable fails at once: nothing may wait in a
// buffer that dies with the process.
func TestPublishWhileTheServerIsUnavailable(t *testing.T) {
	t.Parallel()
	srv := testenv.NewRestartableNATS(t)
	srv.Stop()
	b := connect(t, srv.URL(), Streams{}) // unavailable at the start: not an error
	tryUnavailable(t, b)
	if err := b.Ensure(t.Context()); err == nil || b.Ready() || b.Check() == nil {
		t.Errorf("Ensure: %v, Ready %v, Check %v", err, b.Ready(), b.Check())
	}

	srv.Start()
	testenv.Until(t, "connected", b.connected.Load) // which the connection tells in a goroutine of its own
	if b.Ready() || b.Check() == nil {
		t.Error("ready before the streams stand")
	}
	noError(t, b.Ensure(t.Context()))
	if err := b.Check(); err != nil || !b.Ready() {
		t.Errorf("Check: %v", err)
	}
	noError(t, b.PublishEvent(t.Context(), event(1)))

	srv.Stop()
	testenv.Until(t, "disconnected", func() bool { return !b.connected.Load() })
	tryUnavailable(t, b)
	if b.Ready() {
		t.Error("ready while the server is unavailable")
	}

	srv.Start()
	testenv.Until(t, "connected again", b.Ready)
	noError(t, b.PublishEvent(t.Context(), event(3)))
	if n := info(t, b, "LATCHKEY_EVENTS").State.Msgs; n != 2 {
		t.Errorf("%d messages: what failed meanwhile must not be sent later", n)
	}
}

func tryUnavailable(t *testing.T, b *Bus) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	begun := time.Now()
	if err := b.PublishEvent(ctx, event(2)); err == nil {
		t.Error("published to nobody")
	}
	if took := time.Since(begun); took > 2*time.Second {
		t.Errorf("it took %v to fail", took)
	}
}

func TestConnectRefusesWhatIsNoURL(t *testing.T) {
	t.Parallel()
	_, err := Connect(Options{URL: "nats://user:hunter2@[::1"})
	if err == nil || !strings.Contains(err.Error(), "NATS_URL") || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%v; want NATS_URL named and the password not", err)
	}
}

func TestLastAlertSeq(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	last := func() int64 {
		t.Helper()
		seq, err := b.LastAlertSeq(t.Context())
		noError(t, err)
		return seq
	}
	if n := last(); n != 0 {
		t.Errorf("no alert, and the last is %d", n)
	}
	for i, seq := range []int64{5, 900, 7} { // the last was refused at first
		noError(t, b.PublishAlert(t.Context(), Alert{ID: fmt.Sprint("a", i), Seq: seq, AccountID: "acc", Type: "meeting.repaired", Time: time.Now(), Data: []byte("{}")}))
	}
	if n := last(); n != 900 {
		t.Errorf("the last is %d, want 900", n)
	}
	s, err := b.js.Stream(t.Context(), b.name(kindAlerts))
	noError(t, err)
	noError(t, s.DeleteMsg(t.Context(), 3))
	if n := last(); n != 900 {
		t.Errorf("with a gap the last is %d, want 900", n)
	}
	noError(t, s.Purge(t.Context()))
	if n := last(); n != 0 {
		t.Errorf("purged, and the last is %d", n)
	}
}
