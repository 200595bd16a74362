package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"

	"latchkey/internal/zoomsim"
)

// script does what people write today: whatever an event is about is read anew, and
// every meeting of a host whose settings changed.
type script struct {
	sim   *zoomsim.Server
	token string
	jobs  sync.WaitGroup
	turn  sync.Mutex // one event after the other
	err   error
}

func naive(ctx context.Context, sim *zoomsim.Server) (*world, func(), error) {
	s := &script{sim: sim}
	if err := s.signIn(ctx); err != nil {
		return nil, nil, err
	}
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		s.jobs.Go(func() {
			s.turn.Lock()
			defer s.turn.Unlock()
			s.handle(ctx, body)
		})
		rw.WriteHeader(http.StatusNoContent)
	}))
	sim.SetWebhookURL(srv.URL)
	return &world{sim: sim, hurry: func(context.Context, bool) error { return nil }, settle: func(context.Context) error { s.jobs.Wait(); return s.err }}, srv.Close, nil
}

func (s *script) signIn(ctx context.Context) error {
	c := s.sim.Credentials("")
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.sim.OAuthURL()+"?grant_type=account_credentials&account_id="+url.QueryEscape(c.AccountID), nil)
	if err != nil {
		return err
	}
	req.SetBasicAuth(c.ClientID, c.ClientSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var t struct {
		Token string `json:"access_token"`
	}
	err = json.NewDecoder(resp.Body).Decode(&t)
	s.token = t.Token
	return err
}

func (s *script) call(ctx context.Context, method, path string, body any, into any) {
	raw, _ := json.Marshal(body)
	req, err := http.NewRequestWithContext(ctx, method, s.sim.APIURL()+path, bytes.NewReader(raw))
	if err != nil {
		s.err = err
		return
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.err = err
		return
	}
	defer resp.Body.Close()
	if into != nil {
		_ = json.NewDecoder(resp.Body).Decode(into)
	}
}

func (s *script) handle(ctx context.Context, body []byte) {
	var e struct {
		Event   string `json:"event"`
		Payload struct {
			Object struct {
				ID     any    `json:"id"`
				HostID string `json:"host_id"`
			} `json:"object"`
		} `json:"payload"`
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	if dec.Decode(&e) != nil {
		return
	}
	id := fmt.Sprint(e.Payload.Object.ID)
	switch e.Event {
	case "meeting.created":
		s.settings(ctx, e.Payload.Object.HostID)
		s.meeting(ctx, id)
	case "user.settings_updated":
		s.host(ctx, id)
	case "group.lock_settings_updated":
		var members struct {
			Users []struct {
				ID string `json:"id"`
			} `json:"users"`
			Next string `json:"next_page_token"`
		}
		for next := ""; ; next = members.Next {
			members.Next = ""
			s.call(ctx, http.MethodGet, "/users?page_size=300"+page(next), nil, &members)
			for _, u := range members.Users {
				s.host(ctx, u.ID)
			}
			if members.Next == "" {
				return
			}
		}
	}
}

func (s *script) settings(ctx context.Context, host string) {
	s.call(ctx, http.MethodGet, "/users/"+host+"/settings", nil, nil)
	s.call(ctx, http.MethodGet, "/accounts/"+s.sim.Credentials("").AccountID+"/lock_settings", nil, nil)
}

// host looks at all upcoming meetings of a host.
func (s *script) host(ctx context.Context, host string) {
	s.settings(ctx, host)
	var list struct {
		Meetings []struct {
			ID json.Number `json:"id"`
		} `json:"meetings"`
		Next string `json:"next_page_token"`
	}
	for next := ""; ; next = list.Next {
		list.Next, list.Meetings = "", nil
		s.call(ctx, http.MethodGet, "/users/"+host+"/meetings?type=upcoming_meetings&page_size=300"+page(next), nil, &list)
		for _, m := range list.Meetings {
			s.meeting(ctx, m.ID.String())
		}
		if list.Next == "" {
			return
		}
	}
}

// meeting removes a meeting's passcode if it has one, and looks what became of it.
func (s *script) meeting(ctx context.Context, id string) {
	var m struct {
		Password string `json:"password"`
	}
	s.call(ctx, http.MethodGet, "/meetings/"+id, nil, &m)
	if m.Password == "" {
		return
	}
	s.call(ctx, http.MethodPatch, "/meetings/"+id, map[string]any{"password": "", "settings": map[string]any{"waiting_room": true}}, nil)
	s.call(ctx, http.MethodGet, "/meetings/"+id, nil, nil)
}

func page(next string) string {
	if next == "" {
		return ""
	}
	return "&next_page_token=" + url.QueryEscape(next)
}
