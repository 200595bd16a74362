package zoom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"latchkey/internal/secret"
)

// The names of events. What latchkey does about each is internal/intake's table.
const (
	EventURLValidation    = "endpoint.url_validation"
	EventMeetingCreated   = "meeting.created"
	EventMeetingUpdated   = "meeting.updated"
	EventMeetingDeleted   = "meeting.deleted"
	EventMeetingGone      = "meeting.permanently_deleted"
	EventMeetingBack      = "meeting.recovered"
	EventMeetingStarted   = "meeting.started"
	EventMeetingEnded     = "meeting.ended"
	EventUserSettings     = "user.settings_updated"
	EventUserUpdated      = "user.updated"
	EventMeetingToWebinar = "meeting.converted_to_webinar"
	EventWebinarToMeeting = "webinar.converted_to_meeting"
	EventUserActivated    = "user.activated"
	EventUserDeactivated  = "user.deactivated"
	EventUserLeft         = "user.disassociated"
	EventUserDeleted      = "user.deleted"
	EventGroupSettings    = "group.settings_updated"
	EventGroupDeleted     = "group.deleted"
	EventGroupLocks       = "group.lock_settings_updated"
	EventMemberAdded      = "group.member_added"
	EventMemberDeleted    = "group.member_deleted"
	EventMembersDeleted   = "group.members_deleted" // as Zoom's own sample calls it
	EventAccountSettings  = "account.settings_updated"
	EventAccountLocks     = "account.lock_settings_updated"
	EventAppRemoved       = "app_deauthorized"
	EventAccountLeft      = "account.disassociated"

	eventNameMostLetters = 100
)

// Envelope is what every event of Zoom's carries around its object.
type Envelope struct {
	Event string
	// At is when it happened (event_ts, or payload.time_stamp); zero when the
	// event does not say.
	At         time.Time
	AccountID  string
	Operator   string // an e-mail address; who did it
	OperatorID string
	PlainToken string // of endpoint.url_validation alone
	// Single is true when a meeting event is about one occurrence of a series, All
	// when it says that it is about the whole; neither when it does not say.
	Single    bool
	All       bool
	Object    json.RawMessage
	OldObject json.RawMessage
}

// DecodeEnvelope reads an event without its object. The error says what was
// wrong without quoting the body, which may hold a passcode.
func DecodeEnvelope(body []byte) (Envelope, error) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 {
		return Envelope{}, errors.New("the body is empty: want a JSON object")
	}
	if trimmed[0] != '{' {
		return Envelope{}, errors.New("the body is not a JSON object")
	}
	// Zoom has been seen with event_ts missing, in seconds, and account_id
	// outside the payload (Z-EVENT-19, Z-EVENT-20).
	var raw struct {
		Event     string                `json:"event"`
		EventTS   loose[flexibleInt]    `json:"event_ts"`
		AccountID loose[flexibleString] `json:"account_id"`
		Payload   json.RawMessage       `json:"payload"`
	}
	if err := json.Unmarshal(body, &raw); err != nil {
		return Envelope{}, fmt.Errorf("the body does not decode: %w", problem(err))
	}
	if raw.Event == "" || len(raw.Event) > eventNameMostLetters {
		return Envelope{}, fmt.Errorf("field event has %d letters: want 1 to %d", len(raw.Event), eventNameMostLetters)
	}
	e := Envelope{Event: raw.Event, AccountID: string(raw.AccountID.or(""))}
	var payload struct {
		AccountID  loose[flexibleString] `json:"account_id"`
		Operator   loose[flexibleString] `json:"operator"`
		OperatorID loose[flexibleString] `json:"operator_id"`
		TimeStamp  loose[flexibleInt]    `json:"time_stamp"`
		PlainToken loose[string]         `json:"plainToken"`
		Operation  loose[string]         `json:"operation"`
		Scope      loose[string]         `json:"scope"`
		Object     json.RawMessage       `json:"object"`
		OldObject  json.RawMessage       `json:"old_object"`
	}
	if p := bytes.TrimLeft(raw.Payload, " \t\r\n"); len(p) == 0 || p[0] != '{' {
		// Another vendor also calls an event meeting.created, with an array.
		return e, errors.New("field payload is not a JSON object")
	}
	if err := json.Unmarshal(raw.Payload, &payload); err != nil {
		return e, fmt.Errorf("field payload does not decode: %w", problem(err))
	}
	if id := payload.AccountID.or(""); id != "" {
		e.AccountID = string(id)
	}
	e.Operator, e.OperatorID, e.PlainToken = string(payload.Operator.or("")), string(payload.OperatorID.or("")), payload.PlainToken.or("")
	e.Object, e.OldObject = payload.Object, payload.OldObject
	e.All = payload.Operation.or("") == "all"
	e.Single = payload.Operation.or("") == "single" || payload.Scope.or("") == "single"
	if ts := int64(raw.EventTS.or(0)); ts != 0 {
		e.At = epoch(ts)
	} else if ts := int64(payload.TimeStamp.or(0)); ts != 0 {
		e.At = epoch(ts)
	}
	return e, nil
}

// epoch reads milliseconds since 1970, or seconds when the number is so small
// that as milliseconds it would lie before 2001. What lies outside 2001 to 9999
// either way is no time at all: Zoom was not there yet, and neither Postgres nor JSON
// could hold what comes after.
func epoch(n int64) time.Time {
	const year2001, year10000 = 978307200, 253402300800
	switch {
	case n >= year2001 && n < year10000:
		return time.Unix(n, 0).UTC()
	case n >= year2001*1000 && n < year10000*1000:
		return time.UnixMilli(n).UTC()
	}
	return time.Time{}
}

// SettingsObject is the object of a settings event: only what changed.
type SettingsObject struct {
	ID string
	// PMIPasscode is the passcode of the host's personal meeting id, where it
	// changed; nil where not (Z-MEET-10).
	PMIPasscode *secret.String
	Settings
}

// DecodeSettings reads the object of a settings or lock settings event, of a
// user, a group or an account. An id that is missing or not usable is "".
func (e Envelope) DecodeSettings() (now, old SettingsObject, err error) {
	if now, err = decodeSettings(e.Object); err != nil {
		return now, old, fmt.Errorf("field payload.object: %w", err)
	}
	if len(e.OldObject) > 0 {
		// What was before is told to people, not decided on: best effort.
		old, _ = decodeSettings(e.OldObject)
	}
	return now, old, nil
}

// SecurityAlone reports whether a settings event says that nothing but settings of
// meeting_security changed, so that the others need not be read again.
func (e Envelope) SecurityAlone() bool {
	var o struct {
		Settings map[string]json.RawMessage `json:"settings"`
	}
	if json.Unmarshal(e.Object, &o) != nil || len(o.Settings) != 1 {
		return false
	}
	_, alone := o.Settings[optionSecurity]
	return alone
}

var errMissing = errors.New("it is missing")

// GroupMembers reads the object of group.member_added and its opposite: which
// group, and the user ids of the members, none where they are not usable.
func (e Envelope) GroupMembers() (groupID string, userIDs []string, err error) {
	var o struct {
		ID      loose[flexibleString] `json:"id"`
		Members loose[[]loose[struct {
			ID loose[flexibleString] `json:"id"`
		}]] `json:"members"`
	}
	if len(e.Object) == 0 {
		return "", nil, errors.New("field payload.object is missing")
	}
	if err := json.Unmarshal(e.Object, &o); err != nil {
		return "", nil, fmt.Errorf("field payload.object does not decode: %w", problem(err))
	}
	for _, m := range o.Members.or(nil) {
		if m.value == nil {
			continue
		}
		if id := m.value.ID.or(""); id != "" { // a member who never signed in has only an address
			userIDs = append(userIDs, string(id))
		}
	}
	return string(o.ID.or("")), userIDs, nil
}

// UserChange reads the object of user.updated: whose, and whether anything of it
// may change an answer (Z-EVENT-10). Names and time zones change more often.
func (e Envelope) UserChange() (id string, says bool, err error) {
	if id, err = e.UserID(); err != nil {
		return "", false, err
	}
	var o, before map[string]json.RawMessage
	if err := json.Unmarshal(e.Object, &o); err != nil {
		return "", false, fmt.Errorf("field payload.object does not decode: %w", problem(err))
	}
	_ = json.Unmarshal(e.OldObject, &before) // what was before was changed, too
	maps.Copy(o, before)
	for _, field := range []string{"type", "pmi", "primary_group_id", "group_ids", "status", "email", "settings"} {
		if _, there := o[field]; there {
			return id, true, nil
		}
	}
	return id, false, nil
}

// UserID reads the object of user.deactivated and user.deleted.
func (e Envelope) UserID() (string, error) {
	var o struct {
		ID flexibleString `json:"id"`
	}
	if len(e.Object) > 0 {
		if err := json.Unmarshal(e.Object, &o); err != nil {
			return "", fmt.Errorf("field payload.object does not decode: %w", problem(err))
		}
	}
	if o.ID == "" {
		return "", errors.New("field payload.object.id is missing")
	}
	return string(o.ID), nil
}

// problem says what json found wrong without quoting the input.
func problem(err error) error {
	var syntax *json.SyntaxError
	var typ *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is not JSON (at byte %d)", syntax.Offset)
	case errors.As(err, &typ):
		return fmt.Errorf("field %s is a %s", typ.Field, jsonType(typ))
	}
	return err
}

// HadPasscode says whether the event names the passcode that the meeting had before
// (Z-EVENT-5): what it names besides is another one in its place.
func (e Envelope) HadPasscode() bool {
	var old struct {
		Password secret.String `json:"password"`
	}
	return len(e.OldObject) > 0 && json.Unmarshal(e.OldObject, &old) == nil && old.Password != ""
}
