package app_test

import (
	"net/http"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// Three workers make their calls as one would: Zoom refuses none for coming too fast, and
// the calls of no second are more than their share.
func TestThreeWorkersShareTheRate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_ZOOM_PLAN=business", "LATCHKEY_ZOOM_SHARE=25")
	if err := r.sim.SetLimits("", zoomsim.Limits{PerSecond: true}); err != nil {
		t.Fatal(err)
	}
	r.app = r.start(t, true, true)
	r.start(t, false, true)
	r.start(t, false, true)
	const meetings = 60
	var all []int64
	for i := range meetings {
		all = append(all, r.create(t, []string{hostOn, hostOff, hostLocked}[i%3]).ID)
	}
	for i, id := range all {
		r.settled(t, id, []passcode.Outcome{passcode.OutcomeJoinable, passcode.OutcomeJoinable, passcode.OutcomeDemands}[i%3])
	}
	bySecond := map[string]int{}
	light := 0
	for _, q := range r.sim.Requests() {
		if q.Status == http.StatusTooManyRequests {
			t.Errorf("%s %s: 429", q.Method, q.Path)
		}
		if q.Label == zoomsim.Light {
			light++
			bySecond[q.At.Truncate(time.Second).String()]++
		}
	}
	for second, n := range bySecond {
		if n > 30 { // a quarter of 80, and what turns may be late
			t.Errorf("%d light calls in %s", n, second)
		}
	}
	if light < meetings {
		t.Errorf("only %d light calls of %d meetings were counted", light, meetings)
	}
}
