package app_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

func TestMeetingOfAHostWithTheSettingOnIsCleared(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostOn)
	if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeDemandsPasscode {
		t.Fatalf("before: %s", got)
	}
	row := r.settled(t, m.ID, passcode.OutcomeJoinable)
	after := r.sim.Join(m.ID, "")
	if after.Outcome != zoomsim.OutcomeJoinable || !after.WaitingRoom || after.Unsecured {
		t.Errorf("a joiner meets %+v", after)
	}
	repairs := r.repairs(t, m.ID)
	if len(repairs) != 1 || repairs[0].Result != store.RepairHeld || repairs[0].Reasons[0].Code != passcode.CauseSettingOn {
		t.Errorf("repairs %+v", repairs)
	}
	if row.Remedy != passcode.RemedyNone || row.Passcode != passcode.Off || row.WaitingRoom != passcode.On {
		t.Errorf("row %+v", row)
	}
	// The facts were in the webhook: one change, one reading back, no more.
	if patch, get := r.calls("PATCH", m.ID), r.calls("GET", m.ID); patch != 1 || get != 1 {
		t.Errorf("%d PATCH and %d GET of the meeting, want 1 and 1", patch, get)
	}
	if strings.Contains(r.log.String(), m.Passcode) {
		t.Error("the log holds the passcode")
	}
}

func TestMeetingThatAGroupForcesKeepsItsPasscodeAndMakesItKnown(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostLocked)
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if row.Remedy != passcode.RemedyKeep || row.Reasons[0].Code != passcode.CauseLockedOn || row.Reasons[0].Level != passcode.LevelGroup {
		t.Errorf("row %+v", row)
	}
	p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID)
	if err != nil || p.Value.Reveal() != m.Passcode {
		t.Fatalf("the passcode that is known is not Zoom's: %v", err)
	}
	if got := r.sim.Join(m.ID, p.Value.Reveal()).Result; got != "waiting_room" {
		t.Errorf("a joiner who is passed it meets %s", got)
	}
	if n := r.calls("PATCH", m.ID); n != 0 {
		t.Errorf("%d PATCH of a meeting that cannot be cleared", n)
	}
	if strings.Contains(r.log.String(), m.Passcode) {
		t.Error("the log holds the passcode")
	}
}

func TestMeetingWithoutPasscodeCostsNoCall(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	// The first meeting of a host who is not known yet is read: whether their links
	// carry passcodes says what a link without one is worth.
	first := r.create(t, hostOff)
	r.settled(t, first.ID, passcode.OutcomeJoinable)
	testenv.Until(t, "the host is read", func() bool {
		h, err := r.app.Store().HostNamed(t.Context(), "", hostOff)
		return err == nil && h.Settings[passcode.KeyEmbed] == passcode.On
	})
	m := r.create(t, hostOff)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	if get, patch := r.calls("GET", m.ID), r.calls("PATCH", m.ID); get+patch != 0 {
		t.Errorf("%d GET and %d PATCH of the meeting", get, patch)
	}
}

func TestPolicyObserveNeverChangesAMeeting(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t, "LATCHKEY_POLICY=observe")
	m := r.create(t, hostOn)
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if row.Remedy != passcode.RemedyNone || r.calls("PATCH", m.ID) != 0 {
		t.Errorf("remedy %s, %d PATCH", row.Remedy, r.calls("PATCH", m.ID))
	}
}

func TestSettingsChangeFindsScheduledMeetings(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	known := r.create(t, hostOff)
	r.settled(t, known.ID, passcode.OutcomeJoinable)
	const neverHeardOf = 81000000001
	if err := r.sim.ChangeUserSettings(t.Context(), hostOff, zoomsim.Set(passcode.KeyScheduled.Path(), true)); err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{known.ID, neverHeardOf} {
		testenv.Until(t, "the meeting is repaired", func() bool { return len(repairsOf(r, t, id)) == 1 })
		r.settled(t, id, passcode.OutcomeJoinable)
		if got := r.sim.Join(id, "").Outcome; got != zoomsim.OutcomeJoinable {
			t.Errorf("meeting %d: %s", id, got)
		}
	}
	story, err := r.app.Store().Story(t.Context(), "", known.ID)
	if err != nil || len(story.Changes) != 1 || story.Changes[0].Setting != passcode.KeyScheduled.Path() || story.Changes[0].New != passcode.On {
		t.Errorf("who changed what: %+v %v", story.Changes, err)
	}
}

// repairsOf is repairs for a meeting that may not be known yet.
func repairsOf(r *rig, t *testing.T, id int64) []store.Repair {
	s, err := r.app.Store().Story(t.Context(), "", id)
	if err != nil {
		return nil
	}
	return s.Repairs
}

func TestDeletedMeeting(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if err := r.sim.DeleteMeeting(t.Context(), m.ID); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is recorded as deleted", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.Status == passcode.StatusDeleted && row.DueAt.IsZero()
	})
	if _, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); err == nil {
		t.Error("the passcode of a deleted meeting is kept")
	}
	// Only the host's other meeting, which was found with it, is left.
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	counts, err := r.app.Counters(t.Context())
	if err != nil || counts.Demanding != 1 {
		t.Errorf("%+v %v", counts, err)
	}
}

func TestAlertsAreCloudEventsPublishedOnce(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	cleared, kept := r.create(t, hostOn), r.create(t, hostLocked)
	r.settled(t, cleared.ID, passcode.OutcomeJoinable)
	r.settled(t, kept.ID, passcode.OutcomeDemands)
	// A re-check that changes nothing is not worth an alert.
	r.touch(t, kept.ID)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}

	js := r.jetStream(t)
	consumer, err := js.OrderedConsumer(t.Context(), "LATCHKEY_ALERTS", jetstream.OrderedConsumerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := consumer.FetchNoWait(100)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for msg := range batch.Messages() {
		h := msg.Headers()
		var data struct{ Why, Outcome string }
		if err := json.Unmarshal(msg.Data(), &data); err != nil || data.Why == "" {
			t.Errorf("data %s: %v", msg.Data(), err)
		}
		if h.Get("ce-specversion") != "1.0" || h.Get("ce-id") == "" || h.Get("ce-source") == "" || h.Get("content-type") != "application/json" {
			t.Errorf("headers %v", h)
		}
		if _, err := time.Parse(time.RFC3339, h.Get("ce-time")); err != nil {
			t.Error(err)
		}
		got[msg.Subject()+" "+h.Get("ce-subject")] += h.Get("ce-type")
		for _, p := range []string{cleared.Passcode, kept.Passcode} {
			if strings.Contains(string(msg.Data()), p) {
				t.Error("an alert holds a passcode")
			}
		}
	}
	account := r.sim.Credentials("").AccountID
	want := map[string]string{
		fmt.Sprintf("latchkey.alert.%s.meeting.repaired %d", account, cleared.ID): "latchkey.meeting.repaired",
		fmt.Sprintf("latchkey.alert.%s.meeting.unfixable %d", account, kept.ID):   "latchkey.meeting.unfixable",
	}
	// The hosts' other meetings, found with them, are dealt with too.
	delete(got, fmt.Sprintf("latchkey.alert.%s.meeting.repaired 81000000003", account))
	delete(got, fmt.Sprintf("latchkey.alert.%s.meeting.unfixable 81000000004", account))
	if len(got) != len(want) {
		t.Errorf("alerts %v, want %v", got, want)
	}
	for k, v := range want {
		if got[k] != v {
			t.Errorf("alert %q is %q, want %q", k, got[k], v)
		}
	}
}

// touch makes a meeting due by an update that changes its topic only, and
// waits until it was checked.
func (r *rig) touch(t *testing.T, id int64) {
	t.Helper()
	before, err := r.app.Store().Meeting(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.sim.UpdateMeeting(t.Context(), id, zoomsim.MeetingRequest{Topic: "Another topic"}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "it is checked again", func() bool {
		m, err := r.app.Store().Meeting(t.Context(), id)
		return err == nil && m.DecidedAt.After(before.DecidedAt) && m.DueAt.IsZero()
	})
}
