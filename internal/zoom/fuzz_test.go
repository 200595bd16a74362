package zoom_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"latchkey/internal/passcode"
	"latchkey/internal/zoom"
)

// In every body the fuzzer makes, PASSCODE stands for one: whatever is wrong
// with the body, no error may hold it. It is digits, so that it fits anywhere.
const fuzzed = "7340915826"

func fill(body string) []byte { return []byte(strings.ReplaceAll(body, "PASSCODE", fuzzed)) }

// fit fails unless the error is one short line without the passcode.
func fit(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); strings.Contains(text, fuzzed) || len(text) > 300 || !utf8.ValidString(text) || strings.ContainsAny(text, "\n\x00") {
		t.Fatalf("error %q is not fit for a log line", text)
	}
}

func FuzzDecodeEnvelope(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `PASSCODE`, `"PASSCODE"`, `{"event":PASSCODE}`, `{"event":"PASSCODE","payload":{}}`, `{"event":"e","event_ts":"PASSCODEx","payload":{}}`,
		`{"event":"e","event_ts":1626230691572,"payload":{"account_id":PASSCODE,"operator":{"password":"PASSCODE"}}}`,
		`{"event":"e","event_ts":PASSCODE99999999999999999999,"payload":{}}`, `{"event":"e","payload":{"time_stamp":-PASSCODE}}`,
		`{"event":"e","payload":{"plainToken":PASSCODE}}`, `{"event":"e","payload":{"object":{"password":"PASSCODE`, `{"event":"e","payload":["PASSCODE"]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		e, err := zoom.DecodeEnvelope(fill(body))
		fit(t, err)
		if err != nil {
			return
		}
		if e.Event == "" || len(e.Event) > 100 {
			t.Fatalf("event %q", e.Event)
		}
		if y := e.At.Year(); !e.At.IsZero() && (y < 1970 || y > 9999) {
			t.Fatalf("it happened in the year %d", y)
		}
		for _, s := range []string{e.Event, e.AccountID, e.Operator, e.OperatorID, e.PlainToken} {
			if !utf8.ValidString(s) {
				t.Fatalf("%q is not UTF-8", s)
			}
		}
		for _, raw := range []json.RawMessage{e.Object, e.OldObject} {
			if len(raw) > 0 && !json.Valid(raw) {
				t.Fatalf("object %q is not JSON", raw)
			}
		}
	})
}

func FuzzDecodeMeeting(f *testing.F) {
	for _, object := range []string{
		``, `null`, `{}`, `[PASSCODE]`, `{"id":PASSCODE}`, `{"id":"PASSCODE","password":"PASSCODE"}`, `{"id":85746065432,"password":PASSCODE}`, `{"id":-PASSCODE}`,
		`{"id":85746065432,"occurrences":[{"duration":PASSCODE99999999999999999999,"start_time":"PASSCODE"}]}`, `{"id":85746065432,"duration":PASSCODE.5}`,
		`{"id":85746065432,"type":"PASSCODE","start_time":"9999-12-31T23:59:59-23:00"}`, `{"id":85746065432,"settings":{"use_pmi":PASSCODE}}`, `{"id":85746065432,"password":"PASSCODE`,
	} {
		f.Add(object)
	}
	f.Fuzz(func(t *testing.T, object string) {
		m, err := zoom.Envelope{Object: fill(object)}.DecodeMeeting()
		fit(t, err)
		if err != nil {
			return
		}
		if len(m.ID.String()) < 9 || len(m.ID.String()) > 11 {
			t.Fatalf("id %d", m.ID)
		}
		var start zoom.Time
		if m.StartTime != nil {
			start = *m.StartTime
		}
		if ends := zoom.Ends(start, m.Duration.Int(), m.Occurrences); !start.IsZero() && (ends.Before(start.Time) && len(m.Occurrences) == 0 || ends.Sub(start.Time) > 24*time.Hour && len(m.Occurrences) == 0) {
			t.Fatalf("it starts %v and ends %v", start, ends)
		}
		if _, err := json.Marshal(start.Time); err != nil {
			t.Fatalf("its start cannot be written: %v", err)
		}
	})
}

// FuzzAnswers decodes anything as the answers that are read loosely: an id that
// is read is one, and the times come to something.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		``, `null`, `[]`, `PASSCODE`, `{"id":85746065432,"password":"PASSCODE","start_time":"PASSCODE","duration":"PASSCODE"}`, `{"id":"PASSCODE"}`,
		`{"id":85746065432,"occurrences":[{"start_time":PASSCODE}],"join_url":"https://%zz?pwd=PASSCODE","topic":PASSCODE}`, `{"id":85746065432,"password":{"PASSCODE":1}}`,
		`{"meetings":[{"id":85746065432,"duration":PASSCODE99999999999999999999},{"id":PASSCODE},null,"PASSCODE"],"next_page_token":"x"}`,
		`{"users":[{"type":2},{"type":"PASSCODE"}],"next_page_token":"PASSCODE"}`, `{"code":200,"message":"PASSCODE"}`,
		`{"meeting_security":{"meeting_password":"PASSCODE"},"schedule_meeting":{"require_password_for_pmi_meetings":PASSCODE,"pstn_password_protected":"PASSCODE"}}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		for _, into := range []any{&zoom.Meeting{}, &zoom.ListedMeeting{}, &zoom.Settings{}, &passcode.Requirement{}} {
			if err := json.Unmarshal(fill(body), into); err != nil {
				continue
			}
			switch m := into.(type) {
			case *zoom.Meeting:
				m.LinkHasPasscode()
				if ends := zoom.Ends(m.StartTime, m.Duration, m.Occurrences); !ends.IsZero() && ends.Year() < 1 || m.ID != 0 && !isID(m.ID) {
					t.Fatalf("read %+v, which ends %v", m, ends)
				}
			case *zoom.ListedMeeting:
				if m.ID != 0 && !isID(m.ID) {
					t.Fatalf("read %+v", m)
				}
			}
		}
	})
}

func isID(id zoom.MeetingID) bool { return len(id.String()) >= 9 && len(id.String()) <= 11 }

// FuzzDecodePeople is about the events of members and users.
func FuzzDecodePeople(f *testing.F) {
	for _, object := range []string{
		``, `null`, `[]`, `PASSCODE`, `{"id":PASSCODE}`, `{"id":"g","members":[{"id":PASSCODE},{"id":{"PASSCODE":1}},null,{}]}`,
		`{"id":{"PASSCODE":1}}`, `{"id":"g","members":"PASSCODE"}`, `{"members":[["PASSCODE"]]}`, `{"id":"PASSCODE`,
	} {
		f.Add(object)
	}
	f.Fuzz(func(t *testing.T, object string) {
		e := zoom.Envelope{Object: fill(object)}
		_, members, err := e.GroupMembers()
		fit(t, err)
		for _, id := range members {
			if id == "" || !utf8.ValidString(id) {
				t.Fatalf("member %q", id)
			}
		}
		id, err := e.UserID()
		fit(t, err)
		if (err == nil) != (id != "") {
			t.Fatalf("UserID = %q, %v", id, err)
		}
	})
}

func FuzzDecodeSettings(f *testing.F) {
	f.Add(``, ``)
	f.Add(`null`, `null`)
	f.Add(`{"id":"u","settings":{"meeting_security":{"meeting_password":true}}}`, `{"settings":["PASSCODE"]}`)
	f.Add(`{"id":PASSCODE,"settings":{"meeting_security":{"meeting_password":PASSCODE}}}`, `PASSCODE`)
	f.Add(`{"id":{"PASSCODE":1},"settings":{"meeting_authentication":"PASSCODE"}}`, `{`)
	f.Add(`{"id":"u","settings":{"schedule_meeting":PASSCODE}}`, `{"id":7}`)
	f.Add(`{"id":"u","settings":{"schedule_meeting":{"require_password_for_pmi_meetings":"jbh_only","join_before_host":"on","pstn_password_protected":"PASSCODE"}}}`, `{}`)
	f.Add(`{"id":"u","settings":{"in_meeting":{"waiting_room":{"PASSCODE":1}},"schedule_meeting":{"meeting_password_requirement":{"length":"PASSCODE"}}}}`, `{}`)
	f.Fuzz(func(t *testing.T, object, old string) {
		now, _, err := zoom.Envelope{Object: fill(object), OldObject: fill(old)}.DecodeSettings()
		fit(t, err)
		if err == nil && (now.Values != (passcode.Values{}) && !now.Says()) {
			t.Fatalf("read %+v", now)
		}
	})
}
