package reconcile

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/work"
	"latchkey/internal/zoom"
)

// scripted is a Zoom with one meeting. Each read and each change answers by the
// next line of its script; when that is used up, truly.
type scripted struct {
	fakeZoom
	mu      sync.Mutex
	m       zoom.Meeting
	gets    []reply
	patches []reply
	asked   []zoom.MeetingPatch // every change that was asked for
	// saidGone: an event said that the meeting was deleted.
	saidGone bool
	// seen is the meeting as it was last shown to the caller; nil when never.
	seen *zoom.Meeting
}

// reply is one line of a script: what Zoom makes of the meeting, and what it says.
type reply struct {
	name string
	do   func(m *zoom.Meeting, p zoom.MeetingPatch) // nil: nothing
	err  error
	show func(m zoom.Meeting) zoom.Meeting // of a read: what is shown; nil: the truth
	die  bool                              // the caller dies before it hears
}

// died stands for a worker that is gone: nothing after it is done. Every unit of
// work has a barrier against panics, so the test itself goes on.
const died = "panic: the worker died"

func (s *scripted) GetMeeting(context.Context, zoom.MeetingID) (zoom.Meeting, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := next(&s.gets)
	if r.die {
		panic(died)
	}
	if r.err != nil {
		return zoom.Meeting{}, r.err
	}
	shown := s.m
	if r.show != nil {
		shown = r.show(shown)
	}
	s.seen = &shown
	return shown, nil
}

func (s *scripted) PatchMeeting(_ context.Context, _ zoom.MeetingID, p zoom.MeetingPatch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, p)
	r := next(&s.patches)
	if r.do != nil {
		r.do(&s.m, p)
	} else if r.name == "" {
		obey(&s.m, p)
	}
	if r.die {
		panic(died)
	}
	return r.err
}

func next(script *[]reply) (r reply) {
	if len(*script) > 0 {
		r, *script = (*script)[0], (*script)[1:]
	}
	return r
}

// obey does what a change asks for.
func obey(m *zoom.Meeting, p zoom.MeetingPatch) {
	if p.Password != nil {
		m.Password = *p.Password
		m.EncryptedPassword = *p.Password
	}
	if p.WaitingRoom != nil {
		on := *p.WaitingRoom
		m.Settings.WaitingRoom = &on
	}
}

// isOpen says whether a meeting has no security option.
func isOpen(m zoom.Meeting) bool {
	return m.Password == "" && m.EncryptedPassword == "" && !isTrue(m.Settings.WaitingRoom) && !isTrue(m.Settings.MeetingAuthentication)
}

const meetingID = 85746065432

// patient is a worker on a database with one meeting of host "host", which Zoom
// has as s, with a passcode that is known.
func patient(t *testing.T, s *scripted) (*Worker, string) {
	t.Helper()
	on := true
	if s.m.ID == 0 {
		s.m = zoom.Meeting{ID: meetingID, HostID: "host", Type: 2, Status: "waiting", StartTime: zoom.Time{Time: time.Now().Add(48 * time.Hour)}, Duration: 60,
			Password: "old-1", EncryptedPassword: "x"}
		s.m.Settings.WaitingRoom = &on
	}
	if s.settings.Values == (passcode.Values{}) {
		s.settings = unlocked()
		s.settings.Values[passcode.KeyPasscode], s.settings.Values[passcode.KeyWaitingRoom] = passcode.On, passcode.On
	}
	w, url := newWorker(t, s)
	run(t, url, fmt.Sprintf(`INSERT INTO meetings (meeting_id, account_id, host_id, type, start_time, due_at, due_why, generation, must_read)
		VALUES (%d, 'acc', 'host', 2, now() + interval '2 days', now(), 'test', 1, true)`, meetingID))
	return w, url
}

// conns keeps one connection for each test database: a new one for each
// statement would take most of the time.
var conns sync.Map

// run executes statements that return nothing.
func run(t testing.TB, url, sql string) {
	t.Helper()
	c, ok := conns.Load(url)
	if !ok {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		conns.Store(url, conn)
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		c = conn
	}
	if _, err := c.(*pgx.Conn).PgConn().Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// proxied puts a proxy before the database.
func proxied(t testing.TB, url string) (*testenv.Proxy, string) { return testenv.ProxyURL(t, url) }

// waitForChange gives others a moment of real time: what is waited for is a
// lease in the database, whose clock nobody controls.
func waitForChange(t testing.TB) {
	t.Helper()
	work.Pause(t.Context(), 20*time.Millisecond)
}

// checkNow claims the meeting, whenever it is due, and checks it as the worker
// does; a worker that dies leaves its lease, which is then over.
func checkNow(t testing.TB, w *Worker, url string) {
	t.Helper()
	run(t, url, `UPDATE meetings SET due_at = now(), lease_until = NULL, lease_owner = NULL`)
	claims, err := w.o.Store.ClaimMeetings(t.Context(), "w", 1, w.o.Lease)
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	c := claims[0]
	w.underLease(t.Context(), c.Lease, "acc", w.o.Logger, func(ctx context.Context) error { return w.check(ctx, c, w.o.Logger) })
}

// meetingOf is the meeting's row, and its repairs, oldest first.
func meetingOf(t testing.TB, w *Worker) (store.Meeting, []store.Repair) {
	t.Helper()
	st, err := w.o.Store.Story(t.Context(), "", meetingID)
	if err != nil {
		t.Fatal(err)
	}
	return st.Meeting, st.Repairs
}

// alertsOf lists the types of the alerts so far, oldest first.
func alertsOf(t testing.TB, w *Worker) (all []string) {
	t.Helper()
	if _, err := w.o.Store.PublishAlerts(t.Context(), 1000, func(_ context.Context, a store.Alert) error {
		all = append(all, a.Type)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// The lines that scripts are made of.

func says(kind zoom.Kind, message string) reply {
	return reply{name: string(kind), err: &zoom.Error{Kind: kind, Op: zoom.CallPatchMeeting, Message: message}}
}

func saysOnRead(kind zoom.Kind) reply {
	return reply{name: string(kind), err: &zoom.Error{Kind: kind, Op: zoom.CallGetMeeting, Message: "no"}}
}

func does(name string, do func(*zoom.Meeting, zoom.MeetingPatch)) reply {
	return reply{name: name, do: do}
}

var (
	yesAndNothing = reply{name: "answers yes and does nothing"}
	yesButOpen    = does("answers yes and drops the waiting room", func(m *zoom.Meeting, p zoom.MeetingPatch) {
		obey(m, p)
		off := false
		m.Settings.WaitingRoom = &off
	})
	yesButAnother = does("answers yes and makes another passcode", func(m *zoom.Meeting, p zoom.MeetingPatch) {
		obey(m, p)
		m.Password, m.EncryptedPassword = "zooms-2", "x"
	})
	lostAnswer = reply{name: "does it and the answer is lost", do: obey, err: &zoom.Error{Kind: zoom.KindTransport, Op: zoom.CallPatchMeeting}}
	hidden     = reply{name: "does not reveal the passcode", show: func(m zoom.Meeting) zoom.Meeting { m.Password = secret.String(""); return m }}
)
