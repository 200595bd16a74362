package lint

import "strings"

// member is one name of Zoom's schema of a create that decides whether joiners
// are asked for a passcode, or who may join; the other names are not judged.
type member struct {
	name     string
	settings bool // it stands inside settings (Z-RULE-16)
	want     string
	// also are names that people write for it, which the schema does not have.
	also []string
}

const (
	aBool   = "true or false"
	aText   = "a string"
	aNumber = "a number"
	anObj   = "an object"
)

var members = []member{
	{name: "type", want: aNumber, also: []string{"meeting_type"}},
	{name: "password", want: aText, also: []string{"passcode", "pass_code", "passwd", "pwd", "meeting_password", "meeting_passcode"}},
	{name: "default_password", want: aBool, also: []string{"default_passcode"}},
	{name: "schedule_for", want: aText},
	{name: "settings", want: anObj, also: []string{"meeting_settings"}},
	{name: "waiting_room", settings: true, want: aBool, also: []string{"enable_waiting_room", "waiting_room_enabled", "use_waiting_room"}},
	{name: "waiting_room_options", settings: true, want: anObj},
	{name: "meeting_authentication", settings: true, want: aBool},
	{name: "join_before_host", settings: true, want: aBool, also: []string{"jbh"}},
	{name: "jbh_time", settings: true, want: aNumber},
	{name: "use_pmi", settings: true, want: aBool, also: []string{"use_personal_meeting_id"}},
}

// dotted is where it belongs.
func (m member) dotted() string {
	if m.settings {
		return "settings." + m.name
	}
	return m.name
}

// memberNamed finds a member by its exact name.
func memberNamed(name string) (member, bool) {
	for _, m := range members {
		if m.name == name {
			return m, true
		}
	}
	return member{}, false
}

// meant finds the member that a name which is none was most likely meant for.
func meant(name string) (member, bool) {
	flat := flatten(name)
	for _, m := range members {
		if flat == flatten(m.name) {
			return m, true
		}
		for _, other := range m.also {
			if flat == flatten(other) {
				return m, true
			}
		}
	}
	for _, m := range members {
		want := flatten(m.name)
		slips := 0
		switch {
		case len(want) >= 10:
			slips = 2
		case len(want) >= 5:
			slips = 1
		}
		if slips > 0 && distance(flat, want, slips) <= slips {
			return m, true
		}
	}
	return member{}, false
}

// flatten leaves out what people write differently: case and separators.
func flatten(name string) string { return separators.Replace(strings.ToLower(name)) }

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

// distance is how many letters were left out, put in, mistaken or swapped with
// the next; beyond limit it is only known to be more.
func distance(a, b string, limit int) int {
	if len(a) > len(b)+limit || len(b) > len(a)+limit {
		return limit + 1
	}
	var before, last []int
	for i := 0; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		for j := range row {
			switch {
			case i == 0:
				row[j] = j
				continue
			case j == 0:
				row[j] = i
				continue
			}
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
