package reconcile

import (
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/testenv"
	"latchkey/internal/zoom"
)

// Zoom refuses the list of users (not for want of a right): it is not asked again at
// each look, which is every two seconds and worker, and a sweep that needs no such list is
// not kept waiting by the one that does.
func TestAListOfUsersThatZoomRefusesHoldsNoSweepUp(t *testing.T) {
	t.Parallel()
	f := &fakeZoom{settings: unlocked(), usersErr: &zoom.Error{Kind: zoom.KindInvalid, Op: "GET /users", Message: "Invalid field"}}
	w, url := newWorker(t, f)
	testenv.Exec(t, url, `INSERT INTO hosts (host_id, account_id, email, read_at) VALUES ('host', 'acc', 'host@example.com', now())`)
	all, _, err := w.o.Store.AskSweep(t.Context(), "acc", passcode.LevelAccount, "acc")
	if err != nil {
		t.Fatal(err)
	}
	one, _, err := w.o.Store.AskSweep(t.Context(), "acc", passcode.LevelHost, "host")
	if err != nil {
		t.Fatal(err)
	}
	for range 20 { // looks; what is marked is read in between
		if _, err := w.sweepAsAsked(t.Context()); err != nil {
			t.Fatal(err)
		}
		testenv.Exec(t, url, `UPDATE hosts SET due_at = NULL, read_at = now()`)
	}
	if n := f.times("ListUsers"); n > 5 {
		t.Errorf("users were asked for %d times in 20 looks, none of it counted", n)
	}
	if p, err := w.o.Store.RoundProgress(t.Context(), all.ID); err != nil || p.EndedAt.IsZero() || p.UsersWhy == "" {
		t.Errorf("the account's sweep never ends, although its only host is read: %+v, %v", p.Round, err)
	}
	if p, err := w.o.Store.RoundProgress(t.Context(), one.ID); err != nil || p.EndedAt.IsZero() {
		t.Errorf("the host's sweep never begins behind it: %+v, %v", p.Round, err)
	}
}
