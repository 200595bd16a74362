package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/textproto"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"
)

// TestFrames: whatever the deliveries hold, they come out of a frame as they went
// in, in order, and as many as fit.
func TestFrames(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		account := rapid.SampledFrom([]string{"", "acc", "a.b/c=="}).Draw(t, "account")
		line := rapid.StringMatching(`[!-~]{0,40}`)
		events := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Event {
			return Event{ID: rapid.StringMatching(`[0-9a-f]{64}`).Draw(t, "id"), AccountID: account, SignedFor: line.Draw(t, "signed for"), Name: line.Draw(t, "name"),
				Body:       []byte(rapid.OneOf(rapid.String(), rapid.StringMatching("(\r\n|--|[a-f0-9]|Content-Type: x\r\n\r\n){0,60}")).Draw(t, "body")),
				ReceivedAt: time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "at"), 1000).UTC(), RequestID: line.Draw(t, "request"), TraceParent: line.Draw(t, "trace")}
		}), 1, 40).Draw(t, "events")
		m, taken := frame(events)
		got, err := parts(m.Header, m.Data)
		if err != nil || taken != len(events) || len(got) != len(events) {
			t.Fatalf("%d of %d taken, %d read, %v", taken, len(events), len(got), err)
		}
		for i := range events {
			if len(events[i].Body) == 0 {
				events[i].Body = []byte{}
			}
			if !reflect.DeepEqual(got[i], events[i]) {
				t.Fatalf("%+v, want %+v", got[i], events[i])
			}
		}
	})
}

func TestFramesAreBounded(t *testing.T) {
	t.Parallel()
	of := func(n, size int) []Event {
		all := make([]Event, n)
		for i := range all {
			all[i] = event(i)
			all[i].Body = make([]byte, size)
		}
		return all
	}
	for _, c := range []struct{ n, size, taken int }{{1, MaxBody, 1}, {2, MaxBody, 1}, {3, MaxBody / 2, 2}, {1000, 100, frameParts}, {1000, 10_000, 0}} {
		m, taken := frame(of(c.n, c.size))
		if c.taken != 0 && taken != c.taken || len(m.Data) > frameMost+partRoom {
			t.Errorf("of %d with %d bytes: %d taken, %d bytes", c.n, c.size, taken, len(m.Data))
		}
	}
}

func TestWhatIsNoFrame(t *testing.T) {
	t.Parallel()
	good, _ := frame([]Event{event(1), event(2)})
	without := func(key string) []byte {
		return []byte(strings.ReplaceAll(string(good.Data), key, "X-Other"))
	}
	many, _ := frame([]Event{event(1)})
	var part bytes.Buffer
	w := multipart.NewWriter(&part)
	for i := range frameParts + 1 {
		_, err := w.CreatePart(textproto.MIMEHeader{headerEventID: {fmt.Sprint(i)}, headerReceivedAt: {"2026-11-23T20:00:00Z"}})
		noError(t, err)
	}
	noError(t, w.Close())
	for name, c := range map[string]struct {
		header nats.Header
		data   []byte
	}{
		"nothing":             {nats.Header{}, nil},
		"another type":        {nats.Header{headerContentType: {"application/json"}}, good.Data},
		"no boundary":         {nats.Header{headerContentType: {"multipart/mixed"}}, good.Data},
		"another's boundary":  {many.Header, good.Data},
		"more parts than fit": {nats.Header{headerContentType: {"multipart/mixed; boundary=" + w.Boundary()}}, part.Bytes()},
		"cut off":             {good.Header, good.Data[:len(good.Data)/2]},
		"cut off at the end":  {good.Header, good.Data[:len(good.Data)-6]},
		"a part without id":   {good.Header, without(headerEventID)},
		"a part without time": {good.Header, without(headerReceivedAt)},
	} {
		if got, err := parts(c.header, c.data); err == nil || got != nil || strings.Contains(err.Error(), `"n"`) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// held is a publisher that waits for the test at each frame.
type held struct {
	frames chan []Event
	answer chan error
}

func (h held) publish(ctx context.Context, m *nats.Msg) error {
	all, err := parts(m.Header, m.Data)
	if err != nil {
		return err
	}
	h.frames <- all
	return <-h.answer
}

// TestWhoWaitsTogetherTravelsTogether: a lone event goes at once; what comes while it
// is on its way is one frame; another account does not wait for it.
func TestWhoWaitsTogetherTravelsTogether(t *testing.T) {
	t.Parallel()
	h := held{make(chan []Event, 10), make(chan error)}
	g := &gatherer{publish: h.publish}
	results := make(chan string, 10)
	put := func(ctx context.Context, e Event) {
		before := g.waits(e.AccountID)
		go func() { results <- fmt.Sprint(e.ID, " ", g.put(ctx, e)) }()
		for g.waits(e.AccountID) == before && len(h.frames) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	put(t.Context(), event(0))
	if f := next(t, h.frames, "the lone event"); len(f) != 1 {
		t.Fatalf("%d in the first frame", len(f))
	}
	gaveUp, giveUp := context.WithCancel(t.Context())
	put(t.Context(), event(1))
	put(gaveUp, event(2))
	put(t.Context(), event(3))
	giveUp()
	if got := next(t, results, "who gave up"); got != "id-2 context canceled" {
		t.Error(got)
	}
	other := event(9)
	other.AccountID = "other"
	put(t.Context(), other)
	if f := next(t, h.frames, "the other account's"); len(f) != 1 || f[0].ID != "id-9" {
		t.Errorf("%v", f)
	}
	failed := errors.New("no disk")
	h.answer <- failed
	h.answer <- failed
	for range 2 { // the first of each account
		if got := next(t, results, "the first frames"); !strings.HasSuffix(got, "no disk") {
			t.Error(got)
		}
	}
	f := next(t, h.frames, "the second frame")
	if len(f) != 2 || f[0].ID != "id-1" || f[1].ID != "id-3" {
		t.Fatalf("the second frame holds %v, want those that waited and did not give up, in order", f)
	}
	h.answer <- nil
	for range 2 {
		if got := next(t, results, "the second frame's"); !strings.HasSuffix(got, "<nil>") {
			t.Error(got)
		}
	}
	g.wg.Wait()
	if len(g.accounts) != 0 {
		t.Errorf("left behind: %v", g.accounts)
	}
}

// waits is how many events of the account wait or are on their way.
func (g *gatherer) waits(account string) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.accounts[account])
}

// TestManyPublishAtOnce: everything that was answered is there, once, and in far
// fewer messages.
func TestManyPublishAtOnce(t *testing.T) {
	t.Parallel()
	b := ready(t, Streams{})
	const n = 500
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			if err := b.PublishEvent(t.Context(), event(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	count := info(t, b, "LATCHKEY_EVENTS").State.Msgs
	seen := map[string]int{}
	for seq := range count {
		m := stored(t, b, "LATCHKEY_EVENTS", seq+1)
		got, err := parts(m.Header, m.Data)
		noError(t, err)
		for _, e := range got {
			seen[e.ID]++
		}
	}
	if len(seen) != n {
		t.Errorf("%d events are there, want %d", len(seen), n)
	}
	for id, times := range seen {
		if times != 1 {
			t.Errorf("%s is there %d times", id, times)
		}
	}
	if count > n/4 {
		t.Errorf("%d messages for %d events at once", count, n)
	}
}
