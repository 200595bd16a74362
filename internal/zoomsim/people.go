package zoomsim

import (
	"context"
	"net/http"
)

type operatorKey struct{}

// As names who does what is called with the context: a user's id or e-mail
// address, or anybody's address. Webhooks carry it as their operator; where
// nobody is named it is the host for meetings and the account's owner for
// settings. "" names nobody. In the control API it is ?operator=.
func As(ctx context.Context, operator string) context.Context {
	return context.WithValue(ctx, operatorKey{}, operator)
}

// emitAs queues webhooks as emit does; the context says who is the operator.
func (s *Server) emitAs(ctx context.Context, events ...event) {
	if who, _ := ctx.Value(operatorKey{}).(string); who != "" {
		email, id := who, derivedID("user", who)
		if u := s.world.user(who); u != nil {
			email, id = u.Email, u.ID
		}
		for _, ev := range events {
			if payload, _ := ev.body["payload"].(obj); payload["operator"] != nil {
				operated(payload, email, id)
			}
		}
	}
	s.emit(events...)
}

// RegeneratePasscode replaces a meeting's passcode by one that Zoom generates, as
// the button in the portal does, and returns it. The passcode of a PMI belongs to the user
// and one that is locked off stays off: both are refused.
func (s *Server) RegeneratePasscode(ctx context.Context, meetingID int64) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.meeting(meetingID)
	if err != nil {
		return "", err
	}
	r := m.host.acct.resolve(m.host)
	if m.pmi() || r.setting(keyMeetingPassword) == LockedOff {
		return "", invalid("password", "This meeting has no passcode of its own.")
	}
	passcode := s.world.src.passcode(r.req)
	req := MeetingRequest{Password: WithPasscode(passcode)}
	return passcode, s.updateMeeting(ctx, m, &req, "", nil)
}

// SetScheduling says whether apps may schedule for a user. While they may not,
// creates and updates by API are refused with code 3000 "You cannot schedule a
// meeting for" and spend the host's 100 all the same (Z-ERR-11).
func (s *Server) SetScheduling(ctx context.Context, userID string, allowed bool) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		u.noScheduling = !allowed
		return nil, nil
	})
}

// mayWrite spends one of the host's 100 and refuses a create or update by API
// where the host may not be scheduled for; the lock is held.
func (s *Server) mayWrite(u *user, req *MeetingRequest) error {
	if req.CreationSource != SourceOpenAPI {
		return nil
	}
	if err := u.spend(s.now()); err != nil {
		return err
	}
	if u.noScheduling {
		return cannotSchedule(u.Email)
	}
	return nil
}

// controlPeople serves the part of /_sim/ where somebody changes a meeting.
func (s *Server) controlPeople(mux *http.ServeMux) {
	s.op(mux, "POST /_sim/meetings/{id}/regenerate_passcode", http.StatusOK, func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		passcode, err := s.RegeneratePasscode(r.Context(), id)
		return obj{"passcode": passcode}, err
	})
	for path, act := range map[string]func(context.Context, int64) error{
		"start": s.StartMeeting, "end": s.EndMeeting, "recover": s.RecoverMeeting, "purge": s.PurgeMeeting,
		"to_webinar": s.ConvertToWebinar, "to_meeting": s.ConvertToMeeting,
	} {
		s.do(mux, "POST /_sim/meetings/{id}/"+path, func(r *http.Request) error { return withID(r, act) })
	}
	s.do(mux, "DELETE /_sim/meetings/{id}", func(r *http.Request) error {
		return withID(r, func(ctx context.Context, id int64) error {
			if occurrence := r.URL.Query().Get("occurrence_id"); occurrence != "" {
				return s.DeleteOccurrence(ctx, id, occurrence)
			}
			return s.DeleteMeeting(ctx, id)
		})
	})
	s.do(mux, "PUT /_sim/users/{id}/scheduling", func(r *http.Request) error {
		var v struct {
			Allowed *bool `json:"allowed"`
		}
		if err := readStrict(r, &v); err != nil {
			return err
		}
		if v.Allowed == nil {
			return invalid("allowed", "Missing field.")
		}
		return s.SetScheduling(r.Context(), r.PathValue("id"), *v.Allowed)
	})
}
