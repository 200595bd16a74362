package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/store"
)

func holdCommand() *cobra.Command {
	var reason, until, by, account string
	cmd := &cobra.Command{
		Use:   "hold <meeting, host's e-mail, account or all>",
		Short: "Leave a meeting, a host's, an account's or all meetings as they are: they are explained and not changed",
		Long: "From now on no worker begins a change of what is held; it is observed, explained and alerted all the\n" +
			"same. A change that a worker had begun is finished. It works without a restart, and again\n" +
			"with another reason or time.",
		Example: "  latchkey hold all --reason 'incident 4711' --until 2h\n  latchkey hold 857 4606 5432 --reason 'the customer asked'",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			end, err := toCome(until, time.Now())
			if err != nil {
				return fmt.Errorf("--until: %w", err)
			}
			if strings.TrimSpace(reason) == "" {
				return errors.New("--reason is empty: whoever finds the meetings unrepaired reads it")
			}
			if len(reason) > 500 || !utf8.ValidString(reason+by) || strings.ContainsFunc(reason+by, func(r rune) bool { return r < ' ' }) {
				return errors.New("--reason and --by: want one line each, of at most 500 characters")
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				all, words, err := admin.HoldOf(ctx, s, account, strings.Join(args, " "))
				if err != nil {
					return err
				}
				n := int64(0)
				for _, h := range all {
					h.Reason, h.By, h.Until = reason, cmp.Or(by, whoami()), end
					found, err := s.Hold(ctx, h)
					if err != nil {
						return err
					}
					n += found
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is held%s; meetings: %d to be explained anew\n", words, untilWords(end), n)
				}
				return err
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "why (required); explain and alerts say it")
	f.StringVar(&until, "until", "", "a duration such as 2h, or a time such as 2026-11-26T08:00:00Z; without it until it is released")
	f.StringVar(&by, "by", "", "who says so (default: whoever is logged in)")
	f.StringVar(&account, "account", "", "the account, where several have a meeting or host of that name")
	return cmd
}

func releaseCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "release <meeting, host's e-mail, account or all>",
		Short: "End a hold: what it kept from being repaired is checked at once",
		Args:  cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				all, words, err := admin.HoldOf(ctx, s, account, strings.Join(args, " "))
				if err != nil {
					return err
				}
				n, released := int64(0), false
				for _, h := range all {
					found, err := s.Release(ctx, h)
					if err != nil && !errors.Is(err, store.ErrNotFound) {
						return err
					}
					n, released = n+found, released || err == nil
				}
				if !released {
					return fmt.Errorf("%s is not held: `latchkey holds` lists what is", words)
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is released; meetings: %d to be checked now\n", words, n)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account, where several have a meeting or host of that name")
	return cmd
}

func holdsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "holds",
		Short: "List what is held, why, by whom and until when",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				all, err := s.Holds(ctx)
				if err != nil {
					return err
				}
				if asJSON {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
				}
				for _, h := range all {
					what := strings.TrimSpace(string(h.Kind) + " " + h.ID)
					fmt.Fprintf(cmd.OutOrStdout(), "%-24s since %s%s, by %s: %s\n", what, clock(h.At), untilWords(h.Until), h.By, h.Reason)
				}
				if len(all) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "nothing is held")
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// toCome reads a duration from now or a time to come; the zero time for "".
func toCome(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if d, derr := time.ParseDuration(s); derr == nil {
		at, err = now.Add(d), nil
	}
	switch {
	case err != nil:
		return at, fmt.Errorf("%q: want a duration such as 2h, or a time such as 2026-11-26T08:00:00Z", s)
	case !at.After(now):
		return at, fmt.Errorf("%q is not in the future", s)
	case at.Year() > 9999:
		return at, fmt.Errorf("%q is too far ahead", s)
	}
	return at, nil
}

func untilWords(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + clock(t)
}

// whoami is who runs the command, as far as the machine knows.
func whoami() string {
	name := "somebody"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}
