package day

import (
	"fmt"
	"math/rand/v2"
	"time"

	"latchkey/internal/zoomsim"
)

const accountID = "acc"

// account is the customer's: hosts in groups of a hundred, ten meetings each in the thirty
// days to come. One host of ten has the passcode setting on, so that a meeting made by API
// gets one.
type account struct {
	hosts int
	begin time.Time // of the day, 00:00 UTC
	hours int       // of the day that are lived through
}

const (
	meetingsEach = 10
	learned      = 2 // hosts whose rows the others' are copies of: one with the setting off, one with it on
)

func (a account) length() time.Duration { return time.Duration(a.hours) * time.Hour }

// some is so many for each host and day, of the part of it that is lived through.
func (a account) some(r float64) int {
	return max(1, int(float64(a.hosts)*r*float64(a.hours)/24))
}

// groupSize is a hundred, of a small account less, so that there are several groups.
func (a account) groupSize() int { return min(100, max(1, a.hosts/5)) }

func hostID(i int) string              { return fmt.Sprintf("h%06d", i) }
func (a account) groupID(i int) string { return fmt.Sprintf("g%05d", i/a.groupSize()) }
func meetingID(i, j int) int64         { return 81_000_000_000 + int64(i)*100 + int64(j) }
func settingOn(i int) bool             { return i%10 == 1 }
func (a account) groups() int          { return (a.hosts + a.groupSize() - 1) / a.groupSize() }
func (a account) meetings() int        { return a.hosts * meetingsEach }
func (a account) end() time.Time       { return a.begin.Add(a.length()) }
func pmi(i int) int64                  { return 3_000_000_000 + int64(i) }
func email(i int) string               { return hostID(i) + "@example.com" }

// starts is when a meeting begins: within thirty days, from an hour before the day is over
// for some to weeks later for most.
func (a account) starts(i, j int) time.Time {
	r := rand.New(rand.NewPCG(uint64(i), uint64(j)))
	return a.begin.Add(time.Hour + time.Duration(r.Int64N(int64(30*24*time.Hour)))).Truncate(time.Minute)
}

func (a account) scenario() zoomsim.Scenario {
	sa := zoomsim.ScenarioAccount{ID: accountID, Plan: zoomsim.PlanBusiness, Licences: a.hosts, Limits: &zoomsim.Limits{}}
	for g := range a.groups() {
		sa.Groups = append(sa.Groups, zoomsim.ScenarioGroup{ID: a.groupID(g * a.groupSize()), Name: "Group " + a.groupID(g*a.groupSize())})
	}
	for i := range a.hosts {
		h := zoomsim.ScenarioHost{ID: hostID(i), Email: email(i), PMI: pmi(i), Groups: []string{a.groupID(i)},
			Settings: zoomsim.Set("meeting_security.meeting_password", settingOn(i))}
		for j := range meetingsEach {
			h.Meetings = append(h.Meetings, zoomsim.ScenarioMeeting{ID: meetingID(i, j), Topic: "Standing", StartTime: a.starts(i, j), Duration: 30, WaitingRoom: true})
		}
		sa.Hosts = append(sa.Hosts, h)
	}
	return zoomsim.Scenario{Seed: 1, Accounts: []zoomsim.ScenarioAccount{sa}}
}
