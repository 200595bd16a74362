package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/store"
)

func whatIfCommand() *cobra.Command {
	var account, group, host, set string
	cmd := &cobra.Command{
		Use:   "what-if --account|--group|--host ID --set passcode=on,locked",
		Short: "Say which known hosts and upcoming meetings a change of a setting would touch; changes nothing",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			change, err := passcode.ParseChange(set)
			if err != nil {
				return err
			}
			for level, id := range map[passcode.Level]string{passcode.LevelAccount: account, passcode.LevelGroup: group, passcode.LevelHost: host} {
				if id != "" {
					change.Level, change.ID = level, id
				}
			}
			if change.ID == "" {
				return errors.New("--account, --group or --host is empty: want an id")
			}
			if change.Level == passcode.LevelHost && change.Lock != passcode.Unknown {
				return fmt.Errorf("%q: a host cannot lock a setting, only a group or an account can", set)
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error { return whatIf(ctx, cmd, s, change) })
		},
	}
	f := cmd.Flags()
	f.StringVar(&account, "account", "", "the account whose setting would change")
	f.StringVar(&group, "group", "", "the group whose setting would change")
	f.StringVar(&host, "host", "", "the host whose setting would change, by e-mail or id")
	f.StringVar(&set, "set", "", "SETTING=on|off[,locked|,unlocked]; SETTING: passcode, instant, scheduled, pmi, waiting-room, authentication, auto-security")
	cmd.MarkFlagsOneRequired("account", "group", "host")
	cmd.MarkFlagsMutuallyExclusive("account", "group", "host")
	_ = cmd.MarkFlagRequired("set")
	return cmd
}

func whatIf(ctx context.Context, cmd *cobra.Command, s *store.Store, change passcode.Change) error {
	c, err := config.Load(withSecrets(pick([]string{"DATABASE_URL=postgres://unused/unused"}, policyKeys...)), config.Admin)
	if err != nil {
		return err
	}
	all, err := admin.WhatIf(ctx, s, change, app.RuleOf(c), time.Now())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Of %d known hosts and %d upcoming meetings, %d hosts would change.\n", all.Hosts, all.Meetings, len(all.Changed))
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
