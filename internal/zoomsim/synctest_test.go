package zoomsim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A simulator in process lives in virtual time: token, meeting, webhook, the
// retry that comes five minutes later, the token's end, and Stop. A bubble
// fails where a goroutine is left, or where one waits for the network.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var mu sync.Mutex
		var at []time.Duration
		tried := func() []time.Duration { mu.Lock(); defer mu.Unlock(); return slices.Clone(at) }
		s, err := Start(t.Context(), Options{InProcess: true, Seed: 1, Deliver: func(context.Context, http.Header, []byte) int {
			mu.Lock()
			defer mu.Unlock()
			if at = append(at, time.Since(began)); len(at) == 1 {
				return 500
			}
			return 200
		}})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: s.RoundTripper(), Timeout: 30 * time.Second}
		cr := s.Credentials("")
		grant := url.Values{"grant_type": {"account_credentials"}, "account_id": {cr.AccountID}}
		call := func(method, url, token string, body any) (int, obj) {
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(raw))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			if token == "" {
				req.SetBasicAuth(cr.ClientID, cr.ClientSecret)
			}
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var out obj
			if raw, err = io.ReadAll(resp.Body); err == nil && len(raw) > 0 {
				err = json.Unmarshal(raw, &out)
			}
			if err != nil {
				t.Fatal(err)
			}
			return resp.StatusCode, out
		}
		_, granted := call("POST", s.OAuthURL()+"?"+grant.Encode(), "", nil)
		token, _ := granted["access_token"].(string)
		status, made := call("POST", s.APIURL()+"/users/on@demo.example/meetings", token, obj{"topic": "x"})
		if status != 201 {
			t.Fatal(status, made)
		}
		synctest.Wait()
		if d := s.Deliveries(); len(d) != 1 || d[0].State != DeliveryRetrying || !slices.Equal(tried(), []time.Duration{0}) {
			t.Fatalf("%v %+v", tried(), d)
		}
		time.Sleep(5*time.Minute - time.Nanosecond)
		synctest.Wait()
		if len(tried()) != 1 {
			t.Fatal("the retry came early:", tried())
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if d := s.Deliveries(); d[0].State != DeliveryDelivered || !slices.Equal(tried(), []time.Duration{0, 5 * time.Minute}) {
			t.Fatalf("%v %+v", tried(), d)
		}
		// A delay by a fault passes in virtual time, and tokens grow old in it.
		if err := s.AddFault(Fault{Times: 1, Delay: 20 * time.Second}); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		if status, _ := call("GET", s.APIURL()+"/users/me", token, nil); status != 200 || time.Since(asked) != 20*time.Second {
			t.Error(status, time.Since(asked))
		}
		time.Sleep(time.Hour)
		if status, body := call("GET", s.APIURL()+"/users/me", token, nil); status != 401 {
			t.Error(status, body)
		}
		// Stop with a retry waiting: its goroutine goes too.
		mu.Lock()
		at = nil
		mu.Unlock()
		if _, err := s.CreateMeeting(t.Context(), "on@demo.example", MeetingRequest{}); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitDeliveries(t.Context()); err != nil {
			t.Fatal(err)
		}
		stopped := time.Now()
		if err := s.Stop(t.Context()); err != nil || time.Since(stopped) != 0 {
			t.Error(err, time.Since(stopped))
		}
	})
}
