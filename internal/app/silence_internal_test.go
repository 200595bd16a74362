package app

import (
	"testing"
	"time"

	"latchkey/internal/store"
)

func TestIsSilent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name         string
		known        store.Silence
		silent, late bool
	}{
		{"nothing is known", store.Silence{Now: now}, false, false},
		{"the first week", store.Silence{Now: now, Hours: 12}, false, false},
		{"a quiet account", store.Silence{Now: now, Hours: 40, Weeks: 4, Fewest: 9, Usual: 30}, false, false},
		{"a busy one, within the hour", store.Silence{Now: now, Hours: 0, Weeks: 4, Fewest: 0}, false, false},
		{"a busy one, silent", store.Silence{Now: now, Hours: 1, Weeks: 1, Fewest: 10, Usual: 10}, true, false},
		{"validated a while ago", store.Silence{Now: now, ValidatedAt: now.Add(-149 * time.Hour)}, false, false},
		{"validated long ago", store.Silence{Now: now, ValidatedAt: now.Add(-151 * time.Hour)}, false, true},
	} {
		if silent, late := isSilent(tt.known); silent != tt.silent || late != tt.late {
			t.Errorf("%s: silent %v, late %v", tt.name, silent, late)
		}
	}
}

// What could not be written down is counted with what comes next.
func TestHeardIsNotForgotten(t *testing.T) {
	t.Parallel()
	var h heard
	at := time.Date(2026, 12, 1, 12, 40, 0, 0, time.UTC)
	h.add("acc", at)
	h.add("acc", at.Add(30*time.Minute))
	taken := h.take()
	h.add("acc", at)
	for account, hours := range taken {
		h.back(account, hours)
	}
	got := h.take()["acc"]
	if len(got) != 2 || got[at.Truncate(time.Hour)] != 2 || h.take() != nil {
		t.Errorf("%v", got)
	}
}
