package store

import (
	"errors"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// TestNoRepairOfWhatIsHeldIsBegun: a hold counts from the moment it is written,
// for a check that began before it too, and for the host that the check has just
// learned.
func TestNoRepairOfWhatIsHeldIsBegun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hold Hold
		host string // as the check knows it
		held bool
	}{
		"all":                        {Hold{Kind: passcode.HoldAll}, "host", true},
		"the account":                {Hold{Kind: passcode.HoldAccount, AccountID: "acc", ID: "acc"}, "host", true},
		"another account":            {Hold{Kind: passcode.HoldAccount, AccountID: "other", ID: "other"}, "host", false},
		"the host":                   {Hold{Kind: passcode.HoldHost, AccountID: "acc", ID: "host"}, "host", true},
		"the host, learned just now": {Hold{Kind: passcode.HoldHost, AccountID: "acc", ID: "new"}, "new", true},
		"another account's host":     {Hold{Kind: passcode.HoldHost, AccountID: "other", ID: "host"}, "host", false},
		"the meeting":                {Hold{Kind: passcode.HoldMeeting, AccountID: "acc", ID: "1"}, "host", true},
		"another meeting":            {Hold{Kind: passcode.HoldMeeting, AccountID: "acc", ID: "2"}, "host", false},
		"no more":                    {Hold{Kind: passcode.HoldAll, Until: time.Now().Add(-time.Hour)}, "host", false},
		"not for long":               {Hold{Kind: passcode.HoldAll, Until: time.Now().Add(time.Hour)}, "host", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			addMeeting(t, s, 1, "host", time.Hour)
			mark(t, s, 1)
			k := claim(t, s, "w")
			c.hold.Reason, c.hold.By = "why", "ada"
			_, err := s.Hold(t.Context(), c.hold)
			noError(t, err)
			k.Meeting.HostID = c.host
			_, err = s.BeginRepair(t.Context(), k, clearing(), "", nil)
			var held *HeldError
			if errors.As(err, &held) != c.held || !c.held && err != nil {
				t.Fatalf("begin: %v", err)
			}
			if n := value[int](t, s, `SELECT count(*) FROM repairs`); n != map[bool]int{true: 0, false: 1}[c.held] {
				t.Errorf("%d repairs are written down", n)
			}
			if c.held && (held.Hold.By != "ada" || held.Hold.Kind != c.hold.Kind) {
				t.Errorf("%+v", held.Hold)
			}
			if c.held && c.host == "host" {
				if past, err := s.Remember(t.Context(), "acc", 1); err != nil || past.Hold.Kind != c.hold.Kind {
					t.Errorf("remembered %+v, %v", past.Hold, err)
				}
			}
		})
	}
}

func TestReleaseOfWhatIsNotHeld(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	if _, err := s.Release(t.Context(), Hold{Kind: passcode.HoldAll}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	_, err := s.Hold(t.Context(), Hold{Kind: passcode.HoldAll, Reason: "one", By: "ada", Until: time.Now().Add(time.Hour)})
	noError(t, err)
	_, err = s.Hold(t.Context(), Hold{Kind: passcode.HoldAll, Reason: "two", By: "bob"})
	noError(t, err)
	if all, err := s.Holds(t.Context()); err != nil || len(all) != 1 || all[0].Reason != "two" || !all[0].Until.IsZero() {
		t.Errorf("%+v, %v", all, err)
	}
	_, err = s.Release(t.Context(), Hold{Kind: passcode.HoldAll})
	noError(t, err)
	if all, err := s.Holds(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}
