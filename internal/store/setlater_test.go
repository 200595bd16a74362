package store

import (
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// TestWhoPutItOnDuringACheck: what an event says during a check of who put the
// passcode on is not lost with the check's own reading, which knows nobody.
func TestWhoPutItOnDuringACheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said time.Duration // after the meeting was seen without one
		want string
	}{
		"after it was seen without": {time.Second, "bob"}, "within what clocks may be apart": {-time.Second, "bob"}, "before": {-time.Minute, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "h", time.Hour)
			mark(t, s, 1)
			k := claim(t, s, "w")
			seen := time.Now().Add(time.Minute).Truncate(time.Microsecond)
			exec(t, s, `UPDATE meetings SET set_by = 'bob', set_at = $1, generation = generation + 1`, seen.Add(c.said))
			done := decided(k, passcode.OutcomeDemands, passcode.RemedyKeep)
			done.SeenWithout, done.ObservedAt = seen, seen.Add(time.Hour)
			noError(t, s.Complete(t.Context(), k, Check{Meeting: done}))
			if m := meeting(t, s, 1); m.SetBy != c.want || !m.SeenWithout.Equal(seen) || (m.SetAt.IsZero() != (c.want == "")) {
				t.Errorf("set by %q at %v, seen without at %v", m.SetBy, m.SetAt, m.SeenWithout)
			}
		})
	}
}
