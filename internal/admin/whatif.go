package admin

import (
	"context"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/reconcile"
	"latchkey/internal/store"
)

// Supposed is what a supposed change of a setting would do.
type Supposed struct {
	Hosts, Meetings int // how many were looked at
	Changed         []SupposedHost
}

// SupposedHost is what it would do to one host.
type SupposedHost struct {
	Host          store.Host
	Before, After passcode.Forecast
	Meetings      []SupposedMeeting // only those that would change
}

// SupposedMeeting is what it would do to one meeting.
type SupposedMeeting struct {
	Meeting       store.Meeting
	Before, After passcode.Verdict
}

// WhatIf says what a change would do to the hosts and upcoming meetings that are
// known, from what was last read of them. It asks Zoom nothing and writes
// nothing.
func WhatIf(ctx context.Context, s *store.Store, c passcode.Change, rule func(reconcile.Who) reconcile.Rule, now time.Time) (all Supposed, err error) {
	under, err := s.HostsUnder(ctx, c.Level, c.ID)
	if err != nil {
		return all, err
	}
	for _, h := range under {
		known, err := knownHost(ctx, s, h)
		if err != nil {
			return all, err
		}
		upcoming, err := s.UpcomingOf(ctx, h.AccountID, h.ID)
		if err != nil {
			return all, err
		}
		all.Hosts, all.Meetings = all.Hosts+1, all.Meetings+len(upcoming)
		after, reaches := c.Apply(known)
		if !reaches {
			continue
		}
		one := SupposedHost{Host: h, Before: passcode.ForecastFor(known), After: passcode.ForecastFor(after)}
		policy := rule(reconcile.WhoIs(h)).Policy
		for _, m := range upcoming {
			if change, changes := supposeMeeting(m, known, after, policy, now); changes {
				one.Meetings = append(one.Meetings, change)
			}
		}
		if one.Before.Signature() != one.After.Signature() || len(one.Meetings) > 0 {
			all.Changed = append(all.Changed, one)
		}
	}
	return all, nil
}

func supposeMeeting(m store.Meeting, known, after passcode.Host, policy passcode.Policy, now time.Time) (SupposedMeeting, bool) {
	before := passcode.Evaluate(passcode.Facts{Host: known, Meeting: m.Meeting}, policy, now)
	f := passcode.Facts{Host: after, Meeting: m.Meeting}
	turnsOn := after.Settings[passcode.KeyScheduled].Value == passcode.On && known.Settings[passcode.KeyScheduled].Value != passcode.On
	if turnsOn && f.Meeting.Passcode == passcode.Off && !f.Meeting.UsesPMI {
		f.Meeting.Passcode, f.Meeting.PasscodeReadable = passcode.On, true // Zoom would make one up
	}
	v := passcode.Evaluate(f, policy, now)
	return SupposedMeeting{Meeting: m, Before: before, After: v}, v.Outcome != before.Outcome || v.Remedy != before.Remedy
}

// knownHost puts together what the database knows of a host's settings.
func knownHost(ctx context.Context, s *store.Store, h store.Host) (passcode.Host, error) {
	account, err := s.Account(ctx, h.AccountID)
	if err != nil {
		return passcode.Host{}, err
	}
	var groups []passcode.Locks
	for _, id := range h.GroupIDs {
		g, err := s.Group(ctx, h.AccountID, id)
		if err != nil {
			return passcode.Host{}, err
		}
		groups = append(groups, reconcile.LocksOf(g))
	}
	return passcode.Effective(account.Plan, passcode.User{Values: h.Settings, Requirement: h.Requirement, Seen: h.ReadAt}, reconcile.LocksOf(account), groups), nil
}
