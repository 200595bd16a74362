package store

import (
	"fmt"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// Every host that a sweep marked could not be read (Zoom answers 500) and waits for
// its next attempt: the sweep is not over, and none of it was "swept".
func TestASweepIsNotOverWhileItsHostsAreToBeTriedAgain(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "h", "acc")
	exec(t, s, `UPDATE hosts SET swept_at = now() - interval '1 minute'`)
	r, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelHost, "h")
	noError(t, err)
	how := Sweep{Age: 6 * time.Hour, Limit: 100}
	if n := sweepOn(t, s, how); n != 1 {
		t.Fatalf("%d hosts", n)
	}
	// What a check that fails leaves behind (seen with `latchkey sim` and a fault of status 500).
	exec(t, s, `UPDATE hosts SET attempts = 4, last_error = 'HTTP 500', due_at = now() + interval '8 seconds'`)
	sweepOn(t, s, how)
	p, err := s.RoundProgress(t.Context(), r.ID)
	noError(t, err)
	if !p.EndedAt.IsZero() {
		t.Errorf("the sweep ended as done, and its only host was never read")
	}
	if p.HostsWaiting != 1 {
		t.Errorf("%d hosts wait to be read, want 1", p.HostsWaiting)
	}
	// It is not waited for for ever.
	exec(t, s, `UPDATE hosts SET attempts = 7`)
	sweepOn(t, s, how)
	if p, err = s.RoundProgress(t.Context(), r.ID); err != nil || p.EndedAt.IsZero() || p.Failed != 1 {
		t.Errorf("%+v %v", p, err)
	}
}

// The first sweep of an account that has meetings: reading a host finds them. They
// are not read yet when the hosts are: the sweep is not over, and reading them is part of
// what it may cost a day.
func TestASweepIsNotOverBeforeTheMeetingsThatItFoundAreRead(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "h", "acc")
	exec(t, s, `UPDATE hosts SET swept_at = now() - interval '1 minute'`)
	r, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelHost, "h")
	noError(t, err)
	how := Sweep{Age: 6 * time.Hour, Limit: 100, CallsPerDay: 1000}
	sweepOn(t, s, how)
	claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Minute)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	var d HostDone
	for i := range 20 {
		d.Listed = append(d.Listed, Listed{ID: int64(1000 + i), UUID: fmt.Sprint(i), Type: passcode.TypeScheduled, Starts: time.Now().Add(30 * time.Hour), Ends: time.Now().Add(31 * time.Hour)})
	}
	found, _, err := s.CompleteHost(t.Context(), claims[0], d)
	if err != nil || found != 20 {
		t.Fatalf("%d found, %v", found, err)
	}
	sweepOn(t, s, how)
	p, err := s.RoundProgress(t.Context(), r.ID)
	noError(t, err)
	if !p.EndedAt.IsZero() {
		t.Errorf("the sweep ended as done before any of the 20 meetings was read that it found")
	}
	if want := hostCalls + 20; p.SpentToday < want {
		t.Errorf("%d calls are counted for today, want %d: a meeting costs 1 (docs/quota.md)", p.SpentToday, want)
	}
}

// A sweep of one host does not wait behind the account's, nor for the next day's calls.
func TestASweepOfOneHostWaitsForNoOther(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 30 {
		addHost(t, s, fmt.Sprint("h", i), "acc")
	}
	exec(t, s, `UPDATE hosts SET swept_at = now() - interval '1 minute'`)
	how := Sweep{Age: 6 * time.Hour, Limit: 10, CallsPerDay: 60}
	all, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelAccount, "acc")
	noError(t, err)
	sweepOn(t, s, how) // the day's calls are spent
	one, _, err := s.AskSweep(t.Context(), "acc", passcode.LevelHost, "h29")
	noError(t, err)
	sweepOn(t, s, how)
	p, err := s.RoundProgress(t.Context(), one.ID)
	if err != nil || p.Hosts != 1 || p.HostsWaiting != 1 || p.Done() != 0 {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := s.RoundProgress(t.Context(), all.ID); err != nil || p.Hosts < 10 || p.Done() != 0 || p.AllHosts != 30 {
		t.Errorf("%+v %v", p, err)
	}
	readAll(t, s)
	sweepOn(t, s, how)
	if p, err := s.RoundProgress(t.Context(), one.ID); err != nil || p.EndedAt.IsZero() || p.Done() != hostCalls {
		t.Errorf("%+v %v", p, err)
	}
	if p, err := s.RoundProgress(t.Context(), all.ID); err != nil || !p.EndedAt.IsZero() || p.Done() != p.Calls || p.CallsToCome == 0 {
		t.Errorf("%+v %v", p, err)
	}
}
