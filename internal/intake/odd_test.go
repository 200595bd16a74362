package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"latchkey/internal/zoom"
)

// wholeEvent is an event of the kind as Zoom documents it, about a meeting, a
// host and a group of those ids.
func wholeEvent(kind string, meeting int64, host, group string) map[string]any {
	operator := map[string]any{"account_id": "acc", "operator": "anna@example.com", "operator_id": "o", "operation": "all"}
	meetingObject := map[string]any{"id": meeting, "uuid": "u", "host_id": host, "topic": "T", "type": 2, "start_time": "2099-11-24T10:00:00Z", "duration": 60,
		"timezone": "UTC", "join_url": "https://zoom.us/j/85746065432", "password": "s3cret", "settings": map[string]any{"use_pmi": false, "waiting_room": true}}
	settings := map[string]any{"meeting_security": map[string]any{"meeting_password": true}, "schedule_meeting": map[string]any{"require_password_for_scheduled_meetings": true}}
	switch {
	case aboutMeeting(kind):
		operator["object"] = meetingObject
	case kind == "user.settings_updated":
		operator["object"] = map[string]any{"id": host, "settings": settings}
		operator["old_object"] = map[string]any{"id": host, "settings": settings}
	case strings.HasPrefix(kind, "user."):
		operator["object"] = map[string]any{"id": host, "email": "h@example.com", "type": 2, "pmi": 5551112222}
	case strings.HasPrefix(kind, "group.member"):
		operator["object"] = map[string]any{"id": group, "members": []any{map[string]any{"id": host, "email": "h@example.com"}}}
	case strings.HasPrefix(kind, "group."):
		operator["object"] = map[string]any{"id": group, "settings": settings}
	default:
		operator["object"] = map[string]any{"id": "acc", "settings": settings}
	}
	return map[string]any{"event": kind, "event_ts": time.Now().UnixMilli(), "payload": operator}
}

func aboutMeeting(kind string) bool {
	return strings.HasPrefix(kind, "meeting.") || strings.HasPrefix(kind, "webinar.")
}

// paths are the paths to every value in v, containers included.
func paths(v any, prefix ...string) [][]string {
	var all [][]string
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			at := append(slices.Clone(prefix), key)
			all = append(append(all, at), paths(v[key], at...)...)
		}
	case []any:
		for i := range v {
			at := append(slices.Clone(prefix), fmt.Sprint(i))
			all = append(append(all, at), paths(v[i], at...)...)
		}
	}
	return all
}

type missing struct{}

// with is v with the value at the path replaced.
func with(v any, path []string, value any) any {
	if len(path) == 0 {
		return value
	}
	switch v := v.(type) {
	case map[string]any:
		out := maps.Clone(v)
		out[path[0]] = with(v[path[0]], path[1:], value)
		if _, gone := out[path[0]].(missing); gone {
			delete(out, path[0])
		}
		return out
	case []any:
		out := slices.Clone(v)
		i := int(path[0][0] - '0')
		if out[i] = with(v[i], path[1:], value); out[i] == (missing{}) {
			out = slices.Delete(out, i, i+1)
		}
		return out
	}
	return v
}

// TestOddFieldsOfEveryKind: each field of each kind of event is missing, or of
// another type than documented. Where it can be told whom the event is about,
// they are to be read, or what is known of them is what the event says; where
// not, it is dead-lettered. No field costs more than itself.
func TestOddFieldsOfEveryKind(t *testing.T) {
	t.Parallel()
	in, url := newTenants(t, "acc")
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	odd := []any{missing{}, nil, "words", "", 7, 1e300, true, []any{}, map[string]any{"id": map[string]any{}}}
	n, dead := 0, 0
	for _, kind := range Kinds() {
		if kind.Name == zoom.EventAppRemoved {
			continue // it says nothing but whose: TestTheAppIsRemoved
		}
		probe := wholeEvent(kind.Name, 0, "", "")
		for _, path := range paths(probe) {
			if path[0] == "event" {
				continue
			}
			for _, value := range odd {
				n++
				// What is left of those before would be marked some at a time.
				if _, err := conn.Exec(t.Context(), `WITH h AS (DELETE FROM hosts), f AS (DELETE FROM fanouts) DELETE FROM meetings`); err != nil {
					t.Fatal(err)
				}
				meeting, host, group := int64(80000000000+n), fmt.Sprint("h", n), fmt.Sprint("g", n)
				if !aboutMeeting(kind.Name) {
					// A meeting that was read, of a host who was read and is in the group.
					if _, err := conn.Exec(t.Context(), `WITH h AS (INSERT INTO hosts (account_id, host_id, email, group_ids, read_at) VALUES ('acc', $2, 'h@example.com', ARRAY[$3], now()))
						INSERT INTO meetings (account_id, meeting_id, host_id, must_read, observed_at) VALUES ('acc', $1, $2, false, now() - interval '1 hour')`, meeting, host, group); err != nil {
						t.Fatal(err)
					}
				}
				event := with(wholeEvent(kind.Name, meeting, host, group), path, value)
				body, err := json.Marshal(event)
				if err != nil {
					t.Fatal(err)
				}
				name := fmt.Sprintf("%s, %s = %v", kind.Name, strings.Join(path, "."), value)
				_, err = in.recordOne(t.Context(), Event{ID: fmt.Sprint(n), Body: body, ReceivedAt: time.Now()})
				var unusable unusableError
				if err != nil && !errors.As(err, &unusable) {
					t.Fatalf("%s: %v", name, err)
				}
				// Whose it is stands in the ids alone; the rest may be anything.
				at := strings.Join(path, ".")
				about := slices.Contains([]string{"payload", "payload.object", "payload.object.id", "payload.account_id"}, at) ||
					strings.HasPrefix(kind.Name, "group.member") && strings.HasPrefix(at, "payload.object.members")
				if err != nil {
					if dead++; !about {
						t.Errorf("%s: dead-lettered: %v", name, err)
					}
					continue
				}
				if about {
					continue // another subject, or another account, was named
				}
				var got string
				err = conn.QueryRow(t.Context(), `SELECT concat_ws(' ', must_read OR moved > 0, passcode, (SELECT passcode FROM passcodes p WHERE p.account_id = m.account_id AND p.meeting_id = m.meeting_id AND state = 'current'))
					FROM meetings m WHERE account_id = 'acc' AND meeting_id = $1`, meeting).Scan(&got)
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				ends := kind.Name == "meeting.deleted" || kind.Name == "meeting.permanently_deleted" || kind.Name == "meeting.started"
				silent := kind.Name == "user.updated"                                             // it says nothing that matters where these are away
				otherwise := at == "payload.object.password" && kind.Name == "meeting.created" && // what it says is believed
					(got == fmt.Sprintf("f on %v", value) || got == "f off" && (value == nil || value == "" || value == missing{}))
				other := at == "payload.object.settings" && fmt.Sprint(value) == "map[id:map[]]" // settings, and none that decides
				if !strings.HasPrefix(got, "t ") && got != "f on s3cret" && !(ends && got != "") && !silent && !otherwise && !other {
					t.Errorf("%s: left as %q: neither to be read, nor as the event says", name, got)
				}
			}
		}
	}
	t.Logf("%d events, %d of them dead-lettered", n, dead)
	if dead == 0 || n < 1000 {
		t.Errorf("%d events, %d dead: the table is not what it was", n, dead)
	}
}
