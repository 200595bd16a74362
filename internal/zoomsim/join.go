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

// Joining is how somebody joins by the Web SDK. The zero value is an outsider
// without a passcode.
type Joining struct {
	Passcode string
	Who      Joiner
	// OccurrenceID is the date of a series; "" is the one that runs or comes
	// next.
	OccurrenceID string
}

// JoinResult is what a joiner of the Web SDK meets.
type JoinResult struct {
	MeetingID      string `json:"meeting_id"`
	Outcome        string `json:"outcome"`
	AsksPasscode   bool   `json:"asks_passcode"`
	WaitingRoom    bool   `json:"waiting_room"`
	Holds          string `json:"waiting_room_holds,omitempty"` // whom the waiting room holds
	Authentication bool   `json:"authentication"`
	Unsecured      bool   `json:"unsecured"` // none of the three options is on
	Result         string `json:"result"`
	ErrorCode      int    `json:"error_code,omitempty"`
}

// Join says what somebody meets who types the number, with or without a
// passcode, and is not signed in; it changes nothing.
func (s *Server) Join(meetingID int64, passcode string) JoinResult {
	j, _ := s.JoinAs(meetingID, Joining{Passcode: passcode}) // nothing in it can be unknown
	return j
}

// JoinAs says what a certain joiner meets; it changes nothing. An unknown kind
// of joiner and an unknown date are errors.
func (s *Server) JoinAs(meetingID int64, by Joining) (JoinResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := JoinResult{MeetingID: strconv.FormatInt(meetingID, 10), Outcome: OutcomeNotFound, Result: ResultNotFound}
	if !by.Who.valid() {
		return j, invalid("who", "Invalid field.")
	}
	m := s.world.typed(meetingID, s.now())
	switch {
	case m == nil || m.Deleted:
		return j, nil
	case m.Status == statusEnded:
		j.Outcome = OutcomeEnded
		return j, nil
	case by.OccurrenceID == "":
		m = m.athand(s.now())
	default:
		i, err := m.occurrenceAt(by.OccurrenceID)
		if err != nil {
			return j, err
		}
		m = m.dated(i)
	}
	want := s.world.passcodeOf(m)
	j.AsksPasscode, j.WaitingRoom, j.Holds, j.Authentication = want != "", m.WaitingRoom, m.holds(), m.Authentication
	j.Unsecured = !j.AsksPasscode && !j.WaitingRoom && !j.Authentication
	j.Outcome = OutcomeJoinable
	if j.AsksPasscode {
		j.Outcome = OutcomeDemandsPasscode
	}
	switch {
	case want != "" && by.Passcode == "":
		j.Result, j.ErrorCode = ResultPasscodeRequired, errPasscodeWrong
	case want != "" && by.Passcode != want:
		j.Result, j.ErrorCode = ResultPasscodeWrong, errPasscodeWrong
	case m.Authentication && !by.Who.signedIn():
		j.Result = ResultSignInRequired
	case by.Who.waits(j.Holds):
		j.Result = ResultWaitingRoom
	default:
		j.Result = ResultJoined
	}
	return j, nil
}
