package admin

import (
	"context"
	"fmt"

	"latchkey/internal/invite"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// Pasted is what was pasted in place of a meeting number, judged as that link.
type Pasted struct {
	invite.Invite
	// Says is what whoever uses that very link meets; "" for a number alone, and for
	// a meeting that is over.
	Says string `json:"says,omitempty"`
}

// Judge adds what whoever uses the pasted link meets, as far as that can be told
// from what is recorded: no passcode of a link is ever looked at.
func (e *Explanation) Judge(in invite.Invite) {
	e.Pasted = &Pasted{Invite: in, Says: e.linkSays(in)}
}

func (e *Explanation) linkSays(in invite.Invite) string {
	switch {
	case in.Page == invite.PageNone, e.Outcome == passcode.OutcomeGone:
		return ""
	case in.Page == invite.PageStart:
		return "The link that was pasted starts the meeting and is the host's: people join by the invitation's link, not by this one."
	case in.Passcode == invite.CarriedYes:
		return e.carrying(in.Page)
	}
	missing := "This link carries no passcode"
	if in.Passcode == invite.CarriedCut {
		missing = "The passcode of this link was cut off (nothing follows pwd=)"
	}
	switch {
	case e.Passcode == passcode.Off:
		return missing + ", and none is asked for."
	case e.Passcode == passcode.Unknown:
		return missing + ": whoever uses it is asked, if the meeting has one."
	case in.Page == invite.PageWeb:
		// Z-JOIN-6: one meeting, two answers.
		return missing + " and leads to the browser's page, so whoever uses it is asked, even where the app is let in by the invitation's link."
	}
	return missing + ", so whoever uses it is asked."
}

// carrying is what a link with a passcode is worth.
func (e *Explanation) carrying(page invite.Page) string {
	switch e.Passcode {
	case passcode.Off: // Z-CODE-10, which Zoom does not say
		return "This link carries a passcode although the meeting has none: it lets people in all the same, as far as is known."
	case passcode.Unknown:
		return "This link carries a passcode; whether the meeting asks for one, and for this one, is not known."
	}
	s := "This link carries a passcode; whether it is still the current one cannot be told."
	if n := len(e.Rotated); n > 0 { // Z-CODE-9
		s = fmt.Sprintf("This link carries a passcode, and the meeting's became another one at %s: whoever uses a link from before that is refused; whether this one is current cannot be told.",
			e.Rotated[n-1].SeenAt.UTC().Format("2006-01-02 15:04:05Z"))
	}
	if page == invite.PageApp { // Z-JOIN-6
		s += " If it is, the app is let in; the page that joins in the browser may ask all the same."
	}
	return s
}

// whyRoom says why the meeting's waiting room is on, from the host's settings, the
// locks above them and what latchkey did.
func whyRoom(ctx context.Context, s *store.Store, st store.Story) (passcode.RoomWhy, error) {
	var host passcode.Host
	if st.Meeting.WaitingRoom != passcode.On {
		return passcode.RoomWhy{}, nil
	}
	if st.Host.ID != "" {
		levels, err := levelsOf(ctx, s, st.Host)
		if err != nil {
			return passcode.RoomWhy{}, err
		}
		host = levels.Host()
	}
	var ours passcode.RoomRepair
	for _, r := range st.Repairs {
		if r.Result == store.RepairHeld && r.AskedWaitingRoom && (r.Remedy == passcode.RemedyClear || r.Remedy == passcode.RemedySecure) {
			ours = passcode.RoomRepair{Remedy: r.Remedy, At: r.EndedAt}
		}
	}
	return passcode.WhyWaitingRoom(st.Meeting.Meeting, host, ours), nil
}
