package webhook_test

import (
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"latchkey/internal/webhook"
)

// heap is what is in use after a collection.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestMemoryIsBounded measures the whole process's heap, so it is not parallel.
// Ten times what there is room for asks at once: bodies of strangers that never
// end, and valid deliveries while the bus is stuck. Either way the heap grows by
// what the room may hold, twice over (the bodies' growth), and a little for each
// connection or waiter.
func TestMemoryIsBounded(t *testing.T) {
	t.Run("bodies that do not end", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const most, strangers, room = 64, 320, webhook.MaxBody
			r := newRig(t, func(o *webhook.Options) { o.MostAtOnce = 1 })
			n, _ := limited(t, r, most)
			almost, before, peak := strings.Repeat(" ", webhook.MaxBody/8), heap(), 0
			for i := range strangers {
				conn, err := n.begin(webhook.MaxBody, almost, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if i%64 == 63 {
					synctest.Wait()
					peak = max(peak, heap()-before)
					time.Sleep(sendWithin)
				}
			}
			t.Logf("%d KiB for %d connections of %d at once", peak>>10, strangers, most)
			if peak > 2*room+most*(48<<10) {
				t.Errorf("the heap grew by %d KiB", peak>>10)
			}
		})
	})
	t.Run("valid deliveries", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			const places, most = 4, 4 + 8*4
			r, all := stuck(t, places)
			before := heap()
			var waiting sync.WaitGroup
			large := created + strings.Repeat(" ", 64<<10)
			for range 10 * most {
				waiting.Go(func() {
					if w := r.serve(request(large, nil)); w.Code != http.StatusServiceUnavailable {
						t.Errorf("status %d, want 503", w.Code)
					}
				})
			}
			synctest.Wait()
			grown := heap() - before
			t.Logf("%d KiB for %d deliveries of 64 KiB", grown>>10, 10*most)
			if grown > 2*most*(64<<10) {
				t.Errorf("the heap grew by %d KiB", grown>>10)
			}
			waiting.Wait()
			close(r.bus.release)
			all.Wait()
		})
	})
}

// sendWithin is how long a connection is left alone.
const sendWithin = 250 * time.Millisecond
