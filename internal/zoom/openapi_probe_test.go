package zoom_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"latchkey/internal/passcode"
	"latchkey/internal/probe"
	"latchkey/internal/zoom"
)

// recorder is a Zoom that does what it is asked and keeps the bodies.
type recorder struct {
	creates, patches []any
	m                zoom.Meeting
}

func (r *recorder) keep(to *[]any, body map[string]any) {
	raw, err := json.Marshal(body)
	var v any
	if err == nil {
		err = json.Unmarshal(raw, &v)
	}
	if err != nil {
		panic(err)
	}
	*to = append(*to, v)
}

func (r *recorder) CreateMeeting(_ context.Context, _ string, body map[string]any) (zoom.Meeting, zoom.Budget, error) {
	r.keep(&r.creates, body)
	r.m.ID++
	return r.m, zoom.Budget{}, nil
}

func (r *recorder) GetMeeting(context.Context, zoom.MeetingID) (zoom.Meeting, error) {
	m := r.m
	m.Password = "s3cret"
	m.Occurrences = []zoom.Occurrence{{ID: "1"}, {ID: "2"}}
	return m, nil
}

func (r *recorder) GetOccurrence(context.Context, zoom.MeetingID, string) (zoom.Meeting, error) {
	return r.m, nil
}

func (r *recorder) PatchMeetingBody(_ context.Context, _ zoom.MeetingID, _ string, body map[string]any) error {
	r.keep(&r.patches, body)
	return nil
}

func (r *recorder) DeleteMeeting(context.Context, zoom.MeetingID) error { return nil }

// TestProbeBodiesAreZooms: whatever a probe asks for is documented as it asks for
// it, but for a null passcode, which is what one of its questions is about.
func TestProbeBodiesAreZooms(t *testing.T) {
	t.Parallel()
	doc := document(t, "meetings.json")
	r := &recorder{}
	if _, err := probe.Run(t.Context(), r, probe.Host{ID: "h", Passcode: passcode.Setting{Value: passcode.On, Lock: passcode.Off}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if len(r.creates) != probe.Meetings || len(r.patches) < 4 {
		t.Errorf("%d creates, %d updates: not all of them", len(r.creates), len(r.patches))
	}
	for path, bodies := range map[[2]string][]any{{"/users/{userId}/meetings", "post"}: r.creates, {"/meetings/{meetingId}", "patch"}: r.patches} {
		schema := dig(doc, "paths", path[0], path[1], "requestBody", "content", "application/json", "schema")
		if schema == nil {
			t.Fatalf("Zoom documents no body of %v", path)
		}
		for _, body := range bodies {
			for _, m := range misfits(schema, body, "body") {
				if !strings.HasPrefix(m, "body.password is a null") {
					t.Errorf("%s: %s", path[1], m)
				}
			}
		}
	}
}
