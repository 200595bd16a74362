package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/passcode"
	"latchkey/internal/reconcile"
	"latchkey/internal/store"
)

func forecastCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "forecast <host's e-mail or id>",
		Short: "Say whether a host's next meetings would demand a passcode, and why",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, err := s.HostNamed(ctx, args[0])
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("latchkey never heard of host %s: none of their meetings or settings was in an event yet", args[0])
				}
				if err != nil {
					return err
				}
				if h.ForecastWhy == "" {
					return fmt.Errorf("host %s was not read yet; last trouble: %s", args[0], orNone(h.LastError))
				}
				out := cmd.OutOrStdout()
				if asJSON {
					return json.NewEncoder(out).Encode(map[string]any{"host_id": h.ID, "email": h.Email, "why": h.ForecastWhy, "forecast": h.Forecast, "read_at": h.ReadAt})
				}
				fmt.Fprintf(out, "%s\n\nhost      %s %s\n", h.ForecastWhy, h.Email, h.ID)
				if !h.ReadAt.IsZero() {
					fmt.Fprintf(out, "read      %s\n", clock(h.ReadAt))
				}
				for _, e := range []passcode.Expectation{h.Forecast.Scheduled, h.Forecast.PMI, h.Forecast.Already} {
					if who := e.Reason.WhoCanChange(); e.Reason.Code != "" && who != "" {
						fmt.Fprintf(out, "%s: %s\n", e.Reason.Path, who)
					}
				}
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

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
	f.StringVar(&set, "set", "", "SETTING=on|off[,locked|,unlocked]; SETTING: passcode, scheduled, pmi, waiting-room, authentication, auto-security")
	cmd.MarkFlagsOneRequired("account", "group", "host")
	cmd.MarkFlagsMutuallyExclusive("account", "group", "host")
	_ = cmd.MarkFlagRequired("set")
	return cmd
}

func whatIf(ctx context.Context, cmd *cobra.Command, s *store.Store, change passcode.Change) error {
	c, err := config.Load(pick([]string{"DATABASE_URL=postgres://unused/unused"}, policyKeys...), config.Admin)
	if err != nil {
		return err
	}
	changed, hosts, meetings, err := reconcile.Suppose(ctx, s, change, app.RuleOf(c), time.Now())
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Of %d known hosts and %d upcoming meetings, %d hosts would change.\n", hosts, meetings, len(changed))
	for _, h := range changed {
		fmt.Fprintf(out, "\n%s %s\n", h.Host.Email, h.Host.ID)
		if before, after := h.Before.Sentence(), h.After.Sentence(); before != after {
			fmt.Fprintf(out, "  forecast now:   %s\n  forecast then:  %s\n", before, after)
		}
		for _, m := range h.Meetings {
			fmt.Fprintf(out, "  meeting %d: %s, %s -> %s, %s\n    %s\n", m.Meeting.ID, m.Before.Outcome, m.Before.Remedy, m.After.Outcome, m.After.Remedy, m.After.Sentence())
		}
	}
	return nil
}

func undoAlignmentCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo-alignment <host's e-mail or id>",
		Short: "Put a host's settings back that align_hosts changed",
		Long:  "Puts back, at Zoom, every setting of the host that latchkey changed because a policy says align_hosts.\nIt needs the Zoom credentials that the worker has. latchkey does not align these settings again.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, err := s.HostNamed(ctx, args[0])
				if err != nil {
					return err
				}
				c, err := config.Load(pick([]string{"NATS_URL=nats://unused:4222", "DATABASE_URL=postgres://unused/unused"}, policyKeys...), config.Worker)
				if err != nil {
					return err
				}
				api, ok := app.ZoomFor(c, h.AccountID)
				if !ok {
					return fmt.Errorf("account %s of host %s is not configured: set ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, or LATCHKEY_CONFIG", h.AccountID, args[0])
				}
				defer api.Close()
				undone, err := reconcile.UndoAlignments(ctx, s, api, h.ID, time.Now)
				for _, a := range undone {
					fmt.Fprintf(cmd.OutOrStdout(), "%s is %s again\n", a.Setting, a.Before)
				}
				if err == nil && len(undone) == 0 {
					fmt.Fprintln(cmd.OutOrStdout(), "nothing to undo: no setting of this host was aligned")
				}
				return err
			})
		},
	}
}
