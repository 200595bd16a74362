package zoom_test

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"latchkey/internal/secret"
	"latchkey/internal/zoom"
)

// TestGetMeetingOddFields: unusable times do not hide the meeting, and do not
// make it look over either.
func TestGetMeetingOddFields(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, fields string
		want         zoom.Meeting
		ends         time.Time
	}{
		{"all in order", `"uuid":"u","host_id":"h","topic":"t","type":8,"start_time":"2026-03-01T12:00:00Z","duration":30,"password":"p","pstn_password":"1",
			"occurrences":[{"start_time":"2026-03-01T12:00:00Z","duration":60,"status":"available"}]`,
			zoom.Meeting{UUID: "u", HostID: "h", Topic: "t", Type: 8, StartTime: zoom.Time{Time: noon}, Duration: 30, Password: "p", PhonePasscode: "1",
				Occurrences: []zoom.Occurrence{{StartTime: zoom.Time{Time: noon}, Duration: 60, Status: "available"}}}, noon.Add(time.Hour)},
		{"numbers where texts belong", `"uuid":1,"host_id":2,"topic":3,"type":"2","password":7340915826,"pstn_password":123456`,
			zoom.Meeting{UUID: "1", HostID: "2", Topic: "3", Type: 2, Password: "7340915826", PhonePasscode: "123456"}, time.Time{}},
		{"start is words", `"start_time":"soon","duration":30`, zoom.Meeting{Duration: 30}, time.Time{}},
		{"start is an object", `"start_time":{},"duration":30`, zoom.Meeting{Duration: 30}, time.Time{}},
		{"length is words: a day", `"start_time":"2026-03-01T12:00:00Z","duration":"long"`,
			zoom.Meeting{StartTime: zoom.Time{Time: noon}, Duration: 24 * 60}, noon.Add(24 * time.Hour)},
		{"length null", `"start_time":"2026-03-01T12:00:00Z","duration":null`, zoom.Meeting{StartTime: zoom.Time{Time: noon}}, noon},
		{"a date of the series is words: no fixed time", `"start_time":"2026-03-01T12:00:00Z","duration":30,"occurrences":[{"start_time":"soon","duration":30}]`,
			zoom.Meeting{Duration: 30}, time.Time{}},
		{"a date of the series is null", `"start_time":"2026-03-01T12:00:00Z","duration":30,"occurrences":[{"start_time":null,"duration":30}]`,
			zoom.Meeting{StartTime: zoom.Time{Time: noon}, Duration: 30, Occurrences: []zoom.Occurrence{{Duration: 30}}}, noon.Add(30 * time.Minute)},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cl := overNetwork(t, &fakeZoom{api: always(200, `{"id":85746065432,`+c.fields+`}`)}, nil)
			got, err := cl.GetMeeting(t.Context(), meeting)
			c.want.ID = meeting
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("read %+v, %v\nwant %+v", got, err, c.want)
			}
			if ends := zoom.Ends(got.StartTime, got.Duration, got.Occurrences); !ends.Equal(c.ends) {
				t.Errorf("ends %v, want %v", ends, c.ends)
			}
		})
	}
	for name, fields := range map[string]string{
		"type is words": `"type":"x"`, "passcode is a fraction": `"password":1.5`, "passcode is true": `"password":true`,
		"settings are a list": `"settings":[]`, "use_pmi is words": `"settings":{"use_pmi":"x"}`, "waiting room is words": `"settings":{"waiting_room":"x"}`,
	} {
		t.Run("decides, and is unusable: "+name, func(t *testing.T) {
			t.Parallel()
			cl := overNetwork(t, &fakeZoom{api: always(200, `{"id":85746065432,`+fields+`}`)}, nil)
			wantKind(t, get(t.Context(), cl), zoom.KindBadAnswer)
		})
	}
	t.Run("nothing is left of an answer that was given up", func(t *testing.T) {
		t.Parallel()
		torn := always(200, `{"id":85746065432,"password":"`+marker+`","status":7}`)
		cl := overNetwork(t, &fakeZoom{api: inTurn(torn, always(http.StatusOK, `{"id":85746065432}`))}, nil)
		if got, err := cl.GetMeeting(t.Context(), meeting); err != nil || got.Password != "" {
			t.Errorf("read passcode %q, %v: want none", got.Password.Reveal(), err)
		}
	})
}

func TestLinkHasPasscode(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, link string
		want       bool
	}{
		{"with", "https://example.zoom.us/j/85746065432?pwd=bU9xY2dSZz09.1", true},
		{"among others", "https://example.zoom.us/j/85746065432?a=b&pwd=x#c", true},
		{"without", "https://example.zoom.us/j/85746065432", false},
		{"empty", "https://example.zoom.us/j/85746065432?pwd=", false},
		{"another name", "https://example.zoom.us/j/85746065432?xpwd=x", false},
		{"in the path", "https://example.zoom.us/j/pwd=x", false},
		{"no link", "", false},
		{"garbage", "https://%zz\x00?pwd=x", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := (zoom.Meeting{JoinURL: secret.String(c.link)}).LinkHasPasscode(); got != c.want {
				t.Errorf("LinkHasPasscode = %v", got)
			}
		})
	}
	t.Run("as it comes", func(t *testing.T) {
		t.Parallel()
		cl := overNetwork(t, &fakeZoom{api: always(200, `{"id":85746065432,"join_url":"https://example.zoom.us/j/85746065432?pwd=x"}`)}, nil)
		if m, err := cl.GetMeeting(t.Context(), meeting); err != nil || !m.LinkHasPasscode() {
			t.Errorf("LinkHasPasscode = false, %v", err)
		}
	})
}
