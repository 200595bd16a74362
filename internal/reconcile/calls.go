package reconcile

import (
	"context"
	"slices"
	"sync"

	"latchkey/internal/passcode"
	"latchkey/internal/zoom"
)

// calls is one account's API that notes which calls worked, and how many were
// made. It is safe for concurrent use.
type calls struct {
	api Zoom

	mu     sync.Mutex
	worked []string
	made   int
}

// count is how many calls were made.
func (c *calls) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.made
}

// that is the calls that worked; any of them shows that the token does.
func (c *calls) that() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.worked) == 0 {
		return nil
	}
	return append(slices.Clone(c.worked), zoom.CallToken)
}

// note keeps a call's outcome; call is "" for one that nothing waits for.
func (c *calls) note(call string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made++
	if err == nil && call != "" && !slices.Contains(c.worked, call) {
		c.worked = append(c.worked, call)
	}
}

func noted[T any](c *calls, call string, v T, err error) (T, error) {
	c.note(call, err)
	return v, err
}

func (c *calls) GetMeeting(ctx context.Context, id zoom.MeetingID) (zoom.Meeting, error) {
	m, err := c.api.GetMeeting(ctx, id)
	return noted(c, zoom.CallGetMeeting, m, err)
}

func (c *calls) GetOccurrence(ctx context.Context, id zoom.MeetingID, occurrenceID string) (zoom.Meeting, error) {
	m, err := c.api.GetOccurrence(ctx, id, occurrenceID)
	return noted(c, zoom.CallGetMeeting, m, err)
}

func (c *calls) PatchMeeting(ctx context.Context, id zoom.MeetingID, p zoom.MeetingPatch) error {
	err := c.api.PatchMeeting(ctx, id, p)
	c.note(zoom.CallPatchMeeting, err)
	return err
}

func (c *calls) GetUser(ctx context.Context, id string) (zoom.User, error) {
	u, err := c.api.GetUser(ctx, id)
	return noted(c, zoom.CallGetUser, u, err)
}

func (c *calls) GetUserSettings(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetUserSettings(ctx, id)
	return noted(c, zoom.CallGetUserSettings, s, err)
}

func (c *calls) GetUserSecurity(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetUserSecurity(ctx, id)
	return noted(c, zoom.CallGetUserSettings, s, err)
}

func (c *calls) ListUpcomingMeetings(ctx context.Context, id string) ([]zoom.ListedMeeting, error) {
	l, err := c.api.ListUpcomingMeetings(ctx, id)
	return noted(c, zoom.CallListMeetings, l, err)
}

func (c *calls) PatchUserSettings(ctx context.Context, id string, v passcode.Values) error {
	err := c.api.PatchUserSettings(ctx, id, v)
	c.note(zoom.CallPatchUserSettings, err)
	return err
}

func (c *calls) GetGroup(ctx context.Context, id string) (zoom.Group, error) {
	g, err := c.api.GetGroup(ctx, id)
	return noted(c, "", g, err)
}

func (c *calls) GetGroupLocks(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetGroupLocks(ctx, id)
	return noted(c, zoom.CallGetGroupLocks, s, err)
}

func (c *calls) GetGroupSettings(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetGroupSettings(ctx, id)
	return noted(c, "", s, err)
}

func (c *calls) GetAccountLocks(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetAccountLocks(ctx, id)
	return noted(c, zoom.CallGetAccountLocks, s, err)
}

func (c *calls) GetAccountSettings(ctx context.Context, id string) (zoom.Settings, error) {
	s, err := c.api.GetAccountSettings(ctx, id)
	return noted(c, "", s, err)
}

func (c *calls) CountLicensed(ctx context.Context) (int, error) {
	n, err := c.api.CountLicensed(ctx)
	return noted(c, "", n, err)
}

func (c *calls) ListUsers(ctx context.Context) ([]zoom.User, int, error) { return c.api.ListUsers(ctx) }

func (c *calls) Scopes(ctx context.Context) ([]string, error) { return c.api.Scopes(ctx) }
