package store

import (
	"testing"
	"time"
)

// What held is counted for a day, a week and thirty days.
func TestRepairsThatHeldAreCounted(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for name, tt := range map[string]struct {
		hoursAgo []int
		want     [3]int
	}{
		"none":                     {nil, [3]int{}},
		"of a day":                 {[]int{1, 2, 3}, [3]int{3, 3, 3}},
		"of a week":                {[]int{1, 30, 31, 32, 60}, [3]int{1, 5, 5}},
		"of the month":             {[]int{200, 201, 202, 400}, [3]int{0, 0, 4}},
		"older":                    {[]int{900, 1}, [3]int{1, 1, 1}},
		"those that were not kept": {[]int{-1, -2, -3}, [3]int{}},
	} {
		exec(t, s, `DELETE FROM repairs`)
		exec(t, s, `DELETE FROM meetings`)
		addMeeting(t, s, 1, "host", time.Hour)
		for _, h := range tt.hoursAgo {
			result := "held"
			if h < 0 {
				h, result = -h, "overwritten"
			}
			exec(t, s, `INSERT INTO repairs (account_id, meeting_id, host_id, remedy, result, started_at, ended_at) VALUES ('acc', 1, 'host', 'clear', $2, now() - $1 * interval '1 hour', now() - $1 * interval '1 hour')`, h, result)
		}
		r, err := s.Remember(t.Context(), "acc", 1)
		if got := [3]int{r.Held, r.HeldWeek, r.HeldMonth}; err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", name, got, err, tt.want)
		}
	}
}
