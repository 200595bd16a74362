package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"latchkey/internal/zoomsim"
)

// benchCase is one row: what is there, what happens, and what that may cost.
type benchCase struct {
	name     string
	scenario func() zoomsim.Scenario
	before   func(context.Context, *world) error // until it is known to whoever listens
	drive    func(context.Context, *world) error // what is counted
	affected int                                 // meetings that the change touches
	most     func(cost) int
	check    func(context.Context, *world) (problem string, err error)
	naive    bool
}

const (
	hostOff = "off@demo.example" // nobody makes Zoom add a passcode
	hostOn  = "on@demo.example"  // the host's own setting does
	hostNew = "new@demo.example" // nobody has heard of
)

func demo() zoomsim.Scenario {
	s := zoomsim.DefaultScenario()
	a := &s.Accounts[0]
	for i := range a.Hosts {
		a.Hosts[i].Meetings = nil
	}
	a.Hosts = append(a.Hosts, zoomsim.ScenarioHost{Email: hostNew, Settings: zoomsim.Set("meeting_security.meeting_password", true)})
	return s
}

func create(host, source string, n int) func(context.Context, *world) error {
	return func(ctx context.Context, w *world) error {
		yes := true
		for range n {
			if _, err := w.sim.CreateMeeting(ctx, host, zoomsim.MeetingRequest{Topic: "Consultation", Type: 2, StartTime: zoomsim.At(time.Now().Add(30 * time.Hour)), Duration: 30,
				CreationSource: source, Settings: zoomsim.MeetingSettings{WaitingRoom: &yes}}); err != nil {
				return err
			}
		}
		return nil
	}
}

func most(n int) func(cost) int { return func(cost) int { return n } }

func cases(hosts, burst int) []benchCase {
	perHost := 20
	affected := hosts * perHost / 20
	return []benchCase{
		{name: "new meeting, nothing to do, host known", scenario: demo, before: create(hostOff, "open_api", 1), drive: create(hostOff, "open_api", 1), most: most(0), naive: true},
		{name: "new meeting, passcode to clear, host known", scenario: demo, before: create(hostOn, "open_api", 1), drive: create(hostOn, "open_api", 1), most: most(2), naive: true,
			check: nobodyIsAsked},
		{name: "new host's first meeting, passcode to clear", scenario: demo, before: create(hostOn, "open_api", 1), drive: create(hostNew, "open_api", 1), most: most(2 + 3), naive: true,
			check: nobodyIsAsked},
		{name: "settings change, 300 upcoming meetings, none affected", scenario: demo, before: create(hostOff, "web_portal", 300),
			drive: func(ctx context.Context, w *world) error {
				return w.sim.ChangeUserSettings(ctx, hostOff, zoomsim.Set("meeting_security.meeting_password", true))
			}, most: most(2), naive: true},
		{name: fmt.Sprintf("group lock flips, %d hosts x %d meetings, 5 %% affected", hosts, perHost), scenario: func() zoomsim.Scenario { return large(hosts) },
			before: func(ctx context.Context, w *world) error { return createOfAll(ctx, w, hosts, perHost) },
			drive: func(ctx context.Context, w *world) error {
				return w.sim.ChangeGroupLocks(ctx, largeGroup, zoomsim.Set("meeting_security.waiting_room", true))
			}, affected: affected, most: func(c cost) int { return (2*c.affected + hosts) * 11 / 10 }, naive: hosts <= 100},
		{name: fmt.Sprintf("a burst of %d creates on one host", burst), scenario: demo, before: create(hostOn, "web_portal", 1), drive: create(hostOn, "web_portal", burst), most: most(2 * 50),
			check: func(ctx context.Context, w *world) (string, error) {
				left, err := w.query(ctx, `SELECT count(*)::text FROM latchkey.meetings WHERE NOT (outcome = 'joinable' OR remedy = 'defer' AND why LIKE '%latchkey tries again at%')`)
				if err == nil && left != "0" {
					return left + " meetings are neither repaired nor put off with a reason", nil
				}
				return "", err
			}},
	}
}

func nobodyIsAsked(ctx context.Context, w *world) (string, error) {
	left, err := w.query(ctx, `SELECT count(*)::text FROM latchkey.meetings WHERE outcome <> 'joinable'`)
	if err == nil && left != "0" {
		return left + " meetings are not joinable", nil
	}
	return "", err
}

const largeGroup = "large"

// large is an account whose hosts are all in one group.
func large(hosts int) zoomsim.Scenario {
	s := demo()
	a := &s.Accounts[0]
	a.Hosts, a.Groups = nil, []zoomsim.ScenarioGroup{{Name: largeGroup, Settings: zoomsim.Set("meeting_security.waiting_room", true)}}
	for i := range hosts {
		a.Hosts = append(a.Hosts, zoomsim.ScenarioHost{Email: fmt.Sprintf("host%d@demo.example", i), Groups: []string{largeGroup}})
	}
	return s
}

// createOfAll makes meetings of every host; every twentieth asks for sign-in instead of
// the waiting room.
func createOfAll(ctx context.Context, w *world, hosts, perHost int) error {
	yes, no := true, false
	// What Zoom says of its limits is heard with the first, and is not news afterwards.
	if err := errors.Join(create("host0@demo.example", "web_portal", 1)(ctx, w), w.sim.WaitDeliveries(ctx), w.settle(ctx), w.hurry(ctx, true)); err != nil {
		return err
	}
	for i := range hosts * perHost {
		set := zoomsim.MeetingSettings{WaitingRoom: &yes}
		if i%20 == 0 {
			set = zoomsim.MeetingSettings{WaitingRoom: &no, MeetingAuthentication: &yes}
		}
		if _, err := w.sim.CreateMeeting(ctx, fmt.Sprintf("host%d@demo.example", i%hosts), zoomsim.MeetingRequest{Topic: "Consultation", Type: 2,
			StartTime: zoomsim.At(time.Now().Add(30 * time.Hour)), Duration: 30, CreationSource: "web_portal", Settings: set}); err != nil {
			return err
		}
	}
	return nil
}
