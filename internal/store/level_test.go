package store

import (
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// A change reported while something is read is not swallowed by the reading:
// what was read stays, and is not fresh.
func TestChangesDuringAReadingAreNotSwallowed(t *testing.T) {
	t.Parallel()
	const account, group, host = "account", "group", "host"
	changes := func(level passcode.Level, id string) func(*testing.T, *Store) {
		return func(t *testing.T, s *Store) {
			inEvent(t, s, func(tx *IntakeTx) error { return tx.LevelChanged(t.Context(), level, id, time.Now(), "x") })
		}
	}
	hostChanges := func(t *testing.T, s *Store) {
		inEvent(t, s, func(tx *IntakeTx) error { return tx.HostsChanged(t.Context(), []string{"h"}, time.Now(), "x") })
	}
	for name, c := range map[string]struct {
		change func(*testing.T, *Store)
		stale  []string
	}{
		"nothing":                {func(*testing.T, *Store) {}, nil},
		"the account":            {changes(passcode.LevelAccount, "acc"), []string{account, group, host}},
		"the group":              {changes(passcode.LevelGroup, "g"), []string{group, host}},
		"the host":               {hostChanges, []string{host}},
		"another group":          {changes(passcode.LevelGroup, "g2"), nil},
		"an account that is not": {changes(passcode.LevelAccount, "other"), nil},
	} {
		for begin, known := range map[string]bool{"known before": true, "read for the first time": false} {
			t.Run(name+", "+begin, func(t *testing.T) {
				t.Parallel()
				s := openStore(t)
				save := func(a, g Level, h Host) {
					t.Helper()
					noError(t, s.SaveAccount(t.Context(), a, a.Generation, 0))
					noError(t, s.SaveGroup(t.Context(), "acc", g, g.Generation, 0))
					_, err := s.SaveHost(t.Context(), h, h.Generation, 0)
					noError(t, err)
				}
				read := func() (Level, Level, Host) {
					t.Helper()
					a, err := s.Account(t.Context(), "acc")
					noError(t, err)
					g, err := s.Group(t.Context(), "acc", "g")
					noError(t, err)
					h, err := s.HostOrNew(t.Context(), "acc", "h")
					noError(t, err)
					h.GroupIDs, h.Email = []string{"g"}, "h@example.com"
					return a, g, h
				}
				if known {
					save(read())
				}
				a, g, h := read()
				c.change(t, s)
				locks := passcode.Values{passcode.KeyPasscode: passcode.On}
				a.Locks, g.Locks, h.Settings = locks, locks, locks
				save(a, g, h)

				want := map[string]bool{account: true, group: true, host: true}
				for _, stale := range c.stale {
					// What is not known yet has no group and no account above it that an
					// event could find: its own rows alone tell.
					if known || stale == host && name == "the host" || stale == account || stale == group && name == "the group" {
						want[stale] = false
					}
				}
				is := func(when string, want map[string]bool) {
					t.Helper()
					a, g, h := read()
					for what, fresh := range map[string]bool{account: a.Fresh(time.Hour), group: g.Fresh(time.Hour), host: h.Fresh(time.Hour)} {
						if fresh != want[what] {
							t.Errorf("%s: the %s is fresh: %v, want %v", when, what, fresh, want[what])
						}
					}
					if a.Locks != locks || g.Locks != locks || h.Settings != locks {
						t.Errorf("%s: what was read is lost: %v, %v, %v", when, a.Locks, g.Locks, h.Settings)
					}
				}
				is("after the reading", want)
				save(read())
				is("read again", map[string]bool{account: true, group: true, host: true})
			})
		}
	}
}
