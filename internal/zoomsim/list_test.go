package zoomsim

import (
	"testing"
	"time"
)

func TestListMeetings(t *testing.T) {
	t.Parallel()
	s := start(t, oneHost)
	for i := range 5 {
		at := At(s.clock.now().Add(time.Duration(i+1) * time.Hour))
		if _, err := s.CreateMeeting(t.Context(), "host", MeetingRequest{StartTime: at, Duration: 30, Password: WithPasscode("abc123")}); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.add(100 * time.Minute) // the first is over, and so is the token
	s.login("")
	var ids []any
	token, pages := "", 0
	for {
		a := s.want(200, "GET", "/users/host@example.com/meetings?type=upcoming_meetings&page_size=3&next_page_token="+token, nil)
		pages++
		for _, row := range a.body["meetings"].([]any) {
			if _, has := row.(obj)["password"]; has {
				t.Error("a list row carries a password")
			}
			ids = append(ids, row.(obj)["id"])
		}
		if token = a.body["next_page_token"].(string); token == "" {
			break
		}
	}
	if len(ids) != 4 || pages != 2 {
		t.Errorf("%d meetings on %d pages", len(ids), pages)
	}
	if n := s.get("/users/host/meetings?type=scheduled").body["total_records"]; n != 5.0 {
		t.Errorf("scheduled: %v", n)
	}
	if n := s.get("/users/host/meetings?type=live").body["total_records"]; n != 0.0 {
		t.Errorf("live: %v", n)
	}
}
