package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoomsim"
)

// row is one meeting of the story.
type row struct {
	id         int64
	host       string
	repairable bool
	before     string // what the simulated Zoom says a joiner meets
	after      string
	remedy     passcode.Remedy
	why        string
	calls      int
	known      bool // joining with the passcode that latchkey knows works
}

// demoResult is what `latchkey demo --json` prints.
type demoResult struct {
	Meetings []demoMeeting `json:"meetings"`
	Events   struct {
		Accepted int64 `json:"accepted"`
		Recorded int64 `json:"recorded"`
	} `json:"events"`
	Alerts    int64   `json:"alerts"`
	ZoomCalls int     `json:"zoom_calls"`
	Seconds   float64 `json:"seconds"`

	repaired bool // every repairable meeting is
}

type demoMeeting struct {
	ID        string          `json:"id"`
	Host      string          `json:"host"`
	Before    string          `json:"before"`
	After     string          `json:"after"`
	Remedy    passcode.Remedy `json:"remedy"`
	Why       string          `json:"why"`
	ZoomCalls int             `json:"zoom_calls"`
}

// The hosts and one meeting of the simulator's demo scenario.
const (
	hostOff    = "off@demo.example"
	hostOn     = "on@demo.example"
	hostLocked = "locked@demo.example"

	scheduledLongAgo = 81000000001
)

func (d *demo) story(ctx context.Context) (demoResult, error) {
	if err := d.create(ctx); err != nil {
		return demoResult{}, err
	}
	if err := d.flip(ctx); err != nil {
		return demoResult{}, err
	}
	result, err := d.sum(ctx)
	if err == nil {
		d.table(result)
	}
	return result, err
}

// create is the first act: meetings made by API.
func (d *demo) create(ctx context.Context) error {
	d.say("1. A platform creates a meeting by API for each of three hosts, waiting room on, without a passcode.")
	if d.sim.Documents() == zoomsim.Documents2020 {
		d.say("   (Zoom's documents disagree about this call. This Zoom is that of 2020: on is not locked on, so none is made.)")
	}
	d.gate.shut.Lock()
	err := func() error {
		defer d.gate.shut.Unlock()
		yes := true
		for _, h := range []struct {
			host, setting string
			repairable    bool
		}{
			{hostOff, "passcode setting off", true},
			{hostOn, "passcode setting on", true},
			{hostLocked, "passcode setting locked on by a group", false},
		} {
			m, err := d.sim.CreateMeeting(ctx, h.host, zoomsim.MeetingRequest{
				Topic: "Consultation", Type: 2, StartTime: zoomsim.At(time.Now().Add(24 * time.Hour)), Duration: 30,
				CreationSource: "open_api", Settings: zoomsim.MeetingSettings{WaitingRoom: &yes},
			})
			if err != nil {
				return fmt.Errorf("create a meeting for %s: %w", h.host, err)
			}
			r := &row{id: m.ID, host: h.host, repairable: h.repairable, before: d.join(m.ID)}
			d.rows = append(d.rows, r)
			d.say("   %d  %-20s (%s): %s", r.id, h.host, h.setting, met(r.before))
		}
		return nil
	}()
	if err != nil {
		return err
	}
	d.say("\n   Zoom's webhooks arrive. latchkey looks at each meeting:")
	if err := d.settle(ctx, d.rows...); err != nil {
		return err
	}
	for _, r := range d.rows {
		d.say("   %d  %-20s now: %s", r.id, r.host, met(r.after))
		d.say("%s", indent(r.told()))
	}
	return d.knownPasscode(ctx)
}

// knownPasscode shows what a joiner can do where the passcode cannot be removed: it is known.
func (d *demo) knownPasscode(ctx context.Context) error {
	locked := d.rows[len(d.rows)-1]
	p, err := d.app.Store().Passcode(ctx, d.sim.Credentials("").AccountID, locked.id)
	if err != nil {
		return fmt.Errorf("the kept passcode: %w", err)
	}
	locked.known = d.sim.Join(locked.id, p.Value.Reveal()).Result == "waiting_room"
	d.say("   `latchkey passcode %d` returns it; a joiner who is passed it meets: %s.\n", locked.id,
		strings.ReplaceAll(d.sim.Join(locked.id, p.Value.Reveal()).Result, "_", " "))
	return nil
}

// flip is the second act: an admin changes a setting, and meetings that were
// fine are not any more.
func (d *demo) flip(ctx context.Context) error {
	d.say("2. An admin turns on \"require a passcode for meetings already scheduled\" for %s.\n   Zoom quietly puts passcodes on them. One was scheduled before latchkey was there.", hostOff)
	first := d.rows[0]
	old := &row{id: scheduledLongAgo, host: hostOff, repairable: true}
	affected := []*row{first, old}
	d.gate.shut.Lock()
	err := func() error {
		defer d.gate.shut.Unlock()
		if err := d.sim.ChangeUserSettings(ctx, hostOff, zoomsim.Set(passcode.KeyScheduled.Path(), true)); err != nil {
			return fmt.Errorf("change the settings of %s: %w", hostOff, err)
		}
		for _, r := range affected {
			r.before = d.join(r.id)
			d.say("   %d  %-20s %s", r.id, r.host, met(r.before))
		}
		return nil
	}()
	if err != nil {
		return err
	}
	opened := time.Now()
	if err := d.settle(ctx, affected...); err != nil {
		return err
	}
	d.rows = append(d.rows, old)
	d.say("\n   user.settings_updated arrives; %d ms later:", time.Since(opened).Milliseconds())
	for _, r := range affected {
		d.say("   %d  %-20s now: %s", r.id, r.host, met(r.after))
	}
	d.say("%s", indent(old.told()))
	return nil
}

// settle waits until latchkey has dealt with the meetings, and notes what a
// joiner meets then.
func (d *demo) settle(ctx context.Context, rows ...*row) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for _, r := range rows {
		for {
			m, err := d.app.Store().Meeting(ctx, r.id)
			if err == nil && m.DueAt.IsZero() && !m.MustRead && m.Outcome != "" && (string(m.Outcome) == d.join(r.id)) {
				break
			}
			select {
			case <-ctx.Done():
				// Not an error of the demonstration: its table tells what is wrong.
			case <-time.After(20 * time.Millisecond):
				continue
			}
			break
		}
		r.after = d.join(r.id)
		story, err := d.app.Store().Story(context.WithoutCancel(ctx), "", r.id)
		if err != nil {
			return err
		}
		r.remedy, r.why = story.Meeting.Remedy, story.Meeting.Why
		if n := len(story.Repairs); n > 0 && story.Repairs[n-1].Result == store.RepairHeld && story.Meeting.Outcome == passcode.OutcomeJoinable {
			last := story.Repairs[n-1]
			r.remedy, r.why = last.Remedy, passcode.Verdict{Reasons: last.Reasons}.Causes()
		}
	}
	return nil
}

func (d *demo) join(id int64) string { return d.sim.Join(id, "").Outcome }

func (d *demo) sum(ctx context.Context) (demoResult, error) {
	var result demoResult
	if err := d.app.WaitQuiet(ctx); err != nil {
		return result, err
	}
	counts, err := d.app.Counters(ctx)
	if err != nil {
		return result, err
	}
	result.Events.Accepted, result.Events.Recorded, result.Alerts = d.app.Accepted(), counts.Events, counts.Alerts
	perMeeting := map[int64]int{}
	for _, q := range d.sim.Requests() {
		if strings.HasPrefix(q.Path, "/v2/") {
			result.ZoomCalls++
			perMeeting[q.MeetingID]++
		}
	}
	result.repaired = true
	for _, r := range d.rows {
		r.calls = perMeeting[r.id]
		if r.repairable && r.after != zoomsim.OutcomeJoinable {
			result.repaired = false
		}
		result.Meetings = append(result.Meetings, demoMeeting{ID: fmt.Sprint(r.id), Host: r.host, Before: r.before, After: r.after, Remedy: r.remedy, Why: r.why, ZoomCalls: r.calls})
	}
	result.Seconds = float64(time.Since(d.begun).Milliseconds()) / 1000
	return result, nil
}

func (d *demo) table(result demoResult) {
	d.say("\nWhat a joiner meets, as the simulated Zoom tells:\n")
	t := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "  MEETING\tHOST\tBEFORE\tAFTER\tREMEDY\tZOOM CALLS")
	for _, r := range d.rows {
		fmt.Fprintf(t, "  %d\t%s\t%s\t%s\t%s\t%d\n", r.id, r.host, met(r.before), after(r), r.remedy, r.calls)
	}
	t.Flush()
	d.say("\n%d events accepted and %d recorded, %d alerts published, %d Zoom calls in all, %.1f s.",
		result.Events.Accepted, result.Events.Recorded, result.Alerts, result.ZoomCalls, result.Seconds)
	if !result.repaired {
		d.say("\nA meeting that can be repaired was not. This is a bug, or this machine is too slow for the demonstration.")
	}
}

// told is why, with what was done where that changed the answer.
func (r *row) told() string {
	if r.remedy == passcode.RemedyClear {
		return "Repaired: the passcode is gone. It was there because " + r.why + "."
	}
	return r.why
}

// after tells what a joiner meets in the end: one who is passed the passcode
// that latchkey knows gets in.
func after(r *row) string {
	if r.known && r.after == zoomsim.OutcomeDemandsPasscode {
		return "waiting room, if passed the known passcode"
	}
	return met(r.after)
}

func met(outcome string) string {
	switch outcome {
	case zoomsim.OutcomeJoinable:
		return "waiting room"
	case zoomsim.OutcomeDemandsPasscode:
		return "PASSCODE WRONG"
	}
	return outcome
}

// indent wraps a sentence at 76 columns under its line.
func indent(s string) string {
	const margin, width = "       ", 76
	var b strings.Builder
	line := margin
	for _, word := range strings.Fields(s) {
		if len(line)+1+len(word) > width && line != margin {
			b.WriteString(line + "\n")
			line = margin
		}
		if line != margin {
			line += " "
		}
		line += word
	}
	return b.String() + line
}
