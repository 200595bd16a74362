package zoom

import (
	"context"
	"net/http"
	"net/url"
)

// User is GET /users/{userId} as far as latchkey needs it.
type User struct {
	ID       string   `json:"id"`
	Email    string   `json:"email"`
	Type     int      `json:"type"` // 1 Basic, 2 Licensed
	Status   string   `json:"status"`
	GroupIDs []string `json:"group_ids"`
}

// GetUser reads a user and the groups they are in. LIGHT.
func (c *Client) GetUser(ctx context.Context, userID string) (User, error) {
	var u User
	err := c.do(ctx, call{method: http.MethodGet, path: "/users/{userId}", args: []string{userID}, label: Light, into: &u})
	return u, err
}

// Security is what of a settings answer decides about passcodes: of a user the
// effective values, of a lock answer whether each is locked, of a settings
// event only what changed. Nil means that the answer did not say.
type Security struct {
	Passcode       *bool `json:"meeting_password"`
	Scheduled      *bool `json:"require_password_for_scheduled_meeting"`
	WaitingRoom    *bool `json:"waiting_room"`
	AutoSecurity   *bool `json:"auto_security"`
	Authentication *bool `json:"-"`
}

const (
	optionSecurity       = "meeting_security"
	optionAuthentication = "meeting_authentication"
)

// GetUserSettings reads a host's effective security settings: two MEDIUM calls,
// since each option answers only its own part (FACTS section 3).
func (c *Client) GetUserSettings(ctx context.Context, userID string) (Security, error) {
	var sec struct {
		Security Security `json:"meeting_security"`
	}
	k := call{method: http.MethodGet, path: "/users/{userId}/settings", args: []string{userID},
		query: url.Values{"option": {optionSecurity}}, label: Medium, into: &sec}
	if err := c.do(ctx, k); err != nil {
		return Security{}, err
	}
	var auth struct {
		Authentication *bool `json:"meeting_authentication"`
	}
	k.query, k.into = url.Values{"option": {optionAuthentication}}, &auth
	if err := c.do(ctx, k); err != nil {
		return Security{}, err
	}
	sec.Security.Authentication = auth.Authentication
	return sec.Security, nil
}

// GetGroupLocks reads which settings a group locks for its members. Two MEDIUM
// calls. A setting the answer does not name stays nil: not known.
func (c *Client) GetGroupLocks(ctx context.Context, groupID string) (Security, error) {
	return c.locks(ctx, "/groups/{groupId}/lock_settings", groupID)
}

// GetAccountLocks reads which settings the account locks for everybody. Two
// MEDIUM calls. A free account gives KindPaidOnly.
func (c *Client) GetAccountLocks(ctx context.Context, accountID string) (Security, error) {
	return c.locks(ctx, "/accounts/{accountId}/lock_settings", accountID)
}

// GetAccountSettings and GetGroupSettings read the values that a lock of that
// level fixes. One MEDIUM call each; meeting authentication is not included.
func (c *Client) GetAccountSettings(ctx context.Context, accountID string) (Security, error) {
	return c.levelSettings(ctx, "/accounts/{accountId}/settings", accountID)
}

// GetGroupSettings reads a group's values; see GetAccountSettings.
func (c *Client) GetGroupSettings(ctx context.Context, groupID string) (Security, error) {
	return c.levelSettings(ctx, "/groups/{groupId}/settings", groupID)
}

func (c *Client) levelSettings(ctx context.Context, path, id string) (Security, error) {
	var sec struct {
		Security Security `json:"meeting_security"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: path, args: []string{id},
		query: url.Values{"option": {optionSecurity}}, label: Medium, into: &sec})
	return sec.Security, err
}

func (c *Client) locks(ctx context.Context, path, id string) (Security, error) {
	var sec struct {
		Security Security `json:"meeting_security"`
	}
	k := call{method: http.MethodGet, path: path, args: []string{id},
		query: url.Values{"option": {optionSecurity}}, label: Medium, into: &sec}
	if err := c.do(ctx, k); err != nil {
		return Security{}, err
	}
	// The plain call carries the lock on authentication (FACTS section 3).
	var plain struct {
		Schedule struct {
			Authentication *bool `json:"meeting_authentication"`
		} `json:"schedule_meeting"`
	}
	k.query, k.into = nil, &plain
	if err := c.do(ctx, k); err != nil {
		return Security{}, err
	}
	sec.Security.Authentication = plain.Schedule.Authentication
	return sec.Security, nil
}
