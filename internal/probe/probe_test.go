package probe

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/zoom"
	"latchkey/internal/zoomsim"
)

const hostOn, hostLocked, account = "on@demo.example", "locked@demo.example", "demo-account"

func simulated(t *testing.T, docs zoomsim.Documents) (*zoomsim.Server, *zoom.Client) {
	t.Helper()
	sim, err := zoomsim.Start(t.Context(), zoomsim.Options{Seed: 3, Documents: docs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Stop(context.Background()) })
	c := sim.Credentials("")
	rates, _ := zoom.RatesFor("business")
	client := zoom.New(zoom.Options{APIURL: sim.APIURL(), OAuthURL: sim.OAuthURL(), Rates: rates,
		Credentials: zoom.Credentials{AccountID: c.AccountID, ClientID: c.ClientID, ClientSecret: secret.String(c.ClientSecret)}})
	t.Cleanup(client.Close)
	return sim, client
}

func meetings(sim *zoomsim.Server) (n int) {
	for _, m := range sim.Meetings() {
		if !m.Deleted {
			n++
		}
	}
	return n
}

// TestTheWorldIsFoundOut: in each of the two worlds that Zoom's documents leave
// open, whatever of the two forms of "no passcode" Zoom takes and whether it shows
// the limit, and what was made is deleted.
func TestTheWorldIsFoundOut(t *testing.T) {
	t.Parallel()
	on := passcode.Setting{Value: passcode.On, Lock: passcode.Off}
	for name, c := range map[string]struct {
		docs    zoomsim.Documents
		host    string
		setting passcode.Setting
		clears  zoomsim.Clearing
		shown   bool
		want    map[string]string
		found   passcode.Documents
	}{
		"2025": {zoomsim.Documents2025, hostOn, on, zoomsim.ClearedByBoth, true, map[string]string{"create_without_passcode": Yes, "create_default_password_false": No,
			"patch_omitted": No, "patch_null": Yes, "patch_empty": Yes, "occurrence_waiting_room": Yes, "host_limit_shown": Yes}, passcode.Documents2025},
		"2020": {zoomsim.Documents2020, hostOn, on, zoomsim.ClearedByBoth, false, map[string]string{"create_without_passcode": No, "create_default_password_false": No,
			"create_empty_passcode": No, "host_limit_shown": No, "occurrence_waiting_room": Yes}, passcode.Documents2020},
		"only the empty text clears": {zoomsim.Documents2025, hostOn, on, zoomsim.ClearedByEmpty, false, map[string]string{"patch_null": No, "patch_empty": Yes}, passcode.Documents2025},
		"only null clears":           {zoomsim.Documents2020, hostOn, on, zoomsim.ClearedByNull, false, map[string]string{"patch_null": Yes, "patch_empty": No}, passcode.Documents2020},
		"a host whose passcodes are locked on": {zoomsim.Documents2020, hostLocked, passcode.Setting{Value: passcode.On, Lock: passcode.On}, zoomsim.ClearedByBoth, false,
			map[string]string{"create_without_passcode": NotHere, "create_default_password_false": NotHere, "patch_empty": NotHere, "patch_omitted": No, "occurrence_waiting_room": Yes}, passcode.DocumentsOpen},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, client := simulated(t, c.docs)
			if err := errors.Join(sim.SetPasscodeClearing(account, c.clears), sim.SetLimits(account, zoomsim.Limits{PerSecond: true, Daily: true, HostRemaining: c.shown})); err != nil {
				t.Fatal(err)
			}
			before := meetings(sim)
			r, err := Run(t.Context(), client, Host{ID: c.host, Passcode: c.setting}, time.Now())
			if err != nil || r.Documents != c.found || len(r.Left) != 0 {
				t.Errorf("found %q, left %v, %v; want %q", r.Documents, r.Left, err, c.found)
			}
			got := map[string]string{}
			for _, a := range r.Answers {
				if got[a.Question] = a.Answer; a.Asks == "" || strings.Contains(a.Detail, "Prb-") {
					t.Errorf("%+v", a)
				}
			}
			for question, answer := range c.want {
				if got[question] != answer {
					t.Errorf("%s: %q, want %q", question, got[question], answer)
				}
			}
			if after := meetings(sim); after != before {
				t.Errorf("%d meetings before, %d after", before, after)
			}
			spent := 0
			for _, q := range sim.Requests() {
				if q.Method == "POST" && strings.HasSuffix(q.Path, "/meetings") || q.Method == "PATCH" {
					spent++
				}
			}
			if spent > Spends {
				t.Errorf("%d creates and updates, said were at most %d", spent, Spends)
			}
		})
	}
}

// TestItCleansUpWhateverHappens: an error in the middle, or a run that is ended,
// leaves no meeting behind.
func TestItCleansUpWhateverHappens(t *testing.T) {
	t.Parallel()
	on := passcode.Setting{Value: passcode.On, Lock: passcode.Off}
	t.Run("an error", func(t *testing.T) {
		t.Parallel()
		sim, client := simulated(t, zoomsim.Documents2025)
		before := meetings(sim)
		sim.AddFault(zoomsim.Fault{Method: "PATCH", PathPrefix: "/v2/meetings/", Status: 500})
		r, err := Run(t.Context(), client, Host{ID: hostOn, Passcode: on}, time.Now())
		if err == nil || r.Documents != passcode.Documents2025 || meetings(sim) != before {
			t.Errorf("%v, found %q, %d meetings left of %d", err, r.Documents, meetings(sim), before)
		}
	})
	t.Run("ended", func(t *testing.T) {
		t.Parallel()
		sim, client := simulated(t, zoomsim.Documents2025)
		before := meetings(sim)
		ctx, cancel := context.WithCancel(t.Context())
		r, err := Run(ctx, endsAfter{client, cancel}, Host{ID: hostOn, Passcode: on}, time.Now())
		if err == nil || len(r.Left) != 0 || meetings(sim) != before {
			t.Errorf("%v, left %v, %d meetings of %d", err, r.Left, meetings(sim), before)
		}
	})
	t.Run("no deletion", func(t *testing.T) {
		t.Parallel()
		sim, client := simulated(t, zoomsim.Documents2025)
		sim.AddFault(zoomsim.Fault{Method: "DELETE", PathPrefix: "/v2/meetings/", Status: 500})
		if r, err := Run(t.Context(), client, Host{ID: hostOn, Passcode: on}, time.Now()); err == nil || len(r.Left) != Meetings {
			t.Errorf("%v, left %v; want all of them named", err, r.Left)
		}
	})
}

// endsAfter ends the run once the first meeting is made.
type endsAfter struct {
	*zoom.Client
	end func()
}

func (e endsAfter) CreateMeeting(ctx context.Context, userID string, body map[string]any) (zoom.Meeting, zoom.Budget, error) {
	defer e.end()
	return e.Client.CreateMeeting(ctx, userID, body)
}
