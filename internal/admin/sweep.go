package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// Target is what a sweep reads: the hosts of a level of an account, and their upcoming
// meetings.
type Target struct {
	AccountID string
	Level     passcode.Level
	ID, Name  string // Name is for people
}

// SweepTarget finds the account, or the group or host of it, that is meant; group and host
// are ids, names or e-mail addresses, at most one is not "". account may be "" where one
// alone is known. Errors are *UnknownHostError and *UnknownLevelError, or say what is
// known.
func SweepTarget(ctx context.Context, s *store.Store, account, group, host string) (t Target, err error) {
	if account == "" && host != "" { // a host is found without one
		h, err := Forecast(ctx, s, "", host)
		return Target{AccountID: h.AccountID, Level: passcode.LevelHost, ID: h.ID, Name: "host " + nameOf(h)}, err
	}
	known, err := s.AccountsKnown(ctx)
	switch {
	case err != nil:
		return t, err
	case account == "" && len(known) == 0:
		return t, errors.New("no account is known yet: start `latchkey serve` (or the worker) with its credentials first, or name it with --account")
	case account == "" && len(known) > 1:
		return t, fmt.Errorf("several accounts are known: name one with --account (%s)", strings.Join(known, ", "))
	case account == "":
		account = known[0]
	case len(known) > 0 && !slices.Contains(known, account):
		return t, fmt.Errorf("account %s is not known: want one of %s", account, strings.Join(known, ", "))
	}
	t = Target{AccountID: account, Level: passcode.LevelAccount, ID: account, Name: "account " + account}
	switch {
	case host != "":
		h, err := Forecast(ctx, s, account, host)
		t.Level, t.ID, t.Name = passcode.LevelHost, h.ID, "host "+nameOf(h)
		return t, err
	case group != "":
		id, err := s.GroupNamed(ctx, account, group)
		if errors.Is(err, store.ErrNotFound) {
			err = &UnknownLevelError{Level: passcode.LevelGroup, ID: group}
		}
		t.Level, t.ID, t.Name = passcode.LevelGroup, id, "group "+group
		return t, err
	}
	return t, nil
}

func nameOf(h store.Host) string {
	if h.Email != "" {
		return h.Email
	}
	return h.ID
}

// SweepCost is what reading all of a target costs, and how long that takes.
type SweepCost struct {
	store.SweepSize
	Calls int
	// Days is how long it takes within the budget of calls a day; 0: no budget is known.
	Days float64
	// AtOnce is how long it would take without one, by the plan's limits.
	AtOnce time.Duration
}

// CostOfSweep reckons it, from what is known: it asks Zoom nothing. The account's plan is
// as in configuration, and share is the percentage of its limits that latchkey takes.
func CostOfSweep(ctx context.Context, s *store.Store, t Target, plan string, share int) (c SweepCost, err error) {
	if c.SweepSize, err = s.SweepSize(ctx, t.AccountID, t.Level, t.ID, time.Time{}); err != nil {
		return c, err
	}
	c.Calls = c.SweepSize.Calls()
	if c.Budget > 0 {
		c.Days = float64(c.Calls) / float64(c.Budget)
	}
	if allowed, ok := zoom.Allowances(plan); ok && share > 0 {
		// Of a host's calls the user is a light one, the others are medium; a meeting's is light.
		light, medium := float64(c.Hosts+c.Meetings), float64(c.Calls-c.Hosts-c.Meetings)
		most := max(light/allowed[zoom.Light].PerSecond, medium/allowed[zoom.Medium].PerSecond)
		c.AtOnce = time.Duration(most * 100 / float64(share) * float64(time.Second))
	}
	return c, nil
}
