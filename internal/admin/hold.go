package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/internal/invite"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

// HoldOf reads what is to be held or released: "all", an account that latchkey
// knows, a host by e-mail or id, or a meeting by its number, a link to it or its
// invitation. account, if not "", says whose. The words name it in a sentence.
func HoldOf(ctx context.Context, s *store.Store, account, what string) (all []store.Hold, words string, err error) {
	one := func(h store.Hold, words string) ([]store.Hold, string, error) { return []store.Hold{h}, words, nil }
	if account != "" && (what == "all" || what == account) {
		return nil, "", errors.New("--account says whose meeting or host is meant: for all of an account name the account itself, without --account")
	}
	if what == "all" {
		return one(store.Hold{Kind: passcode.HoldAll}, "everything")
	}
	a, err := s.Account(ctx, what)
	if err != nil {
		return nil, "", err
	}
	if !a.ReadAt.IsZero() || a.Generation > 0 { // it is known
		if account != "" {
			return nil, "", fmt.Errorf("%s is an account of its own, and --account names %s", what, account)
		}
		return one(store.Hold{Kind: passcode.HoldAccount, AccountID: a.ID, ID: a.ID}, "account "+a.ID)
	}
	host, err := Forecast(ctx, s, account, what)
	var unknownHost *UnknownHostError
	switch {
	case err == nil:
		return one(store.Hold{Kind: passcode.HoldHost, AccountID: host.AccountID, ID: host.ID}, "host "+hostName(host))
	case !errors.As(err, &unknownHost):
		return nil, "", err
	}
	in, bad := invite.Read(what)
	if bad != nil {
		if strings.Contains(what, "@") {
			return nil, "", err
		}
		return nil, "", fmt.Errorf("want all, an account's id, a host's e-mail or id, or a meeting: %w", bad)
	}
	meetings, err := s.MeetingsNumbered(ctx, in.Number)
	if err != nil {
		return nil, "", err
	}
	meetings = slices.DeleteFunc(meetings, func(m store.Meeting) bool { return account != "" && m.AccountID != account })
	if len(meetings) == 0 {
		return nil, "", unknown(ctx, s, account, in.Number)
	}
	if accounts := claimants(meetings); len(accounts) > 1 {
		return nil, "", &AmbiguousError{Number: in.Number, Accounts: accounts}
	}
	// Several may run under one personal meeting id.
	var numbers []string
	for _, m := range meetings {
		if m.AccountID == meetings[0].AccountID && (m.Status != passcode.StatusDeleted || len(meetings) == 1) {
			all = append(all, store.Hold{Kind: passcode.HoldMeeting, AccountID: m.AccountID, ID: fmt.Sprint(m.ID)})
			numbers = append(numbers, fmt.Sprint(m.ID))
		}
	}
	if len(all) == 0 {
		return nil, "", fmt.Errorf("meeting %d was deleted", in.Number)
	}
	return all, "meeting " + strings.Join(numbers, " and "), nil
}

func hostName(h store.Host) string {
	if h.Email != "" {
		return h.Email
	}
	return h.ID
}
