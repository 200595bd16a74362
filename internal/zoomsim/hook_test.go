package zoomsim

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// hook is a webhook receiver; answer decides, by attempt number from 1.
type hook struct {
	*httptest.Server
	t  *testing.T
	ch chan hooked
}

type hooked struct {
	header http.Header
	raw    []byte
	event  string
	body   obj
}

func (h hooked) payload() obj { return h.body["payload"].(obj) }
func (h hooked) object() obj  { return h.payload()["object"].(obj) }

func newHook(t *testing.T, answer func(n int, w http.ResponseWriter)) *hook {
	t.Helper()
	h := &hook{t: t, ch: make(chan hooked, 1000)}
	var mu sync.Mutex
	n := 0
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		v := hooked{header: r.Header, raw: raw}
		if err := json.Unmarshal(raw, &v.body); err != nil {
			t.Error(err)
		}
		v.event, _ = v.body["event"].(string)
		mu.Lock()
		n++
		k := n
		mu.Unlock()
		if answer != nil {
			answer(k, w)
		}
		h.ch <- v
	}))
	t.Cleanup(h.Close)
	return h
}

// next waits for one delivery.
func (h *hook) next() hooked {
	h.t.Helper()
	select {
	case v := <-h.ch:
		return v
	case <-h.t.Context().Done():
		h.t.Fatal("no webhook came")
		return hooked{}
	}
}

// drain waits until the simulator has sent everything and takes what came.
func (h *hook) drain(s *sim) []hooked {
	h.t.Helper()
	if err := s.WaitDeliveries(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
	var out []hooked
	for {
		select {
		case v := <-h.ch:
			out = append(out, v)
		default:
			return out
		}
	}
}

func to(h *hook) func(*Options) { return func(o *Options) { o.WebhookURL = h.URL } }
