package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/app"
	"latchkey/internal/config"
	"latchkey/internal/store"
)

func undoAlignmentCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "undo-alignment <host's e-mail or id>",
		Short: "Restore the host settings that align_hosts changed",
		Long:  "Puts back, at Zoom, every setting of the host that latchkey changed because a policy says align_hosts.\nIt needs the Zoom credentials that the worker has. latchkey does not align these settings again.",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				h, err := admin.Forecast(ctx, s, "", args[0])
				if err != nil {
					return err
				}
				c, err := config.Load(withSecrets(pick([]string{"NATS_URL=nats://unused:4222", "DATABASE_URL=postgres://unused/unused"}, policyKeys...)), config.Worker)
				if err != nil {
					return err
				}
				api, ok := app.ZoomFor(c, h.AccountID)
				if !ok {
					return fmt.Errorf("account %s of host %s is not configured: set ZOOM_ACCOUNT_ID, ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET, or LATCHKEY_CONFIG", h.AccountID, args[0])
				}
				defer api.Close()
				undone, err := admin.UndoAlignments(ctx, s, api, h.AccountID, h.ID)
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
