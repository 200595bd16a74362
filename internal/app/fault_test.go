package app_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/testenv"
	"latchkey/internal/zoomsim"
)

func TestSameEventFiveTimesIsOneRecordAndOneRepair(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("") // the test delivers itself
	m := r.create(t, hostOn)
	body := createdEvent(r, m, fmt.Sprint(m.ID))
	var wg sync.WaitGroup
	for range 5 {
		wg.Go(func() {
			if status := r.post(t, body); status != http.StatusNoContent {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	counts, err := r.app.Counters(t.Context())
	if err != nil || counts.Events != 1 || len(r.repairs(t, m.ID)) != 1 || r.calls("PATCH", m.ID) != 1 {
		t.Errorf("%d events, %d repairs, %d PATCH, want 1 of each (%v)", counts.Events, len(r.repairs(t, m.ID)), r.calls("PATCH", m.ID), err)
	}
}

// createdEvent is meeting.created as Zoom sends it, with oddities that were
// seen in the wild: unknown fields, escapes mixed with raw UTF-8.
func createdEvent(r *rig, m zoomsim.Meeting, id string) string {
	return fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"download_token":"x","payload":{"account_id":%q,"operator":"a@b.example","operation":"all",
		"object":{"uuid":%q,"id":%s,"host_id":%q,"topic":"caf\u00e9 é 💊 \ud83d\udc8a","type":2,"start_time":%q,"duration":30,"timezone":"UTC",
		"join_url":"https://example.com/j/1","password":%q,"settings":{"use_pmi":false,"alternative_hosts":"","surprise":[1,{"a":null}]}}}}`,
		time.Now().UnixMilli(), r.sim.Credentials("").AccountID, m.UUID, id, m.HostID, m.StartTime.Format(time.RFC3339), m.Passcode)
}

func TestOddEventsOfZoomsAreUnderstood(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("")
	account := r.sim.Credentials("").AccountID
	for name, body := range map[string]func(zoomsim.Meeting) string{
		"id as a string": func(m zoomsim.Meeting) string { return createdEvent(r, m, strconv.Quote(fmt.Sprint(m.ID))) },
		"account outside the payload, no event_ts": func(m zoomsim.Meeting) string {
			return fmt.Sprintf(`{"event":"meeting.created","account_id":%q,"payload":{"object":{"id":%d,"host_id":%q,"type":"2","password":%q}}}`, account, m.ID, m.HostID, m.Passcode)
		},
		"no account at all, time in seconds": func(m zoomsim.Meeting) string {
			return fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"payload":{"object":{"id":%d,"host_id":%q,"type":2,"password":%q}}}`, time.Now().Unix(), m.ID, m.HostID, m.Passcode)
		},
		"an hour late": func(m zoomsim.Meeting) string {
			return fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"host_id":%q,"type":2,"password":"stale"}}}`, time.Now().Add(-time.Hour).UnixMilli(), account, m.ID, m.HostID)
		},
		"a NUL in the topic": func(m zoomsim.Meeting) string {
			return fmt.Sprintf(`{"event":"meeting.created","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"host_id":%q,"topic":"a\u0000b","type":2,"password":%q}}}`, time.Now().UnixMilli(), account, m.ID, m.HostID, m.Passcode)
		},
		"only an update, before any creation": func(m zoomsim.Meeting) string {
			return fmt.Sprintf(`{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"topic":"new"}}}`, time.Now().UnixMilli(), account, m.ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := r.create(t, hostOn)
			if status := r.post(t, body(m)); status != http.StatusNoContent {
				t.Fatalf("status %d", status)
			}
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			if got := r.sim.Join(m.ID, "").Outcome; got != zoomsim.OutcomeJoinable {
				t.Errorf("a joiner meets %s", got)
			}
		})
	}
}

func TestUpdateBeforeCreationAndTheNewestStateWins(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("")
	m := r.create(t, hostOn)
	created := createdEvent(r, m, fmt.Sprint(m.ID)) // says that there is a passcode
	account := r.sim.Credentials("").AccountID
	update := fmt.Sprintf(`{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"topic":"new"},"old_object":{"id":%d}}}`, time.Now().UnixMilli()+5, account, m.ID, m.ID)
	r.post(t, update)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	r.post(t, created)
	if err := r.app.WaitQuiet(t.Context()); err != nil {
		t.Fatal(err)
	}
	row := r.settled(t, m.ID, passcode.OutcomeJoinable)
	if row.HostID != m.HostID || r.calls("PATCH", m.ID) != 1 {
		t.Errorf("host %q, %d PATCH: the late creation was believed", row.HostID, r.calls("PATCH", m.ID))
	}
}

func TestSettingsChangeDuringACheckIsNotSwallowed(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostOff)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	// The check reads the meeting slowly; meanwhile a passcode appears.
	r.sim.AddFault(zoomsim.Fault{Method: "GET", PathPrefix: fmt.Sprintf("/v2/meetings/%d", m.ID), Times: 1, Delay: 400 * time.Millisecond, Stale: true})
	if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Topic: "look at me"}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the slow reading has begun", func() bool { return r.sim.FaultsHit() > 0 })
	if err := r.sim.ChangeUserSettings(t.Context(), hostOff, zoomsim.Set(passcode.KeyScheduled.Path(), true)); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "the passcode that came during the check is cleared", func() bool { return r.sim.Join(m.ID, "").Outcome == zoomsim.OutcomeJoinable })
	r.settled(t, m.ID, passcode.OutcomeJoinable)
}

// TestZoomFailsDuringACheck: whatever Zoom answers, the meeting ends repaired,
// the event is not lost and the worker does not spin.
func TestZoomFailsDuringACheck(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		fault zoomsim.Fault // its path is filled in: %d is the meeting
		most  int           // requests that may reach the faulty path
	}{
		{name: "401 once", fault: zoomsim.Fault{Method: "PATCH", Times: 1, Status: 401, Code: 124, Message: "Invalid access token."}, most: 2},
		{name: "per-second 429", fault: zoomsim.Fault{Method: "PATCH", Times: 1, Status: 429, Code: 429, Message: "You have reached the maximum per-second rate limit for this API. Try again later."}, most: 2},
		{name: "500 on PATCH", fault: zoomsim.Fault{Method: "PATCH", Times: 2, Status: 500, Message: "oops"}, most: 3},
		{name: "500 on reading back", fault: zoomsim.Fault{Method: "GET", Times: 4, Status: 502}, most: 8},
		{name: "no answer to a PATCH that was done", fault: zoomsim.Fault{Method: "PATCH", Times: 1, DropAfter: true}, most: 1},
		{name: "no answer to a PATCH that was not done", fault: zoomsim.Fault{Method: "PATCH", Times: 1, DropConnection: true}, most: 2},
		{name: "half a body on reading back", fault: zoomsim.Fault{Method: "GET", Times: 1, TruncateBody: true}, most: 3},
		{name: "ids as strings and unknown fields", fault: zoomsim.Fault{Method: "GET", StringIDs: true, UnknownFields: true}, most: 2},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRunningRig(t)
			r.sim.SetWebhookURL("") // the fault is for this meeting alone, so it is made first
			m := r.create(t, hostOn)
			c.fault.PathPrefix = fmt.Sprintf("/v2/meetings/%d", m.ID)
			if err := r.sim.AddFault(c.fault); err != nil {
				t.Fatal(err)
			}
			r.post(t, createdEvent(r, m, fmt.Sprint(m.ID)))
			r.settled(t, m.ID, passcode.OutcomeJoinable)
			if got := r.sim.Join(m.ID, ""); got.Outcome != zoomsim.OutcomeJoinable || got.Unsecured {
				t.Errorf("a joiner meets %+v", got)
			}
			if n := r.calls(c.fault.Method, m.ID); n > c.most {
				t.Errorf("%d %s requests, want at most %d", n, c.fault.Method, c.most)
			}
			if r.sim.FaultsHit() == 0 {
				t.Error("the fault was never met")
			}
			for _, repair := range r.repairs(t, m.ID) {
				if repair.Result == store.RepairUnfinished {
					t.Errorf("a repair was left unfinished: %+v", repair)
				}
			}
		})
	}
}

// TestOneNotFoundBuriesNobody: a meeting that Zoom says it does not know is
// asked for again, later; an event brings it back at once.
func TestOneNotFoundBuriesNobody(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("")
	account := r.sim.Credentials("").AccountID
	const nobodys = 82222222222
	r.post(t, fmt.Sprintf(`{"event":"meeting.updated","event_ts":%d,"payload":{"account_id":%q,"object":{"id":%d,"topic":"x"}}}`, time.Now().UnixMilli(), account, nobodys))
	testenv.Until(t, "it is recorded as not found", func() bool {
		m, err := r.app.Store().Meeting(t.Context(), nobodys)
		return err == nil && m.NotFound && m.Status == passcode.StatusScheduled && m.Outcome == passcode.OutcomeUnknown && m.DueAt.After(time.Now())
	})
	if n := r.calls("GET", nobodys); n != 1 {
		t.Errorf("%d GET, want 1", n)
	}

	r.sim.SetWebhookURL("http://" + r.app.IngestAddr() + "/webhooks/zoom")
	m := r.create(t, hostLocked)
	r.settled(t, m.ID, passcode.OutcomeDemands)
	if err := r.app.WaitQuiet(t.Context()); err != nil { // no other read is to meet the fault
		t.Fatal(err)
	}
	if err := r.sim.AddFault(zoomsim.Fault{Method: "GET", PathPrefix: fmt.Sprintf("/v2/meetings/%d", m.ID), Times: 1, Status: 404, Code: 3001, Message: "Meeting does not exist."}); err != nil {
		t.Fatal(err)
	}
	update := func(topic string) {
		if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Topic: topic}); err != nil {
			t.Fatal(err)
		}
	}
	update("a read that is answered with a false not found")
	testenv.Until(t, "it is not found", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.NotFound
	})
	if p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); err != nil || p.Value.Reveal() != m.Passcode {
		t.Errorf("its passcode was forgotten on one answer: %v", err)
	}
	update("any later event")
	if row := r.settled(t, m.ID, passcode.OutcomeDemands); row.NotFound || row.Misses != 0 || row.Status != passcode.StatusScheduled {
		t.Errorf("it is not back: %+v", row)
	}
}

func TestHostsDailyLimitDefersToMidnightUTC(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.AddFault(zoomsim.Fault{Method: "PATCH", PathPrefix: "/v2/meetings/", Status: 429, Code: 429,
		Message: "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00.",
		Headers: map[string]string{"X-RateLimit-Category": "Light", "X-RateLimit-Limit": "6000", "X-RateLimit-Remaining": "5000"}})
	patches := func() (n int) {
		for _, q := range r.sim.Requests() {
			if q.Method == "PATCH" {
				n++
			}
		}
		return n
	}
	before := 0
	for i := range 2 {
		m := r.create(t, hostOn)
		var row store.Meeting
		testenv.Until(t, "it is deferred", func() bool {
			var err error
			row, err = r.app.Store().Meeting(t.Context(), m.ID)
			return err == nil && row.Remedy == passcode.RemedyDefer
		})
		midnight := time.Now().UTC().Truncate(24 * time.Hour).Add(24 * time.Hour)
		if !row.DueAt.Equal(midnight) || !strings.Contains(row.Why, "100 meeting changes") {
			t.Errorf("meeting %d is due %s: %s", i, row.DueAt, row.Why)
		}
		if i == 0 {
			// The host's other meeting, found with it, may be tried at the same moment.
			if err := r.app.WaitQuiet(t.Context()); err != nil {
				t.Fatal(err)
			}
			before = patches()
		}
	}
	if n := patches(); n != before {
		t.Errorf("%d PATCH after the host was held back", n-before)
	}
}

func TestZoomOverwritesAClear(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.AddFault(zoomsim.Fault{Method: "PATCH", PathPrefix: "/v2/meetings/", Overwrite: &zoomsim.Overwrite{GeneratePasscode: true}})
	m := r.create(t, hostOn)
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if row.Remedy != passcode.RemedyKeep || !strings.Contains(row.Why, "Zoom answered yes to the removal and a passcode is still there") {
		t.Errorf("%s: %s", row.Remedy, row.Why)
	}
	// The passcode that is known is the one Zoom made last.
	now, _ := r.sim.Meeting(m.ID)
	if p, err := r.app.Store().Passcode(t.Context(), r.sim.Credentials("").AccountID, m.ID); err != nil || p.Value.Reveal() != now.Passcode {
		t.Errorf("the known passcode is not the meeting's (%v)", err)
	}
	r.touch(t, m.ID) // nothing that decides changed: not tried again
	if n := r.calls("PATCH", m.ID); n != 1 {
		t.Errorf("%d PATCH, want 1", n)
	}
}

func TestClearThatWouldOpenTheMeetingIsTakenBack(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	r.sim.SetWebhookURL("") // the fault is for this meeting alone, so it is made first
	no, none := false, ""
	m := r.create(t, hostOn)
	if err := r.sim.AddFault(zoomsim.Fault{Method: "PATCH", PathPrefix: fmt.Sprintf("/v2/meetings/%d", m.ID), Times: 1, Overwrite: &zoomsim.Overwrite{Passcode: &none, WaitingRoom: &no}}); err != nil {
		t.Fatal(err)
	}
	r.post(t, createdEvent(r, m, fmt.Sprint(m.ID)))
	r.settled(t, m.ID, passcode.OutcomeDemands)
	got := r.sim.Join(m.ID, m.Passcode)
	if got.Unsecured || got.Result == "passcode_wrong" {
		t.Errorf("a joiner with the old passcode meets %+v", got)
	}
}

func TestSomebodyKeepsUndoingTheRepair(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	m := r.create(t, hostOn)
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	for range passcode.ContestedAfter {
		if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode("abc123")}); err != nil {
			t.Fatal(err)
		}
		testenv.Until(t, "it is dealt with", func() bool {
			row, err := r.app.Store().Meeting(t.Context(), m.ID)
			return err == nil && row.DueAt.IsZero() && !row.MustRead && (r.sim.Join(m.ID, "").Outcome == string(row.Outcome))
		})
	}
	row := r.settled(t, m.ID, passcode.OutcomeDemands)
	if !strings.Contains(row.Why, "was undone 3 times within a day") {
		t.Errorf("why: %s", row.Why)
	}
	if n := r.calls("PATCH", m.ID); n != passcode.ContestedAfter {
		t.Errorf("%d PATCH, want %d", n, passcode.ContestedAfter)
	}
}

func TestUnreadableEventsAreDeadLetters(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	for _, body := range []string{`not json`, `["an","array"]`, `{"event":"meeting.created","payload":{"object":{"id":8111`,
		`{"event":"meeting.created","event_ts":1,"payload":{"account_id":"A","object":{"topic":"no id","password":"s3cret"}}}`,
		`{"event":"user.settings_updated","event_ts":1,"payload":{"account_id":"A","object":{"settings":{}}}}`} {
		if status := r.post(t, body); status != http.StatusNoContent {
			t.Errorf("%.20s…: status %d, want 204", body, status)
		}
	}
	js := r.jetStream(t)
	testenv.Until(t, "all five are dead letters", func() bool {
		s, err := js.Stream(context.Background(), "LATCHKEY_DEAD")
		return err == nil && s.CachedInfo().State.Msgs == 5
	})
	s, _ := js.Stream(t.Context(), "LATCHKEY_DEAD")
	for seq := uint64(1); seq <= 5; seq++ {
		msg, err := s.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		reason := msg.Header.Get("Latchkey-Reason")
		if reason == "" || len(msg.Data) == 0 || strings.Contains(reason, "s3cret") {
			t.Errorf("%s: reason %q", msg.Subject, reason)
		}
	}
}

// TestClearThatOpenedTheMeetingIsTakenBackLater: putting the passcode back fails
// at first; the next check must not take the open meeting for a repaired one.
func TestClearThatOpenedTheMeetingIsTakenBackLater(t *testing.T) {
	t.Parallel()
	r := newRunningRig(t)
	no, none := false, ""
	m, err := r.sim.CreateMeeting(t.Context(), hostOff, zoomsim.MeetingRequest{Type: 2, StartTime: zoomsim.At(time.Now().Add(time.Hour)), Duration: 30,
		CreationSource: "open_api", Settings: zoomsim.MeetingSettings{WaitingRoom: new(true)}})
	if err != nil {
		t.Fatal(err)
	}
	r.settled(t, m.ID, passcode.OutcomeJoinable)
	path := fmt.Sprintf("/v2/meetings/%d", m.ID)
	for _, f := range []zoomsim.Fault{
		{Method: "PATCH", PathPrefix: path, Times: 1, Overwrite: &zoomsim.Overwrite{Passcode: &none, WaitingRoom: &no}},
		{Method: "PATCH", PathPrefix: path, Times: 1, Status: 500},
	} {
		if err := r.sim.AddFault(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.sim.UpdateMeeting(t.Context(), m.ID, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode("abc123")}); err != nil {
		t.Fatal(err)
	}
	testenv.Until(t, "both faults were met", func() bool { return r.sim.FaultsHit() == 2 })
	testenv.Until(t, "it is dealt with", func() bool {
		row, err := r.app.Store().Meeting(t.Context(), m.ID)
		return err == nil && row.DueAt.IsZero() && !row.MustRead
	})
	if got := r.sim.Join(m.ID, "abc123"); got.Unsecured || got.Result == "passcode_wrong" {
		t.Errorf("a joiner meets %+v", got)
	}
}
