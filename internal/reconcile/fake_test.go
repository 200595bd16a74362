package reconcile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoom"
)

// fakeZoom is one account at Zoom with one host, whose settings it keeps. It
// counts the calls by name.
type fakeZoom struct {
	mu       sync.Mutex
	calls    map[string]int
	settings zoom.Settings
	patched  []passcode.Values
	// patch, when not nil, answers a PATCH of the settings instead: it says
	// whether Zoom does it, and what the caller gets to hear.
	patch func(n int) (done bool, err error)
	// What else Zoom has and answers.
	user                                                       zoom.User
	groupLocks                                                 zoom.Settings
	listed                                                     []zoom.ListedMeeting
	scopes                                                     []string
	users                                                      []zoom.User
	usersErr                                                   error
	licensed                                                   int // 0 means 2
	userErr, listErr, groupErr, nameErr, accountErr, scopesErr error
	// during, when not nil, is called within each call, with its name.
	during func(call string)
	// accountLocks, when not nil, are the account's; what it does not name is not
	// locked.
	accountLocks *zoom.Settings
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
	n := f.calls[name]
	if during := f.during; during != nil {
		f.mu.Unlock()
		during(name)
		f.mu.Lock()
	}
	return n
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

func (f *fakeZoom) GetOccurrence(context.Context, zoom.MeetingID, string) (zoom.Meeting, error) {
	f.called("GetOccurrence")
	return zoom.Meeting{}, errNotFaked
}

func (f *fakeZoom) PatchMeeting(context.Context, zoom.MeetingID, zoom.MeetingPatch) error {
	f.called("PatchMeeting")
	return errNotFaked
}

func (f *fakeZoom) GetUser(context.Context, string) (zoom.User, error) {
	f.called("GetUser")
	if f.user.ID != "" || f.userErr != nil {
		return f.user, f.userErr
	}
	return zoom.User{Email: "host@example.com"}, nil
}

func (f *fakeZoom) GetUserSettings(ctx context.Context, _ string) (zoom.Settings, error) {
	f.called("GetUserSettings")
	if f.reading != nil {
		f.reading()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settings, ctx.Err()
}

func (f *fakeZoom) GetUserSecurity(ctx context.Context, id string) (zoom.Settings, error) {
	return f.GetUserSettings(ctx, id)
}

func (f *fakeZoom) ListUpcomingMeetings(context.Context, string) ([]zoom.ListedMeeting, error) {
	f.called("ListUpcomingMeetings")
	return f.listed, f.listErr
}

func (f *fakeZoom) PatchUserSettings(_ context.Context, _ string, v passcode.Values) error {
	n := f.called("PatchUserSettings")
	f.mu.Lock()
	defer f.mu.Unlock()
	f.patched = append(f.patched, v)
	done, err := true, error(nil)
	if f.patch != nil {
		done, err = f.patch(n)
	}
	if done {
		for k, to := range v {
			if to != passcode.Unknown {
				f.settings.Values[k] = to
			}
		}
	}
	return err
}

func (f *fakeZoom) GetGroupLocks(context.Context, string) (zoom.Settings, error) {
	f.called("GetGroupLocks")
	return f.groupLocks, f.groupErr
}

func (f *fakeZoom) GetGroupSettings(context.Context, string) (zoom.Settings, error) {
	f.called("GetGroupSettings")
	return f.settings, nil
}

func (f *fakeZoom) GetAccountLocks(context.Context, string) (zoom.Settings, error) {
	f.called("GetAccountLocks")
	if f.accountErr != nil {
		return zoom.Settings{}, f.accountErr
	}
	locks := unlocked()
	if f.accountLocks != nil {
		for k, v := range f.accountLocks.Values {
			if v != passcode.Unknown {
				locks.Values[k] = v
			}
		}
	}
	return locks, nil
}

func (f *fakeZoom) GetAccountSettings(context.Context, string) (zoom.Settings, error) {
	f.called("GetAccountSettings")
	return f.settings, nil
}

func (f *fakeZoom) ListUsers(context.Context) ([]zoom.User, int, error) {
	f.called("ListUsers")
	return f.users, 1, f.usersErr
}

func (f *fakeZoom) CountLicensed(context.Context) (int, error) {
	f.called("CountLicensed")
	if f.licensed == 0 {
		return 2, nil
	}
	return f.licensed, nil
}

func (f *fakeZoom) GetGroup(_ context.Context, id string) (zoom.Group, error) {
	f.called("GetGroup")
	if f.nameErr != nil {
		return zoom.Group{}, f.nameErr
	}
	return zoom.Group{ID: id, Name: "Sales"}, nil
}

func (f *fakeZoom) Scopes(context.Context) ([]string, error) {
	f.called("Scopes")
	return f.scopes, f.scopesErr
}

// unlocked is a lock answer in which nothing is.
func unlocked() zoom.Settings {
	var s zoom.Settings
	for i := range s.Values {
		s.Values[i] = passcode.Off
	}
	return s
}

// passcodesOn are a host's settings with both settings on that align turns off.
func passcodesOn() zoom.Settings {
	s := unlocked()
	s.Values[passcode.KeyPasscode], s.Values[passcode.KeyScheduled], s.Values[passcode.KeyWaitingRoom] = passcode.On, passcode.On, passcode.On
	return s
}

// told is an error of Zoom's.
func told(kind zoom.Kind) error {
	return &zoom.Error{Kind: kind, Op: "PATCH /users/{userId}/settings", Message: fmt.Sprintf("it is %s", kind)}
}

func TestMain(m *testing.M) { os.Exit(testenv.Main(m)) }

func migrate(ctx context.Context, url string) error {
	_, err := store.Migrate(ctx, url)
	return err
}

// newWorker is a worker of account "acc" on a database of its own.
func newWorker(t *testing.T, api Zoom) (*Worker, string) {
	t.Helper()
	url := testenv.PostgresURLFrom(t, "migrated", migrate)
	s, err := store.Open(url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return New(Options{Store: s, Logger: slog.New(slog.DiscardHandler), Accounts: []string{"acc"}, Policies: func() string { return "all" },
		Zoom: func(account string) (Zoom, bool) { return api, account == "acc" },
		Rule: func(Who) Rule {
			return Rule{Policy: passcode.Policy{Mode: passcode.ModeWaitingRoom, Fingerprint: "one"}}
		},
		Publish: func(context.Context, store.Alert) error { return nil }}), url
}

// withHost is a worker on a database with host "host" of account "acc", to be
// read, which Zoom has as f.
func withHost(t *testing.T, f *fakeZoom) *Worker {
	t.Helper()
	w, url := newWorker(t, f)
	testenv.Exec(t, url, `INSERT INTO hosts (host_id, account_id) VALUES ('host', 'acc')`)
	return w
}

// settingsOf reads the host as a check does.
func settingsOf(t *testing.T, w *Worker, f *fakeZoom) (store.Host, passcode.Host) {
	t.Helper()
	facts, err := w.hostFacts(t.Context(), f, "acc", "host")
	if err != nil {
		t.Fatal(err)
	}
	return facts.host, facts.known
}

func alignments(t *testing.T, w *Worker) []store.Alignment {
	t.Helper()
	all, err := w.o.Store.Alignments(t.Context(), "acc", "host")
	if err != nil {
		t.Fatal(err)
	}
	return all
}
