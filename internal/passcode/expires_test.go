package passcode

import (
	"testing"
	"time"
)

// TestExpires: a number outlives its planned end (Z-MEET-6).
func TestExpires(t *testing.T) {
	t.Parallel()
	ends := now
	for name, c := range map[string]struct {
		m    Meeting
		want time.Time
	}{
		"no fixed end":            {Meeting{Type: TypeRecurringNoTime}, time.Time{}},
		"once":                    {Meeting{Type: TypeScheduled, Ends: ends}, ends.Add(30 * day)},
		"a type nobody knows":     {Meeting{Ends: ends}, ends.Add(30 * day)},
		"once, used later":        {Meeting{Type: TypeScheduled, Ends: ends, LastUsed: ends.Add(5 * day)}, ends.Add(35 * day)},
		"once, used before":       {Meeting{Type: TypeScheduled, Ends: ends, LastUsed: ends.Add(-5 * day)}, ends.Add(30 * day)},
		"a series":                {Meeting{Type: TypeRecurring, Ends: ends}, ends.Add(365 * day)},
		"under the PMI":           {Meeting{Type: TypeScheduled, UsesPMI: true, Ends: ends}, ends.Add(365 * day)},
		"the PMI room":            {Meeting{Type: TypePMI, Ends: ends}, ends.Add(365 * day)},
		"instant: it ends and is": {Meeting{Type: TypeInstant, Ends: ends}, ends},
		"a webinar":               {Meeting{Type: TypeWebinar, Ends: ends}, ends},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.m.Expires(); !got.Equal(c.want) {
				t.Errorf("expires %v, want %v", got, c.want)
			}
		})
	}
}
