package zoom_test

import (
	"encoding/json"
	"testing"
	"time"

	"latchkey/internal/zoom"
)

func TestMeetingID(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, json string
		want       zoom.MeetingID // 0 with an error, unless json is null
	}{
		{"a number", `85746065432`, 85746065432},
		{"a string", `"85746065432"`, 85746065432},
		{"nine digits", `123456789`, 123456789},
		{"as people write it", `"857 4606 5432"`, 85746065432},
		{"with dashes", `"857-4606-5432"`, 85746065432},
		{"with an escape", `"8574606543\u0032"`, 85746065432},
		{"null", `null`, 0},
		{"eight digits", `12345678`, 0},
		{"twelve digits", `857460654321`, 0},
		{"more than int64 holds", `85746065432857460654328574606543285746065432`, 0},
		{"negative", `-85746065432`, 0},
		{"negative in a string", `"-85746065432"`, 0},
		{"leading zeros", `"00085746065"`, 0},
		{"zero", `0`, 0},
		{"nine zeros", `"000000000"`, 0},
		{"fraction", `85746065432.5`, 0},
		{"exponent", `8.5746065432e10`, 0},
		{"empty", `""`, 0},
		{"blanks", `"   "`, 0},
		{"letters", `"857x6065432"`, 0},
		{"other digits", `"８５７４６０６５４３２"`, 0},
		{"true", `true`, 0},
		{"array", `[85746065432]`, 0},
		{"object", `{"id":85746065432}`, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got zoom.MeetingID
			err := json.Unmarshal([]byte(c.json), &got)
			if got != c.want || (err != nil) != (c.want == 0 && c.json != "null") {
				t.Errorf("%s is read as %d, %v: want %d", c.json, got, err, c.want)
			}
		})
	}
	if got := zoom.MeetingID(85746065432).String(); got != "85746065432" {
		t.Errorf("String() = %q", got)
	}
}

func TestTime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name, json string
		want       time.Time
		bad        bool
	}{
		{"UTC", `"2026-03-01T12:00:00Z"`, noon, false},
		{"a zone", `"2026-03-01T14:00:00+02:00"`, noon, false},
		{"fractions", `"2026-03-01T12:00:00.000Z"`, noon, false},
		{"no zone", `"2026-03-01T12:00:00"`, noon, false},
		{"blanks around", `" 2026-03-01T12:00:00Z "`, noon, false},
		{"empty", `""`, time.Time{}, false},
		{"null", `null`, time.Time{}, false},
		{"a date", `"2026-03-01"`, time.Time{}, true},
		{"no such day", `"2026-02-30T12:00:00Z"`, time.Time{}, true},
		{"a number", `1772366400`, time.Time{}, true},
		{"words", `"soon"`, time.Time{}, true},
		{"year 10000 in UTC, which JSON cannot write", `"9999-12-31T23:30:00-01:00"`, time.Time{}, true},
		{"before the year 1 in UTC", `"0000-12-31T12:00:00Z"`, time.Time{}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got zoom.Time
			err := json.Unmarshal([]byte(c.json), &got)
			if !got.Equal(c.want) || (err != nil) != c.bad {
				t.Errorf("%s is read as %v, %v: want %v", c.json, got, err, c.want)
			}
			if _, err := json.Marshal(got.Time); err != nil {
				t.Errorf("it cannot be written: %v", err)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	at := func(h int) zoom.Time {
		return zoom.Time{Time: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(h) * time.Hour)}
	}
	for _, c := range []struct {
		name    string
		start   zoom.Time
		minutes int
		dates   []zoom.Occurrence
		want    time.Time
	}{
		{"an hour", at(9), 60, nil, at(10).Time},
		{"no fixed time", zoom.Time{}, 60, nil, time.Time{}},
		{"no length", at(9), 0, nil, at(9).Time},
		{"negative length", at(9), -60, nil, at(9).Time},
		{"absurd length: a day", at(9), 1 << 40, nil, at(33).Time},
		{"last of a series", at(9), 60, []zoom.Occurrence{{StartTime: at(9), Duration: 60}, {StartTime: at(57), Duration: 30}, {StartTime: at(33), Duration: 60}}, at(57).Add(30 * time.Minute)},
		{"its last date is deleted", at(9), 60, []zoom.Occurrence{{StartTime: at(33), Duration: 60}, {StartTime: at(57), Duration: 60, Status: "deleted"}}, at(34).Time},
		{"a series without a start of its own", zoom.Time{}, 0, []zoom.Occurrence{{StartTime: at(33), Duration: 60, Status: "available"}}, at(34).Time},
		{"all dates deleted", zoom.Time{}, 60, []zoom.Occurrence{{StartTime: at(33), Duration: 60, Status: "deleted"}}, time.Time{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := zoom.Ends(c.start, c.minutes, c.dates); !got.Equal(c.want) {
				t.Errorf("ends %v, want %v", got, c.want)
			}
		})
	}
}
