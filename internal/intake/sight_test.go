package intake

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
	"latchkey/internal/zoom"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// an event of a meeting, at seconds from noon.
func sent(t *testing.T, name string, at int, payload map[string]any, object string) (zoom.Envelope, zoom.MeetingObject) {
	t.Helper()
	if payload == nil {
		payload = map[string]any{}
	}
	payload["account_id"] = "acc"
	payload["object"] = json.RawMessage(object)
	body, err := json.Marshal(map[string]any{"event": name, "event_ts": noon.Add(time.Duration(at) * time.Second).UnixMilli(), "payload": payload})
	if err != nil {
		t.Fatal(err)
	}
	env, err := zoom.DecodeEnvelope(body)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := env.DecodeMeeting()
	if err != nil {
		t.Fatal(err)
	}
	return env, obj
}

const fullObject = `{"id": 85746065432, "uuid": "u", "host_id": "h", "topic": "T", "type": 2, "start_time": "2026-11-24T10:00:00Z", "duration": 60, "password": "s3cret", "join_url": "https://zoom.us/j/85746065432", "settings": {"use_pmi": false}}`

var tomorrow = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)

// known is a meeting that was read at noon.
func known(change func(*store.Meeting)) store.Meeting {
	m := store.Meeting{ID: 85746065432, AccountID: "acc", HostID: "h", UUID: "u", Topic: "T", ObservedAt: noon,
		Meeting: passcode.Meeting{Type: 2, Status: passcode.StatusScheduled, Starts: tomorrow, Ends: tomorrow.Add(time.Hour),
			Passcode: passcode.On, PasscodeReadable: true, WaitingRoom: passcode.On, Authentication: passcode.Off}}
	if change != nil {
		change(&m)
	}
	return m
}

func unheard() store.Meeting {
	return store.Meeting{ID: 85746065432, AccountID: "acc", MustRead: true, Meeting: passcode.Meeting{Status: passcode.StatusScheduled}}
}

func TestSightCreated(t *testing.T) {
	t.Parallel()
	type want struct {
		nothingNew, mustRead bool
		passcode             passcode.Toggle
		value                string // what becomes of the stored passcode; "-": left alone
	}
	for name, c := range map[string]struct {
		row    store.Meeting
		at     int // seconds from noon
		object string
		came   arrival // now: how much later than at, see below
		delay  time.Duration
		want   want
	}{
		"fresh":                                   {row: unheard(), object: fullObject, want: want{passcode: passcode.On, value: "s3cret"}},
		"fresh, none":                             {row: unheard(), object: strings.Replace(fullObject, "s3cret", "", 1), came: arrival{embeds: passcode.On}, want: want{passcode: passcode.Off, value: ""}},
		"none, where that cannot be":              {row: unheard(), object: strings.Replace(fullObject, "s3cret", "", 1), came: arrival{forced: forced, embeds: passcode.On}, want: want{mustRead: true, passcode: passcode.Off, value: ""}},
		"one, where that must be":                 {row: unheard(), object: fullObject, came: arrival{forced: forced}, want: want{passcode: passcode.On, value: "s3cret"}},
		"none, and links carry none":              {row: unheard(), object: strings.Replace(fullObject, "s3cret", "", 1), came: arrival{embeds: passcode.Off}, want: want{mustRead: true, passcode: passcode.Off, value: ""}},
		"none, and what links carry is not known": {row: unheard(), object: strings.Replace(fullObject, "s3cret", "", 1), want: want{mustRead: true, passcode: passcode.Off, value: ""}},
		"fresh, not named":                        {row: unheard(), object: strings.Replace(fullObject, `"password": "s3cret", `, "", 1), came: arrival{embeds: passcode.On}, want: want{passcode: passcode.Off, value: ""}},
		"just in time":                            {row: unheard(), object: fullObject, delay: freshFor, want: want{passcode: passcode.On, value: "s3cret"}},
		"delayed":                                 {row: unheard(), object: fullObject, delay: freshFor + time.Second, want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"after the host changed":                  {row: unheard(), at: 1, object: fullObject, came: arrival{hostChangedAt: noon}, want: want{passcode: passcode.On, value: "s3cret"}},
		"as the host changed":                     {row: unheard(), object: fullObject, came: arrival{hostChangedAt: noon}, want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"before the host changed":                 {row: unheard(), at: -1, object: fullObject, came: arrival{hostChangedAt: noon}, want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"instant":                                 {row: unheard(), object: `{"id": 85746065432, "host_id": "h", "type": 1, "password": "s3cret"}`, want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"thin, no passcode named":                 {row: unheard(), object: `{"id": 85746065432, "host_id": "h", "type": 2}`, want: want{mustRead: true, passcode: passcode.Unknown, value: "-"}},
		"thin, of a known meeting":                {row: known(nil), at: 1, object: `{"id": 85746065432, "host_id": "h", "type": 2}`, want: want{mustRead: true, passcode: passcode.On, value: "-"}},
		"thin, with a passcode":                   {row: unheard(), object: `{"id": 85746065432, "host_id": "h", "password": "s3cret"}`, want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"the link alone has a passcode":           {row: unheard(), object: strings.NewReplacer(`"password": "s3cret", `, "", `85746065432"`, `85746065432?pwd=x"`).Replace(fullObject), want: want{mustRead: true, passcode: passcode.Unknown, value: "-"}},
		"of a type that is none":                  {row: unheard(), object: strings.Replace(fullObject, `"type": 2`, `"type": 99999999999`, 1), want: want{mustRead: true, passcode: passcode.On, value: "s3cret"}},
		"after it was listed":                     {row: func() store.Meeting { m := unheard(); m.HostID, m.Type = "h", 2; return m }(), object: fullObject, want: want{passcode: passcode.On, value: "s3cret"}},
		"later than it was read":                  {row: known(nil), at: -1, object: strings.Replace(fullObject, "s3cret", "0ld", 1), want: want{nothingNew: true, passcode: passcode.On, value: "-"}},
		"later than a thin update":                {row: known(func(m *store.Meeting) { m.HostID = "" }), at: -1, object: fullObject, want: want{passcode: passcode.On, value: "-"}},
		"later than the deletion":                 {row: known(func(m *store.Meeting) { m.Status, m.EventAt = passcode.StatusDeleted, noon }), at: -1, object: fullObject, want: want{nothingNew: true, passcode: passcode.On, value: "-"}},
		"again, at the very same time":            {row: known(nil), object: fullObject, want: want{passcode: passcode.On, value: "s3cret"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, obj := sent(t, zoom.EventMeetingCreated, c.at, nil, c.object)
			c.came.now = env.At.Add(c.delay)
			got := merge(c.row, env, obj, c.came)
			if got.nothingNew != c.want.nothingNew || got.meeting.MustRead != c.want.mustRead || got.meeting.Passcode != c.want.passcode || stored(got.passcode) != c.want.value {
				t.Errorf("nothing new %v, must read %v, passcode %v, stored %q; want %+v", got.nothingNew, got.meeting.MustRead, got.meeting.Passcode, stored(got.passcode), c.want)
			}
			if got.meeting.Status != c.row.Status || got.meeting.HostID != "h" {
				t.Errorf("status %q, host %q", got.meeting.Status, got.meeting.HostID)
			}
			if c.want.value != "-" && (!got.meeting.ObservedAt.Equal(env.At) || got.meeting.WaitingRoom != passcode.Unknown || got.meeting.PasscodeReadable != (c.want.value != "")) {
				t.Errorf("observed at %v, waiting room %v, readable %v: the payload carries no waiting room", got.meeting.ObservedAt, got.meeting.WaitingRoom, got.meeting.PasscodeReadable)
			}
		})
	}
}

// forced is a host whose scheduled meetings all have a passcode.
func forced(t passcode.MeetingType) bool { return t == passcode.TypeScheduled }

// stored is what becomes of the stored passcode.
func stored(p *store.PasscodeSeen) string {
	if p == nil {
		return "-"
	}
	return p.Value.Reveal()
}

func TestSightUpdated(t *testing.T) {
	t.Parallel()
	cleared := func(m *store.Meeting) { m.Passcode, m.PasscodeReadable = passcode.Off, false }
	for name, c := range map[string]struct {
		row                  store.Meeting
		at                   int
		object               string
		came                 arrival
		nothingNew, mustRead bool
	}{
		"thin":                                   {row: known(nil), at: 60, object: `{"id": 85746065432, "topic": "New"}`, mustRead: true},
		"thin, of a meeting not known":           {row: unheard(), at: 60, object: `{"id": 85746065432}`, mustRead: true},
		"the passcode that is known":             {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "s3cret"}`, came: arrival{knownPasscode: "s3cret"}, nothingNew: true},
		"another passcode":                       {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "0ther"}`, came: arrival{knownPasscode: "s3cret"}, mustRead: true},
		"a passcode, its value unknown":          {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "s3cret"}`, mustRead: true},
		"a passcode where none was":              {row: known(cleared), at: 60, object: `{"id": 85746065432, "password": "s3cret"}`, mustRead: true},
		"none where there was one":               {row: known(nil), at: 60, object: `{"id": 85746065432, "password": ""}`, came: arrival{knownPasscode: "s3cret"}, mustRead: true},
		"the echo of our own PATCH":              {row: known(cleared), at: 60, object: `{"id": 85746065432, "password": "", "settings": {"waiting_room": true}}`, nothingNew: true},
		"the echo, and more":                     {row: known(cleared), at: 60, object: `{"id": 85746065432, "password": "", "settings": {"waiting_room": false}}`, mustRead: true},
		"and no authentication":                  {row: known(cleared), at: 60, object: `{"id": 85746065432, "password": "", "settings": {"meeting_authentication": true}}`, mustRead: true},
		"agreeing with what is doubted":          {row: known(func(m *store.Meeting) { cleared(m); m.MustRead = true }), at: 60, object: `{"id": 85746065432, "password": ""}`, mustRead: true},
		"the echo during a repair":               {row: known(func(m *store.Meeting) { m.MustRead = true }), at: 60, object: `{"id": 85746065432, "password": ""}`, came: arrival{repairUnderWay: true}, nothingNew: true, mustRead: true},
		"a passcode during a repair":             {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "new"}`, came: arrival{repairUnderWay: true}, mustRead: true},
		"moved, the passcode agreeing":           {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "s3cret", "start_time": "2026-12-24T10:00:00Z"}`, came: arrival{knownPasscode: "s3cret"}, mustRead: true},
		"longer, the passcode agreeing":          {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "s3cret", "duration": 90}`, came: arrival{knownPasscode: "s3cret"}, mustRead: true},
		"moved during a repair":                  {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "", "start_time": "2026-12-24T10:00:00Z"}`, came: arrival{repairUnderWay: true}, mustRead: true},
		"older than what was read, by one clock": {row: known(nil), at: -3600, object: `{"id": 85746065432, "topic": "Old"}`, mustRead: true},
		"older, a passcode that is not known":    {row: known(nil), at: -3600, object: `{"id": 85746065432, "password": "0ther"}`, came: arrival{knownPasscode: "s3cret"}, mustRead: true},
		"older, the passcode that is known":      {row: known(nil), at: -3600, object: `{"id": 85746065432, "password": "s3cret"}`, came: arrival{knownPasscode: "s3cret"}, nothingNew: true},
		"the waiting room off during a repair":   {row: known(func(m *store.Meeting) { m.MustRead = true }), at: 60, object: `{"id": 85746065432, "password": "", "settings": {"waiting_room": false}}`, came: arrival{repairUnderWay: true}, mustRead: true},
		"older, but clocks differ":               {row: known(nil), at: -9, object: `{"id": 85746065432, "topic": "Old"}`, mustRead: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, obj := sent(t, zoom.EventMeetingUpdated, c.at, map[string]any{"scope": "all"}, c.object)
			c.came.now = env.At
			got := merge(c.row, env, obj, c.came)
			if got.nothingNew != c.nothingNew || got.meeting.MustRead != c.mustRead {
				t.Errorf("nothing new %v, must read %v; want %v, %v", got.nothingNew, got.meeting.MustRead, c.nothingNew, c.mustRead)
			}
			// A diff never decides by itself what the meeting is like.
			if got.passcode != nil || got.meeting.Passcode != c.row.Passcode || got.meeting.WaitingRoom != c.row.WaitingRoom || !got.meeting.ObservedAt.Equal(c.row.ObservedAt) || got.meeting.Status != c.row.Status {
				t.Errorf("the row became %+v", got.meeting)
			}
		})
	}
}

func TestSightDeleted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row               store.Meeting
		at                int
		operation         string
		deleted, mustRead bool
	}{
		"all":                           {row: known(nil), at: 60, operation: "all", deleted: true},
		"not said which":                {row: known(nil), at: 60, mustRead: true},
		"said in another word":          {row: known(nil), at: 60, operation: "SINGLE", mustRead: true},
		"one occurrence":                {row: known(nil), at: 60, operation: "single", mustRead: true},
		"not known before":              {row: unheard(), at: 60, operation: "all", deleted: true, mustRead: true},
		"seen alive after it":           {row: known(nil), at: -11, operation: "all", mustRead: true},
		"seen alive, but clocks differ": {row: known(nil), at: -9, operation: "all", mustRead: true},
		"seen alive just before":        {row: known(nil), at: 9, operation: "all", mustRead: true},
		"an event since":                {row: known(func(m *store.Meeting) { m.EventAt = noon.Add(90 * time.Second) }), at: 60, operation: "all", mustRead: true},
		"an event at the same time":     {row: known(func(m *store.Meeting) { m.EventAt = noon.Add(60 * time.Second) }), at: 60, operation: "all", mustRead: true},
		"twice":                         {row: known(func(m *store.Meeting) { m.Status = passcode.StatusDeleted }), at: 60, operation: "all", deleted: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, obj := sent(t, zoom.EventMeetingDeleted, c.at, map[string]any{"operation": c.operation}, `{"id": 85746065432}`)
			got := merge(c.row, env, obj, arrival{now: env.At})
			wantStored := "-"
			if c.deleted {
				wantStored = ""
			}
			if said := !c.deleted && c.operation != "single"; got.meeting.SaidGone != said {
				t.Errorf("an event said that it is gone: %v, want %v", got.meeting.SaidGone, said)
			}
			if (got.meeting.Status == passcode.StatusDeleted) != c.deleted || got.meeting.MustRead != c.mustRead || stored(got.passcode) != wantStored || got.nothingNew {
				t.Errorf("status %q, must read %v, stored %q, nothing new %v; want deleted %v, must read %v", got.meeting.Status, got.meeting.MustRead, stored(got.passcode), got.nothingNew, c.deleted, c.mustRead)
			}
		})
	}
}

func TestSightTakesTheSchedule(t *testing.T) {
	t.Parallel()
	day := func(d, h, m int) time.Time { return time.Date(2026, 11, d, h, m, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		row         store.Meeting
		at          int
		object      string
		start, ends time.Time
	}{
		"start and duration": {unheard(), 0, fullObject, tomorrow, tomorrow.Add(time.Hour)},
		"a series, one date cancelled": {unheard(), 0, `{"id": 85746065432, "type": 8, "start_time": "2026-11-24T10:00:00Z", "duration": 30, "occurrences": [
			{"start_time": "2026-11-24T10:00:00Z", "duration": 30, "status": "available"}, {"start_time": "2026-11-26T10:00:00Z", "duration": 30, "status": "available"},
			{"start_time": "2026-11-28T10:00:00Z", "duration": 30, "status": "deleted"}]}`, day(24, 10, 0), day(26, 10, 30)},
		"a series without a start": {unheard(), 0, `{"id": 85746065432, "type": 8, "occurrences": [{"start_time": "2026-11-24T10:00:00Z", "duration": 30},
			{"start_time": "2026-11-25T10:00:00Z", "duration": 30}]}`, day(24, 10, 0), day(25, 10, 30)},
		"no fixed time":          {unheard(), 0, `{"id": 85746065432, "type": 3}`, time.Time{}, time.Time{}},
		"instant ends some time": {unheard(), 0, `{"id": 85746065432, "type": 1}`, time.Time{}, noon.Add(30 * time.Hour)},
		"moved keeps its length": {known(nil), 60, `{"id": 85746065432, "start_time": "2026-11-30T08:00:00Z"}`, day(30, 8, 0), day(30, 9, 0)},
		"a duration of nonsense": {unheard(), 0, `{"id": 85746065432, "type": 2, "start_time": "2026-11-24T10:00:00Z", "duration": 99999999999}`, tomorrow, tomorrow.Add(24 * time.Hour)},
		"a negative duration":    {unheard(), 0, `{"id": 85746065432, "type": 2, "start_time": "2026-11-24T10:00:00Z", "duration": -5}`, tomorrow, tomorrow},
		"late does not move it":  {known(nil), -5, `{"id": 85746065432, "start_time": "2026-11-30T08:00:00Z"}`, tomorrow, tomorrow.Add(time.Hour)},
		"late fills what is missing": {known(func(m *store.Meeting) { m.Starts, m.Ends = time.Time{}, time.Time{} }), -5,
			`{"id": 85746065432, "start_time": "2026-11-30T08:00:00Z", "duration": 15}`, day(30, 8, 0), day(30, 8, 15)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			name := zoom.EventMeetingUpdated
			if c.row.ObservedAt.IsZero() {
				name = zoom.EventMeetingCreated
			}
			env, obj := sent(t, name, c.at, nil, c.object)
			got := merge(c.row, env, obj, arrival{now: env.At}).meeting
			if !got.Starts.Equal(c.start) || !got.Ends.Equal(c.ends) {
				t.Errorf("from %v to %v, want from %v to %v", got.Starts, got.Ends, c.start, c.ends)
			}
		})
	}
}

// An event that does not say when it happened happened when it was received.
func TestSightWithoutATime(t *testing.T) {
	t.Parallel()
	env, obj := sent(t, zoom.EventMeetingCreated, 0, nil, fullObject)
	env.At = time.Time{}
	for name, c := range map[string]struct {
		received, observed time.Duration
		mustRead           bool
	}{
		"received just now":                    {0, 0, false},
		"received a day ago, and waited":       {-24 * time.Hour, -24 * time.Hour, true},
		"received by a clock an hour too fast": {time.Hour, 0, false},
	} {
		got := merge(unheard(), env, obj, arrival{now: noon, receivedAt: noon.Add(c.received)})
		if !got.meeting.ObservedAt.Equal(noon.Add(c.observed)) || got.meeting.MustRead != c.mustRead {
			t.Errorf("%s: observed at %v, must read %v", name, got.meeting.ObservedAt, got.meeting.MustRead)
		}
	}
}

func TestPlausible(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ at, want time.Time }{
		"a moment ago":              {noon.Add(-time.Second), noon.Add(-time.Second)},
		"85 minutes ago, a retry":   {noon.Add(-85 * time.Minute), noon.Add(-85 * time.Minute)},
		"clocks differ":             {noon.Add(skew), noon.Add(skew)},
		"to come":                   {noon.Add(skew + time.Second), noon},
		"microseconds taken for ms": {time.UnixMilli(noon.UnixMicro()), noon},
		"the largest number":        {time.UnixMilli(1<<63 - 1), noon},
		"the smallest number":       {time.UnixMilli(-1 << 63), time.Time{}},
		"a counter, not a time":     {time.Unix(17, 0), time.Time{}},
		"not said":                  {time.Time{}, time.Time{}},
	} {
		if got := plausible(c.at, noon); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestAnyLaterEventBringsAMeetingBack: whatever said that a meeting is gone, an
// event that happened after it says that it is not.
func TestAnyLaterEventBringsAMeetingBack(t *testing.T) {
	t.Parallel()
	deleted := func(m *store.Meeting) { m.Status, m.EventAt = passcode.StatusDeleted, noon }
	ended := func(m *store.Meeting) { m.Status, m.EventAt = passcode.StatusEnded, noon }
	notFound := func(m *store.Meeting) {
		m.Status, m.NotFound, m.Misses, m.MissingSince = passcode.StatusDeleted, true, 3, noon
	}
	for name, c := range map[string]struct {
		row   store.Meeting
		event string
		at    int
		back  bool
	}{
		"updated after it was deleted":               {known(deleted), zoom.EventMeetingUpdated, 60, true},
		"created after it was deleted":               {known(deleted), zoom.EventMeetingCreated, 60, true},
		"ended after it was deleted":                 {known(deleted), zoom.EventMeetingEnded, 60, true},
		"an instant meeting updated after it ended":  {known(ended), zoom.EventMeetingUpdated, 60, true},
		"an instant meeting updated before it ended": {known(ended), zoom.EventMeetingUpdated, -60, false},
		"recovered":                                       {known(deleted), zoom.EventMeetingBack, 60, true},
		"recovered, by an event that comes late":          {known(deleted), zoom.EventMeetingBack, -60, true},
		"updated at the very time of the deletion":        {known(deleted), zoom.EventMeetingUpdated, 0, true},
		"updated before it was deleted":                   {known(deleted), zoom.EventMeetingUpdated, -60, false},
		"updated after Zoom did not find it":              {known(notFound), zoom.EventMeetingUpdated, 60, true},
		"updated, by a clock before Zoom did not find it": {known(notFound), zoom.EventMeetingUpdated, -60, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env, obj := sent(t, c.event, c.at, map[string]any{"operation": "all"}, fullObject)
			got := merge(c.row, env, obj, arrival{now: env.At})
			if back := got.meeting.Status == passcode.StatusScheduled && !got.nothingNew; back != c.back {
				t.Errorf("status %q, nothing new %t; want back %t", got.meeting.Status, got.nothingNew, c.back)
			}
			if c.back && c.event != zoom.EventMeetingCreated && !got.meeting.MustRead {
				t.Error("it is believed without a read")
			}
		})
	}
}

// TestAPasscodeEndsOurPart: a meeting that has a passcode again is not open
// because of us any more.
func TestAPasscodeEndsOurPart(t *testing.T) {
	t.Parallel()
	env, obj := sent(t, zoom.EventMeetingCreated, 60, nil, fullObject)
	got := merge(known(func(m *store.Meeting) { m.Stripped = true }), env, obj, arrival{now: env.At})
	if got.meeting.Stripped || got.meeting.Unrestorable {
		t.Errorf("%+v", got.meeting)
	}
	env, obj = sent(t, zoom.EventMeetingCreated, 60, nil, strings.Replace(fullObject, "s3cret", "a!b#c", 1))
	if got := merge(unheard(), env, obj, arrival{now: env.At}); !got.meeting.Unrestorable {
		t.Error("a passcode that no update takes is taken for one that could be put back")
	}
}

// TestWhoPutItOn: the operator of the event that names a passcode is who put it on a
// meeting that was seen without, and nobody else is.
func TestWhoPutItOn(t *testing.T) {
	t.Parallel()
	without := func(m *store.Meeting) { m.Passcode, m.PasscodeReadable, m.SeenWithout = passcode.Off, false, noon }
	since := func(m *store.Meeting) { m.SeenWithout = noon.Add(-time.Hour) }
	by := func(who string, at int) func(*store.Meeting) {
		return func(m *store.Meeting) { since(m); m.SetBy, m.SetAt = who, noon.Add(time.Duration(at)*time.Second) }
	}
	const given = `{"id": 85746065432, "password": "s3cret"}`
	known1 := arrival{knownPasscode: "s3cret"}
	for name, c := range map[string]struct {
		row    store.Meeting
		at     int
		object string
		old    string
		came   arrival
		want   string
	}{
		"it had none":                                 {row: known(without), at: 60, object: given, want: "bob"},
		"the passcode is not named":                   {row: known(without), at: 60, object: `{"id": 85746065432, "topic": "New"}`},
		"none is named":                               {row: known(without), at: 60, object: `{"id": 85746065432, "password": ""}`},
		"while a change of ours is under way":         {row: known(without), at: 60, object: given, came: arrival{repairUnderWay: true}},
		"before it was seen without":                  {row: known(without), at: -60, object: given},
		"it was never seen without":                   {row: known(nil), at: 60, object: `{"id": 85746065432, "password": "0ther"}`},
		"read before the event came":                  {row: known(since), at: -60, object: given, came: known1, want: "bob"},
		"read just before, by another clock":          {row: known(since), at: 5, object: given, came: known1, want: "bob"},
		"another one, just after it was read":         {row: known(since), at: 5, object: `{"id": 85746065432, "password": "0ther"}`, came: known1},
		"another one, later":                          {row: known(since), at: 3600, object: `{"id": 85746065432, "password": "0ther"}`, came: known1},
		"in place of another":                         {row: known(without), at: 60, object: given, old: `{"id": 85746065432, "password": "bef0re"}`},
		"in place of none":                            {row: known(without), at: 60, object: given, old: `{"id": 85746065432, "password": ""}`, want: "bob"},
		"somebody was named already":                  {row: known(by("amy", -90)), at: -60, object: given, want: "amy"},
		"somebody was named who did it later":         {row: known(by("amy", -30)), at: -60, object: given, want: "bob"},
		"none is named, somebody was":                 {row: known(by("amy", 30)), at: 60, object: `{"id": 85746065432, "password": ""}`},
		"none is named, before somebody was":          {row: known(by("amy", 90)), at: 60, object: `{"id": 85746065432, "password": ""}`, want: "amy"},
		"latchkey removed the one amy had set":        {row: known(func(m *store.Meeting) { by("amy", -90)(m); m.Passcode, m.Stripped = passcode.Off, true }), at: 60, object: given, want: "bob"},
		"latchkey removed it, and the event is older": {row: known(func(m *store.Meeting) { by("amy", -90)(m); m.Passcode, m.Stripped = passcode.Off, true }), at: -30, object: given, want: "amy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			payload := map[string]any{}
			if c.old != "" {
				payload["old_object"] = json.RawMessage(c.old)
			}
			env, obj := sent(t, zoom.EventMeetingUpdated, c.at, payload, c.object)
			c.came.now, c.came.operator = env.At, "bob"
			got := merge(c.row, env, obj, c.came)
			if got.meeting.SetBy != c.want {
				t.Errorf("set by %q, want %q", got.meeting.SetBy, c.want)
			}
			if c.want == "bob" && (got.nothingNew || !got.meeting.MustRead || !got.meeting.SetAt.Equal(env.At)) {
				t.Errorf("nothing new %v, must read %v, set at %v", got.nothingNew, got.meeting.MustRead, got.meeting.SetAt)
			}
		})
	}
	env, obj := sent(t, zoom.EventMeetingCreated, 0, nil, strings.Replace(fullObject, "s3cret", "", 1))
	if got := merge(unheard(), env, obj, arrival{now: env.At, embeds: passcode.On}).meeting; !got.SeenWithout.Equal(noon) {
		t.Errorf("made without a passcode: seen without at %v", got.SeenWithout)
	}
	if got := merge(unheard(), env, obj, arrival{now: env.At, embeds: passcode.Off}).meeting; !got.SeenWithout.IsZero() {
		t.Errorf("not believed, and seen without at %v", got.SeenWithout)
	}
}
