package lint

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
)

// codes writes findings as code@path.
func codes(findings []Finding) string {
	var all []string
	for _, f := range findings {
		all = append(all, string(f.Code)+"@"+f.Path)
	}
	return strings.Join(all, " ")
}

// sources writes what becomes of the passcode for each kind of host.
func sources(r Report, of func(Prediction) *passcode.Prediction) string {
	var all []string
	for _, one := range r.Predictions {
		p := of(one)
		switch {
		case p == nil:
			all = append(all, "?")
		case p.Sure == passcode.SureDisputed:
			all = append(all, fmt.Sprintf("%s|%s", p.Source, p.Older.Source))
		default:
			all = append(all, string(p.Source))
		}
	}
	return strings.Join(all, " ")
}

func asSent(p Prediction) *passcode.Prediction    { return p.AsSent }
func corrected(p Prediction) *passcode.Prediction { return &p.Corrected }

func bodyOf(t *testing.T, r Report) string {
	t.Helper()
	b, err := json.Marshal(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if r.OwnPassword {
		return string(b) + " own"
	}
	return string(b)
}

const (
	good        = `{"default_password":false,"settings":{"waiting_room":true}}`
	fine        = "none none generated" // a lock still wins
	theirs      = "given given given"
	undecidable = "? ? ?"
)

// TestJudge: for hosts whose passcode setting is off, on, and locked on.
func TestJudge(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body string
		want       string // findings
		notes      string
		sent       string // the passcode for the three kinds of hosts
		send       string // the corrected body; "" where it is good's
		then       string // and its passcode; "" for fine's
	}{
		{name: "what is advised", body: `{"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`, sent: fine,
			send: `{"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "the call of the problem", body: `{"topic":"x","settings":{"waiting_room":true,"use_pmi":false}}`,
			want: "passcode_disputed@$.default_password", sent: "none generated|none generated",
			send: `{"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "use_pmi is not named", body: good, notes: "use_pmi_not_named@$.settings.use_pmi", sent: fine},
		{name: "default_password true", body: `{"type":8,"default_password":true,"settings":{"waiting_room":true}}`,
			want: "passcode_asked_for@$.default_password", sent: "none generated generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "nothing is named", body: `{"type":8}`, want: "names_neither@$", sent: "none generated generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "only default_password false", body: `{"type":8,"default_password":false}`, want: "names_neither@$", sent: "none none|generated generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "waiting room outside settings", body: `{"type":8,"default_password":false,"waiting_room":true}`,
			want: "misplaced@$.waiting_room names_neither@$", sent: "none none|generated generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "so are others", body: `{"type":8,"meeting_authentication":true,"join_before_host":true,"use_pmi":true,"default_password":false,"settings":{"waiting_room":true}}`,
			want: "misplaced@$.meeting_authentication misplaced@$.join_before_host misplaced@$.use_pmi", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"meeting_authentication":true,"join_before_host":false,"use_pmi":false}}`},
		{name: "in both places the inner one counts", body: `{"type":8,"default_password":false,"waiting_room":false,"settings":{"waiting_room":true}}`,
			want: "misplaced@$.waiting_room", sent: fine, send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "password inside settings", body: `{"type":8,"settings":{"waiting_room":true,"password":"abc"}}`,
			want: "misplaced@$.settings.password passcode_disputed@$.default_password", sent: "none generated|none generated",
			send: `{"type":8,"settings":{"waiting_room":true}} own`, then: theirs},
		{name: "waiting room off and nothing else", body: `{"type":8,"default_password":false,"settings":{"waiting_room":false}}`,
			want: "nothing_secures@$.settings.waiting_room", sent: fine, send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "sign-in secures it", body: `{"type":8,"default_password":false,"settings":{"waiting_room":false,"meeting_authentication":true}}`, sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":false,"meeting_authentication":true}}`},
		{name: "sign-in and the dispute", body: `{"type":8,"settings":{"waiting_room":false,"meeting_authentication":true}}`,
			want: "passcode_disputed@$.default_password", sent: "none generated|none generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":false,"meeting_authentication":true}}`},
		{name: "join before host", body: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"join_before_host":true}}`,
			want: "join_before_host@$.settings.join_before_host", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"join_before_host":false}}`},

		{name: "an own password", body: `{"type":8,"password":"s3cretT-1","settings":{"waiting_room":true}}`, notes: "own_password@$.password", sent: theirs,
			send: `{"type":8,"settings":{"waiting_room":true}} own`, then: theirs},
		{name: "of ten characters", body: `{"type":8,"password":"s3cretT-10"}`, notes: "own_password@$.password", sent: theirs, send: `{"type":8} own`, then: theirs},
		{name: "of eleven", body: `{"type":8,"password":"s3cretT-101"}`, want: "password_too_long@$.password", notes: "own_password@$.password", sent: undecidable, send: `{"type":8} own`, then: theirs},
		{name: "of eleven bytes and ten characters", body: `{"type":8,"password":"s3cretT-1é"}`, want: "password_characters@$.password", notes: "own_password@$.password", sent: undecidable, send: `{"type":8} own`, then: theirs},
		{name: "with a space", body: `{"type":8,"password":"s3cretT 1"}`, want: "password_characters@$.password", notes: "own_password@$.password", sent: undecidable, send: `{"type":8} own`, then: theirs},
		{name: "with a mark that only creates take", body: `{"type":8,"password":"s3cretT!"}`, want: "password_unrestorable@$.password", notes: "own_password@$.password", sent: theirs, send: `{"type":8} own`, then: theirs},
		{name: "with a hash", body: `{"type":8,"password":"s3cretT#"}`, want: "password_unrestorable@$.password", notes: "own_password@$.password", sent: theirs, send: `{"type":8} own`, then: theirs},
		{name: "with a hash and foreign marks", body: `{"type":8,"password":"s3cretT#?"}`, want: "password_characters@$.password", notes: "own_password@$.password", sent: undecidable, send: `{"type":8} own`, then: theirs},
		{name: "empty", body: `{"type":8,"password":"","settings":{"waiting_room":true}}`, want: "password_empty@$.password", sent: "none unknown generated",
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "null", body: `{"type":8,"password":null,"default_password":false,"settings":{"waiting_room":true}}`, want: "password_empty@$.password", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "a number", body: `{"type":8,"password":123456,"settings":{"waiting_room":true}}`, want: "wrong_type@$.password", sent: undecidable,
			send: `{"type":8,"settings":{"waiting_room":true}} own`, then: theirs},

		{name: "the personal meeting id", body: `{"settings":{"use_pmi":true,"waiting_room":true}}`, want: "personal_meeting_id@$.settings.use_pmi", sent: "none kept kept",
			send: `{"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "with a password, which does not reach it", body: `{"password":"abc","settings":{"use_pmi":true}}`, want: "personal_meeting_id@$.settings.use_pmi", sent: "none kept kept",
			send: `{"settings":{"use_pmi":false}} own`, then: theirs},
		{name: "type 4", body: `{"type":4}`, want: "personal_meeting_id@$.type", sent: "none kept kept",
			send: `{"type":2,"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "use_pmi of a type that has none", body: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"use_pmi":true}}`,
			want: "personal_meeting_id@$.settings.use_pmi", sent: undecidable, send: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "an instant meeting", body: `{"type":1,"default_password":false,"settings":{"waiting_room":true}}`, notes: "instant@$.type", sent: fine,
			send: `{"type":1,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "recurring without fixed time", body: `{"type":3,"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`, sent: fine,
			send: `{"type":3,"default_password":false,"settings":{"waiting_room":true,"use_pmi":false}}`},
		{name: "a webinar", body: `{"type":5,"default_password":false,"settings":{"waiting_room":true}}`, want: "meeting_type@$.type", sent: undecidable},
		{name: "a type in quotes", body: `{"type":"8","default_password":false,"settings":{"waiting_room":true}}`, want: "wrong_type@$.type", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "half a type", body: `{"type":2.5,"default_password":false,"settings":{"waiting_room":true}}`, want: "meeting_type@$.type", sent: undecidable},
		{name: "a whole one with a point", body: `{"type":8.0,"default_password":false,"settings":{"waiting_room":true}}`, sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "an endless type", body: `{"type":1e999,"default_password":false,"settings":{"waiting_room":true}}`, want: "meeting_type@$.type", sent: undecidable},
		{name: "for somebody else", body: `{"type":8,"schedule_for":"a@b.c","default_password":false,"settings":{"waiting_room":true}}`, notes: "schedule_for@$.schedule_for", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "for nobody", body: `{"type":8,"schedule_for":null,"default_password":false,"settings":{"waiting_room":true}}`, want: "wrong_type@$.schedule_for", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "from a template", body: `{"type":8,"template_id":"x","default_password":false,"settings":{"waiting_room":true}}`, notes: "template_id@$.template_id", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},

		{name: "false in quotes", body: `{"type":8,"default_password":"false","settings":{"waiting_room":true}}`, want: "wrong_type@$.default_password", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "0 for false", body: `{"type":8,"default_password":0,"settings":{"waiting_room":true}}`, want: "wrong_type@$.default_password", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "a word that is none", body: `{"type":8,"default_password":"never","settings":{"waiting_room":true}}`, want: "wrong_type@$.default_password", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "waiting room in quotes", body: `{"type":8,"default_password":false,"settings":{"waiting_room":"true"}}`, want: "wrong_type@$.settings.waiting_room", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "waiting room null", body: `{"type":8,"default_password":false,"settings":{"waiting_room":null}}`, want: "wrong_type@$.settings.waiting_room", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "settings as a string", body: `{"type":8,"default_password":false,"settings":"{\"waiting_room\":true}"}`, want: "wrong_type@$.settings", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "settings as an array", body: `{"type":8,"default_password":false,"settings":[{"waiting_room":true}]}`, want: "wrong_type@$.settings", sent: undecidable,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},

		{name: "misspelt", body: `{"type":8,"default_password":false,"settings":{"waiting_rom":true}}`,
			want: "misspelt@$.settings.waiting_rom names_neither@$", sent: "none none|generated generated", send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "in camel case", body: `{"type":8,"defaultPassword":false,"settings":{"waitingRoom":true}}`,
			want: "misspelt@$.defaultPassword misspelt@$.settings.waitingRoom names_neither@$", sent: "none generated generated", send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "in the wrong case", body: `{"type":8,"default_password":false,"Settings":{"Waiting_Room":true,"meeting_authentication":true}}`,
			want: "misspelt@$.Settings names_neither@$", sent: "none none|generated generated", send: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"meeting_authentication":true}}`},
		{name: "by another name", body: `{"type":8,"passcode":"abc","default_password":false,"settings":{"waiting_room":true}}`, want: "misspelt@$.passcode", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}} own`, then: theirs},
		{name: "letters swapped", body: `{"type":8,"default_pasword":false,"settings":{"watiing_room":true}}`,
			want: "misspelt@$.default_pasword misspelt@$.settings.watiing_room names_neither@$", sent: "none generated generated", send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "in a short name", body: `{"type":8,"passwrod":"abc","default_password":false,"settings":{"waiting_room":true}}`, want: "misspelt@$.passwrod", sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}} own`, then: theirs},
		{name: "in capitals", body: `{"type":8,"DEFAULT_PASSWORD":false,"settings":{"WAITING_ROOM":true}}`,
			want: "misspelt@$.DEFAULT_PASSWORD misspelt@$.settings.WAITING_ROOM names_neither@$", sent: "none generated generated", send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "the right name counts, whichever stands first", body: `{"type":8,"password":"s3cretT","settings":{"waiting_room":true,"waitingRoom":false}}`, want: "misspelt@$.settings.waitingRoom",
			notes: "own_password@$.password", sent: theirs, send: `{"type":8,"settings":{"waiting_room":true}} own`, then: theirs},
		{name: "names too far from any", body: `{"type":8,"meetings":{},"passcard":"x","style":1,"default_password":false,"settings":{"waiting_room":true}}`, sent: fine,
			send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "a name that is no word", body: "{\"type\":8,\"default_password\":false,\"wait\u0069ng_room\\n\":true,\"settings\":{\"waiting_room\":true}}",
			want: `misspelt@$["waiting_room\n"]`, sent: fine, send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "names of Zoom's that do not decide", body: `{"type":8,"default_password":false,"pre_schedule":false,"timezone":"UTC","settings":{"waiting_room":true,"waiting_room_options":{"mode":"custom"},
			"authentication_option":"x","authentication_domains":"x","authentication_exception":[],"in_meeting":false,"cn_meeting":false,"host_video":true,"private_meeting":true,"jbh_time":5,"internal_meeting":true,
			"host_save_video_order":true,"watermark":true,"audio":"both","meeting_invitees":[]}}`, sent: fine, send: `{"type":8,"default_password":false,"settings":{"waiting_room":true}}`},
		{name: "a byte order mark", body: "\ufeff " + good, notes: "use_pmi_not_named@$.settings.use_pmi", sent: fine},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := Judge([]byte(c.body), nil)
			if err != nil {
				t.Fatal(err)
			}
			if c.send == "" {
				c.send = good
			}
			if c.then == "" {
				c.then = fine
			}
			if c.notes == "" {
				r.Notes = slices.DeleteFunc(r.Notes, func(f Finding) bool { return f.Code == CodeHostsPMI })
			}
			for _, x := range []struct{ what, got, want string }{
				{"findings", codes(r.Findings), c.want},
				{"notes", codes(r.Notes), c.notes},
				{"corrected body", bodyOf(t, r), c.send},
				{"passcode of that", sources(r, corrected), c.then},
			} {
				if x.got != x.want {
					t.Errorf("%s:\n got %s\nwant %s", x.what, x.got, x.want)
				}
			}
			if got := sources(r, asSent); got != c.sent {
				t.Errorf("passcode as sent: got %s, want %s", got, c.sent)
			}
			if (sources(r, asSent) == undecidable) != (len(r.Unpredictable) > 0) {
				t.Errorf("not told because of %v, and told %s", r.Unpredictable, sources(r, asSent))
			}
			said, _ := json.Marshal(r)
			if strings.Contains(string(said), "s3cret") {
				t.Errorf("a passcode is in the report: %s", said)
			}
			for _, f := range append(r.Findings, r.Notes...) {
				if f.Says == "" || len(f.Facts) == 0 && f.Code != CodeWrongType {
					t.Errorf("%+v says nothing, or names no fact", f)
				}
			}
			for _, f := range r.Findings {
				if f.Send == "" {
					t.Errorf("%+v says nothing to send", f)
				}
			}
		})
	}
}

// TestNeitherByDefaultPassword: that nothing is named is told otherwise where
// default_password is false, since then a passcode is disputed and no certainty.
func TestNeitherByDefaultPassword(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{`{}`: "decide about both", `{"default_password":true}`: "decide about both", `{"default_password":false}`: "documents disagree"} {
		r, err := Judge([]byte(body), nil)
		if err != nil || codes(r.Findings) != "names_neither@$" || !strings.Contains(r.Findings[0].Says, want) {
			t.Errorf("%s: %v %+v, want %q said", body, err, r.Findings, want)
		}
	}
}

// TestCorrectedIsFine: what is advised is never found fault with, but for the
// password that is left out of it.
func TestCorrectedIsFine(t *testing.T) {
	t.Parallel()
	words := []string{``, `true`, `false`, `null`, `"true"`, `0`}
	n := 0
	for _, typ := range []string{``, `1`, `2`, `3`, `4`, `8`, `"2"`} {
		for _, def := range words {
			for _, room := range words {
				for _, auth := range words {
					for _, pmi := range words[:3] {
						body := bodyWith(map[string]string{"type": typ, "default_password": def}, map[string]string{"waiting_room": room, "meeting_authentication": auth, "use_pmi": pmi, "join_before_host": `true`})
						r, err := Judge([]byte(body), nil)
						if err != nil {
							t.Fatal(err)
						}
						again, err := Judge([]byte(bodyOf(t, r)), nil)
						if n++; err != nil || len(again.Findings) > 0 {
							t.Errorf("%s: what is advised, %s, has findings: %s %v", body, bodyOf(t, r), codes(again.Findings), err)
						}
					}
				}
			}
		}
	}
	if n != 7*6*6*6*3 {
		t.Errorf("%d bodies were judged", n)
	}
}

// bodyWith writes a body of the members that are not empty.
func bodyWith(top, settings map[string]string) string {
	write := func(m map[string]string) string {
		var all []string
		for k, v := range m {
			if v != "" {
				all = append(all, fmt.Sprintf("%q:%s", k, v))
			}
		}
		return "{" + strings.Join(all, ",") + "}"
	}
	top["settings"] = write(settings)
	return write(top)
}

// TestJudgeForHost: by the settings of one host.
func TestJudgeForHost(t *testing.T) {
	t.Parallel()
	locked := func(v passcode.Toggle) passcode.Setting {
		return passcode.Setting{Value: v, Lock: passcode.On, LockLevel: passcode.LevelGroup, LockedBy: "G", LockedByName: "Sales"}
	}
	plain := func(v passcode.Toggle) passcode.Setting { return passcode.Setting{Value: v, Lock: passcode.Off} }
	type settings map[passcode.Key]passcode.Setting
	for _, c := range []struct {
		name, body string
		host       settings
		digits     bool // the requirement
		documents  passcode.Documents
		want, sent string
		says       string // somewhere in the findings
	}{
		{name: "nothing in the way", body: good, sent: "none"},
		{name: "the setting is on", body: good, host: settings{passcode.KeyPasscode: plain(passcode.On)}, sent: "none"},
		{name: "locked on", body: good, host: settings{passcode.KeyPasscode: locked(passcode.On)}, want: "passcode_forced@$", sent: "generated", says: "Sales"},
		{name: "locked on for instant meetings alone", body: `{"type":1,"default_password":false,"settings":{"waiting_room":true}}`,
			host: settings{passcode.KeyInstant: locked(passcode.On)}, want: "passcode_forced@$", sent: "generated", says: "Sales"},
		{name: "which no scheduled one minds", body: good, host: settings{passcode.KeyInstant: locked(passcode.On)}, sent: "none"},
		{name: "locked on, and the caller's own", body: `{"type":8,"password":"1234567"}`, host: settings{passcode.KeyPasscode: locked(passcode.On)}, sent: "given"},
		{name: "locked off, and the caller's own", body: `{"type":8,"password":"1234567"}`, host: settings{passcode.KeyPasscode: locked(passcode.Off)}, want: "locked_off@$.password", sent: "none", says: "passcodes locked off"},
		{name: "waiting room locked off", body: good, host: settings{passcode.KeyWaitingRoom: locked(passcode.Off)}, want: "locked_off@$.settings.waiting_room", sent: "none"},
		{name: "sign-in locked off", body: `{"type":8,"default_password":false,"settings":{"waiting_room":true,"meeting_authentication":true}}`,
			host: settings{passcode.KeyAuthentication: locked(passcode.Off)}, want: "locked_off@$.settings.meeting_authentication", sent: "none"},
		{name: "one option must be on, and the waiting room cannot", body: good,
			host: settings{passcode.KeyWaitingRoom: locked(passcode.Off), passcode.KeyAutoSecurity: plain(passcode.On)}, want: "passcode_forced@$ locked_off@$.settings.waiting_room", sent: "generated"},
		{name: "the requirement does not hold", body: `{"type":8,"password":"s3cret"}`, digits: true, want: "password_requirement@$.password", sent: "?", says: "only digits are allowed"},
		{name: "it does", body: `{"type":8,"password":"314159"}`, digits: true, sent: "given"},
		{name: "it is tried which document holds", body: `{"type":8,"settings":{"waiting_room":true}}`, host: settings{passcode.KeyPasscode: plain(passcode.On)}, documents: passcode.Documents2020,
			sent: "none"},
		{name: "it is tried that the newer one holds", body: `{"type":8,"settings":{"waiting_room":true}}`, host: settings{passcode.KeyPasscode: plain(passcode.On)}, documents: passcode.Documents2025,
			want: "passcode_disputed@$.default_password", sent: "generated", says: "as was tried on this account"},
		{name: "nobody tried", body: `{"type":8,"settings":{"waiting_room":true}}`, host: settings{passcode.KeyPasscode: plain(passcode.On)},
			want: "passcode_disputed@$.default_password", sent: "generated|none", says: "Zoom's documents disagree"},
		{name: "the setting is off: there is nothing to dispute", body: `{"type":8,"settings":{"waiting_room":true}}`, sent: "none"},
		{name: "for the host who was named", body: `{"type":8,"schedule_for":"Host@Example.com","default_password":false,"settings":{"waiting_room":true}}`, sent: "none"},
		{name: "the room's own passcode", body: `{"settings":{"use_pmi":true,"waiting_room":true}}`, host: settings{passcode.KeyPMI: plain(passcode.On)}, want: "personal_meeting_id@$.settings.use_pmi", sent: "kept"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &Host{Names: []string{"h1", "host@example.com"}, Host: hostWith(plain(passcode.Off))}
			for k, v := range c.host {
				h.Settings[k] = v
			}
			h.Documents, h.Requirement.OnlyNumeric = c.documents, c.digits
			r, err := Judge([]byte(c.body), h)
			if err != nil {
				t.Fatal(err)
			}
			said, _ := json.Marshal(r.Findings)
			if codes(r.Findings) != c.want || sources(r, asSent) != c.sent || !strings.Contains(string(said), c.says) {
				t.Errorf("got %s, passcode %s; want %s, %s, saying %q\n%s", codes(r.Findings), sources(r, asSent), c.want, c.sent, c.says, said)
			}
			if strings.Contains(string(said), "s3cret") {
				t.Errorf("a passcode is in the findings: %s", said)
			}
		})
	}

	if _, err := Judge([]byte(`{"schedule_for":"other@example.com"}`), &Host{Names: []string{"h1", ""}}); err == nil || !strings.Contains(err.Error(), "$.schedule_for names another user") {
		t.Errorf("a meeting for another user than the host who was named: %v", err)
	}
}

// TestRefused: what cannot be judged, and that no word of it is repeated.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"nothing", "", "is empty"},
		{"a mark alone", "\ufeff", "is empty"},
		{"spaces", " \n\t", "is empty"},
		{"no JSON", `{"password": s3cret}`, "not one JSON object: it goes wrong in line 1 at byte 14"},
		{"in line 3", "{\n\"a\":1,\n'b':2}", "in line 3 at byte 1"},
		{"a form", "topic=x&password=s3cret", "not one JSON object"},
		{"truncated in a string", `{"password":"s3cr`, "cut off"},
		{"truncated after a comma", `{"type":2,`, "cut off"},
		{"a trailing comma", `{"type":2,}`, "not one JSON object"},
		{"two objects", `{"type":2}{"type":2}`, "not one JSON object"},
		{"an array", `[{"type":2}]`, "is an array"},
		{"a string", `"s3cret"`, "is a string"},
		{"a number", `12`, "is a number"},
		{"null", `null`, "is null"},
		{"a boolean", `true`, "is a boolean"},
		{"twice", `{"password":"s3cret","password":"s3cret2"}`, "$.password is there twice"},
		{"twice, once escaped", `{"password":"s3cret","passwor\u0064":""}`, "$.password is there twice"},
		{"twice inside", `{"settings":{"waiting_room":true,"waiting_room":false}}`, "$.settings.waiting_room is there twice"},
		{"twice where nothing is judged", `{"recurrence":[{"x":1,"x":2}]}`, "$.recurrence.0.x is there twice"},
		{"a name that would colour the terminal", `{"\u001b[31m":1,"\u001b[31m":2}`, `$["\x1b[31m"] is there twice`},
		{"a long name", `{"` + strings.Repeat("n", 5000) + `":1,"` + strings.Repeat("n", 5000) + `":2}`, "nn… is there twice"},
		{"deep arrays", strings.Repeat("[", 100_000), "nested deeper"},
		{"deep objects", strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "nested deeper"},
		{"not UTF-8", "{\"topic\":\"\xff\"}", "not UTF-8"},
		{"UTF-16", "\xff\xfe{\x00}\x00", "not UTF-8"},
		{"too large", `{"topic":"` + strings.Repeat("x", MaxBody) + `"}`, "larger than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Judge([]byte(c.body), nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\x1b") || len(err.Error()) > 300 {
				t.Errorf("the error repeats what it should not: %q", err)
			}
		})
	}
}

// TestBracesInStrings: they nest nothing.
func TestBracesInStrings(t *testing.T) {
	t.Parallel()
	if _, err := Judge([]byte(`{"topic":"\"`+strings.Repeat("{", 100)+`","type":2}`), nil); err != nil {
		t.Error(err)
	}
}

// TestLargeBodiesAreJudgedQuickly: as many names as fit, each close to one of ours.
func TestLargeBodiesAreJudgedQuickly(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`{"type":2`)
	for i := 0; b.Len() < MaxBody-40; i++ {
		fmt.Fprintf(&b, `,"waitingr%05x":true`, i)
	}
	b.WriteString("}")
	began := time.Now()
	if _, err := Judge([]byte(b.String()), nil); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// TestThePageAdvisesWhatIsFine holds docs/creating-meetings.md to the rule.
func TestThePageAdvisesWhatIsFine(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/creating-meetings.md")
	if err != nil {
		t.Fatal(err)
	}
	bodies := regexp.MustCompile(`\{"topic": ?"Lesson".*?\}\}`).FindAllString(string(page), -1)
	if len(bodies) != 3 { // the advice, curl's and Python's
		t.Fatalf("%d bodies were found: %q", len(bodies), bodies)
	}
	for _, body := range bodies {
		r, err := Judge([]byte(strings.NewReplacer("False", "false", "True", "true").Replace(body)), nil)
		if err != nil || len(r.Findings)+len(r.Notes) > 0 || sources(r, asSent) != fine {
			t.Errorf("%s: %s, %s, passcode %s, %v", body, codes(r.Findings), codes(r.Notes), sources(r, asSent), err)
		}
	}
	if lines := strings.Count(string(page), "\n"); lines > 60 {
		t.Errorf("the page has %d lines, want one screen", lines)
	}
}

func FuzzJudge(f *testing.F) {
	for _, s := range []string{good, `{"password":"x","settings":{"use_pmi":true}}`, `{"type":1e999}`, `{"settings":[]}`, `{"":{"":[[]]}}`, "\ufeff{}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := Judge(raw, nil)
		if err != nil {
			return
		}
		if !json.Valid(raw) && !strings.HasPrefix(string(raw), "\ufeff") {
			t.Errorf("%q was judged and is not JSON", raw)
		}
		again, err := Judge([]byte(bodyJSON(r)), nil)
		if err != nil || len(again.Findings) > 0 && !r.OwnPassword {
			t.Errorf("%q: what is advised, %s, has findings: %s %v", raw, bodyJSON(r), codes(again.Findings), err)
		}
	})
}

func bodyJSON(r Report) string {
	b, _ := json.Marshal(r.Body)
	return string(b)
}
