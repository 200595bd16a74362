package zoomsim

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

// handed is a receiver in process that answers as it is told to.
type handed struct {
	got    chan hooked
	answer func(context.Context) int
}

func newHanded() *handed {
	return &handed{got: make(chan hooked, 64), answer: func(context.Context) int { return 200 }}
}

func (h *handed) deliver(ctx context.Context, header http.Header, raw []byte) int {
	var v hooked
	_ = json.Unmarshal(raw, &v.body)
	v.header, v.raw = header, append([]byte(nil), raw...)
	v.event, _ = v.body["event"].(string)
	h.got <- v
	clear(raw) // it is the receiver's: retries must not see it
	return h.answer(ctx)
}

func handTo(h *handed) func(*Options) {
	return func(o *Options) { o.InProcess, o.Deliver = true, h.deliver }
}

// What is handed over is what is posted, byte by byte.
func TestHandedIsAsPosted(t *testing.T) {
	posted, given := newHook(t, nil), newHanded()
	wire, local := start(t, oneHost, to(posted)), start(t, oneHost, handTo(given))
	body := obj{"topic": "Führung", "password": "abc123"}
	wire.create("host", body)
	local.create("host", body)
	a, b := posted.next(), <-given.got
	verify(t, b, local.Credentials("").SecretToken)
	if string(a.raw) != string(b.raw) || b.event != "meeting.created" {
		t.Errorf("posted %s\nhanded %s", a.raw, b.raw)
	}
	for k := range a.header {
		switch k {
		case "Accept-Encoding", "Content-Length":
		case "X-Zm-Trackingid": // counts answers too, which come at their own time
			if b.header.Get(k) == "" {
				t.Error("no tracking id")
			}
		default:
			if a.header.Get(k) != b.header.Get(k) {
				t.Errorf("%s: posted %q, handed %q", k, a.header.Get(k), b.header.Get(k))
			}
		}
	}
	settled(t, local, DeliveryDelivered, 200)
}

func settled(t *testing.T, s *sim, state string, statuses ...int) {
	t.Helper()
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := s.Deliveries()
	if len(d) != 1 || d[0].State != state || len(d[0].Attempts) != len(statuses) {
		t.Fatalf("deliveries %+v", d)
	}
	for i, want := range statuses {
		if d[0].Attempts[i].Status != want {
			t.Errorf("attempt %d: %+v, want %d", i+1, d[0].Attempts[i], want)
		}
	}
}

func TestHandedIsTriedAgain(t *testing.T) {
	h := newHanded()
	status := 500
	h.answer = func(context.Context) int { return status }
	s := start(t, oneHost, handTo(h))
	s.create("host", obj{})
	first := <-h.got
	settled(t, s, DeliveryRetrying, 500)
	status = 0 // no connection
	s.RetryNow()
	second := <-h.got
	settled(t, s, DeliveryRetrying, 500, -1)
	status = 202 // enough for a retry (Z-HOOK-6)
	s.RetryNow()
	<-h.got
	settled(t, s, DeliveryDelivered, 500, -1, 202)
	if string(first.raw) != string(second.raw) || first.header.Get("x-zm-request-id") != second.header.Get("x-zm-request-id") ||
		first.header.Get("x-zm-trackingid") == second.header.Get("x-zm-trackingid") {
		t.Errorf("first %v\nsecond %v", first, second)
	}
	logs := s.want(200, "GET", "/marketplace/apps/x/webhook_logs?type=1", nil).body["webhook_logs"].([]any)
	if len(logs) != 3 || logs[0].(obj)["request_body"] != string(first.raw) {
		t.Errorf("webhook log %v", logs)
	}
}

// A late answer does not count, whatever it says.
func TestHandedTooLate(t *testing.T) {
	h := newHanded()
	h.answer = func(ctx context.Context) int { <-ctx.Done(); return 200 }
	s := start(t, oneHost, handTo(h), func(o *Options) { o.WebhookTimeout = 10 * time.Millisecond })
	s.create("host", obj{})
	settled(t, s, DeliveryRetrying, -1)
	if r := s.Deliveries()[0].Attempts[0].Reason; r != reasonTimeout {
		t.Error(r)
	}
}

func TestHandedByMalice(t *testing.T) {
	h := newHanded()
	s := start(t, oneHost, handTo(h), func(o *Options) { o.Malice.WebhookDuplicate = 1 })
	s.create("host", obj{})
	a, b := <-h.got, <-h.got
	if string(a.raw) != string(b.raw) || a.header.Get("x-zm-request-id") == b.header.Get("x-zm-request-id") {
		t.Errorf("%v\n%v", a, b)
	}
	if err := s.SetMalice(Malice{WebhookLost: 1}); err != nil {
		t.Fatal(err)
	}
	s.create("host", obj{})
	if d := s.Deliveries(); len(d) != 3 || d[2].State != DeliveryLost {
		t.Errorf("%+v", d)
	}
}
