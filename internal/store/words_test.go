package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// anythingGoes drops what keeps the words in the database to this version's: a
// database that another version wrote to has other ones.
func anythingGoes(t *testing.T, s *Store) {
	t.Helper()
	exec(t, s, `DO $$ DECLARE c record; BEGIN
		FOR c IN SELECT conrelid::regclass AS rel, conname FROM pg_constraint WHERE contype = 'c' AND NOT (SELECT relispartition FROM pg_class WHERE pg_class.oid = conrelid) AND connamespace = current_schema()::text::regnamespace LOOP
			EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.rel, c.conname);
		END LOOP;
		ALTER TABLE meetings ALTER topic DROP NOT NULL, ALTER generation DROP NOT NULL, ALTER must_read DROP NOT NULL;
	END $$`)
}

// claimAll claims until nothing is left, a few at a time.
func claimAll(t *testing.T, s *Store) map[int64]Meeting {
	t.Helper()
	all := map[int64]Meeting{}
	for range 100 {
		claims, err := s.ClaimMeetings(t.Context(), "w", 7, time.Hour)
		noError(t, err)
		for _, c := range claims {
			if _, twice := all[c.Meeting.ID]; twice {
				t.Errorf("meeting %d was claimed twice", c.Meeting.ID)
			}
			all[c.Meeting.ID] = c.Meeting
		}
		if value[int](t, s, `SELECT count(*) FROM meetings WHERE due_at <= now() AND lease_until IS NULL`) == 0 {
			return all
		}
	}
	t.Fatal("some meetings stay due and unclaimed")
	return nil
}

// Rows that another version wrote keep no innocent one from its check.
func TestWordsOfAnotherVersionStopNothing(t *testing.T) {
	t.Parallel()
	odd := []struct{ name, set string }{
		{"status", `status = 'resting'`},
		{"empty status", `status = ''`},
		{"outcome", `outcome = 'undecidable'`},
		{"remedy", `remedy = 'pray'`},
		{"remedy of no outcome", `outcome = NULL, remedy = 'clear'`},
		{"would", `would = 'pray'`},
		{"passcode", `passcode = 'perhaps'`},
		{"waiting room", `waiting_room = 'perhaps'`},
		{"authentication", `authentication = 'perhaps'`},
		{"link", `link_has_passcode = 'perhaps'`},
		{"phone", `phone_passcode = 'perhaps'`},
		{"type", `type = 4711`},
		{"a reason's word", `reasons = '[{"code": "setting_on", "value": "on"}, {"code": "new", "value": "maybe"}]'`},
		{"a reason that is none", `reasons = '[7, "x", null, []]'`},
		{"reasons that are an object", `reasons = '{"code": "setting_on"}'`},
		{"reasons that are a text", `reasons = '"none"'`},
		{"reasons that are null", `reasons = 'null'`},
	}
	unreadable := []struct{ name, set string }{
		{"no topic", `topic = NULL`},
		{"no generation", `generation = NULL`},
		{"no switch", `must_read = NULL`},
	}
	s := openStore(t)
	anythingGoes(t, s)
	const innocent, strange = 99, 76
	for id := range int64(innocent + strange) {
		addMeeting(t, s, id+1, "host", time.Duration(id*37%101)*time.Minute)
	}
	exec(t, s, `UPDATE meetings SET status = 'started', must_read = false, outcome = 'demands_passcode', remedy = 'keep', would = 'clear', passcode = 'on', waiting_room = 'on',
		authentication = 'off', link_has_passcode = 'on', phone_passcode = 'on', signature = 'sig', reasons = '[{"code": "setting_on", "value": "on", "locked": false}]'`)
	cannot := map[int64]string{}
	for i := range int64(strange) {
		set := odd[i%int64(len(odd))].set
		if i >= strange-12 {
			u := unreadable[i%int64(len(unreadable))]
			cannot[innocent+1+i] = u.name
			set = u.set
		}
		exec(t, s, `UPDATE meetings SET `+set+` WHERE meeting_id = $1`, innocent+1+i)
	}

	got := claimAll(t, s)
	for id := range int64(innocent) {
		m, ok := got[id+1]
		if !ok {
			t.Errorf("innocent meeting %d was not handed out", id+1)
		} else if m.Status != passcode.StatusStarted || m.MustRead || m.Outcome != passcode.OutcomeDemands || m.Would != passcode.RemedyClear || m.Signature != "sig" || len(m.Reasons) != 1 {
			t.Errorf("innocent meeting %d became %+v", id+1, m)
		}
	}
	if want := innocent + strange - len(cannot); len(got) != want {
		t.Errorf("%d meetings were handed out, want %d", len(got), want)
	}
	for id, why := range cannot {
		if _, ok := got[id]; ok {
			t.Errorf("meeting %d (%s) was handed out", id, why)
		}
		row := value[string](t, s, `SELECT concat_ws('|', lease_owner, lease_until, round(extract(epoch FROM due_at - now()) / 60), last_error) FROM meetings WHERE meeting_id = $1`, id)
		if !strings.HasPrefix(row, "10|the row cannot be read: ") {
			t.Errorf("meeting %d (%s) is %q, want it put off by ten minutes, saying that it cannot be read", id, why, row)
		}
	}
	for i, o := range odd {
		m := got[innocent+1+int64(i)]
		if m.ID == 0 {
			t.Errorf("%s: not handed out", o.name)
		}
		switch o.name {
		case "status", "empty status":
			if m.Status != passcode.StatusScheduled || !m.MustRead {
				t.Errorf("%s: %s, must read %v; want scheduled and to be read", o.name, m.Status, m.MustRead)
			}
		case "outcome", "remedy", "remedy of no outcome":
			if m.Outcome != "" || m.Remedy != "" || m.Signature != "" {
				t.Errorf("%s: %q, %q, %q; want none decided", o.name, m.Outcome, m.Remedy, m.Signature)
			}
		case "would":
			if m.Would != "" || m.Outcome != passcode.OutcomeDemands {
				t.Errorf("%s: %q, %q", o.name, m.Would, m.Outcome)
			}
		case "passcode":
			if m.Passcode != passcode.Unknown || m.WaitingRoom != passcode.On {
				t.Errorf("%s: %v, %v", o.name, m.Passcode, m.WaitingRoom)
			}
		case "a reason's word":
			if len(m.Reasons) != 1 || m.Reasons[0].Code != passcode.CauseSettingOn {
				t.Errorf("%s: %+v, want the one that can be read", o.name, m.Reasons)
			}
		}
	}
	// Alone it is read the same way, and an unreadable one is no lack of a server.
	if m := meeting(t, s, innocent+1); m.Status != passcode.StatusScheduled || !m.MustRead {
		t.Errorf("read alone: %s, must read %v", m.Status, m.MustRead)
	}
	if _, err := s.Meeting(t.Context(), innocent+strange); err == nil || Unavailable(err) {
		t.Errorf("an unreadable meeting: %v, want an error that no retry cures", err)
	}
}

func TestHostsOfAnotherVersionStopNothing(t *testing.T) {
	t.Parallel()
	// A host is read again where what is stored cannot be read, and put off where
	// the row itself cannot.
	const known, again, putOff = "known", "to be read again", "put off"
	for name, c := range map[string]struct{ set, want string }{
		"a setting's word":              {`settings = '{"waiting_room": "perhaps", "meeting_password": "on"}'`, known},
		"a setting that is an object":   {`settings = '{"waiting_room": {"value": 1}, "meeting_password": "on"}'`, known},
		"a setting nobody knows":        {`settings = '{"holograms": "on", "meeting_password": "on"}'`, known},
		"a requirement nobody knows":    {`requirement = '{"have_emoji": true}', settings = '{"meeting_password": "on"}'`, known},
		"a forecast that is a text":     {`forecast = '"fair"', settings = '{"meeting_password": "on"}'`, known},
		"a forecast with another word":  {`forecast = '{"scheduled": {"passcode": "perhaps"}}', settings = '{"meeting_password": "on"}'`, known},
		"a requirement that is a text":  {`requirement = '"as long as can be"'`, again},
		"a requirement of other kind":   {`requirement = '{"length": "six"}'`, again},
		"settings that are a list":      {`settings = '[]'`, again},
		"groups that are not all there": {`group_ids = '{g1,NULL}'`, putOff},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openStore(t)
			for i := range 5 {
				addHost(t, s, fmt.Sprint("host", i), "acc")
			}
			exec(t, s, `UPDATE hosts SET due_at = now() - interval '1 second', read_at = now()`)
			exec(t, s, `UPDATE hosts SET `+c.set+` WHERE host_id = 'host2'`)
			claims, err := s.ClaimHosts(t.Context(), "w", 10, time.Hour)
			noError(t, err)
			got := map[string]Host{}
			for _, c := range claims {
				got[c.Host.ID] = c.Host
				noError(t, s.Heartbeat(t.Context(), c.Lease, time.Hour))
			}
			for _, id := range []string{"host0", "host1", "host3", "host4"} {
				if _, ok := got[id]; !ok {
					t.Errorf("innocent %s was not handed out", id)
				}
			}
			h, ok := got["host2"]
			if ok != (c.want != putOff) {
				t.Errorf("handed out: %v, want it %s", ok, c.want)
			}
			if ok && (h.Settings[passcode.KeyPasscode] == passcode.On) != (c.want == known) || ok && h.ReadAt.IsZero() != (c.want == again) {
				t.Errorf("settings are %v, read at %v; want it %s", h.Settings, h.ReadAt, c.want)
			}
			row := value[string](t, s, `SELECT concat_ws('|', lease_owner IS NULL, due_at > now() + interval '9 minutes', last_error LIKE 'the row cannot be read: %') FROM hosts WHERE host_id = 'host2'`)
			if want := map[bool]string{true: "f|f|f", false: "t|t|t"}[c.want != putOff]; row != want {
				t.Errorf("it is free|put off|says so: %s, want %s", row, want)
			}
		})
	}
}
