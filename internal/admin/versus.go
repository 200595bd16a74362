package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// MeetingSide is a meeting as one of two that are compared, from what is recorded.
func MeetingSide(ctx context.Context, s *store.Store, account string, number int64) (passcode.Side, error) {
	st, err := s.Story(ctx, account, number)
	if errors.Is(err, store.ErrNotFound) {
		return passcode.Side{}, unknown(ctx, s, account, number)
	}
	if err != nil {
		return passcode.Side{}, err
	}
	levels, err := levelsOf(ctx, s, st.Host)
	if err != nil {
		return passcode.Side{}, err
	}
	m := st.Meeting
	side := passcode.Side{Name: fmt.Sprint("meeting ", number), Facts: passcode.Facts{Meeting: m.Meeting, Host: levels.Host()}, Asks: m.Passcode, Why: m.Reasons}
	if m.Outcome == "" || m.Outcome == passcode.OutcomeUnknown || m.MustRead && m.ObservedAt.IsZero() {
		side.Asks = passcode.Unknown
	}
	if n := len(st.Repairs); n > 0 && side.Asks == passcode.Off {
		if last := st.Repairs[n-1]; last.Remedy == passcode.RemedyClear && last.Result == store.RepairHeld {
			side.Removed, side.Why = true, last.Reasons
		}
	}
	return side, nil
}

// HostSide is a host as one of two that are compared: would their next meeting,
// made without a word about passcodes, ask for one?
func HostSide(ctx context.Context, s *store.Store, account, name string) (passcode.Side, error) {
	row, known, err := HostSettings(ctx, s, account, name)
	if err != nil {
		return passcode.Side{}, err
	}
	f := passcode.ForecastFor(known)
	side := passcode.Side{Name: "the next meeting of " + cmp.Or(row.Email, row.ID), Facts: passcode.Facts{Host: known}, Asks: f.Scheduled.Passcode}
	if !row.CanHost {
		side.Asks = passcode.Unknown // there is no next one
	}
	if f.Scheduled.Reason.Code != "" {
		side.Why = []passcode.Reason{f.Scheduled.Reason}
	}
	return side, nil
}
