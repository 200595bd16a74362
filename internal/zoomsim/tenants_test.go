package zoomsim

import (
	"net/http"
	"strings"
	"testing"
)

const twoTenants = `
accounts:
  - id: one
    plan: enterprise
    secret_token: first secret
    hosts: [{id: ann, email: ann@one.example}]
  - id: two
    plan: enterprise
    secret_token: second secret
    hosts: [{id: bob, email: bob@two.example, meetings: [{id: 81000000002, starts_in: 1h, password: abc123}]}]
`

// TestTwoTenants: one world, one endpoint, each account's events signed with its
// own secret.
func TestTwoTenants(t *testing.T) {
	t.Parallel()
	h := newHook(t, nil)
	s := start(t, twoTenants, to(h))
	check := func(account, secret string, act func() error) {
		t.Helper()
		if err := act(); err != nil {
			t.Fatal(err)
		}
		got := h.next()
		verify(t, got, secret)
		if got.payload()["account_id"] != account {
			t.Errorf("%s: %v", account, got.body)
		}
	}
	ctx := t.Context()
	for account, who := range map[string][2]string{"one": {"ann", "first secret"}, "two": {"bob", "second secret"}} {
		host, secret := who[0], who[1]
		check(account, secret, func() error { _, err := s.CreateMeeting(ctx, host, MeetingRequest{}); return err })
		check(account, secret, func() error {
			return s.ChangeUserSettings(ctx, host, Set("meeting_security.waiting_room", false))
		})
		check(account, secret, func() error {
			return s.ChangeAccountSettings(ctx, account, Set("meeting_security.phone_password", false))
		})
		check(account, secret, func() error { return s.UpdateUser(ctx, host, UserPatch{Type: UserBasic}) })
	}
	// One tenant's app is deactivated, and the other's events go on.
	s.want(204, "PUT", "/_sim/app?account=two", obj{"active": false})
	for _, host := range []string{"ann", "bob"} {
		if _, err := s.CreateMeeting(ctx, host, MeetingRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := h.drain(s); len(got) != 1 || got[0].payload()["account_id"] != "one" {
		t.Errorf("%d events", len(got))
	}
}

// TestAHostileTenant sends what it likes, signed with its own secret.
func TestAHostileTenant(t *testing.T) {
	t.Parallel()
	h := newHook(t, func(n int, w http.ResponseWriter) {
		if n == 1 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	s := start(t, twoTenants, to(h))
	if err := s.SetMalice(Malice{WebhookLost: 1, UnknownFields: 1}); err != nil {
		t.Fatal(err)
	}
	// For another account, about that account's meeting; the bytes stay as they are.
	body := `{"event":"meeting.deleted",  "payload":{"account_id":"two","object":{"id":81000000002,"topic":"ü"}}}`
	s.want(204, "POST", "/_sim/events?account=one", body)
	got := h.next()
	verify(t, got, "first secret")
	if string(got.raw) != body {
		t.Errorf("sent %s", got.raw)
	}
	if err := s.WaitDeliveries(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.RetryNow()
	if again := h.next(); string(again.raw) != body || again.header.Get("x-zm-request-id") != got.header.Get("x-zm-request-id") {
		t.Errorf("retried as %s", again.raw)
	}
	if _, ok := s.Meeting(81000000002); !ok || s.Join(81000000002, "abc123").Outcome == OutcomeNotFound {
		t.Error("an event changed the world")
	}
	if d := s.Deliveries(); len(d) != 1 || d[0].Event != "meeting.deleted" || d[0].AccountID != "one" {
		t.Errorf("%+v", d)
	}
	for account, want := range map[string]string{"": "first secret", "two": "second secret"} {
		if err := s.SendEvent(account, []byte(`{"event":"x"}`)); err != nil {
			t.Fatal(err)
		}
		verify(t, h.next(), want)
	}
	s.want(404, "POST", "/_sim/events?account=nobody", `{}`)
	if err := s.SendEvent("nobody", []byte(`{}`)); err == nil || !strings.Contains(err.Error(), "2001") {
		t.Errorf("%v", err)
	}
}
