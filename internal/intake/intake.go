// Package intake turns events into rows: what an event says is recorded and
// what it touches marked as due, in one transaction. It calls nobody at Zoom:
// events are hints, and reconciling looks.
package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// Event is one delivery from the bus.
type Event struct {
	ID         string
	Body       []byte
	SignedFor  string // the account whose app's secret signed it; "" where ingest was not told
	ReceivedAt time.Time
	RequestID  string
	InProgress func() // tells the bus that it is still being worked on
}

// Options configure an Intake. All but Counted are required.
type Options struct {
	Store *store.Store
	// Governed says whether an account is one that latchkey guards, Guarded which
	// ones those are.
	Governed func(accountID string) bool
	Guarded  []string
	// Dead keeps an event that cannot be handled, with the reason.
	Dead func(ctx context.Context, reason string, e Event) error
	// Erase removes an account's messages from the bus; nil: there is none.
	Erase  func(ctx context.Context, accountID string) error
	Logger *slog.Logger
	// Counted is told what became of each event: recorded, duplicate or dead.
	Counted func(result string)
}

// Intake takes events in. It is safe for concurrent use.
type Intake struct{ o Options }

// New makes an Intake.
func New(o Options) *Intake {
	if o.Counted == nil {
		o.Counted = func(string) {}
	}
	return &Intake{o: o}
}

// unusableError marks an event that no retry will make readable.
type unusableError struct{ err error }

func (e unusableError) Error() string { return e.err.Error() }
func (e unusableError) Unwrap() error { return e.err }

// hopeless reports whether an event that met the error would meet it again.
func hopeless(err error) bool {
	var unusable unusableError
	var panicked *work.PanicError
	var erasing erasingError
	return errors.As(err, &unusable) || errors.As(err, &panicked) || !errors.As(err, &erasing) && !store.Unavailable(err)
}

// Handle returns the function that takes one event in. While the database is
// unavailable it holds the event and waits; stop tells it to return the event to
// the bus.
func (in *Intake) Handle(stop context.Context) func(context.Context, Event) error {
	return func(ctx context.Context, e Event) error {
		log := in.o.Logger.With("event_id", e.ID, "request_id", e.RequestID)
		for attempt := 1; ; attempt++ {
			var recorded bool
			err := work.Guard(func() (err error) { recorded, err = in.record(ctx, e); return err })
			if err == nil {
				in.o.Counted(map[bool]string{true: "recorded", false: "duplicate"}[recorded])
				return nil
			}
			if hopeless(err) {
				log.Warn("event moved to the dead-letter stream", "reason", err)
				if err = in.o.Dead(ctx, err.Error(), e); err == nil {
					in.o.Counted("dead")
					return nil
				}
			}
			if attempt == 1 {
				log.Warn("event not recorded yet; retrying", "error", err)
			}
			if stop.Err() != nil {
				return err
			}
			if e.InProgress != nil {
				e.InProgress()
			}
			work.Pause(stop, work.Backoff(attempt, time.Second, 5*time.Second))
		}
	}
}

// recordWithin bounds one attempt to take an event in.
const recordWithin = 20 * time.Second

func (in *Intake) record(ctx context.Context, e Event) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	env, err := zoom.DecodeEnvelope(e.Body)
	if err != nil {
		return false, unusableError{err}
	}
	kind, wanted := kindOf(env.Event)
	if !wanted {
		return false, unusableError{fmt.Errorf("there is no use for event %s", env.Event)}
	}
	if err := in.attribute(ctx, &env, e.SignedFor); err != nil {
		return false, err
	}
	env.At = plausible(env.At, e.ReceivedAt)
	row := store.Event{ID: e.ID, AccountID: zoom.Clean(env.AccountID), Name: env.Event, At: env.At, ReceivedAt: e.ReceivedAt,
		RequestID: e.RequestID, Operator: zoom.Clean(env.Operator)}
	return kind.handle(in, ctx, row, env)
}

// attribute says which account an event speaks for: its own alone. That is the
// one whose app signed it (Z-AUTH-8), and an event that names another is a
// forgery, or the secrets are confused. With one account there is nothing to
// confuse: an event of another is then one that latchkey does not guard.
func (in *Intake) attribute(ctx context.Context, env *zoom.Envelope, signedFor string) error {
	if len(in.o.Guarded) <= 1 {
		if env.AccountID == "" && len(in.o.Guarded) == 1 {
			env.AccountID = in.o.Guarded[0]
		}
		return nil
	}
	switch {
	case signedFor == "":
		t := store.Trouble{AccountID: in.o.Guarded[0], Call: store.CallSignature, Kind: "secrets_unknown", Detail: fmt.Sprintf("it was %s", env.Event)}
		if _, err := in.o.Store.SetupFailed(ctx, t, alert.Trouble(t)); err != nil {
			return err
		}
		return unusableError{errors.New("several accounts are guarded, and ingest does not know whose secret signed the event: give ingest the same LATCHKEY_CONFIG, with a webhook_secret for each account")}
	case env.AccountID == "" || env.AccountID == signedFor:
		env.AccountID = signedFor
		return nil
	}
	t := store.Trouble{AccountID: signedFor, Call: store.CallSignature, Kind: "signed_for_another",
		Detail: fmt.Sprintf("it was %s of account %s", env.Event, zoom.Clean(env.AccountID))}
	opened, err := in.o.Store.SetupFailed(ctx, t, alert.Trouble(t))
	if err != nil {
		return err
	}
	if opened {
		in.o.Logger.Error(alert.TroubleSentence(t), "account_id", signedFor)
	}
	return unusableError{fmt.Errorf("it names account %s, and the app of account %s signed it", zoom.Clean(env.AccountID), signedFor)}
}

// skew is how far Zoom's clock and ours may be apart.
const skew = 10 * time.Second

// plausible returns the time an event says it happened at, or none when that
// cannot be. A time to come would make every later event look late, permanently:
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

// governed records the event and, for an account that latchkey guards, lets
// apply do what follows from it. Of another account nothing but the event is
// kept, and that it comes is said once.
func (in *Intake) governed(ctx context.Context, row store.Event, apply func(*store.IntakeTx) error) (bool, error) {
	return in.o.Store.Intake(ctx, row, func(tx *store.IntakeTx) error {
		if in.o.Governed(row.AccountID) {
			return apply(tx)
		}
		t := store.Trouble{AccountID: row.AccountID, Call: store.CallNotGuarded, Kind: "not_guarded",
			Detail: "it guards " + strings.Join(in.o.Guarded, ", ") + "; is ZOOM_ACCOUNT_ID, or LATCHKEY_CONFIG, right?"}
		opened, err := tx.SetupFailed(ctx, t, alert.Trouble(t))
		if opened {
			in.o.Logger.Error(alert.TroubleSentence(t), "account_id", row.AccountID)
		}
		return err
	})
}

// meeting merges what an event says of one meeting into its row.
func (in *Intake) meeting(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	obj, err := env.DecodeMeeting()
	if err != nil {
		return false, unusableError{err}
	}
	row.MeetingID = int64(obj.ID)
	if env.Event == zoom.EventMeetingCreated && obj.Topic != nil && strings.HasPrefix(*obj.Topic, zoom.ProbeTopic) {
		// latchkey made it itself, to find out what Zoom does, and deletes it.
		return in.governed(ctx, row, func(*store.IntakeTx) error { return nil })
	}
	return in.governed(ctx, row, func(tx *store.IntakeTx) error {
		if obj.HostID != nil && zoom.Clean(*obj.HostID) != "" {
			// A host mentioned for the first time is predicted, and what else they have
			// scheduled is found.
			if err := tx.HostSeen(ctx, zoom.Clean(*obj.HostID)); err != nil {
				return err
			}
		}
		m, err := tx.Meeting(ctx, row.MeetingID)
		if err != nil {
			return err
		}
		came := arrival{now: tx.Now, several: len(in.o.Guarded) > 1, receivedAt: row.ReceivedAt, operator: row.Operator}
		if obj.HostID != nil {
			h, err := tx.HostKnown(ctx, zoom.Clean(*obj.HostID))
			if err != nil {
				return err
			}
			came.hostChangedAt, came.forced, came.embeds = h.ChangedAt, h.Forecast.Forced, h.Embeds
		}
		if env.Event == zoom.EventMeetingUpdated && obj.Password != nil {
			if came.knownPasscode, err = tx.Passcode(ctx, row.MeetingID); err != nil {
				return err
			}
			if came.repairUnderWay, err = tx.RepairUnderWay(ctx, row.MeetingID); err != nil {
				return err
			}
		}
		s := merge(m, env, obj, came)
		if s.nothingNew {
			return nil
		}
		if err := tx.SaveMeeting(ctx, s.meeting, s.passcode, alert.MeetingPasscodeChanged); err != nil {
			return err
		}
		if err := tx.MarkMeeting(ctx, row.MeetingID, env.Event); err != nil {
			return err
		}
		// The number may be one that other meetings run under (Z-MEET-4).
		return tx.MarkUnderPMI(ctx, row.MeetingID, env.Event)
	})
}

// settings marks those a settings event touches, and what they host, as needing
// a read. The event's values are recorded for people, not decided on: it is a
// diff, and what is effective for a host is Zoom's to say.
func (in *Intake) settings(ctx context.Context, row store.Event, env zoom.Envelope, level passcode.Level, what string) (bool, error) {
	now, old, err := env.DecodeSettings()
	id := zoom.Clean(now.ID)
	if level == passcode.LevelAccount && row.AccountID != "" && (err != nil || id == "") {
		id, now.Odd, err = row.AccountID, true, nil // whose settings changed is known
	}
	if err == nil && id == "" {
		err = errors.New("field payload.object.id is missing or not usable")
	}
	if err != nil {
		return false, unusableError{err}
	}
	if level == passcode.LevelHost {
		row.HostID = id
	}
	return in.governed(ctx, row, func(tx *store.IntakeTx) error {
		if err := tx.SaveChanges(ctx, changes(row, level, id, what, now.Settings, old.Settings)); err != nil {
			return err
		}
		switch {
		case !now.Says():
			return nil
		case level == passcode.LevelHost:
			if err := tx.HostChanged(ctx, id, happened(row), env.Event); err != nil || now.PMIPasscode == nil || len(in.o.Guarded) > 1 {
				return err
			}
			return tx.PMIPasscode(ctx, id, happened(row), store.PasscodeSeen{Value: *now.PMIPasscode, Operator: row.Operator}, alert.MeetingPasscodeChanged)
		}
		return tx.LevelChanged(ctx, level, id, happened(row), env.Event)
	})
}

// members: who joins or leaves a group comes under other locks.
func (in *Intake) members(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	group, members, err := env.GroupMembers()
	if group = zoom.Clean(group); err == nil && len(members) == 0 && group == "" {
		err = errors.New("neither payload.object.id nor a member's id is usable")
	}
	if err != nil {
		return false, unusableError{err}
	}
	if len(members) == 0 {
		// Who, is not said: everybody in that group is looked at, and they who are new
		// to it by the next sweep.
		return in.governed(ctx, row, func(tx *store.IntakeTx) error {
			return tx.LevelChanged(ctx, passcode.LevelGroup, group, happened(row), env.Event)
		})
	}
	for i := range members {
		members[i] = zoom.Clean(members[i])
	}
	return in.hosts(ctx, row, env, members)
}

// groupDeleted: whoever was in it does not come under its locks any more.
func (in *Intake) groupDeleted(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	group, _, err := env.GroupMembers()
	if group = zoom.Clean(group); err == nil && group == "" {
		err = errors.New("field payload.object.id is missing or not usable")
	}
	if err != nil {
		return false, unusableError{err}
	}
	return in.governed(ctx, row, func(tx *store.IntakeTx) error {
		return tx.LevelChanged(ctx, passcode.LevelGroup, group, happened(row), env.Event)
	})
}

// accountLeft: an account under a master account left it, and its locks with it.
func (in *Intake) accountLeft(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	return in.governed(ctx, row, func(tx *store.IntakeTx) error {
		return tx.LevelChanged(ctx, passcode.LevelAccount, row.AccountID, happened(row), env.Event)
	})
}

// userUpdated: a host's licence, group or personal meeting id may be another.
func (in *Intake) userUpdated(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	id, says, err := env.UserChange()
	if err != nil {
		return false, unusableError{err}
	}
	row.HostID = zoom.Clean(id)
	if !says {
		return in.governed(ctx, row, func(*store.IntakeTx) error { return nil })
	}
	return in.hosts(ctx, row, env, []string{row.HostID})
}

// user: a host who left, or was switched off.
func (in *Intake) user(ctx context.Context, row store.Event, env zoom.Envelope) (bool, error) {
	id, err := env.UserID()
	if err != nil {
		return false, unusableError{err}
	}
	row.HostID = zoom.Clean(id)
	return in.hosts(ctx, row, env, []string{row.HostID})
}

func (in *Intake) hosts(ctx context.Context, row store.Event, env zoom.Envelope, hosts []string) (bool, error) {
	return in.governed(ctx, row, func(tx *store.IntakeTx) error {
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

// changes lists who changed which setting, for people and as evidence.
func changes(row store.Event, level passcode.Level, id, what string, now, old zoom.Settings) []store.SettingChange {
	var all []store.SettingChange
	for _, info := range passcode.AllSettings() {
		if value := now.Values[info.Key]; value != passcode.Unknown {
			all = append(all, store.SettingChange{What: what, Level: level, LevelID: id, Setting: info.Path,
				Old: old.Values[info.Key], New: value, ChangedBy: row.Operator, ChangedAt: row.At})
		}
	}
	return all
}
