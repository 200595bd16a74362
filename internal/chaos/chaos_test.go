package chaos

import (
	"os"
	"reflect"
	"strconv"
	"testing"
	"time"

	"latchkey/internal/testenv"
)

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, testenv.CheckLeaks())) }

// TestChaos is a short run; `make chaos` makes long ones. CHAOS_SEED repeats one, as
// far as the plan goes.
func TestChaos(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("CHAOS_SEED"), 10, 64)
	if err != nil {
		seed = uint64(time.Now().UnixNano()) % 1e9
	}
	rep, err := Run(t.Context(), Options{Seed: seed, Rounds: 4, Settle: 2 * time.Minute, Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(rep.Verdict())
	for _, p := range rep.Problems {
		t.Error(p)
	}
	if rep.Accepted == 0 || rep.Recorded == 0 || len(rep.Faults) == 0 {
		t.Error("nothing happened: the run shows nothing")
	}
}

// TestPlanFollowsFromTheSeed, and every kind of fault is in a run of some length.
func TestPlanFollowsFromTheSeed(t *testing.T) {
	t.Parallel()
	if !reflect.DeepEqual(plan(7, 20), plan(7, 20)) {
		t.Error("one seed, two plans")
	}
	if reflect.DeepEqual(plan(7, 20), plan(8, 20)) {
		t.Error("two seeds, one plan")
	}
	seen := map[string]bool{}
	for _, round := range plan(7, 40) {
		for _, f := range round {
			seen[f.kind] = true
		}
	}
	for _, kind := range kinds {
		if !seen[kind] {
			t.Errorf("no %q in 40 rounds", kind)
		}
	}
}
