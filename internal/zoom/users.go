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
	// PMI is the personal meeting id; 0 when the answer does not say.
	PMI loosePMI `json:"pmi"`
}

// loosePMI reads a personal meeting id where one can be read.
type loosePMI MeetingID

func (p *loosePMI) UnmarshalJSON(raw []byte) error {
	var l loose[MeetingID]
	err := l.UnmarshalJSON(raw)
	*p = loosePMI(l.or(0))
	return err
}

// CanHost reports whether the user can host meetings at all.
func (u User) CanHost() bool { return (u.Status == "" || u.Status == "active") && u.Type != noMeetings }

// noMeetings is the type of a user whose licences are none of Zoom Meetings
// (Z-ERR-12: every call about a meeting of theirs is refused).
const noMeetings = 4

// GetUser reads a user and the groups they are in. LIGHT.
func (c *Client) GetUser(ctx context.Context, userID string) (User, error) {
	var u User
	err := c.do(ctx, call{method: http.MethodGet, path: pathUser, args: []string{userID}, label: Light, into: &u})
	return u, err
}

// Group is GET /groups/{groupId} as far as latchkey needs it.
type Group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// GetGroup reads what people call a group. MEDIUM.
func (c *Client) GetGroup(ctx context.Context, groupID string) (Group, error) {
	var g Group
	err := c.do(ctx, call{method: http.MethodGet, path: "/groups/{groupId}", args: []string{groupID}, label: Medium, into: &g})
	return g, err
}

// CountLicensed counts the account's active licensed users, up to two: what
// matters is whether there is one host only. MEDIUM, one page.
func (c *Client) CountLicensed(ctx context.Context) (int, error) {
	var page struct {
		Users []struct {
			Type flexibleInt `json:"type"`
		} `json:"users"`
		Next string `json:"next_page_token"`
	}
	err := c.do(ctx, call{method: http.MethodGet, path: "/users", query: url.Values{"status": {"active"}, "page_size": {"300"}}, label: Medium, into: &page})
	if err != nil {
		return 0, err
	}
	n := 0
	for _, u := range page.Users {
		if u.Type == 2 {
			n++
		}
	}
	if page.Next != "" {
		n += 2 // not a small account
	}
	return min(n, 2), nil
}

// ListUsers lists the account's active users. MEDIUM, a page of 300 a call; it returns how
// many pages there were. Users whom it cannot read are left out; a list that does not end
// is a KindBadAnswer.
func (c *Client) ListUsers(ctx context.Context) (users []User, pages int, err error) {
	next := ""
	for pages < mostUserPages {
		q := url.Values{"status": {"active"}, "page_size": {"300"}}
		if next != "" {
			q.Set("next_page_token", next)
		}
		var page struct {
			Users []loose[User] `json:"users"`
			Next  string        `json:"next_page_token"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: "/users", query: q, label: Medium, into: &page}); err != nil {
			return nil, pages, err
		}
		pages++
		for _, row := range page.Users {
			if u := row.or(User{}); u.ID != "" {
				users = append(users, u)
			}
		}
		if page.Next == "" || page.Next == next {
			return users, pages, nil
		}
		next = page.Next
	}
	return nil, pages, &Error{Kind: KindBadAnswer, Op: "GET /users", Message: "the list does not end"}
}

// mostUserPages bounds a listing: 300 000 users.
const mostUserPages = 1000
