package zoom

import (
	"encoding/json"
	"errors"
	"fmt"

	"latchkey/internal/secret"
)

// MeetingObject is the object of a meeting event: whole in meeting.created, a
// thin diff in meeting.updated. Nil fields were not in it, or not usable.
type MeetingObject struct {
	ID     MeetingID
	UUID   *string
	HostID *string
	Topic  *string
	Type   *flexibleInt
	// PMI is the host's personal meeting id, where the meeting runs under it.
	PMI *MeetingID
	// Whole says that the object tells a meeting as Zoom's documents have it in
	// meeting.created (Z-EVENT-1, Z-EVENT-24): who, which, what kind, its link and settings, and
	// a passcode where the link carries one, with nothing in it that could not be
	// used. Of anything less nothing may be concluded from what is missing: it is a
	// hint to read the meeting.
	Whole       bool
	StartTime   *Time
	Duration    *flexibleInt
	Password    *secret.String
	JoinURL     *secret.String // may carry the passcode, encrypted
	Occurrences []Occurrence
	Source      *string // creation_source (Z-EVENT-3)
	Settings    struct {
		UsePMI                *bool
		WaitingRoom           *bool
		MeetingAuthentication *bool
	}
}

// UnmarshalJSON takes what is usable; only an unusable id is an error.
func (m *MeetingObject) UnmarshalJSON(raw []byte) error {
	type settings struct {
		UsePMI                loose[bool] `json:"use_pmi"`
		WaitingRoom           loose[bool] `json:"waiting_room"`
		MeetingAuthentication loose[bool] `json:"meeting_authentication"`
	}
	var in struct {
		ID          MeetingID             `json:"id"`
		UUID        loose[flexibleString] `json:"uuid"`
		HostID      loose[flexibleString] `json:"host_id"`
		Topic       loose[flexibleString] `json:"topic"`
		Type        loose[flexibleInt]    `json:"type"`
		StartTime   loose[Time]           `json:"start_time"`
		Duration    loose[flexibleInt]    `json:"duration"`
		Password    looseSecret           `json:"password"`
		JoinURL     loose[secret.String]  `json:"join_url"`
		Occurrences loose[[]Occurrence]   `json:"occurrences"`
		PMI         loose[MeetingID]      `json:"pmi"`
		Source      loose[flexibleString] `json:"creation_source"`
		Settings    loose[settings]       `json:"settings"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	set := in.Settings.or(settings{})
	*m = MeetingObject{ID: in.ID, UUID: (*string)(in.UUID.value), HostID: (*string)(in.HostID.value), Topic: (*string)(in.Topic.value),
		Type: in.Type.value, StartTime: in.StartTime.value, Duration: in.Duration.value, Password: in.Password.value,
		JoinURL: in.JoinURL.value, PMI: in.PMI.value, Occurrences: in.Occurrences.or(nil), Source: (*string)(in.Source.value)}
	m.Settings.UsePMI, m.Settings.WaitingRoom, m.Settings.MeetingAuthentication = set.UsePMI.value, set.WaitingRoom.value, set.MeetingAuthentication.value
	odd := in.UUID.bad || in.HostID.bad || in.Topic.bad || in.Type.bad || in.StartTime.bad || in.Duration.bad || in.Password.bad || in.JoinURL.bad ||
		in.Occurrences.bad || in.PMI.bad || in.Settings.bad || set.UsePMI.bad || set.WaitingRoom.bad || set.MeetingAuthentication.bad
	there := in.UUID.value != nil && in.HostID.value != nil && in.Type.value != nil && in.JoinURL.value != nil && in.Settings.value != nil && set.UsePMI.value != nil
	m.Whole = there && !odd && (m.Password != nil && *m.Password != "" || linkWithoutPasscode(*m.JoinURL))
	return nil
}

// DecodeMeeting reads the object of a meeting event. The id is required.
func (e Envelope) DecodeMeeting() (MeetingObject, error) {
	var m MeetingObject
	if len(e.Object) == 0 {
		return m, errors.New("field payload.object is missing")
	}
	if err := json.Unmarshal(e.Object, &m); err != nil {
		return MeetingObject{}, fmt.Errorf("field payload.object does not decode: %w", problem(err))
	}
	if m.ID == 0 {
		return MeetingObject{}, errors.New("field payload.object.id is missing")
	}
	return m, nil
}
