package app_test

import (
	"testing"

	"latchkey/internal/passcode"
)

// A user whom no event mentioned, and their meetings, are found by the sweep.
func TestTheSweepFindsUsersNobodyMentioned(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t, "LATCHKEY_SWEEP=2s")
	const neverHeardOf = 81000000003 // of on@demo.example, with a passcode
	r.settled(t, neverHeardOf, passcode.OutcomeJoinable)
	if n := r.calls("PATCH", neverHeardOf); n != 1 {
		t.Errorf("%d PATCH", n)
	}
}
