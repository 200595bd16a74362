package zoomsim

import (
	"context"
	"net/http"
	"slices"
	"time"
)

// Users, groups and accounts that go (Z-EVENT-13), and the primary group that
// changes with them (Z-EVENT-10).

// primaryGroup is the group that decides a user's values, "" for none. Accounts
// on the new groups experience have no such group (Z-LOCK-3, Z-LOCK-5).
func (u *user) primaryGroup() string {
	if u.acct.GroupsNew || len(u.Groups) == 0 {
		return ""
	}
	return u.Groups[0]
}

// primaryChanged makes the user.updated of a primary group that is another one
// than it was.
func (u *user) primaryChanged(was string, now time.Time) []event {
	is := u.primaryGroup()
	if is == was {
		return nil
	}
	return []event{profileEvent(u, obj{"primary_group_id": is}, obj{"primary_group_id": was}, now)}
}

// SetPrimaryGroup makes one of a user's groups the primary one and sends
// user.updated with primary_group_id. A group that the user is not in is
// refused, and every one on the new groups experience.
func (s *Server) SetPrimaryGroup(ctx context.Context, userID, groupID string) error {
	return s.change(ctx, func() ([]event, error) {
		g, u := s.world.group(groupID), s.world.user(userID)
		switch {
		case g == nil:
			return nil, noGroup(groupID)
		case u == nil:
			return nil, noUser(userID)
		case !slices.Contains(u.Groups, g.ID) || u.acct.GroupsNew:
			return nil, invalid("group", "Invalid field.")
		}
		held, was := demandsOf([]*user{u}), u.primaryGroup()
		rest := slices.DeleteFunc(slices.Clone(u.Groups), func(id string) bool { return id == g.ID })
		u.Groups = append([]string{g.ID}, rest...)
		s.world.retroactive([]*user{u}, held, s.now())
		return u.primaryChanged(was, s.now()), nil
	})
}

// DeleteGroup deletes a group and sends group.deleted, then user.updated for
// every member whose primary group it was. No event says who was in it.
func (s *Server) DeleteGroup(ctx context.Context, groupID string) error {
	return s.change(ctx, func() ([]event, error) {
		g := s.world.group(groupID)
		if g == nil {
			return nil, noGroup(groupID)
		}
		a, now := g.acct, s.now()
		members := slices.Clone(g.members)
		held := demandsOf(members)
		email, operator := a.operator()
		events := []event{newEvent(a, "group.deleted", now, operated(obj{
			"object": obj{"id": g.ID, "name": g.Name}, "time_stamp": now.UnixMilli(),
		}, email, operator))}
		a.dropGroup(g)
		for _, u := range members {
			was := u.primaryGroup()
			u.quit(g)
			events = append(events, u.primaryChanged(was, now)...)
		}
		s.world.retroactive(members, held, now)
		return events, nil
	})
}

// DisassociateUser takes a user out of the account and sends user.disassociated.
// The user's meetings go along: their numbers can be joined as before, and the
// account's app finds neither them nor the user (Z-ERR-5).
func (s *Server) DisassociateUser(ctx context.Context, userID string) error {
	return s.goes(ctx, userID, "user.disassociated", s.world.gone.put)
}

// DeleteUser deletes a user and all their meetings and sends user.deleted
// alone.
func (s *Server) DeleteUser(ctx context.Context, userID string) error {
	return s.goes(ctx, userID, "user.deleted", func(u *user) {
		for _, m := range u.meetings {
			m.Deleted, m.Purged = true, true
		}
	})
}

func (s *Server) goes(ctx context.Context, userID, name string, then func(*user)) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		ev := userEvent(name, u, s.now()) // while the account is still theirs
		s.world.leave(u)
		then(u)
		return []event{ev}, nil
	})
}

// alone is the account of one's own that a user has who belongs to no other. No
// app is in it.
func (u *user) alone() *account {
	return &account{
		ID: derivedID("account", u.ID), Name: u.Email, Plan: PlanFree, Licences: 1, inactive: true, users: roster{u},
		status: map[string]*roster{u.Status: {u}}, groups: map[string]*group{}, window: map[rateKey]int{}, day: map[rateKey]int{},
	}
}

// hasLeft says that a user of this id or address was disassociated.
func (w *world) hasLeft(id string) bool {
	return w.gone.find(id) != nil
}

// DisassociateAccount sends account.disassociated, in which a master account
// says that a sub account is its own no more. What becomes of the sub account
// is not simulated: it need not be one that the simulator knows.
func (s *Server) DisassociateAccount(ctx context.Context, accountID, subAccountID string) error {
	return s.change(ctx, func() ([]event, error) {
		a := s.world.account(accountID)
		switch {
		case a == nil:
			return nil, noAccount(http.StatusNotFound, accountID)
		case subAccountID == "":
			return nil, invalid("account", "Missing field.")
		}
		sub := s.world.account(subAccountID)
		if sub == nil {
			sub = &account{ID: subAccountID}
		}
		ownerEmail, owner := sub.operator()
		email, operator := a.operator()
		return []event{newEvent(a, "account.disassociated", s.now(), operated(obj{
			"object": obj{"id": sub.ID, "owner_id": owner, "owner_email": ownerEmail},
		}, email, operator))}, nil
	})
}

// controlLeaving serves the part of /_sim/ where users, groups and accounts go.
func (s *Server) controlLeaving(mux *http.ServeMux) {
	s.do(mux, "POST /_sim/users/{id}/disassociate", func(r *http.Request) error {
		return s.DisassociateUser(r.Context(), r.PathValue("id"))
	})
	s.do(mux, "DELETE /_sim/users/{id}", func(r *http.Request) error {
		return s.DeleteUser(r.Context(), r.PathValue("id"))
	})
	s.do(mux, "PUT /_sim/users/{id}/primary_group", func(r *http.Request) error {
		var v struct {
			Group string `json:"group"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		return s.SetPrimaryGroup(r.Context(), r.PathValue("id"), v.Group)
	})
	s.do(mux, "DELETE /_sim/groups/{id}", func(r *http.Request) error {
		return s.DeleteGroup(r.Context(), r.PathValue("id"))
	})
	s.do(mux, "POST /_sim/accounts/{id}/disassociate", func(r *http.Request) error {
		var v struct {
			Account string `json:"account"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		return s.DisassociateAccount(r.Context(), accountOrID(r), v.Account)
	})
}
