package store

import (
	"testing"
	"time"
)

// Whoever keeps undoing repairs is left alone for longer and longer: three in a day are
// enough for that day, six for a week, twelve for thirty days.
func TestRepairsThatAreUndoneAreCountedForLonger(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for name, tt := range map[string]struct {
		hoursAgo []int
		want     int
	}{
		"none":                                  {nil, 0},
		"two of a day":                          {[]int{1, 2}, 2},
		"three of a day":                        {[]int{1, 2, 3}, 3},
		"three of another day":                  {[]int{30, 31, 32}, 0},
		"one, and five of the week":             {[]int{1, 30, 31, 32, 60}, 1},
		"six of the week":                       {[]int{30, 31, 32, 60, 61, 62}, 6},
		"six of a week before":                  {[]int{200, 201, 202, 260, 261, 262}, 0},
		"twelve of the month":                   {[]int{200, 201, 202, 260, 261, 262, 400, 401, 402, 500, 501, 502}, 12},
		"twelve, of which some are older":       {[]int{200, 201, 202, 260, 261, 262, 400, 401, 402, 900, 901, 902}, 0},
		"those that were not kept do not count": {[]int{-1, -2, -3}, 0},
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
		if err != nil || r.Held != tt.want {
			t.Errorf("%s: %d, %v; want %d", name, r.Held, err, tt.want)
		}
	}
}
