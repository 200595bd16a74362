package zoomsim

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// manyHosts is an account of n hosts in four groups, with so many meetings each.
func manyHosts(n, meetings int) Scenario {
	a := ScenarioAccount{
		ID: "acct", Plan: PlanEnterprise, Limits: &Limits{},
		Groups: []ScenarioGroup{{ID: "g0"}, {ID: "g1"}, {ID: "g2"}, {ID: "g3"}}, Hosts: make([]ScenarioHost, n),
	}
	for i := range a.Hosts {
		h := &a.Hosts[i]
		h.ID, h.Email, h.Groups = fmt.Sprintf("h%d", i), fmt.Sprintf("Host.%d@example.com", i), []string{fmt.Sprintf("g%d", i%4)}
		h.Meetings = make([]ScenarioMeeting, meetings)
		for j := range h.Meetings {
			h.Meetings[j] = ScenarioMeeting{ID: 70_000_000_000 + int64(i*meetings+j), StartsIn: time.Duration(j+1) * time.Hour, Password: "abc123"}
		}
	}
	return Scenario{Accounts: []ScenarioAccount{a}}
}

// inside is a simulator of so many hosts with a token for calls in process.
type inside struct {
	*Server
	tb     testing.TB
	trip   http.RoundTripper
	bearer string
}

func startInside(tb testing.TB, hosts, meetings int) *inside {
	tb.Helper()
	s, err := Start(context.Background(), Options{
		Scenario: manyHosts(hosts, meetings), InProcess: true, Seed: 1, History: -1,
		Deliver: func(context.Context, http.Header, []byte) int { return 200 },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = s.Stop(context.Background()) })
	s.mu.Lock()
	s.tokens["t"] = token{s.world.accounts[0], s.now().Add(time.Hour), allScopes}
	s.mu.Unlock()
	return &inside{s, tb, s.RoundTripper(), "Bearer t"}
}

func (in *inside) call(method, path, body string) {
	req, err := http.NewRequest(method, in.APIURL()+path, strings.NewReader(body))
	if err != nil {
		in.tb.Fatal(err)
	}
	req.Header.Set("Authorization", in.bearer)
	resp, err := in.trip.RoundTrip(req)
	if err != nil {
		in.tb.Fatal(err)
	}
	if resp.StatusCode/100 != 2 {
		in.tb.Fatal(method, path, resp.Status)
	}
	_ = resp.Body.Close()
}

// The calls whose time must not depend on the size of the world.
var sized = []struct {
	name string
	f    func(in *inside, host, meeting int)
}{
	{"GetUserByEmail", func(in *inside, host, _ int) { in.call("GET", fmt.Sprintf("/users/host.%d@EXAMPLE.com", host), "") }},
	{"ListUsers", func(in *inside, _, _ int) { in.call("GET", "/users?page_size=1&next_page_token=NDAw", "") }},
	{"ListMeetings", func(in *inside, host, _ int) {
		in.call("GET", fmt.Sprintf("/users/h%d/meetings?type=upcoming", host), "")
	}},
	{"GetMeeting", func(in *inside, _, m int) { in.call("GET", fmt.Sprintf("/meetings/%d", m), "") }},
	{"PatchMeeting", func(in *inside, _, m int) {
		in.call("PATCH", fmt.Sprintf("/meetings/%d", m), fmt.Sprintf(`{"topic":"%d"}`, time.Now().UnixNano()))
	}},
	{"PatchSettings", func(in *inside, host, _ int) {
		in.call("PATCH", fmt.Sprintf("/users/h%d/settings", host), fmt.Sprintf(`{"in_meeting":{"waiting_room":%t}}`, time.Now().UnixNano()%2 == 0))
	}},
	{"PatchPMI", func(in *inside, host, _ int) {
		in.call("PATCH", fmt.Sprintf("/users/h%d", host), fmt.Sprintf(`{"pmi":%d}`, 5_000_000_000+time.Now().UnixNano()%4_000_000_000))
	}},
	{"GetGroup", func(in *inside, _, _ int) { in.call("GET", "/groups/g2", "") }},
	{"MoveGroup", func(in *inside, host, _ int) {
		id := fmt.Sprintf("h%d", host)
		if in.AddGroupMember(context.Background(), fmt.Sprintf("g%d", (host+1)%4), id) != nil ||
			in.RemoveGroupMember(context.Background(), fmt.Sprintf("g%d", (host+1)%4), id) != nil {
			in.tb.Fatal("not moved")
		}
	}},
	{"Deactivate", func(in *inside, host, _ int) {
		id := fmt.Sprintf("h%d", host)
		if in.DeactivateUser(context.Background(), id) != nil || in.ActivateUser(context.Background(), id) != nil {
			in.tb.Fatal("not done")
		}
	}},
}

// each runs a sized call n times, over hosts and meetings in turn.
func (in *inside) each(n, hosts, meetings int, f func(in *inside, host, meeting int)) {
	for i := range n {
		host := i * 7919 % hosts
		f(in, host, 70_000_000_000+host*meetings+i/hosts%meetings)
	}
}

// A world forty times as large makes no call slower by more than what larger
// maps and a block move cost. A scan would.
func TestCallsDoNotScan(t *testing.T) {
	small, large := startInside(t, 500, 2), startInside(t, 20_000, 2)
	for _, c := range sized {
		best := func(in *inside, hosts int) time.Duration {
			least := time.Hour
			for range 4 {
				// Few enough that nobody's hundred updates are spent.
				began := time.Now()
				in.each(60, hosts, 2, c.f)
				least = min(least, time.Since(began))
			}
			return least
		}
		if s, l := best(small, 500), best(large, 20_000); l > 6*s {
			t.Errorf("%s: %v with 500 hosts, %v with 20 000", c.name, s/60, l/60)
		}
	}
}

// BenchmarkCall is one call through RoundTripper; the two sizes should take
// the same. -short leaves out the large one.
func BenchmarkCall(b *testing.B) {
	for _, hosts := range []int{1_000, 100_000} {
		if testing.Short() && hosts > 1_000 {
			continue
		}
		in := startInside(b, hosts, 10)
		for _, c := range sized {
			b.Run(fmt.Sprintf("%s/hosts=%d", c.name, hosts), func(b *testing.B) {
				in.tb = b
				if c.name == "PatchMeeting" {
					in.refill()
				}
				b.ReportAllocs()
				left := b.N
				for left > 0 {
					n := min(left, hosts*90)
					in.each(n, hosts, 10, c.f)
					if left -= n; c.name == "PatchMeeting" {
						in.refill()
					}
				}
			})
		}
	}
}

// refill gives every host the hundred updates back.
func (in *inside) refill() {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, u := range in.world.accounts[0].users {
		u.spent = 0
	}
}

// BenchmarkBuild is a world of hosts with ten meetings each, and what it holds.
func BenchmarkBuild(b *testing.B) {
	for _, c := range []struct{ hosts, meetings int }{{10_000, 10}, {100_000, 10}, {100_000, 0}} {
		b.Run(fmt.Sprintf("hosts=%d/meetings=%d", c.hosts, c.meetings), func(b *testing.B) {
			sc := manyHosts(c.hosts, c.meetings)
			var before, after runtime.MemStats
			for b.Loop() {
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&before)
				b.StartTimer()
				w, err := buildWorld(sc, newSource(1), time.Now())
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				runtime.GC()
				runtime.ReadMemStats(&after)
				runtime.KeepAlive(w)
				b.StartTimer()
			}
			held := float64(after.HeapAlloc) - float64(before.HeapAlloc)
			b.ReportMetric(held/float64(c.hosts), "B/host")
			b.ReportMetric(held/float64(max(c.hosts*c.meetings, 1)), "B/meeting")
		})
	}
}
