package store

import (
	"fmt"
	"testing"
	"time"
)

func TestAlertsThatWereTold(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 6 {
		exec(t, s, `INSERT INTO alerts (account_id, type, subject, data, seq, published_at) VALUES ($1, $2, $3, '{"why":"x"}', $4::bigint, CASE WHEN $4::bigint < 6 THEN now() - interval '2 hours' + $4::bigint * interval '1 minute' END)`,
			[]string{"acc", "elsewhere"}[i%2], fmt.Sprint("type", i%3), fmt.Sprint(i), int64(i+1))
	}
	told := func(k Told) (got string) {
		t.Helper()
		if k.Limit == 0 {
			k.Limit = 100
		}
		all, err := s.Alerts(t.Context(), k)
		noError(t, err)
		for _, a := range all {
			got += a.Subject
		}
		return got
	}
	for want, k := range map[string]Told{
		"01234": {},
		"34":    {Limit: 2},
		"024":   {Account: "acc"},
		"03":    {Types: []string{"type0"}},
		"124":   {Types: []string{"type1", "type2"}},
		"4":     {After: 4},
		"":      {Since: time.Now()},
	} {
		if got := told(k); got != want {
			t.Errorf("%+v: %q, want %q", k, got, want)
		}
	}
}
