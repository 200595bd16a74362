package store

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

func TestAlignments(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	addHost(t, s, "other", "acc")
	begin := func(host, path string) int64 {
		t.Helper()
		id, err := s.BeginAlignment(t.Context(), Alignment{HostID: host, AccountID: "acc", Setting: path, Before: passcode.On, After: passcode.Off})
		noError(t, err)
		return id
	}
	unread := func(host string) bool {
		t.Helper()
		h, err := s.Host(t.Context(), "acc", host)
		noError(t, err)
		return h.ReadAt.IsZero()
	}
	first := begin("host", passcode.KeyPasscode.Path())
	begin("other", passcode.KeyPasscode.Path())
	second := begin("host", passcode.KeyScheduled.Path())
	if unread("host") {
		t.Error("begun alone makes the settings stale")
	}
	results := func(want ...string) {
		t.Helper()
		all, err := s.Alignments(t.Context(), "acc", "host")
		noError(t, err)
		if len(all) != 2 {
			t.Fatalf("%d alignments, want 2: %+v", len(all), all)
		}
		for i, path := range []string{passcode.KeyPasscode.Path(), passcode.KeyScheduled.Path()} {
			wanted := Alignment{ID: []int64{first, second}[i], HostID: "host", AccountID: "acc", Setting: path, Before: passcode.On, After: passcode.Off, Result: want[i]}
			got := all[i]
			if !nearly(t, s, got.StartedAt, 0) {
				t.Errorf("alignment %d began at %v, want just now", i, got.StartedAt)
			}
			if got.StartedAt = (time.Time{}); got != wanted {
				t.Errorf("alignment %d is %+v, want %+v", i, got, wanted)
			}
		}
	}
	results(AlignmentUnfinished, AlignmentUnfinished)

	noError(t, s.EndAlignment(t.Context(), first, AlignmentHeld, ""))
	noError(t, s.EndAlignment(t.Context(), second, AlignmentRefused, "Zoom said no"))
	results(AlignmentHeld, AlignmentRefused)
	if !unread("host") || unread("other") {
		t.Errorf("read again must be the host (%v) and nobody else (%v)", unread("host"), unread("other"))
	}
	if got := value[string](t, s, `SELECT detail FROM alignments WHERE id = $1`, second); got != "Zoom said no" {
		t.Errorf("detail %q", got)
	}

	noError(t, s.UndoAlignment(t.Context(), first))
	results(AlignmentUndone, AlignmentRefused)
	if got := value[time.Time](t, s, `SELECT undone_at FROM alignments WHERE id = $1`, first); !nearly(t, s, got, 0) {
		t.Errorf("undone at %v", got)
	}
	if got := value[time.Time](t, s, `SELECT ended_at FROM alignments WHERE id = $1`, first); !nearly(t, s, got, 0) {
		t.Errorf("ended at %v", got)
	}

	if all, err := s.Alignments(t.Context(), "acc", "nobody"); err != nil || len(all) != 0 {
		t.Errorf("of nobody: %v, %v", all, err)
	}
	if _, err := s.BeginAlignment(t.Context(), Alignment{HostID: "nobody", AccountID: "acc", Before: passcode.On, After: passcode.Off}); err == nil {
		t.Error("a host that is not there was aligned")
	}
}

// The constants and the database's CHECK name the same results.
func TestAlignmentResultsAreClosed(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc")
	id, err := s.BeginAlignment(t.Context(), Alignment{HostID: "host", AccountID: "acc", Setting: "s", Before: passcode.On, After: passcode.Off})
	noError(t, err)
	check := value[string](t, s, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'alignments_result_check'`)
	if n := strings.Count(check, "'") / 2; n != len(AlignmentResults()) {
		t.Errorf("the CHECK names %d results, the constants %d: %s", n, len(AlignmentResults()), check)
	}
	for _, r := range AlignmentResults() {
		if r == "unfinished" {
			continue // what ends is not that
		}
		if err := s.EndAlignment(t.Context(), id, r, ""); err != nil {
			t.Errorf("result %q: %v", r, err)
		}
	}
	if err := s.EndAlignment(t.Context(), id, "abandoned", ""); err == nil {
		t.Error("a result of no alignment was taken")
	}
}
