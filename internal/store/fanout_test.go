package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// addHost puts in a host that was read a while ago, belongs to these groups and
// is not due.
func addHost(t testing.TB, s *Store, id, account string, groups ...string) {
	t.Helper()
	if groups == nil {
		groups = []string{}
	}
	exec(t, s, `INSERT INTO hosts (host_id, account_id, group_ids, email, read_at) VALUES ($1, $2, $3, $4, now() - interval '1 minute')`, id, account, groups, id+"@example.com")
}

// addQuiet puts in a meeting of the host that is neither due nor to be read.
func addQuiet(t testing.TB, s *Store, id int64, host string) {
	t.Helper()
	addMeeting(t, s, id, host, time.Hour)
	exec(t, s, `UPDATE meetings SET due_at = NULL, due_why = '', must_read = false, attempts = 3,
		account_id = (SELECT account_id FROM hosts WHERE host_id = $2) WHERE meeting_id = $1`, id, host)
}

// marked returns the meetings and hosts that are due and to be read again, after a
// check that no others were touched in any way.
func marked(t testing.TB, s *Store, why string) (meetings []int64, hosts []string) {
	t.Helper()
	const asMarked = `due_at <= now() AND due_why = $1 AND attempts = 0`
	meetings = value[[]int64](t, s, `SELECT coalesce(array_agg(meeting_id ORDER BY meeting_id), '{}') FROM meetings WHERE must_read AND generation = 2 AND `+asMarked, why)
	hosts = value[[]string](t, s, `SELECT coalesce(array_agg(host_id ORDER BY host_id), '{}') FROM hosts WHERE read_at IS NULL AND generation = 1 AND `+asMarked, why)
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE due_at IS NOT NULL OR must_read OR generation <> 1`); n != len(meetings) {
		t.Errorf("%d meetings were touched, %d as they should be", n, len(meetings))
	}
	if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE due_at IS NOT NULL OR read_at IS NULL OR generation <> 0`); n != len(hosts) {
		t.Errorf("%d hosts were touched, %d as they should be", n, len(hosts))
	}
	return meetings, hosts
}

func TestLevelChanged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		level    passcode.Level
		id       string
		meetings []int64
		hosts    []string
		unread   []string // the levels whose locks must be read again
	}{
		{"a group", passcode.LevelGroup, "g1", []int64{10, 11, 12, 16, 20, 50, 60}, []string{"both", "one", "unread"}, []string{"group g1"}},
		{"another group", passcode.LevelGroup, "g2", []int64{20, 50, 60}, []string{"both", "unread"}, []string{"group g2"}},
		{"an account", passcode.LevelAccount, "acc", []int64{10, 11, 12, 16, 20, 30, 50, 60}, []string{"both", "none", "one", "unread"}, []string{"account acc", "group g1", "group g2"}},
		{"a group nobody is in", passcode.LevelGroup, "g9", []int64{50, 60}, []string{"unread"}, []string{"group g9"}},
		{"an account's id is no group's", passcode.LevelGroup, "acc", []int64{50, 60}, []string{"unread"}, []string{"group acc"}},
		{"a group's id is no account's", passcode.LevelAccount, "g1", []int64{}, []string{}, []string{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			for _, id := range []string{"acc", "other"} {
				noError(t, s.SaveAccount(t.Context(), Level{ID: id}, 0, 0))
			}
			for id, account := range map[string]string{"g1": "acc", "g2": "acc", "g3": "other"} {
				noError(t, s.SaveGroup(t.Context(), account, Level{ID: id}, 0, 0))
			}
			addHost(t, s, "one", "acc", "g1")
			addHost(t, s, "both", "acc", "g2", "g1")
			addHost(t, s, "none", "acc")
			addHost(t, s, "else", "other", "g3")
			addHost(t, s, "unread", "acc")
			exec(t, s, `UPDATE hosts SET email = '' WHERE host_id = 'unread'`)
			for id, host := range map[int64]string{10: "one", 11: "one", 12: "one", 13: "one", 14: "one", 15: "one", 16: "one", 20: "both", 30: "none", 40: "else", 50: "unread", 60: "one"} {
				addQuiet(t, s, id, host)
			}
			exec(t, s, `UPDATE meetings SET status = 'started' WHERE meeting_id = 11`)
			exec(t, s, `UPDATE meetings SET start_time = NULL, ends_at = NULL, expires_at = NULL WHERE meeting_id = 12`) // no fixed end
			exec(t, s, `UPDATE meetings SET status = 'deleted' WHERE meeting_id = 13`)
			exec(t, s, `UPDATE meetings SET status = 'ended' WHERE meeting_id = 14`)
			exec(t, s, `UPDATE meetings SET expires_at = now() - interval '1 second' WHERE meeting_id = 15`)
			exec(t, s, `UPDATE meetings SET ends_at = now() - interval '1 hour' WHERE meeting_id = 16`)
			exec(t, s, `UPDATE meetings SET host_id = '' WHERE meeting_id = 60`) // no event named the host

			at := time.Now().Truncate(time.Millisecond)
			inEvent(t, s, func(tx *IntakeTx) error { return tx.LevelChanged(t.Context(), c.level, c.id, at, "x") })
			meetings, hosts := marked(t, s, "x")
			if !slices.Equal(meetings, c.meetings) || !slices.Equal(hosts, c.hosts) {
				t.Errorf("marked %v of %v, want %v of %v", meetings, hosts, c.meetings, c.hosts)
			}
			for _, id := range hosts {
				if h, err := s.Host(t.Context(), "acc", id); err != nil || !h.ChangedAt.Equal(at) {
					t.Errorf("host %s changed at %v (%v), want %v", id, h.ChangedAt, err, at)
				}
			}
			unread := value[[]string](t, s, `SELECT coalesce(array_agg(id ORDER BY id), '{}') FROM
				(SELECT 'account ' || account_id AS id FROM accounts WHERE read_at IS NULL UNION ALL SELECT 'group ' || group_id FROM groups WHERE read_at IS NULL) levels`)
			if !slices.Equal(unread, c.unread) {
				t.Errorf("the locks of %v must be read again, want %v", unread, c.unread)
			}
		})
	}
}

func TestHostsChanged(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "known", "acc")
	addHost(t, s, "other", "acc")
	addQuiet(t, s, 1, "known")
	addQuiet(t, s, 2, "other")
	at := time.Now().Truncate(time.Millisecond)
	exec(t, s, `UPDATE hosts SET changed_at = $1 WHERE host_id = 'known'`, at.Add(time.Minute))
	inEvent(t, s, func(tx *IntakeTx) error {
		return tx.HostsChanged(t.Context(), []string{"known", "new", "new"}, at, "x")
	})
	meetings, hosts := marked(t, s, "x")
	if !slices.Equal(meetings, []int64{1}) || !slices.Equal(hosts, []string{"known", "new"}) {
		t.Errorf("marked %v of %v", meetings, hosts)
	}
	h, err := s.Host(t.Context(), "acc", "new")
	if err != nil || h.AccountID != "acc" || !h.ChangedAt.Equal(at) {
		t.Errorf("the new host is %+v, %v", h, err)
	}
	// An event that comes late does not turn the clock back.
	if h, err := s.Host(t.Context(), "acc", "known"); err != nil || !h.ChangedAt.Equal(at.Add(time.Minute)) {
		t.Errorf("changed at %v, %v", h.ChangedAt, err)
	}
	inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), nil, at, "nobody") })
	if n := value[int](t, s, `SELECT count(*) FROM hosts`); n != 3 {
		t.Errorf("%d hosts, want 3", n)
	}
}

// However many changes arrive while nothing is claimed, each host and meeting
// is checked once.
func TestAThousandChangesAreOneCheck(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for i := range 3 {
		host := fmt.Sprint("host", i)
		addHost(t, s, host, "acc", "g")
		addQuiet(t, s, int64(10*i+1), host)
		addQuiet(t, s, int64(10*i+2), host)
	}
	begun := time.Now().Truncate(time.Millisecond)
	for i := range 1000 {
		level, id := passcode.LevelGroup, "g"
		if i%2 == 1 {
			level, id = passcode.LevelAccount, "acc"
		}
		inEvent(t, s, func(tx *IntakeTx) error {
			return tx.LevelChanged(t.Context(), level, id, begun.Add(time.Duration(i%7)*time.Second), "x")
		})
	}
	if n := value[int](t, s, `SELECT max(generation)::int FROM meetings`); n != 2 {
		t.Errorf("a meeting was written %d times", n-1)
	}
	// Only a later change is worth a write: when it happened is remembered.
	if n := value[int](t, s, `SELECT max(generation)::int FROM hosts`); n != 7 {
		t.Errorf("a host was written %d times, want 7", n)
	}
	for round, want := range []int{1, 0} {
		meetings, err := s.ClaimMeetings(t.Context(), "w", 100, time.Hour)
		noError(t, err)
		hosts, err := s.ClaimHosts(t.Context(), "w", 100, time.Hour)
		noError(t, err)
		if len(meetings) != 6*want || len(hosts) != 3*want {
			t.Fatalf("round %d: %d meetings and %d hosts", round, len(meetings), len(hosts))
		}
		for _, c := range meetings {
			if !c.Meeting.MustRead {
				t.Errorf("meeting %d need not be read", c.Meeting.ID)
			}
			noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
		}
		for _, c := range hosts {
			if !c.Host.ReadAt.IsZero() || !c.Host.ChangedAt.Equal(begun.Add(6*time.Second)) {
				t.Errorf("host %s: read at %v, changed at %v", c.Host.ID, c.Host.ReadAt, c.Host.ChangedAt)
			}
			_, _, err := s.CompleteHost(t.Context(), c, HostDone{})
			noError(t, err)
		}
	}
}

// A change that arrives while a meeting or host is being checked makes it due
// once more, whether it was due to be read already or not.
func TestLevelChangedDuringAClaim(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc", "g")
	addQuiet(t, s, 1, "host")
	at := time.Now()
	change := func() {
		inEvent(t, s, func(tx *IntakeTx) error {
			return tx.LevelChanged(t.Context(), passcode.LevelGroup, "g", at, "x")
		})
	}
	hosts := func() []HostClaim {
		claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
		noError(t, err)
		return claims
	}
	change()
	m, h := claim(t, s, "w"), hosts()
	if len(h) != 1 {
		t.Fatalf("%d hosts", len(h))
	}
	change() // the very same moment, and marked as before: only the claim tells
	claimNone(t, s, "while it is being checked")
	read := m.Meeting
	read.MustRead = false
	noError(t, s.Complete(t.Context(), m, Check{Meeting: read}))
	_, _, err := s.CompleteHost(t.Context(), h[0], HostDone{})
	noError(t, err)
	m = claim(t, s, "w")
	if h = hosts(); len(h) != 1 {
		t.Fatalf("%d hosts due after it, want 1", len(h))
	}
	noError(t, s.Complete(t.Context(), m, Check{Meeting: m.Meeting}))
	_, _, err = s.CompleteHost(t.Context(), h[0], HostDone{})
	noError(t, err)
	claimNone(t, s, "after the second check")
	if h = hosts(); len(h) != 0 {
		t.Errorf("%d hosts are still due", len(h))
	}
}

// A worker that died in a check leaves the row due; a change then need not mark it.
func TestLevelChangedAfterALeaseRanOut(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc", "g")
	addQuiet(t, s, 1, "host")
	change := func() {
		inEvent(t, s, func(tx *IntakeTx) error {
			return tx.LevelChanged(t.Context(), passcode.LevelGroup, "g", time.Now(), "x")
		})
	}
	change()
	first := claim(t, s, "dead")
	expire(t, s, 1)
	change()
	if got := meeting(t, s, 1).Generation; got != first.Meeting.Generation {
		t.Errorf("generation %d, was %d", got, first.Meeting.Generation)
	}
	second := claim(t, s, "alive")
	noError(t, s.Complete(t.Context(), second, Check{Meeting: second.Meeting}))
	claimNone(t, s, "after the check")
}

func TestHostSeen(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "known", "acc")
	addHost(t, s, "new", "another") // which may name whom it likes
	exec(t, s, `UPDATE hosts SET swept_at = now()`)
	for _, id := range []string{"known", "new", "new"} {
		inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsSeen(t.Context(), []string{id}) })
	}
	claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v, %v; want the new host", claims, err)
	}
	if h := claims[0].Host; h.ID != "new" || h.AccountID != "acc" || h.DueWhy != "first seen" || !h.ReadAt.IsZero() {
		t.Errorf("the new host is %+v", h)
	}
	if h, err := s.Host(t.Context(), "acc", "known"); err != nil || h.Generation != 0 || h.ReadAt.IsZero() {
		t.Errorf("the known host became %+v, %v", h, err)
	}
	if n, _, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: time.Hour, Limit: 10}); err != nil || n != 0 {
		t.Errorf("a host seen just now was swept: %d, %v", n, err)
	}
}

func TestSweepHosts(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	for id, ago := range map[string]string{"never": "", "long ago": "3 hours", "an hour ago": "61 minutes", "just now": "59 minutes"} {
		addHost(t, s, id, "acc")
		if ago != "" {
			exec(t, s, `UPDATE hosts SET swept_at = now() - $2::interval WHERE host_id = $1`, id, ago)
		}
	}
	addHost(t, s, "theirs", "other")
	addQuiet(t, s, 1, "never")
	addQuiet(t, s, 2, "long ago")
	addQuiet(t, s, 3, "an hour ago")
	addQuiet(t, s, 4, "just now")
	addQuiet(t, s, 5, "theirs")
	exec(t, s, `UPDATE meetings SET account_id = 'other' WHERE meeting_id = 5`)
	for _, c := range []struct {
		name     string
		account  string
		n        int
		meetings []int64
		hosts    []string
	}{
		{"no account", "", 0, []int64{}, []string{}},
		{"those not swept for longest", "acc", 2, []int64{1, 2}, []string{"long ago", "never"}},
		{"the next", "acc", 1, []int64{1, 2, 3}, []string{"an hour ago", "long ago", "never"}},
		{"nobody is left", "acc", 0, []int64{1, 2, 3}, []string{"an hour ago", "long ago", "never"}},
		{"another account", "other", 1, []int64{1, 2, 3, 5}, []string{"an hour ago", "long ago", "never", "theirs"}},
	} {
		n, _, err := s.SweepHosts(t.Context(), c.account, Sweep{Age: time.Hour, Limit: 2})
		if err != nil || n != c.n {
			t.Errorf("%s: swept %d, %v; want %d", c.name, n, err, c.n)
		}
		if meetings, hosts := marked(t, s, "sweep"); !slices.Equal(meetings, c.meetings) || !slices.Equal(hosts, c.hosts) {
			t.Errorf("%s: marked %v of %v, want %v of %v", c.name, meetings, hosts, c.meetings, c.hosts)
		}
	}
	if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE account_id NOT IN ('acc', 'other')`); n != 0 {
		t.Errorf("%d hosts belong to no account of ours", n)
	}
}

// Sweepers of several workers share the work: none takes what another took.
func TestSweepersDoNotMeet(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	const hosts, sweepers = 40, 8
	for i := range hosts {
		addHost(t, s, fmt.Sprint("host", i), "acc")
	}
	swept := make([]int, sweepers)
	for _, err := range atOnce(sweepers, func(i int) error {
		for {
			n, _, err := s.SweepHosts(t.Context(), "acc", Sweep{Age: time.Hour, Limit: 3})
			swept[i] += n
			if err != nil || n == 0 {
				return err
			}
		}
	}) {
		noError(t, err)
	}
	// A sweeper ends when those left are in others' hands, so some may remain
	// only while another still works on them: all are done when all ended.
	sum := 0
	for _, n := range swept {
		sum += n
	}
	if sum != hosts {
		t.Errorf("swept %v, together %d; want %d", swept, sum, hosts)
	}
	if n := value[int](t, s, `SELECT count(*) FROM hosts WHERE generation = 1 AND swept_at IS NOT NULL`); n != hosts {
		t.Errorf("%d of %d hosts were marked exactly once", n, hosts)
	}
}

// What is marked already is left alone by a change, but must not be claimed
// before the change is committed: that check would believe the old locks, and
// nothing would make the meeting due again.
func TestLevelChangedLosesNoChangeToAClaim(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "host", "acc", "g")
	addQuiet(t, s, 1, "host")
	e := func(id string) Event {
		return Event{ID: id, AccountID: "acc", Name: "group.lock_settings_updated", ReceivedAt: time.Now()}
	}
	change := func(id string, meanwhile func()) {
		t.Helper()
		if _, err := s.intakeOne(t.Context(), e(id), func(tx *IntakeTx) error {
			if err := tx.LevelChanged(t.Context(), passcode.LevelGroup, "g", time.Now(), "test"); err != nil {
				return err
			}
			meanwhile()
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	change("first", func() {})
	change("second", func() {
		if claims, err := s.ClaimMeetings(t.Context(), "early", 10, time.Minute); err != nil || len(claims) != 0 {
			t.Errorf("claimed before the change was committed: %v, %v", claims, err)
		}
	})
	if claims, err := s.ClaimMeetings(t.Context(), "after", 10, time.Minute); err != nil || len(claims) != 1 {
		t.Errorf("claimed %d, %v; want the one meeting", len(claims), err)
	}
}

// An event speaks for its own account alone, whatever ids it names.
func TestAnEventSpeaksForItsOwnAccountAlone(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "theirs", "other", "g")
	addQuiet(t, s, 1, "theirs")
	for i, change := range []func(*IntakeTx) error{
		func(tx *IntakeTx) error {
			return tx.LevelChanged(t.Context(), passcode.LevelGroup, "g", time.Now(), "test")
		},
		func(tx *IntakeTx) error {
			return tx.LevelChanged(t.Context(), passcode.LevelAccount, "other", time.Now(), "test")
		},
		func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"theirs"}, time.Now(), "test") },
	} {
		for _, account := range []string{"acc", ""} {
			if _, err := s.intakeOne(t.Context(), Event{ID: fmt.Sprint(account, i), AccountID: account, Name: "x", ReceivedAt: time.Now()}, change); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := value[int](t, s, `SELECT count(*) FROM meetings WHERE due_at IS NOT NULL OR must_read OR generation <> 1`); n != 0 {
		t.Errorf("%d meetings were touched", n)
	}
	if h, err := s.Host(t.Context(), "other", "theirs"); err != nil || h.ReadAt.IsZero() || !h.DueAt.IsZero() || h.Generation != 0 {
		t.Errorf("their host is %+v, %v", h, err)
	}
	if g, err := s.Group(t.Context(), "other", "g"); err != nil || g.Generation != 0 {
		t.Errorf("their group is %+v, %v", g, err)
	}
}
