package intake

import (
	"cmp"
	"slices"
	"time"

	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// spending counts what others spent of their hosts' 100 creates and changes of a UTC day
// (Z-LIMIT-5), as far as events tell: one event for each. The 100 are of requests by API;
// what was made in the portal or the scheduler is not counted, and an event that does not
// say counts (Z-EVENT-3).
type spending map[hostDay]int

type hostDay struct {
	host string
	day  time.Time
}

func (s spending) note(c change, m store.Meeting) {
	if c.row.Name != zoom.EventMeetingCreated && c.row.Name != zoom.EventMeetingUpdated || m.HostID == "" {
		return
	}
	if c.row.Name == zoom.EventMeetingCreated && (m.Source == "web_portal" || m.Source == "zoom_scheduler") {
		return
	}
	s[hostDay{m.HostID, c.happened.UTC().Truncate(24 * time.Hour)}]++
}

// sorted is in one order, in which all who write the same rows take them.
func (s spending) sorted() (all []store.SpentByOther) {
	for at, n := range s {
		all = append(all, store.SpentByOther{HostID: at.host, Day: at.day, N: n})
	}
	slices.SortFunc(all, func(a, b store.SpentByOther) int {
		return cmp.Or(cmp.Compare(a.HostID, b.HostID), a.Day.Compare(b.Day))
	})
	return all
}
