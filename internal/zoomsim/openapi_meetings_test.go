package zoomsim

import (
	"encoding/json"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// What Zoom's document of meetings gets wrong, or says otherwise than the
// simulator, in the words of misfits: each with the reason.
var answerErrs = map[string]string{
	"body.creation_source: zoom_scheduler is not one of [other open_api web_portal]": "younger than the document (Z-EVENT-4)",
	"body.type: 7 is not one of [1 2 3 4 8 10]":                                      "Zoom's SDK types have it (Z-MEET-1)",
	"body.password: is shorter than 8":                                               "shorter ones exist (Z-CODE-4)",
	"body.meetings[].type: 4 is not one of [1 2 3 8]":                                "a type of GET's that the list leaves out",
	"body.meetings[].type: 7 is not one of [1 2 3 8]":                                "Zoom's SDK types have it (Z-MEET-1)",
	"body.meetings[].type: 10 is not one of [1 2 3 8]":                               "a type of GET's that the list leaves out",
}

var requestErrs = map[string]string{
	"PATCH.default_password is not documented": "of creates alone; the simulator ignores it in a change",
}

// explained collects what was met of a list of documentErrs.
type explained struct {
	list map[string]string
	met  map[string]bool
}

func explainedBy(list map[string]string) *explained { return &explained{list, map[string]bool{}} }

func (e *explained) check(t *testing.T, why []string) {
	t.Helper()
	for _, w := range why {
		e.met[w] = true
		if e.list[w] == "" {
			t.Error(w)
		}
	}
}

// stale: what is listed and was not met is no error of the document any more.
func (e *explained) stale(t *testing.T) {
	t.Helper()
	for w := range e.list {
		if !e.met[w] {
			t.Errorf("listed, and not so: %s", w)
		}
	}
}

const contractMeetings = `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - id: host
        pmi: 3456789012
        meetings:
          - {id: 81000000001, starts_in: 1h, password: abc123, waiting_room: true, meeting_authentication: true, creation_source: web_portal}
          - {id: 81000000002, type: 3, waiting_room: true, waiting_room_holds: users_not_on_invite, creation_source: zoom_scheduler}
          - {id: 81000000003, starts_in: 1h, use_pmi: true}
          - {id: 81000000004, type: 4}
          - {id: 81000000005, type: 7, starts_in: 1h}
          - {id: 81000000006, type: 10, starts_in: 1h, started: true}
          - {id: 81000000007, starts_in: 1h, recurrence: {type: 2, weekly_days: "1", end_times: 3}, dates: [{date: 2, waiting_room: true}]}
          - {id: 81000000008, starts_in: -48h, creation_source: other}
`

func answerOf(doc obj, path, method, status string) obj {
	return dig(doc, "paths", path, method, "responses", status, "content", "application/json", "schema")
}

// TestMeetingAnswersMatchOpenAPI: GET, create and the list answer nothing that
// Zoom's document does not have, of that type.
func TestMeetingAnswersMatchOpenAPI(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	errs := explainedBy(answerErrs)
	s := start(t, contractMeetings)
	get := answerOf(doc, "/meetings/{meetingId}", "get", "200")
	date := s.Occurrences(81000000007)[1].ID
	for _, p := range []string{
		"81000000001", "81000000002", "81000000003", "81000000004", "81000000005", "81000000006", "81000000007", "81000000008",
		"81000000007?occurrence_id=" + date, "3456789012",
	} {
		t.Run("GET "+p, func(t *testing.T) {
			errs.check(t, misfits(get, s.want(200, "GET", "/meetings/"+p, nil).body, "body"))
		})
	}
	created := answerOf(doc, "/users/{userId}/meetings", "post", "201")
	for name, body := range map[string]string{
		"plain": `{}`, "instant": `{"type":1}`, "PMI": `{"settings":{"use_pmi":true}}`, "no fixed time": `{"type":3,"password":"abc123"}`,
		"series": `{"type":8,"recurrence":{"type":1,"end_times":2},"settings":{"meeting_authentication":true,"waiting_room":true,"jbh_time":5}}`,
	} {
		t.Run("POST "+name, func(t *testing.T) {
			_, a := s.create("host", body)
			errs.check(t, misfits(created, a.body, "body"))
		})
	}
	call := dig(doc, "paths", "/users/{userId}/meetings", "get")
	for _, kind := range parameter(t, call, "type")["enum"].([]any) {
		t.Run("list "+kind.(string), func(t *testing.T) {
			a := s.want(200, "GET", "/users/host/meetings?page_size=300&type="+url.QueryEscape(kind.(string)), nil)
			if len(a.body["meetings"].([]any)) == 0 {
				t.Error("no row")
			}
			errs.check(t, misfits(answerOf(doc, "/users/{userId}/meetings", "get", "200"), a.body, "body"))
		})
	}
	s.want(400, "GET", "/users/host/meetings?type=all", nil)
	errs.stale(t)
}

// parameter is the schema of a call's query parameter, which must be there.
func parameter(t *testing.T, call obj, name string) obj {
	t.Helper()
	for _, p := range call["parameters"].([]any) {
		if p := p.(obj); p["name"] == name && p["in"] == "query" {
			return dig(p, "schema")
		}
	}
	t.Fatalf("Zoom documents no parameter %s", name)
	return nil
}

// everything names every member of a request.
var everything = MeetingRequest{
	Topic: "x", Agenda: "x", Type: 8, StartTime: At(time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)), Duration: 30, Timezone: "UTC",
	Password: WithPasscode("abc123"), DefaultPassword: new(true), ScheduleFor: "host@example.com", CreationSource: SourceOther,
	Recurrence: &Recurrence{Type: 1, RepeatInterval: 1, WeeklyDays: "1", MonthlyDay: 1, EndTimes: 1, EndDateTime: "2026-12-31T00:00:00Z"},
	Settings: MeetingSettings{
		WaitingRoom: new(true), WaitingRoomOptions: &WaitingRoomOptions{Custom, HoldsOutsideDomains}, MeetingAuthentication: new(true),
		UsePMI: new(false), JoinBeforeHost: new(true), JBHTime: new(10),
	},
}

// TestMeetingRequestsMatchOpenAPI: no member of a create or change is made up.
func TestMeetingRequestsMatchOpenAPI(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	errs := explainedBy(requestErrs)
	for _, v := range []any{everything, everything.Settings, *everything.Recurrence, *everything.Settings.WaitingRoomOptions} {
		for i, r := 0, reflect.ValueOf(v); i < r.NumField(); i++ {
			if r.Field(i).IsZero() {
				t.Errorf("%s.%s is not named: the test misses it", r.Type().Name(), r.Type().Field(i).Name)
			}
		}
	}
	raw, err := json.Marshal(everything)
	if err != nil {
		t.Fatal(err)
	}
	var body obj
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	for method, path := range map[string]string{"post": "/users/{userId}/meetings", "patch": "/meetings/{meetingId}"} {
		schema := dig(doc, "paths", path, method, "requestBody", "content", "application/json", "schema")
		errs.check(t, misfits(schema, body, strings.ToUpper(method)))
	}
	errs.stale(t)
	for _, method := range []string{"get", "patch"} {
		parameter(t, dig(doc, "paths", "/meetings/{meetingId}", method), "occurrence_id")
	}
	who := dig(doc, "paths", "/users/{userId}/meetings", "post", "requestBody", "content", "application/json", "schema",
		"properties", "settings", "properties", "waiting_room_options", "properties", "who_goes_to_waiting_room")
	for _, word := range who["enum"].([]any) {
		if !slices.Contains(holdings, word.(string)) {
			t.Errorf("a waiting room cannot hold %s", word)
		}
	}
	if len(who["enum"].([]any)) != len(holdings) {
		t.Errorf("%v against %v", who["enum"], holdings)
	}
}
