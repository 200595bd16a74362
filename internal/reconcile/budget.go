package reconcile

import (
	"context"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// budget says what a change of the meeting may take of its host's day. Meetings of later
// days leave a part to the host, who may still want to plan today; one that may begin
// before the next day outranks that, and Zoom itself says when nothing is left.
func (k *checking) budget(r passcode.Remedy) store.Budget {
	b := store.Budget{Ahead: k.ahead(), LowAt: zoom.HostBudget - k.w.o.Reserve, Low: alert.BudgetLow}
	zoomsNow := k.now().Add(b.Ahead)
	tomorrow := zoomsNow.UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	if k.w.o.Reserve > 0 && r != passcode.RemedySecure && !k.m.Starts.IsZero() && !k.m.Starts.Add(b.Ahead).Before(tomorrow) {
		b.Most = max(zoom.HostBudget-k.w.o.Reserve, 1) // 0 would be no bound; config takes 99 at most
	}
	return b
}

// ahead is by how much Zoom's clock is ahead of ours.
func (k *checking) ahead() time.Duration {
	if k.w.o.Ahead == nil {
		return 0
	}
	return k.w.o.Ahead(k.m.AccountID)
}

// spent puts the host's day right by what became of a change: one that Zoom did not look
// at cost nothing, and what is left Zoom may have said itself.
func (k *checking) spent(ctx context.Context, patchErr error, left int) error {
	if k.m.HostID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeWithin)
	defer cancel()
	switch a := answerOf(patchErr); {
	case a.kind == zoom.KindHostDay:
		return k.w.o.Store.HostLeft(ctx, k.m.AccountID, k.m.HostID, k.ahead(), 0, zoom.HostBudget)
	case left >= 0:
		return k.w.o.Store.HostLeft(ctx, k.m.AccountID, k.m.HostID, k.ahead(), left, zoom.HostBudget)
	case a.did == notLooked:
		return k.w.o.Store.Refund(ctx, k.m.AccountID, k.m.HostID, k.ahead())
	}
	return nil
}
