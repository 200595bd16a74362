package zoomsim

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

// verify recomputes Zoom's signature in the receiver's way (Z-HOOK-4).
func verify(t *testing.T, h hooked, secret string) {
	t.Helper()
	ts := h.header.Get("x-zm-request-timestamp")
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = io.WriteString(mac, "v0:"+ts+":"+string(h.raw))
	if want := "v0=" + hex.EncodeToString(mac.Sum(nil)); h.header.Get("x-zm-signature") != want {
		t.Errorf("%s: signature %q, want %q", h.event, h.header.Get("x-zm-signature"), want)
	}
}

func TestWebhookEvents(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, oneHost, to(h))
	ctx := t.Context()
	id, _ := s.create("host", obj{"topic": "Führung <1>", "password": "abc123", "settings": obj{"waiting_room": false}})

	got := h.next()
	verify(t, got, s.Credentials("").SecretToken)
	if ts := got.header.Get("x-zm-request-timestamp"); ts != strconv.FormatInt(s.clock.now().Unix(), 10) {
		t.Errorf("timestamp %q is not in seconds", ts)
	}
	if got.header.Get("User-Agent") != "Zoom Marketplace/1.0a" || got.header.Get("x-zm-request-id") == "" ||
		!strings.HasPrefix(got.header.Get("traceparent"), "00-") {
		t.Errorf("headers %v", got.header)
	}
	o := got.object()
	if got.event != "meeting.created" || got.payload()["account_id"] != "acct" || o["password"] != "abc123" ||
		o["topic"] != "Führung <1>" || o["creation_source"] != "open_api" || o["id"] != float64(id) {
		t.Errorf("created: %v", got.body)
	}
	settings := o["settings"].(obj)
	if _, has := settings["waiting_room"]; has {
		t.Error("meeting.created must not carry the waiting room")
	}

	s.want(204, "PATCH", path(id), `{"password":"new456","settings":{"waiting_room":true}}`)
	got = h.next()
	o, old := got.object(), got.payload()["old_object"].(obj)
	if got.event != "meeting.updated" || o["password"] != "new456" || old["password"] != "abc123" ||
		o["settings"].(obj)["waiting_room"] != true || got.payload()["scope"] != "all" {
		t.Errorf("updated: %v", got.body)
	}
	if _, has := o["topic"]; has || o["host_id"] != nil {
		t.Errorf("the diff is not thin: %v", o)
	}
	s.want(204, "PATCH", path(id), `{"password":"new456"}`) // changes nothing, sends nothing

	for _, step := range []struct {
		name string
		f    func(context.Context, int64) error
		id   any
	}{
		{"meeting.started", s.StartMeeting, fmt.Sprint(id)},
		{"meeting.ended", s.EndMeeting, fmt.Sprint(id)},
		{"meeting.deleted", s.DeleteMeeting, float64(id)},
		{"meeting.recovered", s.RecoverMeeting, float64(id)},
		{"meeting.deleted", s.DeleteMeeting, float64(id)},
		{"meeting.permanently_deleted", s.PurgeMeeting, float64(id)},
	} {
		if err := step.f(ctx, id); err != nil {
			t.Fatal(err)
		}
		if got := h.next(); got.event != step.name || got.object()["id"] != step.id {
			t.Errorf("%s: %v", step.name, got.body)
		}
	}
	for name, f := range map[string]func(context.Context, int64) error{"recovered": s.RecoverMeeting, "purged": s.PurgeMeeting} {
		if f(ctx, id) == nil {
			t.Errorf("%s after it was deleted for good", name)
		}
	}
	if err := s.DeactivateUser(ctx, "host"); err != nil {
		t.Fatal(err)
	}
	if got := h.next(); got.event != "user.deactivated" || got.object()["id"] != "host" {
		t.Errorf("%v", got.body)
	}
}

// TestRetryRule: first attempt 200 or 204, later any 2xx; only 5xx and
// transport failures are tried again, three times at most.
func TestRetryRule(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		statuses []int // by attempt; 0 drops the connection
		attempts int
		state    string
	}{
		{"200", []int{200}, 1, DeliveryDelivered},
		{"204", []int{204}, 1, DeliveryDelivered},
		{"201 at first does not count and is not retried", []int{201}, 1, DeliveryRefused},
		{"503 then 201", []int{503, 201}, 2, DeliveryDelivered},
		{"dropped then 200", []int{0, 200}, 2, DeliveryDelivered},
		{"302", []int{302}, 1, DeliveryRefused},
		{"400", []int{400}, 1, DeliveryRefused},
		{"401", []int{401}, 1, DeliveryRefused},
		{"429 is never retried", []int{429}, 1, DeliveryRefused},
		{"503 then 404", []int{503, 404}, 2, DeliveryRefused},
		{"503 every time", []int{503, 500, 502, 504}, 4, DeliveryGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t, func(n int, w http.ResponseWriter) {
				status := c.statuses[n-1]
				if status == 0 {
					conn, _, err := w.(http.Hijacker).Hijack()
					if err == nil {
						_ = conn.Close()
					}
					return
				}
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(status)
			})
			delays := make(chan time.Duration, 10)
			s := start(t, oneHost, to(h), func(o *Options) {
				o.NewTimer = func(d time.Duration) (<-chan time.Time, func()) {
					delays <- d
					fired := make(chan time.Time, 1)
					fired <- time.Time{}
					return fired, func() {}
				}
			})
			if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil {
				t.Fatal(err)
			}
			want := []time.Duration{5 * time.Minute, 20 * time.Minute, 60 * time.Minute}
			first := h.next()
			for i := 1; i < c.attempts; i++ {
				if d := <-delays; d != want[i-1] {
					t.Errorf("retry %d after %v, want %v", i, d, want[i-1])
				}
				next := h.next()
				if string(next.raw) != string(first.raw) || next.header.Get("x-zm-request-id") != first.header.Get("x-zm-request-id") {
					t.Error("a retry has another body or request id")
				}
				verify(t, next, s.Credentials("").SecretToken)
			}
			if err := s.WaitDeliveries(t.Context()); err != nil {
				t.Fatal(err)
			}
			d := s.Deliveries()
			if len(d) != 1 || d[0].State != c.state || len(d[0].Attempts) != c.attempts {
				t.Errorf("deliveries %+v", d)
			}
		})
	}
}

func TestRetryWaitsAndIsNudged(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	s := start(t, oneHost, to(h)) // real delays: minutes, that nobody waits for
	if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil {
		t.Fatal(err)
	}
	h.next()
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := s.Deliveries(); d[0].State != DeliveryRetrying {
		t.Fatalf("%+v", d)
	}
	s.want(204, "POST", "/_sim/deliveries/retry", nil)
	h.next()
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := s.Deliveries(); d[0].State != DeliveryDelivered {
		t.Errorf("%+v", d)
	}
}

func TestSlowAnswerIsAFailure(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-release
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(release) })
	s := start(t, oneHost, func(o *Options) { o.WebhookURL = srv.URL; o.WebhookTimeout = time.Millisecond })
	if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{}); err != nil {
		t.Fatal(err)
	}
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	d := s.Deliveries()[0]
	if d.State != DeliveryRetrying || d.Attempts[0].Status != -1 {
		t.Errorf("%+v", d)
	}
	logs := s.want(200, "GET", "/marketplace/apps/app/webhook_logs", nil).body["webhook_logs"].([]any)
	if len(logs) != 1 || logs[0].(obj)["failed_reason_type"] != 1.0 || logs[0].(obj)["event"] != "meeting.created" {
		t.Errorf("webhook_logs %v", logs)
	}
	if ok := s.want(200, "GET", "/marketplace/apps/app/webhook_logs?type=3", nil).body["webhook_logs"].([]any); len(ok) != 0 {
		t.Errorf("successful ones: %v", ok)
	}
}

// TestNoPasscodeInLogs: the simulator's own log never shows one.
func TestNoPasscodeInLogs(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	var log testenv.Buffer
	s := start(t, oneHost, to(h), func(o *Options) { o.Logger = debugLogger(&log) })
	id, _ := s.create("host", `{"password":"S3cr-etpw"}`)
	s.want(204, "PATCH", path(id), `{"password":"S3cr-other"}`)
	s.want(400, "PATCH", path(id), `{"password":"S3cr-is-too-long"}`)
	s.join(id, "S3cr-wrong")
	h.drain(s)
	if strings.Contains(log.String(), "S3cr") {
		t.Errorf("log:\n%s", log.String())
	}
	for _, secret := range []string{s.Credentials("").SecretToken, s.Credentials("").ClientSecret, s.token} {
		if strings.Contains(log.String(), secret) {
			t.Error("a secret is in the log")
		}
	}
	if !slices.ContainsFunc(s.Requests(), func(r Request) bool { return r.Passcode == "given" && r.MeetingID == id }) {
		t.Errorf("requests %+v", s.Requests())
	}
}
