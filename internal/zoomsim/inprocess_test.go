package zoomsim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// account starts a simulator in process of one account with hosts and no listener.
func inProcessOf(t testing.TB, hosts int, o Options) *Server {
	t.Helper()
	off := Limits{}
	sa := ScenarioAccount{ID: "acc", Limits: &off}
	for i := range hosts {
		sa.Hosts = append(sa.Hosts, ScenarioHost{ID: fmt.Sprint("h", i), Email: fmt.Sprintf("H%d@example.com", i), Settings: Set("meeting_security.meeting_password", false)})
	}
	o.Scenario.Accounts, o.Seed, o.InProcess = []ScenarioAccount{sa}, 1, true
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// calling makes calls with a token of the account.
func calling(t testing.TB, s *Server) func(method, path, body string) (*http.Response, error) {
	t.Helper()
	client := &http.Client{Transport: s.RoundTripper()}
	c := s.Credentials("acc")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.OAuthURL()+"?grant_type=account_credentials&account_id=acc", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(c.ClientID, c.ClientSecret)
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	var token struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&token); err != nil || token.AccessToken == "" {
		t.Fatalf("token: %v", err)
	}
	return func(method, path, body string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(t.Context(), method, s.APIURL()+path, strings.NewReader(body))
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token.AccessToken)
		return client.Do(req)
	}
}

// In virtual time: calls cost none, a webhook that is answered 500 comes again after five
// minutes of it, signed, and nothing is left behind.
func TestInProcessInVirtualTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at []time.Time
		var s *Server
		s = inProcessOf(t, 1, Options{Deliver: func(_ context.Context, h http.Header, body []byte) int {
			at = append(at, time.Now())
			if h.Get("x-zm-signature") != Sign(s.Credentials("acc").SecretToken, h.Get("x-zm-request-timestamp"), body) || !bytes.Contains(body, []byte("meeting.created")) {
				t.Errorf("%v %s", h, body)
			}
			return map[bool]int{true: 500, false: 204}[len(at) == 1]
		}})
		begun := time.Now()
		call := calling(t, s)
		resp, err := call("POST", "/users/h0@EXAMPLE.com/meetings", `{"topic":"x","type":2,"start_time":"2030-01-01T10:00:00Z"}`)
		if err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%v %v", resp, err)
		}
		var m struct {
			ID int64 `json:"id"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil {
			t.Fatal(err)
		}
		if resp, err = call("GET", fmt.Sprint("/meetings/", m.ID), ""); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%v %v", resp, err)
		}
		if took := time.Since(begun); took != 0 {
			t.Errorf("it took %v", took)
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(at) != 2 || at[1].Sub(at[0]) != 5*time.Minute {
			t.Errorf("delivered at %v", at)
		}
		tally := s.Tally()
		if tally.Total() != 2 || tally.Tokens != 1 || tally.Webhooks["meeting.created"] != 1 || tally.Ended[DeliveryDelivered] != 1 || tally.Labels[Light] != 2 || tally.Busiest[Light] != 2 {
			t.Errorf("%+v", tally)
		}
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestInProcessFaults(t *testing.T) {
	t.Parallel()
	s := inProcessOf(t, 1, Options{})
	call := calling(t, s)
	for _, f := range []Fault{{DropConnection: true, Times: 1}, {DropAfter: true, Times: 1}, {TruncateBody: true, Times: 1}} {
		s.ClearFaults()
		if err := s.AddFault(f); err != nil {
			t.Fatal(err)
		}
		resp, err := call("GET", "/users/h0", "")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if err := s.AddFault(Fault{Delay: time.Minute}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.APIURL()+"/users/h0", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.RoundTripper().RoundTrip(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while it is delayed: %v", err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// What other apps spend of the account's rate and of a host's day is gone for everybody.
func TestOtherAppsSpend(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 1, 1, 10, 0, 0, 0, time.UTC)
	s := inProcessOf(t, 1, Options{Now: func() time.Time { return now }, History: -1})
	call := calling(t, s)
	status := func(method, path string) int {
		t.Helper()
		resp, err := call(method, path, `{"topic":"x"}`)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode
	}
	if err := s.SetLimits("acc", Limits{PerSecond: true}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.SpendCalls("acc", Light, 79), s.SpendHostDay("h0", 99)); err != nil {
		t.Fatal(err)
	}
	if a, b := status("GET", "/users/h0"), status("GET", "/users/h0"); a != 200 || b != 429 {
		t.Errorf("one call of the second was left: %d %d", a, b)
	}
	now = now.Add(time.Second)
	if a, b := status("POST", "/users/h0/meetings"), status("POST", "/users/h0/meetings"); a != 201 || b != 429 {
		t.Errorf("one change of the day was left: %d %d", a, b)
	}
	if k := s.Tally(); k.Refused["second"] != 1 || k.Refused["host"] != 1 || k.Busiest[Light] != 2 {
		t.Errorf("%+v", k)
	}
	if n := len(s.Requests()) + len(s.Deliveries()); n != 0 {
		t.Errorf("%d are kept", n)
	}
	if s.ResetTally(); s.Tally().Total() != 0 {
		t.Error("not reset")
	}
	if s.SpendHostDay("nobody", 1) == nil || s.SpendCalls("nowhere", Light, 1) == nil {
		t.Error("of nobody")
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// A call costs the same in a world of any size.
func BenchmarkCall(b *testing.B) {
	for _, hosts := range []int{1000, 100_000} {
		b.Run(fmt.Sprint("hosts=", hosts), func(b *testing.B) {
			s := inProcessOf(b, hosts, Options{})
			call := calling(b, s)
			for i := 0; b.Loop(); i++ {
				if resp, err := call("GET", fmt.Sprint("/users/h", i%hosts), ""); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp, err)
				}
			}
			_ = s.Stop(context.Background())
		})
	}
}
