package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

func whatIfCommand() *cobra.Command {
	var account, group, host string
	var sets []string
	cmd := &cobra.Command{
		Use:   "what-if --account|--group|--host ID --set passcode=on,locked",
		Short: "Say which known hosts and upcoming meetings a change of a setting would touch; changes nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var changes []passcode.Change
			var change passcode.Change
			for _, set := range sets {
				c, err := passcode.ParseChange(set)
				if err != nil {
					return err
				}
				if slices.ContainsFunc(changes, func(other passcode.Change) bool { return other.Key == c.Key }) {
					return fmt.Errorf("--set %s: that setting is changed twice", set)
				}
				changes = append(changes, c)
			}
			for level, id := range map[passcode.Level]string{passcode.LevelAccount: account, passcode.LevelGroup: group, passcode.LevelHost: host} {
				if id != "" {
					change.Level, change.ID = level, id
				}
			}
			if change.ID == "" {
				return errors.New("--account, --group or --host is empty: want an id")
			}
			for i := range changes {
				changes[i].Level, changes[i].ID = change.Level, change.ID
				if change.Level == passcode.LevelHost && changes[i].Lock != passcode.Unknown {
					return fmt.Errorf("%q: a host cannot lock a setting, only a group or an account can", sets[i])
				}
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error { return whatIf(ctx, cmd, s, changes) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&account, "account", "", "the account whose setting would change")
	f.StringVar(&group, "group", "", "the group whose setting would change, by name or id")
	f.StringVar(&host, "host", "", "the host whose setting would change, by e-mail or id")
	f.StringArrayVar(&sets, "set", nil, "SETTING=on|off[,locked|,unlocked]; SETTING: passcode, instant, scheduled, pmi, waiting-room, authentication, auto-security; several times for several settings")
	cmd.MarkFlagsOneRequired("account", "group", "host")
	cmd.MarkFlagsMutuallyExclusive("account", "group", "host")
	_ = cmd.MarkFlagRequired("set")
	return cmd
}

func whatIf(ctx context.Context, cmd *cobra.Command, s *store.Store, changes []passcode.Change) error {
	c, err := config.Load(withSecrets(pick([]string{"DATABASE_URL=postgres://unused/unused"}, policyKeys...)), config.Admin)
	if err != nil {
		return err
	}
	all, err := admin.WhatIf(ctx, s, changes, app.RuleOf(c), time.Now())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Of %d known hosts and %d upcoming meetings, %d hosts would change.\n", all.Hosts, all.Meetings, len(all.Changed))
	fmt.Fprintf(out, "%s more would demand a passcode, %s no longer; of %s latchkey could not remove it any more.\n",
		admin.Counted(all.MoreDemand, "meeting"), admin.Counted(all.FewerDemand, "meeting"), admin.Counted(all.NoLongerRepairable, "meeting"))
	for _, h := range all.Changed {
		perhaps := ""
		if h.Perhaps {
			perhaps = " (only if they never chose their own value: an unlocked setting is a default)"
		}
		fmt.Fprintf(out, "\n%s %s%s\n", h.Host.Email, h.Host.ID, perhaps)
		if h.Before.Signature() != h.After.Signature() {
			fmt.Fprintf(out, "  forecast now:   %s\n  forecast then:  %s\n", h.Before.Sentence(), h.After.Sentence())
		}
		for _, m := range h.Meetings {
			fmt.Fprintf(out, "  meeting %d: %s, %s -> %s, %s\n    %s\n", m.Meeting.ID, m.Before.Outcome, m.Before.Remedy, m.After.Outcome, m.After.Remedy, m.After.Sentence())
		}
	}
	return nil
}
