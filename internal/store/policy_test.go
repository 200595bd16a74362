package store

import (
	"fmt"
	"testing"
	"time"
)

// byGroup is a policy's fingerprint: the host's first group, or that of the
// account.
func byGroup(h Host) string {
	if len(h.GroupIDs) > 0 {
		return "p-" + h.GroupIDs[0]
	}
	return "p-account"
}

func TestPolicyChanged(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addHost(t, s, "sales", "acc", "g1")
	addHost(t, s, "plain", "acc")
	addHost(t, s, "same", "acc", "g1")
	addHost(t, s, "theirs", "other")
	exec(t, s, `UPDATE hosts SET policy = 'p-g1' WHERE host_id = 'same'`)
	exec(t, s, `UPDATE hosts SET due_at = now() + interval '1 hour'`)
	rows := []struct {
		name, host, account, set string
		marked                   bool
	}{
		{"decided under another", "sales", "acc", `policy = 'p-old'`, true},
		{"decided before there were fingerprints", "sales", "acc", `policy = ''`, true},
		{"decided under the one that holds", "sales", "acc", `policy = 'p-g1'`, false},
		{"under another host's", "plain", "acc", `policy = 'p-g1'`, true},
		{"under the account's", "plain", "acc", `policy = 'p-account'`, false},
		{"of a host that is settled", "same", "acc", `policy = 'p-old'`, true},
		{"running", "sales", "acc", `policy = 'p-old', status = 'started'`, true},
		{"of no fixed end", "sales", "acc", `policy = 'p-old', ends_at = NULL, expires_at = NULL, start_time = NULL`, true},
		{"not decided", "sales", "acc", `policy = '', outcome = NULL, remedy = NULL`, false},
		{"past its planned end", "sales", "acc", `policy = 'p-old', ends_at = now() - interval '1 second'`, true},
		{"expired", "sales", "acc", `policy = 'p-old', expires_at = now() - interval '1 second'`, false},
		{"ended", "sales", "acc", `policy = 'p-old', status = 'ended'`, false},
		{"deleted", "sales", "acc", `policy = 'p-old', status = 'deleted'`, false},
		{"no host named", "", "acc", `policy = 'p-old'`, true},
		{"no host named, settled", "", "acc", `policy = 'p-account'`, false},
		{"a host that is not known", "nobody", "acc", `policy = 'p-old'`, true},
		{"a host that is not known, settled", "nobody", "acc", `policy = 'p-account'`, false},
		{"another account's", "theirs", "other", `policy = 'p-old'`, false},
		{"another account's, no host named", "", "other", `policy = 'p-old'`, false},
	}
	want := int64(0)
	for i, r := range rows {
		addMeeting(t, s, int64(i+1), r.host, time.Hour)
		exec(t, s, `UPDATE meetings SET account_id = $2, outcome = 'demands_passcode', remedy = 'keep', must_read = false, attempts = 3, due_at = now() + interval '1 hour' WHERE meeting_id = $1`, i+1, r.account)
		exec(t, s, `UPDATE meetings SET `+r.set+` WHERE meeting_id = $1`, i+1)
		if r.marked {
			want++
		}
	}
	n, err := s.PolicyChanged(t.Context(), "acc", "all-2", byGroup)
	if err != nil || n != want {
		t.Errorf("marked %d, %v; want %d", n, err, want)
	}
	for i, r := range rows {
		m := meeting(t, s, int64(i+1))
		if due := nearly(t, s, m.DueAt, 0); due != r.marked || (m.DueWhy == "policy changed") != r.marked || (m.Generation == 2) != r.marked || (m.Attempts == 0) != r.marked || m.MustRead {
			t.Errorf("%s: due %v for %q, generation %d, attempts %d, must read %v; want marked %v", r.name, due, m.DueWhy, m.Generation, m.Attempts, m.MustRead, r.marked)
		}
	}
	for id, marked := range map[string]bool{"sales": true, "plain": true, "same": false, "theirs": false} {
		account := "acc"
		if id == "theirs" {
			account = "other"
		}
		h, err := s.Host(t.Context(), account, id)
		noError(t, err)
		if nearly(t, s, h.DueAt, 0) != marked || (h.DueWhy == "policy changed") != marked || (h.Generation == 1) != marked || h.ReadAt.IsZero() {
			t.Errorf("host %s is %+v, want marked %v", id, h, marked)
		}
	}

	// The same configuration again, after a restart: it was looked at.
	exec(t, s, `UPDATE meetings SET due_at = NULL`)
	exec(t, s, `UPDATE hosts SET due_at = NULL`)
	n, err = s.PolicyChanged(t.Context(), "acc", "all-2", func(Host) string { t.Error("a host's policy was asked for"); return "p-new" })
	if err != nil || n != 0 || due(t, s) != "" {
		t.Errorf("the second time: %d, %v, due %q; want nothing", n, err, due(t, s))
	}
	// Another account has a configuration of its own, and another one is news.
	if n, err = s.PolicyChanged(t.Context(), "other", "all-2", byGroup); err != nil || n != 2 {
		t.Errorf("the other account: %d, %v; want 2", n, err)
	}
	if n, err = s.PolicyChanged(t.Context(), "acc", "all-3", byGroup); err != nil || n != want {
		t.Errorf("another configuration, nothing checked since: %d, %v; want %d", n, err, want)
	}
	if n, err = s.PolicyChanged(t.Context(), "acc", "all-2", byGroup); err != nil || n != want {
		t.Errorf("back to the one before: %d, %v; want %d", n, err, want)
	}
}

// Hosts are looked at page by page, each once.
func TestPolicyChangedOfManyHosts(t *testing.T) {
	t.Parallel()
	for _, hosts := range []int{policyPage - 1, policyPage, policyPage + 1, 2*policyPage + 203} {
		t.Run(fmt.Sprint(hosts), func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			exec(t, s, `INSERT INTO hosts (host_id, account_id, group_ids) SELECT 'h' || i, 'acc', CASE WHEN i % 3 = 0 THEN ARRAY['g'] ELSE '{}' END FROM generate_series(1, $1::int) i`, hosts)
			exec(t, s, `INSERT INTO meetings (meeting_id, account_id, host_id, outcome, remedy, policy) SELECT i, 'acc', 'h' || i, 'joinable', 'none', 'p-account' FROM generate_series(1, $1::int) i`, hosts)
			asked := map[string]int{}
			n, err := s.PolicyChanged(t.Context(), "acc", "all", func(h Host) string {
				if h.AccountID != "acc" {
					t.Errorf("asked for %+v", h)
				}
				asked[h.ID]++
				return byGroup(h)
			})
			if err != nil || n != int64(hosts/3) {
				t.Errorf("marked %d, %v; want %d", n, err, hosts/3)
			}
			if got := value[int](t, s, `SELECT count(*) FROM meetings WHERE due_at <= now() AND meeting_id % 3 = 0`); got != hosts/3 {
				t.Errorf("%d of the group's meetings are due, want %d", got, hosts/3)
			}
			if got := value[int](t, s, `SELECT count(*) FROM hosts WHERE due_at <= now() AND generation = 1`); got != hosts {
				t.Errorf("%d hosts are due once, want %d", got, hosts)
			}
			for id, n := range asked {
				if n != 1 {
					t.Errorf("host %q was asked for %d times", id, n)
				}
			}
			if len(asked) != hosts {
				t.Errorf("%d hosts were asked for, want %d", len(asked), hosts)
			}
		})
	}
}

// A change of the policy that comes during a check is not swallowed by it.
func TestPolicyChangedDuringACheck(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	addMeeting(t, s, 1, "host", time.Hour)
	addHost(t, s, "host", "acc")
	exec(t, s, `UPDATE meetings SET outcome = 'joinable', remedy = 'none', policy = 'p-old'`)
	exec(t, s, `UPDATE hosts SET due_at = now()`)
	c, h := claim(t, s, "w"), claimHost(t, s)
	if n, err := s.PolicyChanged(t.Context(), "acc", "all", byGroup); err != nil || n != 1 {
		t.Errorf("marked %d, %v", n, err)
	}
	noError(t, s.Complete(t.Context(), c, Check{Meeting: c.Meeting}))
	_, _, err := s.CompleteHost(t.Context(), h, HostDone{Policy: "p-old"})
	noError(t, err)
	if got := due(t, s); got != "1 host" {
		t.Errorf("due are %q, want both", got)
	}
}
