package reconcile

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// How long to wait before looking again for a fact that could not be had.
const (
	blindShort = time.Minute
	blindLong  = time.Hour
)

// readMeeting asks Zoom for the meeting. That Zoom does not know it, or that it
// is a webinar now, is an answer and not an error.
func (k *checking) readMeeting(ctx context.Context) error {
	at := k.now()
	got, err := k.api.GetMeeting(ctx, zoom.MeetingID(k.m.ID))
	a := answerOf(err)
	switch {
	case (a.missing || a.kind == zoom.KindWebinar) && k.sawOpen && k.open():
		return err // what was last seen is what counts: it is open
	case a.missing:
		k.missed()
		return nil
	case a.kind == zoom.KindWebinar:
		k.becameWebinar()
		return nil
	case err != nil:
		return err
	}
	k.see(got, at)
	if m := &k.m; k.repair.ID != 0 && m.Type == passcode.TypeRecurring && m.Passcode == passcode.Off && m.WaitingRoom == passcode.On && m.Authentication != passcode.On {
		// A removal is under way: it must not leave one of the dates open.
		if err := k.lookAtDates(ctx); err != nil {
			return err
		}
	}
	if k.open() && k.m.Stripped {
		k.sawOpen = true
	}
	return nil
}

// mostDates bounds the calls for one series; Zoom's have 50 dates, or more where
// they have no end (Z-MEET-8).
const mostDates = 120

// lookAtDates asks for each date to come of a series whether its waiting room is
// on: it may differ from the series' (Z-MEET-7). A date of which Zoom does not say
// is as the series is.
func (k *checking) lookAtDates(ctx context.Context) error {
	k.m.Dates, k.m.DateOpen = passcode.Unknown, ""
	looked := 0
	for _, d := range k.dates {
		ends := zoom.Ends(d.StartTime, d.Duration, nil)
		if d.ID == "" || d.Status == "deleted" || !ends.IsZero() && ends.Before(k.now()) {
			continue
		}
		if looked++; looked > mostDates {
			return nil // not known of all: then nothing is removed
		}
		got, err := k.api.GetOccurrence(ctx, zoom.MeetingID(k.m.ID), string(d.ID))
		switch a := answerOf(err); {
		case a.missing, a.kind == zoom.KindRefused:
			continue // the date is gone (Z-ERR-10)
		case err != nil:
			return err
		}
		if on := got.Settings.WaitingRoom; on != nil && !*on {
			k.m.Dates, k.m.DateOpen = passcode.Off, d.StartTime.UTC().Format("2 Jan 2006 15:04 UTC")
			return nil
		}
	}
	k.m.Dates = passcode.On
	return nil
}

// see takes what Zoom answered as the meeting's state at that moment.
func (k *checking) see(got zoom.Meeting, at time.Time) {
	m, was := &k.m, k.m
	m.HostID, m.UUID, m.Topic, m.Type = zoom.Clean(got.HostID), zoom.Clean(got.UUID), zoom.Clean(got.Topic), zoom.MeetingType(got.Type)
	m.Starts = got.StartTime.Time
	if !got.CreatedAt.IsZero() {
		m.Created = got.CreatedAt.Time
	}
	if ends := zoom.Ends(got.StartTime, got.Duration, got.Occurrences); !ends.IsZero() || m.Type != passcode.TypeInstant {
		m.Ends = ends
	}
	m.UsesPMI, m.PMI = got.Settings.UsePMI, 0
	if int64(got.PMI) != m.ID {
		m.PMI = int64(got.PMI)
	}
	m.Status = passcode.StatusScheduled
	if got.Status == "started" {
		m.Status = passcode.StatusStarted
	}
	value := got.Password
	if k.isProbe() {
		value = "" // nobody is to be given it
	}
	m.Passcode = passcode.ToggleOf(value != "" || got.EncryptedPassword != "")
	m.PasscodeReadable, m.Unrestorable = value != "", value != "" && !passcode.Settable(value.Reveal())
	// A whole answer that leaves an option out does not have it on.
	m.WaitingRoom = passcode.ToggleOf(isTrue(got.Settings.WaitingRoom))
	m.Authentication = passcode.ToggleOf(isTrue(got.Settings.MeetingAuthentication))
	m.Waits = got.Waits()
	if got.Source != "" {
		m.Source = zoom.Clean(got.Source)
	}
	m.Dates, m.DateOpen, k.dates = passcode.Unknown, "", got.Occurrences
	m.LinkHasPasscode = passcode.ToggleOf(got.LinkHasPasscode())
	m.PhonePasscode = passcode.ToggleOf(got.PhonePasscode != "")
	m.ObservedAt, m.MustRead = at, false
	m.NotFound, m.Misses, m.MissingSince, m.SaidGone = false, 0, time.Time{}, false
	switch {
	case m.Passcode == passcode.On:
		if was.Stripped && was.Passcode == passcode.Off && !k.putBack(value) {
			m.SeenWithout = was.ObservedAt
			if !m.SetAt.After(m.SeenWithout) {
				m.SetBy, m.SetAt = "", time.Time{}
			}
		}
		m.Stripped = false
	case k.repair.ID != 0:
		m.Stripped = true // a change of ours is under way, or was made in this check
	case !m.Stripped:
		m.SeenWithout, m.SetBy, m.SetAt = at, "", time.Time{}
	}
	k.value = &value
	if value != "" {
		k.remembered = &value
	}
}

// putBack says whether a passcode that the meeting has is the one that it had until
// latchkey removed it, and latchkey put it back: who once set it, did.
func (k *checking) putBack(value secret.String) bool {
	return k.repair.Remedy == passcode.RemedySecure && k.repair.AskedPasscode == passcode.AskOn.String() &&
		(k.remembered == nil || *k.remembered == "" || *k.remembered == value)
}

func isTrue(b *bool) bool { return b != nil && *b }

// open says whether the meeting was read and nothing secures it any more, as far as
// the policy is concerned.
func (k *checking) open() bool {
	m := &k.m
	f := passcode.Facts{Meeting: m.Meeting, Host: k.host, History: passcode.History{Stripped: m.Stripped}}
	return m.Status != passcode.StatusDeleted && m.Status != passcode.StatusEnded && !m.MustRead && f.Open(k.rule.Policy)
}

// How often and for how long Zoom must have said that it does not know a
// meeting before it is believed, and when it is asked again until then.
const (
	missesBelieved  = 3
	missingBelieved = 10 * time.Minute
)

var missAgain = []time.Duration{2 * time.Minute, 10 * time.Minute}

// missed notes that Zoom did not find the meeting. By itself that proves nothing
// (Z-ERR-14): nothing is forgotten before it was asked again, later, unless an
// event said so too.
func (k *checking) missed() {
	m := &k.m
	m.Misses++
	m.NotFound = true
	if m.MissingSince.IsZero() {
		m.MissingSince = k.now()
	}
	if m.SaidGone || m.Misses >= missesBelieved && k.now().Sub(m.MissingSince) >= missingBelieved {
		m.Status, m.MustRead, m.ObservedAt = passcode.StatusDeleted, false, k.now()
		var none secret.String
		k.value = &none
		return
	}
	m.MustRead = true
	k.blindFor = missAgain[min(m.Misses, len(missAgain))-1]
}

// becameWebinar notes that the number is a webinar's now (Z-ERR-9), which is
// left alone until something says that it is a meeting again.
func (k *checking) becameWebinar() {
	k.m.Type, k.m.MustRead, k.m.ObservedAt = passcode.TypeWebinar, false, k.now()
	k.m.SeenWithout, k.m.SetBy, k.m.SetAt = time.Time{}, "", time.Time{} // what happens to it there, nobody sees
}

// learnHost learns the settings that hold for the host: from the database while
// they are fresh, else from Zoom.
func (k *checking) learnHost(ctx context.Context) error {
	k.hostAsked = true
	if k.m.HostID == "" {
		k.blindFor = blindShort
		return nil
	}
	f, err := k.w.hostFacts(ctx, k.api, k.m.AccountID, k.m.HostID)
	a := k.w.judge(ctx, k.m.AccountID, err)
	switch {
	case err == nil:
	case a.fault == faultSetup:
		// The verdict must do without: it says so, and changes nothing.
		k.setupCall = callOf(err)
		return k.w.setupFailed(ctx, k.m.AccountID, err)
	case a.fault == faultSubject:
		k.log.Warn("the host's settings cannot be read", "host_id", k.m.HostID, "error", err)
		k.blindFor = blindLong
		return nil
	default:
		return err
	}
	if k.reserved == 0 || f.host.HeldUntil.After(k.heldUntil) {
		k.heldUntil, k.reserved = f.host.HeldUntil, 0
	}
	k.host, k.setupCall, k.blindFor = f.known, f.setupCall, blindLong
	k.rule = k.w.o.Rule(WhoIs(f.host))
	k.levels = append([]string{f.host.ID, k.m.AccountID}, f.host.GroupIDs...)
	return nil
}

// lookUp reads the passcode that the meeting has or last had.
func (k *checking) lookUp(ctx context.Context) (secret.String, error) {
	if k.remembered != nil {
		return *k.remembered, nil
	}
	p, err := k.w.o.Store.RememberedPasscode(ctx, k.m.AccountID, k.m.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err // not known is not the same as none
	}
	k.remembered = &p.Value
	return p.Value, nil
}

// lookForEvidence reads who turned settings on that may have put the passcode
// there: not after it was seen for the first time.
func (k *checking) lookForEvidence(ctx context.Context) error {
	if k.evidence != nil || len(k.levels) == 0 {
		return nil
	}
	changes, err := k.w.o.Store.TurnedOn(ctx, k.m.AccountID, k.levels, evidenceWithin)
	if err != nil {
		return err
	}
	k.evidence = []passcode.PastChange{}
	for _, c := range changes {
		key, known := passcode.KeyOf(c.Setting)
		if !known || !k.m.DemandingSince.IsZero() && c.ChangedAt.After(k.m.DemandingSince.Add(time.Minute)) {
			continue
		}
		k.evidence = append(k.evidence, passcode.PastChange{Key: key, Level: c.Level, By: c.LevelID, ByName: c.LevelName,
			Lock: c.What == store.ChangedLock, Who: c.ChangedBy, At: c.ChangedAt, Until: c.Until})
	}
	return nil
}

// evidenceWithin is how far back a change of a setting still explains a passcode.
const evidenceWithin = 90 * 24 * time.Hour
