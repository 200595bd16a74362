package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"latchkey/internal/admin"
	"latchkey/internal/store"
)

func passcodeCommand() *cobra.Command {
	var account string
	cmd := &cobra.Command{
		Use:   "passcode <meeting id, link or invitation, or - for standard input>",
		Short: "Print the passcode that Zoom insists on, to pass to ZoomMtg.join({passWord})",
		Long: "Prints the passcode of a meeting on standard output, and nothing else there. A meeting that has\n" +
			"none prints an empty line, which is what ZoomMtg.join wants then. Where it may be another by now,\n" +
			"since something happened and Zoom could not be read, standard error says so.",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := pasted(cmd, args)
			if err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				p, doubt, err := admin.Passcode(ctx, s, account, in.Number)
				if doubt != "" {
					fmt.Fprintln(cmd.ErrOrStderr(), doubt)
				}
				if err == nil {
					fmt.Fprintln(cmd.OutOrStdout(), p.Reveal())
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&account, "account", "", "the account of the meeting, where several have one of that number")
	return cmd
}
