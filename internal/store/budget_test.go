package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"
)

// beginWith begins a repair of a meeting of a host of its own account, within a budget.
func beginWith(t *testing.T, s *Store, id int64, b Budget) error {
	t.Helper()
	addMeeting(t, s, id, "host", 48*time.Hour)
	r := clearing()
	r.Budget = b
	c := claim(t, s, "w")
	_, err := s.BeginRepair(t.Context(), c, r, "", nil)
	return err
}

func spentOf(t *testing.T, s *Store) string {
	t.Helper()
	return value[string](t, s, `SELECT coalesce(string_agg(concat_ws('|', host_id, ours, theirs), ' ' ORDER BY day), '') FROM host_days`)
}

func TestABudgetIsSpentAndNotMore(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	low := func(account string, d HostDay) Alert {
		return Alert{AccountID: account, Type: "budget.low", Subject: d.HostID, Data: json.RawMessage(fmt.Sprint(d.Spent()))}
	}
	b := Budget{Most: 3, LowAt: 3, Low: low}
	noError(t, beginWith(t, s, 1, b))
	noError(t, inEventOf(t, s, []SpentByOther{{HostID: "host", Day: today(t, s), N: 1}}))
	noError(t, beginWith(t, s, 2, b))
	if n := value[int](t, s, `SELECT count(*) FROM alerts WHERE type = 'budget.low' AND subject = 'host' AND data = '3'`); n != 1 {
		t.Errorf("%d alerts when it was spent, want 1", n)
	}
	err := beginWith(t, s, 3, b)
	var spent *BudgetError
	if !errors.As(err, &spent) || spent.Day.Ours != 2 || spent.Day.Theirs != 1 || !spent.Day.Until.Equal(today(t, s).AddDate(0, 0, 1)) {
		t.Fatalf("%v, want that the day is spent until midnight", err)
	}
	noError(t, s.BudgetLow(t.Context(), "acc", spent.Day, b))
	if n := value[int](t, s, `SELECT count(*) FROM alerts`); n != 1 {
		t.Errorf("%d alerts in one day", n)
	}
	if got := spentOf(t, s); got != "host|2|1" {
		t.Errorf("spent %s", got)
	}
	if n := value[int](t, s, `SELECT count(*) FROM repairs WHERE meeting_id = 3`); n != 0 {
		t.Error("the repair was begun all the same")
	}
	noError(t, beginWith(t, s, 4, Budget{})) // one that outranks it
	// By Zoom's clock it is the next day.
	noError(t, beginWith(t, s, 5, Budget{Most: 1, Ahead: 24 * time.Hour}))
	if got := spentOf(t, s); got != "host|3|1 host|1|0" {
		t.Errorf("spent %s", got)
	}
}

func today(t *testing.T, s *Store) time.Time {
	t.Helper()
	return value[time.Time](t, s, `SELECT date_trunc('day', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'`)
}

func inEventOf(t *testing.T, s *Store, spent []SpentByOther) error {
	t.Helper()
	inEvent(t, s, func(tx *IntakeTx) error { return tx.SpentByOthers(t.Context(), spent) })
	return nil
}

// What Zoom says is left decides how much others spent; what it did not look at is given
// back.
func TestABudgetIsPutRight(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	noError(t, s.HostLeft(t.Context(), "acc", "host", 0, 60, 100))
	noError(t, beginWith(t, s, 1, Budget{}))
	if got := spentOf(t, s); got != "host|1|40" {
		t.Errorf("spent %s", got)
	}
	noError(t, s.HostLeft(t.Context(), "acc", "host", 0, 30, 100))
	if got := spentOf(t, s); got != "host|1|69" {
		t.Errorf("30 are left, and spent are %s", got)
	}
	noError(t, s.HostLeft(t.Context(), "acc", "host", 0, 100, 100))
	noError(t, s.Refund(t.Context(), "acc", "host", 0))
	noError(t, s.Refund(t.Context(), "acc", "host", 0))
	if got := spentOf(t, s); got != "host|0|0" {
		t.Errorf("spent %s", got)
	}
	noError(t, s.Refund(t.Context(), "acc", "nobody", 0))
}

func TestABudgetByManyAtOnce(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for id := range int64(20) {
		addMeeting(t, s, id+1, "host", 48*time.Hour)
	}
	refused := 0
	claims, err := s.ClaimMeetings(t.Context(), "w", 20, time.Hour)
	noError(t, err)
	for _, err := range atOnce(20, func(i int) error {
		r := clearing()
		r.Budget = Budget{Most: 7}
		_, err := s.BeginRepair(t.Context(), claims[i], r, "", nil)
		return err
	}) {
		var spent *BudgetError
		switch {
		case errors.As(err, &spent):
			refused++
		case err != nil:
			t.Error(err)
		}
	}
	if got := spentOf(t, s); refused != 13 || got != "host|7|0" {
		t.Errorf("%d refused, spent %s; want 7 of 20 begun", refused, got)
	}
}
