package zoomsim

import "context"

// ChangeUserSettings merges a patch into the user's own settings, applies what
// Zoom applies to scheduled meetings and sends user.settings_updated with only
// what changed. What is locked above the user stays, without an error.
func (s *Server) ChangeUserSettings(ctx context.Context, userID string, patch SettingsPatch) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		return s.world.changeUser(u, patch, true, s.now())
	})
}

// ChangeGroupSettings merges a patch into a group's values; groupID may be its
// name.
func (s *Server) ChangeGroupSettings(ctx context.Context, groupID string, patch SettingsPatch) error {
	return s.changeGroup(ctx, groupID, patch, false)
}

// ChangeGroupLocks locks (true) or unlocks (false) a group's settings.
func (s *Server) ChangeGroupLocks(ctx context.Context, groupID string, patch SettingsPatch) error {
	return s.changeGroup(ctx, groupID, patch, true)
}

func (s *Server) changeGroup(ctx context.Context, groupID string, patch SettingsPatch, asLock bool) error {
	return s.change(ctx, func() ([]event, error) {
		g := s.world.group(groupID)
		if g == nil {
			return nil, noGroup(groupID)
		}
		return s.world.changeGroup(g, patch, asLock, true, s.now())
	})
}

// ChangeAccountSettings merges a patch into the account's values; "" is the
// first account.
func (s *Server) ChangeAccountSettings(ctx context.Context, accountID string, patch SettingsPatch) error {
	return s.changeAccount(ctx, accountID, patch, false)
}

// ChangeAccountLocks locks (true) or unlocks (false) the account's settings.
func (s *Server) ChangeAccountLocks(ctx context.Context, accountID string, patch SettingsPatch) error {
	return s.changeAccount(ctx, accountID, patch, true)
}

func (s *Server) changeAccount(ctx context.Context, accountID string, patch SettingsPatch, asLock bool) error {
	return s.change(ctx, func() ([]event, error) {
		a := s.world.account(accountID)
		if a == nil {
			return nil, noAccount(404, accountID)
		}
		return s.world.changeAccount(a, patch, asLock, true, s.now())
	})
}

// AddGroupMember puts a user into a group and sends group.member_added, and
// user.updated where it becomes the primary one.
func (s *Server) AddGroupMember(ctx context.Context, groupID, userID string) error {
	return s.member(ctx, groupID, userID, true)
}

// RemoveGroupMember takes a user out of a group and sends group.member_deleted,
// and user.updated where it was the primary one.
func (s *Server) RemoveGroupMember(ctx context.Context, groupID, userID string) error {
	return s.member(ctx, groupID, userID, false)
}

func (s *Server) member(ctx context.Context, groupID, userID string, add bool) error {
	return s.change(ctx, func() ([]event, error) {
		g, u := s.world.group(groupID), s.world.user(userID)
		switch {
		case g == nil:
			return nil, noGroup(groupID)
		case u == nil:
			return nil, noUser(userID)
		}
		return s.world.member(g, u, add, s.now()), nil
	})
}

// DeactivateUser makes a user inactive and sends user.deactivated.
func (s *Server) DeactivateUser(ctx context.Context, userID string) error {
	return s.change(ctx, func() ([]event, error) {
		u := s.world.user(userID)
		if u == nil {
			return nil, noUser(userID)
		}
		u.setStatus("inactive")
		return []event{userEvent("user.deactivated", u, s.now())}, nil
	})
}

func (s *Server) change(ctx context.Context, f func() ([]event, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, err := f()
	if err != nil {
		return err
	}
	s.emitAs(ctx, events...)
	return nil
}
