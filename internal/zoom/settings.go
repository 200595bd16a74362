package zoom

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
)

// Settings is what of a settings answer the rule knows: of a user the effective
// values, of a lock answer whether each is locked, of a settings event only what
// changed. Unknown means that the answer did not say.
type Settings struct {
	passcode.Values
	// Requirement is nil when the answer did not say.
	Requirement *passcode.Requirement
	// Waits is whom the waiting rooms hold by this setting; unknown when the answer
	// did not say (Z-SET-10).
	Waits passcode.Waits
	// Odd says that something of a section which may decide was there and could
	// not be used, or says that something changed but not what it comes to.
	Odd bool
}

// decode reads a settings answer or an event's settings on top of what an
// earlier answer said, by the rule's own table: first a setting's path, then its
// older names (Z-SET-8). One odd field costs itself alone.
func (s *Settings) decode(raw []byte) error {
	var top map[string]json.RawMessage
	if err := json.Unmarshal(raw, &top); err != nil {
		return err
	}
	sections := map[string]map[string]json.RawMessage{}
	for _, name := range []string{"meeting_security", "schedule_meeting", "in_meeting"} {
		var section map[string]json.RawMessage
		if raw, there := top[name]; there && json.Unmarshal(raw, &section) != nil {
			s.Odd, section = true, nil
		}
		sections[name] = section
	}
	at := func(path string) (json.RawMessage, bool) {
		section, name, nested := strings.Cut(path, ".")
		if !nested {
			raw, there := top[path]
			return raw, there
		}
		raw, there := sections[section][name]
		return raw, there
	}
	if raw, _ := at(pathPMIRule); string(raw) == `"jbh_only"` {
		s.Values[passcode.KeyPMIJoin] = passcode.On // whatever the newer name says
	}
	for _, info := range passcode.AllSettings() {
		for _, path := range append([]string{info.Path}, info.Older...) {
			if s.Values[info.Key] != passcode.Unknown {
				break
			}
			raw, there := at(path)
			if !there || string(raw) == "null" {
				continue
			}
			value := toggle(raw)
			if path == pathPMIRule {
				value = pmiRule(raw, sections["schedule_meeting"]["join_before_host"])
			}
			s.Values[info.Key] = value
			s.Odd = s.Odd || value == passcode.Unknown
		}
	}
	for _, path := range []string{passcode.PathRequirement, "schedule_meeting.meeting_password_requirement"} {
		raw, there := at(path)
		if !there || s.Requirement != nil {
			continue
		}
		var r *passcode.Requirement
		if json.Unmarshal(raw, &r) != nil {
			s.Odd = true
			continue
		}
		s.Requirement = r
	}
	for _, path := range []string{"meeting_security.waiting_room_settings", "in_meeting.waiting_room_settings"} {
		raw, there := at(path)
		if !there || s.Waits != passcode.WaitsUnknown {
			continue
		}
		var o struct {
			Who loose[flexibleInt] `json:"participants_to_place_in_waiting_room"`
		}
		if json.Unmarshal(raw, &o) != nil || o.Who.bad {
			s.Odd = true
			continue
		}
		if o.Who.value != nil {
			s.Waits = passcode.WaitsOf(int(*o.Who.value))
			s.Odd = s.Odd || s.Waits == passcode.WaitsUnknown
		}
	}
	for _, path := range []string{"schedule_meeting.force_pmi_jbh_password", "schedule_meeting.join_before_host", pathPMIPasscode} {
		if raw, there := at(path); there && string(raw) != "null" {
			s.Odd = true // what it comes to is not said
		}
	}
	return nil
}

// UnmarshalJSON reads one answer.
func (s *Settings) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		return nil
	}
	return s.decode(raw)
}

// Says reports whether anything of it may decide about passcodes.
func (s Settings) Says() bool {
	return s.Values != passcode.Values{} || s.Requirement != nil || s.Waits != passcode.WaitsUnknown || s.Odd
}

func toggle(raw json.RawMessage) passcode.Toggle {
	var b flexibleBool
	_ = b.UnmarshalJSON(raw) // what is not understood counts as not said
	if !b.set {
		return passcode.Unknown
	}
	return passcode.ToggleOf(b.value)
}

// pathPMIRule is "all", "none" or "jbh_only" in settings, and a boolean in lock
// settings (Z-SET-8).
const pathPMIRule = "schedule_meeting.require_password_for_pmi_meetings"

// pathPMIPasscode is the passcode itself, not whether one is wanted.
const pathPMIPasscode = "schedule_meeting.pmi_password"

// pmiRule: "jbh_only" asks only where people can join before the host, which is
// the meeting's default by the host's own setting.
func pmiRule(raw, joinBeforeHost json.RawMessage) passcode.Toggle {
	switch strings.Trim(string(raw), `"`) {
	case "all":
		return passcode.On
	case "none":
		return passcode.Off
	case "jbh_only":
		return toggle(joinBeforeHost)
	}
	return toggle(raw)
}

const (
	optionSecurity       = "meeting_security"
	optionAuthentication = "meeting_authentication"
)

// GetUserSettings reads a host's effective security settings: three MEDIUM calls,
// since each option answers only its own part (Z-CALL-5), and what instant meetings
// follow, and which of its two offs the PMI setting has (Z-SET-8), stands in the
// plain answer alone.
func (c *Client) GetUserSettings(ctx context.Context, userID string) (Settings, error) {
	return c.settings(ctx, pathUserSettings, userID, optionSecurity, optionAuthentication, "")
}

// GetUserSecurity reads that part of a host's settings alone that is in meeting_security:
// one MEDIUM call.
func (c *Client) GetUserSecurity(ctx context.Context, userID string) (Settings, error) {
	return c.settings(ctx, pathUserSettings, userID, optionSecurity)
}

// InSecurity says whether a setting is of meeting_security.
func InSecurity(k passcode.Key) bool {
	return strings.HasPrefix(k.Path(), optionSecurity+".")
}

// PatchUserSettings turns settings of a host on or off: those that are known in
// v, all of which must be of meeting_security. One MEDIUM call. Zoom ignores
// what is locked above the host: read back.
func (c *Client) PatchUserSettings(ctx context.Context, userID string, v passcode.Values) error {
	section := map[string]bool{}
	for _, info := range passcode.AllSettings() {
		if v[info.Key] == passcode.Unknown {
			continue
		}
		if !strings.HasPrefix(info.Path, optionSecurity+".") {
			return &Error{Kind: KindInvalid, Op: "PATCH " + pathUserSettings, Message: info.Path + " is not of " + optionSecurity}
		}
		section[info.Name] = v[info.Key] == passcode.On
	}
	return c.do(ctx, call{method: http.MethodPatch, path: pathUserSettings, args: []string{userID},
		query: url.Values{"option": {optionSecurity}}, label: Medium, body: map[string]any{optionSecurity: section}})
}

// GetGroupLocks reads which settings a group locks for its members. Two MEDIUM
// calls. A setting the answer does not name is Unknown.
func (c *Client) GetGroupLocks(ctx context.Context, groupID string) (Settings, error) {
	return c.settings(ctx, pathGroupLocks, groupID, optionSecurity, "")
}

// GetAccountLocks reads which settings the account locks for everybody. Two
// MEDIUM calls: the plain one carries the lock on authentication (Z-CALL-8). A
// free account is a KindPaidOnly.
func (c *Client) GetAccountLocks(ctx context.Context, accountID string) (Settings, error) {
	return c.settings(ctx, pathAccountLocks, accountID, optionSecurity, "")
}

// GetAccountSettings reads the values that a lock of the account fixes. Three
// MEDIUM calls.
func (c *Client) GetAccountSettings(ctx context.Context, accountID string) (Settings, error) {
	return c.settings(ctx, "/accounts/{accountId}/settings", accountID, optionSecurity, optionAuthentication, "")
}

// GetGroupSettings reads the values that a lock of the group fixes. Three MEDIUM
// calls.
func (c *Client) GetGroupSettings(ctx context.Context, groupID string) (Settings, error) {
	return c.settings(ctx, "/groups/{groupId}/settings", groupID, optionSecurity, optionAuthentication, "")
}

// settings reads the options of one path, "" for the plain call, on top of each
// other: the first to say something wins.
func (c *Client) settings(ctx context.Context, path, id string, options ...string) (s Settings, err error) {
	for _, option := range options {
		if s, err = c.settingsOnTop(ctx, s, path, id, option); err != nil {
			return Settings{}, err
		}
	}
	return s, nil
}

func (c *Client) settingsOnTop(ctx context.Context, s Settings, path, id, option string) (Settings, error) {
	k := call{method: http.MethodGet, path: path, args: []string{id}, label: Medium, into: &s}
	if option != "" {
		k.query = url.Values{"option": {option}}
	}
	if err := c.do(ctx, k); err != nil {
		return Settings{}, err // nothing half read
	}
	return s, nil
}

// pmiPasscode finds the passcode of the personal meeting id in a settings event.
func pmiPasscode(raw json.RawMessage) *secret.String {
	var o struct {
		Settings struct {
			Schedule struct {
				PMIPassword loose[secret.String] `json:"pmi_password"`
			} `json:"schedule_meeting"`
		} `json:"settings"`
	}
	_ = json.Unmarshal(raw, &o) // what is odd is not it
	return o.Settings.Schedule.PMIPassword.value
}

// decodeSettings reads the settings of an event's object.
func decodeSettings(raw json.RawMessage) (SettingsObject, error) {
	var o struct {
		ID       loose[flexibleString] `json:"id"`
		Settings json.RawMessage       `json:"settings"`
	}
	if len(raw) == 0 {
		return SettingsObject{}, errMissing
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return SettingsObject{}, problem(err)
	}
	s := SettingsObject{ID: string(o.ID.or(""))}
	var named map[string]json.RawMessage
	if json.Unmarshal(o.Settings, &named) != nil || s.decode(o.Settings) != nil || len(named) == 0 {
		s.Odd = true // settings changed, and which is not said
	}
	s.PMIPasscode = pmiPasscode(raw)
	return s, nil
}
