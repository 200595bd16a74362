package reconcile

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// fakeZoom is one account at Zoom with one host, whose settings it keeps. It
// counts the calls by name.
type fakeZoom struct {
	mu       sync.Mutex
	calls    map[string]int
	settings zoom.Security
	patched  []zoom.Security
	// patch, when not nil, answers a PATCH of the settings instead: it says
	// whether Zoom does it, and what the caller gets to hear.
	patch func(n int) (done bool, err error)
	// reading, when not nil, is called while the host's settings are read.
	reading func()
}

var _ Zoom = (*fakeZoom)(nil)

func (f *fakeZoom) called(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls == nil {
		f.calls = map[string]int{}
	}
	f.calls[name]++
	return f.calls[name]
}

// times gives how often that was called, or everything together for "".
func (f *fakeZoom) times(name string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if name != "" {
		return f.calls[name]
	}
	sum := 0
	for _, n := range f.calls {
		sum += n
	}
	return sum
}

var errNotFaked = errors.New("this call is not part of the test")

func (f *fakeZoom) GetMeeting(context.Context, zoom.MeetingID) (zoom.Meeting, error) {
	f.called("GetMeeting")
	return zoom.Meeting{}, errNotFaked
}

func (f *fakeZoom) PatchMeeting(context.Context, zoom.MeetingID, zoom.MeetingPatch) error {
	f.called("PatchMeeting")
	return errNotFaked
}

func (f *fakeZoom) GetUser(context.Context, string) (zoom.User, error) {
	f.called("GetUser")
	return zoom.User{Email: "host@example.com"}, nil
}

func (f *fakeZoom) GetUserSettings(ctx context.Context, _ string) (zoom.Security, error) {
	f.called("GetUserSettings")
	if f.reading != nil {
		f.reading()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, ctx.Err()
}

func (f *fakeZoom) ListUpcomingMeetings(context.Context, string) ([]zoom.ListedMeeting, error) {
	f.called("ListUpcomingMeetings")
	return nil, nil
}

func (f *fakeZoom) PatchUserSettings(_ context.Context, _ string, s zoom.Security) error {
	n := f.called("PatchUserSettings")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.patched = append(f.patched, s)
	done, err := true, error(nil)
	if f.patch != nil {
		done, err = f.patch(n)
	}
	if done {
		if s.Passcode != nil {
			f.settings.Passcode = s.Passcode
		}
		if s.Scheduled != nil {
			f.settings.Scheduled = s.Scheduled
		}
	}
	return err
}

func (f *fakeZoom) GetGroupLocks(context.Context, string) (zoom.Security, error) {
	f.called("GetGroupLocks")
	return zoom.Security{}, errNotFaked
}

func (f *fakeZoom) GetGroupSettings(context.Context, string) (zoom.Security, error) {
	f.called("GetGroupSettings")
	return zoom.Security{}, errNotFaked
}

func (f *fakeZoom) GetAccountLocks(context.Context, string) (zoom.Security, error) {
	f.called("GetAccountLocks")
	return unlocked(), nil
}

func (f *fakeZoom) GetAccountSettings(context.Context, string) (zoom.Security, error) {
	f.called("GetAccountSettings")
	return zoom.Security{}, errNotFaked
}

func (f *fakeZoom) CountLicensed(context.Context) (int, error) {
	f.called("CountLicensed")
	return 2, nil
}

// unlocked is a lock answer in which nothing is.
func unlocked() zoom.Security {
	no := false
	return zoom.Security{Passcode: &no, PMI: &no, WaitingRoom: &no, AutoSecurity: &no, Phone: &no, Embed: &no, Authentication: &no}
}

// passcodesOn are a host's settings with both settings on that align turns off.
func passcodesOn() zoom.Security {
	yes, no := true, false
	return zoom.Security{Passcode: &yes, Scheduled: &yes, PMI: &no, WaitingRoom: &yes, AutoSecurity: &no, Authentication: &no}
}

// told is an error of Zoom's.
func told(kind zoom.Kind) error {
	return &zoom.Error{Kind: kind, Op: "PATCH /users/{userId}/settings", Message: fmt.Sprintf("it is %s", kind)}
}

// withHost is a worker on a database with host "host" of account "acc", to be
// read anew, which Zoom has as f.
func withHost(t *testing.T, f *fakeZoom) *Worker {
	t.Helper()
	w := intakeWorker(t)
	w.o.Zoom = func(account string) (Zoom, bool) { return f, account == "acc" }
	if err := w.o.Store.SaveHost(t.Context(), store.Host{ID: "host", AccountID: "acc"}, 0); err != nil {
		t.Fatal(err)
	}
	return w
}

// settingsOf reads the host as a check does.
func settingsOf(t *testing.T, w *Worker, f *fakeZoom) (store.Host, passcode.Host) {
	t.Helper()
	h, known, err := w.host(t.Context(), f, "acc", "host")
	if err != nil {
		t.Fatal(err)
	}
	return h, known
}

func alignments(t *testing.T, w *Worker) []store.Alignment {
	t.Helper()
	all, err := w.o.Store.Alignments(t.Context(), "host")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// tick is a clock that moves on with each look at it.
func tick() func() time.Time {
	var mu sync.Mutex
	now := time.Now().Truncate(time.Millisecond)
	return func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
}
