package zoomsim

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
)

// A world may hold a hundred thousand users: nothing that one call or one
// change of one user does looks at all of them. The maps and lists of this file
// are kept by join, leave, setStatus, enter, quit and renumber, and nothing
// else writes to them.

// directory finds users by id or email.
type directory struct {
	ids    map[string]*user
	emails map[string]*user // by fold
}

func newDirectory() directory {
	return directory{ids: map[string]*user{}, emails: map[string]*user{}}
}

// find takes an id, or an email in whatever case.
func (d *directory) find(id string) *user {
	if u := d.ids[id]; u != nil {
		return u
	}
	return d.emails[fold(id)]
}

func (d *directory) put(u *user) { d.ids[u.ID], d.emails[fold(u.Email)] = u, u }

func (d *directory) drop(u *user) {
	delete(d.ids, u.ID)
	delete(d.emails, fold(u.Email))
}

// fold gives two strings the same form that strings.EqualFold finds equal.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		if r < 128 {
			return r
		}
		least := r // of the letters that are equal; an ASCII one is among the least
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		if 'A' <= least && least <= 'Z' {
			least += 'a' - 'A'
		}
		return least
	}, s)
}

// roster is a list of users in the order in which they joined the world.
// Putting in and taking out search by that order and move the rest in one
// block.
type roster []*user

func (r *roster) search(u *user) (int, bool) {
	return slices.BinarySearchFunc(*r, u, func(x, y *user) int { return cmp.Compare(x.seq, y.seq) })
}

func (r *roster) put(u *user) {
	if i, there := r.search(u); !there {
		*r = slices.Insert(*r, i, u)
	}
}

func (r *roster) drop(u *user) {
	if i, there := r.search(u); there {
		*r = slices.Delete(*r, i, i+1)
	}
}

// join makes u a user of its account.
func (w *world) join(u *user) {
	w.joined++
	u.seq = w.joined
	w.here.put(u)
	w.rooms[u.PMI] = u
	u.acct.users.put(u)
	u.acct.list(u.Status).put(u)
	for _, id := range u.Groups {
		u.acct.groups[id].members.put(u)
	}
}

// leave takes u out of its account and all its groups.
func (w *world) leave(u *user) {
	for _, id := range u.Groups {
		u.acct.groups[id].members.drop(u)
	}
	u.acct.list(u.Status).drop(u)
	u.acct.users.drop(u)
	if w.rooms[u.PMI] == u {
		delete(w.rooms, u.PMI)
	}
	w.here.drop(u)
	u.acct, u.Groups, u.spent = u.alone(), nil, 0
}

// list is the account's users of one status.
func (a *account) list(status string) *roster {
	if a.status[status] == nil {
		a.status[status] = &roster{}
	}
	return a.status[status]
}

func (u *user) setStatus(status string) {
	u.acct.list(u.Status).drop(u)
	u.Status = status
	u.acct.list(u.Status).put(u)
}

// enter makes g the last of the user's groups; quit takes the user out of it.
func (u *user) enter(g *group) {
	u.Groups = append(u.Groups, g.ID)
	g.members.put(u)
}

func (u *user) quit(g *group) {
	u.Groups = slices.DeleteFunc(u.Groups, func(id string) bool { return id == g.ID })
	g.members.drop(u)
}

// renumber gives u another PMI, and the room with it.
func (w *world) renumber(u *user, pmi int64) {
	if w.rooms[u.PMI] == u {
		delete(w.rooms, u.PMI)
	}
	u.PMI, u.room.ID = pmi, pmi
	w.rooms[pmi] = u
}

// find finds a group of the account by id or name; of several with one name
// the first.
func (a *account) find(group string) *group {
	if g := a.groups[group]; g != nil {
		return g
	}
	if named := a.named[group]; len(named) > 0 {
		return named[0]
	}
	return nil
}

func (a *account) addGroup(g *group) {
	a.groups[g.ID] = g
	a.named[g.Name] = append(a.named[g.Name], g)
	a.order = append(a.order, g)
}

func (a *account) dropGroup(g *group) {
	is := func(x *group) bool { return x == g }
	delete(a.groups, g.ID)
	a.named[g.Name] = slices.DeleteFunc(a.named[g.Name], is)
	a.order = slices.DeleteFunc(a.order, is)
}
