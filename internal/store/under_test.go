package store

import (
	"errors"
	"slices"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// people puts in hosts of two accounts; one was never read and has no e-mail.
func people(t *testing.T) *Store {
	t.Helper()
	s := openStore(t)
	addHost(t, s, "h-anna", "acc", "g1")
	addHost(t, s, "h-ben", "acc", "g2", "g1")
	addHost(t, s, "h-unread", "acc")
	addHost(t, s, "h-else", "other", "g3")
	for id, email := range map[string]string{"h-anna": "Anna@Example.com", "h-ben": "ben@example.com", "h-else": "else@example.org"} {
		exec(t, s, `UPDATE hosts SET email = $2 WHERE host_id = $1`, id, email)
	}
	return s
}

func TestHostNamed(t *testing.T) {
	t.Parallel()
	s := people(t)
	for _, c := range []struct{ name, ask, want string }{
		{"by id", "h-anna", "h-anna"},
		{"by e-mail as it is", "Anna@Example.com", "h-anna"},
		{"in small letters", "anna@example.com", "h-anna"},
		{"in capitals", "BEN@EXAMPLE.COM", "h-ben"},
		{"an id is exact", "H-ANNA", ""},
		{"nobody", "carl@example.com", ""},
		{"part of an e-mail", "ben@example", ""},
		{"a pattern is none", "%@example.com", ""},
		{"nothing is nobody's name", "", ""},
	} {
		h, err := s.HostNamed(t.Context(), "", c.ask)
		if c.want == "" && !errors.Is(err, ErrNotFound) || c.want != "" && err != nil || h.ID != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, h.ID, err, c.want)
		}
	}
}

func TestHostsUnder(t *testing.T) {
	t.Parallel()
	s := people(t)
	for _, c := range []struct {
		name  string
		level passcode.Level
		id    string
		want  []string
	}{
		{"a host by id", passcode.LevelHost, "h-ben", []string{"h-ben"}},
		{"a host by e-mail", passcode.LevelHost, "ANNA@example.com", []string{"h-anna"}},
		{"no host of that name", passcode.LevelHost, "carl", nil},
		{"no host without a name", passcode.LevelHost, "", nil},
		{"a group", passcode.LevelGroup, "g1", []string{"h-anna", "h-ben"}},
		{"a group that is not the first of its member", passcode.LevelGroup, "g2", []string{"h-ben"}},
		{"an empty group", passcode.LevelGroup, "g9", nil},
		{"an account", passcode.LevelAccount, "acc", []string{"h-unread", "h-anna", "h-ben"}},
		{"another account", passcode.LevelAccount, "other", []string{"h-else"}},
		{"a group is no account", passcode.LevelAccount, "g1", nil},
	} {
		hosts, err := s.HostsUnder(t.Context(), c.level, c.id)
		noError(t, err)
		var ids []string
		for _, h := range hosts {
			ids = append(ids, h.ID)
		}
		slices.Sort(ids) // how e-mails are put in order is the database's locale
		slices.Sort(c.want)
		if !slices.Equal(ids, c.want) {
			t.Errorf("%s: %v, want %v", c.name, ids, c.want)
		}
	}
}

func TestUpcomingOf(t *testing.T) {
	t.Parallel()
	s := people(t)
	for id, in := range map[int64]time.Duration{1: 3 * time.Hour, 2: time.Hour, 3: 2 * time.Hour, 4: time.Hour, 5: -5 * time.Hour, 6: time.Hour} {
		addMeeting(t, s, id, "h-anna", in)
	}
	exec(t, s, `UPDATE meetings SET start_time = NULL, ends_at = NULL WHERE meeting_id = 3`)
	exec(t, s, `UPDATE meetings SET status = 'deleted' WHERE meeting_id = 4`)
	exec(t, s, `UPDATE meetings SET status = 'started' WHERE meeting_id = 6`)
	addMeeting(t, s, 7, "h-ben", time.Hour)
	exec(t, s, `UPDATE meetings SET start_time = date_trunc('hour', start_time)`) // 2 and 6 start together
	meetings, err := s.UpcomingOf(t.Context(), "acc", "h-anna")
	noError(t, err)
	var ids []int64
	for _, m := range meetings {
		ids = append(ids, m.ID)
	}
	if want := []int64{2, 6, 1, 3, 5}; !slices.Equal(ids, want) {
		t.Errorf("upcoming are %v, want %v", ids, want)
	}
}
