package reconcile

import (
	"context"
	"log/slog"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// checkDueHosts takes hosts that are new or whose settings changed: it reads and
// foretells, and lists their upcoming meetings, so that meetings nobody ever
// told of are found too.
func (w *Worker) checkDueHosts(ctx, hard context.Context) (bool, error) {
	return claimed(ctx, w.hostPool, func(ctx context.Context, limit int) ([]store.HostClaim, error) {
		return w.o.Store.ClaimHosts(ctx, w.o.Name, limit, w.o.Lease)
	}, func(c store.HostClaim) {
		log := w.o.Logger.With("host_id", c.Host.ID, "account_id", c.Host.AccountID, "attempt", c.Host.Attempts+1)
		w.withLease(hard, c.Lease, log, c.Host.Attempts, func(ctx context.Context) error { return w.checkHost(ctx, c, log) })
		w.hosts.wake() // a place is free
	})
}

func (w *Worker) checkHost(ctx context.Context, c store.HostClaim, log *slog.Logger) error {
	api, governed := w.o.Zoom(c.Host.AccountID)
	if !governed {
		_, err := w.o.Store.CompleteHost(ctx, c, nil)
		return err
	}
	// Foretell, and align where the policy says so. A host whose settings this app
	// may not read, or who left, still has meetings to list.
	h, known, err := w.host(ctx, api, c.Host.AccountID, c.Host.ID)
	if err == nil && w.o.Rule(who(h)).AlignHosts {
		var changed bool
		if changed, err = w.align(ctx, api, h, known, log); changed && err == nil {
			_, _, err = w.host(ctx, api, c.Host.AccountID, c.Host.ID)
		}
	}
	if a := classify(err); err != nil && a != actPerson && a != actGone {
		return err
	} else if err != nil {
		log.Warn("a host's settings cannot be read", "error", err)
	}
	rows, err := api.ListUpcomingMeetings(ctx, c.Host.ID)
	if isGone(err) {
		rows, err = nil, nil // the host left; so did their meetings
	}
	if err != nil {
		return err
	}
	listed := make([]store.Listed, 0, len(rows))
	for _, r := range rows {
		if r.ID == 0 {
			continue
		}
		listed = append(listed, store.Listed{ID: int64(r.ID), UUID: clean(r.UUID), Topic: clean(r.Topic), Type: meetingType(r.Type),
			Start: r.StartTime.Time, Ends: endsOf(r)})
	}
	found, err := w.o.Store.CompleteHost(ctx, c, listed)
	if err != nil {
		return err
	}
	log.Info("listed a host's upcoming meetings", "listed", len(listed), "not_known_before", found)
	return nil
}

// endsOf leaves a series open-ended: a list row shows one of its dates only.
func endsOf(r zoom.ListedMeeting) (ends time.Time) {
	if t := passcode.MeetingType(r.Type); t == passcode.TypeRecurring || t == passcode.TypeRecurringNoTime {
		return ends
	}
	return zoom.Ends(r.StartTime, r.Duration, nil)
}
