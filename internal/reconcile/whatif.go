package reconcile

import (
	"context"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// Supposed is what a supposed change of a setting would do to one host.
type Supposed struct {
	Host          store.Host
	Before, After passcode.Forecast
	Meetings      []SupposedMeeting // only those that would change
}

// SupposedMeeting is what it would do to one meeting.
type SupposedMeeting struct {
	Meeting       store.Meeting
	Before, After passcode.Verdict
}

// Suppose says what a change would do to the hosts and upcoming meetings that
// are known, from what was last read of them. It asks Zoom nothing and writes
// nothing. checked is how many hosts and meetings were looked at.
func Suppose(ctx context.Context, s *store.Store, c passcode.Change, rule func(Who) Rule, now time.Time) (changed []Supposed, hosts, meetings int, err error) {
	under, err := s.HostsUnder(ctx, c.Level, c.ID)
	if err != nil {
		return nil, 0, 0, err
	}
	for _, h := range under {
		known, err := knownHost(ctx, s, h)
		if err != nil {
			return nil, 0, 0, err
		}
		after, reaches := c.Apply(known)
		upcoming, err := s.UpcomingOf(ctx, h.ID)
		if err != nil {
			return nil, 0, 0, err
		}
		hosts, meetings = hosts+1, meetings+len(upcoming)
		if !reaches {
			continue
		}
		one := Supposed{Host: h, Before: passcode.ForecastFor(known), After: passcode.ForecastFor(after)}
		policy := rule(who(h)).Policy
		for _, m := range upcoming {
			before := passcode.Evaluate(factsOf(m, known), policy, now)
			f := factsOf(m, after)
			if after.Scheduled.Value == passcode.On && known.Scheduled.Value != passcode.On && f.Meeting.Passcode == passcode.Off && !f.Meeting.UsesPMI {
				f.Meeting.Passcode, f.Meeting.PasscodeReadable = passcode.On, true // Zoom would make one up
			}
			v := passcode.Evaluate(f, policy, now)
			if v.Outcome != before.Outcome || v.Remedy != before.Remedy {
				one.Meetings = append(one.Meetings, SupposedMeeting{Meeting: m, Before: before, After: v})
			}
		}
		if one.Before.Sentence() != one.After.Sentence() || len(one.Meetings) > 0 {
			changed = append(changed, one)
		}
	}
	return changed, hosts, meetings, nil
}

// knownHost puts together what the database knows of a host's settings.
func knownHost(ctx context.Context, s *store.Store, h store.Host) (passcode.Host, error) {
	account, err := s.Account(ctx, h.AccountID)
	if err != nil {
		return passcode.Host{}, err
	}
	var groups []passcode.Locks
	for _, id := range h.GroupIDs {
		g, err := s.Group(ctx, id)
		if err != nil {
			return passcode.Host{}, err
		}
		groups = append(groups, locks(g))
	}
	return passcode.Effective(account.Plan, passcode.User{Values: h.Settings, Requirement: h.Requirement, Seen: h.ReadAt}, locks(account), groups), nil
}

// factsOf are the facts of a meeting as the database has them.
func factsOf(m store.Meeting, h passcode.Host) passcode.Facts {
	return passcode.Facts{Host: h, Meeting: passcode.Meeting{
		Type: passcode.MeetingType(m.Type), Status: m.Status, UsesPMI: m.UsesPMI, Ends: m.Ends,
		Passcode: m.Passcode, PasscodeReadable: m.PasscodeReadable, WaitingRoom: m.WaitingRoom, Authentication: m.Authentication,
		LinkHasPasscode: m.LinkHasPasscode, PhonePasscode: m.PhonePasscode,
	}}
}
