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
	case zoom.EventMeetingCreated, zoom.EventMeetingUpdated, zoom.EventMeetingDeleted:
		return w.recordMeeting(ctx, row, env)
	case zoom.EventUserSettings:
		return w.recordHostSettings(ctx, row, env)
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
		return tx.MarkMeeting(ctx, row.MeetingID, env.Event)
	})
}

// recordHostSettings marks a host, and what they host, as to be read again.
// The event's values are recorded for people, not decided on: it is a diff, and
// what is effective for the host is Zoom's to say.
func (w *Worker) recordHostSettings(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	now, old, err := env.DecodeSettings()
	if err != nil {
		return false, errUnusable{err}
	}
	row.HostID = clean(now.ID)
	if row.HostID == "" {
		return false, errUnusable{errors.New("field payload.object.id is missing")}
	}
	_, governed := w.o.Zoom(row.AccountID)
	return w.o.Store.Intake(ctx, row, func(tx *store.IntakeTx) error {
		if err := tx.SaveChanges(ctx, changes(row, now.Security, old.Security)); err != nil {
			return err
		}
		if !now.Decides || !governed {
			return nil
		}
		at := env.At
		if at.IsZero() {
			at = row.ReceivedAt
		}
		return tx.HostChanged(ctx, row.HostID, at, env.Event)
	})
}

func changes(row store.Event, now, old zoom.Security) []store.SettingChange {
	var all []store.SettingChange
	after, before := values(now), values(old)
	for _, s := range []struct {
		path string
		of   func(passcode.Values) passcode.Toggle
	}{
		{passcode.PathPasscode, func(v passcode.Values) passcode.Toggle { return v.Passcode }},
		{passcode.PathScheduled, func(v passcode.Values) passcode.Toggle { return v.Scheduled }},
		{passcode.PathWaitingRoom, func(v passcode.Values) passcode.Toggle { return v.WaitingRoom }},
		{passcode.PathAutoSecurity, func(v passcode.Values) passcode.Toggle { return v.AutoSecurity }},
		{passcode.PathAuthentication, func(v passcode.Values) passcode.Toggle { return v.Authentication }},
	} {
		if s.of(after) != passcode.Unknown {
			all = append(all, store.SettingChange{Level: passcode.LevelHost, LevelID: row.HostID, Setting: s.path,
				Old: s.of(before), New: s.of(after), ChangedBy: row.Operator, ChangedAt: row.At})
		}
	}
	return all
}

// values turns what Zoom answered into the rule's terms.
func values(s zoom.Security) passcode.Values {
	return passcode.Values{
		Passcode: passcode.ToggleFrom(s.Passcode), Scheduled: passcode.ToggleFrom(s.Scheduled),
		WaitingRoom: passcode.ToggleFrom(s.WaitingRoom), AutoSecurity: passcode.ToggleFrom(s.AutoSecurity),
		Authentication: passcode.ToggleFrom(s.Authentication),
	}
}
