package zoomsim

import (
	"bytes"
	"encoding/json"
	"time"
)

// Passcode is the "password" member of a request: absent (the zero value),
// null, empty or a value. The four mean different things to Zoom (Z-RULE-12, Z-CODE-11, Z-CODE-12).
type Passcode struct {
	named bool
	null  bool
	value string
}

// WithPasscode names the passcode; "" asks for none.
func WithPasscode(value string) Passcode { return Passcode{named: true, value: value} }

// NullPasscode is "password": null, which asks for none as "" does.
func NullPasscode() Passcode { return Passcode{named: true, null: true} }

// IsZero reports that the request does not name the passcode.
func (p Passcode) IsZero() bool { return !p.named }

// Ask is what the member says to Decide.
func (p Passcode) Ask() Ask {
	switch {
	case !p.named:
		return AskAbsent
	case p.value == "":
		return AskNo
	}
	return AskYes
}

// UnmarshalJSON keeps null and "" apart from an absent member.
func (p *Passcode) UnmarshalJSON(b []byte) error {
	p.named = true
	if bytes.Equal(b, []byte("null")) {
		p.null = true
		return nil
	}
	return json.Unmarshal(b, &p.value)
}

// MarshalJSON writes null or the string; use omitzero to leave it out.
func (p Passcode) MarshalJSON() ([]byte, error) {
	if p.null || !p.named {
		return []byte("null"), nil
	}
	return json.Marshal(p.value)
}

// MeetingRequest is the body of a create or update, as far as the simulator
// reads it. Zero values are not named; its JSON is Zoom's.
type MeetingRequest struct {
	Topic           string          `json:"topic,omitempty"`
	Agenda          string          `json:"agenda,omitempty"`
	Type            int             `json:"type,omitempty"`
	StartTime       Time            `json:"start_time,omitzero"`
	Duration        int             `json:"duration,omitempty"` // minutes
	Timezone        string          `json:"timezone,omitempty"`
	Password        Passcode        `json:"password,omitzero"`
	DefaultPassword *bool           `json:"default_password,omitempty"` // creates alone
	Recurrence      *Recurrence     `json:"recurrence,omitempty"`
	ScheduleFor     string          `json:"schedule_for,omitempty"` // a user's id or email
	Settings        MeetingSettings `json:"settings,omitzero"`

	// CreationSource is SourceOpenAPI and so on. Requests over HTTP are
	// open_api; a Go call without one is other. Only open_api spends of the
	// host's 100 requests a day.
	CreationSource string `json:"-"`
}

// MeetingSettings are the request's settings; nil is not named.
type MeetingSettings struct {
	WaitingRoom           *bool               `json:"waiting_room,omitempty"`
	WaitingRoomOptions    *WaitingRoomOptions `json:"waiting_room_options,omitempty"`
	MeetingAuthentication *bool               `json:"meeting_authentication,omitempty"`
	UsePMI                *bool               `json:"use_pmi,omitempty"`
	JoinBeforeHost        *bool               `json:"join_before_host,omitempty"`
	JBHTime               *int                `json:"jbh_time,omitempty"`
}

// Recurrence is Zoom's recurrence object.
type Recurrence struct {
	Type           int    `json:"type" yaml:"type"` // 1 daily, 2 weekly, 3 monthly
	RepeatInterval int    `json:"repeat_interval,omitempty" yaml:"repeat_interval"`
	WeeklyDays     string `json:"weekly_days,omitempty" yaml:"weekly_days"`
	MonthlyDay     int    `json:"monthly_day,omitempty" yaml:"monthly_day"`
	EndTimes       int    `json:"end_times,omitempty" yaml:"end_times"`
	EndDateTime    string `json:"end_date_time,omitempty" yaml:"end_date_time"`
}

// Time is a start_time: RFC 3339, or local wall time without a zone, which
// Zoom reads in the request's timezone.
type Time struct {
	time.Time
	local bool
}

// At makes a start_time of an instant.
func At(t time.Time) Time { return Time{Time: t.UTC().Truncate(time.Second)} }

const localTime = "2006-01-02T15:04:05"

// UnmarshalJSON takes both forms that Zoom takes; "" is not named.
func (t *Time) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil || s == "" {
		return err
	}
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.local = true
		if v, err = time.Parse(localTime, s); err != nil {
			return err
		}
	}
	t.Time = v
	return nil
}

// MarshalJSON writes Zoom's form, whole seconds in UTC.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(t.UTC().Format(time.RFC3339))
}

// in returns the instant, a local time read in zone.
func (t Time) in(zone string) time.Time {
	if !t.local {
		return t.UTC()
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		loc = time.UTC
	}
	y, mo, d := t.Date()
	return time.Date(y, mo, d, t.Hour(), t.Minute(), t.Second(), 0, loc).UTC()
}

func ask(b *bool) Ask {
	switch {
	case b == nil:
		return AskAbsent
	case *b:
		return AskYes
	}
	return AskNo
}

// wish is what the request says to Decide.
func (r *MeetingRequest) wish() Wish {
	return Wish{
		WaitingRoom:     ask(r.Settings.WaitingRoom),
		Passcode:        r.Password.Ask(),
		Authentication:  ask(r.Settings.MeetingAuthentication),
		DefaultPassword: ask(r.DefaultPassword),
	}
}

// Meeting is a meeting's plain state, its passcode included.
type Meeting struct {
	ID          int64     `json:"id"`
	UUID        string    `json:"uuid"`
	AccountID   string    `json:"account_id"`
	HostID      string    `json:"host_id"`
	HostEmail   string    `json:"host_email"`
	Topic       string    `json:"topic"`
	Type        int       `json:"type"`
	StartTime   time.Time `json:"start_time,omitzero"`
	Duration    int       `json:"duration"`
	Timezone    string    `json:"timezone"`
	Passcode    string    `json:"passcode"`
	WaitingRoom bool      `json:"waiting_room"`
	// WaitingRoomHolds is everyone, users_not_in_account and so on; "" while
	// the waiting room is off.
	WaitingRoomHolds string `json:"waiting_room_holds"`
	Authentication   bool   `json:"meeting_authentication"`
	UsePMI           bool   `json:"use_pmi"`
	JoinBeforeHost   bool   `json:"join_before_host"`
	Status           string `json:"status"` // waiting, started, ended
	CreationSource   string `json:"creation_source"`
	JoinURL          string `json:"join_url"`
	Deleted          bool   `json:"deleted"`
	Webinar          bool   `json:"webinar"` // converted to one; Type is the webinar's
}
