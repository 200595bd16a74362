package zoom_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// TestDecodeEnvelope has every oddity that was seen (Z-EVENT-18 and following).
func TestDecodeEnvelope(t *testing.T) {
	t.Parallel()
	ms := time.Date(2021, 7, 14, 2, 44, 51, 572e6, time.UTC)
	sec := ms.Truncate(time.Second)
	for _, c := range []struct {
		name, body string
		want       zoom.Envelope
	}{
		{"as documented", `{"event":"meeting.created","event_ts":1626230691572,"payload":{"account_id":"a","operator":"o@x.test","operator_id":"o","operation":"all","object":{"id":1},"old_object":{"id":2}}}`,
			zoom.Envelope{All: true, Event: "meeting.created", At: ms, AccountID: "a", Operator: "o@x.test", OperatorID: "o", Object: []byte(`{"id":1}`), OldObject: []byte(`{"id":2}`)}},
		{"one occurrence", `{"event":"meeting.updated","event_ts":1626230691572,"payload":{"scope":"single"}}`, zoom.Envelope{Event: "meeting.updated", At: ms, Single: true}},
		{"one occurrence, in the other word", `{"event":"meeting.created","event_ts":1626230691572,"payload":{"operation":"single"}}`, zoom.Envelope{Event: "meeting.created", At: ms, Single: true}},
		{"no time (2019)", `{"event":"e","payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time in seconds", `{"event":"e","event_ts":1626230691,"payload":{}}`, zoom.Envelope{Event: "e", At: sec}},
		{"time as a string", `{"event":"e","event_ts":"1626230691572","payload":{}}`, zoom.Envelope{Event: "e", At: ms}},
		{"time with an exponent", `{"event":"e","event_ts":1.626230691572e12,"payload":{}}`, zoom.Envelope{Event: "e", At: ms}},
		{"time null", `{"event":"e","event_ts":null,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time empty", `{"event":"e","event_ts":"","payload":{}}`, zoom.Envelope{Event: "e"}},
		{"a time that is none", `{"event":"e","event_ts":1,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time before 2001, in seconds", `{"event":"e","event_ts":978307199,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time before 2001, in milliseconds", `{"event":"e","event_ts":978307199999,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time before 1970", `{"event":"e","event_ts":-1626230691572,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time in a year that no database holds", `{"event":"e","event_ts":9223372036854775807,"payload":{}}`, zoom.Envelope{Event: "e"}},
		{"time_stamp in payload", `{"event":"e","payload":{"time_stamp":1626230691572}}`, zoom.Envelope{Event: "e", At: ms}},
		{"both times: the outer one", `{"event":"e","event_ts":1626230691572,"payload":{"time_stamp":1}}`, zoom.Envelope{Event: "e", At: ms}},
		{"account outside the payload", `{"event":"e","account_id":"a","payload":{}}`, zoom.Envelope{Event: "e", AccountID: "a"}},
		{"account in both: the payload's", `{"event":"e","account_id":"a","payload":{"account_id":"b"}}`, zoom.Envelope{Event: "e", AccountID: "b"}},
		{"account a number", `{"event":"e","payload":{"account_id":12345678901234567890}}`, zoom.Envelope{Event: "e", AccountID: "12345678901234567890"}},
		{"account an array: the other counts", `{"event":"e","account_id":"a","payload":{"account_id":["x"]}}`, zoom.Envelope{Event: "e", AccountID: "a"}},
		{"account nowhere", `{"event":"e","payload":{"account_id":null}}`, zoom.Envelope{Event: "e"}},
		{"validation", `{"event":"endpoint.url_validation","payload":{"plainToken":"p"}}`, zoom.Envelope{Event: "endpoint.url_validation", PlainToken: "p"}},
		{"mixed escapes", `{"event":"e","payload":{"operator":"Caf\u00e9 é \ud83d\udd11 🔑 \/"}}`, zoom.Envelope{Event: "e", Operator: "Café é 🔑 🔑 /"}},
		{"half a surrogate", `{"event":"e","payload":{"operator":"\ud83dx"}}`, zoom.Envelope{Event: "e", Operator: "\ufffdx"}},
		{"not UTF-8", "{\"event\":\"e\",\"payload\":{\"operator\":\"\xffx\"}}", zoom.Envelope{Event: "e", Operator: "\ufffdx"}},
		{"NUL", `{"event":"e","payload":{"operator":"a\u0000b"}}`, zoom.Envelope{Event: "e", Operator: "a\x00b"}},
		{"keys twice: the last one", `{"event":"x","event":"e","payload":{"account_id":"a","account_id":"b"}}`, zoom.Envelope{Event: "e", AccountID: "b"}},
		{"more than we know", `{"event":"e","payload":{"x":[{"y":[[]]}]},"z":null}`, zoom.Envelope{Event: "e"}},
		{"blanks around", " \r\n{\"event\":\"e\",\"payload\": \n{}}\n", zoom.Envelope{Event: "e"}},
		{"deep, but not too deep", `{"event":"e","payload":{"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}}`, zoom.Envelope{Event: "e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := zoom.DecodeEnvelope([]byte(c.body))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

// TestOddAroundTheObject: what is odd around an object costs itself alone, not
// the event.
func TestOddAroundTheObject(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`7`, `true`, `{}`, `[1]`, `"words"`, `1e300`, `"NaN"`, `null`, `-1`} {
		for _, body := range []string{`{"event":"e","event_ts":ODD,"payload":{"account_id":"a","object":{"id":"x"}}}`,
			`{"event":"e","payload":{"account_id":"a","operator":ODD,"operator_id":ODD,"operation":ODD,"scope":ODD,"time_stamp":ODD,"plainToken":ODD,"object":{"id":"x"},"old_object":ODD}}`} {
			e, err := zoom.DecodeEnvelope([]byte(strings.ReplaceAll(body, "ODD", odd)))
			if err != nil || e.AccountID != "a" || string(e.Object) != `{"id":"x"}` || e.Single {
				t.Errorf("%s: %+v, %v", odd, e, err)
			}
		}
	}
}

// TestWhole: what counts as told whole is what Zoom's documents have (Z-EVENT-1),
// with a passcode where the link carries one.
func TestWhole(t *testing.T) {
	t.Parallel()
	const whole = `{"id":85746065432,"uuid":"u","host_id":"h","topic":"T","type":2,"duration":60,"join_url":"https://zoom.us/j/85746065432","settings":{"use_pmi":false}}`
	const withPasscode = `{"id":85746065432,"uuid":"u","host_id":"h","topic":"T","type":2,"duration":60,"password":"s3cret","join_url":"https://zoom.us/j/85746065432?pwd=abc","settings":{"use_pmi":false}}`
	for name, c := range map[string]struct {
		object, old, new string
		want             bool
	}{
		"as documented":                           {whole, "", "", true},
		"with a passcode":                         {withPasscode, "", "", true},
		"with a passcode, not in the link":        {withPasscode, "?pwd=abc", "", true},
		"the link alone carries one":              {withPasscode, `"password":"s3cret",`, "", false},
		"the link carries one, null is named":     {withPasscode, `"s3cret"`, "null", false},
		"the link carries one, none is named":     {withPasscode, `"s3cret"`, `""`, false},
		"no link":                                 {whole, `"join_url":"https://zoom.us/j/85746065432",`, "", false},
		"no link, with a passcode":                {withPasscode, `"join_url":"https://zoom.us/j/85746065432?pwd=abc",`, "", false},
		"no settings":                             {whole, `,"settings":{"use_pmi":false}`, "", false},
		"settings null":                           {whole, `{"use_pmi":false}`, "null", false},
		"no type":                                 {whole, `"type":2,`, "", false},
		"no host":                                 {whole, `"host_id":"h",`, "", false},
		"no uuid":                                 {whole, `"uuid":"u",`, "", false},
		"no topic, which a meeting need not have": {whole, `"topic":"T",`, "", true},
		"an empty link":                           {whole, `"https://zoom.us/j/85746065432"`, `""`, false},
		"a link that does not parse":              {whole, `"https://zoom.us/j/85746065432"`, `"https://zoom.us/j/85746065432%zz?pwd=x"`, false},
		"a link with pwd behind a semicolon":      {whole, `"https://zoom.us/j/85746065432"`, `"https://zoom.us/j/85746065432?a=b;pwd=x"`, false},
		"a link with PWD":                         {whole, `"https://zoom.us/j/85746065432"`, `"https://zoom.us/j/85746065432?PWD=x"`, false},
		"settings without use_pmi":                {whole, `{"use_pmi":false}`, `{}`, false},
		"a link that is no text":                  {whole, `"https://zoom.us/j/85746065432"`, "7.5", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.old != "" && !strings.Contains(c.object, c.old) {
				t.Fatal("nothing is replaced")
			}
			m, err := envelope(t, strings.Replace(c.object, c.old, c.new, min(len(c.old), 1))).DecodeMeeting()
			if err != nil || m.Whole != c.want {
				t.Errorf("whole %v, %v; want %v", m.Whole, err, c.want)
			}
		})
	}
}

func TestDecodeEnvelopeRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, says string }{
		{"nothing", ``, "empty"},
		{"blanks", " \n", "empty"},
		{"a byte order mark", "\ufeff{}", "not a JSON object"},
		{"array", `[{"event":"` + marker + `"}]`, "not a JSON object"},
		{"truncated", `{"event":"e","payload":{"object":{"password":"` + marker, "not JSON (at byte"},
		{"no event", `{"payload":{}}`, "field event has 0 letters"},
		{"event null", `{"event":null,"payload":{}}`, "field event has 0 letters"},
		{"event is an object", `{"event":{"password":"` + marker + `"},"payload":{}}`, "field event is a object"},
		{"event too long", `{"event":"` + strings.Repeat("x", 101) + `","payload":{}}`, "field event has 101 letters"},
		{"no payload", `{"event":"e"}`, "field payload is not a JSON object"},
		{"payload null", `{"event":"e","payload":null}`, "field payload is not a JSON object"},
		{"payload an array, as another vendor's", `{"event":"meeting.created","payload":[{"password":"` + marker + `"}]}`, "field payload is not a JSON object"},
		{"too deep", `{"event":"e","payload":{"x":` + strings.Repeat("[", 20000) + `"` + marker + `"` + strings.Repeat("]", 20000) + `}}`, "not JSON (at byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := zoom.DecodeEnvelope([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v does not say %q", err, c.says)
			}
			if strings.Contains(err.Error(), marker) {
				t.Errorf("%v quotes the body", err)
			}
		})
	}
}

func envelope(t testing.TB, object string) zoom.Envelope {
	t.Helper()
	e, err := zoom.DecodeEnvelope([]byte(`{"event":"meeting.updated","payload":{"object":` + object + `}}`))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestDecodeMeeting(t *testing.T) {
	t.Parallel()
	noon := zoom.Time{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	t.Run("whole", func(t *testing.T) {
		t.Parallel()
		m, err := envelope(t, `{"uuid":"/abc==","id":85746065432,"host_id":"h","topic":"Café \u2615","type":"8","start_time":"2026-03-01T12:00:00Z","duration":60,
			"password":"`+marker+`","join_url":"x","occurrences":[{"occurrence_id":"1","start_time":"2026-03-01T12:00:00Z","duration":30,"status":"deleted"}],
			"settings":{"use_pmi":false,"waiting_room":true,"auto_recording":true,"alternative_hosts":""}}`).DecodeMeeting()
		if err != nil {
			t.Fatal(err)
		}
		if m.ID != 85746065432 || *m.UUID != "/abc==" || *m.HostID != "h" || *m.Topic != "Café ☕" || m.Type.Int() != 8 || !m.StartTime.Equal(noon.Time) ||
			m.Duration.Int() != 60 || m.Password.Reveal() != marker || *m.Settings.UsePMI || !*m.Settings.WaitingRoom || m.Settings.MeetingAuthentication != nil ||
			!reflect.DeepEqual(m.Occurrences, []zoom.Occurrence{{ID: "1", StartTime: noon, Duration: 30, Status: "deleted"}}) {
			t.Errorf("read %+v", m)
		}
	})
	t.Run("a thin diff, id as a string", func(t *testing.T) {
		t.Parallel()
		m, err := envelope(t, `{"id":"85746065432","password":""}`).DecodeMeeting()
		if err != nil {
			t.Fatal(err)
		}
		if m.ID != 85746065432 || m.Password == nil || *m.Password != "" {
			t.Errorf("read %+v: want the id and a passcode that was taken away", m)
		}
		m.ID, m.Password = 0, nil
		if !reflect.DeepEqual(m, zoom.MeetingObject{}) {
			t.Errorf("it says more than the event: %+v", m)
		}
		if m.Type.Int() != 0 || m.Duration.Int() != 0 {
			t.Error("Int of nothing is not 0")
		}
	})
	t.Run("nulls say nothing", func(t *testing.T) {
		t.Parallel()
		m, err := envelope(t, `{"id":85746065432,"uuid":null,"host_id":null,"type":null,"start_time":null,"password":null,"settings":null,"occurrences":null}`).DecodeMeeting()
		if err != nil {
			t.Fatal(err)
		}
		m.ID = 0
		if !reflect.DeepEqual(m, zoom.MeetingObject{}) {
			t.Errorf("read %+v", m)
		}
	})
	for _, c := range []struct{ name, object, says string }{
		{"no id", `{"password":"` + marker + `"}`, "payload.object.id is missing"},
		{"id null", `{"id":null}`, "payload.object.id is missing"},
		{"object null", `null`, "payload.object.id is missing"},
		{"object an array", `["` + marker + `"]`, "is a array"},
		{"object a string", `"` + marker + `"`, "is a string"},
		{"id too short", `{"id":7}`, "1 digits"},
		{"id negative", `{"id":-85746065432}`, "negative"},
		{"id an object", `{"id":{"x":"` + marker + `"},"topic":"x"}`, "meeting id holds"},
		{"truncated", `{"id":85746065432,"password":"` + marker, "not JSON (at byte"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := zoom.Envelope{Object: []byte(c.object)}.DecodeMeeting()
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v does not say %q", err, c.says)
			}
			if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "7777777") {
				t.Errorf("%v quotes the body", err)
			}
		})
	}
	t.Run("no object", func(t *testing.T) {
		t.Parallel()
		if _, err := (zoom.Envelope{}).DecodeMeeting(); err == nil || !strings.Contains(err.Error(), "payload.object is missing") {
			t.Errorf("error %v", err)
		}
	})
}

// TestDecodeMeetingOddFields: what is usable is taken. Where something was not,
// the object is not whole, so that nothing is concluded from what is missing.
func TestDecodeMeetingOddFields(t *testing.T) {
	t.Parallel()
	noon := zoom.Time{Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	for _, c := range []struct {
		name, fields string
		want         func(*zoom.MeetingObject)
		whole        bool
	}{
		{"numbers where texts belong", `"uuid":12,"host_id":34,"topic":2026,"password":7340915826`, func(m *zoom.MeetingObject) {
			m.UUID, m.HostID, m.Topic, m.Password = ptr("12"), ptr("34"), ptr("2026"), ptr(secret.String("7340915826"))
		}, true},
		{"texts where numbers belong", `"duration":"30"`, nil, true},
		{"start is words", `"start_time":"` + marker + `","password":"x"`, func(m *zoom.MeetingObject) { m.Password = ptr(secret.String("x")) }, false},
		{"start is a number", `"start_time":1772366400,"topic":"x"`, func(m *zoom.MeetingObject) { m.Topic = ptr("x") }, false},
		{"start is empty, which is none", `"start_time":""`, func(m *zoom.MeetingObject) { m.StartTime = &zoom.Time{} }, true},
		{"passcode an object", `"password":{"x":"` + marker + `"},"start_time":"2026-03-01T12:00:00Z"`, func(m *zoom.MeetingObject) { m.StartTime = &noon }, false},
		{"passcode a fraction", `"password":1.5`, nil, false},
		{"passcode negative", `"password":-777`, nil, false},
		{"passcode true", `"password":true`, nil, false},
		{"uuid a list", `"uuid":["x"]`, nil, false},
		{"host an object", `"host_id":{}`, nil, false},
		{"topic true", `"topic":true`, nil, false},
		{"length is words", `"duration":"long"`, nil, false},
		{"a length of the series does not fit", `"occurrences":[{"duration":77777777777777777777777}]`, nil, false},
		{"the series is no list", `"occurrences":{}`, nil, false},
		{"settings a list", `"settings":[true]`, nil, false},
		{"one setting is words", `"settings":{"use_pmi":"x","waiting_room":true}`, func(m *zoom.MeetingObject) { m.Settings.WaitingRoom = ptr(true) }, false},
		{"waiting room is words", `"settings":{"use_pmi":true,"waiting_room":"x"}`, func(m *zoom.MeetingObject) { m.Settings.UsePMI = ptr(true) }, false},
		{"authentication is words", `"settings":{"meeting_authentication":"x"}`, nil, false},
		{"what is not read may be anything", `"agenda":7,"settings":{"use_pmi":false,"auto_recording":[]},"recurrence":"x"`, func(m *zoom.MeetingObject) { m.Settings.UsePMI = ptr(false) }, true},
		{"a passcode longer than any", `"password":"` + strings.Repeat("x", 101) + `"`, nil, false},
		{"a passcode with a NUL", `"password":"a\u0000b"`, nil, false},
		{"a passcode with a line break", `"password":"a\nb"`, nil, false},
		{"keys twice, the last one unusable", `"topic":"x","topic":[]`, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := envelope(t, `{"id":85746065432,"type":2,"uuid":"u","host_id":"h","join_url":"https://zoom.us/j/85746065432","settings":{"use_pmi":false},`+c.fields+`}`).DecodeMeeting()
			if err != nil {
				t.Fatal(err)
			}
			if got.Whole != c.whole || got.Type.Int() != 2 {
				t.Errorf("type %d, whole %v; want %v", got.Type.Int(), got.Whole, c.whole)
			}
			if c.name == "texts where numbers belong" && got.Duration.Int() != 30 {
				t.Errorf("length %v", got.Duration)
			}
			got.Type, got.Whole, got.JoinURL = nil, false, nil
			if !strings.Contains(c.fields, `"settings"`) {
				got.Settings.UsePMI = nil
			}
			if c.whole {
				got.Duration = nil
			}
			want := zoom.MeetingObject{ID: 85746065432, UUID: ptr("u"), HostID: ptr("h")}
			switch {
			case strings.Contains(c.fields, `"uuid":[`):
				want.UUID = nil
			case strings.Contains(c.fields, `"host_id":{`):
				want.HostID = nil
			}
			if c.want != nil {
				c.want(&want)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("read %+v\nwant %+v", got, want)
			}
		})
	}
	t.Run("type is words", func(t *testing.T) {
		t.Parallel()
		if m, err := envelope(t, `{"id":85746065432,"type":"x","topic":"y"}`).DecodeMeeting(); err != nil || m.Type != nil || *m.Topic != "y" {
			t.Errorf("read %+v, %v", m, err)
		}
	})
}

func TestDecodeSettings(t *testing.T) {
	t.Parallel()
	on, off := passcode.On, passcode.Off
	for _, c := range []struct {
		name, object, old string
		want, before      zoom.SettingsObject
	}{
		{"one value changed", `{"id":"u","settings":{"meeting_security":{"meeting_password":true}}}`, `{"id":"u","settings":{"meeting_security":{"meeting_password":false}}}`,
			zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on}}}, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: off}}}},
		{"authentication", `{"id":"u","settings":{"meeting_authentication":true}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyAuthentication: on}}}, zoom.SettingsObject{}},
		{"an older name", `{"id":"u","settings":{"schedule_meeting":{"require_password_for_scheduling_new_meetings":true}}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyPasscode: on}}}, zoom.SettingsObject{}},
		{"in_meeting", `{"id":"u","settings":{"in_meeting":{"waiting_room":true}}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}}}, zoom.SettingsObject{}},
		{"jbh_only: what it comes to is not said", `{"id":"u","settings":{"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only"}}}`, `{"id":"u","settings":{"schedule_meeting":{"require_password_for_pmi_meetings":"all"}}}`,
			zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyPMIJoin: on}, Odd: true}}, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyPMI: on}}}},
		{"join before host, on which jbh_only depends", `{"id":"u","settings":{"schedule_meeting":{"join_before_host":false}}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"an older name that is not merged", `{"id":"u","settings":{"schedule_meeting":{"force_pmi_jbh_password":"true"}}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"settings an array: the host is known", `{"id":"u","settings":["` + marker + `"]}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"a section is a list: the other is read", `{"id":"u","settings":{"schedule_meeting":["` + marker + `"],"in_meeting":{"waiting_room":true}}}`, ``,
			zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}, Odd: true}}, zoom.SettingsObject{}},
		{"a value is text: the others are read", `{"id":"u","settings":{"meeting_security":{"meeting_password":"` + marker + `","waiting_room":"true"}}}`, ``,
			zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: on}, Odd: true}}, zoom.SettingsObject{}},
		{"nulls", `{"id":"u","settings":{"schedule_meeting":{"require_password_for_pmi_meetings":null,"join_before_host":null},"meeting_security":null,"meeting_authentication":null}}`, ``, zoom.SettingsObject{ID: "u"}, zoom.SettingsObject{}},
		{"a section, and nothing in it that decides", `{"id":"u","settings":{"schedule_meeting":{"host_video":true},"in_meeting":{"chat":true},"meeting_security":{"block_user_domain":true}}}`, ``, zoom.SettingsObject{ID: "u"}, zoom.SettingsObject{}},
		{"nothing that decides", `{"id":"u","settings":{"recording":{"auto_recording":"cloud"}}}`, ``, zoom.SettingsObject{ID: "u"}, zoom.SettingsObject{}},
		{"no settings: which changed is not said", `{"id":"u"}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"settings empty", `{"id":"u","settings":{}}`, ``, zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"the PMI's passcode", `{"id":"u","settings":{"schedule_meeting":{"pmi_password":"s3cret"}}}`, ``, zoom.SettingsObject{ID: "u", PMIPasscode: ptr(secret.String("s3cret")), Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"no id: whose is not said", `{"settings":{}}`, ``, zoom.SettingsObject{Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"id an object", `{"id":{"x":"` + marker + `"}}`, ``, zoom.SettingsObject{Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"id a number", `{"id":7,"settings":null}`, ``, zoom.SettingsObject{ID: "7", Settings: zoom.Settings{Odd: true}}, zoom.SettingsObject{}},
		{"what was before does not decode", `{"id":"u","settings":{"meeting_security":{"waiting_room":false}}}`, `["` + marker + `"]`,
			zoom.SettingsObject{ID: "u", Settings: zoom.Settings{Values: passcode.Values{passcode.KeyWaitingRoom: off}}}, zoom.SettingsObject{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := zoom.Envelope{Object: []byte(c.object), OldObject: []byte(c.old)}
			now, before, err := e.DecodeSettings()
			if err != nil || !reflect.DeepEqual(now, c.want) || !reflect.DeepEqual(before, c.before) {
				t.Errorf("read %+v and %+v, %v\nwant %+v and %+v", now, before, err, c.want, c.before)
			}
		})
	}
	for _, c := range []struct{ name, object, says string }{
		{"no object", ``, "missing"},
		{"an object that is none", `["` + marker + `"]`, "payload.object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := zoom.Envelope{Object: []byte(c.object)}.DecodeSettings()
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), marker) {
				t.Errorf("error %v: want it to say %q and nothing of the body", err, c.says)
			}
		})
	}
}

func TestGroupMembers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, object, group string
		want                []string
	}{
		{"as documented", `{"id":"g","members":[{"id":"a","email":"a@x.test"},{"id":"b"}]}`, "g", []string{"a", "b"}},
		{"members who never signed in", `{"id":"g","members":[{"email":"a@x.test"},{"id":"","email":"b@x.test"},{"id":null},{"id":"c"},null]}`, "g", []string{"c"}},
		{"one id is no id", `{"id":"g","members":[{"id":{"x":"` + marker + `"}},{"id":"c"}]}`, "g", []string{"c"}},
		{"ids as numbers", `{"id":1,"members":[{"id":2}]}`, "1", []string{"2"}},
		{"nobody", `{"id":"g","members":[]}`, "g", nil},
		{"no members", `{"id":"g"}`, "g", nil},
		{"no group", `{"members":[{"id":"a"}]}`, "", []string{"a"}},
		{"members are no list", `{"id":"g","members":{"id":"` + marker + `"}}`, "g", nil},
		{"a member is text", `{"id":"g","members":["` + marker + `",{"id":"b"}]}`, "g", []string{"b"}},
		{"group is an object", `{"id":{"x":"` + marker + `"},"members":[{"id":"b"}]}`, "", []string{"b"}},
	} {
		for _, event := range []string{zoom.EventMemberAdded, zoom.EventMemberDeleted, zoom.EventMembersDeleted} {
			t.Run(c.name+", "+event, func(t *testing.T) {
				t.Parallel()
				e, err := zoom.DecodeEnvelope([]byte(`{"event":"` + event + `","event_ts":1626230691572,"payload":{"account_id":"a","object":` + c.object + `}}`))
				if err != nil {
					t.Fatal(err)
				}
				group, users, err := e.GroupMembers()
				if err != nil || group != c.group || !reflect.DeepEqual(users, c.want) {
					t.Errorf("group %q, members %q, %v: want %q and %q", group, users, err, c.group, c.want)
				}
			})
		}
	}
	for _, c := range []struct{ name, object, says string }{
		{"no object", ``, "payload.object is missing"},
		{"object a list", `["` + marker + `"]`, "is a array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, users, err := zoom.Envelope{Object: []byte(c.object)}.GroupMembers()
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), marker) || users != nil {
				t.Errorf("members %q, error %v: want it to say %q and nothing of the body", users, err, c.says)
			}
		})
	}
}

func TestUserID(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{`{"id":"u","email":"u@x.test","type":3}`: "u", `{"id":7}`: "7"} {
		if got, err := (zoom.Envelope{Object: []byte(object)}).UserID(); err != nil || got != want {
			t.Errorf("%s: UserID = %q, %v: want %q", object, got, err, want)
		}
	}
	for _, c := range []struct{ name, object, says string }{
		{"no object", ``, "payload.object.id is missing"},
		{"null", `null`, "payload.object.id is missing"},
		{"no id", `{"email":"` + marker + `"}`, "payload.object.id is missing"},
		{"id null", `{"id":null}`, "payload.object.id is missing"},
		{"id empty", `{"id":""}`, "payload.object.id is missing"},
		{"id an object", `{"id":{"x":"` + marker + `"}}`, "a string was expected"},
		{"object a list", `["` + marker + `"]`, "is a array"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			id, err := zoom.Envelope{Object: []byte(c.object)}.UserID()
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), marker) || id != "" {
				t.Errorf("UserID = %q, %v: want it to say %q and nothing of the body", id, err, c.says)
			}
		})
	}
}
