package zoomsim

import (
	"fmt"
	"testing"
)

func TestJoin(t *testing.T) {
	t.Parallel()
	s := start(t, `
accounts:
  - id: acct
    plan: enterprise
    hosts:
      - id: host
        meetings:
          - {id: 81000000001, starts_in: 1h, waiting_room: true}
          - {id: 81000000002, starts_in: 1h, waiting_room: true, password: abc123}
          - {id: 81000000003, starts_in: 1h, meeting_authentication: true}
          - {id: 81000000004, starts_in: 1h}
          - {id: 81000000005, starts_in: 1h, started: true}
          - {id: 81000000006, starts_in: 1h}
`)
	if err := s.EndMeeting(t.Context(), 81000000005); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteMeeting(t.Context(), 81000000006); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, passcode string
		id             int64
		want           JoinResult
	}{
		{"waiting room alone", "", 1, JoinResult{Outcome: "joinable", WaitingRoom: true, Holds: HoldsEveryone, Result: "waiting_room"}},
		{"a passcode nobody gave", "", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Holds: HoldsEveryone, Result: "passcode_required", ErrorCode: 3004}},
		{"a wrong passcode", "abc124", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Holds: HoldsEveryone, Result: "passcode_wrong", ErrorCode: 3004}},
		{"the right one", "abc123", 2, JoinResult{Outcome: "demands_passcode", AsksPasscode: true, WaitingRoom: true, Holds: HoldsEveryone, Result: "waiting_room"}},
		{"authentication", "", 3, JoinResult{Outcome: "joinable", Authentication: true, Result: "sign_in_required"}},
		{"nothing on", "", 4, JoinResult{Outcome: "joinable", Unsecured: true, Result: "joined"}},
		{"ended", "", 5, JoinResult{Outcome: "ended", Result: "not_found"}},
		{"deleted", "", 6, JoinResult{Outcome: "not_found", Result: "not_found"}},
		{"never made", "", 7, JoinResult{Outcome: "not_found", Result: "not_found"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.want.MeetingID = fmt.Sprint(81000000000 + c.id)
			if got := s.Join(81000000000+c.id, c.passcode); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
