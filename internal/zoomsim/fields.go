package zoomsim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// where says in which calls a field is shown.
type where uint8

const (
	inUser where = 1 << iota
	inGroup
	inAccount
	inGroupLocks
	inAccountLocks

	values  = inUser | inGroup | inAccount
	locks   = inGroupLocks | inAccountLocks
	allOver = values | locks
)

// pmiModes are the words of require_password_for_pmi_meetings.
const (
	pmiAll  = "all"
	pmiJBH  = "jbh_only"
	pmiNone = "none"
)

// field maps one JSON path of Zoom's settings bodies to the key it shows.
type field struct {
	section, name string
	key           key
	in            where
}

func (f field) path() string { return f.section + "." + f.name }

// fields are all paths that carry a modelled setting, meeting_security first
// and its older twins after (openapi/users.json and accounts.json, copied as
// data). A path in no list of its level is accepted but not shown there.
var fields = []field{
	{"meeting_security", "auto_security", keyAutoSecurity, allOver},
	{"meeting_security", "embed_password_in_join_link", keyEmbedPassword, allOver},
	{"meeting_security", "meeting_password", keyMeetingPassword, allOver},
	{"meeting_security", "meeting_password_requirement", keyRequirement, values},
	{"meeting_security", "only_authenticated_can_join_from_webclient", keyWebAuth, allOver},
	{"meeting_security", "phone_password", keyPhonePassword, allOver},
	{"meeting_security", "pmi_password", keyPMIPassword, allOver},
	{"meeting_security", "require_password_for_scheduled_meeting", keyScheduledPassword, values},
	{"meeting_security", "waiting_room", keyWaitingRoom, allOver},
	{"meeting_security", "waiting_room_settings", keyWaitingRoomHolds, values},
	{"schedule_meeting", "require_password_for_scheduling_new_meetings", keyMeetingPassword, allOver},
	{"schedule_meeting", "require_password_for_instant_meetings", keyMeetingPassword, allOver},
	{"schedule_meeting", "require_password_for_scheduled_meetings", keyScheduledPassword, values},
	{"schedule_meeting", "require_password_for_pmi_meetings", keyPMIPassword, allOver},
	{"schedule_meeting", "force_pmi_jbh_password", keyPMIJBHPassword, values | inGroupLocks},
	{"schedule_meeting", "pstn_password_protected", keyPhonePassword, inUser | inGroup | inGroupLocks},
	{"schedule_meeting", "embed_password_in_join_link", keyEmbedPassword, inUser | inGroup | locks},
	{"schedule_meeting", "meeting_password_requirement", keyRequirement, inUser | inAccount},
	{"schedule_meeting", "meeting_authentication", keyAuthentication, locks},
	{"schedule_meeting", "join_before_host", keyJoinBeforeHost, values | inAccountLocks},
	{"schedule_meeting", "use_pmi_for_scheduled_meetings", keyUsePMIScheduled, inUser | inAccount | inAccountLocks},
	{"schedule_meeting", "use_pmi_for_instant_meetings", keyUsePMIInstant, values | inAccountLocks},
	{"schedule_meeting", "default_password_for_scheduled_meetings", keyDefaultPasscode, inUser},
	{"schedule_meeting", "pmi_password", keyPMIPasscode, inUser},
	{"in_meeting", "waiting_room", keyWaitingRoom, inUser | inGroup | inGroupLocks},
}

func lookupField(section, name string) (field, bool) {
	for _, f := range fields {
		if f.section == section && f.name == name {
			return f, true
		}
	}
	return field{}, false
}

// SettingsPatch is part of a settings or lock-settings body in Zoom's own
// nested shape: {"meeting_security": {"meeting_password": true}}. Authentication
// is schedule_meeting.meeting_authentication. In a lock patch every value is a
// boolean. An unknown path is an error, so that a typo in a test is seen.
type SettingsPatch map[string]any

// Set makes a patch of one dotted path: Set("meeting_security.waiting_room", true).
func Set(path string, value any) SettingsPatch { return SettingsPatch{}.And(path, value) }

// And adds one more path to the patch and returns it.
func (p SettingsPatch) And(path string, value any) SettingsPatch {
	section, name, _ := strings.Cut(path, ".")
	inner, ok := p[section].(map[string]any)
	if !ok {
		inner = map[string]any{}
		p[section] = inner
	}
	inner[name] = value
	return p
}

// change is one path of a patch, decoded.
type change struct {
	field
	on   bool
	pmi  string // require_password_for_pmi_meetings
	text string
	raw  json.RawMessage // an object: only the members that are named
}

// decode turns a patch into changes in the order of fields. With strict an
// unknown path is an error; without, it is left out as Zoom's API does. asLock
// reads every value as a lock.
func (p SettingsPatch) decode(strict, asLock bool) ([]change, error) {
	var out []change
	for _, section := range slices.Sorted(maps.Keys(p)) {
		inner, ok := sectionOf(p[section])
		if !ok {
			if strict {
				return nil, fmt.Errorf("settings: %s: want an object with settings in it", section)
			}
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			f, ok := lookupField(section, name)
			if !ok {
				if strict {
					return nil, fmt.Errorf("settings: %s.%s: no such setting", section, name)
				}
				continue
			}
			c, err := decodeChange(f, inner[name], asLock)
			if err != nil {
				return nil, err
			}
			out = append(out, c)
		}
	}
	return out, nil
}

// sectionOf takes a section in any of the forms that Go code writes.
func sectionOf(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case SettingsPatch:
		return m, true
	case map[string]bool:
		out := make(map[string]any, len(m))
		for k, on := range m {
			out[k] = on
		}
		return out, true
	}
	return nil, false
}

func decodeChange(f field, v any, asLock bool) (change, error) {
	c := change{field: f}
	ok := true
	switch {
	case asLock:
		c.on, ok = v.(bool)
	case f.name == "require_password_for_pmi_meetings":
		c.pmi, ok = v.(string)
		ok = ok && (c.pmi == pmiAll || c.pmi == pmiJBH || c.pmi == pmiNone)
	case f.key == keyDefaultPasscode || f.key == keyPMIPasscode:
		c.text, ok = v.(string)
	case f.key == keyRequirement:
		var err error
		if c.raw, err = decodeObject(v, new(Requirement)); err != nil {
			return c, fmt.Errorf("settings: %s: %w", f.path(), err)
		}
	case f.key == keyWaitingRoomHolds:
		var err error
		var room WaitingRoomSettings
		if c.raw, err = decodeObject(v, &room); err != nil {
			return c, fmt.Errorf("settings: %s: %w", f.path(), err)
		}
		ok = room.valid()
	default:
		c.on, ok = v.(bool)
	}
	if !ok {
		return c, fmt.Errorf("settings: %s: value %v is not of the kind that Zoom expects", f.path(), v)
	}
	return c, nil
}

// decodeObject reads a value that is an object into one of the known shape, in
// which every member must exist, and returns its JSON.
func decodeObject(v, into any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	return raw, dec.Decode(into)
}

// apply writes the change into a level's values. base is what the level falls
// through to, so that a partial object keeps its other members.
func (c change) apply(l *layer, base *layer) {
	switch {
	case c.pmi != "":
		l.put(keyPMIPassword, c.pmi == pmiAll)
		l.put(keyPMIJBHPassword, c.pmi == pmiJBH)
	case c.raw != nil:
		if !l.set.has(c.key) {
			if c.key == keyRequirement {
				l.req = base.req
			} else {
				l.room = base.room
			}
		}
		var into any = &l.req
		if c.key == keyWaitingRoomHolds {
			into = &l.room
		}
		// The value decoded once already; it cannot fail now.
		_ = json.Unmarshal(c.raw, into)
		l.set |= c.key.bit()
	case c.key == keyDefaultPasscode || c.key == keyPMIPasscode:
		l.text[c.key] = c.text
		l.set |= c.key.bit()
	default:
		l.put(c.key, c.on)
	}
}

// show returns the value of a field as Zoom's body shows it.
func (f field) show(l *layer) any {
	switch {
	case f.name == "require_password_for_pmi_meetings":
		switch {
		case l.on.has(keyPMIPassword):
			return pmiAll
		case l.on.has(keyPMIJBHPassword):
			return pmiJBH
		}
		return pmiNone
	case f.key == keyRequirement:
		return l.req
	case f.key == keyWaitingRoomHolds:
		return l.room
	case f.key == keyDefaultPasscode || f.key == keyPMIPasscode:
		return l.text[f.key]
	}
	return l.on.has(f.key)
}

// render lists the fields of one call; section "" means all but
// meeting_security, which Zoom shows only under option=meeting_security.
func render(l *layer, in where, section string) map[string]any {
	out := map[string]any{}
	for _, f := range fields {
		if f.in&in == 0 || (section == "") == (f.section == "meeting_security") {
			continue
		}
		inner, _ := out[f.section].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			out[f.section] = inner
		}
		if in&locks != 0 {
			inner[f.name] = l.locked.has(f.key)
		} else {
			inner[f.name] = f.show(l)
		}
	}
	return out
}
