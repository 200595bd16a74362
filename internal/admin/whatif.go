package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/reconcile"
	"latchkey/internal/secret"
	"latchkey/internal/store"
)

// Supposed is what a supposed change of a setting would do.
type Supposed struct {
	Hosts, Meetings int // how many were looked at
	Changed         []SupposedHost
	// Of the meetings that would change: how many more would demand a passcode, how many
	// would not any more, and of how many latchkey could remove it no longer.
	MoreDemand, FewerDemand, NoLongerRepairable int
}

// count adds a meeting that would change.
func (s *Supposed) count(m SupposedMeeting) {
	demands := func(v passcode.Verdict) bool { return v.Outcome == passcode.OutcomeDemands }
	stays := func(v passcode.Verdict) bool {
		return demands(v) && (v.Remedy == passcode.RemedyKeep || v.Remedy == passcode.RemedyImpossible)
	}
	switch {
	case demands(m.After) && !demands(m.Before):
		s.MoreDemand++
	case demands(m.Before) && !demands(m.After):
		s.FewerDemand++
	}
	if stays(m.After) && !stays(m.Before) {
		s.NoLongerRepairable++
	}
}

// SupposedHost is what it would do to one host.
type SupposedHost struct {
	Host          store.Host
	Before, After passcode.Forecast
	// Perhaps: only if the host never chose a value of their own, which nobody can
	// read.
	Perhaps  bool
	Meetings []SupposedMeeting // only those that would change
}

// SupposedMeeting is what it would do to one meeting.
type SupposedMeeting struct {
	Meeting       store.Meeting
	Before, After passcode.Verdict
}

// WhatIf says what changes at one level, at least one, would do together to the hosts and
// upcoming meetings that are known, from what was last read of them. It asks Zoom nothing and writes
// nothing. A group may be meant by its name. A host, group or account without a record is an
// *UnknownHostError or *UnknownLevelError.
func WhatIf(ctx context.Context, s *store.Store, changes []passcode.Change, rule func(reconcile.Who) reconcile.Rule, now time.Time) (all Supposed, err error) {
	if changes, err = ofGroup(ctx, s, changes); err != nil {
		return all, err
	}
	c := changes[0]
	under, err := s.HostsUnder(ctx, c.Level, c.ID)
	if err != nil {
		return all, err
	}
	if len(under) == 0 {
		return all, unheardOf(ctx, s, c)
	}
	for _, h := range under {
		known, err := levelsOf(ctx, s, h)
		if err != nil {
			return all, err
		}
		upcoming, err := s.UpcomingOf(ctx, h.AccountID, h.ID)
		if err != nil {
			return all, err
		}
		all.Hosts, all.Meetings = all.Hosts+1, all.Meetings+len(upcoming)
		changed, reach := known, passcode.ReachesNot
		for _, c := range changes {
			then, how := c.Apply(changed)
			if how != passcode.ReachesNot {
				changed, reach = then, max(reach, how)
			}
		}
		if reach == passcode.ReachesNot {
			continue
		}
		before, after := known.Host(), changed.Host()
		one := SupposedHost{Host: h, Before: passcode.ForecastFor(before), After: passcode.ForecastFor(after), Perhaps: reach == passcode.ReachesPerhaps}
		one.Before.CannotHost, one.After.CannotHost = !h.CanHost, !h.CanHost
		r := rule(reconcile.WhoIs(h))
		for _, m := range upcoming {
			current, err := currentOf(ctx, s, r, m)
			if err != nil {
				return all, err
			}
			if change, changes := supposeMeeting(m, before, after, r, current, now); changes {
				one.Meetings = append(one.Meetings, change)
				all.count(change)
			}
		}
		if one.Before.Signature() != one.After.Signature() || len(one.Meetings) > 0 {
			all.Changed = append(all.Changed, one)
		}
	}
	return all, nil
}

// ofGroup gives changes of a group that is named, and not by its id, the id.
func ofGroup(ctx context.Context, s *store.Store, changes []passcode.Change) ([]passcode.Change, error) {
	if changes[0].Level != passcode.LevelGroup {
		return changes, nil
	}
	named, err := s.GroupsNamed(ctx, changes[0].ID)
	if err != nil {
		return nil, err
	}
	if len(named) > 1 {
		return nil, fmt.Errorf("several groups are called %s: name one by its id (%s)", changes[0].ID, strings.Join(named, ", "))
	}
	changes = slices.Clone(changes)
	for i := range changes {
		if len(named) == 1 {
			changes[i].ID = named[0]
		}
	}
	return changes, nil
}

// unheardOf tells a level that reaches nobody from one that latchkey does not
// know, which is most likely misspelt.
func unheardOf(ctx context.Context, s *store.Store, c passcode.Change) error {
	if c.Level == passcode.LevelHost {
		return &UnknownHostError{Name: c.ID}
	}
	known, err := s.KnowsLevel(ctx, c.Level, c.ID)
	if err == nil && !known {
		err = &UnknownLevelError{Level: c.Level, ID: c.ID}
	}
	return err
}

// currentOf is the passcode that a meeting has, where the policy depends on which
// one that is; "" where it is not known or does not matter.
func currentOf(ctx context.Context, s *store.Store, r reconcile.Rule, m store.Meeting) (secret.String, error) {
	if r.Policy.Mode != passcode.ModeKnownPasscode || m.Passcode != passcode.On {
		return "", nil
	}
	p, err := s.Passcode(ctx, m.AccountID, m.ID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return p.Value, err
}

func supposeMeeting(m store.Meeting, known, after passcode.Host, r reconcile.Rule, current secret.String, now time.Time) (SupposedMeeting, bool) {
	f := passcode.Facts{Host: known, Meeting: m.Meeting}
	f.Meeting.Ours, f.Meeting.OursProblem = r.Ours(m.ID, known, current)
	before := passcode.Evaluate(f, r.Policy, now)

	f = passcode.Facts{Host: after, Meeting: m.Meeting}
	f.Meeting.Ours, f.Meeting.OursProblem = r.Ours(m.ID, after, current)
	turnsOn := after.Settings[passcode.KeyScheduled].Value == passcode.On && known.Settings[passcode.KeyScheduled].Value != passcode.On
	if turnsOn && !after.Settings[passcode.KeyPasscode].LockedOff() && f.Meeting.Passcode == passcode.Off && !f.Meeting.UsesPMI && f.Meeting.Type != passcode.TypePMI && f.Meeting.Type != passcode.TypeInstant {
		// Zoom would make one up, which is nobody's that is known beforehand.
		f.Meeting.Passcode, f.Meeting.PasscodeReadable = passcode.On, true
		if f.Meeting.Ours, f.Meeting.OursProblem = r.Ours(m.ID, after, "made up"); f.Meeting.Ours == passcode.On {
			f.Meeting.Ours = passcode.Off
		}
	}
	v := passcode.Evaluate(f, r.Policy, now)
	return SupposedMeeting{Meeting: m, Before: before, After: v}, v.Outcome != before.Outcome || v.Remedy != before.Remedy
}

// levelsOf puts together what the database knows of a host's settings.
func levelsOf(ctx context.Context, s *store.Store, h store.Host) (passcode.Levels, error) {
	account, err := s.Account(ctx, h.AccountID)
	if err != nil {
		return passcode.Levels{}, err
	}
	var groups []passcode.Locks
	for _, id := range h.GroupIDs {
		g, err := s.Group(ctx, h.AccountID, id)
		if err != nil {
			return passcode.Levels{}, err
		}
		groups = append(groups, reconcile.LocksOf(g))
	}
	return reconcile.LevelsOf(h, account, groups), nil
}
