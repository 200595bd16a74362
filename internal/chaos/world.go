package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"latchkey/internal/zoomsim"
)

const (
	hosts  = 12
	strict = "strict" // the group that locks the passcode on, at times
	plain  = "plain"

	keyPasscode = "meeting_security.meeting_password"
)

// retries are Zoom's three, in a day's run scaled to seconds.
var retries = []time.Duration{500 * time.Millisecond, 2 * time.Second, 6 * time.Second}

func hostName(i int) string { return fmt.Sprintf("host%d@chaos.example", i) }

// scenario is one account whose hosts differ in who decides about the passcode.
func scenario() zoomsim.Scenario {
	on := zoomsim.Set(keyPasscode, true)
	a := zoomsim.ScenarioAccount{
		ID: "chaos-account", Name: "Chaos Ltd", Plan: "business", Licences: 50,
		Limits:   &zoomsim.Limits{}, // only malice says 429
		Settings: zoomsim.SettingsPatch{"meeting_security": map[string]any{"meeting_password": false, "pmi_password": false, "waiting_room": true}},
		Groups: []zoomsim.ScenarioGroup{
			{Name: strict, Settings: on, Locks: on},
			{Name: plain},
		},
	}
	for i := range hosts {
		h := zoomsim.ScenarioHost{Email: hostName(i), FirstName: "Host", LastName: fmt.Sprint(i)}
		switch i % 3 {
		case 1:
			h.Settings = on
		case 2:
			h.Groups = []string{strict}
		}
		a.Hosts = append(a.Hosts, h)
	}
	return zoomsim.Scenario{Accounts: []zoomsim.ScenarioAccount{a}}
}

// malice is what Zoom does while the rounds last.
var malice = zoomsim.Malice{
	OverwritePatch: .02, NoEffect: .02, StaleRead: .04, SettingsFlip: .005, RatePerSecond: .03,
	ServerError: .05, Slow: .05, Torn: .03, Dropped: .03, RevokeToken: .01, StringIDs: .2, UnknownFields: .3,
	WebhookDuplicate: .2, WebhookLate: .1, WebhookReorder: .1, WebhookLost: .05, WebhookOdd: .3,
	SlowFor: 50 * time.Millisecond, LateFor: 200 * time.Millisecond,
}

// world is what people and apps do at Zoom meanwhile.
type world struct {
	sim      *zoomsim.Server
	rnd      *rand.Rand
	meetings []int64 // in the order in which they were made
	running  map[int64]bool
}

func newWorld(sim *zoomsim.Server, seed uint64) *world {
	return &world{sim: sim, rnd: rand.New(rand.NewPCG(seed, 2)), running: map[int64]bool{}}
}

func (w *world) meeting() (int64, bool) {
	if len(w.meetings) == 0 {
		return 0, false
	}
	return w.meetings[w.rnd.IntN(len(w.meetings))], true
}

// act does one thing. What Zoom refuses is refused: a deleted meeting, say.
func (w *world) act(ctx context.Context) {
	host, on := hostName(w.rnd.IntN(hosts)), w.rnd.IntN(2) == 0
	id, have := w.meeting()
	switch n := w.rnd.IntN(20); {
	case n < 9 || !have:
		w.create(ctx, host)
	case n < 11:
		_ = w.sim.ChangeUserSettings(ctx, host, zoomsim.Set(keyPasscode, on))
	case n < 12:
		_ = w.sim.ChangeGroupLocks(ctx, strict, zoomsim.Set(keyPasscode, on))
	case n < 13:
		_ = w.sim.ChangeAccountSettings(ctx, "", zoomsim.Set(keyPasscode, on))
	case n < 14 && on:
		_ = w.sim.AddGroupMember(ctx, []string{strict, plain}[w.rnd.IntN(2)], host)
	case n < 14:
		_ = w.sim.RemoveGroupMember(ctx, []string{strict, plain}[w.rnd.IntN(2)], host)
	case n < 16:
		_ = w.sim.UpdateMeeting(ctx, id, zoomsim.MeetingRequest{Topic: fmt.Sprint("topic ", w.rnd.IntN(1000))})
	case n < 17:
		_, _ = w.sim.RegeneratePasscode(ctx, id)
	case n < 18 && on:
		_ = w.sim.DeleteMeeting(ctx, id)
	case n < 18:
		_ = w.sim.RecoverMeeting(ctx, id)
	case !w.running[id]:
		if w.sim.StartMeeting(ctx, id) == nil {
			w.running[id] = true
		}
	default:
		_ = w.sim.EndMeeting(ctx, id)
		delete(w.running, id)
	}
}

// create makes a meeting as an app does: some start in minutes, some are a series, some
// name the waiting room.
func (w *world) create(ctx context.Context, host string) {
	yes := true
	in := time.Duration(1+w.rnd.IntN(72)) * time.Hour
	if w.rnd.IntN(3) == 0 {
		in = time.Duration(2+w.rnd.IntN(10)) * time.Minute // it starts soon
	}
	req := zoomsim.MeetingRequest{Topic: "Consultation 💊", Type: 2, StartTime: zoomsim.At(time.Now().Add(in)), Duration: 30}
	if w.rnd.IntN(2) == 0 {
		req.Settings.WaitingRoom = &yes
	}
	if w.rnd.IntN(8) == 0 {
		req.Type, req.Recurrence = 8, &zoomsim.Recurrence{Type: 1, EndTimes: 3}
	}
	if m, err := w.sim.CreateMeeting(ctx, host, req); err == nil {
		w.meetings = append(w.meetings, m.ID)
	}
}

// settle ends the meetings that run: while one runs nothing may be changed about it.
func (w *world) settle(ctx context.Context) {
	for id := range w.running {
		_ = w.sim.EndMeeting(ctx, id)
	}
	clear(w.running)
}
