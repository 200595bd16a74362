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
func HoldOf(ctx context.Context, s *store.Store, account, what string) (h store.Hold, words string, err error) {
	if what == "all" {
		return store.Hold{Kind: passcode.HoldAll}, "everything", nil
	}
	a, err := s.Account(ctx, what)
	if err != nil {
		return h, "", err
	}
	if !a.ReadAt.IsZero() || a.Generation > 0 { // it is known
		return store.Hold{Kind: passcode.HoldAccount, AccountID: a.ID, ID: a.ID}, "account " + a.ID, nil
	}
	host, err := Forecast(ctx, s, account, what)
	var unknownHost *UnknownHostError
	switch {
	case err == nil:
		return store.Hold{Kind: passcode.HoldHost, AccountID: host.AccountID, ID: host.ID}, "host " + hostName(host), nil
	case !errors.As(err, &unknownHost):
		return h, "", err
	}
	in, bad := invite.Read(what)
	if bad != nil {
		if strings.Contains(what, "@") {
			return h, "", err
		}
		return h, "", fmt.Errorf("want all, an account's id, a host's e-mail or id, or a meeting: %w", bad)
	}
	all, err := s.MeetingsNumbered(ctx, in.Number)
	if err != nil {
		return h, "", err
	}
	all = slices.DeleteFunc(all, func(m store.Meeting) bool { return account != "" && m.AccountID != account })
	if len(all) == 0 {
		return h, "", unknown(ctx, s, account, in.Number)
	}
	if accounts := claimants(all); len(accounts) > 1 {
		return h, "", &AmbiguousError{Number: in.Number, Accounts: accounts}
	}
	m := all[0]
	return store.Hold{Kind: passcode.HoldMeeting, AccountID: m.AccountID, ID: fmt.Sprint(m.ID)}, fmt.Sprintf("meeting %d", m.ID), nil
}

func hostName(h store.Host) string {
	if h.Email != "" {
		return h.Email
	}
	return h.ID
}
