package zoomsim

import "strconv"

// The outcomes and results of a join. Outcome says what the meeting demands
// of anybody; Result what this joiner met.
const (
	OutcomeDemandsPasscode = "demands_passcode"
	OutcomeJoinable        = "joinable"
	OutcomeNotFound        = "not_found"
	OutcomeEnded           = "ended"

	ResultWaitingRoom      = "waiting_room"
	ResultJoined           = "joined"
	ResultSignInRequired   = "sign_in_required"
	ResultPasscodeRequired = "passcode_required"
	ResultPasscodeWrong    = "passcode_wrong"
	ResultNotFound         = "not_found"
)

// errPasscodeWrong is the Web SDK's "Passcode wrong" (Z-JOIN-2).
const errPasscodeWrong = 3004

// JoinResult is what a joiner of the Web SDK meets who types the number, with
// or without a passcode and not signed in.
type JoinResult struct {
	MeetingID      string `json:"meeting_id"`
	Outcome        string `json:"outcome"`
	AsksPasscode   bool   `json:"asks_passcode"`
	WaitingRoom    bool   `json:"waiting_room"`
	Authentication bool   `json:"authentication"`
	Unsecured      bool   `json:"unsecured"` // none of the three options is on
	Result         string `json:"result"`
	ErrorCode      int    `json:"error_code,omitempty"`
}

// Join says what a joiner meets; it changes nothing.
func (s *Server) Join(meetingID int64, passcode string) JoinResult {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := JoinResult{MeetingID: strconv.FormatInt(meetingID, 10), Outcome: OutcomeNotFound, Result: ResultNotFound}
	m := s.world.typed(meetingID, s.now())
	switch {
	case m == nil || m.Deleted:
		return j
	case m.Status == statusEnded:
		j.Outcome = OutcomeEnded
		return j
	}
	m = m.athand(s.now())
	want := s.world.passcodeOf(m)
	j.AsksPasscode, j.WaitingRoom, j.Authentication = want != "", m.WaitingRoom, m.Authentication
	j.Unsecured = !j.AsksPasscode && !j.WaitingRoom && !j.Authentication
	j.Outcome = OutcomeJoinable
	if j.AsksPasscode {
		j.Outcome = OutcomeDemandsPasscode
	}
	switch {
	case want != "" && passcode == "":
		j.Result, j.ErrorCode = ResultPasscodeRequired, errPasscodeWrong
	case want != "" && passcode != want:
		j.Result, j.ErrorCode = ResultPasscodeWrong, errPasscodeWrong
	case m.Authentication:
		j.Result = ResultSignInRequired
	case m.WaitingRoom:
		j.Result = ResultWaitingRoom
	default:
		j.Result = ResultJoined
	}
	return j
}
