package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
)

// TestHold: what is held is explained and not changed, by whichever worker and
// without a restart; released, it is repaired at once.
func TestHold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		what func(meeting int64) string
		says string
	}{
		"all":         {func(int64) string { return "all" }, `ada holds everything ("a test"); once that is over latchkey would remove it`},
		"the account": {func(int64) string { return accountDemo }, "ada holds all meetings of the account"},
		"the host":    {func(int64) string { return hostOn }, "ada holds all meetings of the host"},
		"the meeting": {func(id int64) string { return fmt.Sprint(id) }, `ada holds the meeting ("a test")`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t)
			s := r.app.Store()
			first := r.create(t, hostOn) // host and account become known, and the meeting that is held
			r.settled(t, first.ID, passcode.OutcomeJoinable)
			testenv.Until(t, "the host is read", func() bool {
				h, err := admin.Forecast(t.Context(), s, "", hostOn)
				return err == nil && h.ForecastWhy != ""
			})
			all, _, err := admin.HoldOf(t.Context(), s, "", c.what(first.ID))
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			h := all[0]
			h.Reason, h.By = "a test", "ada"
			if _, err := s.Hold(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			done := len(r.repairs(t, first.ID))
			if _, err := r.sim.RegeneratePasscode(t.Context(), first.ID); err != nil {
				t.Fatal(err)
			}
			held := r.settled(t, first.ID, passcode.OutcomeDemands)
			if !strings.Contains(held.Why, c.says) || held.Remedy != passcode.RemedyNone || len(r.repairs(t, first.ID)) != done {
				t.Errorf("held: %s, %q, %d repairs", held.Remedy, held.Why, len(r.repairs(t, first.ID))-done)
			}
			if _, err := s.Release(t.Context(), h); err != nil {
				t.Fatal(err)
			}
			r.settled(t, first.ID, passcode.OutcomeJoinable)
			if all := r.repairs(t, first.ID); len(all) != done+1 || all[done].Result != store.RepairHeld {
				t.Errorf("released: %+v", all)
			}
		})
	}
}

// TestAHoldThatEndsByItself: until when is kept.
func TestAHoldThatEndsByItself(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostOn)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	if _, err := r.app.Store().Hold(t.Context(), store.Hold{Kind: passcode.HoldAll, Reason: "a test", By: "ada", Until: time.Now().Add(4 * time.Second)}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.sim.RegeneratePasscode(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is held", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && strings.Contains(row.Why, "ada holds everything until") && !row.DueAt.IsZero()
	})
	r.settled(t, m.ID, passcode.OutcomeJoinable)
}
