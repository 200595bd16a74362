package app_test

import (
	"strings"
	"testing"
	"time"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/probe"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

// TestAProbeEndsTheDispute: what was tried on the account stands in the place of
// "disputed" from then on, and the worker leaves the meetings that were made for it
// alone.
func TestAProbeEndsTheDispute(t *testing.T) {
	t.Parallel()
	url := emptyMigrated(t)
	r := newScenarioRig(t, zoomsim.Options{Seed: 7, Documents: zoomsim.Documents2020}, "DATABASE_URL="+url, "NATS_URL="+testenv.NATS(t).URL())
	r.app = r.start(t, true, true)
	r.settled(t, r.create(t, hostOn).ID, passcode.OutcomeJoinable)
	s := r.app.Store()
	forecast := func(want string) {
		t.Helper()
		testenv.Until(t, "the forecast is: "+want, func() bool {
			h, err := s.HostNamed(t.Context(), "", hostOn)
			return err == nil && strings.Contains(h.ForecastWhy, want)
		})
	}
	forecast("is disputed: Zoom's newer reference says that a passcode is generated")

	cfg, err := config.Load(r.environ, config.Both)
	if err != nil {
		t.Fatal(err)
	}
	api, _ := app.ZoomFor(cfg, accountDemo)
	defer api.Close()
	row, known, err := admin.HostSettings(t.Context(), s, "", hostOn)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	alerts := r.alerts(t)
	found, err := probe.Run(t.Context(), api, probe.Host{ID: row.ID, Passcode: known.Settings[passcode.KeyPasscode]}, time.Now())
	if err != nil || found.Documents != passcode.Documents2020 {
		t.Fatalf("found %+v, %v", found, err)
	}
	if err := s.SaveProbes(t.Context(), accountDemo, []store.Probe{{Question: found.Answers[0].Question, Answer: found.Answers[0].Answer}}, found.Documents); err != nil {
		t.Fatal(err)
	}
	if kept, err := s.Probes(t.Context(), accountDemo); err != nil || len(kept) != 1 || kept[0].AskedAt.IsZero() {
		t.Errorf("kept %+v, %v", kept, err)
	}
	if err := r.sim.ChangeUserSettings(t.Context(), hostOn, zoomsim.Set(passcode.KeyPMI.Path(), true)); err != nil {
		t.Fatal(err) // the host is read again
	}
	forecast("made by API with the waiting room on and no passcode demands none, as was tried on this account")
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	for kind, n := range r.alerts(t) {
		if strings.HasPrefix(kind, "meeting.") && n != alerts[kind] {
			t.Errorf("%d alerts %s about the probe's meetings", n-alerts[kind], kind)
		}
	}
	for _, a := range found.Answers {
		if strings.Contains(a.Detail, "Prb-") {
			t.Errorf("%+v", a)
		}
	}
	if n := testenv.Query(t, url, `SELECT count(*)::text FROM passcodes JOIN meetings USING (account_id, meeting_id) WHERE topic LIKE 'latchkey probe%'`); n != "0" {
		t.Errorf("%s passcodes of the probe's meetings are kept", n)
	}
	for _, q := range r.sim.Requests() {
		if q.Method != "PATCH" || q.MeetingID == 0 {
			continue
		}
		if m, err := s.Meeting(t.Context(), q.MeetingID); err == nil && strings.HasPrefix(m.Topic, "latchkey probe") && len(must(s.Story(t.Context(), "", m.ID)).Repairs) != 0 {
			t.Errorf("the worker repaired the probe's meeting %d", m.ID)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
