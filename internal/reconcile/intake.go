package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// intake gives the function that takes one event in: recorded and what it
// touches marked due in one transaction, then acknowledged. While the database
// is away it holds the event and waits; stop tells it to give the event back.
func (w *Worker) intake(stop context.Context) func(context.Context, Event) error {
	return func(ctx context.Context, e Event) error {
		log := w.o.Logger.With("event_id", e.ID, "request_id", e.RequestID)
		for attempt := 0; ; attempt++ {
			recorded, err := w.record(ctx, e)
			if err == nil {
				w.o.Metrics.intake(recorded)
				return nil
			}
			if classify(err) == actDead {
				log.Warn("an event cannot be handled and is kept as a dead letter", "reason", err)
				if err = w.o.Bus.PublishDead(ctx, err.Error(), e); err == nil {
					w.o.Metrics.dead()
					return nil
				}
			}
			if attempt == 0 {
				log.Warn("an event cannot be recorded now; it waits", "error", err)
			}
			if stop.Err() != nil {
				return err
			}
			if e.InProgress != nil {
				e.InProgress()
			}
			pause(stop, min(time.Second<<min(attempt, 3), 5*time.Second))
		}
	}
}

// recordWithin bounds one attempt to take an event in.
const recordWithin = 20 * time.Second

func (w *Worker) record(ctx context.Context, e Event) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	env, err := zoom.DecodeEnvelope(e.Body)
	if err != nil {
		return false, errUnusable{err}
	}
	if env.AccountID == "" {
		env.AccountID = w.o.Account
	}
	env.At = plausible(env.At, e.ReceivedAt)
	row := store.Event{ID: e.ID, AccountID: clean(env.AccountID), Name: env.Event, At: env.At, ReceivedAt: e.ReceivedAt,
		RequestID: e.RequestID, Operator: clean(env.Operator)}
	switch env.Event {
	case zoom.EventMeetingCreated, zoom.EventMeetingUpdated, zoom.EventMeetingDeleted, zoom.EventMeetingGone,
		zoom.EventMeetingBack, zoom.EventMeetingStarted, zoom.EventMeetingEnded:
		return w.recordMeeting(ctx, row, env)
	case zoom.EventUserSettings:
		return w.recordSettings(ctx, row, env, passcode.LevelHost, store.ChangedValue)
	case zoom.EventGroupSettings:
		return w.recordSettings(ctx, row, env, passcode.LevelGroup, store.ChangedValue)
	case zoom.EventGroupLocks:
		return w.recordSettings(ctx, row, env, passcode.LevelGroup, store.ChangedLock)
	case zoom.EventAccountSettings:
		return w.recordSettings(ctx, row, env, passcode.LevelAccount, store.ChangedValue)
	case zoom.EventAccountLocks:
		return w.recordSettings(ctx, row, env, passcode.LevelAccount, store.ChangedLock)
	case zoom.EventMemberAdded, zoom.EventMemberDeleted, zoom.EventMembersDeleted:
		return w.recordMembers(ctx, row, env)
	case zoom.EventUserDeactivated, zoom.EventUserDeleted:
		return w.recordUser(ctx, row, env)
	}
	return false, errUnusable{fmt.Errorf("there is no use for event %s", env.Event)}
}

// plausible gives the time an event says it happened at, or none when that
// cannot be. A time to come would make every later event look late, for good:
// nothing happens after it was received.
func plausible(at, received time.Time) time.Time {
	switch {
	case at.After(received.Add(skew)):
		return received
	case at.Year() < 2011: // before Zoom
		return time.Time{}
	}
	return at
}

// recordMeeting merges what an event says of one meeting into its row.
func (w *Worker) recordMeeting(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	obj, err := env.DecodeMeeting()
	if err != nil {
		return false, errUnusable{err}
	}
	row.MeetingID = int64(obj.ID)
	_, governed := w.o.Zoom(row.AccountID)
	return w.o.Store.Intake(ctx, row, func(tx *store.IntakeTx) error {
		m, err := tx.Meeting(ctx, row.MeetingID)
		if err != nil {
			return err
		}
		came := sighted{receivedAt: row.ReceivedAt}
		if obj.HostID != nil {
			if came.hostChangedAt, err = tx.HostChangedAt(ctx, clean(*obj.HostID)); err != nil {
				return err
			}
		}
		if env.Event == zoom.EventMeetingUpdated && obj.Password != nil {
			if came.knownPasscode, err = tx.Passcode(ctx, row.MeetingID); err != nil {
				return err
			}
			if came.clearUnderWay, err = tx.RepairUnderWay(ctx, row.MeetingID); err != nil {
				return err
			}
		}
		s := sight(m, env, obj, came)
		if s.nothingNew {
			return nil
		}
		if err := tx.SaveMeeting(ctx, s.meeting, s.passcode); err != nil {
			return err
		}
		if !governed {
			return nil // somebody else's account: recorded, never checked or changed
		}
		if s.meeting.HostID != "" {
			// A host heard of for the first time is foretold, and what else they
			// have scheduled is found.
			if err := tx.HostSeen(ctx, s.meeting.HostID); err != nil {
				return err
			}
		}
		return tx.MarkMeeting(ctx, row.MeetingID, env.Event)
	})
}

// recordSettings marks those a settings event touches, and what they host, as
// to be read again. The event's values are recorded for people, not decided on:
// it is a diff, and what is effective for a host is Zoom's to say.
func (w *Worker) recordSettings(ctx context.Context, row store.Event, env zoom.Envelope, level passcode.Level, what string) (bool, error) {
	now, old, err := env.DecodeSettings()
	id := clean(now.ID)
	if err == nil && id == "" {
		err = errors.New("field payload.object.id is missing")
	}
	if err != nil {
		return false, errUnusable{err}
	}
	if level == passcode.LevelHost {
		row.HostID = id
	}
	_, governed := w.o.Zoom(row.AccountID)
	return w.o.Store.Intake(ctx, row, func(tx *store.IntakeTx) error {
		if err := tx.SaveChanges(ctx, changes(row, level, id, what, now.Security, old.Security)); err != nil {
			return err
		}
		switch {
		case !now.Decides || !governed:
			return nil
		case level == passcode.LevelHost:
			return tx.HostChanged(ctx, id, happened(row), env.Event)
		}
		return tx.LevelChanged(ctx, level, id, happened(row), env.Event)
	})
}

// recordMembers: who joins or leaves a group comes under other locks.
func (w *Worker) recordMembers(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	group, members, err := env.GroupMembers()
	if err == nil && len(members) == 0 {
		err = fmt.Errorf("group %s: no member has an id", clean(group))
	}
	if err != nil {
		return false, errUnusable{err}
	}
	for i := range members {
		members[i] = clean(members[i])
	}
	return w.recordHosts(ctx, row, env, members)
}

// recordUser: a user who left takes their meetings along; Zoom says which.
func (w *Worker) recordUser(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	id, err := env.UserID()
	if err != nil {
		return false, errUnusable{err}
	}
	row.HostID = clean(id)
	return w.recordHosts(ctx, row, env, []string{row.HostID})
}

func (w *Worker) recordHosts(ctx context.Context, row store.Event, env zoom.Envelope, hosts []string) (bool, error) {
	_, governed := w.o.Zoom(row.AccountID)
	return w.o.Store.Intake(ctx, row, func(tx *store.IntakeTx) error {
		if !governed {
			return nil
		}
		return tx.HostsChanged(ctx, hosts, happened(row), env.Event)
	})
}

// happened is when an event happened, as far as is known.
func happened(row store.Event) time.Time {
	if row.At.IsZero() {
		return row.ReceivedAt
	}
	return row.At
}

// changes lists who changed which setting, for people.
func changes(row store.Event, level passcode.Level, id, what string, now, old zoom.Security) []store.SettingChange {
	var all []store.SettingChange
	before := values(old)
	values(now).Named(func(path string, value passcode.Toggle) {
		if value != passcode.Unknown {
			all = append(all, store.SettingChange{What: what, Level: level, LevelID: id, Setting: path,
				Old: before.Of(path), New: value, ChangedBy: row.Operator, ChangedAt: row.At})
		}
	})
	return all
}

// values turns what Zoom answered into the rule's terms.
func values(s zoom.Security) passcode.Values {
	return passcode.Values{
		Passcode: passcode.ToggleFrom(s.Passcode), Scheduled: passcode.ToggleFrom(s.Scheduled), PMI: passcode.ToggleFrom(s.PMI),
		WaitingRoom: passcode.ToggleFrom(s.WaitingRoom), AutoSecurity: passcode.ToggleFrom(s.AutoSecurity),
		Authentication: passcode.ToggleFrom(s.Authentication), Phone: passcode.ToggleFrom(s.Phone),
		Embed: passcode.ToggleFrom(s.Embed), WebClient: passcode.ToggleFrom(s.WebClient),
	}
}
