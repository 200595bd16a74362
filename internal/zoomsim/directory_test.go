package zoomsim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// check holds every map and list against a scan of the users.
func (w *world) check(t *testing.T) {
	t.Helper()
	users, groups := 0, 0
	for _, a := range w.accounts {
		users += len(a.users)
		byStatus := map[string]int{}
		members := map[string][]*user{}
		for i, u := range a.users {
			if u.acct != a || i > 0 && a.users[i-1].seq >= u.seq {
				t.Fatalf("%s is out of place", u.ID)
			}
			if w.user(u.ID) != u || w.userOf(a, strings.ToUpper(u.Email)) != u || w.numbered(u.PMI) != u.room {
				t.Fatalf("%s, %s or %d does not lead to the user", u.ID, u.Email, u.PMI)
			}
			if l := *a.list(u.Status); byStatus[u.Status] >= len(l) || l[byStatus[u.Status]] != u {
				t.Fatalf("%s is not where it should be among the %s", u.ID, u.Status)
			}
			byStatus[u.Status]++
			for _, id := range u.Groups {
				members[id] = append(members[id], u)
			}
		}
		for status, l := range a.status {
			if len(*l) != byStatus[status] {
				t.Fatalf("%d of %s, %d listed", byStatus[status], status, len(*l))
			}
		}
		for _, g := range a.order {
			groups++
			if a.groups[g.ID] != g || w.group(g.ID) != g || w.group(g.Name) == nil || !slices.Equal(members[g.ID], g.members) {
				t.Fatalf("group %s has %d members, %d listed", g.ID, len(members[g.ID]), len(g.members))
			}
		}
		if len(a.groups) != len(a.order) {
			t.Fatal("groups left over")
		}
	}
	if len(w.here.ids) != users || len(w.here.emails) != users || len(w.rooms) != users {
		t.Fatalf("%d users, %d by id, %d by email, %d by PMI", users, len(w.here.ids), len(w.here.emails), len(w.rooms))
	}
}

// However users come and go, the maps say what a scan would.
func TestDirectoryFollows(t *testing.T) {
	sc := manyHosts(60, 1)
	second := manyHosts(10, 0).Accounts[0]
	second.ID, second.Groups = "other", []ScenarioGroup{{ID: "other"}}
	for i := range second.Hosts {
		h := &second.Hosts[i]
		h.ID, h.Email, h.Groups = "o"+h.ID, "o"+h.Email, []string{"other"}
	}
	sc.Accounts = append(sc.Accounts, second)
	s, err := Start(t.Context(), Options{Scenario: sc, InProcess: true, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Stop(t.Context()) }()
	rng := rand.New(rand.NewPCG(3, 4))
	done := map[string]int{}
	for range 600 {
		user, group := fmt.Sprintf("h%d", rng.IntN(60)), fmt.Sprintf("g%d", rng.IntN(4))
		ctx, name := t.Context(), ""
		switch n := rng.IntN(40); {
		case n < 8:
			name, err = "join", s.AddGroupMember(ctx, group, user)
		case n < 16:
			name, err = "quit", s.RemoveGroupMember(ctx, group, user)
		case n < 22:
			name, err = "deactivate", s.DeactivateUser(ctx, user)
		case n < 28:
			name, err = "activate", s.ActivateUser(ctx, user)
		case n < 32:
			name, err = "pmi", s.UpdateUser(ctx, user, UserPatch{PMI: 5_000_000_000 + rng.Int64N(1000)})
		case n < 37:
			name, err = "primary", s.SetPrimaryGroup(ctx, user, group)
		case n < 38:
			name, err = "delete", s.DeleteUser(ctx, user)
		case n < 39:
			name, err = "disassociate", s.DisassociateUser(ctx, user)
		case rng.IntN(8) == 0:
			name, err = "delete group", s.DeleteGroup(ctx, group)
		}
		if err == nil {
			done[name]++
		}
		s.world.check(t)
	}
	for _, name := range []string{"join", "quit", "deactivate", "activate", "pmi", "primary", "delete", "disassociate", "delete group"} {
		if done[name] == 0 {
			t.Errorf("%s never happened: %v", name, done)
		}
	}
}

// Two strings fold to the same exactly if they are equal but for case.
func TestFold(t *testing.T) {
	letters := []rune("abkKsSſKéÉßẞσςΣzZ1@.İıIi")
	rng := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		b := make([]rune, 1+rng.IntN(2))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	for range 50_000 {
		if a, b := word(), word(); strings.EqualFold(a, b) != (fold(a) == fold(b)) {
			t.Fatalf("%q and %q: %q, %q", a, b, fold(a), fold(b))
		}
	}
}

func TestNoPMITwice(t *testing.T) {
	_, err := LoadScenario(strings.NewReader(`
accounts:
  - id: acct
    hosts:
      - {id: a, pmi: 2345678901}
      - {id: b, pmi: 2345678901}
`))
	if err == nil || !strings.Contains(err.Error(), "pmi 2345678901 is there twice") {
		t.Error(err)
	}
}
