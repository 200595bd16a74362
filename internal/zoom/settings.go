package zoom

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
)

// Security is what of a settings answer decides about passcodes: of a user the
// effective values, of a lock answer whether each is locked, of a settings
// event only what changed. Nil means that the answer did not say.
//
// Zoom keeps most of these twice: under meeting_security and, with older names,
// under schedule_meeting and in_meeting. Where both are there and differ,
// meeting_security wins [I]: it is the newer, and lock settings name it alone.
type Security struct {
	Passcode       *bool        `json:"meeting_password"`
	Scheduled      *bool        `json:"require_password_for_scheduled_meeting"`
	PMI            *bool        `json:"pmi_password"`
	WaitingRoom    *bool        `json:"waiting_room"`
	AutoSecurity   *bool        `json:"auto_security"`
	Phone          *bool        `json:"phone_password"`
	Embed          *bool        `json:"embed_password_in_join_link"`
	WebClient      *bool        `json:"only_authenticated_can_join_from_webclient"`
	Requirement    *Requirement `json:"meeting_password_requirement"`
	Authentication *bool        `json:"-"` // outside meeting_security
}

// Requirement is what a host's passcodes must look like; the zero value asks
// for nothing.
type Requirement struct {
	Length                int  `json:"length"`
	HaveLetter            bool `json:"have_letter"`
	HaveNumber            bool `json:"have_number"`
	HaveSpecial           bool `json:"have_special_character"`
	OnlyNumeric           bool `json:"only_allow_numeric"`
	HaveUpperAndLower     bool `json:"have_upper_and_lower_characters"`
	ConsecutiveLength     int  `json:"consecutive_characters_length"`
	WeakEnhancedDetection bool `json:"weak_enhance_detection"`
}

// settingsAnswer is any settings or lock settings, of an answer or an event.
type settingsAnswer struct {
	Security       Security     `json:"meeting_security"`
	Authentication flexibleBool `json:"meeting_authentication"`
	Schedule       struct {
		New            flexibleBool `json:"require_password_for_scheduling_new_meetings"`
		Instant        flexibleBool `json:"require_password_for_instant_meetings"`
		Scheduled      flexibleBool `json:"require_password_for_scheduled_meetings"`
		PMI            pmiRule      `json:"require_password_for_pmi_meetings"`
		ForcePMI       flexibleBool `json:"force_pmi_jbh_password"`
		Phone          flexibleBool `json:"pstn_password_protected"`
		Embed          flexibleBool `json:"embed_password_in_join_link"`
		Authentication flexibleBool `json:"meeting_authentication"`
		JoinBeforeHost flexibleBool `json:"join_before_host"`
		Requirement    *Requirement `json:"meeting_password_requirement"`
	} `json:"schedule_meeting"`
	InMeeting struct {
		WaitingRoom flexibleBool `json:"waiting_room"`
	} `json:"in_meeting"`
}

// merged fills what meeting_security does not say from the older names.
func (a settingsAnswer) merged() Security {
	s, old := a.Security, a.Schedule
	fill := func(to **bool, from ...flexibleBool) {
		for _, f := range from {
			if *to == nil && f.set {
				v := f.value
				*to = &v
			}
		}
	}
	fill(&s.Passcode, old.New, old.Instant)
	fill(&s.Scheduled, old.Scheduled)
	fill(&s.PMI, old.PMI.toggle(old.JoinBeforeHost))
	fill(&s.WaitingRoom, a.InMeeting.WaitingRoom)
	fill(&s.Phone, old.Phone)
	fill(&s.Embed, old.Embed)
	fill(&s.Authentication, a.Authentication, old.Authentication)
	if s.Requirement == nil {
		s.Requirement = old.Requirement
	}
	return s
}

// pmiRule is "all", "none" or "jbh_only" in settings, and a boolean in lock
// settings (FACTS section 3).
type pmiRule string

func (r *pmiRule) UnmarshalJSON(raw []byte) error {
	if string(raw) != "null" {
		*r = pmiRule(bytes.Trim(raw, `"`))
	}
	return nil
}

// toggle: "jbh_only" asks only where people can join before the host, which is
// the meeting's default by the host's own setting.
func (r pmiRule) toggle(joinBeforeHost flexibleBool) flexibleBool {
	switch r {
	case "all", "true":
		return flexibleBool{set: true, value: true}
	case "none", "false":
		return flexibleBool{set: true}
	case "jbh_only":
		return joinBeforeHost
	}
	return flexibleBool{}
}

const (
	optionSecurity       = "meeting_security"
	optionAuthentication = "meeting_authentication"
)

// GetUserSettings reads a host's effective security settings: two MEDIUM calls,
// since each option answers only its own part (FACTS section 3), and a third
// for the older names where meeting_security leaves something out.
func (c *Client) GetUserSettings(ctx context.Context, userID string) (Security, error) {
	var all settingsAnswer
	if err := c.settings(ctx, "/users/{userId}/settings", userID, optionSecurity, &all); err != nil {
		return Security{}, err
	}
	if err := c.settings(ctx, "/users/{userId}/settings", userID, optionAuthentication, &all); err != nil {
		return Security{}, err
	}
	s := all.Security
	if s.Passcode == nil || s.Scheduled == nil || s.PMI == nil || s.WaitingRoom == nil || s.Phone == nil || s.Embed == nil {
		if err := c.settings(ctx, "/users/{userId}/settings", userID, "", &all); err != nil {
			return Security{}, err
		}
	}
	return all.merged(), nil
}

// PatchUserSettings turns settings of a host on or off: those of s that are not
// nil, under meeting_security (FACTS section 3). One call, label as openapi
// says for user settings. Zoom ignores what is locked above the host: read back.
func (c *Client) PatchUserSettings(ctx context.Context, userID string, s Security) error {
	section := map[string]bool{}
	for name, v := range map[string]*bool{"meeting_password": s.Passcode, "require_password_for_scheduled_meeting": s.Scheduled, "pmi_password": s.PMI} {
		if v != nil {
			section[name] = *v
		}
	}
	return c.do(ctx, call{method: http.MethodPatch, path: "/users/{userId}/settings", args: []string{userID},
		query: url.Values{"option": {optionSecurity}}, label: Medium, body: map[string]any{optionSecurity: section}})
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

func (c *Client) locks(ctx context.Context, path, id string) (Security, error) {
	var all settingsAnswer
	if err := c.settings(ctx, path, id, optionSecurity, &all); err != nil {
		return Security{}, err
	}
	// The plain call carries the lock on authentication (FACTS section 3).
	if err := c.settings(ctx, path, id, "", &all); err != nil {
		return Security{}, err
	}
	return all.merged(), nil
}

// GetAccountSettings and GetGroupSettings read the values that a lock of that
// level fixes. Two MEDIUM calls.
func (c *Client) GetAccountSettings(ctx context.Context, accountID string) (Security, error) {
	return c.levelSettings(ctx, "/accounts/{accountId}/settings", accountID)
}

// GetGroupSettings reads a group's values; see GetAccountSettings.
func (c *Client) GetGroupSettings(ctx context.Context, groupID string) (Security, error) {
	return c.levelSettings(ctx, "/groups/{groupId}/settings", groupID)
}

func (c *Client) levelSettings(ctx context.Context, path, id string) (Security, error) {
	var all settingsAnswer
	for _, option := range []string{optionSecurity, optionAuthentication} {
		if err := c.settings(ctx, path, id, option, &all); err != nil {
			return Security{}, err
		}
	}
	return all.merged(), nil
}

func (c *Client) settings(ctx context.Context, path, id, option string, into *settingsAnswer) error {
	k := call{method: http.MethodGet, path: path, args: []string{id}, label: Medium, into: into}
	if option != "" {
		k.query = url.Values{"option": {option}}
	}
	return c.do(ctx, k)
}

// decodeSettings reads the settings of an event's object.
func decodeSettings(raw json.RawMessage) (SettingsObject, error) {
	var o struct {
		ID       flexibleString `json:"id"`
		Settings settingsAnswer `json:"settings"`
	}
	if len(raw) == 0 {
		return SettingsObject{}, errMissing
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return SettingsObject{}, problem(err)
	}
	s := SettingsObject{ID: string(o.ID), Security: o.Settings.merged()}
	// These alone say that something changed, but not what it comes to.
	old := o.Settings.Schedule
	s.Decides = s.Security != Security{} || old.PMI != "" || old.ForcePMI.set || old.JoinBeforeHost.set
	return s, nil
}
