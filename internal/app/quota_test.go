package app_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// Three workers make their calls as one would: Zoom refuses none for coming too fast, and
// the calls of no second are more than their share.
func TestThreeWorkersShareTheRate(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_ZOOM_PLAN=business", "LATCHKEY_ZOOM_SHARE=25")
	if err := r.sim.SetLimits("", zoomsim.Limits{PerSecond: true}); err != nil {
		t.Fatal(err)
	}
	r.app = r.start(t, true, true)
	r.start(t, false, true)
	r.start(t, false, true)
	const meetings = 60
	var all []int64
	for i := range meetings {
		all = append(all, r.create(t, []string{hostOn, hostOff, hostLocked}[i%3]).ID)
	}
	for i, id := range all {
		r.settled(t, id, []passcode.Outcome{passcode.OutcomeJoinable, passcode.OutcomeJoinable, passcode.OutcomeDemands}[i%3])
	}
	bySecond := map[string]int{}
	light := 0
	for _, q := range r.sim.Requests() {
		if q.Status == http.StatusTooManyRequests {
			t.Errorf("%s %s: 429", q.Method, q.Path)
		}
		if q.Label == zoomsim.Light {
			light++
			bySecond[q.At.Truncate(time.Second).String()]++
		}
	}
	for second, n := range bySecond {
		if n > 30 { // a quarter of 80, and what turns may be late
			t.Errorf("%d light calls in %s", n, second)
		}
	}
	if light < 40 { // two seconds' worth: below that nothing would be shared
		t.Errorf("only %d light calls of %d meetings were counted", light, meetings)
	}
}

// Of the host's 100 a day a part is left to the host: repairs of meetings to come wait for
// midnight UTC, are told of and taken up by themselves; one that begins before outranks
// that.
func TestAHostsDayIsLeftToTheHost(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL(), "LATCHKEY_HOST_RESERVE=92")
	r.app = r.start(t, true, true)
	cfg := must(config.Load(r.environ, config.Both))
	ask := func(sql string) string { t.Helper(); return testenv.Query(t, cfg.DatabaseURL, sql) }
	deferred := func(m zoomsim.Meeting) store.Meeting {
		t.Helper()
		var row store.Meeting
		testenv.Until(t, "it is deferred", func() bool {
			var err error
			row, err = r.app.Store().Meeting(t.Context(), m.ID)
			return err == nil && row.Remedy == passcode.RemedyDefer
		})
		return row
	}
	// 8 are latchkey's and whoever creates meetings: each costs one to create and one to
	// repair, and one that the host has already is found with the first.
	var last zoomsim.Meeting
	repaired := 0
	for range 6 {
		last = r.create(t, hostOn)
		if err := r.app.WaitQuiet(t.Context()); err != nil {
			t.Fatal(err)
		}
		if row, err := r.app.Store().Meeting(t.Context(), last.ID); err == nil && row.Outcome == passcode.OutcomeJoinable {
			repaired++
		}
	}
	row := deferred(last)
	midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
	if !row.DueAt.Equal(midnight) || !strings.Contains(row.Why, "latchkey leaves 92 to the host") {
		t.Errorf("due %v: %s", row.DueAt, row.Why)
	}
	if repaired < 1 || repaired > 4 { // an echo that comes late counts as somebody's change
		t.Errorf("%d of the first were repaired, with 8 changes for both", repaired)
	}
	if n := ask(`SELECT count(*)::text FROM alerts WHERE type = 'budget.low'`); n != "1" {
		t.Errorf("%s alerts that the budget is low", n)
	}
	if n := ask(`SELECT (count(*) > 0)::text FROM alerts WHERE type = 'meeting.deferred'`); n != "true" {
		t.Error("no alert says that a meeting is deferred")
	}
	soon, err := r.sim.CreateMeeting(t.Context(), hostOn, zoomsim.MeetingRequest{Topic: "soon", Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Minute)), Duration: 30, CreationSource: "open_api"})
	if err != nil {
		t.Fatal(err)
	}
	r.settled(t, soon.ID, passcode.OutcomeJoinable)
	midnightHasCome(t, cfg.DatabaseURL)
	r.settled(t, last.ID, passcode.OutcomeJoinable)
	for _, q := range r.sim.Requests() {
		if q.Status == http.StatusTooManyRequests {
			t.Errorf("%s %s: 429", q.Method, q.Path)
		}
	}
}

func midnightHasCome(t *testing.T, url string) {
	t.Helper()
	testenv.Exec(t, url, `UPDATE host_days SET day = day - 1`)
	testenv.Exec(t, url, `UPDATE meetings SET due_at = now() WHERE due_why = 'daily_limit'`)
}

// A storm of 429s: the workers wait together, go slower, and end right; a refusal is not
// answered with the next call.
func TestAStormOf429s(t *testing.T) {
	t.Parallel()
	r := newRig(t, "DATABASE_URL="+emptyMigrated(t), "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	r.start(t, false, true)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable) // what all need is known
	const refusals = 5
	if err := r.sim.AddFault(zoomsim.Fault{PathPrefix: "/v2/", Status: http.StatusTooManyRequests, Code: 429, Times: refusals,
		Message: "You have reached the maximum per-second rate limit for this API. Try again later.",
		Headers: map[string]string{"Retry-After": "1", "X-RateLimit-Type": "QPS", "X-RateLimit-Category": "Light"}}); err != nil {
		t.Fatal(err)
	}
	r.sim.ResetRequests()
	var all []int64
	for range 12 {
		all = append(all, r.create(t, hostOn).ID)
	}
	for _, id := range all {
		r.settled(t, id, passcode.OutcomeJoinable)
	}
	refused, patches := 0, map[int64]int{}
	for _, q := range r.sim.Requests() {
		switch {
		case q.Status == http.StatusTooManyRequests:
			refused++
		case q.Method == http.MethodPatch:
			patches[q.MeetingID]++
		}
	}
	if refused != refusals {
		t.Errorf("%d calls were refused, want %d", refused, refusals)
	}
	for _, id := range all {
		if patches[id] != 1 {
			t.Errorf("meeting %d was changed %d times", id, patches[id])
		}
	}
	if pace := testenv.Query(t, must(config.Load(r.environ, config.Both)).DatabaseURL, `SELECT (min(pace) < 1)::text FROM call_limits`); pace != "true" {
		t.Error("nobody goes slower")
	}
}
