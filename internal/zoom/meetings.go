package zoom

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Meeting is GET /meetings/{meetingId} as far as latchkey needs it (Z-CALL-1).
type Meeting struct {
	ID        MeetingID     `json:"id"`
	UUID      string        `json:"uuid"`
	HostID    string        `json:"host_id"`
	HostEmail string        `json:"host_email"`
	Topic     string        `json:"topic"`
	Type      int           `json:"type"`
	Status    string        `json:"status"` // "waiting" or "started"
	StartTime Time          `json:"start_time"`
	CreatedAt Time          `json:"-"`
	Duration  int           `json:"duration"` // minutes
	Password  secret.String `json:"password"` // "" when the meeting has none
	// EncryptedPassword is set when there is a passcode even if Password is not
	// shown to this app.
	EncryptedPassword secret.String `json:"encrypted_password"`
	// PhonePasscode is what joiners by phone type; "" when they type nothing.
	PhonePasscode secret.String `json:"pstn_password"`
	JoinURL       secret.String `json:"join_url"` // may carry the passcode, encrypted
	PMI           MeetingID     `json:"-"`        // the host's personal meeting id, where it runs under it
	Occurrences   []Occurrence  `json:"occurrences"`
	Settings      struct {
		WaitingRoom           *bool `json:"waiting_room"`
		MeetingAuthentication *bool `json:"meeting_authentication"`
		UsePMI                bool  `json:"use_pmi"`
		// Options say whom the waiting room holds (Z-SET-9).
		Options loose[waitingRoomOptions] `json:"waiting_room_options"`
	} `json:"settings"`
	// Source is creation_source: through what it was made, "" where Zoom does not
	// say (Z-EVENT-3).
	Source string `json:"-"`
}

type waitingRoomOptions struct {
	Mode loose[flexibleString] `json:"mode"`
	Who  loose[flexibleString] `json:"who_goes_to_waiting_room"`
}

// Waits is whom the meeting's waiting room holds; unknown where Zoom does not say,
// or says it in a word that is not known.
func (m Meeting) Waits() passcode.Waits {
	o := m.Settings.Options.or(waitingRoomOptions{})
	word := string(o.Mode.or(""))
	if word == "custom" {
		word = string(o.Who.or(""))
	}
	if w := passcode.Waits(word); slices.Contains(passcode.AllWaits(), w) {
		return w
	}
	return passcode.WaitsUnknown
}

// UnmarshalJSON is strict with what decides, and survives unusable times. They
// must not make the meeting look over: without a usable length it lasts the
// longest that is planned, and without usable dates it has no fixed time.
func (m *Meeting) UnmarshalJSON(raw []byte) error {
	type plain Meeting
	*m = Meeting{}
	in := struct {
		*plain
		UUID        flexibleString        `json:"uuid"`
		HostID      flexibleString        `json:"host_id"`
		Topic       flexibleString        `json:"topic"`
		Type        flexibleInt           `json:"type"`
		StartTime   loose[Time]           `json:"start_time"`
		CreatedAt   loose[Time]           `json:"created_at"`
		Duration    length                `json:"duration"`
		PMI         loose[MeetingID]      `json:"pmi"`
		Occurrences loose[[]Occurrence]   `json:"occurrences"`
		Source      loose[flexibleString] `json:"creation_source"`
	}{plain: (*plain)(m)}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	m.UUID, m.HostID, m.Topic, m.Type = string(in.UUID), string(in.HostID), string(in.Topic), int(in.Type)
	m.StartTime, m.Duration, m.Occurrences = in.StartTime.or(Time{}), int(in.Duration), in.Occurrences.or(nil)
	m.PMI, m.CreatedAt, m.Source = in.PMI.or(0), in.CreatedAt.or(Time{}), string(in.Source.or(""))
	if in.Occurrences.bad {
		m.StartTime = Time{}
	}
	return nil
}

// length is a duration in minutes; an unusable one is the longest that is
// planned.
type length int

func (l *length) UnmarshalJSON(raw []byte) error {
	var n loose[flexibleInt]
	err := n.UnmarshalJSON(raw)
	*l = length(n.or(0))
	if n.bad {
		*l = length(longest / time.Minute)
	}
	return err
}

// LinkHasPasscode reports whether the invitation link carries the passcode, so
// that its joiners type nothing (Z-CALL-2).
func (m Meeting) LinkHasPasscode() bool { return LinkHasPasscode(m.JoinURL) }

// LinkHasPasscode reports whether an invitation link carries a passcode.
func LinkHasPasscode(joinURL secret.String) bool {
	u, err := url.Parse(joinURL.Reveal())
	return err == nil && u.Query().Get("pwd") != ""
}

// linkWithoutPasscode reports whether it is certain that a link carries none.
func linkWithoutPasscode(joinURL secret.String) bool {
	u, err := url.Parse(joinURL.Reveal())
	return err == nil && u.Host != "" && !strings.Contains(strings.ToLower(joinURL.Reveal()), "pwd")
}

// Occurrence is one date of a recurring meeting with fixed times.
type Occurrence struct {
	ID        flexibleString `json:"occurrence_id"`
	StartTime Time           `json:"start_time"`
	Duration  int            `json:"duration"`
	Status    string         `json:"status"` // "available" or "deleted"
}

// Ends is when the meeting is over: the end of its last occurrence,
// else of the meeting itself; zero when it has no fixed time.
func Ends(start Time, minutes int, occurrences []Occurrence) time.Time {
	var ends time.Time
	if !start.IsZero() {
		ends = start.Add(planned(minutes))
	}
	for _, o := range occurrences {
		if e := o.StartTime.Add(planned(o.Duration)); !o.StartTime.IsZero() && o.Status != "deleted" && e.After(ends) {
			ends = e
		}
	}
	return ends
}

// longest is the longest that a meeting is planned for.
const longest = 24 * time.Hour

// planned turns Zoom's minutes into a duration, whatever nonsense they hold.
func planned(minutes int) time.Duration {
	return time.Duration(min(max(minutes, 0), int(longest/time.Minute))) * time.Minute
}

// GetMeeting reads one meeting. LIGHT.
func (c *Client) GetMeeting(ctx context.Context, id MeetingID) (Meeting, error) {
	var m Meeting
	err := c.do(ctx, call{method: http.MethodGet, path: pathMeeting, args: []string{id.String()}, label: Light, into: &m})
	if err == nil && m.ID != id {
		return Meeting{}, &Error{Kind: KindBadAnswer, Op: CallGetMeeting, Message: "the answer is about another meeting"}
	}
	return m, err
}

// GetOccurrence reads one date of a series: its own settings may differ from the
// series' (Z-MEET-7). LIGHT.
func (c *Client) GetOccurrence(ctx context.Context, id MeetingID, occurrenceID string) (Meeting, error) {
	var m Meeting
	err := c.do(ctx, call{method: http.MethodGet, path: pathMeeting, args: []string{id.String()}, query: url.Values{"occurrence_id": {occurrenceID}}, label: Light, into: &m})
	if err == nil && m.ID != id {
		return Meeting{}, &Error{Kind: KindBadAnswer, Op: CallGetMeeting, Message: "the answer is about another meeting"}
	}
	return m, err
}

// MeetingPatch is what latchkey may change of a meeting. Nil fields are not sent.
type MeetingPatch struct {
	// Password "" asks for no passcode (Z-CODE-11).
	Password    *secret.String
	WaitingRoom *bool
	// EveryoneWaits asks that the waiting room holds everybody, whatever the host's
	// own setting says.
	EveryoneWaits bool
	// Before is the passcode that the meeting has, as far as it is known. It is not
	// sent; should Zoom's words quote it, it is taken out of them.
	Before secret.String
	// HostLeft, where not nil, is told what Zoom says is left of the host's 100, if it
	// does (Z-LIMIT-9).
	HostLeft *int
}

// PatchMeeting changes one meeting. LIGHT, and one of the host's 100 creates
// and updates of the UTC day. 204 is not success: Zoom may have overwritten
// what was asked (Z-RULE-17), so read the meeting back.
func (c *Client) PatchMeeting(ctx context.Context, id MeetingID, p MeetingPatch) error {
	type settings struct {
		WaitingRoom *bool             `json:"waiting_room,omitempty"`
		Options     map[string]string `json:"waiting_room_options,omitempty"`
	}
	body := struct {
		Password *string   `json:"password,omitempty"`
		Settings *settings `json:"settings,omitempty"`
	}{}
	k := call{method: http.MethodPatch, path: pathMeeting, args: []string{id.String()}, label: Light, hidden: []secret.String{p.Before}}
	if p.Password != nil {
		plain := p.Password.Reveal()
		body.Password, k.hidden = &plain, append(k.hidden, *p.Password)
	}
	if p.WaitingRoom != nil || p.EveryoneWaits {
		body.Settings = &settings{WaitingRoom: p.WaitingRoom}
	}
	if p.EveryoneWaits {
		body.Settings.Options = map[string]string{"mode": "custom", "who_goes_to_waiting_room": string(passcode.WaitsEveryone)}
	}
	k.body = body
	var header http.Header
	k.header = &header
	err := c.do(ctx, k)
	if left := hostLeft(header); left >= 0 && p.HostLeft != nil {
		*p.HostLeft = left
	}
	return err
}

// ListedMeeting is one row of a host's meetings; it carries no passcode.
type ListedMeeting struct {
	ID        MeetingID `json:"id"`
	UUID      string    `json:"uuid"`
	HostID    string    `json:"host_id"`
	Topic     string    `json:"topic"`
	Type      int       `json:"type"`
	StartTime Time      `json:"start_time"`
	Duration  int       `json:"duration"`
}

// UnmarshalJSON takes what is usable of a row; only an unusable id is an error.
func (l *ListedMeeting) UnmarshalJSON(raw []byte) error {
	var in struct {
		ID        MeetingID             `json:"id"`
		UUID      loose[flexibleString] `json:"uuid"`
		HostID    loose[flexibleString] `json:"host_id"`
		Topic     loose[flexibleString] `json:"topic"`
		Type      loose[flexibleInt]    `json:"type"`
		StartTime loose[Time]           `json:"start_time"`
		Duration  length                `json:"duration"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	*l = ListedMeeting{ID: in.ID, UUID: string(in.UUID.or("")), HostID: string(in.HostID.or("")), Topic: string(in.Topic.or("")),
		Type: int(in.Type.or(0)), StartTime: in.StartTime.or(Time{}), Duration: int(in.Duration)}
	return nil
}

// maxPages bounds a listing, so that a next_page_token that never ends does
// not hold a worker for ever: 300 a page make 30 000 meetings of one host.
const maxPages = 100

// ListUpcomingMeetings reads all upcoming meetings of a host. MEDIUM, a page
// of 300 a call. A row without a usable id is left out; a list that does not
// end is a KindBadAnswer, since half of one would pass for all.
func (c *Client) ListUpcomingMeetings(ctx context.Context, userID string) ([]ListedMeeting, error) {
	var all []ListedMeeting
	next := ""
	for range maxPages {
		q := url.Values{"type": {"upcoming_meetings"}, "page_size": {strconv.Itoa(300)}}
		if next != "" {
			q.Set("next_page_token", next)
		}
		var page struct {
			Next     string                 `json:"next_page_token"`
			Meetings []loose[ListedMeeting] `json:"meetings"`
		}
		if err := c.do(ctx, call{method: http.MethodGet, path: pathMeetings, args: []string{userID}, query: q, label: Medium, into: &page}); err != nil {
			return nil, err
		}
		for _, row := range page.Meetings {
			if m := row.or(ListedMeeting{}); m.ID != 0 {
				all = append(all, m)
			}
		}
		if page.Next == "" || page.Next == next {
			return all, nil
		}
		next = page.Next
	}
	return nil, &Error{Kind: KindBadAnswer, Op: CallListMeetings, Message: fmt.Sprintf("the list does not end within %d pages", maxPages)}
}
