package day

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"latchkey/internal/zoomsim"
)

// act is something that people, or their software, do at a moment of the day.
type act struct {
	at time.Time
	do func(*testing.T, *zoomsim.Server)
}

// The paths of what is changed.
const (
	pathNew       = "meeting_security.meeting_password"
	pathScheduled = "meeting_security.require_password_for_scheduled_meeting"
)

// load is the day. Of its parts per 10 000 hosts: 20 000 creates by API, 500 changes of
// hosts' settings, 20 of groups' locks and settings; and one host whose own software spends
// all of the 100 in the morning.
type load struct {
	creates, settings, scheduled, flips, values int
	acts                                        []act
	made                                        map[int64]time.Time // by API on that day, and when they begin
}

func (a account) load() *load {
	l := &load{made: map[int64]time.Time{}}
	r := rand.New(rand.NewPCG(11, uint64(a.hosts)))
	at := func() time.Time { return a.begin.Add(time.Duration(r.Int64N(int64(a.length() - 10*time.Minute)))) }
	add := func(when time.Time, do func(*testing.T, *zoomsim.Server)) { l.acts = append(l.acts, act{when, do}) }
	create := func(when time.Time, host string, in time.Duration) {
		starts := when.Add(in).Truncate(time.Second)
		add(when, func(t *testing.T, s *zoomsim.Server) {
			m, err := s.CreateMeeting(t.Context(), host, zoomsim.MeetingRequest{Topic: "Consultation", Type: 2, StartTime: zoomsim.At(starts), Duration: 30, CreationSource: zoomsim.SourceOpenAPI})
			if err != nil {
				return // the host's 100 are spent
			}
			l.creates++
			l.made[m.ID] = starts
		})
	}
	soon := func() time.Duration { // most begin within days, some within minutes
		mean := 30 * time.Hour
		if r.IntN(4) == 0 {
			mean = 20 * time.Minute
		}
		return 5*time.Minute + time.Duration(r.ExpFloat64()*float64(mean))
	}
	for range a.some(2) {
		create(at(), hostID(r.IntN(a.hosts)), soon())
	}
	for n := range 130 { // the host's own software, from a third of the day on
		create(a.begin.Add(a.length()/3+time.Duration(n)*10*time.Second), hostID(1), 30*time.Hour)
	}
	change := func(path string, on bool, host string) func(*testing.T, *zoomsim.Server) {
		return func(t *testing.T, s *zoomsim.Server) {
			if err := s.ChangeUserSettings(t.Context(), host, zoomsim.Set(path, on)); err != nil {
				t.Error(err)
			}
		}
	}
	for range a.some(0.027) {
		host, when := 2+r.IntN(a.hosts-2), at()
		l.settings++
		add(when, change(pathNew, !settingOn(host), hostID(host)))
		if r.IntN(2) == 0 {
			l.settings++
			add(when.Add(20*time.Minute), change(pathNew, settingOn(host), hostID(host)))
		}
	}
	for range a.some(0.01) {
		l.settings, l.scheduled = l.settings+1, l.scheduled+1
		add(at(), change(pathScheduled, true, hostID(2+r.IntN(a.hosts-2))))
	}
	flips := []float64{0.0008, 0.0002}
	for range a.some(flips[0]) { // locked for a while, so that what is made meanwhile keeps its passcode
		g, when := a.groupID(r.IntN(a.hosts)), a.begin.Add(time.Duration(r.Int64N(int64(a.length()*3/4))))
		for _, on := range []bool{true, false} {
			l.flips++
			add(when, func(t *testing.T, s *zoomsim.Server) {
				if err := s.ChangeGroupLocks(t.Context(), g, zoomsim.Set(pathNew, on)); err != nil {
					t.Error(err)
				}
			})
			when = when.Add(a.length() / 12)
		}
	}
	for range a.some(flips[1]) { // passcodes on all that are scheduled in the group
		l.values++
		g := a.groupID(r.IntN(a.hosts))
		add(at(), func(t *testing.T, s *zoomsim.Server) {
			if err := s.ChangeGroupSettings(t.Context(), g, zoomsim.Set(pathScheduled, true)); err != nil {
				t.Error(err)
			}
		})
	}
	for m := range a.hours * 60 { // other apps of the account take half of what it may call
		add(a.begin.Add(time.Duration(m)*time.Minute), func(t *testing.T, s *zoomsim.Server) {
			for label, n := range map[string]int{zoomsim.Light: 40, zoomsim.Medium: 30} {
				if err := s.SpendCalls(accountID, label, n); err != nil {
					t.Error(err)
				}
			}
		})
	}
	slices.SortStableFunc(l.acts, func(x, y act) int { return x.at.Compare(y.at) })
	return l
}
