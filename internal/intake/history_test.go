package intake

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
	"latchkey/internal/zoomsim"
)

// TestHistories lives the lives of meetings in the simulated Zoom: made, changed,
// started, ended, deleted, recovered, their host's settings changed, in any
// order. Their events arrive late and in any order, one of them perhaps never,
// and in between the meeting is read now and then. In the end what is recorded
// is Zoom's state, or the meeting is to be read, or, where an event was lost, the
// sweep of its host finds it: it is never silently wrong.
//
// HISTORIES sets how many, HISTORIES_SEED which; both are printed.
func TestHistories(t *testing.T) {
	t.Parallel()
	n, seed := number(t, "HISTORIES", 1500), uint64(number(t, "HISTORIES_SEED", int(time.Now().UnixNano()%1e9)))
	z := &zoomOfHistories{rnd: rand.New(rand.NewPCG(seed, 1))}
	ends := map[string]int{}
	for i := range n {
		if i%1000 == 0 {
			z.start(t, seed+uint64(i))
		}
		h := z.live(t)
		how, ok := h.outcome()
		ends[how]++
		if !ok {
			t.Fatalf("HISTORIES_SEED=%d, history %d is silently wrong: %s\n%s", seed, i, how, strings.Join(h.told, "\n"))
		}
	}
	t.Logf("%d histories, HISTORIES_SEED=%d: %v", n, seed, ends)
	if n >= 1000 && (ends["as Zoom"] == 0 || ends["to be read"] == 0 || ends["found by the sweep"] == 0) {
		t.Errorf("they are not what they were meant to be: %v", ends)
	}
}

func number(t *testing.T, name string, otherwise int) int {
	t.Helper()
	v, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// zoomOfHistories is a simulated Zoom with a clock of its own.
type zoomOfHistories struct {
	sim *zoomsim.Server
	rnd *rand.Rand
	now time.Time
	got [][]byte // deliveries, in Zoom's order
}

func (z *zoomOfHistories) start(t *testing.T, seed uint64) {
	z.now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	sink := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		z.got = append(z.got, body)
		w.WriteHeader(http.StatusNoContent)
	}))
	sim, err := zoomsim.Start(t.Context(), zoomsim.Options{Seed: seed + 1, Now: func() time.Time { return z.now }, WebhookURL: sink.URL})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()); sink.Close() })
	z.sim = sim
}

// arriving is an event on its way.
type arriving struct {
	at   time.Time
	body []byte
}

// history is one meeting's life and what is recorded of it.
type history struct {
	rnd           *rand.Rand
	id, pmi       int64
	moments       []moment // what the meeting was like, and since when
	row           store.Meeting
	known         secret.String
	hostKnown     bool
	hostChangedAt time.Time
	heard, lost   bool // heard of the meeting itself
	told          []string
}

type moment struct {
	since time.Time
	m     zoomsim.Meeting
}

func (h *history) at(t time.Time) zoomsim.Meeting {
	m := h.moments[0].m
	for _, s := range h.moments {
		if !s.since.After(t) {
			m = s.m
		}
	}
	return m
}

func (h *history) tell(t time.Time, format string, args ...any) {
	h.told = append(h.told, t.Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// live lets a meeting live in Zoom, and its events arrive.
func (z *zoomOfHistories) live(t *testing.T) *history {
	rnd, ctx := z.rnd, t.Context()
	host := []string{"off@demo.example", "on@demo.example", "locked@demo.example"}[rnd.IntN(3)]
	h := &history{rnd: rnd}
	var events []arriving
	do := func(what string, f func() error) {
		z.now = z.now.Add([]time.Duration{0, time.Millisecond, 3 * time.Second, time.Minute, 20 * time.Minute}[rnd.IntN(5)])
		z.got = nil
		if err := f(); err != nil {
			return // not in the state that it is in
		}
		if err := z.sim.WaitDeliveries(ctx); err != nil {
			t.Fatal(err)
		}
		m, _ := z.sim.Meeting(h.id)
		h.moments = append(h.moments, moment{z.now, m})
		h.tell(z.now, "%s: deleted %t, %s, passcode %q, waiting room %t", what, m.Deleted, m.Status, m.Passcode, m.WaitingRoom)
		for _, body := range z.got {
			delay := []time.Duration{10 * time.Millisecond, time.Second, time.Minute, 5 * time.Minute, 25 * time.Minute}[rnd.IntN(5)]
			events = append(events, arriving{z.now.Add(delay), body})
		}
	}
	do("created", func() error {
		req := zoomsim.MeetingRequest{Type: []int{2, 2, 2, 1}[rnd.IntN(4)], StartTime: zoomsim.At(z.now.Add(24 * time.Hour)), Duration: 30, CreationSource: "other"}
		if rnd.IntN(2) == 0 {
			req.Password = zoomsim.WithPasscode("Abc123")
		}
		if req.Type == 2 && rnd.IntN(5) == 0 {
			yes := true
			req.Settings.UsePMI = &yes // its events then come under two numbers
		}
		m, err := z.sim.CreateMeeting(ctx, host, req)
		h.id = m.ID
		return err
	})
	for _, body := range z.got {
		if env, err := zoom.DecodeEnvelope(body); err == nil {
			if obj, err := env.DecodeMeeting(); err == nil && obj.PMI != nil {
				h.pmi = int64(*obj.PMI)
			}
		}
	}
	for range 1 + rnd.IntN(7) {
		switch rnd.IntN(9) {
		case 0:
			do("passcode changed", func() error {
				return z.sim.UpdateMeeting(ctx, h.id, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode(fmt.Sprint("P", rnd.IntN(1000))), CreationSource: "other"})
			})
		case 1:
			do("passcode removed", func() error {
				return z.sim.UpdateMeeting(ctx, h.id, zoomsim.MeetingRequest{Password: zoomsim.WithPasscode(""), CreationSource: "other"})
			})
		case 2:
			do("topic changed", func() error {
				return z.sim.UpdateMeeting(ctx, h.id, zoomsim.MeetingRequest{Topic: fmt.Sprint("T", rnd.IntN(1000)), CreationSource: "other"})
			})
		case 3:
			on := rnd.IntN(2) == 0
			do(fmt.Sprint("waiting room ", on), func() error {
				return z.sim.UpdateMeeting(ctx, h.id, zoomsim.MeetingRequest{Settings: zoomsim.MeetingSettings{WaitingRoom: &on}, CreationSource: "other"})
			})
		case 4:
			if m, _ := z.sim.Meeting(h.id); m.Type == 1 && m.Status == "ended" {
				continue // an instant meeting's number ends with it (Z-MEET-6)
			}
			do("started", func() error { return z.sim.StartMeeting(ctx, h.id) })
		case 5:
			if m, _ := z.sim.Meeting(h.id); m.Status != "started" {
				continue
			}
			do("ended", func() error { return z.sim.EndMeeting(ctx, h.id) })
		case 6:
			do("deleted", func() error { return z.sim.DeleteMeeting(ctx, h.id) })
		case 7:
			if m, _ := z.sim.Meeting(h.id); m.Type == 1 {
				continue // Zoom's trash holds what was scheduled
			}
			do("recovered", func() error { return z.sim.RecoverMeeting(ctx, h.id) })
		case 8:
			on := rnd.IntN(2) == 0
			do(fmt.Sprint("setting for scheduled meetings ", on), func() error {
				return z.sim.ChangeUserSettings(ctx, host, zoomsim.Set(passcode.KeyScheduled.Path(), on))
			})
		}
	}
	if rnd.IntN(3) == 0 {
		i := rnd.IntN(len(events))
		h.lost = true
		h.tell(z.now, "lost: %s", events[i].body)
		events = slices.Delete(events, i, i+1)
	}
	slices.SortStableFunc(events, func(a, b arriving) int { return a.at.Compare(b.at) })
	h.row = store.Meeting{ID: h.id, AccountID: "demo-account", MustRead: true, Meeting: passcode.Meeting{Status: passcode.StatusScheduled}}
	for _, e := range events {
		if h.heard && h.row.MustRead && rnd.IntN(2) == 0 {
			h.read(e.at.Add(-time.Duration(rnd.IntN(5)) * time.Millisecond))
		}
		h.arrive(t, e)
	}
	return h
}

// read is what a check does to a meeting that is to be read.
func (h *history) read(at time.Time) {
	m := h.at(at)
	row := &h.row
	h.tell(at, "read: deleted %t, %s, passcode %q", m.Deleted, m.Status, m.Passcode)
	if m.Deleted || m.Status == "ended" && m.Type == 1 {
		row.Misses, row.NotFound = row.Misses+1, true
		if row.SaidGone || h.rnd.IntN(2) == 0 { // an event said so, or it was asked again until it is believed
			row.Status, row.MustRead, row.ObservedAt = passcode.StatusDeleted, false, at
		}
		return
	}
	row.HostID, row.Type, row.Status, row.PMI = m.HostID, passcode.MeetingType(m.Type), passcode.StatusScheduled, h.pmi
	if m.Status == "started" {
		row.Status = passcode.StatusStarted
	}
	row.Passcode, row.PasscodeReadable, h.known = passcode.ToggleOf(m.Passcode != ""), m.Passcode != "", secret.String(m.Passcode)
	row.WaitingRoom, row.Authentication = passcode.ToggleOf(m.WaitingRoom), passcode.Off
	row.ObservedAt, row.MustRead, row.NotFound, row.Misses, row.SaidGone = at, false, false, 0, false
	h.hostKnown = true
}

// arrive is what intake does with an event, without a database.
func (h *history) arrive(t *testing.T, e arriving) {
	env, err := zoom.DecodeEnvelope(e.body)
	if err != nil {
		t.Fatal(err)
	}
	h.tell(e.at, "arrives: %s", e.body)
	kind, ok := kindOf(env.Event)
	if !ok {
		t.Fatalf("no use for %s", env.Event)
	}
	if strings.HasPrefix(kind.Name, "user.") {
		h.hostKnown = true
		if env.At.After(h.hostChangedAt) {
			h.hostChangedAt = env.At
		}
		if h.row.HostID != "" && (h.row.Status == passcode.StatusScheduled || h.row.Status == passcode.StatusStarted) {
			h.row.MustRead = true
		}
		return
	}
	obj, err := env.DecodeMeeting()
	if err != nil {
		t.Fatal(err)
	}
	if int64(obj.ID) != h.id {
		// Under the host's personal meeting id: whatever runs under it is to be read.
		h.hostKnown = true
		if h.row.PMI == int64(obj.ID) && (h.row.Status == passcode.StatusScheduled || h.row.Status == passcode.StatusStarted) {
			h.row.MustRead = true
		}
		return
	}
	h.heard = true
	came := arrival{now: e.at, receivedAt: e.at, knownPasscode: h.known}
	if obj.HostID != nil {
		came.hostChangedAt = h.hostChangedAt
	}
	s := merge(h.row, env, obj, came)
	if s.nothingNew {
		return
	}
	h.row = s.meeting
	h.hostKnown = h.hostKnown || h.row.HostID != ""
	if s.passcode != nil {
		h.known = s.passcode.Value
	}
}

// outcome says how what is recorded compares with Zoom; false when it is wrong
// and nothing will find that out.
func (h *history) outcome() (string, bool) {
	now := h.moments[len(h.moments)-1].m
	gone := now.Deleted || now.Status == "ended" && now.Type == 1
	row := h.row
	wrong := ""
	switch alive := row.Status == passcode.StatusScheduled || row.Status == passcode.StatusStarted; {
	case !h.heard && h.lost && h.hostKnown && !gone && now.Type != 1:
		return "found by the sweep", true
	case !h.heard && h.lost:
		return "never heard of", true // no event of it or its host ever came, or it is not listed
	case alive && row.MustRead:
		return "to be read", true
	case gone == alive:
		wrong = fmt.Sprintf("recorded as %s, gone at Zoom: %t", row.Status, gone)
	case gone:
		return "as Zoom", true
	case row.Passcode != passcode.ToggleOf(now.Passcode != "") || row.Passcode == passcode.On && h.known.Reveal() != now.Passcode:
		wrong = fmt.Sprintf("recorded with passcode %s %q, at Zoom %q", row.Passcode, h.known.Reveal(), now.Passcode)
	case (row.Status == passcode.StatusStarted) != (now.Status == "started"):
		wrong = fmt.Sprintf("recorded as %s, at Zoom %s", row.Status, now.Status)
	case row.WaitingRoom != passcode.Unknown && (row.WaitingRoom == passcode.On) != now.WaitingRoom:
		wrong = fmt.Sprintf("recorded with waiting room %s, at Zoom %t", row.WaitingRoom, now.WaitingRoom)
	default:
		return "as Zoom", true
	}
	// The sweep reads every meeting of a known host that is recorded as there, and
	// lists those that are there to come.
	if alive := row.Status == passcode.StatusScheduled || row.Status == passcode.StatusStarted; h.lost && h.hostKnown && (alive || !gone && now.Type != 1) {
		return "found by the sweep", true
	}
	return wrong, false
}
