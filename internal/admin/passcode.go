package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/passcode"
	"latchkey/internal/secret"
	"latchkey/internal/store"
)

// AmbiguousError is returned for a number that meetings of several accounts
// answer to, so that nobody can say whose passcode is meant.
type AmbiguousError struct {
	Number   int64
	Accounts []string
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("accounts %s each have a meeting %d: say which with --account", strings.Join(e.Accounts, " and "), e.Number)
}

// Passcode returns the passcode of the meeting that answers to a number, its own
// or the personal meeting id that it runs under; "" when joiners are asked for
// none. account, if not "", says whose meeting is meant. The doubt, if not "", says
// why it may be another by now.
func Passcode(ctx context.Context, s *store.Store, account string, number int64) (p secret.String, doubtful string, err error) {
	all, err := s.MeetingsNumbered(ctx, number)
	if err != nil {
		return "", "", err
	}
	all = slices.DeleteFunc(all, func(m store.Meeting) bool { return account != "" && m.AccountID != account })
	if len(all) == 0 {
		return "", "", unknown(ctx, s, account, number)
	}
	m := all[0]
	if m.NotFound && (m.ObservedAt.IsZero() || m.Status == passcode.StatusDeleted) {
		return "", "", fmt.Errorf("the passcode of meeting %d is not known: Zoom does not know this meeting", number)
	}
	if there := claimants(all); len(there) > 1 {
		return "", "", &AmbiguousError{Number: number, Accounts: there}
	}
	stored, err := s.Passcode(ctx, m.AccountID, m.ID)
	switch {
	case m.Outcome == passcode.OutcomeGone || m.Status == passcode.StatusDeleted:
		return "", "", fmt.Errorf("meeting %d has no passcode: %s", number, m.Why)
	case err == nil && m.Type.IsWebinar():
		return stored.Value, "This number is a webinar's, which latchkey leaves alone: its passcode may be another by now.", nil
	case err == nil:
		return stored.Value, doubt(m), nil
	case !errors.Is(err, store.ErrNotFound):
		return "", "", err
	case m.Outcome == passcode.OutcomeJoinable || m.Outcome == passcode.OutcomeUnsecured:
		return "", doubt(m), nil
	}
	why := m.Why
	if why == "" {
		why = "it has not been checked yet"
	}
	return "", "", fmt.Errorf("the passcode of meeting %d is not known: %s", number, why)
}

// claimants are the accounts whose meetings of the number are there, as far as
// is known.
func claimants(all []store.Meeting) []string {
	var accounts []string
	for _, m := range all {
		if m.Status != passcode.StatusDeleted && !m.NotFound && !(m.MustRead && m.ObservedAt.IsZero()) && !slices.Contains(accounts, m.AccountID) {
			accounts = append(accounts, m.AccountID)
		}
	}
	return accounts
}
