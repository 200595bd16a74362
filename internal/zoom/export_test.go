package zoom

import (
	"strings"

	"latchkey/internal/passcode"
)

// SettingsPaths are the members of a settings answer or event that are read.
func SettingsPaths() []string {
	all := []string{"schedule_meeting.force_pmi_jbh_password", "schedule_meeting.join_before_host"}
	for _, s := range passcode.AllSettings() {
		if s.Key == passcode.KeyPMIJoin {
			continue // a value of another setting
		}
		all = append(append(all, s.Path), s.Older...)
	}
	for _, path := range []string{passcode.PathRequirement, "schedule_meeting.meeting_password_requirement"} {
		for _, member := range strings.Fields("length have_letter have_number have_special_character only_allow_numeric have_upper_and_lower_characters consecutive_characters_length weak_enhance_detection") {
			all = append(all, path+"."+member)
		}
	}
	return all
}
