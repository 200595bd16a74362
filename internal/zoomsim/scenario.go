package zoomsim

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"
)

// Scenario is the world that a simulator starts with.
type Scenario struct {
	// Seed for ids and passcodes; Options.Seed wins.
	Seed uint64 `yaml:"seed"`
	// Documents that Zoom follows; Options.Documents wins.
	Documents Documents         `yaml:"documents"`
	Accounts  []ScenarioAccount `yaml:"accounts"`
	Faults    []Fault           `yaml:"faults"`
	Malice    Malice            `yaml:"malice"`
}

// ScenarioAccount is one Zoom account. What is left out is derived from ID,
// so that it is the same in every run.
type ScenarioAccount struct {
	ID           string `yaml:"id"`
	Name         string `yaml:"name"`
	Plan         Plan   `yaml:"plan"`     // default business
	Licences     int    `yaml:"licences"` // default by plan: 1, 1, 50, 500, 500
	ClientID     string `yaml:"client_id"`
	ClientSecret string `yaml:"client_secret"`
	SecretToken  string `yaml:"secret_token"`
	// GroupsExperience is "old" (default: primary group, any lock locks) or
	// "new" (the highest-priority group that manages a setting decides).
	GroupsExperience  string          `yaml:"groups_experience"`
	Limits            *Limits         `yaml:"limits"` // default on
	Scopes            []string        `yaml:"scopes"` // default all
	HidePasscodes     bool            `yaml:"hide_passcodes"`
	PasscodeClearedBy Clearing        `yaml:"passcode_cleared_by"` // default both
	Settings          SettingsPatch   `yaml:"settings"`
	Locks             SettingsPatch   `yaml:"locks"`
	Groups            []ScenarioGroup `yaml:"groups"`
	Hosts             []ScenarioHost  `yaml:"hosts"`
}

// ScenarioGroup is a user group; a smaller Priority decides first. One without
// a Name gets one that is not its ID.
type ScenarioGroup struct {
	ID       string        `yaml:"id"`
	Name     string        `yaml:"name"`
	Priority int           `yaml:"priority"`
	Settings SettingsPatch `yaml:"settings"`
	Locks    SettingsPatch `yaml:"locks"`
}

// ScenarioHost is a user. Groups are ids or names, the primary one first.
type ScenarioHost struct {
	ID        string            `yaml:"id"`
	Email     string            `yaml:"email"`
	FirstName string            `yaml:"first_name"`
	LastName  string            `yaml:"last_name"`
	Type      string            `yaml:"type"`   // licensed (default), basic or unassigned
	Status    string            `yaml:"status"` // active (default) or inactive
	Timezone  string            `yaml:"timezone"`
	PMI       int64             `yaml:"pmi"`
	Groups    []string          `yaml:"groups"`
	Settings  SettingsPatch     `yaml:"settings"`
	Meetings  []ScenarioMeeting `yaml:"meetings"`
	// CannotSchedule refuses creates and updates by API (SetScheduling).
	CannotSchedule bool `yaml:"cannot_schedule"`
	// SpentToday is how many of the 100 creates and updates are gone.
	SpentToday int `yaml:"spent_today"`
}

// ScenarioMeeting is a meeting that exists already: its options are taken as
// they stand, no rule is applied to them.
type ScenarioMeeting struct {
	ID          int64         `yaml:"id"`
	Topic       string        `yaml:"topic"`
	Type        int           `yaml:"type"` // default 2
	StartTime   time.Time     `yaml:"start_time"`
	StartsIn    time.Duration `yaml:"starts_in"` // from the start of the simulator
	Duration    int           `yaml:"duration"`  // minutes
	Password    string        `yaml:"password"`
	WaitingRoom bool          `yaml:"waiting_room"`
	// WaitingRoomHolds makes its waiting_room_options custom.
	WaitingRoomHolds string `yaml:"waiting_room_holds"`
	Authentication   bool   `yaml:"meeting_authentication"`
	UsePMI           bool   `yaml:"use_pmi"`
	JoinBeforeHost   bool   `yaml:"join_before_host"`
	CreationSource   string `yaml:"creation_source"`
	Started          bool   `yaml:"started"`
	// Recurrence makes a series, of type 8 by default.
	Recurrence *Recurrence    `yaml:"recurrence"`
	Dates      []ScenarioDate `yaml:"dates"`
}

func (sm ScenarioMeeting) defaultType() int {
	if sm.Recurrence != nil {
		return 8
	}
	return 2
}

// ScenarioDate is what one date of a series has of its own. Date counts from 1.
type ScenarioDate struct {
	Date        int   `yaml:"date"`
	WaitingRoom *bool `yaml:"waiting_room"`
}

//go:embed scenarios/*.yaml
var scenarios embed.FS

// DefaultScenario is scenarios/demo.yaml: one business account, hosts whose
// passcode setting is off, on, and locked on by a group.
func DefaultScenario() Scenario {
	f, err := scenarios.Open("scenarios/demo.yaml")
	if err == nil {
		defer func() { _ = f.Close() }()
		var s Scenario
		if s, err = LoadScenario(f); err == nil {
			return s
		}
	}
	panic(fmt.Sprintf("zoomsim: the embedded scenario is broken: %v", err)) // a test holds it
}

// LoadScenario reads a scenario. An unknown key, a malformed value or a
// reference to nothing is an error with the line or the name in it.
func LoadScenario(r io.Reader) (Scenario, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	var s Scenario
	if err := dec.Decode(&s); err != nil && !errors.Is(err, io.EOF) {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	if err := s.Malice.check(); err != nil {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	// Building it finds references to nothing and double ids.
	if _, err := buildWorld(s, newSource(1), time.Unix(0, 0)); err != nil {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	return s, nil
}

// UnmarshalYAML checks every path so that a misspelt setting is an error with
// its line: a scenario that silently does nothing costs an afternoon.
func (p *SettingsPatch) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: want settings by section", n.Line)
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		section, inner := n.Content[i], n.Content[i+1]
		if inner.Kind != yaml.MappingNode {
			return fmt.Errorf("line %d: %s: want settings in it", section.Line, section.Value)
		}
		for j := 0; j+1 < len(inner.Content); j += 2 {
			if name := inner.Content[j]; !knownPath(section.Value, name.Value) {
				return fmt.Errorf("line %d: no such setting: %s.%s", name.Line, section.Value, name.Value)
			}
		}
	}
	var m map[string]any
	if err := n.Decode(&m); err != nil {
		return err
	}
	*p = m
	return nil
}

func knownPath(section, name string) bool {
	_, ok := lookupField(section, name)
	return ok
}
