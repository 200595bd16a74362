package reconcile

import (
	"log/slog"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

var discard = slog.New(slog.DiscardHandler)

// wantResults holds the host's alignments to these results, by setting; exactly
// one row each.
func wantResults(t *testing.T, w *Worker, want map[string]string) {
	t.Helper()
	all := alignments(t, w)
	if len(all) != len(want) {
		t.Errorf("%d alignments, want %d: %+v", len(all), len(want), all)
	}
	for _, a := range all {
		if a.Result != want[a.Setting] || a.Before != passcode.On || a.After != passcode.Off {
			t.Errorf("%s was aligned from %v to %v: %s, want %q", a.Setting, a.Before, a.After, a.Result, want[a.Setting])
		}
	}
}

func TestAlign(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{settings: passcodesOn()}
	w := withHost(t, f)
	h, known := settingsOf(t, w, f)
	changed, err := w.align(t.Context(), f, h, known, discard)
	if err != nil || !changed {
		t.Fatalf("changed %v, %v", changed, err)
	}
	if len(f.patched) != 2 || f.patched[0] != only(passcode.KeyPasscode, passcode.Off) || f.patched[1] != only(passcode.KeyScheduled, passcode.Off) {
		t.Errorf("asked for %+v, want each setting off by itself", f.patched)
	}
	held := map[string]string{passcode.KeyPasscode.Path(): store.AlignmentHeld, passcode.KeyScheduled.Path(): store.AlignmentHeld}
	wantResults(t, w, held)

	// Somebody turns one on again: they want it on.
	f.settings.Values[passcode.KeyPasscode] = passcode.On
	h, known = settingsOf(t, w, f) // what was changed is read again by itself
	if known.Settings[passcode.KeyPasscode].Value != passcode.On || known.Settings[passcode.KeyScheduled].Value != passcode.Off {
		t.Errorf("read again: %v, %v", known.Settings[passcode.KeyPasscode].Value, known.Settings[passcode.KeyScheduled].Value)
	}
	changed, err = w.align(t.Context(), f, h, known, discard)
	if err != nil || changed || f.times("PatchUserSettings") != 2 {
		t.Errorf("again: changed %v, %v, after %d PATCHes", changed, err, f.times("PatchUserSettings"))
	}
	wantResults(t, w, held)
}

func TestAlignLeavesAlone(t *testing.T) {
	t.Parallel()
	set := func(v, lock passcode.Toggle) passcode.Setting { return passcode.Setting{Value: v, Lock: lock} }
	locked := passcode.Setting{Value: passcode.On, Lock: passcode.On, LockLevel: passcode.LevelGroup, LockedBy: "g"}
	torn := set(passcode.On, passcode.Off)
	torn.Contradiction = true
	for _, c := range []struct {
		name   string
		change func(*passcode.Host)
	}{
		{"off already", func(h *passcode.Host) { h.Settings[passcode.KeyPasscode] = set(passcode.Off, passcode.Off) }},
		{"not known", func(h *passcode.Host) { h.Settings[passcode.KeyPasscode] = set(passcode.Unknown, passcode.Off) }},
		{"locked", func(h *passcode.Host) { h.Settings[passcode.KeyPasscode] = locked }},
		{"whether it is locked is not known", func(h *passcode.Host) { h.Settings[passcode.KeyPasscode] = set(passcode.On, passcode.Unknown) }},
		{"a contradiction", func(h *passcode.Host) { h.Settings[passcode.KeyPasscode] = torn }},
		{"scheduled, locked", func(h *passcode.Host) {
			h.Settings[passcode.KeyPasscode], h.Settings[passcode.KeyScheduled] = set(passcode.Off, passcode.Off), locked
		}},
		{"a free plan, whose locks cannot be read", func(h *passcode.Host) {
			h.Plan, h.Settings[passcode.KeyPasscode] = passcode.PlanFree, set(passcode.On, passcode.Unknown)
		}},
		{"Pro with one host, whose plan locks it", func(h *passcode.Host) {
			h.Plan, h.Settings[passcode.KeyPasscode] = passcode.PlanProSingleHost, passcode.Setting{Value: passcode.On, Lock: passcode.On}
		}},
		{"nothing else protects", func(h *passcode.Host) { h.Settings[passcode.KeyWaitingRoom] = set(passcode.Off, passcode.Off) }},
		{"whether anything else protects is not known", func(h *passcode.Host) { h.Settings[passcode.KeyWaitingRoom] = passcode.Setting{} }},
		{"authentication, but a request may leave it off", func(h *passcode.Host) {
			h.Settings[passcode.KeyWaitingRoom], h.Settings[passcode.KeyAuthentication] = set(passcode.Off, passcode.Off), set(passcode.On, passcode.Off)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{settings: passcodesOn()}
			w := withHost(t, f)
			known := passcode.Host{Plan: passcode.PlanPaid, Settings: passcode.Settings{passcode.KeyPasscode: set(passcode.On, passcode.Off), passcode.KeyWaitingRoom: set(passcode.On, passcode.Off)}}
			c.change(&known)
			changed, err := w.align(t.Context(), f, store.Host{ID: "host", AccountID: "acc"}, known, discard)
			if err != nil || changed || f.times("") != 0 {
				t.Errorf("changed %v, %v, %d calls; want nothing done", changed, err, f.times(""))
			}
			wantResults(t, w, nil)
		})
	}
	for _, c := range []struct {
		name   string
		change func(*passcode.Host)
	}{
		{"the waiting room protects", func(*passcode.Host) {}},
		{"auto_security protects", func(h *passcode.Host) {
			h.Settings[passcode.KeyWaitingRoom], h.Settings[passcode.KeyAutoSecurity] = set(passcode.Off, passcode.Off), set(passcode.On, passcode.Off)
		}},
		{"locked authentication protects", func(h *passcode.Host) {
			h.Settings[passcode.KeyWaitingRoom], h.Settings[passcode.KeyAuthentication] = set(passcode.Off, passcode.Off), locked
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{settings: passcodesOn()}
			w := withHost(t, f)
			known := passcode.Host{Plan: passcode.PlanPaid, Settings: passcode.Settings{passcode.KeyPasscode: set(passcode.On, passcode.Off), passcode.KeyWaitingRoom: set(passcode.On, passcode.Off)}}
			c.change(&known)
			if changed, err := w.align(t.Context(), f, store.Host{ID: "host", AccountID: "acc"}, known, discard); err != nil || !changed {
				t.Errorf("changed %v, %v; want it aligned", changed, err)
			}
			wantResults(t, w, map[string]string{passcode.KeyPasscode.Path(): store.AlignmentHeld})
		})
	}
}

// What Zoom does not do is recorded as such, and not tried again.
func TestAlignIsTriedOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		patch func(int) (bool, error)
		want  string
	}{
		{"refused", func(int) (bool, error) { return false, told(zoom.KindInvalid) }, store.AlignmentRefused},
		{"not for this host", func(int) (bool, error) { return false, told(zoom.KindRefused) }, store.AlignmentRefused},
		{"204, and still on", func(int) (bool, error) { return false, nil }, store.AlignmentOverwritten},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{settings: passcodesOn(), patch: c.patch}
			w := withHost(t, f)
			for round := range 3 {
				h, known := settingsOf(t, w, f)
				if changed, err := w.align(t.Context(), f, h, known, discard); err != nil || changed {
					t.Errorf("round %d: changed %v, %v", round, changed, err)
				}
				wantResults(t, w, map[string]string{passcode.KeyPasscode.Path(): c.want, passcode.KeyScheduled.Path(): c.want})
			}
			if n := f.times("PatchUserSettings"); n != 2 {
				t.Errorf("%d PATCHes, want one for each setting", n)
			}
		})
	}
}

// A PATCH whose answer is lost: the work fails and is put off; the next align
// finds out what became of it. There is one row for the setting, and it ends as held.
func TestAlignAfterALostAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		done     bool // Zoom did it
		readAnew bool // an event made the settings be read again meanwhile
		patches  int
	}{
		{"Zoom did it, read from the database", true, false, 3},
		{"Zoom did it, read again", true, true, 2},
		{"Zoom did not, read from the database", false, false, 3},
		{"Zoom did not, read again", false, true, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := &fakeZoom{settings: passcodesOn(), patch: func(n int) (bool, error) {
				if n == 1 {
					return c.done, told(zoom.KindTransport)
				}
				return true, nil
			}}
			w := withHost(t, f)
			h, known := settingsOf(t, w, f)
			changed, err := w.align(t.Context(), f, h, known, discard)
			if zoom.KindOf(err) != zoom.KindTransport || changed {
				t.Fatalf("changed %v, %v; want the transport error", changed, err)
			}
			wantResults(t, w, map[string]string{passcode.KeyPasscode.Path(): store.AlignmentUnfinished})

			if c.readAnew {
				if _, err := w.o.Store.SaveHost(t.Context(), h, h.Generation, 2*w.o.SettingsTTL); err != nil {
					t.Fatal(err)
				}
			}
			h, known = settingsOf(t, w, f)
			if changed, err = w.align(t.Context(), f, h, known, discard); err != nil || !changed {
				t.Errorf("the second time: changed %v, %v", changed, err)
			}
			wantResults(t, w, map[string]string{passcode.KeyPasscode.Path(): store.AlignmentHeld, passcode.KeyScheduled.Path(): store.AlignmentHeld})
			if n := f.times("PatchUserSettings"); n != c.patches {
				t.Errorf("%d PATCHes, want %d", n, c.patches)
			}
		})
	}
}

// What was read before the alignment began says nothing about it; nor does a
// value that somebody else fixes.
func TestAlignDoesNotTakeAnOldReadingForADone(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{settings: passcodesOn()}
	w := withHost(t, f)
	if _, err := w.o.Store.BeginAlignment(t.Context(), store.Alignment{HostID: "host", AccountID: "acc", Setting: passcode.KeyPasscode.Path(),
		Before: passcode.On, After: passcode.Off}); err != nil {
		t.Fatal(err)
	}
	begun := alignments(t, w)[0].StartedAt
	off := passcode.Setting{Value: passcode.Off, Lock: passcode.Off, Seen: begun.Add(-time.Second)}
	lockedOff := passcode.Setting{Value: passcode.Off, Lock: passcode.On, LockLevel: passcode.LevelGroup, LockedBy: "g", Seen: begun.Add(time.Second)}
	for _, s := range []passcode.Setting{off, lockedOff} {
		known := passcode.Host{Plan: passcode.PlanPaid, Settings: passcode.Settings{passcode.KeyPasscode: s, passcode.KeyWaitingRoom: passcode.Setting{Value: passcode.On, Lock: passcode.Off}}}
		if changed, err := w.align(t.Context(), f, store.Host{ID: "host", AccountID: "acc"}, known, discard); err != nil || changed {
			t.Errorf("%+v: changed %v, %v", s, changed, err)
		}
		wantResults(t, w, map[string]string{passcode.KeyPasscode.Path(): store.AlignmentUnfinished})
	}
}
