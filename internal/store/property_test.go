package store

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A mark is never lost: however marks, claims, lapsed leases and reports of the
// living and the dead are mixed, a meeting that was marked after the last claim
// that completed began is due in the end, and one that was not is not.
func TestPropertyNoMarkIsLost(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	next := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		next++
		id := next // each run has a meeting of its own
		exec(t, s, `DELETE FROM meetings`)
		exec(t, s, `INSERT INTO meetings (meeting_id, account_id) VALUES ($1, 'acc')`, id)

		const far = time.Hour
		due := false        // a mark that no finished check has seen
		var holder *mayKnow // who has the lease
		var lost []mayKnow  // who had it
		report := func(rt *rapid.T, c mayKnow, putOff bool) error {
			if putOff {
				return s.PutOff(t.Context(), c.MeetingClaim.Lease, far, "x", "")
			}
			return s.Complete(t.Context(), c.MeetingClaim, Check{Meeting: c.Meeting, Next: time.Now().Add(far), NextWhy: "later"})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"mark": func(rt *rapid.T) {
				mark(t, s, id)
				due = true
				if holder != nil {
					holder.markedSince = true
				}
			},
			"claim": func(rt *rapid.T) {
				claims, err := s.ClaimMeetings(t.Context(), "w", 1, time.Hour)
				if err != nil {
					rt.Fatal(err)
				}
				if want := due && holder == nil; (len(claims) == 1) != want {
					rt.Fatalf("claimed %d, want one: %v", len(claims), want)
				}
				if len(claims) == 1 {
					holder = &mayKnow{MeetingClaim: claims[0]}
				}
			},
			"lease runs out": func(rt *rapid.T) {
				if holder == nil {
					rt.Skip()
				}
				// Long ago: where many leases ended so, the row waits for an hour.
				exec(t, s, `UPDATE meetings SET lease_until = now() - interval '61 minutes'`)
				lost = append(lost, *holder)
				holder = nil
			},
			"report": func(rt *rapid.T) {
				if holder == nil {
					rt.Skip()
				}
				if err := report(rt, *holder, rapid.Bool().Draw(rt, "put off")); err != nil {
					rt.Fatal(err)
				}
				due = holder.markedSince
				holder = nil
				lost = lost[:0]
			},
			"report of one who lost it": func(rt *rapid.T) {
				if len(lost) == 0 || holder == nil { // with nobody after it, it still has the lease, only late
					rt.Skip()
				}
				c := rapid.SampledFrom(lost).Draw(rt, "who")
				if err := report(rt, c, rapid.Bool().Draw(rt, "put off")); !errors.Is(err, ErrLeaseLost) {
					rt.Fatalf("%v, want ErrLeaseLost", err)
				}
			},
			"": func(rt *rapid.T) {
				if got := value[bool](t, s, `SELECT coalesce(due_at <= now(), false) FROM meetings`); got != due {
					rt.Fatalf("due: %v, want %v", got, due)
				}
			},
		})
	})
}

// mayKnow is a claim, and whether a mark came after it.
type mayKnow struct {
	MeetingClaim
	markedSince bool
}
