// Package admin answers what people ask of latchkey: why is a meeting as it is,
// what will a host's next meetings be like, what would a change of a setting do.
// It returns data and prints nothing, so that a command line, a page and an API
// can share it. It holds no passcode.
package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/probe"
	"latchkey/internal/store"
)

// UnknownMeetingError says that latchkey has no record of a meeting, in the
// account that was asked for where one was.
type UnknownMeetingError struct {
	ID      int64
	Account string
	// Erased says of accounts whose data was deleted; "" where there is none.
	Erased string
}

func (e *UnknownMeetingError) Error() string {
	if e.Erased != "" {
		return fmt.Sprintf("latchkey has no record of meeting %d (any more): %s", e.ID, e.Erased)
	}
	if e.Account != "" {
		return fmt.Sprintf("latchkey has no record of a meeting %d in account %s: is that the account's id, and one that latchkey guards?", e.ID, e.Account)
	}
	return fmt.Sprintf("latchkey has no record of meeting %d: no event has mentioned it. Made before latchkey was set up, it is found by `latchkey sweep --host` with its host's e-mail; or is it on another account?", e.ID)
}

// PersonalRoomError is returned for a number that is a host's personal meeting id,
// while no event has mentioned that room or a meeting under it.
type PersonalRoomError struct {
	Number int64
	Host   string // e-mail address or id
	Why    string // the host's forecast
}

func (e *PersonalRoomError) Error() string {
	s := fmt.Sprintf("%d is the personal meeting id of %s, and no event has mentioned that room yet", e.Number, e.Host)
	if e.Why != "" {
		s += ". " + e.Why
	}
	return s
}

// erased says of which accounts the data was deleted, when and why; of one alone
// where it is named.
func erased(ctx context.Context, s *store.Store, account string) (string, error) {
	all, err := s.Erasures(ctx, account)
	if err != nil || len(all) == 0 {
		return "", err
	}
	return strings.Join(all, "; ") + "; its app must be installed again, and is heard of with the next event", nil
}

// unknown says what can be said of a number that no meeting answers to.
func unknown(ctx context.Context, s *store.Store, account string, number int64) error {
	gone, err := erased(ctx, s, account)
	if err != nil {
		return err
	}
	if account != "" || gone != "" {
		return &UnknownMeetingError{ID: number, Account: account, Erased: gone}
	}
	h, err := s.HostWithPMI(ctx, number)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return &UnknownMeetingError{ID: number}
	case err != nil:
		return err
	}
	return &PersonalRoomError{Number: number, Host: cmp.Or(h.Email, h.ID), Why: h.ForecastWhy}
}

// UnknownHostError says that latchkey has no record of a host.
type UnknownHostError struct{ Name string }

func (e *UnknownHostError) Error() string {
	return fmt.Sprintf("latchkey has no record of host %s: no event has mentioned one of their meetings or settings yet; want their e-mail address or user id as Zoom has it (SELECT email, host_id FROM latchkey.hosts), and who is new is recorded with their next meeting, or found now with `latchkey sweep`", e.Name)
}

// Trouble is what latchkey's own set-up stands in the way of, in words.
type Trouble struct {
	store.Trouble
	Why string `json:"why"`
}

// Explanation is all that is known of one meeting. It holds no passcode.
type Explanation struct {
	MeetingID string `json:"meeting_id"`
	// PMI is the personal meeting id that it runs under, which joiners type and its
	// link carries; Others answer to the number that was asked for as well.
	PMI       string           `json:"pmi,omitempty"`
	Others    []OtherMeeting   `json:"others,omitempty"`
	AccountID string           `json:"account_id"`
	HostID    string           `json:"host_id,omitempty"`
	HostEmail string           `json:"host_email,omitempty"`
	Topic     string           `json:"topic,omitempty"`
	Status    passcode.Status  `json:"status"`
	Start     time.Time        `json:"start_time,omitzero"`
	Outcome   passcode.Outcome `json:"outcome,omitempty"`
	Remedy    passcode.Remedy  `json:"remedy,omitempty"`
	Would     passcode.Remedy  `json:"would,omitempty"`
	Why       string           `json:"why"`
	// Doubt says why all this may be otherwise by now; "" when nothing was heard.
	Doubt    string            `json:"doubt,omitempty"`
	Reasons  store.Reasons     `json:"reasons"`
	Channels passcode.Channels `json:"channels"`
	Known    bool              `json:"passcode_known"`
	Passcode passcode.Toggle   `json:"passcode"`
	Room     passcode.Toggle   `json:"waiting_room"`
	Auth     passcode.Toggle   `json:"authentication"`
	// WhoWaits is whom the waiting room holds, in Zoom's word; "" where that is not known.
	WhoWaits passcode.Waits `json:"who_waits,omitempty"`
	// WhyRoom says why the waiting room is on, RoomBecause in words; nil and ""
	// where it is not, or not known to be.
	WhyRoom     *passcode.RoomWhy `json:"why_waiting_room,omitempty"`
	RoomBecause string            `json:"waiting_room_because,omitempty"`
	// Pasted is the link or invitation that was asked about; see Judge.
	Pasted *Pasted `json:"pasted,omitempty"`
	// Source and CreatedBy say through what and by whom it was made, as far as Zoom
	// said; Created is when.
	Source    string    `json:"creation_source,omitempty"`
	CreatedBy string    `json:"created_by,omitempty"`
	Created   time.Time `json:"created_at,omitzero"`
	// OpenedByUs: the meeting is open and latchkey removed its passcode.
	OpenedByUs bool                   `json:"opened_by_latchkey,omitempty"`
	Observed   time.Time              `json:"observed_at,omitzero"`
	Decided    time.Time              `json:"decided_at,omitzero"`
	Since      time.Time              `json:"demanding_since,omitzero"`
	Due        time.Time              `json:"due_at,omitzero"`
	DueWhy     string                 `json:"due_why,omitempty"`
	WaitingFor string                 `json:"waiting_for,omitempty"`
	LastError  string                 `json:"last_error,omitempty"`
	HostError  string                 `json:"host_last_error,omitempty"`
	Troubles   []Trouble              `json:"troubles"`
	Repairs    []store.Repair         `json:"repairs"`
	Rotated    []store.PasscodeChange `json:"passcode_changes"`
	History    []store.PastVerdict    `json:"history"`
	Changes    []store.SettingChange  `json:"setting_changes"`
}

// Explain tells the story of the meeting that answers to a number; account, if
// not "", says whose is meant. An *UnknownMeetingError when there is none.
func Explain(ctx context.Context, s *store.Store, account string, number int64, now time.Time) (Explanation, error) {
	st, err := s.Story(ctx, account, number)
	if errors.Is(err, store.ErrNotFound) {
		return Explanation{}, unknown(ctx, s, account, number)
	}
	if err != nil {
		return Explanation{}, err
	}
	m := st.Meeting
	e := Explanation{MeetingID: fmt.Sprint(m.ID), AccountID: m.AccountID, HostID: m.HostID, HostEmail: st.Host.Email, Topic: m.Topic, Status: m.Status,
		Start: m.Starts, Outcome: m.Outcome, Remedy: m.Remedy, Would: m.Would, Why: m.Why, Reasons: m.Reasons, Channels: channelsOf(st, now),
		Known: m.PasscodeReadable, Passcode: m.Passcode, Room: m.WaitingRoom, Auth: m.Authentication,
		OpenedByUs: m.Outcome == passcode.OutcomeUnsecured && m.Stripped, Observed: m.ObservedAt, Decided: m.DecidedAt, Since: m.DemandingSince,
		Due: m.DueAt, WaitingFor: m.WaitingFor, LastError: m.LastError, HostError: st.Host.LastError,
		Repairs: st.Repairs, Rotated: st.Rotated, History: st.History, Changes: st.Changes}
	e.WhoWaits = passcode.Facts{Meeting: m.Meeting, Host: passcode.Host{Waits: st.Host.Waits}}.WhoWaits()
	room, err := whyRoom(ctx, s, st)
	if err != nil {
		return Explanation{}, err
	}
	if room.Cause != passcode.RoomNone {
		e.WhyRoom, e.RoomBecause = &room, room.Sentence()
	}
	e.Source, e.CreatedBy, e.Created = m.Source, m.CreatedBy, m.Created
	e.Doubt = doubt(m)
	if !m.DueAt.IsZero() {
		e.DueWhy = m.DueWhy
	}
	if m.PMI != 0 {
		e.PMI = fmt.Sprint(m.PMI)
	}
	for _, o := range st.Others {
		e.Others = append(e.Others, OtherMeeting{MeetingID: fmt.Sprint(o.ID), AccountID: o.AccountID, Topic: o.Topic, Start: o.Starts, Outcome: o.Outcome})
	}
	for _, t := range st.Troubles {
		e.Troubles = append(e.Troubles, Trouble{Trouble: t, Why: alert.TroubleSentence(t)})
	}
	return e, nil
}

// doubt says why what is known of a meeting may be otherwise by now: something
// happened to it, and it was not read since.
func doubt(m store.Meeting) string {
	if !m.MustRead || m.Status == passcode.StatusDeleted || m.ObservedAt.IsZero() {
		return ""
	}
	s := "This may be otherwise by now: "
	switch {
	case m.NotFound:
		s += "Zoom did not find the meeting when it was last asked, which proves nothing yet"
	case m.EventAt.After(m.ObservedAt):
		s += fmt.Sprintf("something happened to the meeting at %s, and it was not read since", m.EventAt.UTC().Format("2006-01-02 15:04:05Z"))
	default:
		s += "it is waiting to be read again (" + m.DueWhy + ")"
	}
	if m.LastError != "" {
		s += "; the last try failed: " + m.LastError
	}
	return s + "."
}

// OtherMeeting is another meeting that answers to the same number.
type OtherMeeting struct {
	MeetingID string           `json:"meeting_id"`
	AccountID string           `json:"account_id"`
	Topic     string           `json:"topic,omitempty"`
	Start     time.Time        `json:"start_time,omitzero"`
	Outcome   passcode.Outcome `json:"outcome,omitempty"`
}

// LastRepair is what was done last; nil when nothing was.
func (e Explanation) LastRepair() *store.Repair {
	if len(e.Repairs) == 0 {
		return nil
	}
	return &e.Repairs[len(e.Repairs)-1]
}

// channelsOf says what each way of joining asks for, from what was last seen.
func channelsOf(st store.Story, now time.Time) passcode.Channels {
	f := passcode.Facts{Meeting: st.Meeting.Meeting}
	for _, k := range []passcode.Key{passcode.KeyPhone, passcode.KeyWebClient} {
		f.Host.Settings[k].Value = st.Host.Settings[k]
	}
	return passcode.Evaluate(f, passcode.Policy{Mode: passcode.ModeObserve}, now).Channels
}

// UnknownLevelError says that latchkey has no record of a group or account.
type UnknownLevelError struct {
	Level passcode.Level
	ID    string
}

func (e *UnknownLevelError) Error() string {
	if e.Level == passcode.LevelGroup {
		return fmt.Sprintf("latchkey has no record of a group %s: want the group's id, as GET /groups and `SELECT group_id, name FROM latchkey.groups` show it; a group is recorded with the first host that is in it", e.ID)
	}
	return fmt.Sprintf("latchkey has no record of an account %s: want the id of an account that latchkey guards, with a host it has read", e.ID)
}

// Forecast returns the host of that id or e-mail address with what is predicted
// of their next meetings; an *UnknownHostError when there is none.
//
// account, if not "", says whose host is meant.
func Forecast(ctx context.Context, s *store.Store, account, name string) (store.Host, error) {
	h, err := s.HostNamed(ctx, account, name)
	if errors.Is(err, store.ErrNotFound) {
		return h, &UnknownHostError{Name: name}
	}
	return h, err
}

// HostSettings returns the host of that id or e-mail address, as Forecast does,
// with the settings that were last read of them and of the levels above.
func HostSettings(ctx context.Context, s *store.Store, account, name string) (store.Host, passcode.Host, error) {
	h, err := Forecast(ctx, s, account, name)
	if err != nil {
		return h, passcode.Host{}, err
	}
	known, err := levelsOf(ctx, s, h)
	if err != nil {
		return h, passcode.Host{}, err
	}
	is := known.Host()
	tried, err := s.Probes(ctx, h.AccountID)
	for _, p := range tried {
		if p.Question == probe.EmptyPasscode && (p.Answer == probe.Yes || p.Answer == probe.No) {
			is.EmptyPasscode = passcode.ToggleOf(p.Answer == probe.Yes)
		}
	}
	return h, is, err
}
