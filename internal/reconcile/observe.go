package reconcile

import (
	"context"
	"errors"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// How long to wait before looking again for a fact that could not be had.
const (
	blindShort = time.Minute
	blindLong  = time.Hour // a scope is missing: a person must act first
)

// readMeeting asks Zoom for the meeting. A meeting that Zoom does not know is
// no error: it is gone.
func (k *checking) readMeeting(ctx context.Context) error {
	k.calls++
	at := k.w.o.Now()
	got, err := k.api.GetMeeting(ctx, zoom.MeetingID(k.m.ID))
	switch {
	case isGone(err):
		k.gone()
		return nil
	case err != nil:
		return err
	}
	k.see(got, at)
	return nil
}

// see takes what Zoom answered as the meeting's state at that moment.
func (k *checking) see(got zoom.Meeting, at time.Time) {
	m := &k.m
	m.HostID, m.UUID, m.Topic, m.Type = clean(got.HostID), clean(got.UUID), clean(got.Topic), meetingType(got.Type)
	m.Start = got.StartTime.Time
	if ends := zoom.Ends(got.StartTime, got.Duration, got.Occurrences); !ends.IsZero() || passcode.MeetingType(got.Type) != passcode.TypeInstant {
		m.Ends = ends
	}
	m.UsesPMI = got.Settings.UsePMI
	m.Status = passcode.StatusScheduled
	if got.Status == "started" {
		m.Status = passcode.StatusStarted
	}
	value := got.Password.Reveal()
	m.Passcode = passcode.ToggleOf(value != "" || got.EncryptedPassword.Reveal() != "")
	m.PasscodeReadable = value != ""
	m.WaitingRoom = passcode.ToggleFrom(got.Settings.WaitingRoom)
	m.Authentication = passcode.ToggleFrom(got.Settings.MeetingAuthentication)
	m.LinkHasPasscode = passcode.ToggleOf(got.LinkHasPasscode())
	m.PhonePasscode = passcode.ToggleOf(got.PhonePasscode.Reveal() != "")
	m.ObservedAt, m.MustRead = at, false
	k.passcode = &value
}

// learnHost learns the settings that hold for the host: from the database while
// they are fresh, else from Zoom.
func (k *checking) learnHost(ctx context.Context) error {
	k.asked = true
	if k.m.HostID == "" {
		k.blindFor = blindShort
		return nil
	}
	host, known, err := k.w.host(ctx, k.api, k.m.AccountID, k.m.HostID)
	if err != nil {
		if classify(err) == actPerson || classify(err) == actGone {
			// The verdict must do without: it says so, and patches nothing.
			k.log.Error("the host's settings cannot be read", "host_id", k.m.HostID, "error", err)
			k.blindFor = blindLong
			return nil
		}
		return err
	}
	k.host, k.heldUntil, k.blindFor = known, host.HeldUntil, blindLong
	k.rule = k.w.o.Rule(who(host))
	if k.passcode == nil && !k.m.MustRead && k.rule.Policy.Mode == passcode.ModeKnownPasscode {
		plain := k.plainPasscode(ctx)
		if plain != "" || k.m.Passcode == passcode.Off {
			k.passcode = &plain
		}
	}
	return nil
}

func who(h store.Host) Who {
	return Who{AccountID: h.AccountID, HostID: h.ID, Email: h.Email, Groups: h.GroupIDs}
}

// host gives the settings that hold for a host, read at most SettingsTTL ago
// and not known to have changed since, and foretells from them.
func (w *Worker) host(ctx context.Context, api Zoom, accountID, hostID string) (store.Host, passcode.Host, error) {
	var none passcode.Host
	h, err := w.o.Store.Host(ctx, hostID)
	if errors.Is(err, store.ErrNotFound) {
		h = store.Host{ID: hostID, AccountID: accountID}
	} else if err != nil {
		return h, none, err
	}
	if !w.fresh(h.ReadAt) {
		if h, err = once(w, ctx, "host "+hostID, func(ctx context.Context) (store.Host, error) { return w.readHost(ctx, api, h) }); err != nil {
			return h, none, err
		}
	}
	account, err := w.level(ctx, accountID, w.o.Store.Account, func(ctx context.Context) (store.Level, error) { return w.readAccount(ctx, api, accountID) })
	if err != nil {
		return h, none, err
	}
	var groups []passcode.Locks
	for _, id := range h.GroupIDs {
		g, err := w.level(ctx, id, w.o.Store.Group, func(ctx context.Context) (store.Level, error) { return w.readGroup(ctx, api, accountID, id) })
		if err != nil {
			return h, none, err
		}
		groups = append(groups, locks(g))
	}
	known := passcode.Effective(account.Plan, passcode.User{Values: h.Settings, Requirement: h.Requirement, Seen: h.ReadAt}, locks(account), groups)
	return h, known, w.foretell(ctx, h, known)
}

func locks(l store.Level) passcode.Locks {
	return passcode.Locks{ID: l.ID, Values: l.Locks, Fixed: l.Fixed, Known: !l.ReadAt.IsZero()}
}

func (w *Worker) fresh(at time.Time) bool {
	return !at.IsZero() && w.o.Now().Sub(at) < w.o.SettingsTTL
}

// readHost reads a host's groups and settings and keeps them.
func (w *Worker) readHost(ctx context.Context, api Zoom, h store.Host) (store.Host, error) {
	at := w.o.Now()
	u, err := api.GetUser(ctx, h.ID)
	if err != nil {
		return h, err
	}
	s, err := api.GetUserSettings(ctx, h.ID)
	if err != nil {
		return h, err
	}
	h.Email, h.Settings, h.ReadAt = clean(u.Email), values(s), at
	if s.Requirement != nil {
		h.Requirement = passcode.Requirement(*s.Requirement)
	}
	h.GroupIDs = nil
	for _, g := range u.GroupIDs {
		h.GroupIDs = append(h.GroupIDs, clean(g))
	}
	return h, w.o.Store.SaveHost(ctx, h, h.Generation)
}

// level gives an account's or group's locks, from the database while fresh. A
// level whose locks this app may not read is not known; that is no error.
func (w *Worker) level(ctx context.Context, id string, stored func(context.Context, string) (store.Level, error), read func(context.Context) (store.Level, error)) (store.Level, error) {
	l, err := stored(ctx, id)
	if err != nil || w.fresh(l.ReadAt) {
		return l, err
	}
	l, err = once(w, ctx, "level "+id, read)
	if a := classify(err); err != nil && (a == actPerson || a == actGone) {
		w.o.Logger.Error("locks cannot be read; what they lock is not known", "level_id", id, "error", err)
		return store.Level{ID: id}, nil
	}
	return l, err
}

func (w *Worker) readAccount(ctx context.Context, api Zoom, id string) (store.Level, error) {
	l := store.Level{ID: id, ReadAt: w.o.Now(), Plan: passcode.PlanPaid}
	s, err := api.GetAccountLocks(ctx, id)
	if zoom.KindOf(err) == zoom.KindPaidOnly {
		// Only a free account has no lock settings (openapi/accounts.json).
		l.Plan, err = passcode.PlanFree, nil
		return l, w.o.Store.SaveAccount(ctx, l)
	}
	if err != nil {
		return l, err
	}
	l.Locks = lockValues(s)
	if l.Fixed, err = w.fixed(ctx, l.Locks, id, api.GetAccountSettings); err != nil {
		return l, err
	}
	// Business and larger plans have ten licences at least: one licensed user
	// means a Pro account with one host, which always has passcodes on (FACTS
	// section 3 [D]; that one licence means Pro is [I]).
	if n, err := api.CountLicensed(ctx); err == nil && n == 1 {
		l.Plan = passcode.PlanProSingleHost
	} else if err != nil && classify(err) != actPerson {
		return l, err
	}
	return l, w.o.Store.SaveAccount(ctx, l)
}

func (w *Worker) readGroup(ctx context.Context, api Zoom, accountID, id string) (store.Level, error) {
	l := store.Level{ID: id, ReadAt: w.o.Now()}
	s, err := api.GetGroupLocks(ctx, id)
	if err != nil {
		return l, err
	}
	l.Locks = lockValues(s)
	if l.Fixed, err = w.fixed(ctx, l.Locks, id, api.GetGroupSettings); err != nil {
		return l, err
	}
	return l, w.o.Store.SaveGroup(ctx, accountID, l)
}

// fixed reads the values that a level's locks fix, if it locks anything. Not
// being allowed to is no error: contradictions are then not seen.
func (w *Worker) fixed(ctx context.Context, locks passcode.Values, id string, read func(context.Context, string) (zoom.Security, error)) (passcode.Values, error) {
	locksAny := false
	locks.Named(func(_ string, v passcode.Toggle) { locksAny = locksAny || v == passcode.On })
	if !locksAny {
		return passcode.Values{}, nil
	}
	s, err := read(ctx, id)
	if a := classify(err); err != nil && (a == actPerson || a == actGone) {
		return passcode.Values{}, nil
	}
	return values(s), err
}

// lockValues reads a lock answer. The settings for already scheduled meetings
// and for the web client have no lock of their own in Zoom's answers (openapi:
// lock settings).
func lockValues(s zoom.Security) passcode.Values {
	v := values(s)
	for _, none := range []*passcode.Toggle{&v.Scheduled, &v.WebClient} {
		if *none == passcode.Unknown {
			*none = passcode.Off
		}
	}
	return v
}

// once lets the first of several callers do the reading and gives all of them
// its result. The reading outlives an impatient first caller.
func once[T any](w *Worker, ctx context.Context, key string, read func(context.Context) (T, error)) (T, error) {
	ch := w.flight.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkWithin)
		defer cancel()
		return read(ctx)
	})
	select {
	case r := <-ch:
		v, _ := r.Val.(T)
		return v, r.Err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
