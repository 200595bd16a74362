package reconcile

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/alert"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

// dated is a scripted Zoom whose meeting is a series: date says of which of its
// dates the waiting room is off.
type dated struct {
	*scripted
	off  string
	seen []string
}

func (d *dated) GetOccurrence(_ context.Context, _ zoom.MeetingID, id string) (zoom.Meeting, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seen = append(d.seen, id)
	m := d.m
	on := isTrue(m.Settings.WaitingRoom) && id != d.off
	m.Settings.WaitingRoom = &on
	return m, nil
}

// TestEverybodyCannotBeHad: the policy wants everybody to wait, Zoom takes the
// request and leaves who waits as it was. The passcode goes back, and nothing says
// that the meeting was repaired.
func TestEverybodyCannotBeHad(t *testing.T) {
	t.Parallel()
	s := &scripted{}
	w, url := patient(t, s)
	if err := json.Unmarshal([]byte(`{"mode": "custom", "who_goes_to_waiting_room": "users_not_in_account"}`), &s.m.Settings.Options); err != nil {
		t.Fatal(err)
	}
	w.o.Rule = func(Who) Rule {
		return Rule{Policy: passcode.Policy{Mode: passcode.ModeWaitingRoom, Holds: passcode.HoldsEveryone}}
	}
	checkNow(t, w, url)
	m, repairs := meetingOf(t, w)
	if len(s.asked) != 2 || !s.asked[0].EveryoneWaits || s.m.Password.Reveal() != "old-1" {
		t.Errorf("asked for %d changes, the meeting has %t passcode", len(s.asked), s.m.Password != "")
	}
	if len(repairs) != 2 || repairs[0].Result != store.RepairOpened || m.Outcome != passcode.OutcomeDemands || slices.Contains(alertsOf(t, w), alert.Repaired) {
		t.Errorf("%s: %s; repairs %+v; alerts %v", m.Outcome, m.Why, repairs, alertsOf(t, w))
	}
	// And it is not tried again.
	run(t, url, `UPDATE meetings SET must_read = true`)
	checkNow(t, w, url)
	if len(s.asked) != 2 {
		t.Errorf("asked for %d changes", len(s.asked))
	}
}

// TestMoreDatesThanAreLookedAt: of the rest nobody knows, so nothing is removed.
func TestMoreDatesThanAreLookedAt(t *testing.T) {
	t.Parallel()
	d := &dated{scripted: &scripted{}}
	w, url := patient(t, d.scripted)
	w.o.Zoom = func(string) (Zoom, bool) { return d, true }
	d.m.Type = 8
	for i := range mostDates + 1 {
		o := zoom.Occurrence{StartTime: zoom.Time{Time: time.Now().AddDate(0, 0, 1+i)}, Duration: 30, Status: "available"}
		if err := json.Unmarshal([]byte(`{"occurrence_id": "d"}`), &o); err != nil {
			t.Fatal(err)
		}
		d.m.Occurrences = append(d.m.Occurrences, o)
	}
	checkNow(t, w, url)
	if m, _ := meetingOf(t, w); len(d.asked) != 0 || len(d.seen) != mostDates || m.Outcome != passcode.OutcomeDemands {
		t.Errorf("%d changes, %d dates looked at; %s: %s", len(d.asked), len(d.seen), m.Outcome, m.Why)
	}
}

// TestNoDateIsLeftOpen: a series' passcode is not removed while the waiting room is
// off for one of its dates, and goes back where that shows only afterwards.
func TestNoDateIsLeftOpen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		room    bool // of the series, before
		off     string
		changes int
		repair  store.RepairResult // of the first; "" where there is none
	}{
		"a date that is off: not begun":              {true, "2", 0, ""},
		"the series off before, and a date stays so": {false, "3", 2, store.RepairOpened},
		"every date on":                              {true, "", 1, store.RepairHeld},
		"the series off before":                      {false, "", 1, store.RepairHeld},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &dated{scripted: &scripted{}, off: c.off}
			w, url := patient(t, d.scripted)
			w.o.Zoom = func(string) (Zoom, bool) { return d, true }
			start := time.Now().Add(48 * time.Hour)
			d.m.Type, d.m.Settings.WaitingRoom = 8, &c.room
			for i, id := range []string{"0", "1", "2", "3"} {
				day := zoom.Time{Time: start.AddDate(0, 0, 7*(i-1))} // the first is over
				o := zoom.Occurrence{StartTime: day, Duration: 30, Status: "available"}
				if err := json.Unmarshal([]byte(`{"occurrence_id": "`+id+`"}`), &o); err != nil {
					t.Fatal(err)
				}
				d.m.Occurrences = append(d.m.Occurrences, o)
			}
			checkNow(t, w, url)
			m, repairs := meetingOf(t, w)
			if len(d.asked) != c.changes || len(repairs) > 0 && repairs[0].Result != c.repair || (len(repairs) == 0) != (c.repair == "") {
				t.Errorf("%d changes, repairs %+v; want %d, %q", len(d.asked), repairs, c.changes, c.repair)
			}
			if stays := c.off != ""; (d.m.Password != "") != stays || slices.Contains(alertsOf(t, w), alert.Repaired) == stays {
				t.Errorf("a passcode: %t, %s, alerts %v", d.m.Password != "", m.Why, alertsOf(t, w))
			}
			if c.repair == "" && !strings.Contains(m.Why, "on one of its dates") {
				t.Errorf("said is %q", m.Why)
			}
			if slices.Contains(d.seen, "0") {
				t.Error("a date that is over was looked at")
			}
		})
	}
}
