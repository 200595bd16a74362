package zoomsim

import (
	"context"
	"net/http"
	"time"
)

// The types of a user (openapi/users.json). One who is unassigned has not even
// the basic meetings licence and cannot host; Basic users can.
const (
	UserBasic      = 1
	UserLicensed   = 2
	UserUnassigned = 4
)

// UserPatch is the body of PATCH /users/{id}, as far as the simulator reads it;
// what is zero is not named.
type UserPatch struct {
	Type int   `json:"type,omitempty"`
	PMI  int64 `json:"pmi,omitempty"`
}

// mayHost says that meetings can be made for the user (Z-ERR-12).
func (u *user) mayHost() bool { return u.Status == "active" && u.Type != UserUnassigned }

// changeProfile changes licence and PMI. The number of every meeting that is
// scheduled under the PMI changes with it (Z-MEET-5).
func (w *world) changeProfile(u *user, p UserPatch, now time.Time) ([]event, error) {
	switch p.Type {
	case 0, UserBasic, UserLicensed, UserUnassigned:
	default:
		return nil, invalid("type", "Invalid field.")
	}
	object, old := obj{}, obj{}
	if p.PMI != 0 && p.PMI != u.PMI {
		if !w.freePMI(p.PMI) {
			return nil, invalid("pmi", "Invalid field.")
		}
		object["pmi"], old["pmi"] = p.PMI, u.PMI
		w.renumber(u, p.PMI)
	}
	if p.Type != 0 && p.Type != u.Type {
		object["type"], old["type"] = p.Type, u.Type
		u.Type = p.Type
	}
	if len(object) == 0 {
		return nil, nil
	}
	return []event{profileEvent(u, object, old, now)}, nil
}

// profileEvent makes user.updated of what changed and what it was.
func profileEvent(u *user, object, old obj, now time.Time) event {
	object["id"], old["id"] = u.ID, u.ID
	email, operator := u.acct.operator()
	return newEvent(u.acct, "user.updated", now, operated(obj{
		"object": object, "old_object": old, "time_stamp": now.UnixMilli(),
	}, email, operator))
}

// freePMI says that a number can become somebody's: ten digits, the first
// neither 0 nor 1, and no meeting's or other user's.
func (w *world) freePMI(pmi int64) bool {
	return pmi >= 2_000_000_000 && pmi <= 9_999_999_999 && w.meetings[pmi] == nil && w.rooms[pmi] == nil
}

// UpdateUser changes a user's licence or PMI and sends user.updated with only
// what changed.
func (s *Server) UpdateUser(ctx context.Context, userID string, p UserPatch) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		return s.world.changeProfile(u, p, s.now())
	})
}

// ActivateUser makes a deactivated user active and sends user.activated.
func (s *Server) ActivateUser(ctx context.Context, userID string) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		u.setStatus("active")
		return []event{userEvent("user.activated", u, s.now())}, nil
	})
}

// patchUser serves PATCH /users/{id}. What is not modelled is accepted and
// ignored.
func patchUser(c *call) (int, any, error) {
	u, err := c.user()
	if err != nil {
		return 0, nil, err
	}
	var p UserPatch
	if err := c.decode(&p); err != nil {
		return 0, nil, err
	}
	if c.fault.NoEffect {
		return http.StatusNoContent, nil, nil
	}
	events, err := c.s.world.changeProfile(u, p, c.s.now())
	if err != nil {
		return 0, nil, err
	}
	c.s.emit(events...)
	return http.StatusNoContent, nil, nil
}

// controlUsers serves the part of /_sim/ where an admin changes a user.
func (s *Server) controlUsers(mux *http.ServeMux) {
	s.do(mux, "PATCH /_sim/users/{id}", func(r *http.Request) error {
		var p UserPatch
		if err := readStrict(r, &p); err != nil {
			return err
		}
		return s.UpdateUser(r.Context(), r.PathValue("id"), p)
	})
	s.do(mux, "POST /_sim/users/{id}/deactivate", func(r *http.Request) error {
		return s.DeactivateUser(r.Context(), r.PathValue("id"))
	})
	s.do(mux, "POST /_sim/users/{id}/activate", func(r *http.Request) error {
		return s.ActivateUser(r.Context(), r.PathValue("id"))
	})
}
