package app_test

import (
	"strings"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
)

// Several workers that need the same facts at the same moment read them once.
func TestWorkersReadAFactOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	r.start(t, false, true)
	r.start(t, false, true)
	var all []int64
	for range 30 {
		all = append(all, r.create(t, hostLocked).ID)
	}
	for _, id := range all {
		r.settled(t, id, passcode.OutcomeDemands)
	}
	calls := map[string]int{}
	for _, q := range r.sim.Requests() {
		if q.Status == 200 && (strings.Contains(q.Route, "settings") || strings.HasSuffix(q.Route, "/users/{userId}")) {
			calls[q.Method+" "+q.Route]++
		}
	}
	for route, n := range calls {
		// Settings are three parts each, locks two.
		if n > 3 {
			t.Errorf("%d times %s", n, route)
		}
	}
	if len(calls) < 4 {
		t.Errorf("calls: %v", calls)
	}
}
