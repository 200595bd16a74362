// Package lint judges the JSON body that somebody's code sends to create a
// meeting: what Zoom will make of it, and what to send instead. It is pure, and
// nothing that it returns holds a value of the body that may be a secret.
package lint

import (
	"encoding/json"
	"strconv"
	"strings"

	"latchkey/internal/passcode"
)

// Code names a kind of finding or note, for programs.
type Code string

// The findings: each names something to send otherwise.
const (
	CodeDisputed     Code = "passcode_disputed"     // whether Zoom generates a passcode is disputed
	CodeAskedFor     Code = "passcode_asked_for"    // default_password is true
	CodeNeither      Code = "names_neither"         // neither passcode nor waiting room
	CodeOpen         Code = "nothing_secures"       // all options are off
	CodeMisplaced    Code = "misplaced"             // inside or outside settings
	CodeMisspelt     Code = "misspelt"              // no name of the schema, and close to one
	CodeWrongType    Code = "wrong_type"            // a string for a boolean and the like
	CodeType         Code = "meeting_type"          // no type that a create takes
	CodePMI          Code = "personal_meeting_id"   // the meeting runs under the host's own number
	CodeJoinFirst    Code = "join_before_host"      // the waiting room disables it
	CodeEmpty        Code = "password_empty"        // empty or null
	CodeTooLong      Code = "password_too_long"     //
	CodeCharacters   Code = "password_characters"   // characters that Zoom does not name
	CodeUnrestorable Code = "password_unrestorable" // only a create takes it
	CodeRequirement  Code = "password_requirement"  // the host's requirement does not hold
	CodeForced       Code = "passcode_forced"       // no request of this host's can avoid one
	CodeLockedOff    Code = "locked_off"            // what is asked for stays off
)

// The notes: to be known, and nothing to send otherwise.
const (
	CodeOwnPassword Code = "own_password"
	CodeScheduleFor Code = "schedule_for"
	CodeInstant     Code = "instant"
	CodeHostsPMI    Code = "use_pmi_not_named"
	CodeTemplate    Code = "template_id"
)

// Finding is one thing that is to be sent otherwise; a note has no Send.
type Finding struct {
	Code  Code     `json:"code"`
	Path  string   `json:"path"`
	Says  string   `json:"says"` // what Zoom makes of it
	Send  string   `json:"send,omitempty"`
	Facts []string `json:"facts,omitempty"` // the rows of docs/zoom-facts.md that it rests on
}

// rests says which facts a code rests on.
var rests = map[Code][]string{
	CodeDisputed:     {"Z-RULE-8", "Z-RULE-9", "Z-RULE-10", "Z-RULE-15"},
	CodeAskedFor:     {"Z-RULE-9", "Z-RULE-10", "Z-RULE-11"},
	CodeNeither:      {"Z-RULE-12"},
	CodeOpen:         {"Z-RULE-5", "Z-RULE-6"},
	CodeMisplaced:    {"Z-RULE-16"},
	CodeMisspelt:     {"Z-RULE-16"},
	CodeType:         {"Z-MEET-1", "Z-MEET-20"},
	CodePMI:          {"Z-MEET-10", "Z-MEET-20", "Z-MEET-21"},
	CodeJoinFirst:    {"Z-MEET-22"},
	CodeEmpty:        {"Z-RULE-21"},
	CodeTooLong:      {"Z-CODE-1"},
	CodeCharacters:   {"Z-CODE-2", "Z-CODE-3"},
	CodeUnrestorable: {"Z-CODE-2", "Z-CODE-3", "Z-CODE-8"},
	CodeRequirement:  {"Z-CODE-5"},
	CodeForced:       {"Z-RULE-2", "Z-RULE-3"},
	CodeLockedOff:    {"Z-RULE-4"},
	CodeOwnPassword:  {"Z-RULE-5", "Z-RULE-19"},
	CodeScheduleFor:  {"Z-MEET-23", "Z-MEET-24"},
	CodeInstant:      {"Z-SET-13"},
	CodeHostsPMI:     {"Z-MEET-10", "Z-MEET-21"},
	CodeTemplate:     {"Z-MEET-25"},
}

// Host is whose settings decide, where that is known.
type Host struct {
	Names []string // id and e-mail address
	passcode.Host
}

// Prediction is what Zoom makes of the body for one kind of host.
type Prediction struct {
	// Setting says which hosts: "off", "on" or "locked on", by their setting "Require
	// a passcode when scheduling new meetings"; "host" for the one that was named.
	Setting string `json:"passcode_setting"`
	// AsSent is nil where that cannot be told from the body: see Report.Unpredictable.
	AsSent    *passcode.Prediction `json:"as_sent"`
	Corrected passcode.Prediction  `json:"corrected"`
}

// Report is the judgment of one body.
type Report struct {
	Findings    []Finding    `json:"findings"`
	Notes       []Finding    `json:"notes"`
	Predictions []Prediction `json:"predictions"`
	// Unpredictable are the paths that keep AsSent from being told.
	Unpredictable []string `json:"unpredictable,omitempty"`
	// Body is what to send of the members that decide; OwnPassword says that the
	// caller's own password belongs there too, which is not shown.
	Body        Body `json:"body"`
	OwnPassword bool `json:"own_password,omitzero"`
}

// Body are the members that decide, without the password.
type Body struct {
	Type            int          `json:"type,omitzero"`
	DefaultPassword *bool        `json:"default_password,omitempty"`
	Settings        BodySettings `json:"settings,omitzero"`
}

// BodySettings are the members inside settings that decide.
type BodySettings struct {
	WaitingRoom    *bool `json:"waiting_room,omitempty"`
	Authentication *bool `json:"meeting_authentication,omitempty"`
	JoinBeforeHost *bool `json:"join_before_host,omitempty"`
	UsePMI         *bool `json:"use_pmi,omitempty"`
}

// Judge judges a body, for one host or, where h is nil, for the kinds of hosts
// there are. The error says why the body cannot be judged at all.
func Judge(raw []byte, h *Host) (Report, error) {
	o, err := parse(raw)
	if err != nil {
		return Report{}, err
	}
	j := judge{report: Report{Findings: []Finding{}, Notes: []Finding{}}, is: map[string]value{}, meant: map[string]value{}}
	j.collect(o)
	if err := j.whose(h); err != nil {
		return Report{}, err
	}
	j.kind()
	j.password(h)
	j.options(h)
	j.correct()
	j.predict(h)
	return j.report, nil
}

// judge is the work on one body.
type judge struct {
	report Report
	is     map[string]value // members that are where and what Zoom's schema wants
	meant  map[string]value // members as they were most likely meant
	// unclear are members whose value is of a wrong type: what Zoom makes of them is
	// not documented.
	unclear map[string]bool
	pmi     bool // it runs under the host's personal meeting id
}

func (j *judge) find(code Code, at path, says, send string) {
	j.report.Findings = append(j.report.Findings, Finding{Code: code, Path: at.String(), Says: says, Send: send, Facts: rests[code]})
}

func (j *judge) note(code Code, at path, says string) {
	j.report.Notes = append(j.report.Notes, Finding{Code: code, Path: at.String(), Says: says, Facts: rests[code]})
}

func (j *judge) cannotTell(at path) {
	j.report.Unpredictable = append(j.report.Unpredictable, at.String())
}

// collect sorts the members that decide into those that the schema has and those
// that it has not.
func (j *judge) collect(top *object) {
	j.unclear = map[string]bool{}
	j.object(top, nil)
	if settings, ok := j.is["settings"].(*object); ok {
		j.object(settings, path{"settings"})
	} else if settings, ok := j.meant["settings"].(*object); ok {
		// A misspelt settings: Zoom sees none of it, and what it was meant for is known.
		for _, name := range settings.names {
			m, ok := memberNamed(name)
			if !ok {
				m, ok = meant(name)
			}
			if ok {
				j.mean(m, settings.values[name])
			}
		}
	}
}

func (j *judge) object(o *object, at path) {
	inSettings := len(at) > 0
	for _, name := range o.names {
		v, here := o.values[name], at.with(name)
		m, exact := memberNamed(name)
		switch {
		case exact && m.settings == inSettings:
			j.take(m, v, here)
		case exact && m.name == "settings": // inside itself: no member of ours
		case exact && m.settings:
			j.mean(m, v)
			j.find(CodeMisplaced, here, "Zoom's schema has it inside settings alone: up here it names nothing, and the host's settings decide as if it were not there.",
				"Send "+m.dotted()+" instead.")
		case exact:
			j.mean(m, v)
			j.find(CodeMisplaced, here, "Zoom's schema has it outside settings alone: in here it names nothing.", "Send "+m.dotted()+" instead.")
		default:
			if m, ok := meant(name); ok {
				j.mean(m, v)
				j.find(CodeMisspelt, here, "Zoom's schema has no such name, and names are exact: it names nothing.", "Send "+m.dotted()+", if that is what is meant.")
			} else if name == "template_id" && !inSettings {
				j.note(CodeTemplate, here, "What an account's meeting template does to the passcode and the waiting room is not documented: read the meeting that Zoom's answer shows.")
			}
		}
	}
}

// mean notes a member that Zoom's schema does not see as what it was meant for.
func (j *judge) mean(m member, v value) {
	if _, named := j.meant[m.name]; !named {
		j.meant[m.name] = v
	}
}

func (j *judge) take(m member, v value, at path) {
	j.meant[m.name] = v
	right := false
	switch m.want {
	case aBool:
		_, right = v.(bool)
	case aText:
		_, right = v.(string)
		right = right || v == nil && m.name == "password" // that is another finding
	case aNumber:
		_, right = v.(json.Number)
	case anObj:
		_, right = v.(*object)
	}
	if right {
		j.is[m.name] = v
		return
	}
	j.unclear[m.name] = true
	if m.name != "waiting_room_options" && m.name != "jbh_time" && m.name != "join_before_host" {
		j.cannotTell(at)
	}
	send := "Send " + m.want + "."
	switch b, known := boolMeant(v); {
	case m.want == aBool && known:
		send = "Send " + strconv.FormatBool(b) + ", the bare word."
	case m.want == aBool:
		send = "Send true or false, or leave it out."
	case v == nil:
		send = "Leave it out, or send " + m.want + "."
	}
	j.find(CodeWrongType, at, "It is "+kind(v)+", and Zoom's schema wants "+m.want+": what Zoom makes of it is not documented.", send)
}

// boolMeant is the boolean that a value was most likely meant for.
func boolMeant(v value) (b, known bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true", "1", "yes", "on":
			return true, true
		case "false", "0", "no", "off":
			return false, true
		}
	case json.Number:
		return v == "1", v == "1" || v == "0"
	}
	return false, false
}

// ask is what the schema sees of a boolean member.
func (j *judge) ask(name string) passcode.Ask {
	b, named := j.is[name].(bool)
	return askOf(b, named)
}

func askOf(on, named bool) passcode.Ask {
	switch {
	case !named:
		return passcode.AskNothing
	case on:
		return passcode.AskOn
	}
	return passcode.AskOff
}

// passcodeAsk is what the schema sees of the password.
func (j *judge) passcodeAsk() passcode.Ask {
	v, named := j.is["password"]
	return askOf(named && v != nil && v != "", named)
}

// hasOwn says whether the caller means to give a password of their own.
func (j *judge) hasOwn() bool {
	switch v := j.meant["password"].(type) {
	case string:
		return v != ""
	case json.Number:
		return true
	}
	return false
}
